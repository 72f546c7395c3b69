// SPDX-License-Identifier: Apache-2.0
// A backup is taken while people record, look back, trim, take stills, write and delete; what is restored of it
// verifies, row by row and file by file, and a server goes on with it. And the store itself, at work.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { Ledger, start } from './support/deeds.mjs';
import { Judge } from './support/judge.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-backup-'));
const data = join(folder, 'data');
const agent = token({ sub: 'agent-1', role: 'agent' });
let seed = 7;
let load;
let world;
let judge;

/** 0 to n - 1, the same each time. */
function draw(n) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** { code, text } of loupectl, while the server goes on. */
function ctl(...args) {
  return new Promise((resolve) => {
    const child = spawn(join(buildFolder, 'loupectl'), args);
    let text = '';
    for (const out of [child.stdout, child.stderr]) out.setEncoding('utf8').on('data', (piece) => (text += piece));
    child.on('close', (code) => resolve({ code, text }));
  });
}

before(async () => {
  load = await startGenerator(folder);
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x480', '-frames:v', '1', '-y', join(folder, 'photo.jpg')]);
  judge = new Judge(data);
  const server = await startLouped({ data });
  world = { draw, server, photo: readFileSync(join(folder, 'photo.jpg')), keep: () => undefined, ledger: new Ledger() };
  world.item = await server.newCase();
  world.caller = new Caller(load, world.item);
  await world.caller.enter(server);
  await world.caller.seen();
  const { body } = await server.api('POST', `/api/v1/rooms/${world.item.room}/clips`, { token: agent, body: {} });
  await pause(2500);
  await server.api('POST', `/api/v1/clips/${body.id}/stop`, { token: agent, body: {} });
  await judge.settled(server);
  world.whole = [body.id];
});
after(async () => {
  await world.caller?.drop();
  await load?.end();
  await world.server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('backups taken under load restore to stores that verify', { timeout: 120_000 }, async (t) => {
  world.over = false;
  const deeds = start(world);
  deeds.catch(() => undefined);
  for (let i = 0; i < 3; i++) {
    await pause(1200);
    const backup = join(folder, `backup-${i}`);
    const made = await ctl('backup', backup, '--data', data);
    assert.equal(made.code, 0, made.text);
    const restored = join(folder, `restored-${i}`);
    const back = await ctl('restore', backup, '--data', restored);
    assert.equal(back.code, 0, back.text);
    const verified = await ctl('verify', '--data', restored);
    assert.equal(verified.code, 0, verified.text);
    const itself = await ctl('verify', '--data', data);
    assert.equal(itself.code, 0, itself.text);
    t.diagnostic(`${made.text.trim()}; ${verified.text.split('\n')[0]}`);
    assert.equal(spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: backup }).status, 0);
  }
  world.over = true;
  await deeds;
});

test('a server goes on with what was restored', { timeout: 60_000 }, async () => {
  const restored = join(folder, 'restored-2');
  const rows = () => execFileSync('sqlite3', [join(restored, 'loupe.db'), `SELECT count(*) FROM events WHERE type <> 'clip_failed'`], { encoding: 'utf8' });
  const before_ = Number(rows());
  const again = await startLouped({ data: restored });
  const other = new Judge(restored);
  await other.settled(again);
  const { body } = await again.api('GET', `/api/v1/clips/${world.whole[0]}`, { token: agent });
  assert.equal(body.state, 'ready');
  await again.newCase();
  assert.equal(await again.stop(), 0);
  assert.ok(Number(rows()) > before_);
  const verified = await ctl('verify', '--data', restored);
  assert.equal(verified.code, 0, verified.text);
});

test('what is there is not written over, what was changed is not restored', async () => {
  const [backup, restored] = [join(folder, 'backup-0'), join(folder, 'restored-0')];
  assert.equal((await ctl('backup', backup, '--data', data)).code, 1);
  assert.equal((await ctl('restore', backup, '--data', restored)).code, 1);
  assert.equal((await ctl('backup', '--data', data)).code, 2);
  assert.equal((await ctl('backup', join(folder, 'x'), '--data', join(folder, 'none'))).code, 2);
  appendFileSync(join(backup, 'keys/keys.json'), ' ');
  const refused = await ctl('restore', backup, '--data', join(folder, 'third'));
  assert.equal(refused.code, 1);
  assert.match(refused.text, /keys\.json is not as it was/);
  assert.ok(!existsSync(join(folder, 'third/loupe.db')));
});

test('nobody else reads the copy of the database, also while it is made', () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o755);
  // The limit of files' sizes ends it in the middle.
  const made = spawnSync('sh', ['-c', 'umask 0; ulimit -f 100; exec "$@"', 'sh', join(buildFolder, 'loupectl'), 'backup', open, '--data', join(folder, 'restored-1')]);
  assert.notEqual(made.status, 0);
  assert.equal(statSync(join(open, 'loupe.db')).mode & 0o777, 0o600);
});
