// SPDX-License-Identifier: Apache-2.0
// Sending a photograph: over lost pieces and lost answers, to its end or to a refusal.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { saysPlace, sendPhotograph } from './photograph.js';
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
  const still = await sendPhotograph(rest, 'p1', photo, { pause: soon });
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
  await assert.rejects(sendPhotograph(rest, 'p1', photo, { pause: soon }), (error: LoupeProblem) => error.status === 400);
});

const segment = (marker: number, body: string) => {
  const bytes = Buffer.from(body, 'latin1');
  return Buffer.concat([Buffer.from([0xff, marker, (bytes.length + 2) >> 8, (bytes.length + 2) & 255]), bytes]);
};
const jpeg = (...segments: Buffer[]) => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), ...segments, Buffer.from([0xff, 0xda, 0, 2, 0xff, 0xd9])]);
  return new Uint8Array(bytes).buffer;
};
const PLACED = 'Exif\0\0II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0';
const TURNED = 'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0';

test('whether a photograph says where it was taken', () => {
  assert.equal(saysPlace(jpeg(segment(0xe0, 'JFIF\0'), segment(0xe1, PLACED))), true);
  assert.equal(saysPlace(jpeg(segment(0xe1, TURNED))), false);
  assert.equal(saysPlace(jpeg()), false);
  for (let cut = 0; cut < 24; cut++) assert.equal(saysPlace(jpeg(segment(0xe1, PLACED)).slice(0, cut)), false);
});

test('a place is kept only if that is said, with the last piece', async () => {
  const asked: string[] = [];
  const fetch = (url: unknown, init: { headers: Record<string, string> }) => {
    asked.push(String(url));
    const whole = init.headers['Upload-Complete'] === '?1';
    const headers = { 'Upload-Offset': String(Number(init.headers['Upload-Offset']) + 256 * 1024) };
    return Promise.resolve(new Response(whole ? '{"id":"p1"}' : null, { status: whole ? 200 : 204, headers }));
  };
  const rest = new LoupeRest({ token: 't', base: '', fetch: fetch as unknown as typeof globalThis.fetch });
  await sendPhotograph(rest, 'p1', photo, { keepPlace: true });
  await sendPhotograph(rest, 'p1', photo);
  assert.deepEqual(asked.map((url) => url.includes('place=keep')), [false, false, true, false, false, false]);
});
