// SPDX-License-Identifier: Apache-2.0
// A clip that is repaired, trimmed and exported, checked by two verifiers; exports are bounded. And loupe-verify
// as a command.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const CLIP = '01hzzzzzzzzzzzzzzzzzzzzzz0';
const folder = mkdtempSync(join(tmpdir(), 'loupe-seals-'));
const data = join(folder, 'data');
const agent = token({ sub: 'agent-1', role: 'agent' });
let server;
let item;

const sql = (statement) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'loupe.db'), statement], { encoding: 'utf8' }).trim();
const pathOf = (id, suffix = '') => join(data, 'blobs', id.slice(0, 2), id + suffix);
const ask = (method, path, body) => server.api(method, `/api/v1${path}`, { token: agent, body });

function verify(...args) {
  const { status, stdout, stderr } = spawnSync(join(buildFolder, 'loupe-verify'), args, { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}
const verifyClip = (id) => verify(pathOf(id, '.webm'), pathOf(id, '.manifest.json'), '--keys', join(data, 'keys/keys.json'));

/** What a recorder leaves that was killed: a .part, and a row that says `recording`. */
before(async () => {
  server = await startLouped({ data });
  item = await server.newCase();
  await server.stop();
  mkdirSync(join(data, 'blobs', CLIP.slice(0, 2)), { recursive: true });
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=15', '-f', 'lavfi', '-i', 'sine=frequency=500',
    '-t', '20', '-c:v', 'libvpx', '-b:v', '400k', '-g', '30', '-deadline', 'realtime', '-c:a', 'libopus', '-frame_duration', '20',
    '-f', 'webm', '-y', pathOf(CLIP, '.part')]);
  sql(`INSERT INTO clips(id, case_id, room, merchant, state, kind, label, publisher, started_by, path, reason, created_us, started_us,
    duration_ms, bytes, sha256, width, height, gaps, gap_ms, has_video, has_audio, has_poster, repaired, video_codec)
    VALUES('${CLIP}', '${item.id}', '${item.room}', 'default', 'recording', 'clip', 'crack', 'buyer-1', 'agent-1', '${pathOf(CLIP)}', '',
    1000000, 2000000, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, '')`);
  server = await startLouped({ data });
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function finished(id) {
  for (let i = 0; i < 150; i++) {
    const { body } = await ask('GET', `/clips/${id}`);
    if (body.state !== 'recording') return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the clip is not finished');
}

test('a repaired clip is sealed', async () => {
  const clip = await finished(CLIP);
  assert.equal(clip.state, 'ready', JSON.stringify(clip));
  assert.equal(clip.repaired, true);
  const { code, text } = verifyClip(CLIP);
  assert.equal(code, 0, text);
});

test('the case is exported whole', async () => {
  const answer = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  writeFileSync(join(folder, 'case.zip'), Buffer.from(await answer.arrayBuffer()));
  const { code, text } = verify(join(folder, 'case.zip'), '--keys', `${server.url}/.well-known/loupe-keys.json`);
  assert.equal(code, 0, text);
});

test('a file that is gone is named by the archive, and by who checks it', async () => {
  renameSync(pathOf(CLIP, '.webm'), join(folder, 'away.webm'));
  const answer = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  renameSync(join(folder, 'away.webm'), pathOf(CLIP, '.webm'));
  assert.equal(answer.status, 200);
  writeFileSync(join(folder, 'part.zip'), Buffer.from(await answer.arrayBuffer()));
  const { code, text } = verify(join(folder, 'part.zip'), '--keys', join(data, 'keys/keys.json'));
  assert.equal(code, 2, text);
  assert.match(text, new RegExp(`clips/${CLIP}.webm is missing: .*not_found[^]*cannot tell\n$`));
  assert.match(await (await fetch(`${server.url}/metrics`)).text(), /^loupe_export_files_missing_total 1$/m);
});

test('a verifier written from the documentation alone agrees', async () => {
  const python = (...args) => spawnSync('python3', [fileURLToPath(new URL('support/verify.py', import.meta.url)), ...args], { encoding: 'utf8' });
  const keys = join(data, 'keys/keys.json');
  const { body } = await ask('GET', `/cases/${item.id}/clips`);
  const ready = body.items.filter((clip) => clip.state === 'ready');
  const { body: part } = await ask('POST', `/clips/${CLIP}/trim`, { from_ms: 3700, to_ms: 7100 });
  ready.push(await finished(part.id));
  for (const { id } of ready) {
    const said = python(pathOf(id, '.webm'), pathOf(id, '.manifest.json'), keys);
    assert.equal(said.status, 0, `${id}: ${said.stderr}`);
  }
  const bytes = readFileSync(pathOf(CLIP, '.webm'));
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(join(folder, 'changed.webm'), bytes);
  assert.equal(python(join(folder, 'changed.webm'), pathOf(CLIP, '.manifest.json'), keys).status, 1);
});

test('exports are bounded, and those that end make room', async () => {
  const start = (signal) => fetch(`${server.url}/api/v1/cases/${item.id}/export`, { signal, headers: { authorization: `Bearer ${agent}` } });
  const many = await Promise.all(Array.from({ length: 24 }, () => start()));
  await Promise.all(many.map((answer) => answer.arrayBuffer()));
  assert.ok(many.every(({ status }) => status === 200 || status === 429));
  assert.ok(many.some(({ status }) => status === 200));
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const answer = await start(abort.signal);
    assert.equal(answer.status, 200, `after ${i} that were left`);
    abort.abort();
    await answer.arrayBuffer().catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const last = await start();
  assert.equal(last.status, 200);
  assert.equal((await last.arrayBuffer()).byteLength, Number(last.headers.get('content-length')));
});

test('loupe-verify as a command', () => {
  const files = [pathOf(CLIP, '.webm'), pathOf(CLIP, '.manifest.json')];
  assert.equal(verify().code, 2);
  assert.equal(verify('--help').code, 0);
  assert.match(verify('--version').text, /^loupe-verify \d/);
  assert.equal(verify(...files, '--burn').code, 2);
  assert.equal(verify(...files, '--keys').code, 2);
  assert.equal(verify(...files, '--keys', join(folder, 'none.json')).code, 2);
  assert.match(verify(...files).text, /cannot be told without --keys[^]*cannot tell\n$/);
  assert.match(verify(...files, '--keys', `${server.url}/.well-known/loupe-keys.json`).text, /verifies\n$/);
  assert.equal(verify(...files, '--keys', 'http://127.0.0.1:1/keys.json').code, 2);
  const changed = join(folder, 'changed.webm');
  copyFileSync(files[0], changed);
  const bytes = readFileSync(changed);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(changed, bytes);
  const said = verify(changed, files[1], '--keys', join(data, 'keys/keys.json'));
  assert.equal(said.code, 1);
  assert.match(said.text, /wrong: .* \[.*byte \d+\][^]*does not verify\n$/);
  assert.ok(existsSync(files[0]));
});

test('keys come over TLS from the server that is named, and from no other', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const named = [];
  const keys = readFileSync(join(data, 'keys/keys.json'));
  const elsewhere = createServer({
    cert: readFileSync(cert), key: readFileSync(key),
    SNICallback: (name, done) => done(null, void named.push(name)),
  }, (_, response) => response.end(keys));
  await new Promise((done) => elsewhere.listen(0, done));
  const { port } = elsewhere.address();
  // Not spawnSync: the server is in this process.
  const check = (from, env) => new Promise((done) => {
    execFile(join(buildFolder, 'loupe-verify'), [pathOf(CLIP, '.webm'), pathOf(CLIP, '.manifest.json'), '--keys', from],
      { env: { ...process.env, ...env } }, (error, out, err) => done({ code: error?.code ?? 0, text: out + err }));
  });
  const trusting = { SSL_CERT_FILE: cert };
  const good = await check(`https://localhost:${port}/keys.json`, trusting);
  assert.equal(good.code, 0, good.text);
  assert.deepEqual(named, ['localhost']); // one address has many names
  assert.equal((await check(`https://127.0.0.1:${port}/keys.json`, trusting)).code, 2); // another name than the certificate's
  assert.equal((await check(`https://localhost:${port}/keys.json`, {})).code, 2); // nobody vouches for it
  await new Promise((done) => elsewhere.close(done));
});
