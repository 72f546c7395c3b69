// SPDX-License-Identifier: Apache-2.0
// A bad network in user space: a UDP relay between browsers and a server that loses, delays, scatters and
// queues packets, each direction by rules of its own, which may change at any time. Chance is seeded.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Losses, seeded } from './chance.mjs';

/** What a direction does to packets; what is left out does nothing.
 *  loss: share lost, 0 to 1, in bursts of `burst` packets on average; delayMs, plus up to jitterMs (order is
 *  kept); rateBps with a queue of queuePackets in front, further packets are dropped. */
const CLEAR = { loss: 0, burst: 1, delayMs: 0, jitterMs: 0, rateBps: 0, queuePackets: 50 };

const now = () => performance.now();

class Direction {
  counts = { packets: 0, bytes: 0, lost: 0, overflowed: 0, queuedMs: 0 };
  #rules = CLEAR;
  #losses;
  #chance;
  #waiting = []; // { at, send }, in order
  #timer;
  #busyUntil = 0;
  #lastAt = 0;

  constructor(rules, seed) {
    this.#losses = new Losses(seed);
    this.#chance = seeded(seed ^ 0x5bd1e995);
    this.set(rules);
  }

  set(rules) {
    this.#rules = { ...this.#rules, ...rules };
  }

  get rules() {
    return this.#rules;
  }

  take(packet, send) {
    const { loss, burst, delayMs, jitterMs, rateBps, queuePackets } = this.#rules;
    this.counts.packets += 1;
    this.counts.bytes += packet.length;
    if (this.#losses.next(loss, burst)) return void (this.counts.lost += 1);
    const came = now();
    let at = came;
    if (rateBps > 0) {
      // UDP and IP headers take their place on the wire, too.
      const ms = ((packet.length + 28) * 8000) / rateBps;
      const backlog = Math.max(0, this.#busyUntil - came);
      if (backlog > queuePackets * ms) return void (this.counts.overflowed += 1);
      this.#busyUntil = Math.max(this.#busyUntil, came) + ms;
      at = this.#busyUntil;
      this.counts.queuedMs = Math.max(this.counts.queuedMs, at - came);
    }
    at = Math.max(this.#lastAt, at + delayMs + jitterMs * this.#chance());
    this.#lastAt = at;
    if (at <= came && this.#waiting.length === 0) return send();
    this.#waiting.push({ at, send });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait() {
    const ms = this.#waiting[0].at - now();
    this.#timer = ms > 1 ? setTimeout(() => this.#release(), ms - 0.5) : setImmediate(() => this.#release());
  }

  #release() {
    const time = now();
    while (this.#waiting.length > 0 && this.#waiting[0].at <= time) this.#waiting.shift().send();
    if (this.#waiting.length > 0) this.#wait();
  }

  close() {
    clearTimeout(this.#timer);
    clearImmediate(this.#timer);
    this.#waiting = [];
  }
}

export class ImpairRelay {
  sent; // (packet) => told of each that a client sends, before it may be lost; false: it is lost
  #front;
  #backs = new Map(); // client's port -> socket towards the server
  #target;

  /** `target`: the server's "address:port"; `up` from the clients to it, `down` back. */
  static async start({ target, up = {}, down = {}, seed = 1 }) {
    const relay = new ImpairRelay();
    const [, address, port] = /^(.*):(\d+)$/.exec(target);
    relay.#target = { address, port: Number(port) };
    relay.up = new Direction({ ...CLEAR, ...up }, seed * 2);
    relay.down = new Direction({ ...CLEAR, ...down }, seed * 2 + 1);
    relay.#front = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    relay.#front.on('message', (packet, from) => relay.#fromClient(packet, from));
    relay.#front.bind(0, '127.0.0.1');
    await once(relay.#front, 'listening');
    relay.port = relay.#front.address().port;
    return relay;
  }

  #fromClient(packet, from) {
    let back = this.#backs.get(from.port);
    if (!back) {
      back = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
      back.on('error', () => {});
      back.on('message', (answer) =>
        this.down.take(answer, () => this.#front?.send(answer, from.port, from.address)));
      this.#backs.set(from.port, back);
    }
    if (this.sent?.(packet) === false) return;
    this.up.take(packet, () => this.#front && back.send(packet, this.#target.port, this.#target.address));
  }

  /** Both directions from now on. */
  set(rules) {
    this.up.set(rules);
    this.down.set(rules);
  }

  close() {
    this.up.close();
    this.down.close();
    this.#front.close();
    this.#front = undefined;
    for (const back of this.#backs.values()) back.close();
  }
}

/** An answer whose only candidates lead through the relay. Stands alone, so that it may be put into pages. */
export function throughRelay(sdp, port) {
  let had = false;
  return sdp
    .split('\r\n')
    .flatMap((line) => {
      if (line.startsWith('m=')) had = false;
      if (!line.startsWith('a=candidate:')) return [line];
      const found = /^(a=candidate:\S+ \d+ udp \d+) /i.exec(line);
      if (!found || had) return [];
      had = true;
      return [`${found[1]} 127.0.0.1 ${port} typ host`];
    })
    .join('\r\n');
}
