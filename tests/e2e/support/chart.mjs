// SPDX-License-Identifier: Apache-2.0
// A chart of line pairs as a camera's file, and how many of them a row of its picture resolves.
import { closeSync, openSync, writeSync } from 'node:fs';

const WIDTH = 3840;
const HEIGHT = 2160;
/** Line pairs across the part, group by group from left to right: each has its share of the width. */
export const GROUPS = [40, 80, 120, 150, 200, 250, 320, 400, 440];

/** Writes a few frames of it: `part` (shares of the picture) has the groups, around it is grey. */
export function makeChart(path, part, frames = 4) {
  const luma = Buffer.alloc(WIDTH * HEIGHT, 128);
  const [left, top] = [Math.round(part.x * WIDTH), Math.round(part.y * HEIGHT)];
  const [width, height] = [Math.round(part.width * WIDTH), Math.round(part.height * HEIGHT)];
  const row = Buffer.alloc(width);
  for (let x = 0; x < width; x++) {
    const pairs = GROUPS[Math.min(GROUPS.length - 1, Math.floor((x / width) * GROUPS.length))];
    row[x] = 128 + 100 * Math.sign(Math.sin((2 * Math.PI * (x + 0.5) * pairs) / width));
  }
  for (let y = 0; y < height; y++) row.copy(luma, (top + y) * WIDTH + left);
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  const file = openSync(path, 'w');
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420mpeg2\n`);
  for (let i = 0; i < frames; i++) {
    writeSync(file, 'FRAME\n');
    writeSync(file, luma);
    writeSync(file, chroma);
  }
  closeSync(file);
}

/** The finest group of a row across the part whose lines still differ by a fifth of what they did (Michelson), in pairs
 *  across the part. */
export function resolvedPairs(row) {
  let best = 0;
  for (const [i, pairs] of GROUPS.entries()) {
    const step = row.length / GROUPS.length;
    // The middle of the group, so that its neighbours do not count; at the frequency itself, so that aliases do not.
    const group = row.slice(Math.ceil(step * (i + 0.15)), Math.floor(step * (i + 0.85)));
    const mean = group.reduce((sum, one) => sum + one, 0) / group.length;
    const turn = (2 * Math.PI * pairs) / row.length;
    const [re, im] = group.reduce(([a, b], one, k) => [a + (one - mean) * Math.cos(turn * k), b + (one - mean) * Math.sin(turn * k)], [0, 0]);
    const amplitude = (2 * Math.hypot(re, im)) / group.length;
    if (pairs * 2 <= row.length && amplitude > 0.2 * 127) best = pairs;
    else break;
  }
  return best;
}
