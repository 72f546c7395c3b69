// SPDX-License-Identifier: Apache-2.0
// Merchants beside each other: keys of their own, taken up and given up while the server runs, and not a
// word of one's cases for the other.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { Client } from './support/ws.mjs';

let server;
let tea; // (claims) => a token of the other merchant's key
const ctl = (...args) => execFileSync(join(buildFolder, 'loupectl'), ['api-keys', ...args, '--data', server.data], { encoding: 'utf8' });

/** Until the server has said so once more than before. */
async function reload() {
  const count = () => server.log.split('reloaded er=').length;
  const before_ = count();
  server.child.kill('SIGHUP');
  while (count() === before_) await new Promise((done) => server.child.stderr.once('data', done));
}

function keyed(line) {
  const [kid, secret] = line.trim().split(':');
  return (claims = {}) => token({ iss: kid, ...claims }, { header: { kid }, secret });
}

before(async () => {
  server = await startLouped();
  tea = keyed(ctl('add', '--merchant', 'tea-house', '--name', 'Tea House', '--id', 'tea'));
});
after(() => server.stop());

const opened = { kind: 'inspection', title: 'A pot', buyer: { id: 'buyer-1', name: 'Lin' } };

test('a key is good from SIGHUP on, and not after it is removed', async () => {
  const list = () => server.api('GET', '/api/v1/cases', { token: tea({ role: 'service' }) });
  assert.equal((await list()).status, 401);
  await reload();
  assert.equal((await list()).status, 200);
  assert.match(ctl('list'), /^tea tea-house made 20\d\d-[^\n]*\n$/);
  const second = keyed(ctl('add', '--merchant', 'tea-house'));
  assert.equal(ctl('list').split('\n').length, 3);
  await reload();
  const id = ctl('list').split('\n').find((line) => !line.startsWith('tea ')).split(' ')[0];
  assert.equal((await server.api('GET', '/api/v1/cases', { token: second({ role: 'service' }) })).status, 200);
  ctl('remove', '--id', id);
  await reload();
  assert.equal((await server.api('GET', '/api/v1/cases', { token: second({ role: 'service' }) })).status, 401);
  assert.equal((await list()).status, 200);
  const bad = (...args) => spawnSync(join(buildFolder, 'loupectl'), ['api-keys', ...args, '--data', server.data], { encoding: 'utf8' });
  assert.equal(bad('add', '--merchant', 'bag-shop', '--id', 'tea').status, 1); // it is another's
  assert.equal(bad('add', '--merchant', 'a b').status, 2);
  assert.equal(bad('add').status, 2);
  assert.equal(bad('remove', '--id', 'none').status, 1);
  assert.equal(bad('burn').status, 2);
});

test('a merchant sees nothing of another one', async () => {
  const mine = await server.newCase();
  const theirs = (await server.api('POST', '/api/v1/cases', { token: tea({ role: 'service' }), body: opened })).body;
  assert.equal(theirs.state, 'open');
  const post = (path, body = {}) => ['POST', path, body];
  const requests = [
    ['GET', `/cases/${mine.id}`], ['GET', `/cases/${mine.id}/timeline`], ['GET', `/cases/${mine.id}/clips`],
    ['GET', `/cases/${mine.id}/stills`], ['GET', `/cases/${mine.id}/export`], ['GET', `/rooms/${mine.room}`],
    post(`/cases/${mine.id}/invites`, { role: 'buyer' }), post(`/cases/${mine.id}/actions/cancel`),
    post(`/rooms/${mine.room}/clips`), post(`/rooms/${mine.room}/lookback`, { seconds: 5 }),
    post(`/rooms/${mine.room}/stills`), post(`/rooms/${mine.room}/consents`, { recording: true }),
  ];
  for (const role of ['service', 'agent', 'appraiser', 'arbiter', 'host', 'supervisor']) {
    const whose = { role, sub: 'someone' };
    for (const [method, path, body] of requests) {
      const { status } = await server.api(method, `/api/v1${path}`, { token: tea(whose), body });
      assert.equal(status, 403, `${role} ${method} ${path}`);
    }
    // A token that names the case is no better: who may sign for it is its merchant.
    const bound = tea({ ...whose, case: mine.id, room: mine.room });
    assert.equal((await server.api('GET', `/api/v1/cases/${mine.id}`, { token: bound })).status, 403);
  }
  for (const role of ['buyer', 'viewer', 'bot']) {
    const bound = tea({ role, sub: 'buyer-1', case: mine.id });
    assert.equal((await server.api('GET', `/api/v1/cases/${mine.id}`, { token: bound })).status, 403);
    assert.equal((await server.api('GET', `/api/v1/cases/${mine.id}/timeline`, { token: bound })).status, 403);
  }
  const page = new Client(server);
  await page.open;
  await page.ask({ type: 'hello', token: tea({ role: 'agent', sub: 'ann' }) }, 'welcome');
  assert.equal((await page.ask({ type: 'join', room: mine.room }, 'error')).code, 'denied');
  assert.equal((await page.ask({ type: 'join', room: theirs.room }, 'joined')).case, theirs.id);
  await page.cut();
  const listed = await server.api('GET', '/api/v1/cases', { token: tea({ role: 'service' }) });
  assert.deepEqual(listed.body.items.map((item) => item.id), [theirs.id]);
  assert.equal((await server.api('GET', '/metrics', { token: tea({ role: 'service' }) })).status, 403);
  const named = { ...opened, merchant: 'default' };
  assert.equal((await server.api('POST', '/api/v1/cases', { token: tea({ role: 'service' }), body: named })).status, 403);
});
