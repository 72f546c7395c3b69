// SPDX-License-Identifier: Apache-2.0
// One person's session with the server over a WebSocket: hello and welcome, requests with replies,
// events, and a resume after every drop. The session outlives its connections; what was asked before
// a drop is asked again under the same id, and carried out once.
import { Emitter } from './emitter.js';
import { browserEnv, type Env, type SocketLike } from './env.js';
import {
  LoupeError, type Frame, type Network, type Person, type Requests, type ServerMessages, type Welcome,
} from './protocol.js';

export type ClientState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';

export interface ClientEvents extends ServerMessages {
  state: ClientState;
  /** Every welcome, first, resumed or renewed. */
  welcome: Welcome;
  /** The old session was gone and a new one has begun: room, media and requests start afresh. */
  renewed: Welcome;
  closed: { code: number; reason: string };
}

export interface ClientOptions {
  /** `wss://host/ws`; by default the page's own origin. */
  url?: string;
  token: string;
  env?: Env;
  /** How long a request may wait for its reply, drops included. */
  requestTimeoutMs?: number;
}

interface Pending {
  id: string;
  frame: string;
  sent: boolean;
  timer: unknown;
  resolve(reply: Frame): void;
  reject(error: LoupeError): void;
}

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 8000;
const HELLO_WITHIN_MS = 8000;
const PONG_WITHIN_MS = 6000;
const PROBE_WITHIN_MS = 2500;

/** Close codes after which trying again is pointless. */
const FINAL_CODES: Record<number, string> = {
  4401: 'unauthenticated',
  4403: 'denied',
  4409: 'replaced',
  4410: 'ended',
};
const FINAL_ERRORS: Record<string, number> = { unauthenticated: 4401, denied: 4403 };

function ownAddress(): string {
  return `${location.origin.replace(/^http/, 'ws')}/ws`;
}

export class LoupeClient extends Emitter<ClientEvents> {
  state: ClientState = 'idle';
  welcome: Welcome | undefined;

  readonly #url: string;
  readonly #token: string;
  readonly #env: Env;
  readonly #timeoutMs: number;
  #socket: SocketLike | undefined;
  #received = 0;
  #nextId = 1;
  #attempt = 0;
  #pending = new Map<string, Pending>();
  #helloId = '';
  /** The session that is gone: a link for one page alone is still this page's. */
  #was = '';
  #timers = { retry: undefined as unknown, hello: undefined as unknown, ping: undefined as unknown };
  #probe: { id: string; timer: unknown } | undefined;
  #first: { resolve(w: Welcome): void; reject(e: LoupeError): void } | undefined;
  #offNetwork: (() => void) | undefined;

  constructor(options: ClientOptions) {
    super();
    this.#url = options.url ?? ownAddress();
    this.#token = options.token;
    this.#env = options.env ?? browserEnv;
    this.#timeoutMs = options.requestTimeoutMs ?? 60_000;
  }

  /** How far this machine's clock is ahead of the server's. */
  clockSkewMs = 0;
  /** Who is in the room, this person too. */
  readonly people = new Map<string, Person>();

  get identity(): string {
    return this.welcome?.identity ?? '';
  }

