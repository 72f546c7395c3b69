// SPDX-License-Identifier: Apache-2.0
// loupe.v1 over real sockets: who is refused, what is closed and how, resume without loss or ghosts,
// the queue with two agents, and the drain.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { raw, startLouped, token } from './support/louped.mjs';
import { Client, enter } from './support/ws.mjs';

let server;
before(async () => {
  server = await startLouped();
});
after(async () => {
  assert.equal(await server.stop(), 0, server.log);
});

const buyer = (item, more = {}) => ({ role: 'buyer', sub: item.buyer.id, name: 'Lin', case: item.id, ...more });
const agent = (sub, more = {}) => ({ role: 'agent', sub, name: sub, ...more });
let cases = 0;
const newCase = (extra) => server.newCase({ buyer: { id: `buyer-${++cases}`, name: 'Lin' }, ...extra });

test('hello, welcome, roster; a missing hello is closed after 5 s', async () => {
  const item = await newCase();
  const late = new Client(server);
  await late.open;
  const began = Date.now();
  const client = new Client(server);
  const welcome = await client.hello(buyer(item));
  assert.equal(welcome.seq, 1);
  assert.equal(welcome.room, item.room);
  assert.equal(welcome.case, item.id);
  assert.equal(welcome.resumed, false);
  assert.ok(Array.isArray(welcome.ice_servers));
  assert.ok(Math.abs(Date.parse(welcome.server_time) - Date.now()) < 5000);
  const roster = await client.expect('roster');
  assert.deepEqual(roster.people.map((p) => [p.identity, p.online, p.consent]), [[item.buyer.id, true, false]]);
  assert.deepEqual((await client.expect('history')).messages, []);
  assert.deepEqual(await client.ask({ type: 'ping' }, 'pong').then((m) => m.type), 'pong');
  assert.equal(await late.closed, 4408);
  assert.ok(Date.now() - began > 4000 && Date.now() - began < 12_000);
  assert.equal((await client.ask({ type: 'bye' })).type, 'ok');
  assert.equal(await client.closed, 4410);
});

test('tokens that are no good are refused, and so are foreign rooms', async () => {
  const [mine, other] = [await newCase(), await newCase()];
  const now = Math.floor(Date.now() / 1000);
  const bad = [
    [token({}, { header: { alg: 'none' } }), 'unauthenticated', 4401],
    [token({}, { secret: 'not-the-secret' }), 'unauthenticated', 4401],
    [token({ exp: now - 1 }), 'unauthenticated', 4401],
    [token({ role: 'buyer' }), 'unauthenticated', 4401],
    ['x', 'unauthenticated', 4401],
    [token({ role: 'service' }), 'denied', 4403],
    [token({ role: 'buyer', sub: 'b', case: mine.room }), 'not_found', 4403],
    [token({ role: 'agent', sub: 'a', case: mine.id, room: other.room }), 'denied', 4403],
  ];
  for (const [sent, code, close] of bad) {
    const client = new Client(server);
    await client.open;
    client.send({ type: 'hello', id: '1', token: sent });
    const error = await client.expect('error');
    assert.deepEqual([error.code, error.re], [code, '1']);
    assert.equal(await client.closed, close);
  }
  const client = await enter(server, buyer(mine));
  assert.equal((await client.ask({ type: 'join', room: other.room }, 'error')).code, 'denied');
  const viewer = new Client(server);
  await viewer.open;
  viewer.send({ type: 'hello', token: token({ role: 'viewer', sub: 'v', room: mine.room }) });
  await viewer.expect('welcome');
  client.cut();
  viewer.cut();
});

test('only this protocol, only allowed origins, only websocket upgrades', async () => {
  await assert.rejects(new Client(server, { origin: 'https://evil.example' }).open);
  await new Client(server, { origin: server.url }).open.catch(assert.fail);
  const h2c = await raw(server, `GET / HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`);
  assert.doesNotMatch(h2c.text, /101 /);
});

