// SPDX-License-Identifier: Apache-2.0
// Simulcast as real browsers send it: a plain page publishes three encodings, and whoever watches is given
// the best of those that flow, in one unbroken picture while they come and go.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { play, publish } from './support/whip.mjs';

const TAG = 0xa7;
const ENCODINGS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
];
let louped;
let site;
let origin;
let viewers;
const publishers = {};

before(async () => {
  site = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Elsewhere</title><video id="v" autoplay playsinline></video>');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  origin = `http://127.0.0.1:${site.address().port}`;
  louped = await startLouped('--allowed-origins', origin);
  viewers = await launch('chromium');
  for (const kind of KINDS) publishers[kind] = await launch(kind, { hertz: 600 });
});

after(async () => {
  for (const browser of [viewers, ...Object.values(publishers)]) await browser?.close();
  site?.close();
  await louped?.stop();
});

async function plainPage(t, browser) {
  const page = await browser.open({ script: lensScript({ tag: TAG, hertz: 600, width: 960, height: 540 }) });
  t.after(() => page.close());
  await page.goto(origin);
  return page;
}

/** In the page: what is sent of each encoding, by rid: [packets, width]. */
async function sent() {
  const found = {};
  for (const entry of (await window.lens.peers.at(-1).getStats()).values()) {
    if (entry.type === 'outbound-rtp' && entry.rid) found[entry.rid] = [entry.packetsSent, entry.frameWidth];
  }
  return found;
}

/** In the page: switches encodings on and off. */
async function switchTo(active) {
  const sender = window.lens.peers.at(-1).getSenders().find(({ track }) => track?.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings.forEach((encoding, i) => Object.assign(encoding, { active: active[i] }));
  await sender.setParameters(parameters);
}

/** A path's estimate grows step by step, and on a busy machine starts over now and then. */
const wide = (page, wanted) =>
  page.until(`a picture ${wanted} wide`, (size) => document.querySelector('#v').videoWidth === size, wanted, 30_000);
const width = () => document.querySelector('#v').videoWidth;
const freezes = async () => {
  for (const entry of (await window.lens.peers.at(-1).getStats()).values()) {
    if (entry.type === 'inbound-rtp' && entry.kind === 'video') {
      return { count: entry.freezeCount, seconds: entry.totalFreezesDuration, plis: entry.pliCount, keys: entry.keyFramesDecoded };
    }
  }
  return null;
};

for (const kind of KINDS) {
  test(`three encodings from ${kind}`, { timeout: 150_000 }, async (t) => {
    const { room } = await louped.newCase();
    const publisher = await plainPage(t, publishers[kind]);
    const viewer = await plainPage(t, viewers);
    const answer = await publisher.evaluate(publish, {
      url: `${louped.url}/whip/${room}`, token: tokens.agent(`camera-${kind}`), encodings: ENCODINGS,
    });
    assert.equal(answer.status, 201, answer.text);
    assert.match(answer.text, /a=simulcast:recv q;h;f\r\n/);
    const played = await viewer.evaluate(play, { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye') });
    assert.equal(played.status, 201, played.text);
    await viewer.until('the picture', (tag) => window.lens.seen('#v')?.tag === tag, TAG);
    t.diagnostic(`first ${await viewer.evaluate(width)} wide`);
    await wide(viewer, 960);
    const all = await publisher.evaluate(sent);
    t.diagnostic(`sent ${JSON.stringify(all)}`);
    for (const { rid } of ENCODINGS) assert.ok(all[rid][0] > 0, `${rid}: ${all[rid]}`);

    await publisher.evaluate(switchTo, [true, true, false]);
    await wide(viewer, 480);
    await publisher.evaluate(switchTo, [true, false, false]);
    await wide(viewer, 240);
    await publisher.evaluate(switchTo, [true, true, true]);
    await wide(viewer, 960);
    assert.equal(await viewer.evaluate(() => window.lens.seen('#v')?.tag), TAG);
    const seen = await viewer.evaluate(freezes);
    t.diagnostic(`frozen ${JSON.stringify(seen)}`);
    assert.ok(seen.seconds < 4, `frozen for ${seen.seconds} s`);
    assert.deepEqual([...viewer.errors, ...publisher.errors], []);
  });
}
