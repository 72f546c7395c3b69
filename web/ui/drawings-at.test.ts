// SPDX-License-Identifier: Apache-2.0
// What is seen over a clip at each moment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClipDrawing } from '../sdk/index.js';
import { shapesAt } from './drawings-at.js';

const line = (id: string, by: string, began_ms: number, at_ms: number): ClipDrawing => ({
  op: 'draw', id, by, began_ms, at_ms, kind: 'line', color: 1, points: [[0, 0], [0.1, 0], [0.2, 0], [0.3, 0]],
});

const seen = (drawings: ClipDrawing[], ms: number) => shapesAt(drawings, ms).map(({ id, by, points }) => `${by}.${id}:${points.length}`);

test('a line grows as it was drawn, and stays', () => {
  const drawings = [line('a', 'ann', 1000, 2000)];
  assert.deepEqual(seen(drawings, 999), []);
  assert.deepEqual(seen(drawings, 1000), ['ann.a:1']);
  assert.deepEqual(seen(drawings, 1500), ['ann.a:2']);
  assert.deepEqual(seen(drawings, 9000), ['ann.a:4']);
});

test('what was taken off is gone from then on, and of nobody else', () => {
  const drawings: ClipDrawing[] = [
    line('a', 'ann', 0, 0), line('a', 'bo', 0, 0), line('b', 'ann', 0, 0),
    { op: 'undo', by: 'ann', shape: 'a', began_ms: 500, at_ms: 500 },
    { op: 'freeze', by: 'ann', began_ms: 600, at_ms: 600 },
    { op: 'clear', by: 'bo', whose: 'bo', began_ms: 1000, at_ms: 1000 },
    line('c', 'ann', 900, 1200),
    { op: 'clear', by: 'ann', began_ms: 1500, at_ms: 1500 },
    line('d', 'ann', 1600, 1700),
  ];
  assert.deepEqual(seen(drawings, 0), ['ann.a:4', 'bo.a:4', 'ann.b:4']);
  assert.deepEqual(seen(drawings, 700), ['bo.a:4', 'ann.b:4']);
  assert.deepEqual(seen(drawings, 1300), ['ann.b:4', 'ann.c:4']);
  assert.deepEqual(seen(drawings, 1500), []);
  assert.deepEqual(seen(drawings, 2000), ['ann.d:4']);
});
