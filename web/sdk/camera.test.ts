// SPDX-License-Identifier: Apache-2.0
// Parts of pictures: of parts, and the size they are sent in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WishQueue, regionWithin, sizeOfPart, type CameraMembers } from './camera.js';

const near = (a: object, b: object) => {
  const numbers = (one: object) => Object.values(one).map((n: number) => Math.round(n * 1000) / 1000);
  assert.deepEqual(numbers(a), numbers(b));
};

test('a part of what is shown is a part of the whole', () => {
  const part = { x: 0.5, y: 0.25, width: 0.5, height: 0.5 };
  near(regionWithin(null, part), part);
  near(regionWithin(undefined, part), part);
  near(regionWithin({ x: 0.2, y: 0.4, width: 0.4, height: 0.4 }, part), { x: 0.4, y: 0.5, width: 0.2, height: 0.2 });
});

test('a part is never too small, and never outside', () => {
  near(regionWithin({ x: 0.96, y: 0, width: 0.04, height: 0.04 }, { x: 0.9, y: 0.9, width: 0.1, height: 0.1 }), {
    x: 0.98, y: 0.036, width: 0.02, height: 0.02,
  });
});

test('it is sent in the pixels of the sensor, but in no more than the whole would be', () => {
  const sensor = { width: 3840, height: 2160 };
  assert.deepEqual(sizeOfPart(sensor, { x: 0, y: 0, width: 0.25, height: 0.25 }), { width: 960, height: 540 });
  assert.deepEqual(sizeOfPart(sensor, { x: 0, y: 0, width: 1, height: 1 }), { width: 1280, height: 720 });
  assert.deepEqual(sizeOfPart({ width: 320, height: 240 }, { x: 0, y: 0, width: 0.02, height: 0.02 }), { width: 16, height: 16 });
});

test('wishes are done one after the other, of each kind the last', async () => {
  const done: CameraMembers[] = [];
  const waiting: (() => void)[] = [];
  const queue = new WishQueue((wish) => {
    done.push(wish);
    return new Promise((resolve) => waiting.push(resolve));
  });
  const region = { x: 0, y: 0, width: 0.5, height: 0.5 };
  const first = queue.push({ region });
  void queue.push({ region: { ...region, x: 0.1 } });
  void queue.push({ torch: true });
  const last = queue.push({ region: null });
  assert.equal(done.length, 1);
  waiting[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, [{ region }, { region: null, torch: true }]);
  waiting[1]?.();
  await Promise.all([first, last]);
  const failing = new WishQueue(() => Promise.reject(new Error('no')));
  await failing.push({ torch: true });
  await failing.push({ torch: false });
});
