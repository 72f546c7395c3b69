// SPDX-License-Identifier: Apache-2.0
// Files that people put to a case: sent in pieces over a restart, told by their bytes, shown to whom they are for, cited,
// exported, backed up, held and deleted; and nothing of them runs.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const data = mkdtempSync(join(tmpdir(), 'loupe-attachments-'));
const PNG = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082', 'hex');
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');
const digestOf = (bytes) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;
let server;
let item;
let buyer;
let agent;
let service;

const start = async () => {
  server = await startLouped({ data, args: ['--storage-key-file', join(data, 'storage.key')] });
};
before(async () => {
  assert.equal(spawnSync(join(buildFolder, 'loupectl'), ['storage-key', 'new', '--file', join(data, 'storage.key')]).status, 0);
  await start();
  item = await server.newCase();
  buyer = token({ role: 'buyer', sub: item.buyer.id, name: 'Lin', case: item.id });
  agent = token({ role: 'agent', sub: 'ann', name: 'Ann' });
  service = token({ role: 'service', sub: 'shop' });
});
after(async () => {
  await server.stop();
  rmSync(data, { recursive: true, force: true });
});

async function call(method, path, who, body, headers = {}) {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${who}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, headers: answer.headers, body: type.includes('json') ? await answer.json() : undefined };
}

const piece = (id, who, offset, bytes, last) => call('PATCH', `/attachments/${id}/upload`, who, bytes, {
  'content-type': 'application/partial-upload', 'upload-offset': String(offset),
  ...(last ? { 'upload-complete': '?1', 'repr-digest': digestOf(last) } : {}),
});

async function attach(who, name, bytes, more = {}) {
  const begun = await call('POST', `/cases/${item.id}/attachments`, who, { name, ...more });
  assert.equal(begun.status, 201, JSON.stringify(begun.body));
  return piece(begun.body.id, who, 0, bytes, bytes);
}
const list = async (who) => (await call('GET', `/cases/${item.id}/attachments`, who)).body.items.map(({ name }) => name);
const timeline = async (who) => (await call('GET', `/cases/${item.id}/timeline?limit=200`, who)).body.items;

test('a file in pieces, over a restart, had back as it was, and as nothing that runs', async () => {
  const bytes = Buffer.concat([PNG, Buffer.from('<script>alert(1)</script>'), Buffer.alloc(3_000_000, 'x')]);
  const begun = await call('POST', `/cases/${item.id}/attachments`, buyer, { name: 'Riß "vorn"/1.html\u202e', bytes: bytes.length });
  assert.deepEqual([begun.status, begun.body.state, begun.body.visible], [201, 'uploading', true]);
  const { id } = begun.body;
  assert.equal(begun.headers.get('location'), `/api/v1/attachments/${id}/upload`);
  const MIB = 1 << 20;
  assert.equal((await piece(id, buyer, 0, bytes.subarray(0, MIB))).status, 204);
  assert.deepEqual([(await piece(id, buyer, 5, bytes.subarray(5, 9))).status, (await piece(id, agent, MIB, bytes.subarray(MIB, MIB + 9))).status], [409, 403]);
  await server.stop('SIGKILL');
  await start();
  const stands = await call('GET', `/attachments/${id}/upload`, buyer);
  assert.deepEqual([stands.status, stands.headers.get('upload-offset'), stands.headers.get('upload-complete')], [204, String(MIB), '?0']);
  assert.deepEqual(await list(buyer), []);
  assert.equal((await piece(id, buyer, MIB, bytes.subarray(MIB, 2 * MIB))).status, 204);
  const done = await piece(id, buyer, 2 * MIB, bytes.subarray(2 * MIB), bytes);
  assert.deepEqual([done.status, done.body.content_type, done.body.bytes, done.body.sha256], [200, 'image/png', bytes.length, hashOf(bytes)]);
  assert.deepEqual((await piece(id, buyer, bytes.length, Buffer.alloc(0), bytes)).body.sha256, hashOf(bytes)); // its answer was lost
  const answer = await fetch(server.url + done.body.media_url);
  assert.equal(hashOf(Buffer.from(await answer.arrayBuffer())), hashOf(bytes));
  assert.equal(answer.headers.get('content-type'), 'image/png');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'; sandbox");
  assert.equal(answer.headers.get('content-disposition'),
    `attachment; filename="${id}.png"; filename*=UTF-8''Ri%c3%9f%20_vorn__1.png`);
  const range = await fetch(server.url + done.body.media_url, { headers: { range: 'bytes=0-7' } });
  assert.deepEqual([range.status, Buffer.from(await range.arrayBuffer()).equals(PNG.subarray(0, 8))], [206, true]);
  assert.equal((await fetch(server.url + done.body.media_url.replace(/.$/, (c) => (c === '0' ? '1' : '0')))).status, 403);
  const kept = readdirSync(join(data, 'blobs', id.slice(0, 2))).filter((name) => name.startsWith(id));
  assert.deepEqual(kept, [`${id}.attachment`]);
  assert.equal(readFileSync(join(data, 'blobs', id.slice(0, 2), kept[0])).includes('xxxxxxxx'), false); // encrypted
  const told = await timeline(agent);
  assert.equal(told.find(({ type }) => type === 'attachment_added').data.sha256, hashOf(bytes));
  assert.equal(told.filter(({ type, actor }) => type === 'attachment_viewed' && actor === item.buyer.id).length, 2); // the whole, and its begin
});

