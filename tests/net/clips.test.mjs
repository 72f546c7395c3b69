// SPDX-License-Identifier: Apache-2.0
// Clips' files over HTTP: by token and by signed link, whole and in ranges, each view on the
// timeline. The clip is put into the data folder by hand while no server runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const SIZE = 3_000_000;
const media = Buffer.alloc(SIZE, 0);
for (let i = 0; i < SIZE; i += 1) media[i] = (i * 7 + (i >> 8)) & 255;
const sha256 = createHash('sha256').update(media).digest('hex');
const MANIFEST = '{"no":"real manifest"}';
const CLIP = '01hzzzzzzzzzzzzzzzzzzzzzz0';
// The head of an EBML document (RFC 8794), and what might follow.
const MATROSKA = '01hzzzzzzzzzzzzzzzzzzzzzz1';
const matroska = Buffer.concat([Buffer.from('1a45dfa393428288', 'hex'), Buffer.from('matroska'), media.subarray(0, 1000)]);

const data = mkdtempSync(join(tmpdir(), 'loupe-clips-'));
let server;
let item;
let buyer;

function addClip(id, { id: caseId, room }, path, bytes, codec) {
  writeFileSync(`${path}.webm`, bytes);
  writeFileSync(`${path}.jpg`, 'no real picture');
  if (id === CLIP) writeFileSync(`${path}.manifest.json`, MANIFEST);
  execFileSync('sqlite3', [join(data, 'loupe.db'), `INSERT INTO clips VALUES('${id}', '${caseId}',
    '${room}', 'default', 'ready', 'clip', 'crack', 'buyer-1', 'agent-1', '${path}', '', 1, 2,
    10000, ${bytes.length}, '${sha256}', 640, 480, 1, 40, 1, 1, 1, 0, '${codec}', 0)`]);
}

