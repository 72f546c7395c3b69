// SPDX-License-Identifier: Apache-2.0
// How keys move along a clip, and what the two handles may be moved to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyMoves, moveCut } from './clip-cut.js';

test('keys move by a step, a page, or to an end, and never out', () => {
  assert.equal(keyMoves('ArrowRight', 1000, 8000, 100), 1100);
  assert.equal(keyMoves('ArrowDown', 50, 8000, 100), 0);
  assert.equal(keyMoves('PageUp', 6000, 8000, 100), 8000);
  assert.deepEqual([keyMoves('Home', 5, 8000, 1), keyMoves('End', 5, 8000, 1)], [0, 8000]);
  assert.equal(keyMoves('Tab', 5, 8000, 1), undefined);
});

test('handles never cross, and leave half a second', () => {
  const cut = { from_ms: 1000, to_ms: 3000 };
  assert.deepEqual(moveCut(cut, 'from', 2000.4, 8000), { from_ms: 2000, to_ms: 3000 });
  assert.deepEqual(moveCut(cut, 'from', 7000, 8000), { from_ms: 2500, to_ms: 3000 });
  assert.deepEqual(moveCut(cut, 'from', -5, 8000), { from_ms: 0, to_ms: 3000 });
  assert.deepEqual(moveCut(cut, 'to', 0, 8000), { from_ms: 1000, to_ms: 1500 });
  assert.deepEqual(moveCut(cut, 'to', 9000, 8000), { from_ms: 1000, to_ms: 8000 });
  assert.deepEqual(moveCut({ from_ms: 0, to_ms: 300 }, 'to', 10, 300), { from_ms: 0, to_ms: 300 });
});
