// SPDX-License-Identifier: Apache-2.0
// API keys of a merchant's own making: less right than one's own, a new secret beside the old, gone at once; secrets that
// do not stand in the database; the log of it all; and who asks too often.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { Client } from './support/ws.mjs';

let server;
const service = token({ role: 'service', sub: 'shop' });
const signed = ({ id, secret }, claims) => token({ iss: id, ...claims }, { header: { kid: id }, secret });
const get = (path, who) => server.api('GET', `/api/v1${path}`, { token: who });
const post = (path, who, body) => server.api('POST', `/api/v1${path}`, { token: who, body });
const ctl = (...args) => execFileSync(join(buildFolder, 'loupectl'), [...args, '--data', server.data], { encoding: 'utf8' });

before(async () => {
  server = await startLouped();
});
after(() => server.stop());

test('a key signs for its roles, and gives what its scopes give', async () => {
  const key = (await post('/api-keys', service, { roles: ['agent', 'service'], scopes: ['read'] })).body;
  const one = await server.newCase();
  assert.equal((await get(`/cases/${one.id}`, signed(key, { role: 'agent' }))).status, 200);
  assert.equal((await get(`/cases/${one.id}`, signed(key, { role: 'supervisor' }))).status, 403);
  assert.equal((await post(`/cases/${one.id}/actions/cancel`, signed(key, { role: 'agent' }), {})).status, 403);
  assert.equal((await get('/webhooks', signed(key, { role: 'service' }))).status, 403);
  assert.equal((await post('/api-keys', signed(key, { role: 'service' }), {})).status, 403);
  const page = new Client(server);
  await page.open;
  const refused = await page.ask({ type: 'hello', token: signed(key, { role: 'agent' }) }, 'error');
  assert.equal(refused.code, 'denied');
  await page.cut();
  const whip = await fetch(`${server.url}/whep/${one.room}`, {
    method: 'POST', headers: { authorization: `Bearer ${signed(key, { role: 'agent' })}`, 'content-type': 'application/sdp' }, body: 'v=0\r\n',
  });
  assert.ok(whip.status === 401 || whip.status === 403, `whep ${whip.status}`);
  const managing = (await post('/api-keys', service, { scopes: ['manage', 'read'] })).body;
  assert.equal((await post('/api-keys', signed(managing, { role: 'service' }), { scopes: ['write'] })).status, 400);
  const serving = (await post('/api-keys', service, { roles: ['service'], scopes: ['manage', 'read'] })).body;
  for (const roles of [undefined, ['agent']])
    assert.equal((await post('/api-keys', signed(serving, { role: 'service' }), { roles, scopes: ['read'] })).status, 400);
  const full = (await post('/api-keys', service, {})).body;
  const taken = await post(`/api-keys/${full.id}/rotate`, signed(serving, { role: 'service' }), {});
  assert.equal(taken.status, 403);
  assert.equal(taken.body.secret, undefined);
  assert.equal((await post(`/api-keys/${serving.id}/rotate`, signed(serving, { role: 'service' }), {})).status, 200);
});

test('a new secret is good beside the old one, and then alone', async () => {
  const key = (await post('/api-keys', service, { id: 'till' })).body;
  const before_ = signed(key, { role: 'service' });
  const fresh = (await post('/api-keys/till/rotate', service, { overlap_seconds: 2 })).body;
  assert.notEqual(fresh.secret, key.secret);
  assert.equal((await get('/cases', before_)).status, 200);
  assert.equal((await get('/cases', signed(fresh, { role: 'service' }))).status, 200);
  while ((await get('/cases', before_)).status === 200) await new Promise((done) => setTimeout(done, 100));
  assert.ok(Date.now() >= Date.parse(fresh.old_secret_until) - 1000);
  assert.equal((await get('/cases', signed(fresh, { role: 'service' }))).status, 200);
  assert.equal((await server.api('DELETE', '/api/v1/api-keys/till', { token: service })).status, 204);
  assert.equal((await get('/cases', signed(fresh, { role: 'service' }))).status, 401);
});

test('no secret stands in the database', async () => {
  const key = (await post('/api-keys', service, {})).body;
  const line = ctl('api-keys', 'add', '--merchant', 'tea-house', '--scopes', 'read,call').trim();
  const hook = (await post('/webhooks', service, { url: 'https://shop.example/hooks' })).body;
  const secrets = [key.secret, line.split(':')[1], hook.secret];
  for (const name of ['loupe.db', 'loupe.db-wal']) {
    const path = join(server.data, name);
    const bytes = existsSync(path) ? readFileSync(path).toString('latin1') : '';
    for (const secret of secrets) assert.ok(secret.length > 30 && !bytes.includes(secret), name);
  }
  assert.equal(statSync(join(server.data, 'keys/secrets.key')).mode & 0o77, 0);
});

