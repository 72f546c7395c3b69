// SPDX-License-Identifier: Apache-2.0
// louped and loupectl as programs: settings, exit codes, signals, the data folder.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-process-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function louped(args, env = {}) {
  const { status, stdout, stderr } = spawnSync(join(buildFolder, 'louped'), args, {
    encoding: 'utf8', timeout: 10_000, env: { PATH: process.env.PATH, ...env }, cwd: folder,
  });
  return { status, stdout, stderr };
}

function config(text) {
  const path = join(folder, 'loupe.ini');
  writeFileSync(path, text);
  return path;
}

test('--version, --help and --check', () => {
  assert.match(louped(['--version']).stdout, /^louped \d+\.\d+\.\d+\n$/);
  const help = louped(['--help']);
  assert.equal(help.status, 0);
  for (const flag of ['--config', '--data', '--http', '--media', '--workers', '--public-address', '--api-key', '--tls-cert', '--tls-key', '--database', '--blobs', '--demo', '--log-level', '--check', '--web', '--drain-seconds', '--min-free-mib']) {
    assert.ok(help.stdout.includes(flag), flag);
  }
  const path = config('[loupe]\nhttp = 127.0.0.1:0\napi-key = a:b, c:d\n');
  assert.equal(louped(['--config', path, '--check']).status, 0);
});

test('a bad setting is one line that names its place, and exit code 2', () => {
  const cases = [
    [['--colour', 'red'], {}, /^louped: unknown argument --colour\n$/],
    [['--http', 'nowhere'], {}, /^louped: bad value for --http\n$/],
    [['--workers', '0'], {}, /^louped: bad value for --workers\n$/],
    [['--workers'], {}, /^louped: bad value for --workers\n$/],
    [['--api-key', 'nocolon'], {}, /^louped: bad value for --api-key\n$/],
    [['--check'], { LOUPE_HTTP: 'x' }, /^louped: environment: bad value for LOUPE_HTTP\n$/],
    [['--http', '0.0.0.0:0'], {}, /^louped: --http: http beyond loopback .*\n$/],
    [['--demo', '--http', '0.0.0.0:0', '--allow-plain-http'], {}, /^louped: --http: demo is for loopback only\n$/],
    [['--tls-cert', 'x'], {}, /^louped: --tls-cert: tls-cert and tls-key .*\n$/],
    [['--config', '/nowhere.ini'], {}, /^louped: \/nowhere\.ini: cannot be read\n$/],
    [['--config', config('http = 127.0.0.1:0\ncolour = red\n')], {}, /^louped: .*loupe\.ini:2: unknown key colour\n$/],
  ];
  for (const [args, env, line] of cases) {
    const { status, stdout, stderr } = louped(args, env);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, line);
    assert.equal(stdout, '');
  }
  const bad = louped(['--config', config('[loupe]\n\nworkers = many\n')]);
  assert.match(bad.stderr, /loupe\.ini:3: bad value for loupe\.workers\n$/);
});

test('settings that do not go together, or name files that are no good: one line, nothing made', () => {
  const junk = join(folder, 'junk.pem');
  const data = join(folder, 'never');
  writeFileSync(junk, 'junk');
  const cases = [
    [['--tls-cert', junk, '--tls-key', junk], {}, /^--tls-cert: no certificate/],
    [['--tls-cert', '/nowhere.pem', '--tls-key', junk], {}, /^--tls-cert: no certificate/],
    [['--web', '/nowhere'], {}, /^--web: there is no such folder/],
    [['--media', '127.0.0.1:65535', '--workers', '2'], {}, /^--media: there is no room/],
    [['--media', '127.0.0.1:65535'], { LOUPE_WORKERS: '2' }, /^--media: there is no room/],
    [['--demo', '--api-key', 'demo:other'], {}, /^--api-key: demo has a key demo/],
    [['--api-key', 'a:1', '--api-key', 'a:2'], {}, /^--api-key: a is given twice/],
    [[], { LOUPE_WEB: '/nowhere' }, /^environment: LOUPE_WEB: there is no such folder/],
    [['--config', config('api-key = a:1\nhttp = 0.0.0.0:0\n')], {}, /loupe\.ini:2: http: http beyond loopback/],
  ];
  for (const [args, env, line] of cases) {
    for (const more of [['--check'], []]) {
      const { status, stdout, stderr } = louped([...args, '--data', data, ...more], env);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /^louped: [^\n]*\n$/);
      assert.match(stderr.replace('louped: ', ''), line);
      assert.equal(stdout, '');
    }
  }
  assert.ok(!existsSync(data));
  assert.equal(louped(['--check', '--api-key', 'a:1', '--api-key', 'a:1', '--demo', '--api-key', 'demo:demo-secret']).status, 0);
  const unknown = louped(['--check'], { LOUPE_WROKERS: '3' });
  assert.equal(unknown.status, 0);
  assert.equal(unknown.stderr, 'louped: warning: no setting is called LOUPE_WROKERS\n');
});

