// SPDX-License-Identifier: Apache-2.0
// Pictures in H264, VP9 and AV1 and redundant sound, between the browsers that have them: relayed as they
// are, recorded as they are, decoded by FFmpeg and played back on the desk.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { complaints, mean, patternsOf, probe, toneOf, withClip } from './support/clips.mjs';
import { lensScript } from './support/inpage.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const CODECS = { 'video/H264': 'h264', 'video/VP9': 'vp9', 'video/AV1': 'av1' };
let louped;
let buyers;
const agents = {};

before(async () => {
  louped = await startLouped();
  buyers = await launch('chromium', BUYER);
  for (const kind of KINDS) agents[kind] = await launch(kind, AGENT);
});

after(async () => {
  for (const browser of [buyers, ...Object.values(agents)]) await browser?.close();
  await louped?.stop();
});

/** In the page: can this browser show pictures of that codec that come over the network? Its offer says so;
 *  among its capabilities Firefox lists H264 even while it has no decoder for it. */
const receives = async (codec) => {
  const peer = new RTCPeerConnection();
  peer.addTransceiver('video', { direction: 'recvonly' });
  const { sdp } = await peer.createOffer();
  peer.close();
  return sdp.includes(` ${codec.slice('video/'.length)}/`);
};

function checkFile(path, name) {
  const { codecs, seconds } = probe(path);
  assert.deepEqual(codecs, [name, 'opus'].sort());
  assert.ok(Math.abs(seconds - 5) <= 0.5, `${seconds} s`);
  assert.equal(complaints(path), '');
  const frames = patternsOf(path);
  const right = frames.filter((frame) => frame?.tag === BUYER.tag);
  assert.ok(right.length > 30, `${right.length} pictures`);
  assert.ok(right.length >= frames.length * 0.95, `${right.length} of ${frames.length} pictures can be read`);
  assert.ok(mean(toneOf(path, BUYER.hertz)) > 0.05, 'the buyer is heard');
}

/** On the desk: the clip plays, and shows the pattern; false when the browser has no decoder for it. */
async function plays(desk, id) {
  await desk.click(`[data-testid=clip][data-id="${id}"][data-state=ready]`);
  const selector = '[data-testid=player-video]';
  const outcome = await desk.until('the clip to play', (video) => {
    const one = document.querySelector(video);
    return one?.error ? { error: one.error.message } : one?.currentTime > 1 && { playing: true };
  }, selector);
  if (outcome.playing) assert.equal((await desk.seen('player-video'))?.tag, BUYER.tag);
  await desk.click('player-close');
  return outcome;
}

for (const [codec, name] of Object.entries(CODECS)) {
  for (const kind of KINDS) {
    test(`${codec} from chromium to ${kind}`, { timeout: 90_000 }, async (t) => {
      const one = await louped.newCase();
      const agent = tokens.agent(`agent-${name}-${kind}`);
      const desk = await openDesk(agents[kind], louped, { token: agent });
      t.after(() => desk.close());
      if (!(await desk.evaluate(receives, codec))) {
        t.skip(`this ${kind} has no ${codec}`);
        return;
      }
      await takeCalls(desk);
      const buyer = await openBuyer(buyers, louped, one, { script: lensScript({ ...BUYER, codec }) });
      t.after(() => buyer.close());
      await acceptCall(desk, buyer);
      const found = await desk.until("the buyer's pattern", ({ selector }) => window.lens.seen(selector), {
        selector: '[data-testid=buyer-video] video',
      });
      assert.equal(found.tag, BUYER.tag);
      const id = await record(desk, 5_000);
      const sent = await buyer.evaluate(() => window.lens.codecs());
      const received = await desk.evaluate(() => window.lens.codecs());
      t.diagnostic(`buyer ${JSON.stringify(sent)}, desk ${JSON.stringify(received)}`);
      assert.ok(sent.sent.includes(codec), `${sent.sent}`);
      assert.ok(received.received.includes(codec), `${received.received}`);
      // Opus takes 80 bytes for 20 ms; Chromium is given redundant sound, twice that, Firefox plain.
      for (const [page, { soundBytes }] of [[buyer, sent], [desk, received]]) {
        assert.ok(page.kind === 'chromium' ? soundBytes > 120 : soundBytes < 110, `${page.kind}: ${soundBytes} bytes`);
      }
      const clip = await louped.finished(id, agent);
      assert.equal(clip.state, 'ready');
      await withClip(louped, clip, (path) => checkFile(path, name));
      const outcome = await plays(desk, id);
      t.diagnostic(`played: ${JSON.stringify(outcome)}`);
      assert.ok(outcome.playing, outcome.error);
      assert.deepEqual([...desk.errors, ...buyer.errors], []);
    });
  }
}