test('who did what and read what is in the log', async () => {
  const one = await server.newCase();
  await get(`/cases/${one.id}`, token({ role: 'agent', sub: '=ann' }));
  const { items } = (await get('/log?limit=200', token({ role: 'supervisor', sub: 'zhao' }))).body;
  const said = items.map(({ actor, action, subject }) => `${actor} ${action} ${subject}`);
  assert.ok(said.includes(`=ann case_read ${one.id}`));
  assert.ok(said.includes('shop api_key_created till'));
  assert.ok(said.includes('shop api_key_rotated till'));
  assert.ok(said.includes('shop api_key_removed till'));
  assert.equal((await get('/log', token({ role: 'agent' }))).status, 403);
});

test('who asks too often is told when to ask again', { timeout: 30_000 }, async () => {
  const eager = token({ role: 'agent', sub: 'eager' });
  const answers = [];
  while (!answers.some(({ status }) => status === 429)) {
    answers.push(...await Promise.all(Array.from({ length: 100 }, () => get('/cases?limit=1', eager))));
    assert.ok(answers.length < 5000, 'nobody is held back');
  }
  const held = answers.find(({ status }) => status === 429);
  assert.match(held.headers.get('retry-after'), /^[1-9]\d*$/);
  assert.equal(held.headers.get('content-type'), 'application/problem+json');
  assert.equal((await get('/cases?limit=1', token({ role: 'agent', sub: 'patient' }))).status, 200);
  await new Promise((done) => setTimeout(done, Number(held.headers.get('retry-after')) * 1000));
  assert.equal((await get('/cases?limit=1', eager)).status, 200);
  const metrics = await server.api('GET', '/metrics');
  assert.ok(Number(/^loupe_http_requests_paced_total (\d+)$/m.exec(metrics.body)[1]) > 0);
});

test('loupectl makes no more keys than REST does', async () => {
  const merchant = 'glove-house';
  const [id, secret] = ctl('api-keys', 'add', '--merchant', merchant).trim().split(':');
  process.kill(server.pid, 'SIGHUP');
  const owner = signed({ id, secret }, { role: 'service', sub: 'tea' });
  while ((await get('/api-keys', owner)).status !== 200) await new Promise((done) => setTimeout(done, 20));
  for (let i = 1; i < 32; i++) assert.equal((await post('/api-keys', owner, {})).status, 201);
  assert.equal((await post('/api-keys', owner, {})).status, 429);
  assert.throws(() => ctl('api-keys', 'add', '--merchant', merchant), /too many API keys/);
  assert.equal((await get('/api-keys', owner)).body.items.length, 32);
  ctl('api-keys', 'add', '--merchant', 'coffee-house');
});

test('tokens that are none are held back at every door, as are persons', { timeout: 30_000 }, async (t) => {
  const other = await startLouped({ args: ['--rate-refused', '1/6', '--rate-person', '1/6'] });
  t.after(() => other.stop());
  const one = await other.newCase();
  const offer = (auth) => other.api('POST', `/whip/${one.room}`, { token: auth, headers: { 'content-type': 'application/sdp' }, body: 'v=0' });
  const hello = async (auth) => {
    const client = new Client(other);
    await client.open;
    const { code } = await client.answer({ type: 'hello', token: auth });
    return [code, await client.closed];
  };
  for (let i = 0; i < 3; i++) {
    assert.equal((await offer('no.such.token')).status, 401);
    assert.deepEqual(await hello('no.such.token'), ['unauthenticated', 4401]);
  }
  const held = await offer('no.such.token');
  assert.equal(held.status, 429);
  assert.match(held.headers.get('retry-after'), /^[1-9]\d*$/);
  assert.equal((await other.api('GET', '/api/v1/cases', { token: 'no.such.token' })).status, 429);
  assert.deepEqual(await hello('no.such.token'), ['rate_limited', 1013]);
  const host = token({ role: 'host', sub: 'host-1' });
  const answers = [];
  for (let i = 0; i < 9; i++) answers.push((await offer(host)).status);
  assert.deepEqual(answers.map((status) => status === 429), [false, false, false, false, false, false, true, true, true]);
  assert.deepEqual(await hello(host), ['rate_limited', 1013]);
});

test('who reads certificates without a token is held back, too', { timeout: 30_000 }, async () => {
  const path = '/api/v1/certificates/LC-0000-0000-0000';
  const answers = [];
  while (!answers.some(({ status }) => status === 429)) {
    answers.push(...await Promise.all(Array.from({ length: 100 }, () => server.api('GET', path))));
    assert.ok(answers.length < 2000, 'nobody is held back');
  }
  assert.ok(answers.filter(({ status }) => status === 404).length >= 200);
  assert.match(answers.find(({ status }) => status === 429).headers.get('retry-after'), /^[1-9]\d*$/);
  assert.equal((await get('/certificates/LC-0000-0000-0000', token({ role: 'agent', sub: 'patient' }))).status, 404);
  assert.equal((await server.api('GET', '/healthz')).status, 200);
});
