// SPDX-License-Identifier: Apache-2.0
// A UDP relay between browsers and the server's media port, on the same port of another loopback address:
// what a NAT is to a client. Its mappings can be forgotten, as when the client's network changes.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** Announced to browsers by --public-address. */
export const RELAY_ADDRESS = '127.0.0.2';

export class UdpRelay {
  #flows = new Map();
  #dead = new Set();
  passed = 0;

  /** `media`: HOST:PORT of the server's. */
  async listen(media) {
    const [host, port] = media.split(':');
    this.socket = createSocket('udp4').bind(Number(port), RELAY_ADDRESS);
    await once(this.socket, 'listening');
    this.socket.on('message', (bytes, from) => {
      const key = `${from.address}:${from.port}`;
      if (this.#dead.has(key)) return;
      if (!this.#flows.has(key)) {
        const out = createSocket('udp4').on('message', (back) => this.socket.send(back, from.port, from.address));
        this.#flows.set(key, out);
      }
      this.passed += 1;
      this.#flows.get(key).send(bytes, Number(port), host);
    });
    return this;
  }

  /** Whoever has sent so far is not heard any more, nor reached; others are. */
  forget() {
    for (const [key, socket] of this.#flows) {
      this.#dead.add(key);
      socket.close();
    }
    this.#flows.clear();
  }

  get flows() {
    return this.#flows.size;
  }

  close() {
    this.forget();
    this.socket?.close();
  }
}
