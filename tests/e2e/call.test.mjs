// SPDX-License-Identifier: Apache-2.0
// The whole of a first call through the real pages, in all pairings of the browsers: queue, offer, seeing
// and hearing each other, a recording that is the right picture, plays and seeks, and the end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { complaints, mean, patternsOf, probe, toneOf, withClip } from './support/clips.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

let louped;
const buyers = {};
const agents = {};

before(async () => {
  louped = await startLouped();
  for (const kind of KINDS) {
    buyers[kind] = await launch(kind, BUYER);
    agents[kind] = await launch(kind, AGENT);
  }
});

after(async () => {
  for (const browser of [...Object.values(buyers), ...Object.values(agents)]) await browser.close();
  await louped?.stop();
});

/** In the page: keeps the best estimate of the way out since now. The probes that find it come first of all; a browser on a
 *  busy machine takes it back when it has no time to send as much. */
function watchEstimate() {
  window.bestEstimate = 0;
  setInterval(async () => {
    for (const peer of window.lens.peers) {
      (await peer.getStats()).forEach((entry) => {
        if (entry.type !== 'candidate-pair' || !entry.nominated) return;
        window.bestEstimate = Math.max(window.bestEstimate, entry.availableOutgoingBitrate ?? 0);
      });
    }
  }, 100);
}

/** In the page: the publisher has found out by its probes that the path carries more than a megabit. */
const fastPath = () => window.bestEstimate > 1e6;

/** In the page: the player's <video> has played a little, and shows the pattern after a seek. */
async function playsAndSeeks(desk, id, seconds) {
  await desk.click(`[data-testid=clip][data-id="${id}"][data-state=ready]`);
  const video = '[data-testid=player-video]';
  await desk.until('the clip to play', (selector) => document.querySelector(selector)?.currentTime > 0.5, video);
  const duration = await desk.evaluate((selector) => document.querySelector(selector).duration, video);
  assert.ok(Math.abs(duration - seconds) < 0.5, `the player says ${duration} s`);
  const seek = (at) =>
    desk.evaluate(
      ({ selector, time }) => {
        const one = document.querySelector(selector);
        one.pause();
        return new Promise((resolve) => {
          one.addEventListener('seeked', () => setTimeout(() => resolve(one.currentTime), 200), { once: true });
          one.currentTime = time;
        });
      },
      { selector: video, time: at },
    );
  const seen = [];
  for (const at of [7, 2, 5]) {
    assert.ok(Math.abs((await seek(at)) - at) < 0.2);
    const found = await desk.seen('player-video');
    assert.equal(found?.tag, BUYER.tag, `at ${at} s`);
    seen.push(found.ticks);
  }
  // Pictures of the 7th, 2nd and 5th second: their own times are as far apart.
  assert.ok(Math.abs((seen[0] - seen[1]) / 100 - 5) < 0.5, `${seen}`);
  assert.ok(Math.abs((seen[0] - seen[2]) / 100 - 2) < 0.5, `${seen}`);
  await desk.click('player-close');
}

function checkFile(path) {
  const { codecs, seconds } = probe(path);
  assert.deepEqual(codecs, ['opus', 'vp8']);
  assert.ok(Math.abs(seconds - 10) <= 0.5, `${seconds} s`);
  assert.equal(complaints(path), '');
  const frames = patternsOf(path);
  const right = frames.filter((frame) => frame?.tag === BUYER.tag);
  assert.ok(right.length > 60, `${right.length} pictures`);
  assert.ok(right.length >= frames.length * 0.98, `${right.length} of ${frames.length} pictures can be read`);
  const span = (right.at(-1).ticks - right[0].ticks) / 100;
  assert.ok(Math.abs(span - 10) < 0.7, `pictures of ${span} s`);
  assert.ok(right.every(({ ticks }, i) => i === 0 || ticks >= right[i - 1].ticks), 'in their order');
  for (const { hertz } of [BUYER, AGENT]) assert.ok(mean(toneOf(path, hertz)) > 0.05, `${hertz} Hz is heard`);
  return seconds;
}

for (const buyerKind of KINDS) {
  for (const agentKind of KINDS) {
    test(`${buyerKind} as buyer, ${agentKind} as agent`, { timeout: 120_000 }, async (t) => {
      const one = await louped.newCase();
      const agent = tokens.agent(`agent-${buyerKind}-${agentKind}`);
      const desk = await openDesk(agents[agentKind], louped, { token: agent });
      t.after(() => desk.close());
      await takeCalls(desk);
      const buyer = await openBuyer(buyers[buyerKind], louped, one);
      if (buyerKind === 'chromium') await buyer.evaluate(watchEstimate);
      t.after(() => buyer.close());

      const took = await acceptCall(desk, buyer);
      t.diagnostic(`seen and heard ${took} ms after accepting`);
      assert.ok(took < 2000, `${took} ms`);
      for (const [page, id, tag] of [[desk, 'buyer-video', BUYER.tag], [buyer, 'remote-video', AGENT.tag]]) {
        const found = await page.until(`${id}'s pattern`, ({ selector }) => window.lens.seen(selector), {
          selector: `[data-testid=${id}] video`,
        });
        assert.equal(found.tag, tag);
        assert.ok(found.age < 1500, `${id} is ${found.age} ms old`);
      }
      const estimating = Date.now();
      if (buyerKind === 'chromium') await buyer.until('an estimate above 1 Mbit/s', fastPath, undefined, 45_000);
      t.diagnostic(`estimated after ${Date.now() - estimating} ms`);
      const before = await Promise.all([desk.received(), buyer.received()]);

      await buyer.click('chat');
      await buyer.fill('chat-input', 'It is torn here');
      await buyer.click('chat-send');
      await desk.until('the message', () =>
        document.querySelector('[data-testid=chat-list]')?.textContent.includes('It is torn here'));
      await buyer.click('chat-close');

      const id = await record(desk, 10_000);
      await buyer.gone('rec');
      const clip = await louped.finished(id, agent);
      assert.equal(clip.state, 'ready');
      const seconds = await withClip(louped, clip, checkFile);
      await playsAndSeeks(desk, id, seconds);

      const now = await Promise.all([desk.received(), buyer.received()]);
      now.forEach(({ framesDecoded }, i) => assert.ok(framesDecoded > before[i].framesDecoded + 50));

      await buyer.click('hang-up');
      await buyer.see('stage-end');
      await desk.gone('stage');
      await desk.see('case-page');
      assert.deepEqual([...desk.errors, ...buyer.errors], []);
    });
  }
}
