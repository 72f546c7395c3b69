// SPDX-License-Identifier: Apache-2.0
// Free times by day, as the reader has them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byDay, dayKey, stillFree } from './booking-days.js';

const slot = (at: string) => ({ at, ends_at: at, free: 1 });

test('times are put together by the day that the reader has then, in order', () => {
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 15).toISOString();
  const days = byDay([slot(at(24, 9)), slot(at(24, 23)), slot(at(25, 0)), slot(at(26, 12))]);
  assert.deepEqual(days.map(({ key }) => key), ['2026-11-24', '2026-11-25', '2026-11-26']);
  assert.deepEqual(days.map(({ slots }) => slots.length), [2, 1, 1]);
  assert.deepEqual(byDay([]), []);
});

test('a day is that of the calendar here', () => {
  assert.equal(dayKey(new Date(2026, 0, 2, 3).toISOString()), '2026-01-02');
});

test('a time that was taken is no longer among them', () => {
  assert.equal(stillFree([slot('a'), slot('b')], 'b'), true);
  assert.equal(stillFree([slot('a')], 'b'), false);
});