test('what is no message is an error or a close', async () => {
  const item = await newCase();
  const client = await enter(server, buyer(item));
  client.send('nonsense');
  assert.equal((await client.expect('error')).code, 'malformed');
  client.send(`{"type":"ping","x":${'['.repeat(40)}${']'.repeat(40)}}`);
  assert.equal((await client.expect('error')).code, 'malformed');
  assert.equal((await client.ask({ type: 'dance' }, 'error')).code, 'unknown_type');
  assert.equal((await client.ask({ type: 'chat', text: 'x'.repeat(4001) }, 'error')).code, 'invalid');
  assert.equal((await client.ask({ type: 'offer', sdp: 'v=0\r\nnonsense' }, 'error')).type, 'error');
  for (let i = 0; i < 150; i++) client.send({ type: 'media_state', audio: true, video: true });
  assert.equal((await client.expect('error', (m) => m.code === 'rate_limited')).code, 'rate_limited');
  const big = await enter(server, buyer(item, { sub: 'buyer-big', role: 'bot' }));
  big.send(JSON.stringify({ type: 'chat', text: 'x'.repeat(70_000) }));
  assert.equal(await big.closed, 1009);
  const binary = await enter(server, buyer(item, { sub: 'buyer-bin', role: 'bot' }));
  binary.socket.send(Buffer.from([1, 2, 3]));
  assert.equal(await binary.closed, 1003);
  // The connection lives on, and is heard again once the rate allows.
  const again = setInterval(() => client.send({ type: 'ping' }), 20);
  assert.equal((await client.expect('pong')).type, 'pong');
  clearInterval(again);
  client.cut();
});

test('a cut connection resumes: nothing is lost, nobody is doubled', async () => {
  const item = await newCase();
  const first = await enter(server, buyer(item));
  const other = await enter(server, agent('ann', { case: item.id }));
  await first.expect('person_joined');
  await first.cut();
  assert.equal((await other.expect('person_changed')).person.online, false);
  for (const text of ['one', 'two', 'three']) await other.ask({ type: 'chat', text });
  const again = new Client(server);
  const welcome = await again.hello(buyer(item), { session: first.welcome.session, received: first.received });
  assert.equal(welcome.resumed, true);
  assert.equal(welcome.session, first.welcome.session);
  const texts = [];
  let seq = first.received;
  for (let i = 0; i < 3; i++) {
    const chat = await again.expect('chat');
    texts.push(chat.message.text);
    assert.ok(chat.seq > seq);
    seq = chat.seq;
  }
  assert.deepEqual(texts, ['one', 'two', 'three']);
  assert.equal((await other.expect('person_changed')).person.online, true);
  assert.ok(!other.has('person_joined') && !other.has('person_left'));
  const room = await server.api('GET', `/api/v1/rooms/${item.room}`, { token: token(agent('ann')) });
  assert.equal(room.body.people.length, 2);
  const stranger = new Client(server);
  await stranger.open;
  const refused = await stranger.ask(
    { type: 'hello', token: token(agent('eve')), session: welcome.session }, 'error');
  assert.equal(refused.code, 'not_found');
  for (const client of [again, other, stranger]) client.cut();
});

test('a request sent again is carried out once', async () => {
  const item = await newCase();
  const client = await enter(server, buyer(item));
  const message = { type: 'chat', id: 'same', text: 'once' };
  client.send(message);
  client.send(message);
  await client.expect('chat');
  await client.ask({ type: 'chat', text: 'twice' }, 'ok');
  assert.equal((await client.expect('chat')).message.text, 'twice');
  client.cut();
});

test('a newer session of the same person takes the place of the older', async () => {
  const item = await newCase();
  const other = await enter(server, agent('abe', { case: item.id }));
  const first = await enter(server, buyer(item));
  await other.expect('person_joined');
  const second = await enter(server, buyer(item));
  assert.equal(await first.closed, 4409);
  assert.equal((await second.expect('roster')).people.length, 2);
  await other.ask({ type: 'ping' }, 'pong');
  assert.ok(!other.has('person_joined') && !other.has('person_left'));
  second.send({ type: 'bye' });
  assert.equal((await other.expect('person_left')).reason, 'left');
  other.cut();
});