test('a port that is taken and a folder in use are runtime failures', async () => {
  const server = await startLouped();
  const taken = louped(['--http', `127.0.0.1:${server.port}`, '--media', '127.0.0.1:0', '--data', join(folder, 'x')]);
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /HTTP port cannot be opened/);
  assert.equal(taken.stderr.match(/cannot be opened/g).length, 1);
  const inUse = louped(['--http', '127.0.0.1:0', '--media', '127.0.0.1:0', '--data', server.data]);
  assert.equal(inUse.status, 1);
  assert.match(inUse.stderr, /another louped uses the data folder/);
  assert.equal(await server.stop(), 0);
});

test('idle connections leave descriptors for clips and the database', async () => {
  const server = await startLouped({ program: ['prlimit', '--nofile=128:128'] });
  const sockets = [];
  const refused = new Promise((done, failed) => {
    setTimeout(() => failed(new Error('none was refused')), 10_000).unref();
    for (let i = 0; i < 200; i++) {
      const socket = net.connect(server.port, '127.0.0.1');
      socket.on('error', done).on('close', done).resume();
      sockets.push(socket);
    }
  });
  await refused;
  // One that is being refused has a descriptor until it is.
  const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
  for (let i = 0; i < 100 && open() >= 125; i += 1) await new Promise((done) => setTimeout(done, 50));
  assert.ok(open() < 125, `${open()} of 128 descriptors are in use`);
  for (const socket of sockets) socket.destroy();
  assert.equal(await server.stop(), 0, server.log);
});

test('what it writes is for its own user alone, and its threads have names', async () => {
  const data = mkdtempSync(join(folder, 'open-'));
  chmodSync(data, 0o755);
  const server = await startLouped({ data, args: ['--workers', '2'] });
  const files = readdirSync(data, { recursive: true }).map((name) => join(data, name));
  assert.ok(files.some((path) => path.endsWith('loupe.db')), `${files}`);
  for (const path of files) assert.equal(statSync(path).mode & 0o077, 0, path);
  const names = readdirSync(`/proc/${server.pid}/task`).map((id) => readFileSync(`/proc/${server.pid}/task/${id}/comm`, 'utf8').trim());
  for (const name of ['worker 0', 'worker 1', 'job 0', 'pictures', 'finishing', 'store', 'sealing', 'posting']) assert.ok(names.includes(name), `${name} of ${names}`);
  assert.equal(await server.stop(), 0);
});

test('SIGTERM drains and exits 0; SIGHUP takes new keys', async () => {
  const path = config('api-key = first:one\n');
  const server = await startLouped({ args: ['--config', path], key: false });
  const first = token({ iss: 'first' }, { header: { kid: 'first' }, secret: 'one' });
  const second = token({ iss: 'second' }, { header: { kid: 'second' }, secret: 'two' });
  const status = async (who) => (await server.api('GET', '/api/v1/cases', { token: who })).status;
  assert.deepEqual([await status(first), await status(second)], [200, 401]);
  config('api-key = second:two\n');
  server.child.kill('SIGHUP');
  for (let i = 0; i < 100 && (await status(second)) !== 200; i += 1);
  assert.deepEqual([await status(first), await status(second)], [401, 200]);
  config('api-key = broken\n');
  server.child.kill('SIGHUP');
  while (!/reload_failed/.test(server.log)) await new Promise((done) => server.child.stderr.once('data', done));
  assert.equal(await status(second), 200);
  assert.equal(await server.stop('SIGTERM'), 0);
});

test('what was acknowledged is there after kill -9, and fsck finds it whole', async () => {
  const data = mkdtempSync(join(folder, 'data-'));
  const server = await startLouped({ data });
  const made = [];
  for (let i = 0; i < 20; i += 1) made.push((await server.newCase({ title: `n${i}` })).id);
  await server.stop('SIGKILL');
  const again = await startLouped({ data });
  const { body } = await again.api('GET', '/api/v1/cases?limit=200', { token: token() });
  assert.deepEqual(body.items.map((item) => item.id).sort(), made.sort());
  await again.stop();
  const ctl = join(buildFolder, 'loupectl');
  assert.match(execFileSync(ctl, ['fsck', '--data', data], { encoding: 'utf8' }), /database: ok\ncases: 20, broken chains: 0\n/);
  const verified = (...args) => spawnSync(ctl, ['verify', '--data', data, ...args], { encoding: 'utf8' });
  assert.deepEqual([verified().status, verified().stdout], [0, 'looked at 20 cases, 20 events, 0 clips, 0 stills, 0 attachments, 0 tombstones\nverifies\n']);
  assert.equal(verified('--keys', '/nowhere').status, 2);
  assert.equal(verified('--burn').status, 2);
  assert.equal(verified('--authority', join(folder, 'no-stamps-yet.pem')).status, 0);
  execFileSync('sqlite3', [join(data, 'loupe.db'), `DROP TRIGGER events_stay; UPDATE events SET actor = 'me' WHERE case_id = '${made[3]}'`]);
  const bad = spawnSync(ctl, ['fsck', '--data', data], { encoding: 'utf8' });
  assert.equal(bad.status, 1);
  assert.ok(bad.stdout.includes(`case ${made[3]}: broken at event 1`), bad.stdout);
  const told = verified('--json');
  assert.equal(told.status, 1);
  const { verdict, findings, looked_at } = JSON.parse(told.stdout);
  assert.deepEqual([verdict, looked_at.cases], ['does not verify', 20]);
  assert.deepEqual(findings.map(({ row, text }) => row ?? text).sort(), [`events ${made[3]} 1`, 'trigger events_stay is missing']);
  assert.equal(verified('--case', made[4]).status, 0);
  assert.equal(verified('--case', made[3]).status, 1);
});

