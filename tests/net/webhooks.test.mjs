// SPDX-License-Identifier: Apache-2.0
// Webhooks over real sockets: signed so that the library of Standard Webhooks takes them, in each case's order,
// to receivers that are slow, down, unwilling or elsewhere, and past a server that is killed.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { Receiver } from './support/receiver.mjs';

const service = token({ role: 'service', sub: 'back-end' });
const REACH = ['--webhook-private'];
let server, receiver;

const api = (method, path, body, on = server) => on.api(method, `/api/v1${path}`, { token: service, body });

async function hook(url, extra = {}, on = server) {
  const { status, body } = await api('POST', '/webhooks', { url, ...extra }, on);
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

async function act(item, action, body = {}, on = server) {
  const { status, body: said } = await api('POST', `/cases/${item.id}/actions/${action}`, body, on);
  assert.equal(status, 200, JSON.stringify(said));
}

/** Waits until `state` holds of the webhook. */
async function becomes(id, state, seconds = 20) {
  for (const until = Date.now() + seconds * 1000; ; ) {
    const { body } = await api('GET', `/webhooks/${id}`);
    if (state(body)) return body;
    assert.ok(Date.now() < until, JSON.stringify(body));
    await new Promise((done) => setTimeout(done, 50));
  }
}

before(async () => {
  receiver = await new Receiver().start();
  server = await startLouped({ args: REACH });
});
after(async () => {
  await server.stop();
  await receiver.stop();
});

test('every event comes, signed, as it stands in the timeline, in its order', async () => {
  const made = await hook(receiver.url('/all'));
  receiver.secrets.set('/all', [made.secret]);
  const item = await server.newCase({ order: { number: 'A-1' } });
  await act(item, 'cancel', { reason: 'changed my mind' });
  await act(item, 'reopen');
  const timeline = (await api('GET', `/cases/${item.id}/timeline`)).body.items;
  const got = await receiver.wait(timeline.length, ({ path }) => path === '/all');
  assert.deepEqual(got.map(({ data }) => data.event), timeline);
  for (const { id, type, data, verified, headers, method } of got) {
    assert.equal(method, 'POST');
    assert.deepEqual(verified, [made.secret]);
    assert.equal(id, `evt_${item.id}_${data.event.seq}`);
    assert.equal(type, data.event.type);
    assert.equal(headers['content-type'], 'application/json');
    assert.deepEqual([data.case.id, data.case.number, data.case.order.number], [item.id, item.number, 'A-1']);
  }
  assert.deepEqual(got.map(({ data }) => data.case.state), ['open', 'cancelled', 'open']);
  await api('DELETE', `/webhooks/${made.id}`);
  await act(item, 'cancel');
  assert.equal((await api('GET', `/webhooks/${made.id}`)).status, 404);
});

test('types are chosen, secrets rotated, and a test is sent', async () => {
  const made = await hook(receiver.url('/some'), { event_types: ['reopened'] });
  const { body: rotated } = await api('POST', `/webhooks/${made.id}/rotate`, { overlap_seconds: 60 });
  receiver.secrets.set('/some', [made.secret, rotated.secret]);
  const item = await server.newCase();
  await act(item, 'cancel');
  await act(item, 'reopen');
  const [event] = await receiver.wait(1, ({ path }) => path === '/some');
  assert.equal(event.type, 'reopened');
  assert.deepEqual(event.verified, [made.secret, rotated.secret]);
  await api('POST', `/webhooks/${made.id}/rotate`, { overlap_seconds: 0 });
  const { status, body } = await api('POST', `/webhooks/${made.id}/test`, {});
  assert.equal(status, 202);
  const [test_] = await receiver.wait(1, ({ path, type }) => path === '/some' && type === 'webhook_test');
  assert.equal(test_.id, body.webhook_id);
  assert.deepEqual(test_.verified, []); // by the newest secret alone
});

test('a slow receiver holds up neither another nor the calls', async () => {
  receiver.answer = ({ path }) => (path === '/slow' ? undefined : 200);
  const slow = await hook(receiver.url('/slow'));
  const quick = await hook(receiver.url('/quick'));
  const items = [];
  for (let i = 0; i < 20; i++) items.push(await server.newCase());
  await receiver.wait(20, ({ path }) => path === '/quick', 5);
  const began = Date.now();
  await server.newCase();
  assert.ok(Date.now() - began < 1000);
  assert.equal(receiver.got.filter(({ path }) => path === '/slow').length, 16); // at once, no more
  await api('DELETE', `/webhooks/${slow.id}`);
  await api('DELETE', `/webhooks/${quick.id}`);
  receiver.answer = () => 200;
});

test('one that answers 500 is asked again, each case in its order', async () => {
  let failures = 1;
  receiver.answer = ({ path }) => (path === '/moody' && failures-- > 0 ? 500 : 200);
  const made = await hook(receiver.url('/moody'));
  receiver.secrets.set('/moody', [made.secret]);
  const item = await server.newCase();
  await act(item, 'cancel');
  const got = await receiver.wait(3, ({ path }) => path === '/moody');
  const [first, second] = got;
  assert.equal(first.id, second.id); // nothing overtakes it
  assert.equal(first.body, second.body);
  assert.deepEqual(got.map(({ verified }) => verified.length), [1, 1, 1]);
  assert.ok(Number(second.headers['webhook-timestamp']) > Number(first.headers['webhook-timestamp']));
  await becomes(made.id, ({ waiting }) => waiting === 0);
  const { body } = await api('GET', `/webhooks/${made.id}/deliveries?state=delivered`);
  assert.deepEqual(body.items.map(({ type, attempts }) => [type, attempts]), [['cancelled', 1], ['case_opened', 2]]);
  await api('DELETE', `/webhooks/${made.id}`);
  receiver.answer = () => 200;
});

test('410 disables; what waits is dead, and can be had once more', async () => {
  let gone = true;
  receiver.answer = ({ path }) => (path === '/gone' && gone ? 410 : 200);
  const made = await hook(receiver.url('/gone'));
  const item = await server.newCase();
  const disabled = await becomes(made.id, ({ enabled, dead }) => !enabled && dead === 1);
  assert.equal(disabled.disabled, 'gone');
  assert.equal((await api('POST', `/webhooks/${made.id}/replay`, { dead: true })).status, 409);
  gone = false;
  await api('PATCH', `/webhooks/${made.id}`, { enabled: true });
  const { body: dead } = await api('GET', `/webhooks/${made.id}/deliveries?state=dead`);
  assert.deepEqual(dead.items.map(({ type, status }) => [type, status]), [['case_opened', 410]]);
  assert.equal((await api('POST', `/webhooks/${made.id}/replay`, { dead: true })).body.queued, 1);
  await becomes(made.id, (now) => now.dead === 0 && now.waiting === 0);
  await act(item, 'cancel');
  assert.equal((await api('POST', `/webhooks/${made.id}/replay`, { case: item.id, after_seq: 1 })).status, 202);
  await receiver.wait(1, ({ path, type, status }) => path === '/gone' && type === 'cancelled' && status === 200);
  await api('DELETE', `/webhooks/${made.id}`);
  receiver.answer = () => 200;
});

test('redirects are not followed, long answers not read', async () => {
  const redirect = { status: 302, headers: { location: receiver.url('/secret') } };
  receiver.answer = ({ path }) => (path === '/redirect' ? redirect : path === '/long' ? { status: 200, body: 'x'.repeat(1 << 22) } : 200);
  const one = await hook(receiver.url('/redirect'));
  const two = await hook(receiver.url('/long'));
  for (const made of [one, two]) {
    const { body } = await api('POST', `/webhooks/${made.id}/test`, {});
    await becomes(made.id, ({ waiting }) => waiting === 0);
    const { body: now } = await api('GET', `/webhooks/${made.id}/deliveries/${body.id}`);
    assert.deepEqual([now.state, now.status], made === one ? ['dead', 302] : ['delivered', 200]);
    await api('DELETE', `/webhooks/${made.id}`);
  }
  assert.equal(receiver.got.filter(({ path }) => path === '/secret').length, 0);
  receiver.answer = () => 200;
});

test('nothing goes into the private network, whatever a name resolves to', async () => {
  const strict = await startLouped();
  try {
    for (const url of [receiver.url(), receiver.url().replace('http', 'https'), 'https://10.0.0.1/', 'https://[::ffff:127.0.0.1]/', 'https://169.254.169.254/', 'https://2130706433/'])
      assert.equal((await api('POST', '/webhooks', { url }, strict)).status, 400, url);
    // A name that is not looked at before the connection is made: this machine's own.
    const knocks = [];
    const trap = net.createServer((socket) => knocks.push(socket.destroy())).listen(0, '0.0.0.0');
    await new Promise((done) => trap.once('listening', done));
    const host = execFileSync('hostname', { encoding: 'utf8' }).trim();
    const made = await hook(`https://${host}:${trap.address().port}/`, {}, strict);
    const { body: sent } = await api('POST', `/webhooks/${made.id}/test`, {}, strict);
    let now;
    do ({ body: now } = await api('GET', `/webhooks/${made.id}/deliveries/${sent.id}`, undefined, strict));
    while (now.state === 'waiting');
    trap.close();
    assert.equal(now.state, 'dead');
    assert.match(now.error, /^(address|resolve)$/);
    assert.equal(knocks.length, 0);
    if (now.error === 'address') assert.match((await strict.api('GET', '/metrics')).body, /^loupe_webhook_refused_total 1$/m);
  } finally {
    await strict.stop();
  }
});

test('over TLS by the authorities of the settings, and by no other certificate', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-hooks-'));
  const pem = (name) => join(folder, `${name}.pem`);
  const make = (name) => execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=shop', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', pem(`${name}-key`), '-out', pem(name)], { stdio: 'ignore' });
  ['known', 'unknown'].forEach(make);
  const open = (name) => new Receiver(() => 200, { key: readFileSync(pem(`${name}-key`)), cert: readFileSync(pem(name)) }).start();
  const [known, unknown] = [await open('known'), await open('unknown')];
  const strict = await startLouped({ args: [...REACH, '--webhook-authorities', pem('known')] });
  try {
    for (const [at, state, error] of [[known, 'delivered', undefined], [unknown, 'dead', 'certificate']]) {
      const made = await hook(at.url(), {}, strict);
      const { body: sent } = await api('POST', `/webhooks/${made.id}/test`, {}, strict);
      let now;
      do ({ body: now } = await api('GET', `/webhooks/${made.id}/deliveries/${sent.id}`, undefined, strict));
      while (now.state === 'waiting');
      assert.deepEqual([now.state, now.error], [state, error]);
    }
  } finally {
    await strict.stop();
    await known.stop();
    await unknown.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Kills it at random moments while cases are opened and changed, with a receiver that takes, refuses, keeps silent. */
test('killed again and again: nothing acknowledged is lost, each case in its order', async () => {
  const data = mkdtempSync(join(tmpdir(), 'loupe-hooks-'));
  const times = Number(process.env.LOUPE_CRASHES ?? 3);
  const moods = [200, 200, 200, 200, 500, undefined];
  let mood = 0;
  const there = await new Receiver(() => moods[mood++ % moods.length]).start();
  const known = []; // { item, steps: acknowledged events }
  let secret;
  for (let round = 0; round < times; round++) {
    const mortal = await startLouped({ data, args: REACH });
    if (!secret) {
      ({ secret } = await hook(there.url('/late'), {}, mortal));
      there.secrets.set('/late', [secret]);
    }
    const until = setTimeout(() => mortal.child.kill('SIGKILL'), 100 + Math.random() * 900);
    try {
      for (;;) {
        const one = { item: await mortal.newCase(), steps: ['case_opened'] };
        known.push(one);
        for (const [action, event] of [['cancel', 'cancelled'], ['reopen', 'reopened']]) {
          await act(one.item, action, {}, mortal);
          one.steps.push(event);
        }
      }
    } catch (error) {
      await mortal.exited;
      assert.equal(mortal.code, 'SIGKILL', String(error));
    }
    clearTimeout(until);
    there.letGo();
  }
  assert.ok(known.length >= times, `${known.length} cases`);
  there.answer = () => 200;
  const last = await startLouped({ data, args: REACH });
  try {
    await there.wait(1, ({ status }) => status === 200);
    // What failed waits for its time; a replay would hide what was lost, so the lanes alone are hurried.
    let figures;
    const until = Date.now() + 60_000;
    do {
      assert.ok(Date.now() < until, figures);
      execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'loupe.db'), 'UPDATE hook_lanes SET next_us = 1']);
      await new Promise((done) => setTimeout(done, 200));
      ({ body: figures } = await last.api('GET', '/metrics'));
    } while (!/^loupe_webhook_deliveries_waiting 0$/m.test(figures) || !/^loupe_webhook_flights 0$/m.test(figures));
    for (const { item, steps } of known) {
      const taken = there.got.filter(({ status, data: { case: { id } } }) => status === 200 && id === item.id);
      const seqs = taken.map(({ data: { event } }) => event.seq);
      assert.deepEqual([...seqs].sort((a, b) => a - b), seqs, 'in order');
      const types = [...new Set(taken.map(({ type }) => type))];
      assert.deepEqual(types.slice(0, steps.length), steps);
      assert.ok(taken.every(({ verified }) => verified.length === 1));
    }
  } finally {
    await last.stop();
    await there.stop();
    rmSync(data, { recursive: true, force: true });
  }
});

