// SPDX-License-Identifier: Apache-2.0
// Merging the facts of a case that two people change: nothing of either is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Case } from '../sdk/index.js';
import { factTexts, factsPatch, mergeFacts } from './facts-merge.js';

const one = { id: 'c', title: 'A cup', brand: 'Loom', priority: 2, state: 'open' } as Case;
const base = factTexts(one);

test('what is not known is empty', () => {
  assert.deepEqual(base, { title: 'A cup', reason: '', category: '', brand: 'Loom', language: '', tier: '', priority: '2' });
});

test('only what changed is sent, and what was emptied is no longer known', () => {
  assert.deepEqual(factsPatch(base, base), {});
  assert.deepEqual(factsPatch(base, { ...base, title: 'Two', brand: '', priority: '9', tier: 'gold' }), {
    title: 'Two', brand: null, tier: 'gold', priority: 9,
  });
  assert.deepEqual(factsPatch(base, { ...base, title: '' }), { title: '' }); // the server says why not
});

test('what either changed stays', () => {
  const theirs = { ...base, brand: 'Weaver', tier: 'gold' };
  const { merged, clashes, came } = mergeFacts(base, theirs, { ...base, title: 'Two', tier: 'gold' });
  assert.deepEqual(merged, { ...base, title: 'Two', brand: 'Weaver', tier: 'gold' });
  assert.deepEqual(clashes, []);
  assert.deepEqual(came, ['brand']);
  assert.deepEqual(factsPatch(theirs, merged), { title: 'Two' });
});

test('what both changed is to be chosen; until then it is theirs', () => {
  const { merged, clashes, came } = mergeFacts(base, { ...base, title: 'Theirs' }, { ...base, title: 'Mine' });
  assert.deepEqual(clashes, [{ name: 'title', base: 'A cup', theirs: 'Theirs', mine: 'Mine' }]);
  assert.equal(merged.title, 'Theirs');
  assert.deepEqual(came, []);
});
