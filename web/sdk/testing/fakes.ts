// SPDX-License-Identifier: Apache-2.0
// Virtual time, sockets and peer connections for the library's unit tests.
import type { Env, SocketLike } from '../env.js';

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

type Sent = Record<string, unknown> & { type: string; id: string };

/** The server's end of a connection, played by a test. */
export class FakeSocket implements SocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  sent: Sent[] = [];

  send(text: string): void {
    if (this.readyState !== 1) throw new Error('not open');
    this.sent.push(JSON.parse(text) as Sent);
  }

  close(): void {
    this.readyState = 3;
  }

  accept(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  cut(code = 1006, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  last(type: string): Sent {
    const found = this.sent.filter((frame) => frame.type === type).at(-1);
    if (!found) throw new Error(`no ${type} was sent`);
    return found;
  }

  count(type: string): number {
    return this.sent.filter((frame) => frame.type === type).length;
  }

  /** Takes the hello and answers it. */
  welcome(members: object = {}): void {
    this.accept();
    this.say({
      type: 'welcome', seq: 1, re: this.last('hello').id, session: 's1', identity: 'me', name: 'Me',
      role: 'buyer', server_time: '', resumed: false, ping_ms: 20_000, ice_servers: [], ...members,
    });
  }
}

type Parameters = { encodings: RTCRtpEncodingParameters[]; degradationPreference?: string };

class FakeTransceiver {
  mid: string | null = null;
  sender: {
    track: unknown;
    parameters: Parameters;
    /** Key frames asked for. */
    keyFrames: number;
    replaceTrack(track: unknown): Promise<void>;
    getParameters(): Parameters;
    setParameters(parameters: Parameters, options?: object): Promise<void>;
  };
  receiver: { track: { kind: string } };

  constructor(
    kind: string,
    readonly direction: string,
    track: unknown,
    encodings: RTCRtpEncodingParameters[] = [],
  ) {
    const sender = {
      track,
      parameters: { encodings } as Parameters,
      keyFrames: 0,
      getParameters: () => structuredClone(sender.parameters),
      setParameters: (parameters: Parameters, options?: object) => {
        sender.parameters = parameters;
        if (options) sender.keyFrames += 1;
        return Promise.resolve();
      },
      replaceTrack: (next: unknown) => {
        sender.track = next;
        return Promise.resolve();
      },
    };
    this.sender = sender;
    this.receiver = { track: { kind } };
  }
}

export class FakePeer {
  transceivers: FakeTransceiver[] = [];
  iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription: { type: string; sdp: string } | null = null;
  oniceconnectionstatechange: (() => void) | null = null;
  offers: { iceRestart: boolean }[] = [];
  closed = false;

  constructor(public configuration: RTCConfiguration) {}

  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }

  /** What getStats gives next. */
  stats: object[] = [];

  getStats(): Promise<Map<string, object>> {
    return Promise.resolve(new Map(this.stats.map((entry, i) => [String(i), entry])));
  }

  addTransceiver(
    what: string | { kind: string },
    init: { direction: string; sendEncodings?: RTCRtpEncodingParameters[] },
  ): FakeTransceiver {
    const kind = typeof what === 'string' ? what : what.kind;
    const track = typeof what === 'string' ? null : what;
    const made = new FakeTransceiver(kind, init.direction, track, init.sendEncodings);
    this.transceivers.push(made);
    return made;
  }

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }

  createOffer(options: { iceRestart: boolean }): Promise<{ type: string; sdp: string }> {
    this.offers.push(options);
    return Promise.resolve({ type: 'offer', sdp: `offer ${this.offers.length}` });
  }

  setLocalDescription(description: { type: string; sdp: string }): Promise<void> {
    this.localDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
    this.transceivers.forEach((transceiver, index) => (transceiver.mid = String(index)));
    return Promise.resolve();
  }

  setRemoteDescription(): Promise<void> {
    this.signalingState = 'stable';
    return Promise.resolve();
  }

  ice(state: string): void {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeEnv implements Env {
  now = 0;
  sockets: FakeSocket[] = [];
  peers: FakePeer[] = [];
  #timers = new Set<Timer>();
  #order = 0;
  #network = new Set<(why: 'online' | 'connection' | 'visible') => void>();

  socket = (): SocketLike => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  };

  peer = (configuration: RTCConfiguration): RTCPeerConnection => {
    const peer = new FakePeer(configuration);
    this.peers.push(peer);
    return peer as unknown as RTCPeerConnection;
  };

  setTimeout = (callback: () => void, ms: number): unknown => {
    const timer = { at: this.now + ms, order: this.#order++, callback };
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout = (handle: unknown): void => {
    this.#timers.delete(handle as Timer);
  };

  random = (): number => 1;

  #elements = new Map<Element, { size?: (width: number, height: number) => void; hidden?: (now: boolean) => void }>();

  onResize = (element: Element, size: (width: number, height: number) => void): (() => void) => {
    this.#elements.set(element, { ...this.#elements.get(element), size });
    return () => this.#elements.delete(element);
  };

  onHidden = (element: Element, hidden: (now: boolean) => void): (() => void) => {
    this.#elements.set(element, { ...this.#elements.get(element), hidden });
    return () => this.#elements.delete(element);
  };

  resizes(element: Element, width: number, height: number): void {
    this.#elements.get(element)?.size?.(width, height);
  }

  hides(element: Element, now: boolean): void {
    this.#elements.get(element)?.hidden?.(now);
  }

  onNetworkChange = (callback: (why: 'online' | 'connection' | 'visible') => void): (() => void) => {
    this.#network.add(callback);
    return () => this.#network.delete(callback);
  };

  networkChanges(why: 'online' | 'connection' | 'visible'): void {
    for (const callback of [...this.#network]) callback(why);
  }

  get timers(): number {
    return this.#timers.size;
  }

  get last(): FakeSocket {
    return this.sockets.at(-1) as FakeSocket;
  }

  get lastPeer(): FakePeer {
    return this.peers.at(-1) as FakePeer;
  }

  /** Lets promises settle without letting time pass. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await this.settle();
      const due = [...this.#timers]
        .filter((timer) => timer.at <= end)
        .sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.now = due.at;
      due.callback();
    }
    this.now = end;
  }
}
