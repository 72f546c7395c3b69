// SPDX-License-Identifier: Apache-2.0
// Drawing against a played server, in virtual time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoupeClient } from './client.js';
import { Drawing } from './drawing.js';
import { FakeEnv } from './testing/fakes.js';

async function open() {
  const env = new FakeEnv();
  const client = new LoupeClient({ url: 'ws://x/ws', token: 't', env });
  const welcome = client.connect();
  env.last.welcome();
  await welcome;
  const drawing = new Drawing(client, { env, ageMs: () => 120.4 });
  const sent = (type: string) => env.last.sent.filter((frame) => frame.type === type);
  let seq = 10;
  const say = (message: object) => env.last.say({ ...message, seq: seq++ } as never);
  return { env, client, drawing, sent, say };
}

test('a line is told as the hand moves, and seen here at once', async () => {
  const { env, client, drawing, sent } = await open();
  const stroke = drawing.begin('bo', 'line', 2, [0.1, 0.2]);
  assert.equal(sent('draw').length, 1);
  stroke.move([0.2, 0.2]);
  stroke.move([0.3, 1.7]);
  assert.equal(sent('draw').length, 1);
  assert.deepEqual(drawing.picture('bo').shapes[0]?.points, [[0.1, 0.2], [0.2, 0.2], [0.3, 1]]);
  await env.advance(40);
  stroke.move([0.4, 0.4]);
  stroke.end();
  stroke.end();
  stroke.move([0.9, 0.9]);
  const frames = sent('draw').map((frame) => frame as unknown as { of: string; age_ms: number; shape: { id: string } });
  assert.deepEqual(frames.map(({ shape: { id: _id, ...rest } }) => rest), [
    { points: [[0.1, 0.2]], kind: 'line', color: 2 },
    { points: [[0.2, 0.2], [0.3, 1]] },
    { points: [[0.4, 0.4]], done: true },
  ]);
  assert.equal(new Set(frames.map(({ shape }) => shape.id)).size, 1);
  assert.deepEqual([frames[0]?.of, frames[0]?.age_ms], ['bo', 120]);
  assert.equal(drawing.picture('bo').shapes[0]?.by, client.identity);
});

test('the end of an arrow follows, and only its last place is told', async () => {
  const { env, drawing, sent } = await open();
  const stroke = drawing.begin('bo', 'arrow', 0, [0, 0]);
  for (const x of [0.1, 0.2, 0.3]) stroke.move([x, x]);
  await env.advance(40);
  stroke.end();
  assert.deepEqual(drawing.picture('bo').shapes[0]?.points, [[0, 0], [0.3, 0.3]]);
  const points = sent('draw').map((frame) => (frame as unknown as { shape: { points: unknown } }).shape.points);
  assert.deepEqual(points, [[[0, 0]], [[0.3, 0.3]], []]);
});

test('what the server refuses is off again', async () => {
  const { env, drawing, say } = await open();
  const refused: string[] = [];
  drawing.on('refused', (error) => refused.push(error.message));
  drawing.begin('bo', 'text', 0, [0.5, 0.5], 'here');
  assert.equal(drawing.picture('bo').shapes.length, 1);
  say({ type: 'error', re: env.last.last('draw').id, code: 'full', message: 'too much' });
  await env.advance(0);
  assert.equal(drawing.picture('bo').shapes.length, 0);
  assert.deepEqual(refused, ['too much']);
});

test('others draw, take back and clear', async () => {
  const { drawing, say } = await open();
  const shape = { id: '1', kind: 'line', color: 1, from: 0, points: [[0, 0], [1, 1]], done: false };
  say({ type: 'drawn', by: 'ann', of: 'bo', shape });
  say({ type: 'drawn', by: 'ann', of: 'bo', shape: { ...shape, from: 1, points: [[0.5, 0.5], [0.6, 0.6]], done: true } });
  say({ type: 'drawn', by: 'eve', of: 'bo', shape });
  assert.deepEqual(drawing.picture('bo').shapes.map(({ by, points, done }) => ({ by, points, done })), [
    { by: 'ann', points: [[0, 0], [0.5, 0.5], [0.6, 0.6]], done: true },
    { by: 'eve', points: [[0, 0], [1, 1]], done: false },
  ]);
  say({ type: 'undrawn', by: 'ann', of: 'bo', shape: '1' });
  assert.deepEqual(drawing.picture('bo').shapes.map(({ by }) => by), ['eve']);
  say({ type: 'cleared', by: 'ann', of: 'bo', whose: 'ann' });
  assert.equal(drawing.picture('bo').shapes.length, 1);
  say({ type: 'cleared', by: 'ann', of: 'bo' });
  assert.equal(drawing.picture('bo').shapes.length, 0);
});

