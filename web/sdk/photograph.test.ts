// SPDX-License-Identifier: Apache-2.0
// Sending a photograph: over lost pieces and lost answers, to its end or to a refusal.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { sendPhotograph } from './photograph.js';
import { LoupeProblem, LoupeRest } from './rest.js';

const photo = new Blob([Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7) & 255))]);
const soon = () => Promise.resolve();

/** A server whose connection breaks as told: before a piece is taken, or before it is answered. */
function served(breaks: Record<number, 'before' | 'after'> = {}) {
  const state = { kept: Buffer.alloc(0), pieces: 0, digest: '' };
  const answer = (status: number, body?: unknown) =>
    new Response(body === undefined ? null : JSON.stringify(body), {
      status, headers: { 'Upload-Offset': String(state.kept.length) },
    });
  const fetch = async (_url: unknown, init: { headers: Record<string, string>; body: Blob }) => {
    const broken = breaks[state.pieces++];
    if (broken === 'before') throw new TypeError('network');
    const { headers } = init;
    if (Number(headers['Upload-Offset']) !== state.kept.length) return answer(409, { detail: 'elsewhere' });
    state.kept = Buffer.concat([state.kept, Buffer.from(await init.body.arrayBuffer())]);
    if (broken === 'after') throw new TypeError('network');
    if (headers['Upload-Complete'] !== '?1') return answer(204);
    state.digest = headers['Repr-Digest'] ?? '';
    return answer(200, { id: 'p1', kind: 'photo' });
  };
  const rest = new LoupeRest({ token: 't', base: 'http://x', fetch: fetch as unknown as typeof globalThis.fetch });
  return { rest, state };
}

async function check(breaks: Record<number, 'before' | 'after'>, pieces: number) {
  const { rest, state } = served(breaks);
  const still = await sendPhotograph(rest, 'p1', photo, soon);
  assert.equal(still.id, 'p1');
  const whole = Buffer.from(await photo.arrayBuffer());
  assert.ok(state.kept.equals(whole));
  assert.equal(state.digest, `sha-256=:${createHash('sha256').update(whole).digest('base64')}:`);
  assert.equal(state.pieces, pieces);
}

test('goes in pieces, the hash with the last', () => check({}, 3));
test('a lost piece is sent again', () => check({ 1: 'before', 2: 'before' }, 5));
test('after a lost answer it goes on where the server stands', () => check({ 0: 'after' }, 4));
test('after the last answer was lost, the end is asked for once more', () => check({ 2: 'after' }, 5));

test('a refusal ends it', async () => {
  const fetch = () => Promise.resolve(new Response('{"detail":"no JPEG"}', { status: 400 }));
  const rest = new LoupeRest({ token: 't', base: 'http://x', fetch: fetch as unknown as typeof globalThis.fetch });
  await assert.rejects(sendPhotograph(rest, 'p1', photo, soon), (error: LoupeProblem) => error.status === 400);
});
