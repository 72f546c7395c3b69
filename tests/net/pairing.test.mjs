// SPDX-License-Identifier: Apache-2.0
// Who comes into a call beside its buyer and agent, over WebSocket and REST: a supervisor, visibly; a third who is asked in;
// another agent who takes it over, or is given it by the supervisor or the back end. Everybody hears of everything.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startLouped, token } from './support/louped.mjs';
import { enter } from './support/ws.mjs';

let server;
let buyers = 0;

before(async () => {
  server = await startLouped({ args: ['--ring-seconds', '3'] });
});
after(() => server.stop());

const rest = (method, path, claims, body) => server.api(method, `/api/v1${path}`, { token: token(claims), body });
const agentOf = async (one) => (await rest('GET', `/cases/${one.id}`, { role: 'service', sub: 'shop' })).body.last_call?.agent;

/** A session of somebody who takes calls. */
async function available(t, sub, role = 'agent') {
  const client = await enter(server, { role, sub, name: sub });
  t.after(() => client.cut());
  await client.ask({ type: 'available', on: true });
  return client;
}

async function accept(client) {
  const { reservation } = await client.expect('call_offer');
  await client.ask({ type: 'accept', reservation }, 'joined');
}

/** A case in a call of its buyer with ann. */
async function inCall(t) {
  const sub = `buyer-${++buyers}`;
  const one = await server.newCase({ buyer: { id: sub, name: 'Lin' } });
  const buyer = await enter(server, { role: 'buyer', sub, case: one.id });
  t.after(() => buyer.cut());
  const ann = await available(t, `ann-${buyers}`);
  await buyer.ask({ type: 'wait' }, 'waiting');
  await accept(ann);
  await Promise.all([ann.expect('call_started'), buyer.expect('call_started')]);
  return { one, buyer, ann, name: `ann-${buyers}` };
}

const types = async (one) => (await rest('GET', `/cases/${one.id}/timeline?limit=200`, { role: 'service', sub: 'shop' })).body.items;

test('a supervisor joins visibly, looks on, and leaves', async (t) => {
  const { one, buyer, ann } = await inCall(t);
  const sue = await enter(server, { role: 'supervisor', sub: 'sue', name: 'Sue' });
  t.after(() => sue.cut());
  await sue.ask({ type: 'join', case: one.id }, 'joined');
  const roster = await sue.expect('roster');
  assert.deepEqual(roster.people.map(({ role }) => role).sort(), ['agent', 'buyer', 'supervisor']);
  for (const client of [buyer, ann]) {
    const { person } = await client.expect('person_joined', (m) => m.person.identity === 'sue');
    assert.deepEqual([person.role, person.name], ['supervisor', 'Sue']);
  }
  const { body } = await rest('GET', `/rooms/${one.room}`, { role: 'agent', sub: 'x' });
  assert.ok(body.people.some(({ identity, role }) => identity === 'sue' && role === 'supervisor'));
  assert.equal((await sue.answer({ type: 'take_over' })).code, 'denied'); // takes no calls
  await sue.ask({ type: 'leave' });
  await buyer.expect('person_left', (m) => m.identity === 'sue');
  assert.ok((await types(one)).some(({ type, actor }) => type === 'joined' && actor === 'sue'));
});

test('another agent in the room takes the call over', async (t) => {
  const { one, buyer, ann, name } = await inCall(t);
  const bob = await enter(server, { role: 'agent', sub: 'bob', name: 'Bob' });
  t.after(() => bob.cut());
  assert.equal((await bob.answer({ type: 'take_over' })).code, 'conflict'); // is in no room
  await bob.ask({ type: 'join', case: one.id }, 'joined');
  await bob.ask({ type: 'take_over' });
  for (const client of [buyer, ann, bob]) {
    const told = await client.expect('call_taken_over');
    assert.deepEqual([told.agent.identity, told.from], ['bob', name]);
  }
  for (let i = 0; (await agentOf(one)) !== 'bob'; i++) assert.ok(i < 200, 'the case says so');
  assert.ok((await types(one)).some(({ type, data }) => type === 'call_taken_over' && data.agent === 'bob' && data.from === name));
  await ann.ask({ type: 'leave' });
  assert.equal((await rest('GET', `/cases/${one.id}`, { role: 'agent', sub: 'x' })).body.state, 'in_call');
});

for (const [who, claims] of [['a supervisor', { role: 'supervisor', sub: 'sue' }], ['the back end', { role: 'service', sub: 'shop' }]]) {
  test(`${who} has another agent go on with the call`, async (t) => {
    const { one, buyer, ann, name } = await inCall(t);
    const cyd = `cyd-${buyers}`;
    const other = await available(t, cyd);
    const { status } = await rest('POST', `/cases/${one.id}/actions/transfer`, claims, { agent: cyd, mode: 'warm', note: 'Take it.' });
    assert.equal(status, 200);
    await accept(other);
    const { agent, mode } = await buyer.expect('call_joined');
    assert.deepEqual([agent.identity, mode], [cyd, 'warm']);
    await ann.ask({ type: 'leave' });
    assert.deepEqual([(await buyer.expect('call_taken_over')).agent.identity, (await other.expect('call_taken_over')).from], [cyd, name]);
    for (let i = 0; (await agentOf(one)) !== cyd; i++) assert.ok(i < 200, 'the case says so');
  });
}

test('a third is asked in, and the call is as it was when that one has left', async (t) => {
  const { one, buyer, ann, name } = await inCall(t);
  const expert = await available(t, `dan-${buyers}`, 'appraiser');
  await ann.ask({ type: 'act', action: 'transfer', data: { agent: `dan-${buyers}`, mode: 'invite' } });
  await accept(expert);
  assert.equal((await buyer.expect('call_joined')).mode, 'invite');
  const { body } = await rest('GET', `/rooms/${one.room}`, { role: 'agent', sub: 'x' });
  assert.deepEqual(body.people.map(({ role }) => role).sort(), ['agent', 'appraiser', 'buyer']);
  await expert.ask({ type: 'leave' });
  await buyer.expect('person_left', (m) => m.identity === `dan-${buyers}`);
  assert.equal(await agentOf(one), name);
});

test('blind, the buyer waits on, and the next one has the call', async (t) => {
  const { one, buyer, ann } = await inCall(t);
  const next = `eve-${buyers}`;
  const eve = await available(t, next);
  await ann.ask({ type: 'act', action: 'transfer', data: { mode: 'blind' } });
  await buyer.expect('call_ended');
  await accept(eve);
  await buyer.expect('call_started');
  for (let i = 0; (await agentOf(one)) !== next; i++) assert.ok(i < 200, 'the case says so');
});
