// SPDX-License-Identifier: Apache-2.0
// Starts louped for a test: free ports, a data folder of its own, its log kept. And what tests need to
// talk to it: tokens, requests, raw sockets.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const buildFolder = process.env.LOUPE_BUILD ?? join(top, 'build');
export const KEY = 'test';
export const SECRET = 'test-secret-of-some-length';

const running = new Set();
// What a failed test left behind does not keep the run from ending.
after(() => setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), 15_000).unref());

/** A promise with its handles. */
function later() {
  const handles = {};
  handles.promise = new Promise((resolve_, reject) => Object.assign(handles, { resolve: resolve_, reject }));
  return handles;
}

/**
 * Starts a server and waits for its ready line. `args`: further arguments; `data`: an existing data
 * folder (kept at the end); `demo`: with --demo; `key`: false for no API key of the tests; `program`:
 * words to put in front (valgrind and the like).
 */
export async function startLouped({
  args = [], data, demo = false, key = true, env = {}, program = [], seconds = 30,
} = {}) {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'loupe-'));
  const words = [
    ...program, join(buildFolder, 'louped'), '--http', '127.0.0.1:0', '--media', '127.0.0.1:0',
    '--workers', '1', '--data', folder,
    ...(key ? ['--api-key', `${KEY}:${SECRET}`] : []), ...(demo ? ['--demo'] : []), ...args,
  ];
  const child = spawn(words[0], words.slice(1), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const server = { child, data: folder, out: '', log: '', code: undefined };
  const ready = later();
  const exited = later();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    server.out += text;
    const line = /^louped ready http=(\S+) media=(\S+) workers=(\d+) pid=(\d+)(?: media-tcp=(\S+))?$/m.exec(server.out);
    if (line) ready.resolve(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    server.log += text;
  });
  child.on('error', ready.reject);
  child.on('close', (code, signal) => {
    running.delete(child);
    server.code = signal ?? code;
    ready.reject(new Error(`louped ended with ${server.code}: ${server.log.slice(-2000)}`));
    exited.resolve(server.code);
  });
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    ready.reject(new Error(`louped was not ready in ${seconds} s: ${server.log.slice(-2000)}`));
  }, seconds * 1000);
  const line = await ready.promise.finally(() => clearTimeout(timer));
  [, server.url, server.media] = line;
  server.mediaTcp = line[5]; // undefined: not served
  server.pid = Number(line[4]);
  server.port = Number(new URL(server.url).port);
  server.exited = exited.promise;

  /** Ends it, by default gently, and gives its exit code. The data folder goes unless it was given. */
  server.stop = async (signal = 'SIGTERM') => {
    if (server.code === undefined) child.kill(signal);
    const code = await exited.promise;
    if (!data) rmSync(folder, { recursive: true, force: true });
    return code;
  };
  /** The links --demo printed: [{ role, url, token, who }]. */
  server.links = async (count = 8) => {
    const until = Date.now() + 10_000;
    for (;;) {
      const links = [...server.out.matchAll(/^demo (\w+) (\S+#(\S+)) (.*)$/gm)].map(
        ([, role, url, token, who]) => ({ role, url, token, who }),
      );
      if (links.length >= count || Date.now() > until) return links;
      await new Promise((done) => child.stdout.once('data', done));
    }
  };
  /** fetch with a token and JSON: { status, headers, body }. */
  server.api = async (method, path, { token, body, headers = {}, type } = {}) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body !== undefined ? { 'content-type': type ?? 'application/json' } : {}),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: json && text ? JSON.parse(text) : text };
  };
  /** A case, opened by the merchant's back end. */
  server.newCase = async (extra = {}) => {
    const { status, body } = await server.api('POST', '/api/v1/cases', {
      token: token({ role: 'service', sub: 'back-end' }),
      body: { kind: 'inspection', title: 'A cup', buyer: { id: 'buyer-1', name: 'Lin' }, ...extra },
    });
    if (status !== 201) throw new Error(`no case: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  return server;
}

const base64url = (value) => Buffer.from(value).toString('base64url');

/** A JWT: `claims` over sensible ones (undefined leaves one out), `header` likewise. */
export function token(claims = {}, { header = {}, secret = SECRET } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const head = { alg: 'HS256', typ: 'JWT', kid: KEY, ...header };
  const body = { iss: KEY, sub: 'someone', iat: now, exp: now + 3600, role: 'agent', ...claims };
  const signed = `${base64url(JSON.stringify(head))}.${base64url(JSON.stringify(body))}`;
  const digest = head.alg === 'HS512' ? 'sha512' : 'sha256';
  const signature =
    head.alg === 'none' ? '' : createHmac(digest, secret).update(signed).digest('base64url');
  return `${signed}.${signature}`;
}

/**
 * Sends bytes as they are and gathers what comes back until the other side closes or is silent for
 * `quiet` ms: { text, closed }.
 */
export function raw(server, bytes, { quiet = 1500 } = {}) {
  return new Promise((done, failed) => {
    const socket = net.connect(server.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setTimeout(quiet, () => {
      socket.destroy();
      done({ text, closed: false });
    });
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? done({ text, closed: true }) : failed(error)));
    socket.on('close', () => done({ text, closed: true }));
  });
}
