// SPDX-License-Identifier: Apache-2.0
// What viewers saw, as runs and sums.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Seen } from '../sdk/index.js';
import { seenRows, wordOf } from './seen.js';

const big = { from: 0, state: 'video', width: 1280, height: 720 } as const;
const item = (more: Partial<Seen>): Seen => ({
  viewer: 'agent', publisher: 'lin', kind: 'video', source: 'server', from_ms: -300, sent: [], arrived: [], layers: [big], ...more,
});

test('a second in a word', () => {
  const layers = [big, { from: 3, state: 'video', width: 640, height: 360 }, { from: 4, state: 'slideshow', width: 1280, height: 720 }] as Seen['layers'];
  const one = item({ arrived: [30, 4, 30, 30, 1, null], frozen_ms: [0, 0, 600, 0, 0, null], sent: [30, 30, 30, 30, 1, 1], layers });
  assert.deepEqual([0, 1, 2, 3, 4].map((i) => wordOf(one, i, 1280)), ['good', 'reduced', 'frozen', 'reduced', 'slideshow']);
  assert.equal(wordOf(item({ arrived: [null], frozen_ms: [null] }), 0, 1280), 'unknown');
  assert.equal(wordOf(item({ arrived: [0], sent: [30] }), 0, 1280), 'frozen');
  assert.equal(wordOf(item({ arrived: [30], layers: [{ from: 0, state: 'paused' }] }), 0, 1280), 'paused');
});

test('runs lie within the clip, and join over stretches without a hole', () => {
  const rows = seenRows([
    item({ from_ms: 1700, arrived: [30, 30], frozen_ms: [900, 0], lost: [2, null] }),
    item({ arrived: [30, 30], frozen_ms: [0, 0], lost: [0, 1] }),
    item({ kind: 'audio', arrived: [50] }),
    item({ viewer: 'zhao', arrived: [30], layers: [{ from: 0, state: 'video', width: 320, height: 180 }], source: 'client' }),
  ], 3000);
  assert.equal(rows.length, 2);
  const [agent, zhao] = rows;
  assert.deepEqual(agent?.runs, [
    { from_ms: 0, to_ms: 1700, word: 'good' }, { from_ms: 1700, to_ms: 2700, word: 'frozen' }, { from_ms: 2700, to_ms: 3000, word: 'good' },
  ]);
  assert.deepEqual([agent?.known, agent?.good, agent?.frozen_ms, agent?.lost, agent?.width], [4, 3, 900, 3, 1280]);
  assert.deepEqual([zhao?.told, zhao?.runs.map(({ word }) => word)], [true, ['reduced']], 'smaller than what another was sent');
  assert.deepEqual(seenRows([], 3000), []);
});