  /** Opens the session. Fails only when the server refuses it; a bad network is tried again for ever. */
  connect(): Promise<Welcome> {
    if (this.state !== 'idle') return Promise.reject(new LoupeError('conflict', 'already connected'));
    this.#offNetwork = this.#env.onNetworkChange(() => this.#networkChanged());
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#setState('connecting');
      this.#open();
    });
  }

  /** Sends a request and waits for its reply. While the connection is down it is kept and sent later. */
  request<T extends keyof Requests>(type: T, members: Requests[T]['out']): Promise<Requests[T]['reply']> {
    if (this.state === 'closed' || this.state === 'idle') {
      return Promise.reject(new LoupeError('closed', 'no session'));
    }
    const id = `q${this.#nextId++}`;
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        id,
        frame: JSON.stringify({ ...members, type, id }),
        sent: false,
        timer: this.#env.setTimeout(() => {
          this.#pending.delete(id);
          reject(new LoupeError('timeout', `${type} was not answered`));
        }, this.#timeoutMs),
        resolve: resolve as unknown as Pending['resolve'],
        reject,
      };
      this.#pending.set(id, pending);
      if (this.state === 'open') this.#transmit(pending);
    });
  }

  /** Says what is worth nothing a moment later: now or not at all, and without a reply. */
  tell<T extends keyof Requests>(type: T, members: Requests[T]['out']): void {
    if (this.state === 'open') this.#socket?.send(JSON.stringify({ ...members, type }));
  }

  /** Ends the session for good: the person leaves. */
  close(): void {
    if (this.state === 'open') this.#socket?.send(JSON.stringify({ type: 'bye', id: 'bye' }));
    this.#finish(4410, 'ended');
  }

  #setState(state: ClientState): void {
    if (this.state === state) return;
    this.state = state;
    this.emit('state', state);
  }

  #open(): void {
    const socket = this.#env.socket(this.#url, 'loupe.v1');
    this.#socket = socket;
    this.#timers.hello = this.#env.setTimeout(() => this.#drop(socket), HELLO_WITHIN_MS);
    socket.onopen = () => this.#sendHello(this.welcome?.session);
    socket.onmessage = (event) => {
      if (socket === this.#socket && typeof event.data === 'string') this.#receive(event.data);
    };
    socket.onerror = () => {};
    socket.onclose = (event) => this.#closed(socket, event.code, event.reason);
  }

  #sendHello(session: string | undefined): void {
    this.#helloId = `h${this.#nextId++}`;
    const resume = session ? { session, received: this.#received } : this.#was ? { was: this.#was } : {};
    this.#socket?.send(JSON.stringify({ type: 'hello', id: this.#helloId, token: this.#token, ...resume }));
  }

  #transmit(pending: Pending): void {
    pending.sent = true;
    this.#socket?.send(pending.frame);
  }

  /** Gives up a connection that may be half open, without waiting for its closing handshake. */
  #drop(socket: SocketLike): void {
    if (socket !== this.#socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
    this.#closed(socket, 1006, '');
  }

  #closed(socket: SocketLike, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#stopTimers();
    if (this.state === 'closed') return;
    const final = FINAL_CODES[code];
    if (final) return this.#finish(code, reason || final);
    if (this.state === 'open') this.#setState('reconnecting');
    this.#retry();
  }

  #retry(): void {
    const ceiling = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    const wait = ceiling / 2 + (ceiling / 2) * this.#env.random();
    this.#timers.retry = this.#env.setTimeout(() => {
      this.#timers.retry = undefined;
      this.#open();
    }, wait);
  }

  #networkChanged(): void {
    if (this.#timers.retry !== undefined) {
      this.#env.clearTimeout(this.#timers.retry);
      this.#timers.retry = undefined;
      this.#attempt = 0;
      this.#open();
    } else if (this.state === 'open') {
      this.#ping(PROBE_WITHIN_MS);
    }
  }

  #receive(text: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return;
    }
    if (frame.re !== undefined && frame.re === this.#helloId) return this.#helloAnswered(frame);
    if (frame.type === 'welcome') return;
    if (frame.seq !== undefined) {
      if (frame.seq <= this.#received) return;
      this.#received = frame.seq;
    }
    this.#keepPeople(frame);
    if (frame.re !== undefined) this.#answered(frame);
    else this.emit(frame.type as keyof ServerMessages, frame as never);
  }

  #keepPeople(frame: Frame): void {
    const { people } = this;
    if (frame.type === 'roster') {
      people.clear();
      for (const person of frame['people'] as Person[]) people.set(person.identity, person);
    } else if (frame.type === 'person_joined' || frame.type === 'person_changed') {
      const person = frame['person'] as Person;
      people.set(person.identity, person);
    } else if (frame.type === 'person_left') {
      people.delete(frame['identity'] as string);
    } else if (frame.type === 'network') {
      const person = people.get(frame['identity'] as string);
      const { network: _before, ...rest } = person ?? ({} as Person);
      if (person) people.set(person.identity, frame['network'] ? { ...rest, network: frame['network'] as Network } : rest);
    }
  }

  #helloAnswered(frame: Frame): void {
    if (frame.type === 'welcome') return this.#welcomed(frame as unknown as Welcome & Frame);
    const code = String(frame['code']);
    if (code === 'not_found' && this.welcome) {
      this.#was = this.welcome.session;
      this.welcome = undefined;
      this.#failAll(new LoupeError('session_lost', 'the session was gone'));
      return this.#sendHello(undefined);
    }
    const final = FINAL_ERRORS[code];
    if (final) this.#finish(final, code);
    else if (this.#socket) this.#drop(this.#socket);
  }

  #welcomed(welcome: Welcome & Frame): void {
    this.#env.clearTimeout(this.#timers.hello);
    const before = this.welcome ?? (this.state === 'reconnecting' ? 'lost' : undefined);
    // The seq of a resumed session's welcome is not counted: what is sent again may carry lower ones.
    if (!welcome.resumed) this.#received = welcome.seq ?? 0;
    this.welcome = welcome;
    this.#attempt = 0;
    this.clockSkewMs = Date.now() - (Date.parse(welcome.server_time) || Date.now());
    this.#setState('open');
    this.#schedulePing();
    for (const pending of this.#pending.values()) this.#transmit(pending);
    this.emit('welcome', welcome);
    if (before !== undefined && !welcome.resumed) this.emit('renewed', welcome);
    this.#first?.resolve(welcome);
    this.#first = undefined;
  }

  #answered(frame: Frame): void {
    const id = frame.re as string;
    if (this.#probe?.id === id) {
      this.#env.clearTimeout(this.#probe.timer);
      this.#probe = undefined;
      return;
    }
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    this.#env.clearTimeout(pending.timer);
    if (frame.type === 'error') {
      pending.reject(new LoupeError(String(frame['code']), String(frame['message'] ?? '')));
    } else {
      pending.resolve(frame);
    }
  }

  #schedulePing(): void {
    this.#timers.ping = this.#env.setTimeout(() => {
      this.#ping(PONG_WITHIN_MS);
      this.#schedulePing();
    }, this.welcome?.ping_ms || 20_000);
  }

  /** A page cannot see WebSocket pings: it sends its own to learn that a silent connection is dead. */
  #ping(withinMs: number): void {
    const socket = this.#socket;
    if (!socket || this.#probe) return;
    const id = `p${this.#nextId++}`;
    this.#probe = { id, timer: this.#env.setTimeout(() => this.#drop(socket), withinMs) };
    socket.send(JSON.stringify({ type: 'ping', id }));
  }

  #stopTimers(): void {
    for (const timer of Object.values(this.#timers)) this.#env.clearTimeout(timer);
    this.#timers = { retry: undefined, hello: undefined, ping: undefined };
    if (this.#probe) this.#env.clearTimeout(this.#probe.timer);
    this.#probe = undefined;
  }

  #failAll(error: LoupeError): void {
    for (const pending of this.#pending.values()) {
      this.#env.clearTimeout(pending.timer);
      pending.reject(error);
    }
    this.#pending.clear();
  }

  #finish(code: number, reason: string): void {
    if (this.state === 'closed') return;
    const socket = this.#socket;
    this.#socket = undefined;
    this.#stopTimers();
    this.#offNetwork?.();
    this.#setState('closed');
    const error = new LoupeError(FINAL_CODES[code] ?? 'closed', reason);
    this.#first?.reject(error);
    this.#first = undefined;
    this.#failAll(error);
    this.emit('closed', { code, reason });
    if (socket) {
      socket.onclose = null;
      socket.close(1000);
    }
  }
}
