// SPDX-License-Identifier: Apache-2.0
// The light challenge in Chromium: a camera whose scene is lit by what the page does passes; a recording of
// one that passed, looped as a camera file, does not, nor does a still scene.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { withClip } from './support/clips.mjs';
import { lensScript } from './support/inpage.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const ROUNDS = Number(process.env.LOUPE_LIGHT_ROUNDS ?? 1);
const folder = mkdtempSync(join(tmpdir(), 'loupe-light-'));
const tape = join(folder, 'tape.y4m');
let louped;
let agents;

before(async () => {
  louped = await startLouped();
  agents = await launch('chromium', AGENT);
});

after(async () => {
  await agents?.close();
  await louped?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** In the page: the background of what the camera sees is lit by the page's light, a moment later. */
function litScene() {
  let lit = false;
  setInterval(() => {
    const on = document.querySelector('[data-testid=light]')?.dataset.light === 'on';
    setTimeout(() => (lit = on), 60);
  }, 20);
  const native = CanvasRenderingContext2D.prototype.fillRect;
  CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    if (width === this.canvas.width) this.fillStyle = lit ? '#b0b0b0' : '#505050';
    return native.call(this, x, y, width, height);
  };
}

async function call(t, name, browser, script) {
  const one = await louped.newCase();
  const agent = tokens.agent(`agent-${name}`);
  const desk = await openDesk(agents, louped, { token: agent });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(browser, louped, one, { script });
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  return { one, agent, desk, buyer };
}

/** One challenge from the desk's button; gives its event. */
async function challenge({ one, agent, desk, buyer }, nth) {
  await desk.click('light-challenge');
  await buyer.see('light');
  const events = async () => {
    const { items } = await louped.ask('GET', `/cases/${one.id}/timeline`, agent);
    return items.filter(({ type }) => type.startsWith('light_challenge'));
  };
  const end = Date.now() + 30_000;
  while ((await events()).length < nth && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 100));
  await buyer.gone('light');
  const event = (await events())[nth - 1];
  assert.equal(event?.type, 'light_challenge', JSON.stringify(event));
  return event.data;
}

test('a live scene passes, and what was recorded of it does not', { timeout: 40_000 + ROUNDS * 40_000 }, async (t) => {
  const buyers = await launch('chromium', BUYER);
  t.after(() => buyers.close());
  const script = `(${litScene})();${lensScript({ ...BUYER, width: 640, height: 360 })}`;
  const live = await call(t, 'live', buyers, script);
  const clip = await record(live.desk, 0, { stop: false });
  for (let i = 1; i <= ROUNDS; i += 1) {
    const { passed, correlation, contrast, lag_ms: lag, curve, pattern } = await challenge(live, i);
    t.diagnostic(`live: correlation ${correlation}, contrast ${contrast}, lag ${lag} ms, ${curve.length} points`);
    assert.ok(passed);
    assert.equal(pattern.length, 20);
    assert.ok(curve.length > 80);
  }
  assert.match(await live.desk.text('note'), /live/);
  await live.desk.click('record');
  const finished = await louped.finished(clip, live.agent);
  await withClip(louped, finished, (path) => execFileSync('ffmpeg', [
    '-v', 'error', '-i', path, '-an', '-vf', 'scale=640:360,fps=25', '-pix_fmt', 'yuv420p', '-y', tape,
  ]));
  await live.buyer.click('hang-up');
  await live.desk.gone('stage');
  await live.desk.click('[data-testid=availability][aria-pressed=true]');

  const forgers = await launch('chromium', { ...BUYER, camera: tape });
  t.after(() => forgers.close());
  const forged = await call(t, 'forged', forgers, lensScript({ ...BUYER, ownCamera: true }));
  for (let i = 1; i <= ROUNDS; i += 1) {
    const { passed, correlation, contrast } = await challenge(forged, i);
    t.diagnostic(`looped: correlation ${correlation}, contrast ${contrast}`);
    assert.equal(passed, false);
  }
  assert.match(await forged.desk.text('note'), /did not follow/);
});
