// SPDX-License-Identifier: Apache-2.0
// ICE restarts in browsers: the pages find out that their network is gone and come back on the same peer
// connection; a plain WHIP or WHEP client does it by PATCH (RFC 9725, 4.3).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { RELAY_ADDRESS, UdpRelay } from './support/udp.mjs';
import { play, publish } from './support/whip.mjs';

const TAG = 0x61;
let louped;
let relay;
const browsers = {};

before(async () => {
  louped = await startLouped('--public-address', RELAY_ADDRESS);
  relay = await new UdpRelay().listen(louped.media);
  for (const kind of KINDS) browsers[kind] = await launch(kind);
});

after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  relay?.close();
  await louped?.stop();
});

/** More pictures than are there now, within a time; gives the time it took. */
async function goesOn(page, withinMs) {
  const begun = Date.now();
  const { framesDecoded } = await page.received();
  await page.until('more pictures', async (n) => (await window.lens.received()).framesDecoded > n + 10,
    framesDecoded, withinMs);
  return Date.now() - begun;
}

for (const kind of KINDS) {
  test(`a buyer in ${kind} whose network changes`, { timeout: 120_000 }, async (t) => {
    const one = await louped.newCase();
    const desk = await openDesk(browsers.chromium, louped, { token: tokens.agent(`agent-${kind}`) });
    t.after(() => desk.close());
    await takeCalls(desk);
    const buyer = await openBuyer(browsers[kind], louped, one);
    t.after(() => buyer.close());
    await acceptCall(desk, buyer);
    const peers = await buyer.evaluate(() => window.lens.peers.length);

    relay.forget();
    await buyer.evaluate(() => window.dispatchEvent(new Event('online')));
    await desk.evaluate(() => window.dispatchEvent(new Event('online')));
    t.diagnostic(`told of it by the browser: back in ${await goesOn(buyer, 8000)} ms`);
    await goesOn(desk, 8000);

    relay.forget();
    t.diagnostic(`not told: back in ${await goesOn(buyer, 25_000)} ms`);
    await goesOn(desk, 25_000);
    assert.equal(await buyer.evaluate(() => window.lens.peers.length), peers, 'the same peer connection');
  });
}

/** In the page: the fragment of an ICE restart, and what the newest connection needs to take its answer. */
async function offerRestart() {
  const peer = window.lens.peers.at(-1);
  window.before = peer.remoteDescription.sdp;
  await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
  const lines = peer.localDescription.sdp.split('\r\n');
  const first = (prefix) => lines.find((line) => line.startsWith(prefix));
  return [first('a=group:'), first('m='), first('a=mid:'), first('a=ice-ufrag:'), first('a=ice-pwd:'), '']
    .join('\r\n');
}

/** In the page: takes the answered fragment. */
async function takeRestart(fragment) {
  const value = (name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(fragment)[1].trim();
  const sdp = window.before
    .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${value('ice-ufrag')}`)
    .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${value('ice-pwd')}`);
  await window.lens.peers.at(-1).setRemoteDescription({ type: 'answer', sdp });
}

async function plainPage(t, kind) {
  const page = await browsers[kind].open({ script: lensScript({ tag: TAG, hertz: 600 }) });
  t.after(() => page.close());
  await page.goto(`${louped.url}/healthz`);
  await page.evaluate(() => {
    document.body.innerHTML = '<video id="v" autoplay playsinline></video>';
  });
  return page;
}

function patcher(location, token) {
  return (body, headers) => fetch(new URL(location, louped.url), {
    method: 'PATCH', body, headers: {
      Authorization: `Bearer ${token}`, 'Content-Type': 'application/trickle-ice-sdpfrag', ...headers,
    },
  });
}

for (const [kind, other] of [['chromium', 'firefox'], ['firefox', 'chromium']]) {
  test(`a WHIP session in ${kind} and a WHEP session in ${other} restart by PATCH`, { timeout: 90_000 }, async (t) => {
    const { room } = await louped.newCase();
    const publisher = await plainPage(t, kind);
    const viewer = await plainPage(t, other);
    const [camera, eye] = [tokens.agent(`camera-${kind}`), tokens.agent('eye')];
    const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token: camera });
    assert.equal(sent.status, 201, sent.text);
    const played = await viewer.evaluate(play, { url: `${louped.url}/whep/${room}`, token: eye });
    assert.equal(played.status, 201, played.text);
    await viewer.until('the picture', (tag) => window.lens.seen('#v')?.tag === tag, TAG);

    relay.forget();
    for (const [page, { location, etag, text }, token] of [[publisher, sent, camera], [viewer, played, eye]]) {
      const patch = patcher(location, token);
      const candidate = 'a=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 4000 typ host\r\n';
      assert.equal((await patch(candidate, { 'If-Match': etag })).status, 204);
      const fragment = await page.evaluate(offerRestart);
      assert.equal((await patch(fragment, {})).status, 428);
      assert.equal((await patch(fragment, { 'If-Match': '"another"' })).status, 412);
      const restarted = await patch(fragment, { 'If-Match': '*' });
      assert.equal(restarted.status, 200);
      assert.match(restarted.headers.get('Content-Type'), /^application\/trickle-ice-sdpfrag/);
      assert.notEqual(restarted.headers.get('ETag'), etag);
      const answer = await restarted.text();
      const ufrag = (sdp) => /^a=ice-ufrag:(\S+)/m.exec(sdp)[1];
      assert.notEqual(ufrag(answer), ufrag(text));
      assert.equal((await patch(candidate, { 'If-Match': etag })).status, 412, 'of the session before');
      await page.evaluate(takeRestart, answer);
    }
    t.diagnostic(`back in ${await goesOn(viewer, 10_000)} ms`);
  });
}
