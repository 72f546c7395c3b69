// SPDX-License-Identifier: Apache-2.0
// A disk that fails under everything that is kept: the call goes on, people are told, nothing that is not whole
// is called ready, and when the disk is well again what was kept is finished.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { Ledger } from './support/deeds.mjs';
import { Faults } from './support/faults.mjs';
import { Judge } from './support/judge.mjs';
import { startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-faults-'));
const data = join(folder, 'data');
const agent = token({ sub: 'agent-1', role: 'agent' });
const faults = new Faults();
const ledger = new Ledger();
const repaired = []; // clips that the disk cut short
let whole; // a clip of which nothing is missing
let judge;
let server;
let load;
let caller;
let item;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

before(async () => {
  judge = new Judge(data);
  server = await startLouped({ data, env: faults.env, args: ['--min-free-mib', '0'] });
  load = await startGenerator(folder);
  item = await server.newCase();
  caller = new Caller(load, item);
  await caller.enter(server);
  await caller.seen();
  await caller.watch();
});
after(async () => {
  await caller?.drop();
  await load?.end();
  assert.equal(await server?.stop(), 0);
  faults.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  faults.clear();
  await judge.settled(server);
  await judge.hold(item, ledger);
});

const ask = (method, path, body) => server.api(method, `/api/v1${path}`, { token: agent, body });

/** `what` is told when it does not come, with `more()`. */
async function until(what, check, { seconds = 20, more = () => '' } = {}) {
  for (const end = Date.now() + seconds * 1000; ; await pause(50)) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) assert.fail(`${what} ${await more()}\n${server.log.slice(-2000)}`);
  }
}

/** The agent still gets what the buyer sends. */
async function callGoesOn() {
  const { received } = await load.report();
  await until('the call goes on', async () => (await load.report()).received > received + 30);
}

const readyz = async () => (await server.api('GET', '/readyz')).status;
const stateOf = async (id) => (await ask('GET', `/clips/${id}`)).body;
/** All that the agent was told of since the last time. */
const told = () => caller.agent.messages.splice(0).filter(({ type }) => type === 'notice').map(({ code }) => code);

const filesOf = (id) => readdirSync(join(judge.path(id), '..')).filter((name) => name.startsWith(id));

/** Sends pieces of a photograph: the rest of it with its hash. */
function sender(id) {
  const path = join(folder, 'photo.jpg');
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x480', '-frames:v', '1', '-y', path]);
  const photo = readFileSync(path);
  const digest = `sha-256=:${createHash('sha256').update(photo).digest('base64')}:`;
  const who = token({ role: 'buyer', sub: item.buyer.id, case: item.id });
  return async (from, to) => {
    const answer = await fetch(`${server.url}/api/v1/photographs/${id}`, {
      method: 'PATCH', body: photo.subarray(from, to),
      headers: {
        authorization: `Bearer ${who}`, 'content-type': 'application/partial-upload', 'upload-offset': String(from),
        ...(to === undefined ? { 'upload-complete': '?1', 'repr-digest': digest } : {}),
      },
    });
    return { status: answer.status, at: Number(answer.headers.get('upload-offset')), text: await answer.text() };
  };
}

async function startClip() {
  const { status, body } = await ask('POST', `/rooms/${item.room}/clips`, {});
  assert.equal(status, 201, JSON.stringify(body));
  ledger.clips.set(body.id, { kind: 'clip', at: Date.now(), media_ms: 0 });
  return body.id;
}

