// SPDX-License-Identifier: Apache-2.0
// A TCP proxy in front of the server's HTTP and WebSocket port that can be cut and mended. Media goes past
// it, over UDP.
import net from 'node:net';
import { once } from 'node:events';

export class Proxy {
  #sockets = new Set();
  #cut = false;
  target;

  async listen() {
    this.server = net.createServer((client) => this.#pass(client)).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.origin = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  #pass(client) {
    if (this.#cut) return client.destroy();
    const { hostname, port } = new URL(this.target);
    const server = net.connect(Number(port), hostname);
    for (const [one, other] of [[client, server], [server, client]]) {
      this.#sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** Ends every connection and takes no new one. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  close() {
    this.cut();
    this.server.close();
  }
}