test('loupectl migrates by itself, and tells before', async () => {
  const data = mkdtempSync(join(folder, 'data-'));
  const ctl = (...args) => spawnSync(join(buildFolder, 'loupectl'), [...args, '--data', data], { encoding: 'utf8' });
  assert.equal(ctl('migrate', '--check').status, 2); // there is no database
  const server = await startLouped({ data });
  await server.stop();
  const done = ctl('migrate', '--check');
  assert.equal(done.status, 0, done.stderr);
  const [, newest] = /^schema (\d+), newest \1\n$/.exec(done.stdout);
  const sql = (text) => execFileSync('sqlite3', [join(data, 'loupe.db'), text], { encoding: 'utf8' }).trim();
  for (const name of readdirSync(data)) if (name.startsWith('loupe.db')) rmSync(join(data, name));
  sql('CREATE TABLE none(x); DROP TABLE none');
  assert.equal(ctl('migrate', '--check').status, 1);
  assert.equal(ctl('verify').status, 2);
  assert.match(ctl('verify').stderr, /older one: loupectl migrate/);
  const migrated = ctl('migrate');
  assert.equal(migrated.stdout, `schema 0, newest ${newest}\nmigrated\n`, migrated.stderr);
  assert.equal(sql('PRAGMA user_version'), newest);
  assert.equal(ctl('verify').status, 0);
  sql(`PRAGMA user_version = ${Number(newest) + 1}`);
  assert.deepEqual([ctl('migrate').status, ctl('migrate', '--check').status, ctl('verify').status], [2, 2, 2]);
});

test('the demonstration prints links that work, and loupectl mints tokens', async () => {
  const server = await startLouped({ demo: true });
  const links = await server.links();
  assert.deepEqual([...new Set(links.map((link) => link.role))].sort(), ['agent', 'appraiser', 'arbiter', 'buyer', 'supervisor']);
  assert.equal(links.filter((link) => link.role === 'agent').length, 2);
  const buyer = links.find((link) => link.role === 'buyer');
  assert.ok(buyer.url.startsWith(`${server.url}/c/#`));
  const own = await server.api('GET', '/api/v1/cases', { token: buyer.token });
  assert.equal(own.body.items.length, 1);
  const minted = execFileSync(join(buildFolder, 'loupectl'), ['token', '--key', 'demo:demo-secret', '--role', 'service', '--sub', 'shop'], { encoding: 'utf8' }).trim();
  assert.equal((await server.api('GET', '/api/v1/stats', { token: minted })).status, 200);
  assert.equal(spawnSync(join(buildFolder, 'loupectl'), ['token', '--key', 'x'], { encoding: 'utf8' }).status, 2);
  assert.equal(await server.stop(), 0);
});

test('TLS: served with the certificate given, and a new one after SIGHUP', async () => {
  const cert = (name) => {
    const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    return ['--tls-cert', certificate, '--tls-key', key];
  };
  const server = await startLouped({ args: cert('one.example') });
  assert.match(server.url, /^https:/);
  const seen = () => {
    const { stdout } = spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-alpn', 'h2,http/1.1'], { input: 'GET /healthz HTTP/1.0\r\n\r\n', encoding: 'utf8', timeout: 10_000 });
    return { name: /subject=.*CN ?= ?(\S+)/.exec(stdout)?.[1], alpn: /ALPN protocol: (\S+)/.exec(stdout)?.[1] };
  };
  assert.deepEqual(seen(), { name: 'one.example', alpn: 'http/1.1' });
  cert('two.example');
  server.child.kill('SIGHUP');
  while (!/reloaded/.test(server.log)) await new Promise((done) => server.child.stderr.once('data', done));
  assert.equal(seen().name, 'two.example');
  writeFileSync(join(folder, 'cert.pem'), 'junk');
  server.child.kill('SIGHUP');
  while (!/reload_failed.*tls-cert/.test(server.log)) await new Promise((done) => server.child.stderr.once('data', done));
  assert.equal(seen().name, 'two.example');
  assert.equal(await server.stop(), 0);
});

test('a disk with less room than it is to keep is not ready', async (t) => {
  const server = await startLouped({ args: ['--min-free-mib', '1000000000'] });
  t.after(() => server.stop());
  const ready = async () => {
    const answer = await fetch(`${server.url}/readyz`);
    return `${answer.status} ${await answer.text()}`;
  };
  const end = Date.now() + 5000;
  while ((await ready()).startsWith('200') && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.match(await ready(), /^503 .*disk/);
});
