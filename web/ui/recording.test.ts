// SPDX-License-Identifier: Apache-2.0
// The sign of recording in each state, and consent that is told until it is heard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstOf, recordingSign, untilTold } from './recording.js';

const publishers: Record<string, string> = { mine: 'lin', theirs: 'chen' };
const sign = (allowed: boolean, told: boolean, ...clips: string[]) =>
  recordingSign({ allowed, told, clips, publisherOf: (clip) => publishers[clip], me: 'lin' });

test('recording is said only of who allowed it', () => {
  assert.equal(sign(true, true), 'allowed');
  assert.equal(sign(true, false, 'mine'), 'recording');
  assert.equal(sign(true, true, 'mine'), 'recording');
  assert.equal(sign(true, true, 'unheard-of'), 'recording');
  for (const told of [true, false]) {
    assert.equal(sign(false, told), 'refused');
    for (const clip of ['mine', 'theirs', 'unheard-of']) assert.notEqual(sign(false, told, clip), 'recording');
  }
});

test('taken back: stopping until the server says so, then either nothing or a clip without this person', () => {
  assert.equal(sign(false, false, 'mine'), 'stopping');
  assert.equal(sign(false, false, 'theirs'), 'stopping');
  assert.equal(sign(false, true, 'mine'), 'stopping');
  assert.equal(sign(false, true, 'theirs'), 'others');
  assert.equal(sign(false, true, 'theirs', 'mine'), 'stopping');
  assert.equal(sign(false, true), 'refused');
});

test('the second way is taken when the first is silent, and only then', async () => {
  const asked: string[] = [];
  const way = (name: string, answer: () => Promise<unknown>) => () => {
    asked.push(name);
    return answer();
  };
  const silent = () => new Promise(() => {});
  const fails = () => Promise.reject(new Error('gone'));
  const heard = () => Promise.resolve();
  await firstOf(way('ws', silent), Promise.resolve(), way('http', heard));
  await firstOf(way('ws', fails), Promise.resolve(), way('http', heard));
  assert.deepEqual(asked, ['ws', 'http', 'ws', 'http']);
  await firstOf(way('ws', heard), new Promise((resolve) => setTimeout(resolve, 1)), way('never', heard));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(asked.includes('never'), false);
  await assert.rejects(firstOf(fails, Promise.resolve(), fails));
});

test('asks until it is heard, and no longer than it is wanted', async () => {
  const waits: number[] = [];
  const pause = (ms: number) => Promise.resolve(void waits.push(ms));
  let asked = 0;
  const third = () => (++asked < 3 ? Promise.reject(new Error('offline')) : Promise.resolve());
  assert.equal(await untilTold(third, () => true, pause), true);
  assert.deepEqual([asked, waits], [3, [250, 500]]);
  const never = () => Promise.reject(new Error('offline'));
  assert.equal(await untilTold(never, () => waits.length < 6, pause), false);
  let wanted = true;
  const late = () => Promise.resolve(void (wanted = false));
  assert.equal(await untilTold(late, () => wanted, pause), false, 'answered, but something else was said meanwhile');
});
