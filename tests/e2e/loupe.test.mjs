// SPDX-License-Identifier: Apache-2.0
// The loupe: the agent drags a box, the buyer allows it once, and the phone sends that part of its sensor in the sensor's
// own detail, under the bitrate's same limit. The camera is a chart of line pairs, 3840 x 2160. Pictures lie in build/screenshots/.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './support/browsers.mjs';
import { makeChart, resolvedPairs } from './support/chart.mjs';
import { AGENT, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../build/screenshots');
const scratch = mkdtempSync(join(tmpdir(), 'loupe-chart-'));
/** Of the whole picture and of a part alike; a chart that is mostly grey takes far less as a whole. */
const LIMIT_KBPS = 2500;
const PART = { x: 0.375, y: 0.375, width: 0.25, height: 0.25 };
let louped;
let agents;
let buyers;

before(async () => {
  mkdirSync(folder, { recursive: true });
  louped = await startLouped();
  const camera = join(scratch, 'chart.y4m');
  makeChart(camera, PART);
  agents = await launch('chromium', AGENT);
  buyers = await launch('chromium', { camera });
});

after(async () => {
  for (const browser of [agents, buyers]) await browser?.close();
  await louped?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** In the page: luma along a line through the buyer's picture, at its own pixels. */
function readRow({ y, from, to }) {
  const video = document.querySelector('[data-testid=buyer-video] video');
  const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight });
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const [left, right] = [Math.round(from * canvas.width), Math.round(to * canvas.width)];
  const { data } = context.getImageData(left, Math.round(y * canvas.height), right - left, 1);
  const luma = [];
  for (let i = 0; i < data.length; i += 4) luma.push(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
  return { width: video.videoWidth, luma };
}

/** In the page: what has come of the buyer's picture so far, bytes. */
async function bytesSoFar() {
  return (await window.lens.received()).videoBytes;
}

/** Of a picture that has settled: its first one, and what makes it better, are not what it takes. */
async function bitrate(desk) {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const before = await desk.evaluate(bytesSoFar);
  const began = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return (((await desk.evaluate(bytesSoFar)) - before) * 8) / (Date.now() - began);
}

const shownWide = (width) => [`${width} pixels`, (w) => document.querySelector('[data-testid=buyer-video] video').videoWidth === w, width, 30_000];

test('the loupe shows what the sensor sees', { timeout: 120_000 }, async (t) => {
  const one = await louped.newCase();
  const desk = await openDesk(agents, louped, { token: tokens.agent('agent-loupe') });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(buyers, louped, one, { script: '' });
  t.after(() => buyer.close());
  await desk.see('offer');
  await desk.click('accept');
  await desk.until(...shownWide(1280));
  const usual = { rate: await bitrate(desk) };
  Object.assign(usual, await desk.evaluate(readRow, { y: PART.y + PART.height / 2, from: PART.x, to: PART.x + PART.width }));
  await desk.click('tool-region');
  const box = await desk.evaluate(() => document.querySelector('[data-testid=ink]').getBoundingClientRect().toJSON());
  const { mouse } = desk.page;
  await mouse.move(box.x + PART.x * box.width, box.y + PART.y * box.height);
  await mouse.down();
  await mouse.move(box.x + (PART.x + PART.width) * box.width, box.y + (PART.y + PART.height) * box.height, { steps: 4 });
  await mouse.up();
  await buyer.see('steer-question');
  await buyer.screenshot(join(folder, 'loupe-asked.png'));
  await buyer.click('steer-yes');
  await desk.see('region-whole');
  await desk.until('the part', () => {
    const { videoWidth } = document.querySelector('[data-testid=buyer-video] video');
    return videoWidth > 900 && videoWidth < 1000;
  }, undefined, 30_000);
  const close = { rate: await bitrate(desk) };
  Object.assign(close, await desk.evaluate(readRow, { y: 0.5, from: 0, to: 1 }));
  await desk.screenshot(join(folder, 'loupe-desk.png'));
  await buyer.screenshot(join(folder, 'loupe-buyer.png'));
  const [before, now] = [resolvedPairs(usual.luma), resolvedPairs(close.luma)];
  t.diagnostic(`${before} line pairs across the part before, ${now} with the loupe; ${Math.round(usual.rate)} and ${Math.round(close.rate)} kbit/s`);
  assert.ok(now >= 2.5 * before, `${before} line pairs before, ${now} with the loupe`);
  assert.ok(close.rate < LIMIT_KBPS, `${close.rate} kbit/s with the loupe, ${usual.rate} before`);
  await desk.click('region-whole');
  await desk.until(...shownWide(1280));
  await buyer.click('steer-toggle');
  await desk.gone('tool-region');
  assert.deepEqual(desk.errors, []);
  assert.deepEqual(buyer.errors, []);
});
