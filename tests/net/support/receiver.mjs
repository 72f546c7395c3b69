// SPDX-License-Identifier: Apache-2.0
// A receiver of webhooks: keeps all that comes, checks signatures with the library that Standard Webhooks
// gives out, and answers as it is told.
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';

const { Webhook } = createRequire(new URL('../../e2e/package.json', import.meta.url))('standardwebhooks');

export class Receiver {
  got = []; // { path, id, type, data, headers, body, at, verified: by which of the secrets }
  secrets = new Map(); // path -> [secret, ..]
  #waiting = new Set();
  #held = new Set();

  /** `answer(event)`: a status, { status, headers, body, after: ms }, or undefined for no answer at all. `tls`: { key, cert }. */
  constructor(answer = () => 200, tls) {
    this.answer = answer;
    this.scheme = tls ? 'https' : 'http';
    const take = (request, response) => this.#take(request, response);
    this.server = tls ? https.createServer(tls, take) : http.createServer(take);
  }

  async start(port = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    return this;
  }

  url(path = '/hook', host = '127.0.0.1') {
    return `${this.scheme}://${host}:${this.port}${path}`;
  }

  #take(request, response) {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const { type, data } = JSON.parse(body);
      const event = { path: request.url, method: request.method, id: request.headers['webhook-id'], type, data, body, headers: request.headers, at: Date.now() };
      event.verified = (this.secrets.get(request.url) ?? []).filter((secret) => {
        try {
          new Webhook(secret).verify(body, request.headers);
          return true;
        } catch {
          return false;
        }
      });
      const said = this.answer(event);
      const { status, headers = {}, body: text = '', after = 0 } = typeof said === 'object' ? said : { status: said };
      event.status = status;
      this.got.push(event);
      if (status === undefined) this.#held.add(response);
      else if (after) setTimeout(() => response.writeHead(status, headers).end(text), after).unref();
      else response.writeHead(status, headers).end(text);
      this.#waiting.forEach((look) => look());
    });
  }

  /** Waits until `count` events fit; gives them. */
  async wait(count, fits = () => true, seconds = 20) {
    const found = () => this.got.filter(fits);
    const until = Date.now() + seconds * 1000;
    while (found().length < count) {
      if (Date.now() > until) throw new Error(`${found().length} of ${count} came: ${JSON.stringify(this.got.map(({ path, type, status }) => [path, type, status]))}`);
      await new Promise((done) => {
        const timer = setTimeout(look, 1000);
        const waiting = this.#waiting;
        function look() {
          clearTimeout(timer);
          waiting.delete(look);
          done();
        }
        waiting.add(look);
      });
    }
    return found();
  }

  /** Those whose answer was kept back are let go without one. */
  letGo() {
    this.#held.forEach((response) => response.destroy());
    this.#held.clear();
  }

  stop() {
    this.letGo();
    this.server.closeAllConnections?.();
    return new Promise((done) => this.server.close(done));
  }
}
