// SPDX-License-Identifier: Apache-2.0
// A single-use invite is good for one session, whichever door it comes through.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startLouped, token } from './support/louped.mjs';
import { Client } from './support/ws.mjs';

let server;
let item;
before(async () => {
  server = await startLouped();
  item = await server.newCase();
});
after(async () => {
  assert.equal(await server.stop(), 0, server.log);
});

const OFFER = `v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}
a=setup:actpass
a=rtcp-mux
a=rtpmap:111 opus/48000/2
`.replaceAll('\n', '\r\n');

async function invite(role) {
  const { status, body } = await server.api('POST', `/api/v1/cases/${item.id}/invites`, {
    token: token({ sub: 'agent-1' }), body: { role, single_use: true },
  });
  assert.equal(status, 201);
  return body.token;
}
const status = async (method, path, pass, body) => (await server.api(method, path, { token: pass, body })).status;
const look = (pass) => status('GET', `/api/v1/cases/${item.id}`, pass);
const consent = (pass) => status('POST', `/api/v1/rooms/${item.room}/consents`, pass, { recording: true });
const again = (pass) => status('POST', `/api/v1/cases/${item.id}/invites`, pass, { role: 'viewer' });
const whep = async (pass, body = OFFER) =>
  server.api('POST', `/whep/${item.room}`, { token: pass, body, type: 'application/sdp' });
async function hello(pass) {
  const client = new Client(server);
  await client.open;
  client.send({ type: 'hello', id: 'h', token: pass });
  return client;
}
async function refused(pass) {
  const client = await hello(pass);
  assert.equal((await client.expect('error')).code, 'denied');
  assert.equal(await client.closed, 4403);
}

test('by WebSocket: a look before it, all while it lasts, nothing after it', async () => {
  const pass = await invite('agent');
  assert.equal(await look(pass), 200);
  assert.equal(await consent(pass), 403);
  assert.equal(await again(pass), 403);
  const client = await hello(pass);
  await client.expect('welcome');
  assert.equal(await look(pass), 200);
  assert.equal(await consent(pass), 200);
  assert.equal(await again(pass), 403);
  assert.equal((await whep(pass)).status, 403);
  await refused(pass);
  await client.ask({ type: 'bye' });
  await client.closed;
  assert.equal(await look(pass), 403);
  assert.equal(await consent(pass), 403);
  await refused(pass);
});

test('by WHEP: what did not come about does not count, what did does', async () => {
  const pass = await invite('viewer');
  assert.equal((await whep(pass, 'v=0\r\n')).status, 400);
  const made = await whep(pass);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.equal((await whep(pass)).status, 403);
  await refused(pass);
  assert.equal(await look(pass), 200);
  assert.equal(await status('DELETE', made.headers.get('location'), pass), 200);
  assert.equal(await look(pass), 403);
  assert.equal((await whep(pass)).status, 403);
});

test('the same page comes back after its session has gone, and nobody else', async () => {
  const pass = await invite('viewer');
  const first = await hello(pass);
  const { session } = await first.expect('welcome');
  await refused(pass);
  const again = new Client(server);
  await again.open;
  again.send({ type: 'hello', id: 'h', token: pass, was: session });
  const welcome = await again.expect('welcome');
  assert.notEqual(welcome.session, session);
  const third = new Client(server);
  await third.open;
  third.send({ type: 'hello', id: 'h', token: pass, was: session });
  assert.equal((await third.expect('error')).code, 'denied');
});
