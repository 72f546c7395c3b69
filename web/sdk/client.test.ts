// SPDX-License-Identifier: Apache-2.0
// LoupeClient against a played server, in virtual time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoupeClient } from './client.js';
import { FakeEnv } from './testing/fakes.js';

function begin(options = {}) {
  const env = new FakeEnv();
  const client = new LoupeClient({ url: 'ws://x/ws', token: 't', env, ...options });
  const welcome = client.connect();
  return { env, client, welcome };
}

async function open() {
  const all = begin();
  all.env.last.welcome();
  await all.welcome;
  return all;
}

test('says hello with the token and is welcomed', async () => {
  const { env, client, welcome } = begin();
  env.last.accept();
  const hello = env.last.last('hello');
  assert.equal(hello['token'], 't');
  assert.equal('session' in hello, false);
  env.last.say({ type: 'welcome', seq: 1, re: hello.id, session: 's1', identity: 'me', resumed: false });
  assert.equal((await welcome).session, 's1');
  assert.equal(client.state, 'open');
  assert.equal(client.identity, 'me');
});

test('a refused token ends the session', async () => {
  const { env, client, welcome } = begin();
  env.last.accept();
  env.last.say({ type: 'error', re: env.last.last('hello').id, code: 'unauthenticated', message: '' });
  await assert.rejects(welcome, { code: 'unauthenticated' });
  assert.equal(client.state, 'closed');
  await env.advance(60_000);
  assert.equal(env.sockets.length, 1);
  assert.equal(env.timers, 0);
});

test('requests get their reply, or its error', async () => {
  const { env, client } = await open();
  const good = client.request('wait', {});
  const bad = client.request('chat', { text: '' });
  const [wait, chat] = [env.last.last('wait'), env.last.last('chat')];
  env.last.say({ type: 'error', seq: 2, re: chat.id, code: 'invalid', message: 'empty' });
  env.last.say({ type: 'waiting', seq: 3, re: wait.id, position: 2 });
  assert.equal(((await good) as { position: number }).position, 2);
  await assert.rejects(bad, { code: 'invalid', message: 'empty' });
});

test('a request without a reply fails in the end', async () => {
  const { env, client } = await open();
  const request = client.request('wait', {});
  const failed = assert.rejects(request, { code: 'timeout' });
  for (let i = 0; i < 6; i++) {
    await env.advance(10_000);
    const pings = env.last.sent.filter((frame) => frame.type === 'ping');
    for (const ping of pings) env.last.say({ type: 'pong', re: ping.id });
  }
  await failed;
});

test('resumes after a drop, tells what it has, asks again under the same id, leaves out repeats', async () => {
  const { env, client } = await open();
  const heard: string[] = [];
  client.on('chat', ({ message }) => heard.push(message.text));
  env.last.say({ type: 'chat', seq: 2, message: { text: 'one' } });
  const before = client.request('chat', { text: 'mine' });
  const id = env.last.last('chat').id;
  env.last.cut();
  assert.equal(client.state, 'reconnecting');
  const during = client.request('wait', {});
  await env.advance(300);
  assert.equal(env.sockets.length, 2);
  env.last.accept();
  const hello = env.last.last('hello');
  assert.equal(hello['session'], 's1');
  assert.equal(hello['received'], 2);
  env.last.say({ type: 'welcome', seq: 5, re: hello.id, session: 's1', identity: 'me', resumed: true });
  env.last.say({ type: 'chat', seq: 2, message: { text: 'one' } });
  env.last.say({ type: 'chat', seq: 3, message: { text: 'two' } });
  env.last.say({ type: 'ok', seq: 4, re: id, message: 'm1' });
  assert.equal(env.last.last('chat').id, id);
  env.last.say({ type: 'waiting', seq: 6, re: env.last.last('wait').id, position: 1 });
  assert.equal((await before).message, 'm1');
  assert.equal(((await during) as { position: number }).position, 1);
  assert.deepEqual(heard, ['one', 'two']);
});

