// SPDX-License-Identifier: Apache-2.0
// Where pictures lie, places in them, and heads of arrows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrowHead, fitted, spotIn } from './ink-place.js';

test('a picture lies within its element, or covers it', () => {
  const element = { width: 400, height: 400 };
  const wide = { width: 1280, height: 640 };
  assert.deepEqual(fitted(element, wide, false), { left: 0, top: 100, width: 400, height: 200 });
  assert.deepEqual(fitted(element, wide, true), { left: -200, top: 0, width: 800, height: 400 });
  assert.deepEqual(fitted(element, { width: 0, height: 0 }, true), { left: 0, top: 0, width: 400, height: 400 });
});

test('places are shares of the picture, and none is outside of it', () => {
  const box = { left: -200, top: 0, width: 800, height: 400 };
  assert.deepEqual(spotIn(box, 200, 100), [0.5, 0.25]);
  assert.deepEqual(spotIn(box, -500, 900), [0, 1]);
  assert.deepEqual(spotIn({ ...box, width: 0 }, 3, 3), [0, 3 / 400]);
});

test('the head of an arrow lies behind its tip, on both sides, and is no longer than half of it', () => {
  const [left, right] = arrowHead([0, 0], [100, 0]);
  assert.ok(left[0] < 100 && right[0] < 100 && left[1] * right[1] < 0);
  assert.equal(Math.round(Math.hypot(left[0] - 100, left[1])), 26);
  const [short] = arrowHead([0, 0], [0, 10]);
  assert.equal(Math.round(Math.hypot(short[0], short[1] - 10)), 5);
});