test('two agents: one is offered, declines, the other takes the call', async () => {
  const item = await newCase({ language: 'en' });
  const [ann, abe] = [await enter(server, agent('q-ann')), await enter(server, agent('q-abe'))];
  await ann.ask({ type: 'available', on: true, languages: ['en'] });
  await abe.ask({ type: 'available', on: true, languages: ['zh'] });
  const lin = await enter(server, buyer(item));
  const waiting = await lin.ask({ type: 'wait' }, 'waiting');
  assert.equal(waiting.position, 1);
  const offer = await ann.expect('call_offer');
  assert.equal(offer.case.id, item.id);
  assert.equal(offer.buyer.identity, item.buyer.id);
  assert.equal(offer.ring_ms > 15_000, true);
  await abe.ask({ type: 'ping' }, 'pong');
  assert.ok(!abe.has('call_offer'));
  await ann.ask({ type: 'decline', reservation: offer.reservation, reason: 'lunch' });
  const second = await abe.expect('call_offer');
  assert.equal((await ann.ask({ type: 'accept', reservation: second.reservation }, 'error')).code, 'not_found');
  const joined = await abe.ask({ type: 'accept', reservation: second.reservation }, 'joined');
  assert.deepEqual([joined.room, joined.case], [item.room, item.id]);
  assert.equal((await lin.expect('call_started')).agent.identity, 'q-abe');
  assert.equal((await abe.expect('case', (m) => m.case.state === 'in_call')).case.id, item.id);
  await abe.ask({ type: 'hang_up' });
  assert.equal((await lin.expect('call_ended')).reason, 'hung_up');
  const { body } = await server.api('GET', `/api/v1/cases/${item.id}/timeline`, {
    token: token({ role: 'service', sub: 'back-end' }),
  });
  const types = body.items.map((e) => e.type);
  for (const type of ['waiting_started', 'call_started', 'call_ended', 'joined'])
    assert.ok(types.includes(type), `${type} in ${types}`);
  for (const client of [ann, abe, lin]) client.cut();
});

test('an agent who disconnects while it rings passes the offer on', async () => {
  const item = await newCase();
  const [ann, abe] = [await enter(server, agent('d-ann')), await enter(server, agent('d-abe'))];
  await ann.ask({ type: 'available', on: true });
  const lin = await enter(server, buyer(item));
  await lin.ask({ type: 'wait' }, 'waiting');
  await ann.expect('call_offer');
  await abe.ask({ type: 'available', on: true });
  await ann.cut();
  await abe.expect('call_offer');
  await lin.ask({ type: 'stop_waiting' });
  assert.equal((await abe.expect('call_offer_ended')).reason, 'withdrawn');
  for (const client of [abe, lin]) client.cut();
});

test('consent by both doors, and a clip needs it', async () => {
  const item = await newCase();
  const lin = await enter(server, buyer(item));
  const start = () =>
    server.api('POST', `/api/v1/rooms/${item.room}/clips`, { token: token(agent('c-ann')), body: {} });
  assert.equal((await start()).status, 409);
  await lin.ask({ type: 'consent', recording: true });
  assert.equal((await lin.expect('person_changed')).person.consent, true);
  const answer = await server.api('POST', `/api/v1/rooms/${item.room}/consents`, {
    token: token(buyer(item)),
    body: { recording: false },
  });
  assert.ok(answer.status >= 200 && answer.status < 300);
  await lin.expect('person_changed', (m) => m.person.consent === false);
  assert.equal((await start()).status, 409);
  lin.cut();
});

test('a drain tells people and closes with 1012', async () => {
  const own = await startLouped();
  const item = await own.newCase();
  const client = new Client(own);
  await client.hello({ role: 'buyer', sub: 'buyer-1', name: 'Lin', case: item.id });
  const stopped = own.stop();
  assert.equal((await client.expect('notice')).code, 'draining');
  assert.equal(await client.closed, 1012);
  assert.equal(await stopped, 0, own.log);
});
