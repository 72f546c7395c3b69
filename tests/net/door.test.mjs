// SPDX-License-Identifier: Apache-2.0
// The HTTP door under strain: requests pipelined and cut anywhere, half a request, many at once. The
// server answers others all the while, and ends when it is told to.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { raw, startLouped, token } from './support/louped.mjs';

const HOST = 'Host: x\r\n';
const GET = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
const POST = `POST /nope HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\n{}`;

/** Healthy within `ms`, as a browser would see it. */
async function quick(server, ms = 2000) {
  const answer = await fetch(`${server.url}/healthz`, { signal: AbortSignal.timeout(ms) });
  assert.equal(answer.status, 200);
  await answer.text();
}

/** mulberry32: the same numbers in every run. */
function randomOf(seed) {
  let a = seed;
  return (below) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Sends the parts one by one, each once the one before has left; done when closed or silent. */
async function send(server, parts, quiet = 150) {
  const socket = net.connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  let text = '';
  const ended = new Promise((done) => {
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => done());
    socket.on('close', () => done());
    socket.setTimeout(quiet, () => done());
  });
  for (const part of parts) {
    if (socket.destroyed) break;
    await new Promise((sent) => socket.write(part, () => setImmediate(sent)));
  }
  await ended;
  socket.destroy();
  return text;
}

test('pipelined requests: the first is answered, nothing spins, the rest is sent anew', async () => {
  const server = await startLouped();
  const bearer = `Authorization: Bearer ${token({ role: 'service', sub: 'b' })}\r\n`;
  const body = JSON.stringify({ kind: 'inspection', title: 'x', buyer: { id: 'b', name: 'B' } });
  const create = `POST /api/v1/cases HTTP/1.1\r\n${HOST}${bearer}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const pairs = { GET: [GET, 200], POST: [POST, 404], create: [create, 201] };
  for (const [one, [first, want]] of Object.entries(pairs)) {
    for (const [two, [second]] of Object.entries(pairs)) {
      const { text } = await raw(server, first + second + first, { quiet: 500 });
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${want} `), `${one}, ${two}`);
      await quick(server);
    }
  }
  const slow = await send(server, [POST.slice(0, -1), `}${POST.slice(0, 20)}`, POST.slice(20)]);
  assert.match(slow, /^HTTP\/1\.1 404 /);
  assert.equal(await server.stop(), 0, server.log);
});

test('one connection serves request after request', async () => {
  const server = await startLouped();
  const socket = net.connect(server.port, '127.0.0.1').setEncoding('utf8');
  for (const [request, want] of [[POST, 404], [GET, 200], [POST, 404], [GET, 200]]) {
    const answer = new Promise((done, failed) => {
      socket.once('data', done);
      socket.once('close', () => failed(new Error('closed')));
    });
    socket.write(request);
    assert.match(await answer, new RegExp(`^HTTP/1\\.1 ${want} `));
  }
  socket.destroy();
  assert.equal(await server.stop(), 0, server.log);
});

test('whatever comes, cut anywhere: others are served, and SIGTERM ends it', async () => {
  const server = await startLouped();
  const below = randomOf(20_260_718);
  const pick = (list) => list[below(list.length)];
  const noise = () => String.fromCharCode(...Array.from({ length: 1 + below(60) }, () => below(256)));
  const kinds = [
    () => GET,
    () => POST,
    () => `HEAD /healthz HTTP/1.1\r\n${HOST}\r\n`,
    () => `GET /healthz HTTP/1.0\r\n\r\n`,
    () => `PUT /x?a=${below(99)}&b HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nab`,
    () => `POST /nope HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
    () => `POST /nope HTTP/1.1\r\n${HOST}\r\n`,
    () => `POST /nope HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    () => `POST /nope HTTP/1.1\r\n${HOST}Content-Length: ${2_000_000 + below(9)}\r\n\r\n${'z'.repeat(below(9000))}`,
    () => `GET /healthz HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nbody`,
    () => `GET /healthz HTTP/1.1\r\n${HOST}${pick(['X', 'X-A', 'User', 'Sec', 'Via'])}: ${noise()}\r\n\r\n`,
    () => `GET /ws HTTP/1.1\r\n${HOST}Upgrade: ${pick(['websocket', 'h2c', 'x'])}\r\nConnection: Upgrade\r\n\r\n`,
    () => GET.slice(0, below(GET.length)),
    () => `${pick(['GARBAGE', 'CONNECT', 'TRACE', '\0'])} ${noise()}\r\n\r\n`,
    noise,
  ];
  const failures = [];
  const one = async () => {
    let all = '';
    for (let n = 1 + below(5); n > 0; n -= 1) all += pick(kinds)();
    const parts = [];
    for (let at = 0; at < all.length;) {
      const len = below(3) ? all.length : 1 + below(200);
      parts.push(Buffer.from(all.slice(at, at + len), 'latin1'));
      at += len;
    }
    await send(server, parts, 80);
  };
  for (let round = 0; round < 30; round += 1) {
    await Promise.all(Array.from({ length: 10 }, one));
    await quick(server).catch((error) => failures.push(`round ${round}: ${error.message}`));
    if (failures.length) break;
  }
  assert.deepEqual(failures, []);
  assert.equal(await server.stop(), 0, server.log);
});

test('half a request keeps nobody else out, and is not waited for long', async () => {
  const server = await startLouped();
  const began = Date.now();
  const half = Array.from({ length: 600 }, () => {
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => {}).write('GET /healthz HTTP/1.1\r\nHost:');
    return { socket, closed: new Promise((done) => socket.on('close', done)) };
  });
  await Promise.all(half.map(({ socket }) => new Promise((done) => socket.once('connect', done))));
  for (let i = 0; i < 5; i += 1) await quick(server, 1000);
  half.forEach(({ socket }) => socket.resume());
  await Promise.all(half.map(({ closed }) => closed));
  assert.ok(Date.now() - began < 9000, `${Date.now() - began} ms`);
  assert.equal(await server.stop(), 0, server.log);
});

test('what HTTP asks of a server', async () => {
  const server = await startLouped();
  const first = async (text, quiet = 300) => (await raw(server, text, { quiet })).text;
  const ws = (lines) => first(`GET /ws HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: loupe.v1\r\n${lines}\r\n`);
  const KEY_LINE = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  assert.match(await ws(`Sec-WebSocket-Version: 13\r\n${KEY_LINE}`), /^HTTP\/1\.1 101 /);
  assert.match(await ws('Sec-WebSocket-Version: 13\r\n'), /^HTTP\/1\.1 400 [^]*problem\+json/);
  assert.match(await ws(`Sec-WebSocket-Version: 8\r\n${KEY_LINE}`), /^HTTP\/1\.1 426 [^]*sec-websocket-version: 13/);
  assert.match(await first(`GET /ws HTTP/1.1\r\n${HOST}\r\n`), /^HTTP\/1\.1 426 [^]*upgrade: websocket/);
  assert.match(await first('GET /healthz HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await first('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  assert.match(await first(`POST /nope HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), /^HTTP\/1\.1 411 /);

  const head = `POST /nope HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n`;
  const socket = net.connect(server.port, '127.0.0.1').setEncoding('utf8');
  const next = () => new Promise((done) => socket.once('data', done));
  socket.write(`${head}Content-Length: 2\r\n\r\n`);
  assert.equal(await next(), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('{}');
  assert.match(await next(), /^HTTP\/1\.1 404 /);
  socket.destroy();
  assert.match(await first(`${head}Content-Length: 2000000\r\n\r\n`), /^HTTP\/1\.1 413 /);
  assert.equal(await server.stop(), 0, server.log);
});