/** 0 where there is none yet. */
const sizeOf = (path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Records a clip for each fault at once, which is there from when something is on the disk, or for the `end` alone;
 *  gives their ids when all faults have struck. */
async function recordUnder(list, { end = false } = {}) {
  const ids = await Promise.all(list.map(startClip));
  const fail = () => faults.set(...list.map(([op, code, suffix, budget], i) => ({ op, code, path: ids[i] + suffix, budget })));
  for (const id of ids) await until('something to be on the disk', () => sizeOf(judge.path(id, '.part')) > 60_000);
  fail();
  if (!end) await pause(1500);
  await Promise.all(ids.map((id) => ask('POST', `/clips/${id}/stop`, {})));
  await until('all faults to strike', () => faults.struck().every((n) => n > 0), {
    more: () => JSON.stringify(list.map((line, i) => [...line, ids[i], faults.struck()[i]])),
  });
  return ids;
}

async function allEnd(ids) {
  await until('all to end', async () => (await Promise.all(ids.map(stateOf))).every(({ state }) => state !== 'recording'));
}

async function allReady(ids) {
  for (const [i, id] of ids.entries()) await until(`the ${i + 1}. clip to be ready`, async () => (await stateOf(id)).state === 'ready', {
    more: async () => JSON.stringify(await stateOf(id)),
  });
}

const DISK_FULL = 'recording_stopped_disk_full';

test('while a clip is recorded', async () => {
  told();
  const ids = await recordUnder([
    ['write', 'ENOSPC', '.part', 20_000], ['fsync', 'EIO', '.part'], ['write', 'EIO', '.voices.part', 3000],
    ['fsync', 'EIO', '.voices.part'], ['write', 'ENOSPC', '.framelog', 2000], ['fsync', 'EIO', '.framelog'],
  ]);
  await allEnd(ids);
  await callGoesOn();
  const notices = told();
  assert.equal(notices.filter((code) => code === DISK_FULL).length, ids.length, JSON.stringify(notices));
  repaired.push(...ids);
});

test('while the last of a clip is written', async () => {
  told();
  const ids = await recordUnder([
    ['write', 'ENOSPC', '.part'], ['fsync', 'EIO', '.part'], ['write', 'EIO', '.framelog'], ['fsync', 'EIO', '.voices.part'],
  ], { end: true });
  await allEnd(ids);
  const notices = told();
  assert.equal(notices.filter((code) => code === DISK_FULL).length, ids.length, JSON.stringify(notices));
  repaired.push(...ids);
});

test('while a clip is finished', async () => {
  told();
  const ids = await recordUnder([
    ['write', 'ENOSPC', '.webm.tmp', 20_000], ['fsync', 'EIO', '.webm.tmp'], ['rename', 'EIO', '.webm'],
    ['write', 'EIO', '.voices.mka.tmp'], ['read', 'EIO', '.webm'],
  ], { end: true });
  await allEnd(ids);
  for (const id of ids) assert.equal((await stateOf(id)).state, 'failed', id);
  await callGoesOn();
  const notices = told();
  assert.equal(notices.filter((code) => code === DISK_FULL).length, ids.length, JSON.stringify(notices));
  repaired.push(...ids);
});

test('while a clip is sealed', async () => {
  told();
  const ids = await recordUnder([
    ['write', 'ENOSPC', '.manifest.json.tmp', 500], ['fsync', 'EIO', '.manifest.json.tmp'], ['rename', 'EIO', '.manifest.json'],
    ['write', 'EIO', '.jpg.tmp'],
  ], { end: true });
  const poster = ids.pop();
  await allReady([poster]); // a clip without its poster is still a clip
  for (const id of ids) {
    assert.equal((await stateOf(id)).state, 'recording', id);
    assert.ok(!existsSync(judge.path(id, '.manifest.json')));
  }
  assert.equal(await readyz(), 503);
  await callGoesOn();
  assert.ok(told().filter((code) => code === 'clip_not_saved').length >= ids.length);
  faults.clear();
  await allReady(ids);
  whole = poster;
});

test('while what was is looked at', async () => {
  for (const [op, code, suffix] of [['write', 'ENOSPC', '.part'], ['fsync', 'EIO', '.part'], ['rename', 'EIO', '.webm'], ['open', 'ENOSPC', '.part']]) {
    told();
    faults.set({ op, code, path: suffix });
    const { status, body } = await ask('POST', `/rooms/${item.room}/lookback`, { seconds: 2 });
    assert.equal(status, 201);
    ledger.clips.set(body.id, { kind: 'lookback', media_ms: 0 });
    await allEnd([body.id]);
    const { state, repaired: mended } = await stateOf(body.id);
    assert.ok(state === 'failed' || mended, `${op} ${suffix}`);
    assert.ok(told().includes(DISK_FULL), `${op} ${suffix}`);
    assert.ok(faults.struck()[0] > 0, `${op} ${suffix}`);
    faults.clear();
  }
  await callGoesOn();
});

test('while a clip is trimmed', async () => {
  for (const [op, code, suffix] of [['write', 'ENOSPC', '.tmp'], ['fsync', 'EIO', '.webm.tmp'], ['rename', 'EIO', '.webm'], ['read', 'EIO', '.webm']]) {
    faults.set({ op, code, path: suffix });
    const { status, body } = await ask('POST', `/clips/${whole}/trim`, { from_ms: 0, to_ms: 60_000 });
    assert.equal(status, 201, `${op} ${suffix}`);
    ledger.clips.set(body.id, { kind: 'trim' });
    await allEnd([body.id]);
    assert.equal((await stateOf(body.id)).state, 'failed', `${op} ${suffix}`);
    await until('nothing to be left', () => filesOf(body.id).length === 0, { more: () => `${op} ${suffix} ${filesOf(body.id)}` });
    faults.clear();
  }
});

test('while a still is taken', async () => {
  const take = () => ask('POST', `/rooms/${item.room}/stills`, {});
  for (const [op, code, suffix] of [['write', 'ENOSPC', '.jpg.tmp'], ['fsync', 'EIO', '.small.jpg.tmp'], ['rename', 'EIO', '.jpg'],
    ['open', 'ENOSPC', '.jpg.tmp'], ['write', 'EIO', '.still.json.tmp'], ['rename', 'EIO', '.still.json']]) {
    faults.set({ op, code, path: suffix });
    const { status } = await take();
    assert.equal(status, 503, `${op} ${suffix}`);
    assert.deepEqual(faults.struck(), [1], `${op} ${suffix}`);
    faults.clear();
  }
  await until('nothing to be left', () => judge.sql('SELECT * FROM stills').length === 0);
  await callGoesOn();
  const { status, body } = await take();
  assert.equal(status, 201);
  ledger.stills.set(body.id, body.sha256);
});

test('while a photograph is sent', async () => {
  const { photo } = await caller.agent.ask({ type: 'photograph' });
  ledger.uploads.set(photo, 0);
  const send = sender(photo);
  assert.equal((await send(0, 4000)).at, 4000);
  for (const [op, code] of [['write', 'ENOSPC'], ['fsync', 'EIO'], ['open', 'EIO']]) {
    faults.set({ op, code, path: '.upload', budget: 1000 });
    assert.equal((await send(4000, 8000)).status, 503, op);
    faults.clear();
    assert.equal((await send(4000, 4000)).at, 4000, op);
  }
  faults.set({ op: 'write', code: 'ENOSPC', path: '.jpg.tmp' });
  assert.equal((await send(4000)).status, 503);
  await caller.agent.expect('photograph_failed', (message) => message.photo === photo);
  ledger.uploads.delete(photo);
  assert.deepEqual(filesOf(photo), []);
});

test('while the database is written', async () => {
  const opened = await server.newCase();
  const clip = await startClip();
  for (const [op, code, budget] of [['write', 'ENOSPC', 5000], ['write', 'EIO'], ['fsync', 'EIO']]) {
    faults.set({ op, code, path: 'loupe.db', budget });
    await until('a message that cannot be kept', async () => {
      const reply = await caller.agent.answer({ type: 'chat', text: 'x'.repeat(2000) });
      if (reply.type === 'ok') ledger.chat.add(reply.message);
      return reply.type === 'error';
    });
    for (const [method, path, body] of [['POST', '/cases', { kind: 'inspection', title: 'A cup', buyer: { id: 'b', name: 'B' } }],
      ['POST', `/rooms/${item.room}/clips`, {}], ['POST', `/rooms/${item.room}/stills`, {}]]) {
      const { status } = await server.api(method, `/api/v1${path}`, { token: path === '/cases' ? token({ role: 'service' }) : agent, body });
      assert.equal(status, 503, `${op} ${code} ${path}`);
    }
    await callGoesOn();
    faults.clear();
  }
  told();
  faults.set({ op: 'write', code: 'EIO', path: 'loupe.db' });
  await ask('POST', `/clips/${clip}/stop`, {});
  await until('the clip to be told as not entered', () => told().includes('clip_not_saved'));
  assert.equal(judge.sql(`SELECT state FROM clips WHERE id = '${clip}'`)[0].state, 'recording');
  assert.equal(await readyz(), 503);
  faults.clear();
  await until('the row to be written', () => judge.sql(`SELECT state FROM clips WHERE id = '${clip}'`)[0].state === 'ready');
  await until('to be ready', async () => (await readyz()) === 200);
  assert.equal((await caller.agent.ask({ type: 'chat', text: 'again' })).type, 'ok');
  assert.equal((await ask('GET', `/cases/${opened.id}`)).status, 200);
});

test('what was kept becomes clips when the disk is well again', async () => {
  await allReady(repaired);
  for (const id of repaired) assert.equal((await stateOf(id)).repaired, true, id);
});