test('a session that is gone is begun anew, and its requests fail', async () => {
  const { env, client } = await open();
  let renewed = 0;
  client.on('renewed', () => (renewed += 1));
  const request = client.request('wait', {});
  env.last.cut(1012);
  await env.advance(300);
  env.last.accept();
  const first = env.last.last('hello');
  env.last.say({ type: 'error', re: first.id, code: 'not_found', message: '' });
  const second = env.last.last('hello');
  assert.notEqual(second.id, first.id);
  assert.equal('session' in second, false);
  await assert.rejects(request, { code: 'session_lost' });
  env.last.say({ type: 'welcome', seq: 1, re: second.id, session: 's2', identity: 'me', resumed: false });
  assert.equal(renewed, 1);
  const heard: unknown[] = [];
  client.on('notice', (notice) => heard.push(notice.code));
  env.last.say({ type: 'notice', seq: 2, code: 'draining', message: '' });
  assert.deepEqual(heard, ['draining']);
});

test('tries again ever more slowly, and at once when the network is back', async () => {
  const { env } = await open();
  const gaps: number[] = [];
  let at = env.now;
  env.last.cut();
  for (let i = 0; i < 7; i++) {
    const sockets = env.sockets.length;
    while (env.sockets.length === sockets) await env.advance(10);
    gaps.push(env.now - at);
    at = env.now;
    env.last.cut();
  }
  assert.deepEqual(gaps, [250, 500, 1000, 2000, 4000, 8000, 8000]);
  env.networkChanges('online');
  assert.equal(env.sockets.length, 9);
});

test('a silent connection is found out by a ping and dropped', async () => {
  const { env, client } = await open();
  await env.advance(20_000);
  assert.equal(env.last.count('ping'), 1);
  await env.advance(5_999);
  assert.equal(client.state, 'open');
  await env.advance(1);
  assert.equal(client.state, 'reconnecting');
});

test('a changed network is probed at once', async () => {
  const { env, client } = await open();
  env.networkChanges('connection');
  assert.equal(env.last.count('ping'), 1);
  await env.advance(2_500);
  assert.equal(client.state, 'reconnecting');
});

for (const [code, reason] of [[4401, 'unauthenticated'], [4403, 'denied'], [4409, 'replaced'], [4410, 'ended']]) {
  test(`close code ${code} is final: ${reason}`, async () => {
    const { env, client } = await open();
    const request = client.request('wait', {});
    let closed: unknown;
    client.on('closed', (event) => (closed = event));
    env.last.cut(code as number);
    assert.deepEqual(closed, { code, reason });
    await assert.rejects(request, { code: reason as string });
    await env.advance(60_000);
    assert.equal(env.sockets.length, 1);
  });
}

test('close says bye and leaves nothing running', async () => {
  const { env, client } = await open();
  client.close();
  assert.equal(env.last.count('bye'), 1);
  assert.equal(env.timers, 0);
  await assert.rejects(client.request('wait', {}), { code: 'closed' });
});

test('knows who is in the room, and how good their network is', async () => {
  const env = new FakeEnv();
  const client = new LoupeClient({ url: 'ws://x/ws', token: 't', env });
  void client.connect();
  env.last.welcome();
  const person = (identity: string) => ({ identity, name: identity, role: 'agent', online: true });
  let seq = 1;
  const say = (frame: object) => env.last.say({ seq: ++seq, ...frame });
  say({ type: 'roster', room: 'r', people: [person('a')] });
  say({ type: 'person_joined', person: person('b') });
  say({ type: 'network', identity: 'b', network: { quality: 'poor', why: 'loss' } });
  say({ type: 'network', identity: 'nobody', network: { quality: 'good' } });
  assert.deepEqual([...client.people.keys()], ['a', 'b']);
  assert.deepEqual(client.people.get('b')?.network, { quality: 'poor', why: 'loss' });
  say({ type: 'network', identity: 'b', network: null });
  assert.equal(client.people.get('b')?.network, undefined);
  say({ type: 'person_left', identity: 'a', reason: 'left' });
  assert.deepEqual([...client.people.keys()], ['b']);
});
