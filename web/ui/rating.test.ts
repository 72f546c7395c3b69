// SPDX-License-Identifier: Apache-2.0
// When the buyer is asked, and what fits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from '../sdk/index.js';
import { asksRating, fits, stars } from './rating-rules.js';

const one = (state: string, more: Partial<Case> = {}): Case => ({ id: '', number: '', room: '', kind: '', title: '', state, ...more });

test('the buyer is asked once, when there is an outcome', () => {
  for (const state of ['agreed', 'ruled', 'executed', 'closed']) assert.equal(asksRating(one(state)), true, state);
  for (const state of ['open', 'waiting', 'in_call', 'proposed', 'disputed', 'in_review', 'cancelled']) {
    assert.equal(asksRating(one(state)), false, state);
  }
  assert.equal(asksRating(one('closed', { satisfaction: { score: 5, by: 'b', at: '' } })), false);
  assert.equal(asksRating(undefined), false);
});

test('words are counted in bytes', () => {
  assert.equal(fits('好'.repeat(1333)), true);
  assert.equal(fits('好'.repeat(1334)), false);
});

test('five stars, some of them filled', () => {
  assert.equal(stars(3), '★★★☆☆');
});
