// SPDX-License-Identifier: Apache-2.0
// A first-line bot, written against signaling/PROTOCOL.md alone: it says that it is there, takes the calls that it is offered, talks
// by chat, and hands over with a note, or ends what it could settle. What it may not, it is refused.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { startLouped, token } from './support/louped.mjs';
import { enter } from './support/ws.mjs';

const WebSocket = createRequire(new URL('../e2e/package.json', import.meta.url))('ws');
let server;

before(async () => {
  server = await startLouped();
  const rules = { first_line: [{ kind: 'inspection', category: 'handbag' }] };
  const { status } = await server.api('PUT', '/api/v1/pairing', { token: token({ role: 'service', sub: 'shop' }), body: rules });
  assert.equal(status, 200);
});
after(() => server.stop());

/** Answers each offer, asks one question, and goes by what is said. */
function startBot(name) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'loupe.v1');
  const bot = { seen: [], refused: [] };
  let ids = 0;
  const say = (type, members = {}) => {
    const id = String(++ids);
    socket.send(JSON.stringify({ type, id, ...members }));
    return id;
  };
  const handlers = {
    welcome: () => (bot.ready = say('available', { on: true, skills: ['handbag'], languages: ['en'], capacity: 1 })),
    call_offer: ({ reservation }) => say('accept', { reservation }),
    joined: () => say('chat', { text: 'What is wrong with the bag?' }),
    chat: ({ message }) => {
      if (message.identity === name) return;
      if (/strap/.test(message.text)) say('act', { action: 'transfer', data: { mode: 'blind', note: `The buyer says: ${message.text}` } });
      else if (/nothing/.test(message.text)) say('hang_up');
      else say('act', { action: 'propose', data: { outcome: 'refund' } });
    },
    error: (error) => bot.refused.push(error),
  };
  socket.on('open', () => say('hello', { token: token({ role: 'bot', sub: name, name: 'Robin' }) }));
  bot.isReady = new Promise((done) => {
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      bot.seen.push(message.type);
      handlers[message.type]?.(message);
      if (bot.ready && message.re === bot.ready) done();
    });
  });
  bot.stop = () => new Promise((done) => {
    socket.on('close', done);
    socket.terminate();
  });
  return bot;
}

async function buyerOf(members) {
  const one = await server.newCase({ category: 'handbag', ...members });
  const buyer = await enter(server, { role: 'buyer', sub: one.buyer.id, case: one.id });
  return { one, buyer };
}

async function agentOn(sub) {
  const agent = await enter(server, { role: 'agent', sub });
  await agent.ask({ type: 'available', on: true });
  return agent;
}

const timeline = async (one) =>
  (await server.api('GET', `/api/v1/cases/${one.id}/timeline?limit=200`, { token: token({ role: 'agent', sub: 'ann' }) })).body.items;

test('a bot takes the call, hands over with its note, and is out of the room', async () => {
  const bot = startBot('robin');
  await bot.isReady;
  const ann = await agentOn('ann');
  const { one, buyer } = await buyerOf();
  await buyer.ask({ type: 'wait' }, 'waiting');
  const started = await buyer.expect('call_started');
  assert.equal(started.agent.name, 'Robin');
  await buyer.expect('chat', ({ message }) => /wrong with the bag/.test(message.text));
  assert.ok(!ann.has('call_offer'));
  await buyer.ask({ type: 'chat', text: 'Please refund me' }, 'ok');
  while (!bot.refused.length) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(bot.refused.map(({ code }) => code), ['denied']); // it proposes nothing
  await buyer.ask({ type: 'chat', text: 'The strap is torn' }, 'ok');
  assert.equal((await buyer.expect('call_ended')).reason, 'transferred');
  const offer = await ann.expect('call_offer');
  assert.deepEqual(offer.handed_over, { by: 'robin', note: 'The buyer says: The strap is torn' });
  await buyer.expect('person_left', ({ identity }) => identity === 'robin');
  await ann.ask({ type: 'accept', reservation: offer.reservation }, 'joined');
  assert.equal((await buyer.expect('call_started')).agent.identity, 'ann');
  const events = await timeline(one);
  assert.equal(events.find(({ type }) => type === 'call_started').data.bot, true);
  assert.equal(events.find(({ type }) => type === 'note_added').internal.text, 'The buyer says: The strap is torn');
  const { body } = await server.api('GET', '/api/v1/stats', { token: token({ role: 'supervisor', sub: 'sue' }) });
  assert.equal(body.waits.answered, 1); // by a person
  assert.equal(body.bots.calls, 1);
  await Promise.all([ann.cut(), buyer.cut(), bot.stop()]);
});

test('a bot ends what it settled; a dead one, and other goods, are for people', async () => {
  const bot = startBot('robin-2');
  await bot.isReady;
  const { buyer } = await buyerOf();
  await buyer.ask({ type: 'wait' }, 'waiting');
  await buyer.expect('call_started');
  await buyer.ask({ type: 'chat', text: 'Oh, nothing, I see' }, 'ok');
  assert.equal((await buyer.expect('call_ended')).reason, 'hung_up');
  const abe = await agentOn('abe');
  const other = await buyerOf({ category: 'watch' });
  await other.buyer.ask({ type: 'wait' }, 'waiting');
  const offer = await abe.expect('call_offer');
  assert.equal(offer.case.category, 'watch');
  await abe.ask({ type: 'decline', reservation: offer.reservation });
  await other.buyer.ask({ type: 'stop_waiting' });
  await buyer.ask({ type: 'wait' }, 'waiting');
  await buyer.expect('call_started');
  await bot.stop(); // in the midst of it
  assert.equal((await buyer.expect('call_ended')).reason, 'transferred');
  assert.equal((await abe.expect('call_offer')).case.category, 'handbag');
  await Promise.all([abe.cut(), buyer.cut(), other.buyer.cut()]);
});