test('takes back and clears its own at once', async () => {
  const { drawing, sent, say } = await open();
  drawing.undo('bo');
  drawing.clear('bo', true);
  assert.equal(sent('undo').length + sent('clear').length, 0);
  drawing.begin('bo', 'circle', 0, [0, 0]).end();
  drawing.begin('bo', 'circle', 0, [0, 0]).end();
  say({ type: 'drawn', by: 'ann', of: 'bo', shape: { id: '1', kind: 'line', color: 1, from: 0, points: [[0, 0]], done: true } });
  drawing.undo('bo');
  assert.equal(sent('undo').length, 1);
  drawing.clear('bo', false);
  assert.deepEqual(drawing.picture('bo').shapes.map(({ by }) => by), ['ann']);
  drawing.clear('bo', true);
  assert.equal(drawing.picture('bo').shapes.length, 0);
});

test('points thirty times a second at most; the pointers of others fade', async () => {
  const { env, drawing, sent, say } = await open();
  for (let i = 0; i < 100; i++) {
    drawing.point('bo', [i / 100, 0]);
    await env.advance(5);
  }
  await env.advance(50);
  const told = sent('pointer') as unknown as { x: number; id?: string }[];
  assert.ok(told.length <= 16 && told.length >= 12, String(told.length));
  assert.equal(told.at(-1)?.x, 0.99);
  assert.equal(told[0]?.id, undefined);
  drawing.point('bo', undefined);
  await env.advance(50);
  assert.equal('x' in (sent('pointer').at(-1) ?? {}), false);
  say({ type: 'pointer', by: 'ann', of: 'bo', x: 0.5, y: 0.25 });
  assert.deepEqual(drawing.picture('bo').pointers, [{ by: 'ann', spot: [0.5, 0.25] }]);
  await env.advance(3100);
  assert.deepEqual(drawing.picture('bo').pointers, []);
  say({ type: 'pointer', by: 'ann', of: 'bo', x: 0.5, y: 0.25 });
  say({ type: 'pointer', by: 'ann', of: 'bo' });
  assert.deepEqual(drawing.picture('bo').pointers, []);
});

test('newcomers find it all; it goes with its picture, and with the room', async () => {
  const { drawing, say } = await open();
  const changed: string[] = [];
  drawing.on('changed', (of) => changed.push(of));
  const shapes = [{ id: '1', by: 'ann', kind: 'text', color: 0, text: 'x', points: [[0, 0]], done: true }];
  say({ type: 'drawings', of: 'bo', shapes, frozen: { by: 'ann', still: 'st' } });
  assert.deepEqual(drawing.picture('bo').frozen, { by: 'ann', still: 'st' });
  say({ type: 'frozen', by: 'ann', of: 'bo', on: false });
  assert.equal(drawing.picture('bo').frozen, undefined);
  assert.equal(drawing.picture('bo').shapes.length, 1);
  say({ type: 'frozen', by: 'ann', of: 'bo', on: true });
  assert.deepEqual(drawing.picture('bo').frozen, { by: 'ann' });
  say({ type: 'person_left', identity: 'bo', reason: 'left' });
  assert.deepEqual(drawing.picture('bo'), { shapes: [], pointers: [] });
  say({ type: 'drawings', of: 'bo', shapes });
  changed.length = 0;
  say({ type: 'roster', room: 'r', people: [] });
  assert.equal(drawing.picture('bo').shapes.length, 0);
  assert.deepEqual(changed, ['bo']);
});
