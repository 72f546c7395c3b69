// SPDX-License-Identifier: Apache-2.0
// Getting through: plain pages that take nothing but the TCP candidates of an answer publish and play, on
// each of the workers, through one port; and so do those that have IPv6 alone.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { acceptCall, AGENT, BUYER, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { play, publish, route } from './support/whip.mjs';

const TAG = 0x7c;
let louped;
let site;
let origin;
const browsers = {};

before(async () => {
  site = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Elsewhere</title><video id="v" autoplay playsinline></video>');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  origin = `http://127.0.0.1:${site.address().port}`;
  louped = await startLouped('--allowed-origins', origin, '--media-tcp', '127.0.0.1:0', '--workers', '2');
  for (const kind of KINDS) browsers[kind] = await launch(kind, { hertz: 600 });
});

after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  site?.close();
  await louped?.stop();
});

const plainPage = async (t, kind) => {
  const page = await browsers[kind].open({ script: lensScript({ tag: TAG, hertz: 600 }) });
  t.after(() => page.close());
  await page.goto(origin);
  return page;
};

async function shows(page) {
  await page.until('the picture', (tag) => window.lens.seen('#v')?.tag === tag, TAG);
  await page.until('the sound', async () => (await window.lens.received()).audioEnergy > 0);
  const { framesDecoded } = await page.received();
  await page.until('more pictures', async (n) => (await window.lens.received()).framesDecoded > n + 50, framesDecoded);
}

const tcpPort = () => Number(louped.process.mediaTcp.split(':').at(-1));

for (const [from, to] of [['chromium', 'firefox'], ['firefox', 'chromium']]) {
  test(`over TCP alone, from ${from} to ${to}`, { timeout: 60_000 }, async (t) => {
    const { room } = await louped.newCase();
    const publisher = await plainPage(t, from);
    const viewer = await plainPage(t, to);
    const token = tokens.agent(`camera-${from}`);
    const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token, keep: 'tcp' });
    assert.equal(sent.status, 201, sent.text);
    assert.match(sent.text, /^a=candidate:1 1 udp /m);
    assert.match(sent.text, new RegExp(`^a=candidate:2 1 tcp \\d+ 127.0.0.1 ${tcpPort()} typ host tcptype passive`, 'm'));
    const wish = { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye'), keep: 'tcp' };
    const played = await viewer.evaluate(play, wish);
    assert.equal(played.status, 201, played.text);
    await shows(viewer);
    for (const page of [publisher, viewer]) {
      const used = await page.evaluate(route);
      assert.equal(used.protocol, 'tcp', JSON.stringify(used));
      assert.equal(used.port, tcpPort());
    }
    const { packetsLost } = await viewer.received();
    assert.equal(packetsLost, 0);
  });
}

for (const [from, to, keep] of [['chromium', 'firefox', 'udp'], ['firefox', 'chromium', 'tcp']]) {
  test(`over IPv6 and ${keep}, from ${from} to ${to}`, { timeout: 60_000 }, async (t) => {
    // One socket for both families; only the IPv6 address is announced.
    const six = await startLouped('--allowed-origins', origin, '--media', '[::]:0', '--media-tcp', '[::]:0',
      '--public-address', '::1');
    t.after(() => six.stop());
    const { room } = await six.newCase();
    const publisher = await plainPage(t, from);
    const viewer = await plainPage(t, to);
    const token = tokens.agent(`camera-${from}`);
    const sent = await publisher.evaluate(publish, { url: `${six.url}/whip/${room}`, token, keep });
    assert.equal(sent.status, 201, sent.text);
    const wish = { url: `${six.url}/whep/${room}`, token: tokens.agent('eye'), keep };
    const played = await viewer.evaluate(play, wish);
    assert.equal(played.status, 201, played.text);
    await shows(viewer);
    for (const page of [publisher, viewer]) {
      const used = await page.evaluate(route);
      assert.equal(used.address, '::1', JSON.stringify(used));
      assert.equal(used.protocol, keep);
    }
  });
}

test('pages, signalling and media through one TCP port', { timeout: 60_000 }, async (t) => {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const at = `127.0.0.1:${spare.address().port}`;
  spare.close();
  const shared = await startLouped('--http', at, '--media-tcp', at, '--workers', '2');
  t.after(() => shared.stop());
  assert.equal(shared.process.mediaTcp, at);
  const desk = await openDesk(browsers.chromium, shared, { script: lensScript({ ...AGENT, keep: 'tcp' }) });
  t.after(() => desk.close());
  await takeCalls(desk);
  const script = lensScript({ ...BUYER, keep: 'tcp' });
  const buyer = await openBuyer(browsers.firefox, shared, await shared.newCase(), { script });
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  for (const page of [desk, buyer]) {
    const used = await page.until('a route', route);
    assert.deepEqual([used.protocol, `${used.address}:${used.port}`], ['tcp', at], JSON.stringify(used));
  }
});

test('UDP is preferred where both work', { timeout: 60_000 }, async (t) => {
  const { room } = await louped.newCase();
  const publisher = await plainPage(t, 'chromium');
  const token = tokens.agent('camera-both');
  const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token });
  assert.equal(sent.status, 201, sent.text);
  const used = await publisher.until('a route', route);
  assert.equal(used.protocol, 'udp', JSON.stringify(used));
});
