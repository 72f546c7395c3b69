// SPDX-License-Identifier: Apache-2.0
// Which holds keep what, and who lifts them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsOn, mayLift } from './holds.js';

const hold = (id: string, more: object = {}) => ({ id, case: 'c', reason: 'r', firm: false, placed_by: 'zhao', placed_at: 'x', ...more });
const all = [
  hold('case'), hold('clip', { clip: 'k1' }), hold('still', { still: 'k1' }), hold('other', { clip: 'k2' }),
  hold('lifted', { clip: 'k1', lifted_at: 'y' }),
];
const ids = (holds: { id: string }[]) => holds.map(({ id }) => id);

test('a hold of the case keeps all that is in it, another its own thing, a lifted one nothing', () => {
  assert.deepEqual(ids(holdsOn(all, { object: 'clip', id: 'k1' })), ['case', 'clip']);
  assert.deepEqual(ids(holdsOn(all, { object: 'still', id: 'k1' })), ['case', 'still']);
  assert.deepEqual(ids(holdsOn(all, undefined)), ['case']);
});

test('an arbiter\'s hold is lifted by an arbiter alone', () => {
  const placed = hold('a', { firm: true });
  assert.deepEqual(['arbiter', 'supervisor', 'agent'].map((role) => mayLift(role, placed)), [true, false, false]);
  assert.deepEqual(['arbiter', 'supervisor', 'agent'].map((role) => mayLift(role, hold('b'))), [true, true, false]);
});
