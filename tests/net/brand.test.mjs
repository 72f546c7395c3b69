// SPDX-License-Identifier: Apache-2.0
// A merchant's brand: set by its back end, read by its buyers, seen by nobody of another merchant; a logo that anybody may have
// who knows its hash; what could not be read is refused.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startLouped, token } from './support/louped.mjs';

const PNG = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082', 'hex');
const BRAND = { name: 'Loom & <Sons>', accent: { light: '#8a1538', dark: '#ff9fb6' }, languages: ['en'], terms_url: 'https://loom.example/terms' };
const service = token({ role: 'service', sub: 'shop' });
let server;
let buyer;

before(async () => {
  server = await startLouped();
  const item = await server.newCase();
  buyer = token({ role: 'buyer', sub: item.buyer.id, case: item.id });
});
after(() => server.stop());

const put = (body, who = service, headers = {}) => server.api('PUT', '/api/v1/brand', { token: who, body, headers });
const logo = (bytes, who = service) => fetch(`${server.url}/api/v1/brand/logo`, {
  method: 'PUT', headers: { authorization: `Bearer ${who}`, 'content-type': 'image/png' }, body: bytes,
});

test('set as a whole, read by buyers', async () => {
  assert.equal((await server.api('GET', '/api/v1/brand', { token: buyer })).body.named, false);
  assert.equal((await put(BRAND)).status, 200);
  const seen = (await server.api('GET', '/api/v1/brand', { token: buyer })).body;
  assert.deepEqual(seen, { ...BRAND, named: true });
  assert.equal((await put(BRAND, buyer)).status, 403);
  assert.equal((await put(BRAND, service, { 'if-match': '"7"' })).status, 412);
  const log = (await server.api('GET', '/api/v1/log', { token: service })).body.items;
  assert.equal(log.filter(({ action }) => action === 'brand_changed').length, 1);
});

test('an accent that cannot be read is refused, and says why', async () => {
  const refused = await put({ accent: { light: '#ffd400', dark: '#ffd400' } });
  assert.equal(refused.status, 400);
  assert.match(refused.body.detail, /accent\.light.*contrast of 1\.\d\d:1; 4\.5:1 is needed.*darker/);
  assert.equal((await put({ privacy_url: 'javascript:alert(1)' })).status, 400);
});

test('a logo is a PNG or a WebP, by its bytes', async () => {
  for (const bad of ['<svg xmlns="http://www.w3.org/2000/svg"/>', PNG.subarray(0, 20), '']) assert.equal((await logo(bad)).status, 415);
  assert.equal((await logo(Buffer.concat([PNG, Buffer.alloc(262144)]))).status, 413);
  assert.equal((await logo(PNG, buyer)).status, 403);
  const { logo_url: url } = await (await logo(PNG)).json();
  assert.equal(url, `/api/v1/logos/${createHash('sha256').update(PNG).digest('hex')}`);
  const answer = await fetch(server.url + url);
  assert.deepEqual([answer.status, answer.headers.get('content-type'), answer.headers.get('content-security-policy')], [200, 'image/png', "default-src 'none'; sandbox"]);
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(PNG));
  assert.equal((await server.api('DELETE', '/api/v1/brand/logo', { token: service })).status, 200);
  assert.equal((await fetch(server.url + url)).status, 404);
  assert.match(await (await fetch(`${server.url}/metrics`)).text(), /^loupe_brand_changes_total 3$/m);
});
