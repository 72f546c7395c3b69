// SPDX-License-Identifier: Apache-2.0
// "Save the last 60 s" in a real call: the clip is ready within a second of the click, begins where it
// should, decodes clean, verifies, and has nothing from before the consent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { complaints, patternsOf, probe, withClip } from './support/clips.mjs';
import { lensScript } from './support/inpage.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const TICK_MS = 10;
const CALL_S = 8;
const KEY_S = 15; // a key frame is asked for so often
let louped;
let buyers;
let agents;

before(async () => {
  louped = await startLouped();
  buyers = await launch('chromium', BUYER);
  agents = await launch('chromium', AGENT);
});

after(async () => {
  for (const browser of [buyers, agents]) await browser?.close();
  await louped?.stop();
});

/** In the page: clicks and waits until a further clip is shown as ready; how long that took. */
function lookBack() {
  const count = () => document.querySelectorAll('[data-testid=clip][data-state=ready]').length;
  const before = count();
  const began = performance.now();
  const clicked = Date.now();
  document.querySelector('[data-testid=look-back]').click();
  return new Promise((resolve) => {
    const look = () => {
      const took = performance.now() - began;
      const note = document.querySelector('[data-testid=note]')?.textContent;
      if (count() > before || note || took > 10_000) resolve({ took, clicked, note });
      else setTimeout(look, 5);
    };
    look();
  });
}

/** In the page: what the camera sees is black while its lens is covered. */
function coverable() {
  const native = CanvasRenderingContext2D.prototype.fillRect;
  CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    if (!globalThis.lensCovered) return native.call(this, x, y, width, height);
    this.fillStyle = '#000';
    return native.call(this, 0, 0, this.canvas.width, this.canvas.height);
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const COVERED_S = 3;

test('the last seconds of a call are saved at once', { timeout: 120_000 }, async (t) => {
  const one = await louped.newCase();
  const agent = tokens.agent('agent-lookback');
  const desk = await openDesk(agents, louped, { token: agent });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(buyers, louped, one, { script: `(${coverable})();${lensScript(BUYER)}` });
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  const called = Date.now();
  await pause((CALL_S - 2 - COVERED_S) * 1000);
  await buyer.evaluate(() => void (globalThis.lensCovered = true));
  await pause(COVERED_S * 1000);
  await buyer.evaluate(() => void (globalThis.lensCovered = false));
  await pause(2000);
  const tries = [];
  for (let i = 0; i < 3; i++) tries.push(await desk.evaluate(lookBack)); // the machine may be busy
  assert.deepEqual(tries.map(({ note }) => note), [undefined, undefined, undefined]);
  const least = Math.min(...tries.map(({ took }) => took));
  assert.ok(least < 1000, `ready after ${least} ms`);
  const saved = tries.at(-1);
  const { items } = await louped.ask('GET', `/cases/${one.id}/clips`, agent);
  const clip = items.at(-1);
  assert.equal(items.length, tries.length);
  assert.equal(clip.kind, 'lookback');
  assert.equal(clip.state, 'ready');
  const ended = Date.parse(clip.started_at) + clip.duration_ms;
  assert.ok(Math.abs(ended - saved.clicked) < 500, `it ends ${ended - saved.clicked} ms after the click`);
  assert.ok(clip.duration_ms > (CALL_S - 2) * 1000 && clip.duration_ms < saved.clicked - called + KEY_S * 1000);
  await withClip(louped, clip, (path) => {
    assert.deepEqual(probe(path).codecs, ['opus', 'vp8']);
    assert.equal(complaints(path), '');
    const seen = patternsOf(path).filter((found) => found);
    assert.ok(seen.length > (CALL_S - COVERED_S) * 10);
    assert.ok(seen.every(({ tag }) => tag === BUYER.tag));
    const spanned = ((seen.at(-1).ticks - seen[0].ticks) & 0xffffff) * TICK_MS;
    assert.ok(Math.abs(spanned - clip.duration_ms) < 1000, `${spanned} ms of pictures in ${clip.duration_ms} ms`);
    t.diagnostic(`${Math.round(least)} ms for ${clip.duration_ms} ms`);
  });
  assert.equal(await desk.evaluate(() => document.querySelector('[data-testid=record]').ariaPressed), 'false');
  await t.test('with when the lens was covered', async () => {
    const { seal } = await louped.ask('GET', `/clips/${clip.id}/manifest`, agent);
    assert.equal(seal.take.lens_checked, true);
    assert.equal(seal.take.continuous, false);
    const covered = seal.take.breaks.filter(({ kind }) => kind === 'covered');
    assert.equal(covered.length, 1, JSON.stringify(seal.take));
    const [{ from_ms: from, to_ms: to }] = covered;
    t.diagnostic(`covered from ${from} to ${to} ms of ${clip.duration_ms}`);
    assert.ok(to - from > (COVERED_S - 1) * 1000 && to - from < (COVERED_S + 1) * 1000, JSON.stringify(covered));
  });
  await t.test('with what the agent was shown meanwhile', async () => {
    const seen = await louped.ask('GET', `/clips/${clip.id}/seen`, agent);
    const manifest = await louped.ask('GET', `/clips/${clip.id}/manifest`, agent);
    for (const lines of [seen.items, manifest.seal.seen]) {
      const line = lines.find(({ viewer, kind }) => viewer === 'agent-lookback' && kind === 'video');
      assert.equal(line.publisher, one.buyer.id);
      assert.equal(line.source, 'server');
      const [last] = line.layers.slice(-1);
      assert.ok(last.width > 0 && last.height > 0 && last.state === 'video', JSON.stringify(last));
      const end = line.from_ms + line.sent.length * 1000;
      assert.ok(end > clip.duration_ms - 3000, `told of ${end} of ${clip.duration_ms} ms`);
      const settled = line.arrived.slice(2, -2);
      const sum = settled.reduce((all, count) => all + count, 0);
      assert.ok(settled.length > 2 && sum > settled.length * 5, JSON.stringify(line));
    }
  });
});

test('without consent there is nothing to look back to', { timeout: 60_000 }, async (t) => {
  const one = await louped.newCase();
  const agent = tokens.agent('agent-none');
  const desk = await openDesk(agents, louped, { token: agent });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(buyers, louped, one, { consent: false });
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  assert.equal(await desk.evaluate(() => document.querySelector('[data-testid=look-back]').disabled), true);
  await assert.rejects(louped.ask('POST', `/rooms/${one.room}/lookback`, agent, { seconds: 30 }), /409/);
  await assert.rejects(louped.ask('POST', `/rooms/${one.room}/lookback`, agent, { seconds: 61 }), /400/);
});
