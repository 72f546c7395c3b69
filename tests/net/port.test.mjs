// SPDX-License-Identifier: Apache-2.0
// One TCP port for HTTPS, WebSockets and media: each gets what is its own, and strangers go away.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startLouped } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-port-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

function certificate() {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=one.example', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return ['--tls-cert', cert, '--tls-key', key];
}

function ask(url, agent) {
  return new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false, agent }, (response) => {
      let body = '';
      response.on('data', (bytes) => (body += bytes)).on('end', () => resolve({ status: response.statusCode, body }));
    }).on('error', reject);
  });
}

/** How long it takes until the server closes a connection that said this. */
async function closedAfter(port, bytes) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const begun = Date.now();
  if (bytes) socket.write(bytes);
  socket.resume().on('error', () => {});
  await once(socket, 'close');
  return Date.now() - begun;
}

async function startShared(...args) {
  const at = `127.0.0.1:${await freePort()}`;
  const server = await startLouped({ args: ['--http', at, '--media-tcp', at, ...args] });
  assert.equal(server.mediaTcp, at);
  return server;
}

const figure = (metrics, name) => Number(new RegExp(`^loupe_${name} (\\d+)$`, 'm').exec(metrics)[1]);

test('HTTPS, WebSocket and media over TCP share a port', async () => {
  const server = await startShared(...certificate());
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(`${server.url}/healthz`)));
  assert.ok(answers.every(({ status }) => status === 200));

  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: loupe.v1\r\n\r\n`);
  const [head] = await once(socket, 'data');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  assert.ok(String(head).toLowerCase().includes(`sec-websocket-accept: ${accept.toLowerCase()}`));
  socket.destroy();

  assert.ok((await closedAfter(server.port, Buffer.from('\0\x20no check of a peer of ours..........'))) < 2000);
  assert.ok((await closedAfter(server.port, Buffer.from([5, 0xff]))) < 2000, 'longer than any packet');
  const silent = await closedAfter(server.port);
  assert.ok(silent > 3000 && silent < 8000, `${silent} ms`);
  const { body } = await ask(`${server.url}/metrics`);
  assert.equal(figure(body, 'media_tcp_dismissed_total'), 3);
  assert.equal(figure(body, 'media_tcp_connections'), 0);
  assert.equal(await server.stop(), 0);
});

test('those at the door are bounded by address, and keep nobody else out', async () => {
  const server = await startShared();
  const sockets = Array.from({ length: 540 }, () => net.connect(server.port, '127.0.0.1').on('error', () => {}).resume());
  await Promise.all(sockets.slice(512).map((socket) => once(socket, 'close')));
  sockets[0].destroy();
  for (;;) {
    const response = await fetch(`${server.url}/metrics`).catch(() => undefined);
    if (!response) continue; // the place of the one that left is not free yet
    assert.ok(figure(await response.text(), 'media_tcp_refused_total') >= 28);
    break;
  }
  for (const socket of sockets) socket.destroy();
  assert.equal(await server.stop(), 0);
});