test('what is of no type that is taken is not kept', async () => {
  const before_ = (await list(agent)).length;
  for (const bytes of ['PK\x03\x04 a document', 'MZ\x90\0', '\x89PNG\r\n\x1a\n', '']) {
    const refused = await attach(buyer, 'picture.jpg', Buffer.from(bytes, 'latin1'));
    assert.equal(refused.status, 415, JSON.stringify(refused.body));
  }
  const begun = await call('POST', `/cases/${item.id}/attachments`, buyer, { name: 'a' });
  assert.equal((await piece(begun.body.id, buyer, 0, PNG, Buffer.from('another'))).status, 400);
  assert.equal((await piece(begun.body.id, buyer, 0, PNG, PNG)).status, 404);
  assert.equal((await call('POST', `/cases/${item.id}/attachments`, buyer, { name: 'a', bytes: 1e12 })).status, 413);
  for (const body of [{}, { name: '' }, { name: 'a\nb' }, { name: 'x'.repeat(201) }, { name: 'a', visible: 1 }, { name: 'a', bytes: 0 }])
    assert.equal((await call('POST', `/cases/${item.id}/attachments`, buyer, body)).status, 400, JSON.stringify(body));
  const begin = (who) => call('POST', `/cases/${item.id}/attachments`, who, { name: 'a' });
  const begun_ = [];
  for (let i = 0; i < 8; i += 1) begun_.push(await begin(buyer));
  assert.deepEqual(begun_.map(({ status }) => status), Array(8).fill(201));
  assert.deepEqual([(await begin(buyer)).status, (await begin(agent)).status], [429, 201]); // in nobody else's way
  const giveUp = (who) => call('DELETE', `/attachments/${begun_[3].body.id}/upload`, who);
  assert.deepEqual([(await giveUp(agent)).status, (await giveUp(buyer)).status, (await giveUp(buyer)).status], [403, 204, 404]);
  assert.equal((await begin(buyer)).status, 201);
  assert.equal((await list(agent)).length, before_);
  assert.match(await (await fetch(`${server.url}/metrics`)).text(), /^loupe_attachments_refused_total 5$/m);
});

test('for whom it is: staff, members, nobody of another merchant', async () => {
  item = await server.newCase();
  buyer = token({ role: 'buyer', sub: item.buyer.id, name: 'Lin', case: item.id });
  const inside = await attach(agent, 'for us.txt', Buffer.from('He has called twice.\n'));
  const shown = await attach(agent, 'label.pdf', Buffer.from('%PDF-1.7\n'), { visible: true });
  assert.deepEqual([inside.body.visible, shown.body.content_type], [false, 'application/pdf']);
  assert.deepEqual(await list(agent), ['for us.txt', 'label.pdf']);
  assert.deepEqual(await list(buyer), ['label.pdf']);
  for (const path of ['', '/media']) assert.equal((await call('GET', `/attachments/${inside.body.id}${path}`, buyer)).status, 404);
  assert.equal((await call('GET', `/attachments/${inside.body.id}/media`, agent)).headers.get('content-type'), 'text/plain; charset=utf-8');
  const told = (await timeline(buyer)).filter(({ type }) => type === 'attachment_added');
  assert.equal(JSON.stringify(told[0]).includes('for us'), false);
  assert.equal((await timeline(agent)).find(({ type }) => type === 'attachment_added').internal.name, 'for us.txt');
  assert.equal((await call('POST', `/cases/${item.id}/attachments`, buyer, { name: 'a', visible: false })).status, 403);
  for (const role of ['viewer', 'bot', 'supervisor'])
    assert.equal((await call('POST', `/cases/${item.id}/attachments`, token({ role, sub: 'x', room: item.room }), { name: 'a', visible: true })).status, 403, role);
  const other = await server.newCase();
  const stranger = token({ role: 'buyer', sub: item.buyer.id, case: other.id });
  for (const path of [`/cases/${item.id}/attachments`, `/attachments/${shown.body.id}`, `/attachments/${shown.body.id}/media`])
    assert.equal((await call('GET', path, stranger)).status, 403, path);
  assert.equal((await call('DELETE', `/attachments/${shown.body.id}?reason=x`, agent)).status, 403);
});

