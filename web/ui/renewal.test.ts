// SPDX-License-Identifier: Apache-2.0
// When a clip's addresses are asked for anew, and when that is given up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clip } from '../sdk/index.js';
import { Renewal } from './renewal.js';

function world(answer: (n: number) => Partial<Clip> | Error) {
  const state = { now: 0, asked: 0 };
  const renewal = new Renewal(
    (id) => {
      const got = answer((state.asked += 1));
      return got instanceof Error ? Promise.reject(got) : Promise.resolve({ id, ...got } as Clip);
    },
    () => state.now,
  );
  return { state, renewal };
}
const clip = { id: 'c', case: 'k', label: 'mine', media_url: '/m?1', poster_url: '/p?1', manifest_url: '/j?1' } as Clip;

test('what fails is asked for anew, once; then it fails for another reason', async () => {
  const { state, renewal } = world((n) => ({ media_url: `/m?${n + 1}`, manifest_url: `/j?${n + 1}`, label: 'theirs' }));
  const fresh = await renewal.renew(clip);
  assert.deepEqual([fresh?.media_url, fresh?.manifest_url], ['/m?2', '/j?2']);
  assert.equal(fresh?.label, 'mine'); // only addresses change under who looks
  state.now += 29_000;
  assert.equal(await renewal.renew(fresh as Clip), undefined);
  assert.equal(state.asked, 1);
  state.now += 10 * 60_000; // they have run out once more
  assert.equal((await renewal.renew(fresh as Clip))?.media_url, '/m?3');
});

test('a clip that is gone, or has no file any more, has no new address', async () => {
  assert.equal(await world(() => new Error('410')).renewal.renew(clip), undefined);
  assert.equal(await world(() => ({})).renewal.renew(clip), undefined);
  const { state, renewal } = world(() => ({ media_url: '/m' }));
  assert.equal(await renewal.renew({ id: 'c', case: 'k' } as Clip), undefined);
  assert.equal(state.asked, 0);
});

test('addresses grow old from when they came', () => {
  const { state, renewal } = world(() => ({}));
  state.now = 5_000;
  renewal.note(clip);
  state.now += 9 * 60_000;
  assert.equal(renewal.old, false);
  renewal.note({ ...clip, label: 'another' } as Clip); // the same ones
  state.now += 1;
  assert.equal(renewal.old, true);
  renewal.note({ ...clip, media_url: '/m?2' } as Clip);
  assert.equal(renewal.old, false);
});
