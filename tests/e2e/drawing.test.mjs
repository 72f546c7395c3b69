// SPDX-License-Identifier: Apache-2.0
// Drawing over the buyer's picture: the buyer sees it at the same place as the hand moves, a frozen picture is the same
// one on both sides, and over a clip it is all there again at its time. Pictures lie in build/screenshots/.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KINDS, launch } from './support/browsers.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../build/screenshots');
const STROKES = 10;
let louped;
let agents;
const buyers = {};

before(async () => {
  mkdirSync(folder, { recursive: true });
  louped = await startLouped();
  agents = await launch('chromium', AGENT);
  for (const kind of KINDS) buyers[kind] = await launch(kind, BUYER);
});

after(async () => {
  for (const browser of [agents, ...Object.values(buyers)]) await browser?.close();
  await louped?.stop();
});

/** In the page: notes when its ink shows how many shapes, and when a hand came down on it. */
function noteShapes() {
  window.inkSeen = [];
  window.inkBegun = [];
  const ink = document.querySelector('[data-testid=ink]');
  new MutationObserver(() => window.inkSeen.push({ shapes: Number(ink.dataset.shapes), at: Date.now() }))
    .observe(ink, { attributes: true, attributeFilter: ['data-shapes'] });
  ink.addEventListener('pointerdown', () => window.inkBegun.push(Date.now()), { capture: true });
}

/** In the page: the ends of its last shape's path, as shares of the picture. */
function endsOfLast() {
  const ink = document.querySelector('[data-testid=ink]');
  const { width, height } = ink.getBoundingClientRect();
  const path = [...ink.querySelectorAll('.shape .stroke')].at(-1)?.getAttribute('d') ?? '';
  const [x0, y0, x1, y1] = path.match(/[\d.-]+/g).slice(0, 4).map(Number);
  return [x0 / width, y0 / height, x1 / width, y1 / height].map((share) => Math.round(share * 1000) / 1000);
}

/** Where shares of the picture are on the agent's screen. */
async function placesOn(desk, spots) {
  const box = await desk.evaluate(() => document.querySelector('[data-testid=ink]').getBoundingClientRect().toJSON());
  return spots.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
}

async function drag(desk, spots) {
  const { mouse } = desk.page;
  const [first, ...rest] = await placesOn(desk, spots);
  await mouse.move(...first);
  await mouse.down();
  for (const place of rest) await mouse.move(...place, { steps: 4 });
  await mouse.up();
}

const shapes = (count) => [`${count} shapes`, (n) => Number(document.querySelector('[data-testid=ink]').dataset.shapes) === n, count];

async function strokesAreSeen(desk, buyer, t) {
  await desk.click('tool-arrow');
  await Promise.all([desk.evaluate(noteShapes), buyer.evaluate(noteShapes)]);
  for (let i = 0; i < STROKES; i++) {
    await drag(desk, [[0.2 + i / 50, 0.3], [0.6, 0.35 + i / 25]]);
    await buyer.until(...shapes(i + 1));
  }
  const begun = await desk.evaluate(() => window.inkBegun);
  const seen = await buyer.evaluate(() => window.inkSeen);
  const waits = begun.map((at, i) => seen.find((one) => one.shapes === i + 1).at - at).sort((a, b) => a - b);
  t.diagnostic(`a stroke is seen after ${waits[STROKES / 2]} ms (median), ${waits.at(-1)} ms (longest of ${STROKES})`);
  const [here, there] = await Promise.all([desk.evaluate(endsOfLast), buyer.evaluate(endsOfLast)]);
  for (const [i, share] of here.entries()) assert.ok(Math.abs(share - there[i]) < 0.003, `${here} is at ${there}`);
}

async function pointerAndText(desk, buyer) {
  await desk.page.keyboard.press('t');
  const [[x, y]] = await placesOn(desk, [[0.55, 0.2]]);
  await desk.page.mouse.click(x, y);
  await desk.fill('ink-words', '划痕 here <b>');
  await desk.page.keyboard.press('Enter');
  const words = () => [...document.querySelectorAll('[data-testid=ink] .shape text')].at(-1)?.textContent;
  assert.equal(await buyer.until('the text', words), '划痕 here <b>');
  await desk.page.keyboard.press('p');
  await desk.page.mouse.move(x - 20, y + 60);
  await desk.page.mouse.move(x - 30, y + 80);
  await buyer.see('pointer');
}

async function frozenAlike(desk, buyer) {
  await desk.page.keyboard.press('f');
  for (const page of [desk, buyer]) {
    await page.until('the frozen picture', () => document.querySelector('[data-testid=frozen-still]')?.naturalWidth > 0);
  }
  const source = () => new URL(document.querySelector('[data-testid=frozen-still]').src).pathname;
  assert.equal(await desk.evaluate(source), await buyer.evaluate(source));
}

/** The clip of all this, with its drawings over it. */
async function overTheClip(desk) {
  await desk.click('look-back');
  await desk.see('[data-testid=clip][data-state=ready]', 30_000);
  await desk.click('[data-testid=clip][data-state=ready]');
  const ink = '.clip-picture [data-testid=ink]';
  await desk.until('the clip', () => document.querySelector('[data-testid=player-video]')?.readyState > 1);
  const count = (seconds) => desk.until(`the drawings at ${seconds}`, async ({ at, selector }) => {
    const video = document.querySelector('[data-testid=player-video]');
    video.pause();
    video.currentTime = Math.min(at, video.duration - 0.05);
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return 1 + Number(document.querySelector(selector)?.dataset.shapes ?? 0);
  }, { at: seconds, selector: ink });
  assert.equal((await count(0)) - 1, 0);
  assert.equal((await count(600)) - 1, STROKES + 1);
}

for (const kind of KINDS) {
  test(`drawing over the picture of ${kind}`, { timeout: 90_000 }, async (t) => {
    const one = await louped.newCase();
    const desk = await openDesk(agents, louped, { token: tokens.agent(`agent-${kind}`) });
    t.after(() => desk.close());
    await takeCalls(desk);
    const buyer = await openBuyer(buyers[kind], louped, one);
    t.after(() => buyer.close());
    await acceptCall(desk, buyer);
    await strokesAreSeen(desk, buyer, t);
    await pointerAndText(desk, buyer);
    await frozenAlike(desk, buyer);
    await desk.screenshot(join(folder, `drawing-desk-${kind}.png`));
    await buyer.screenshot(join(folder, `drawing-buyer-${kind}.png`));
    await desk.page.setViewportSize({ width: 390, height: 844 });
    await desk.screenshot(join(folder, `drawing-desk-phone-${kind}.png`));
    await desk.page.setViewportSize({ width: 1440, height: 900 });
    await desk.click('freeze');
    await buyer.gone('frozen-still');
    if (kind === 'chromium') {
      await overTheClip(desk);
      await desk.screenshot(join(folder, 'drawing-clip.png'));
      await desk.click('player-close');
    }
    await desk.page.keyboard.press('Escape');
    await desk.click('ink-undo');
    await buyer.until(...shapes(STROKES));
    await desk.click('ink-clear');
    await buyer.until(...shapes(0));
    assert.deepEqual(desk.errors, []);
    assert.deepEqual(buyer.errors, []);
  });
}
