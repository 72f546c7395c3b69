// SPDX-License-Identifier: Apache-2.0
// Keeping and forgetting against the running server, with the files looked into: what is deleted leaves a
// tombstone and nothing else, also when the server is killed while it deletes; periods, holds; who may
// see what, ranges included; every view on the access log.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const ROUNDS = Number(process.env.LOUPE_CRASHES ?? 4);
const SECRET = 'a picture of a passport';
const folder = mkdtempSync(join(tmpdir(), 'loupe-forget-'));
const data = join(folder, 'data');
const shop = token({ role: 'service', sub: 'shop' });
const agent = token({ sub: 'agent-1' });
let seed = Number(process.env.LOUPE_SEED ?? 1);
let made = 0;
let server;
let item;
let other;

/** 0 to n - 1, the same for the same seed. */
function draw(n) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
}

const sql = (statement) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'loupe.db'), statement], { encoding: 'utf8' }).trim();
const ask = (method, path, who = shop, body = undefined) => server.api(method, `/api/v1${path}`, { token: who, body });
const forget = (kind, id) => ask('DELETE', `/${kind}s/${id}?reason=the%20buyer%20asked`);
const blobs = join(data, 'blobs', '01');
const filesOf = (id) => readdirSync(blobs).filter((name) => name.startsWith(id));
const events = async () => (await ask('GET', `/cases/${item.id}/timeline`)).body.items;