before(async () => {
  server = await startLouped({ data });
  item = await server.newCase();
  const other = await server.newCase();
  await server.stop();
  addClip(CLIP, item, join(data, 'sample'), media, 'VP9');
  addClip(MATROSKA, other, join(data, 'other'), matroska, 'H264');
  server = await startLouped({ data });
  buyer = token({ role: 'buyer', sub: 'buyer-1', case: item.id });
});
after(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

async function get(path, headers = {}) {
  const answer = await fetch(server.url + path, { headers });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}
const bearer = () => ({ authorization: `Bearer ${buyer}` });
const MEDIA = `/api/v1/clips/${CLIP}/media`;

test('a clip is told with addresses for the one who asks', async () => {
  const { body } = await server.api('GET', `/api/v1/cases/${item.id}/clips`, { token: buyer });
  assert.equal(body.items.length, 1);
  const clip = body.items[0];
  assert.equal(clip.id, CLIP);
  assert.equal(clip.state, 'ready');
  assert.equal(clip.sha256, sha256);
  assert.deepEqual(clip.tracks.map((track) => track.codec), ['VP9', 'opus']);
  const one = await server.api('GET', `/api/v1/clips/${CLIP}`, { token: buyer });
  assert.equal(one.body.duration_ms, 10000);
  const other = await server.newCase();
  const stranger = token({ role: 'buyer', sub: 'x', case: other.id });
  assert.equal((await server.api('GET', `/api/v1/clips/${CLIP}`, { token: stranger })).status, 403);

  const whole = await get(clip.media_url);
  assert.equal(whole.status, 200);
  assert.equal(whole.headers.get('content-type'), 'video/webm');
  assert.ok(whole.bytes.equals(media));
  assert.equal((await get(clip.poster_url)).headers.get('content-type'), 'image/jpeg');
  assert.equal((await get(clip.manifest_url)).bytes.toString(), MANIFEST);
});

test('what is not WebM is not called so', async () => {
  const service = token({ role: 'supervisor' });
  const { body } = await server.api('GET', `/api/v1/clips/${MATROSKA}`, { token: service });
  const whole = await get(body.media_url);
  assert.equal(whole.headers.get('content-type'), 'video/x-matroska');
  assert.match(whole.headers.get('content-disposition'), /\.mkv"$/);
  const part = await get(body.media_url, { range: 'bytes=100-199' });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-type'), 'video/x-matroska');
});

test('a signed link is good for its clip, person and time alone', async () => {
  const { body } = await server.api('GET', `/api/v1/clips/${CLIP}`, { token: buyer });
  const url = new URL(body.media_url, server.url);
  const changed = (name, value) => {
    const copy = new URL(url);
    copy.searchParams.set(name, value);
    return copy.pathname + copy.search;
  };
  assert.equal((await get(url.pathname + url.search)).status, 200);
  for (const file of ['poster', 'manifest'])
    assert.equal((await get((url.pathname + url.search).replace('media', file))).status, 403);
  assert.equal((await get(changed('person', 'agent-1'))).status, 403);
  assert.equal((await get(changed('expires', String(Number(url.searchParams.get('expires')) + 60)))).status, 403);
  assert.equal((await get(changed('signature', 'f'.repeat(64)))).status, 403);
  assert.equal((await get(changed('signature', ''))).status, 403);
  assert.equal((await get((url.pathname + url.search).replace(CLIP, CLIP.replace(/0$/, '1')))).status, 403);
  assert.equal((await get(MEDIA)).status, 401);
});

test('ranges', async () => {
  const part = async (range, extra = {}) => get(MEDIA, { ...bearer(), range, ...extra });
  const good = {
    'bytes=0-0': [0, 0], 'bytes=0-99': [0, 99], 'bytes=100-': [100, SIZE - 1],
    'bytes=-500': [SIZE - 500, SIZE - 1], [`bytes=-${SIZE * 2}`]: [0, SIZE - 1],
    [`bytes=${SIZE - 1}-${SIZE + 50}`]: [SIZE - 1, SIZE - 1], 'bytes=5-9,20-30': [5, 9],
    'bytes=65530-131080': [65530, 131080],
  };
  for (const [range, [first, last]] of Object.entries(good)) {
    const { status, headers, bytes } = await part(range);
    assert.equal(status, 206, range);
    assert.equal(headers.get('content-range'), `bytes ${first}-${last}/${SIZE}`, range);
    assert.equal(headers.get('content-length'), String(last - first + 1), range);
    assert.ok(bytes.equals(media.subarray(first, last + 1)), range);
  }
  for (const range of [`bytes=${SIZE}-`, 'bytes=-0']) {
    const { status, headers } = await part(range);
    assert.equal(status, 416, range);
    assert.equal(headers.get('content-range'), `bytes */${SIZE}`);
  }
  for (const range of ['bytes=9-5', 'bytes=a-b', 'lines=0-5', 'bytes', 'bytes=--5']) {
    const { status, bytes } = await part(range);
    assert.equal(status, 200, range);
    assert.equal(bytes.length, SIZE);
  }
  const tag = (await part('bytes=0-0')).headers.get('etag');
  assert.equal((await part('bytes=0-9', { 'if-range': tag })).status, 206);
  assert.equal((await part('bytes=0-9', { 'if-range': '"other"' })).status, 200);
  assert.equal((await get(MEDIA, { ...bearer(), 'if-none-match': tag })).status, 304);
  const head = await fetch(server.url + MEDIA, { method: 'HEAD', headers: bearer() });
  assert.equal(head.headers.get('content-length'), String(SIZE));
  assert.equal(head.headers.get('accept-ranges'), 'bytes');
});

test('each view is an event, its later pieces are not', async () => {
  const views = async () => {
    const { body } = await server.api('GET', `/api/v1/cases/${item.id}/timeline`, { token: buyer });
    return body.items.filter((event) => event.type === 'clip_viewed');
  };
  const first = (await views()).length;
  await get(MEDIA, bearer());
  await get(MEDIA, { ...bearer(), range: 'bytes=0-' });
  await get(MEDIA, { ...bearer(), range: 'bytes=1000-2000' });
  await get(MEDIA, { ...bearer(), range: 'bytes=9000000-' });
  await get(MEDIA.replace('media', 'poster'), bearer());
  const seen = await views();
  assert.ok(seen.length === first + 2 || seen.length === first + 3, 'a poster is told once in ten minutes');
  const media_ = seen.filter((event) => event.data.what === 'media');
  assert.equal(media_.at(-1).actor, 'buyer-1');
  assert.deepEqual(media_.at(-1).data, { clip: CLIP, what: 'media' });
  assert.deepEqual(seen.find((event) => event.data.what === 'poster')?.data, { clip: CLIP, what: 'poster' });
  const manifest = await get(MEDIA.replace('media', 'manifest'), bearer());
  assert.equal(manifest.bytes.toString(), MANIFEST);
  assert.equal(manifest.headers.get('content-type'), 'application/json');
  assert.deepEqual((await views()).at(-1).data, { clip: CLIP, what: 'manifest' });
});

test('what was recorded before there were seals has no manifest', async () => {
  const agent = { authorization: `Bearer ${token({ sub: 'agent-old' })}` };
  assert.equal((await get(MEDIA.replace(CLIP, MATROSKA).replace('media', 'manifest'), agent)).status, 404);
});

test('the keys that seal clips are public', async () => {
  const { status, headers, bytes } = await get('/.well-known/loupe-keys.json');
  assert.equal(status, 200);
  assert.equal(headers.get('access-control-allow-origin'), '*');
  const { keys } = JSON.parse(bytes);
  assert.equal(keys.length, 1);
  assert.match(keys[0].kid, /^[0-9a-f]{16}$/);
  assert.deepEqual(Object.keys(keys[0]).sort(), ['alg', 'created_at', 'crv', 'kid', 'kty', 'use', 'x']);
});

test('loupectl rotates and revokes keys while the server runs', async () => {
  const loupectl = (...args) => execFileSync(join(buildFolder, 'loupectl'), ['keys', ...args, '--data', data], { encoding: 'utf8' });
  const published = async () => JSON.parse((await get('/.well-known/loupe-keys.json')).bytes).keys;
  const [{ kid }] = await published();
  assert.match(loupectl('list'), new RegExp(`^${kid} made .* active\n$`));
  loupectl('rotate');
  const [old, fresh] = await published();
  assert.equal(old.kid, kid);
  assert.ok(old.retired_at);
  assert.ok(!fresh.retired_at);
  loupectl('revoke', '--kid', kid, '--reason', 'a copy was found');
  assert.equal((await published())[0].reason, 'a copy was found');
  assert.throws(() => loupectl('revoke', '--kid', 'none', '--reason', 'x'));
  assert.throws(() => loupectl('burn'));
});

test('no way round the start of the file leaves a view untold', async () => {
  const views = async (who) => {
    const { body } = await server.api('GET', `/api/v1/cases/${item.id}/timeline`, { token: buyer });
    return body.items.filter((event) => event.type === 'clip_viewed' && event.actor === who).length;
  };
  const ways = [
    { range: 'bytes=1-' }, { range: 'bytes=00-' }, { range: 'bytes=-100' }, { range: 'bytes= 0-' }, { range: 'bits=0-' },
    { 'if-none-match': '"another"' }, { 'if-none-match': '"another"', range: 'bytes=5-' },
  ];
  for (const [index, way] of ways.entries()) {
    const who = `agent-way-${index}`;
    const headers = { ...way, authorization: `Bearer ${token({ sub: who })}` };
    assert.ok((await get(MEDIA, headers)).bytes.length >= 100);
    assert.equal(await views(who), 1, JSON.stringify(way));
    await get(MEDIA, { ...headers, range: 'bytes=7-' });
    assert.equal(await views(who), 1, JSON.stringify(way));
  }
});

test('many readers at once, some of them leaving', async () => {
  const readers = Array.from({ length: 24 }, async (_, index) => {
    if (index % 3 === 0) {
      const stop = new AbortController();
      const answer = await fetch(server.url + MEDIA, { headers: bearer(), signal: stop.signal });
      await answer.body.getReader().read();
      stop.abort();
      return;
    }
    assert.ok((await get(MEDIA, bearer())).bytes.equals(media));
  });
  await Promise.all(readers);
  assert.equal((await get('/healthz')).status, 200);
});

test('the data folder may be moved', async () => {
  await server.stop();
  const moved = `${data}-moved`;
  renameSync(data, moved);
  try {
    server = await startLouped({ data: moved });
    const { body } = await server.api('GET', `/api/v1/clips/${CLIP}`, { token: buyer });
    const whole = await get(body.media_url);
    assert.equal(whole.status, 200);
    assert.ok(whole.bytes.equals(media));
  } finally {
    await server.stop();
    renameSync(moved, data);
    server = await startLouped({ data });
  }
});
