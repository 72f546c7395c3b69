// SPDX-License-Identifier: Apache-2.0
// LoupeRest and the reading of tokens, against a played fetch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoupeProblem, LoupeRest } from './rest.js';
import { readToken } from './token.js';

function played(status: number, body: unknown) {
  const calls: { url: string; init: RequestInit }[] = [];
  const fetch = (url: unknown, init: unknown) => {
    calls.push({ url: String(url), init: init as RequestInit });
    const text = body === undefined ? null : JSON.stringify(body);
    return Promise.resolve(new Response(text, { status }));
  };
  const rest = new LoupeRest({ token: 't', base: 'http://x/api/v1', fetch: fetch as typeof globalThis.fetch });
  return { rest, calls };
}

test('sends the token, never cookies, and the body as JSON', async () => {
  const { rest, calls } = played(201, { id: 'c1', state: 'recording' });
  const clip = await rest.startClip('room 1', { publisher: 'b' });
  assert.equal(clip.id, 'c1');
  assert.equal(calls[0]?.url, 'http://x/api/v1/rooms/room%201/clips');
  assert.equal(calls[0]?.init.body, '{"publisher":"b"}');
  assert.equal(calls[0]?.init.credentials, 'omit');
  assert.equal((calls[0]?.init.headers as Record<string, string>)['Authorization'], 'Bearer t');
});

test('a case is changed by who says which one they have seen', async () => {
  const { rest, calls } = played(200, { id: 'c 1', version: 4 });
  assert.equal((await rest.changeCase({ id: 'c 1', version: 3 }, { tier: null })).version, 4);
  assert.deepEqual([calls[0]?.init.method, calls[0]?.url, calls[0]?.init.body], ['PATCH', 'http://x/api/v1/cases/c%201', '{"tier":null}']);
  assert.equal((calls[0]?.init.headers as Record<string, string>)['If-Match'], '"3"');
  const late = played(412, { detail: 'changed', case: { id: 'c', version: 9 } }).rest.changeCase({ id: 'c', version: 3 }, {});
  await assert.rejects(late, (error: LoupeProblem) => (error.problem['case'] as { version: number }).version === 9);
});

test('leaves empty filters out of a list', async () => {
  const { rest, calls } = played(200, { items: [] });
  await rest.cases({ q: '', state: 'open', limit: 20 });
  assert.equal(calls[0]?.url, 'http://x/api/v1/cases?state=open&limit=20');
  await rest.cases();
  assert.equal(calls[1]?.url, 'http://x/api/v1/cases');
});

test('further pages are asked for by their cursor', async () => {
  const { rest, calls } = played(200, { items: [] });
  await rest.accesses('c');
  await rest.accesses('c', 7);
  await rest.timeline('c', 7);
  assert.deepEqual(calls.map(({ url }) => url.slice('http://x/api/v1/cases/c/'.length)), ['accesses', 'accesses?cursor=7', 'timeline?cursor=7']);
});

test('a case is downloaded by an address, or there is a problem', async () => {
  const { rest, calls } = played(201, { url: '/api/v1/cases/c/export?signature=1', expires_at: 'soon' });
  assert.equal((await rest.exportLink('c 1')).url, '/api/v1/cases/c/export?signature=1');
  assert.deepEqual([calls[0]?.init.method, calls[0]?.url], ['POST', 'http://x/api/v1/cases/c%201/export']);
  await assert.rejects(played(429, { detail: 'too many' }).rest.exportLink('c'), { status: 429, message: 'too many' });
  const offline = new LoupeRest({ token: 't', base: '', fetch: () => Promise.reject(new TypeError('gone')) });
  await assert.rejects(offline.exportLink('c'), { status: 0 });
});

test('a problem carries what the server says', async () => {
  const { rest } = played(409, { title: 'Conflict', detail: 'no consent', code: 'conflict' });
  await assert.rejects(rest.startClip('r'), (error: LoupeProblem) => {
    assert.ok(error instanceof LoupeProblem);
    assert.deepEqual([error.status, error.message, error.problem.code], [409, 'no consent', 'conflict']);
    return true;
  });
});

test('an answer without a body, and none at all', async () => {
  assert.equal(await played(204, undefined).rest.consent('r', true), undefined);
  const rest = new LoupeRest({ token: 't', base: '', fetch: () => Promise.reject(new TypeError('gone')) });
  await assert.rejects(rest.case('x'), { status: 0 });
});

test('reads the claims of a token, in any script', () => {
  const part = Buffer.from(JSON.stringify({ sub: 'b1', name: '王芳', role: 'buyer' })).toString('base64url');
  assert.deepEqual(readToken(`h.${part}.s`), { sub: 'b1', name: '王芳', role: 'buyer' });
  for (const bad of ['', 'x', 'a.b.c', `h.${Buffer.from('{}').toString('base64url')}.s`]) {
    assert.equal(readToken(bad), undefined);
  }
});