function verify(...args) {
  const { status, stdout, stderr } = spawnSync(join(buildFolder, 'loupe-verify'), args, { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}
const keys = () => ['--keys', join(data, 'keys/keys.json')];

/** Put there by hand, while the server runs: rows and files. */
function add(object, { kind = object, suffixes = ['.jpg'] } = {}) {
  made += 1;
  const id = `01hzzzzzzzzzzzzzzzzzzz${String(made).padStart(4, '0')}`;
  const path = join(blobs, id);
  for (const suffix of suffixes) writeFileSync(path + suffix, `${SECRET} ${suffix}`);
  const row = object === 'clip'
    ? `INSERT INTO clips VALUES('${id}', '${item.id}', '${item.room}', 'default', 'ready', '${kind}', 'crack', 'buyer-1', 'agent-1',
      '${path}', '', 1000000, 2000000, 10000, 30, '${'ab'.repeat(32)}', 640, 480, 0, 0, 1, 1, 1, 0, 'VP8', 0)`
    : `INSERT INTO stills VALUES('${id}', '${item.id}', '${item.room}', 'default', 1, '${kind}', 'crack', 'buyer-1', 'agent-1',
      '${path}', 1000000, 2000000, 30, '${'ab'.repeat(32)}', 640, 480, '{}')`;
  sql(row);
  return id;
}
const CLIP_FILES = ['.webm', '.voices.mka', '.framelog', '.jpg', '.manifest.json'];
const STILL_FILES = ['.jpg', '.small.jpg', '.still.json'];
const addClip = (options) => add('clip', { suffixes: CLIP_FILES, ...options });
const addStill = (options) => add('still', { suffixes: STILL_FILES, ...options });

/** Until nothing of it is left. */
async function gone(kind, id) {
  for (let i = 0; i < 150; i += 1) {
    const { status, body } = await ask('GET', `/${kind}s/${id}`);
    if (status === 410 && filesOf(id).length === 0) return body.tombstone;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${kind} ${id} is still there`);
}

before(async () => {
  server = await startLouped({ data });
  item = await server.newCase();
  other = await server.newCase();
  mkdirSync(blobs, { recursive: true });
});
after(async () => {
  await server.stop();
  if (process.env.LOUPE_LOG) console.log(server.log);
  rmSync(folder, { recursive: true, force: true });
});

test('of what is deleted nothing stays but a tombstone that verifies', async () => {
  const [clip, still] = [addClip(), addStill({ kind: 'photo' })];
  const { body: there } = await ask('GET', `/clips/${clip}`);
  for (const [kind, id] of [['clip', clip], ['still', still]]) {
    const { status, body } = await forget(kind, id);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(filesOf(id), []);
    assert.equal(sql(`SELECT count(*) FROM ${kind}s WHERE id = '${id}'`), '0');
    assert.equal(body.tombstone.deleted_by, 'shop');
    assert.ok(!JSON.stringify(body).includes('crack'), 'not its label');
    const path = join(folder, `${id}.json`);
    const plain = await fetch(`${server.url}/api/v1/tombstones/${id}`, { headers: { authorization: `Bearer ${agent}` } });
    writeFileSync(path, Buffer.from(await plain.arrayBuffer()));
    const good = verify(path, ...keys());
    assert.equal(good.code, 0, good.text);
    assert.match(good.text, /was deleted at .* by shop: the buyer asked/);
    writeFileSync(path, readFileSync(path, 'utf8').replace('the buyer asked', 'the buyer ask3d'));
    assert.equal(verify(path, ...keys()).code, 1);
    const again = await forget(kind, id);
    assert.equal(again.status, 410);
    assert.equal(again.body.tombstone.tombstone.id, id);
  }
  for (const url of [there.media_url, there.poster_url, there.manifest_url]) {
    const answer = await fetch(server.url + url, { headers: { range: 'bytes=2-5' } });
    assert.equal(answer.status, 410, url);
    assert.ok(!(await answer.text()).includes(SECRET));
  }
  const list = await ask('GET', `/cases/${item.id}/clips`);
  assert.ok(!list.body.items.some(({ id }) => id === clip));
  assert.ok((await ask('GET', `/cases/${item.id}/tombstones`)).body.items.length >= 2);
  const told = (await events()).find(({ type, data: { clip: id } }) => type === 'clip_deleted' && id === clip);
  assert.equal(told.actor, 'shop');
  const found = spawnSync('grep', ['-rl', SECRET, data], { encoding: 'utf8' }).stdout;
  assert.equal(found, '', 'not a byte of it on the disk');
});

test('an exported case has the tombstones, and verifies', async () => {
  const id = addClip();
  assert.equal((await forget('clip', id)).status, 200);
  const answer = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  const path = join(folder, 'case.zip');
  writeFileSync(path, Buffer.from(await answer.arrayBuffer()));
  const { code, text } = verify(path, ...keys());
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`tombstones/${id}.json: the clip ${id} was deleted`));
  const chain = execFileSync(join(buildFolder, 'loupectl'), ['fsck', '--data', data], { encoding: 'utf8' });
  assert.match(chain, /broken chains: 0/);
});

test('every role at every door, with ranges: 403 where it must be, and each view on the log', async () => {
  const [clip, still] = [addClip(), addStill()];
  const doors = [['clip', clip, 'media'], ['clip', clip, 'poster'], ['clip', clip, 'manifest'],
    ['still', still, 'media'], ['still', still, 'poster'], ['still', still, 'record']];
  const roles = ['buyer', 'agent', 'appraiser', 'arbiter', 'host', 'viewer', 'supervisor', 'service', 'bot'];
  const expected = [];
  for (const role of roles) {
    for (const of of [item, other]) {
      const sub = `${role}-of-${of === item ? 'this' : 'another'}`;
      const who = token({ role, sub, case: of.id });
      const may = role !== 'viewer' && of === item;
      for (const [kind, id, what] of doors) {
        for (const range of ['bytes=3-6', undefined]) {
          const answer = await fetch(`${server.url}/api/v1/${kind}s/${id}/${what}`, {
            headers: { authorization: `Bearer ${who}`, ...(range ? { range } : {}) },
          });
          const text = await answer.text();
          assert.equal(answer.status, !may ? 403 : range ? 206 : 200, `${sub} ${kind} ${what} ${range}`);
          assert.equal(text.includes(SECRET), may && !range);
        }
        if (may) expected.push(`${sub} ${kind} ${what}`);
      }
      if (!may || !['service', 'supervisor'].includes(role)) {
        assert.equal((await ask('DELETE', `/clips/${clip}?reason=x`, who)).status, 403, sub);
        assert.equal((await ask('DELETE', `/stills/${still}?reason=x`, who)).status, 403, sub);
      }
    }
  }
  const { body } = await ask('GET', `/cases/${item.id}/accesses?limit=200`);
  const log = body.items.filter(({ object }) => object !== 'case').map(({ actor, object, what }) => `${actor} ${object} ${what}`);
  assert.deepEqual([...new Set(log)].sort(), expected.sort(), 'all of these, and nobody else');
});

test('a period deletes, a hold and a dispute beat it', async () => {
  const [clip, kept, photo] = [addClip(), addClip({ kind: 'trim' }), addStill({ kind: 'photo' })];
  const hold = await ask('POST', `/cases/${item.id}/holds`, token({ role: 'arbiter', sub: 'arb', case: item.id }), { reason: 'court', clip });
  assert.equal(hold.status, 201, JSON.stringify(hold.body));
  const refused = await ask('DELETE', `/clips/${clip}?reason=x`);
  assert.equal(refused.status, 409, JSON.stringify(refused.body));
  const put = await ask('PUT', '/retention', shop, { clip_seconds: 1, photo_seconds: 1 });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  const tombstone = await gone('still', photo);
  assert.equal(tombstone.tombstone.cause, 'retention');
  assert.equal(tombstone.tombstone.deleted_by, 'system');
  const held = await ask('GET', `/clips/${clip}`);
  assert.equal(held.body.held, true);
  assert.equal(filesOf(clip).length, CLIP_FILES.length);
  assert.equal((await ask('POST', `/holds/${hold.body.id}/lift`, shop, { reason: 'cheaper' })).status, 403);
  const lift = await ask('POST', `/holds/${hold.body.id}/lift`, token({ role: 'arbiter', sub: 'arb', case: item.id }), { reason: 'over' });
  assert.equal(lift.status, 200);
  await gone('clip', clip);
  assert.equal((await ask('GET', `/clips/${kept}`)).status, 200);
  await ask('PUT', '/retention', shop, { clip_seconds: null, photo_seconds: null });
});

test('loupectl sets periods and holds while the server runs', async () => {
  const loupectl = (...args) => spawnSync(join(buildFolder, 'loupectl'), [...args, '--data', data], { encoding: 'utf8' });
  assert.match(loupectl('retention', 'set', '--kind', 'photo', '--seconds', '3600').stdout, /^photo 3600 s$/m);
  assert.equal((await ask('GET', '/retention')).body.photo_seconds, 3600);
  assert.match(loupectl('retention', 'set', '--kind', 'photo', '--seconds', 'never').stdout, /^photo never goes$/m);
  assert.match(loupectl('retention', 'changes').stdout, / photo by operator: from for ever to 3600 s\n.* photo by operator: from 3600 s to for ever\n$/);
  const { items } = (await ask('GET', '/retention/changes')).body;
  assert.deepEqual(items.slice(-1).map(({ actor, kind, from_seconds, to_seconds }) => [actor, kind, from_seconds, to_seconds]), [['operator', 'photo', 3600, null]]);
  const clip = addClip();
  const placed = loupectl('holds', 'place', '--case', item.id, '--clip', clip, '--reason', 'court order 12');
  assert.equal(placed.status, 0, placed.stderr);
  assert.equal((await ask('GET', `/clips/${clip}`)).body.held, true);
  assert.equal((await forget('clip', clip)).status, 409);
  const [hold] = placed.stdout.split(' ');
  assert.equal((await ask('POST', `/holds/${hold}/lift`, shop, { reason: 'x' })).status, 403);
  assert.equal(loupectl('holds', 'lift', '--hold', hold, '--reason', 'over').status, 0);
  assert.match(loupectl('holds', 'list', '--case', item.id).stdout, /lifted .* by operator: over/);
  assert.equal((await forget('clip', clip)).status, 200);
  for (const bad of [['retention', 'set', '--kind', 'chat', '--seconds', '1'], ['retention', 'burn'], ['holds', 'place', '--case', item.id]])
    assert.equal(loupectl(...bad).status, 2, bad.join(' '));
});

test(`${ROUNDS} crashes while clips are deleted`, { timeout: 60_000 + ROUNDS * 20_000 }, async (t) => {
  let between = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const clips = Array.from({ length: 24 }, () => addClip());
    const asked = clips.map((id) => forget('clip', id).catch(() => null));
    await Promise.race(asked.slice(draw(8)));
    if (process.env.LOUPE_LOG) console.log(server.log);
    await server.stop('SIGKILL');
    const answers = await Promise.all(asked);
    between += Number(sql('SELECT count(*) FROM tombstones WHERE cleared = 0'));
    server = await startLouped({ data });
    for (const [index, id] of clips.entries()) {
      const { status } = await ask('GET', `/clips/${id}`);
      if (status === 410) await gone('clip', id);
      else assert.equal(filesOf(id).length, CLIP_FILES.length, 'whole, or gone');
      if (answers[index]?.status === 200) assert.equal(status, 410, 'what was answered holds');
      if (status !== 410) assert.equal((await forget('clip', id)).status, 200);
    }
  }
  t.diagnostic(`${between} deletions died between tombstone and files`);
  assert.equal(sql("SELECT count(*) FROM tombstones WHERE cleared = 0"), '0');
  assert.equal(sql('PRAGMA integrity_check'), 'ok');
  assert.deepEqual(readdirSync(blobs).filter((name) => !sql(`SELECT id FROM clips UNION SELECT id FROM stills`).includes(name.slice(0, 26))), []);
});
