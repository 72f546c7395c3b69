// SPDX-License-Identifier: Apache-2.0
// A client of loupe.v1 for tests: one WebSocket, its messages, and what it waits for.
import { createRequire } from 'node:module';
import { token } from './louped.mjs';

const WebSocket = createRequire(new URL('../../e2e/package.json', import.meta.url))('ws');

export class Client {
  messages = [];
  received = 0;
  #waiting = new Set();
  #ids = 0;

  constructor(server, { protocol = 'loupe.v1', origin, pong = true } = {}) {
    this.server = server;
    this.socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, protocol, { origin, autoPong: pong });
    this.closed = new Promise((done) => {
      this.socket.on('close', (code) => {
        this.code = code;
        done(code);
      });
    });
    this.open = new Promise((done, failed) => {
      this.socket.on('open', done);
      this.socket.on('unexpected-response', (_, response) => failed(new Error(`HTTP ${response.statusCode}`)));
      this.socket.on('error', failed);
    });
    this.open.catch(() => undefined);
    this.socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.seq > this.received) this.received = message.seq;
      this.messages.push(message);
      for (const look of this.#waiting) look();
    });
  }

  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message that fits (taken out), within 5 seconds. */
  expect(type, fits = () => true) {
    return new Promise((done, failed) => {
      const look = () => {
        const at = this.messages.findIndex((m) => (!type || m.type === type) && fits(m));
        if (at < 0) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        done(this.messages.splice(at, 1)[0]);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        failed(new Error(`no ${type} in ${JSON.stringify(this.messages)} (closed ${this.code})`));
      }, 5000);
      this.#waiting.add(look);
      look();
    });
  }

  has(type) {
    return this.messages.some((m) => m.type === type);
  }

  /** A request and its reply of this type. */
  async ask(message, type = 'ok') {
    const id = `r${++this.#ids}`;
    this.send({ ...message, id });
    return this.expect(type, (m) => m.re === id);
  }

  /** A request and its reply, also an error. */
  answer(message) {
    const id = `r${++this.#ids}`;
    this.send({ ...message, id });
    return this.expect(undefined, (m) => m.re === id);
  }

  /** hello and welcome. */
  async hello(claims, more = {}) {
    await this.open;
    this.welcome = await this.ask({ type: 'hello', token: token(claims), ...more }, 'welcome');
    return this.welcome;
  }

  /** The connection breaks off without a goodbye. */
  cut() {
    this.socket.terminate();
    return this.closed;
  }
}

/** A client that is in. */
export async function enter(server, claims, more) {
  const client = new Client(server);
  await client.hello(claims, more);
  return client;
}
