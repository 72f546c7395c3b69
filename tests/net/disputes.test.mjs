// SPDX-License-Identifier: Apache-2.0
// A dispute by REST alone, from the outcome that a buyer does not take to the appeal: both sides, with evidence of a
// real call; questions with deadlines; rulings that cite; execution by the merchant's back end. The chain verifies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-disputes-'));
const shop = token({ role: 'service', sub: 'shop' });
const agent = token({ role: 'agent', sub: 'agent-1' });
const sun = token({ role: 'arbiter', sub: 'sun' });
const moon = token({ role: 'arbiter', sub: 'moon' });
let server;
let load;
let item;
let buyer;
let still;

async function ask(who, method, path, body, status = 200) {
  const answer = await server.api(method, `/api/v1${path}`, { token: who, body });
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
const act = (who, action, body, status) => ask(who, 'POST', `/cases/${item.id}/actions/${action}`, body, status);

before(async () => {
  server = await startLouped({ data: join(folder, 'data') });
  load = await startGenerator(folder);
  item = await server.newCase({ title: 'Cup with a crack' });
  buyer = token({ role: 'buyer', sub: item.buyer.id, case: item.id });
  const caller = new Caller(load, item);
  await caller.enter(server);
  await caller.seen();
  still = await ask(agent, 'POST', `/rooms/${item.room}/stills`, { label: 'crack' }, 201);
  await caller.drop();
});
after(async () => {
  await load?.end();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
};

async function timeline() {
  const { items } = await ask(shop, 'GET', `/cases/${item.id}/timeline`);
  let prev = '0'.repeat(64);
  for (const { hash, ...event } of items) {
    assert.equal(event.prev, prev);
    assert.equal(hash, createHash('sha256').update(canonical({ ...event, case: item.id })).digest('hex'));
    prev = hash;
  }
  return items;
}

test('both sides state, the arbiter asks and rules, the back end executes', async () => {
  await act(agent, 'propose', { outcome: 'goodwill', amount: { value: '5.00', currency: 'CNY' } });
  await ask(agent, 'POST', `/cases/${item.id}/statements`, { text: 'early' }, 409);
  await act(buyer, 'dispute', { statement: 'It came broken. <script>alert(1)</script>', evidence: [still.sha256] });
  assert.deepEqual((await ask(sun, 'GET', '/disputes')).items.map(({ case: id, by, amount }) => [id, by, amount.value]), [[item.id, 'buyer', '5.00']]);
  const unknown = await ask(shop, 'POST', `/cases/${item.id}/statements`, { text: 'No.', evidence: ['0'.repeat(64)] }, 409);
  assert.deepEqual(unknown.unknown_evidence, ['0'.repeat(64)]);
  const opened = (await timeline())[0].hash;
  await ask(shop, 'POST', `/cases/${item.id}/statements`, { text: 'It was whole.', evidence: [opened] }, 201);
  await ask(sun, 'POST', `/cases/${item.id}/statements`, { text: 'x' }, 403);

  await act(sun, 'review', {});
  await ask(sun, 'POST', `/cases/${item.id}/questions`, { to: 'buyer', text: 'When was it opened?', within_seconds: 3600 }, 201);
  const ruling = { liability: 'merchant', remedy: 'refund', amount: { value: '120.00', currency: 'CNY' }, advance_payment: true, grounds: [{ text: 'The still shows it.', evidence: [still.sha256] }] };
  assert.deepEqual((await act(sun, 'rule', ruling, 409)).open_questions, [1]);
  await ask(agent, 'POST', `/cases/${item.id}/questions/1/answer`, { text: 'x' }, 403);
  await ask(buyer, 'POST', `/cases/${item.id}/questions/1/answer`, { text: 'On Monday.', evidence: [still.sha256] }, 201);
  await act(moon, 'rule', ruling, 403);
  await act(sun, 'rule', { ...ruling, grounds: [{ text: 'x', evidence: ['f'.repeat(64)] }] }, 409);
  assert.equal((await act(sun, 'rule', ruling)).ruling.advance_payment, true);
  assert.equal((await act(shop, 'execute', { reference: 'R-77', amount: ruling.amount })).state, 'executed');
  const told = await ask(buyer, 'GET', `/cases/${item.id}/dispute`);
  assert.equal(told.execution.reference, 'R-77');
  assert.equal(told.questions[0].state, 'answered');
  assert.ok(Date.parse(told.rulings[0].appeal_until) > Date.now());
  assert.deepEqual((await ask(sun, 'GET', '/disputes')).items, []);
});

test('one appeal, to another arbiter', async () => {
  await act(agent, 'close', {});
  await act(agent, 'appeal', { statement: 'The parcel was opened before.', evidence: [] });
  const [entry] = (await ask(moon, 'GET', '/disputes')).items;
  assert.deepEqual([entry.appeal, entry.by, entry.state], [true, 'merchant', 'disputed']);
  await act(sun, 'review', {}, 403);
  await act(moon, 'review', {});
  await act(moon, 'rule', { liability: 'shared', remedy: 'partial_refund', grounds: [{ text: 'Both are right.' }] });
  await act(buyer, 'appeal', { statement: 'Again.' }, 409);
  await act(shop, 'execute', { reference: 'R-78' });
  await act(agent, 'close', {});
  const types = (await timeline()).map(({ type }) => type);
  assert.deepEqual(types.slice(types.indexOf('outcome_proposed')), [
    'outcome_proposed', 'outcome_disputed', 'statement_made', 'review_started', 'question_asked', 'question_answered', 'ruled',
    'executed', 'closed', 'appealed', 'review_started', 'ruled', 'executed', 'closed',
  ]);
});

test('the whole store verifies', async () => {
  await server.stop();
  server = undefined;
  const out = execFileSync(join(buildFolder, 'loupectl'), ['verify', '--data', join(folder, 'data')], { encoding: 'utf8' });
  assert.match(out, /verif/i);
});
