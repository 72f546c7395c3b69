// SPDX-License-Identifier: Apache-2.0
// Photographs over WebSocket and HTTP: asked for, uploaded in pieces over a broken line and a restart, freed
// of their metadata; what is none is refused, and nothing of it kept.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { enter } from './support/ws.mjs';

const data = mkdtempSync(join(tmpdir(), 'loupe-photos-'));
let server;
let item;
let claims;
let buyer;

before(async () => {
  server = await startLouped({ data });
  item = await server.newCase();
  claims = { role: 'buyer', sub: item.buyer.id, name: 'Lin', case: item.id };
  buyer = token(claims);
});
after(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

const get = (path) => fetch(server.url + path);

/** A JPEG of 8 x 8 grey pixels, with a place in its Exif, and its hash as a header says it. */
function photograph() {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-photo-'));
  const path = join(folder, 'photo.jpg');
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x480', '-frames:v', '1', '-y', path]);
  const plain = readFileSync(path);
  rmSync(folder, { recursive: true, force: true });
  const exif = Buffer.from('Exif\0\0MM\0*\0\0\0\b\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0SECRETPLACE', 'latin1');
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  const bytes = Buffer.concat([plain.subarray(0, 2), head, exif, plain.subarray(2)]);
  return { bytes, digest: `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:` };
}

async function patch(id, who, offset, piece, headers = {}) {
  const answer = await fetch(`${server.url}/api/v1/photographs/${id}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${who}`, 'content-type': 'application/partial-upload', 'upload-offset': String(offset), ...headers,
    },
    body: piece,
  });
  const body = await answer.json().catch(() => undefined);
  return { status: answer.status, at: Number(answer.headers.get('upload-offset')), body };
}

/** Asks for a photograph: its id, and what the buyer's page was told. */
async function ask(agent, page) {
  const reply = await agent.ask({ type: 'photograph', label: 'the seam' });
  const told = await page.expect('photograph', ({ photo }) => photo === reply.photo);
  assert.equal(told.photo, reply.photo);
  return reply.photo;
}

async function room() {
  const page = await enter(server, claims);
  await page.ask({ type: 'consent', recording: true });
  const agent = await enter(server, { role: 'agent', sub: 'agent-1', name: 'Ann', room: item.room });
  return { page, agent };
}

test('a photograph in pieces, broken off and taken up again, over a restart', async () => {
  const { bytes, digest } = photograph();
  let { page, agent } = await room();
  const id = await ask(agent, page);
  assert.equal((await patch(id, buyer, 0, bytes.subarray(0, 1000))).at, 1000);
  const again = await patch(id, buyer, 500, bytes.subarray(500, 1500));
  assert.deepEqual([again.status, again.at], [409, 1000]);
  page.cut();
  agent.cut();
  await server.stop('SIGKILL');
  server = await startLouped({ data });
  ({ page, agent } = await room());
  const stands = await fetch(`${server.url}/api/v1/photographs/${id}`, { headers: { authorization: `Bearer ${buyer}` } });
  assert.deepEqual([stands.status, stands.headers.get('upload-offset'), stands.headers.get('upload-complete')], [204, '1000', '?0']);
  const rest = bytes.subarray(1000);
  const done = await patch(id, buyer, 1000, rest, { 'upload-complete': '?1', 'repr-digest': digest });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  assert.deepEqual([done.body.kind, done.body.width, done.body.height, done.body.orientation], ['photo', 640, 480, 6]);
  assert.equal(done.body.label, 'the seam');
  assert.equal(done.body.taken_by, 'agent-1');
  assert.ok(done.body.sharpness > 10);
  assert.equal((await agent.expect('still')).still.id, id);
  const kept = Buffer.from(await (await get(done.body.media_url)).arrayBuffer());
  assert.equal(createHash('sha256').update(kept).digest('hex'), done.body.sha256);
  assert.equal(kept.includes('SECRETPLACE'), false);
  assert.equal((await get(done.body.poster_url)).status, 200);
  assert.equal(JSON.parse(await (await get(done.body.record_url)).text()).still.upload_sha256,
    createHash('sha256').update(bytes).digest('hex'));
  // The answer was lost: the last piece once more gets the same one.
  const twice = await patch(id, buyer, bytes.length, '', { 'upload-complete': '?1', 'repr-digest': digest });
  assert.deepEqual([twice.status, twice.body.id], [200, id]);
  assert.equal(readdirSync(join(data, 'blobs', id.slice(0, 2))).some((name) => name.endsWith('.upload')), false);
  page.cut();
  agent.cut();
});