test('cited, held, deleted with a tombstone; exported, backed up, verified', async () => {
  const act = (who, action, body) => call('POST', `/cases/${item.id}/actions/${action}`, who, body);
  const [shown, gone] = [await attach(buyer, 'seam.png', PNG), await attach(buyer, 'not meant.txt', Buffer.from('mine'))];
  assert.equal((await act(agent, 'propose', { outcome: 'goodwill' })).status, 200);
  assert.equal((await act(buyer, 'dispute', { statement: 'See the seam.', evidence: [shown.body.sha256] })).status, 200);
  assert.equal((await call('DELETE', `/attachments/${gone.body.id}?reason=asked`, service)).status, 409); // disputed
  assert.equal((await call('POST', `/cases/${item.id}/statements`, buyer, { text: 'More.', evidence: [hashOf('no such')] })).status, 409);
  item = await server.newCase();
  buyer = token({ role: 'buyer', sub: item.buyer.id, name: 'Lin', case: item.id });
  const kept = await attach(buyer, 'seam.png', PNG);
  const inside = await attach(agent, 'secret.txt', Buffer.from('for staff'));
  const lost = await attach(buyer, 'mine.txt', Buffer.from('deleted'));
  const hold = await call('POST', `/cases/${item.id}/holds`, service, { reason: 'court', attachment: lost.body.id });
  assert.equal(hold.status, 201, JSON.stringify(hold.body));
  assert.equal((await call('DELETE', `/attachments/${lost.body.id}?reason=asked`, service)).status, 409);
  assert.equal((await call('POST', `/holds/${hold.body.id}/lift`, service, { reason: 'over' })).status, 200);
  const tombstone = await call('DELETE', `/attachments/${lost.body.id}?reason=asked`, service);
  assert.deepEqual([tombstone.status, tombstone.body.tombstone.object, tombstone.body.tombstone.sha256], [200, 'attachment', hashOf('deleted')]);
  assert.equal((await call('GET', `/attachments/${lost.body.id}`, buyer)).status, 410);
  assert.deepEqual(readdirSync(join(data, 'blobs', lost.body.id.slice(0, 2))).filter((name) => name.startsWith(lost.body.id)), []);
  assert.equal((await call('PUT', '/retention', service, { attachment_seconds: 86400 })).body.attachment_seconds, 86400);
  assert.ok((await call('GET', `/attachments/${kept.body.id}`, buyer)).body.kept_until);

  const zip = join(data, 'case.zip');
  const archive = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${service}` } });
  writeFileSync(zip, Buffer.from(await archive.arrayBuffer()));
  const unzip = (code) => spawnSync('python3', ['-c', `import zipfile; z = zipfile.ZipFile(${JSON.stringify(zip)}); ${code}`], { encoding: 'utf8' }).stdout;
  const names = unzip("print(*z.namelist(), sep='\\n')");
  assert.ok(names.includes(`attachments/${kept.body.id}.png`) && !names.includes(inside.body.id) && names.includes(`tombstones/${lost.body.id}.json`), names);
  const report = unzip("print(z.read('report.html').decode())");
  assert.ok(report.includes(`<a href="attachments/${kept.body.id}.png">seam.png</a>`) && !report.includes('secret.txt'));
  const checked = spawnSync(join(buildFolder, 'loupe-verify'), [zip, '--keys', join(data, 'keys', 'keys.json')], { encoding: 'utf8' });
  assert.notEqual(checked.status, 1, checked.stdout);

  const to = join(data, 'backup');
  const ctl = (...words) => spawnSync(join(buildFolder, 'loupectl'), words, { encoding: 'utf8', env: { ...process.env, LOUPE_STORAGE_KEY_FILE: join(data, 'storage.key') } });
  const backup = ctl('backup', to, '--data', data);
  assert.equal(backup.status, 0, backup.stderr);
  assert.ok(readFileSync(join(to, 'SHA256SUMS'), 'utf8').includes(`${kept.body.id}.attachment`));
  const verify = () => ctl('verify', '--data', data, '--storage-key-file', join(data, 'storage.key'));
  const shown_ = JSON.parse(ctl('cases', 'show', '--data', data, '--case', item.id).stdout);
  assert.deepEqual(shown_.attachments.map(({ name, visible }) => [name, visible]), [['seam.png', true], ['secret.txt', false]]);
  const good = verify();
  assert.equal(good.status, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /[1-9] attachments/);
  const file = join(data, 'blobs', kept.body.id.slice(0, 2), `${kept.body.id}.attachment`);
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(file, bytes);
  const bad = verify();
  assert.equal(bad.status, 1, bad.stdout + bad.stderr);
  assert.ok(bad.stdout.includes(kept.body.id), bad.stdout);
});
