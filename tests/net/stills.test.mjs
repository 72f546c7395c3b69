// SPDX-License-Identifier: Apache-2.0
// Stills' files over HTTP: by token and by signed link, each look on the timeline, none for strangers. The
// still is put into the data folder by hand while no server runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startLouped, token } from './support/louped.mjs';

const STILL = '01hzzzzzzzzzzzzzzzzzzzzzz1';
const UNFINISHED = '01hzzzzzzzzzzzzzzzzzzzzzz2';
const sha256 = 'ab'.repeat(32);
const facts = { sharpness: 88.25, luma: 101, frame: { sha256: 'cd'.repeat(32), key: true } };
const data = mkdtempSync(join(tmpdir(), 'loupe-stills-'));
let server;
let item;
let buyer;

before(async () => {
  server = await startLouped({ data });
  item = await server.newCase();
  await server.stop();
  const row = (id, ready) => `INSERT INTO stills VALUES('${id}', '${item.id}', '${item.room}', 'default', ${ready},
    'still', 'crack', 'buyer-1', 'agent-1', '${join(data, id)}', 1, 1700000000123000, 9, '${sha256}', 1280, 720,
    '${JSON.stringify(facts)}')`;
  writeFileSync(join(data, `${STILL}.jpg`), 'the still');
  writeFileSync(join(data, `${STILL}.small.jpg`), 'small');
  writeFileSync(join(data, `${UNFINISHED}.jpg`), 'half');
  execFileSync('sqlite3', [join(data, 'loupe.db'), `${row(STILL, 1)}; ${row(UNFINISHED, 0)}`]);
  server = await startLouped({ data });
  buyer = token({ role: 'buyer', sub: 'buyer-1', case: item.id });
});
after(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

const get = (path, who) => fetch(server.url + path, { headers: who ? { authorization: `Bearer ${who}` } : {} });
const MEDIA = `/api/v1/stills/${STILL}/media`;

async function looks() {
  const { body } = await server.api('GET', `/api/v1/cases/${item.id}/timeline`, { token: buyer });
  return body.items.filter(({ type, data }) => type === 'still_viewed' && data.what === 'media').map(({ actor, data: { still } }) => [actor, still]);
}

test('a still is told with its facts, and addresses for the one who asks', async () => {
  const { body } = await server.api('GET', `/api/v1/cases/${item.id}/stills`, { token: buyer });
  assert.deepEqual(body.items.map(({ id }) => id), [STILL]);
  const [still] = body.items;
  assert.equal(still.at, '2023-11-14T22:13:20.123Z');
  assert.equal(still.sharpness, 88.25);
  assert.deepEqual(still.frame, facts.frame);
  assert.equal(await (await get(still.media_url)).text(), 'the still');
  const small = await get(still.poster_url);
  assert.equal(small.headers.get('content-type'), 'image/jpeg');
  assert.equal(await small.text(), 'small');
  assert.deepEqual(await looks(), [['buyer-1', STILL]]);
});

test('what a dead process left unfinished is gone', async () => {
  assert.equal((await get(`/api/v1/stills/${UNFINISHED}`, buyer)).status, 404);
  assert.ok(!existsSync(join(data, `${UNFINISHED}.jpg`)));
  assert.ok(existsSync(join(data, `${STILL}.jpg`)));
});

test('only those of the case see it, and a link is good for its still, file and person', async () => {
  const other = await server.newCase();
  const strangers = [
    token({ role: 'buyer', sub: 'x', case: other.id }), token({ role: 'agent', sub: 'a', case: other.id }),
  ];
  for (const stranger of strangers) {
    for (const path of ['', '/media', '/poster']) {
      assert.equal((await get(`/api/v1/stills/${STILL}${path}`, stranger)).status, 403);
    }
    assert.equal((await get(`/api/v1/cases/${item.id}/stills`, stranger)).status, 403);
  }
  assert.equal((await get(MEDIA)).status, 401);
  const { body } = await server.api('GET', `/api/v1/stills/${STILL}`, { token: buyer });
  const swapped = body.poster_url.replace('/poster?', '/media?');
  assert.equal((await get(swapped)).status, 403);
  assert.equal((await get(body.media_url.replace('buyer-1', 'buyer-2'))).status, 403);
  const before = (await looks()).length;
  const agent = token({ role: 'agent', sub: 'agent-1' });
  assert.equal((await get(MEDIA, agent)).status, 200);
  assert.deepEqual((await looks()).slice(before), [['agent-1', STILL]]);
});

test('taking one needs the right, and somebody there', async () => {
  const take = (who) => server.api('POST', `/api/v1/rooms/${item.room}/stills`, { token: who, body: {} });
  assert.equal((await take(buyer)).status, 403);
  assert.equal((await take(token({ role: 'agent', sub: 'a', grants: { record: false } }))).status, 403);
  assert.equal((await take(token({ role: 'agent', sub: 'a' }))).status, 409);
});