test('what was taken before there was a key is encrypted under a running server', async () => {
  const { bytes, digest } = photograph();
  const { page, agent } = await room();
  const id = await ask(agent, page);
  const done = await patch(id, buyer, 0, bytes, { 'upload-complete': '?1', 'repr-digest': digest });
  assert.equal(done.status, 200);
  const folder = join(data, 'blobs', id.slice(0, 2));
  const files = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  const plain = files.map((name) => readFileSync(join(folder, name)));
  const sample = (text) => text.subarray(text.length >> 1, (text.length >> 1) + 32);
  const anywhere = () => readdirSync(folder).some((name) => plain.some((text) => readFileSync(join(folder, name)).includes(sample(text))));
  assert.ok(files.length >= 2 && anywhere());
  page.cut();
  agent.cut();
  await server.stop();

  const key = join(data, 'storage.key');
  const run = (...args) => spawnSync(join(buildFolder, 'loupectl'), args, { encoding: 'utf8' });
  assert.equal(run('storage-key', 'new', '--file', key).status, 0);
  server = await startLouped({ data, args: ['--storage-key-file', key] });
  const kept = async () => {
    const answer = await fetch(`${server.url}/api/v1/stills/${id}/media`, { headers: { authorization: `Bearer ${buyer}` } });
    return createHash('sha256').update(Buffer.from(await answer.arrayBuffer())).digest('hex');
  };
  assert.equal(await kept(), done.body.sha256);
  for (let ms = 1; ms < 20; ms *= 2) { // whenever it is killed, all is there
    const child = spawn(join(buildFolder, 'loupectl'), ['encrypt-storage', '--data', data, '--file', key]);
    const ended = once(child, 'close');
    setTimeout(() => child.kill('SIGKILL'), ms);
    await ended;
    assert.equal(await kept(), done.body.sha256);
  }
  const last = run('encrypt-storage', '--data', data, '--file', key);
  assert.match(last.stdout, /^encrypted \d+ files of \d+ bytes, \d+ were so before, 0 failed$/m, last.stderr);
  assert.equal(last.status, 0);
  assert.equal(anywhere(), false);
  assert.deepEqual(readdirSync(folder).filter((name) => name.endsWith('.encrypting')), []);
  assert.equal(await kept(), done.body.sha256);
  assert.match(run('encrypt-storage', '--data', data, '--file', key).stdout, /^encrypted 0 files of 0 bytes/);
  // Without a key, and in no data folder, it says what is wrong.
  assert.equal(run('encrypt-storage', '--data', data).status, 2);
  assert.equal(run('encrypt-storage', '--data', join(data, 'none'), '--file', key).status, 1);
});

test('what is no photograph, or not the one that was asked, is refused and not kept', async () => {
  const { bytes, digest } = photograph();
  const { page, agent } = await room();
  const complete = { 'upload-complete': '?1', 'repr-digest': digest };
  const id = await ask(agent, page);
  const other = token({ role: 'agent', sub: 'agent-1' });
  assert.equal((await patch(id, other, 0, bytes)).status, 403);
  assert.equal((await patch('01hzzzzzzzzzzzzzzzzzzzzzz1', buyer, 0, bytes)).status, 404);
  assert.equal((await patch(id, buyer, 0, bytes, { 'content-type': 'image/jpeg' })).status, 415);
  assert.equal((await patch(id, buyer, 'x', bytes)).status, 400);
  assert.equal((await patch(id, buyer, 0, bytes, { 'upload-complete': '?1' })).status, 400);
  const wrong = Buffer.from(bytes);
  wrong[wrong.length - 5] ^= 1;
  assert.equal((await patch(id, buyer, 0, wrong, complete)).status, 400);
  assert.deepEqual([(await agent.expect('photograph_failed')).photo, (await patch(id, buyer, 0, bytes)).status], [id, 404]);
  const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1');
  const second = await ask(agent, page);
  const hash = `sha-256=:${createHash('sha256').update(png).digest('base64')}:`;
  assert.equal((await patch(second, buyer, 0, png, { ...complete, 'repr-digest': hash })).status, 400);
  assert.equal((await agent.expect('photograph_failed')).photo, second);
  const third = await ask(agent, page);
  await page.ask({ type: 'photograph_failed', photo: third, reason: 'no camera' });
  assert.equal((await agent.expect('photograph_failed')).reason, 'no camera');
  for (const one of [id, second, third]) {
    const folder = join(data, 'blobs', one.slice(0, 2));
    assert.deepEqual(existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(one)) : [], []);
  }
  for (let i = 0; i < 4; i += 1) await ask(agent, page);
  assert.equal((await agent.ask({ type: 'photograph' }, 'error')).code, 'full');
  assert.equal((await page.ask({ type: 'photograph' }, 'error')).code, 'denied');
  await page.ask({ type: 'consent', recording: false });
  assert.equal((await agent.ask({ type: 'photograph' }, 'error')).code, 'conflict');
  page.cut();
  agent.cut();
});
