// SPDX-License-Identifier: Apache-2.0
// loupectl beside a server at work: merchants and their people, cases, events as they happen, a backup in one file,
// and the server told to end.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-records-'));
const data = join(folder, 'data');
const program = join(buildFolder, 'loupectl');
const ctl = (...args) => spawnSync(program, [...args, '--data', data], { encoding: 'utf8' });
const agent = token({ sub: 'ann', role: 'agent' });
let server;

before(async () => {
  server = await startLouped({ data });
});
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('merchants and people are made, and a person opens the desk', async () => {
  assert.equal(ctl('merchants', 'add', '--merchant', 'tea-house', '--name', 'Tea House').status, 0);
  assert.match(ctl('merchants', 'list').stdout, /^tea-house made 20\S+ Tea House$/m);
  assert.equal(ctl('merchants', 'add', '--merchant', 'a b').status, 2);
  assert.equal(ctl('people', 'add', '--merchant', 'tea-house', '--identity', 'mei', '--name', 'Mei', '--role', 'supervisor').status, 0);
  assert.equal(ctl('people', 'add', '--merchant', 'tea-house', '--identity', 'mei', '--role', 'buyer').status, 2);
  assert.equal(ctl('people', 'list').stdout, 'tea-house mei supervisor Mei\n');
  assert.equal(ctl('people', 'link', '--merchant', 'tea-house', '--identity', 'mei').status, 1); // there is no key yet
  // Keys that may not sign for her, though they are the first, are none; nor is one that cannot do what a desk does the first choice.
  assert.equal(ctl('api-keys', 'add', '--merchant', 'tea-house', '--id', 'a', '--roles', 'buyer,agent').status, 0);
  assert.equal(ctl('people', 'link', '--merchant', 'tea-house', '--identity', 'mei').status, 1);
  assert.equal(ctl('api-keys', 'add', '--merchant', 'tea-house', '--id', 'b', '--roles', 'supervisor', '--scopes', 'call').status, 0);
  assert.equal(ctl('api-keys', 'add', '--merchant', 'tea-house', '--id', 'c').status, 0);
  const before_ = server.log.split('reloaded er=ok').length;
  server.child.kill('SIGHUP');
  while (server.log.split('reloaded er=ok').length === before_) await new Promise((done) => server.child.stderr.once('data', done));
  const link = ctl('people', 'link', '--merchant', 'tea-house', '--identity', 'mei');
  assert.match(link.stdout, /^\/desk#[\w.-]+\n$/);
  const who = link.stdout.trim().split('#')[1];
  assert.equal((await server.api('GET', '/api/v1/stats', { token: who })).status, 200);
  assert.equal(ctl('people', 'remove', '--merchant', 'tea-house', '--identity', 'mei').status, 0);
  assert.equal(ctl('people', 'link', '--merchant', 'tea-house', '--identity', 'mei').status, 1);
});

test('cases are listed and shown', async () => {
  const one = await server.newCase({ title: 'A "cup"' });
  await server.newCase({ title: 'A pot', kind: 'live' });
  const listed = ctl('cases', 'list');
  assert.match(listed.stdout, new RegExp(`^${one.number} ${one.id} default inspection open \\S+ "A \\\\"cup\\\\""$`, 'm'));
  assert.equal(ctl('cases', 'list', '--kind', 'live').stdout.split('\n').length, 2);
  assert.equal(ctl('cases', 'list', '--state', 'burnt').status, 2);
  const shown = JSON.parse(ctl('cases', 'show', '--case', one.number).stdout);
  assert.equal(shown.case.id, one.id);
  assert.equal(shown.chain, 'holds');
  assert.equal(shown.events[0].type, 'case_opened');
  assert.equal(ctl('cases', 'show', '--case', 'C-1999-000001').status, 1);
});

test('events are followed as they happen', { timeout: 20_000 }, async () => {
  const one = await server.newCase();
  const child = spawn(program, ['events', '--follow', '--json', '--data', data]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => (text += piece));
  const told = async (type) => {
    while (!text.includes(`"type":"${type}"`)) await new Promise((done) => child.stdout.once('data', done));
  };
  try {
    // It follows from when it has begun: until then there is an event now and then.
    const knock = setInterval(() => void server.newCase(), 200);
    await told('case_opened').finally(() => clearInterval(knock));
    const act = (action, body) => server.api('POST', `/api/v1/cases/${one.id}/actions/${action}`, { token: agent, body });
    assert.equal((await act('propose', { outcome: 'refund', note: '\u202e=1' })).status, 200);
    assert.equal((await act('cancel', {})).status, 200);
    await told('cancelled');
    const lines = text.trim().split('\n').map((line) => JSON.parse(line)).filter((event) => event.case === one.id);
    assert.deepEqual(lines.map((event) => event.type), ['outcome_proposed', 'cancelled']);
    assert.equal(lines[0].number, one.number);
  } finally {
    child.kill();
  }
  const all = ctl('events', '--case', one.id);
  assert.deepEqual(all.stdout.trim().split('\n').map((line) => line.split(' ')[3]), ['case_opened', 'outcome_proposed', 'cancelled']);
});

test('a backup is one file, which tar reads, and restores to a store that verifies', () => {
  const tar = join(folder, 'all.tar');
  const again = join(folder, 'again');
  const made = ctl('backup', tar);
  assert.equal(made.status, 0, made.stderr);
  const names = execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }).trim().split('\n');
  assert.equal(names[names.length - 1], 'backup.json');
  assert.ok(names.includes('loupe.db'));
  const back = spawnSync(program, ['restore', tar, '--data', again], { encoding: 'utf8' });
  assert.equal(back.status, 0, back.stderr);
  assert.equal(spawnSync(program, ['verify', '--data', again]).status, 0);
  // A row that was tampered with is found, and named.
  execFileSync('sqlite3', [join(again, 'loupe.db'), `UPDATE cases SET title = 'Another' WHERE number LIKE '%-000001'`]);
  const tampered = spawnSync(program, ['verify', '--data', again], { encoding: 'utf8' });
  assert.equal(tampered.status, 1);
  assert.match(tampered.stdout, /cases \w{26}.*title is "Another"/);
  // What tar itself has packed is as good.
  const unpacked = join(folder, 'unpacked');
  execFileSync('sh', ['-c', `mkdir ${unpacked} && tar -xf ${tar} -C ${unpacked} && tar --format=ustar -cf ${join(folder, 'own.tar')} -C ${unpacked} .`]);
  assert.equal(spawnSync(program, ['restore', join(folder, 'own.tar'), '--data', join(folder, 'third')]).status, 0);
  assert.equal(spawnSync(program, ['restore', join(folder, 'none.tar'), '--data', join(folder, 'fourth')]).status, 1);
});

test('a server is told to drain, and waited for', { timeout: 20_000 }, async () => {
  const child = spawn(program, ['drain', '--data', data]);
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0);
  assert.equal(await server.exited, 0);
  assert.match(server.log, /draining/);
  assert.equal(ctl('drain').status, 1); // nobody is there
});
