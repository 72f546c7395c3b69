// SPDX-License-Identifier: Apache-2.0
// Time stamps (RFC 3161): a clip is ready while the authority is away, and gets its stamp when that is back, also after
// a restart. Both manifests verify.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startAuthority } from '../e2e/support/authority.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const CLIP = '01hzzzzzzzzzzzzzzzzzzzzzz1';
const folder = mkdtempSync(join(tmpdir(), 'loupe-stamps-'));
const data = join(folder, 'data');
const at = (name) => join(folder, name);
const agent = token({ sub: 'agent-1', role: 'agent' });
let authority;
let server;
let item;

const sql = (statement) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(data, 'loupe.db'), statement], { encoding: 'utf8' }).trim();
const pathOf = (id, suffix = '') => join(data, 'blobs', id.slice(0, 2), id + suffix);
const ask = async (path) => (await server.api('GET', `/api/v1${path}`, { token: agent })).body;
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const start = () => startLouped({ data, args: ['--timestamp-authority', authority.url] });

function verify(...args) {
  const { status, stdout, stderr } = spawnSync(join(buildFolder, 'loupe-verify'), [...args, '--keys', join(data, 'keys/keys.json')], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}
const verifyClip = (manifest, ...args) => verify(pathOf(CLIP, '.webm'), manifest, ...args);

async function until(what, look) {
  for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `${what}: ${server.log.slice(-2000)}`);
  }
}

async function metric(name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^loupe_${name} (\\d+)$`, 'm').exec(text)[1]);
}

async function exported(name) {
  const answer = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  writeFileSync(at(name), Buffer.from(await answer.arrayBuffer()));
  return verify(at(name));
}

/** What a recorder leaves that was killed is repaired and sealed at the start. */
before(async () => {
  authority = await startAuthority();
  await authority.pause();
  server = await start();
  item = await server.newCase();
  await server.stop();
  mkdirSync(join(data, 'blobs', CLIP.slice(0, 2)), { recursive: true });
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=15', '-t', '3', '-c:v', 'libvpx', '-b:v', '400k',
    '-g', '30', '-deadline', 'realtime', '-f', 'webm', '-y', pathOf(CLIP, '.part')]);
  sql(`INSERT INTO clips(id, case_id, room, merchant, state, kind, label, publisher, started_by, path, reason, created_us, started_us,
    duration_ms, bytes, sha256, width, height, gaps, gap_ms, has_video, has_audio, has_poster, repaired, video_codec)
    VALUES('${CLIP}', '${item.id}', '${item.room}', 'default', 'recording', 'clip', 'crack', 'buyer-1', 'agent-1', '${pathOf(CLIP)}', '',
    ${Date.now()}000, 2000000, 0, 0, '', 0, 0, 0, 0, 0, 0, 0, 0, '')`);
  server = await start();
});
after(async () => {
  await server?.stop();
  authority?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a clip is ready, and verifies, while the authority is away', async () => {
  const clip = await until('ready', async () => {
    const one = await ask(`/clips/${CLIP}`);
    return one.state !== 'recording' && one;
  });
  assert.deepEqual([clip.state, clip.stamped], ['ready', false]);
  await until('a try', async () => (await metric('clips_stamp_failures_total')) > 0);
  assert.equal(await metric('clips_unstamped'), 1);
  copyFileSync(pathOf(CLIP, '.manifest.json'), at('sealed.json'));
  const { code, text } = verifyClip(at('sealed.json'));
  assert.equal(code, 0, text);
  assert.equal((await exported('before.zip')).code, 0);
});

test('after a restart it is stamped once the authority is back', async () => {
  await server.stop();
  server = await start();
  await until('a try', async () => (await metric('clips_stamp_failures_total')) > 0);
  await authority.resume();
  await until('stamped', async () => (await ask(`/clips/${CLIP}`)).stamped);
  assert.deepEqual([await metric('clips_stamped_total'), authority.asked], [1, 1]);
  const { items } = await ask(`/cases/${item.id}/timeline`);
  const told = items.filter(({ type }) => type === 'clip_stamped');
  assert.deepEqual(told.map(({ data: of }) => of), [{ clip: CLIP, manifest_sha256: sha256(pathOf(CLIP, '.manifest.json')) }]);
  const { seal_signature: signature, timestamp } = JSON.parse(readFileSync(pathOf(CLIP, '.manifest.json')));
  writeFileSync(at('signature.bin'), Buffer.from(signature, 'hex'));
  writeFileSync(at('token.der'), Buffer.from(timestamp, 'base64'));
  const said = execFileSync('openssl', ['ts', '-verify', '-token_in', '-in', at('token.der'), '-data', at('signature.bin'), '-CAfile', authority.ca], { encoding: 'utf8', stdio: 'pipe' });
  assert.match(said, /Verification: OK/);
});

test('it verifies with its stamp, as it was sealed, and in its case', async () => {
  for (const manifest of [pathOf(CLIP, '.manifest.json'), at('sealed.json')]) {
    const { code, text } = verifyClip(manifest, '--authority', authority.ca);
    assert.equal(code, 0, text);
    const python = spawnSync('python3', [fileURLToPath(new URL('support/verify.py', import.meta.url)), pathOf(CLIP, '.webm'), manifest, join(data, 'keys/keys.json')], { encoding: 'utf8' });
    assert.equal(python.status, 0, python.stderr);
  }
  const { code, text } = await exported('after.zip');
  assert.equal(code, 0, text);
});

test('a part of it has the stamp of the whole', async () => {
  const { body: part } = await server.api('POST', `/api/v1/clips/${CLIP}/trim`, { token: agent, body: { from_ms: 0, to_ms: 1500 } });
  await until('known', async () => (await ask(`/clips/${part.id}`)).stamped);
  assert.equal(authority.asked, 1);
  assert.equal((await exported('parts.zip')).code, 0);
});
