// SPDX-License-Identifier: Apache-2.0
// What an element has use for is told when it settles, and when it is out of sight.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEnv } from './testing/fakes.js';
import { watchElement, type View } from './viewing.js';

function begin() {
  const env = new FakeEnv();
  const element = {} as Element;
  const told: View[] = [];
  const off = watchElement(env, element, (view) => told.push(view));
  return { env, element, told, off };
}

test('a size is told once it has settled, and again only when it is another', async () => {
  const { env, element, told } = begin();
  for (const width of [100, 300, 639.2]) env.resizes(element, width, width / 2);
  await env.advance(250);
  assert.deepEqual(told, [{ paused: false, max_width: 640, max_height: 320 }]);
  env.resizes(element, 660, 330);
  await env.advance(250);
  assert.equal(told.length, 1);
  env.resizes(element, 1280, 640);
  await env.advance(250);
  assert.equal(told[1]?.max_width, 1280);
});

test('hidden for long it is paused; looked at again it is not', async () => {
  const { env, element, told } = begin();
  env.resizes(element, 640, 360);
  await env.advance(250);
  env.hides(element, true);
  await env.advance(1000);
  env.hides(element, false);
  await env.advance(5000);
  assert.equal(told.length, 1);
  env.hides(element, true);
  await env.advance(3000);
  assert.deepEqual(told[1], { paused: true });
  env.hides(element, false);
  assert.deepEqual(told[2], { paused: false, max_width: 640, max_height: 360 });
});

test('nothing is told after the end', async () => {
  const { env, element, told, off } = begin();
  env.resizes(element, 640, 360);
  env.hides(element, true);
  off();
  await env.advance(10_000);
  assert.deepEqual(told, []);
});