test('loupectl makes them, lists them, and sends once more', async () => {
  const ctl = (...args) => execFileSync(join(buildFolder, 'loupectl'), ['webhooks', ...args, '--data', server.data], { encoding: 'utf8' });
  const [, id, secret] = /^(\S+) https:\S+ \S+\nsecret (whsec_\S+)\n$/.exec(ctl('add', '--url', 'https://shop.example/x', '--types', 'closed,ruled'));
  assert.match(ctl('list'), new RegExp(`^${id} https://shop.example/x enabled waiting 0 dead 0 types closed,ruled$`, 'm'));
  assert.equal((await api('GET', `/webhooks/${id}`)).body.event_types.join(), 'closed,ruled');
  assert.notEqual(/secret (\S+)/.exec(ctl('rotate', '--id', id))[1], secret);
  const made = await hook(receiver.url('/ctl'));
  const item = await server.newCase();
  await receiver.wait(1, ({ path }) => path === '/ctl');
  await becomes(made.id, ({ waiting }) => waiting === 0);
  const number = /^(\d+) evt_\S+ case_opened delivered/m.exec(ctl('deliveries', '--id', made.id))[1];
  ctl('replay', '--id', made.id, '--delivery', number);
  ctl('test', '--id', made.id);
  await receiver.wait(3, ({ path }) => path === '/ctl');
  assert.equal(receiver.got.filter(({ id: name }) => name === `evt_${item.id}_1`).length >= 2, true);
  ctl('disable', '--id', made.id);
  assert.equal((await api('GET', `/webhooks/${made.id}`)).body.disabled, 'asked');
  ctl('enable', '--id', made.id);
  ctl('remove', '--id', made.id);
  assert.equal((await api('GET', `/webhooks/${made.id}`)).status, 404);
  const bad = (...args) => spawnSync(join(buildFolder, 'loupectl'), ['webhooks', ...args, '--data', server.data]).status;
  assert.deepEqual([bad('add', '--url', 'http://10.0.0.1/'), bad('remove', '--id', made.id), bad('burn')], [2, 1, 2]);
});
