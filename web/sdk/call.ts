// SPDX-License-Identifier: Apache-2.0
// The media of one person in a call: one RTCPeerConnection that sends camera and microphone and has
// slots for what others send. The server only ever answers, so that everything here is an offer: the
// first, one for more slots, an ICE restart after the network changed. When the server gave the peer
// up (`media_gone`), or the session was renewed, a new connection takes the old one's place.
import type { LoupeClient } from './client.js';
import { Emitter } from './emitter.js';
import { browserEnv, type Env } from './env.js';
import { NetworkWatch } from './network.js';
import {
  LoupeError, type Facing, type MediaKind, type Network, type ServerMessages, type SlotState,
} from './protocol.js';
import { withSoundSentAgain } from './sdp.js';
import { applyPlan, encodingsFor, sendKeyFrame, type PublishHint, type Size } from './sending.js';
import { watchElement, type View } from './viewing.js';

/** `connecting` at first, `interrupted` when media was lost and is being brought back. */
export type CallState = 'new' | 'connecting' | 'connected' | 'interrupted' | 'ended';

/** A place for one incoming stream; `media` is there from the start and silent while nobody is shown. */
export interface Slot {
  mid: string;
  kind: MediaKind;
  identity: string | null;
  track: string | number | null;
  media: MediaStreamTrack;
  /** What the server sends there now, and its size; 0: not known. */
  state: SlotState;
  width: number;
  height: number;
  /** There is something to show, but not in a codec of this browser's. */
  lacking: boolean;
}

export interface CallEvents {
  state: CallState;
  slots: Slot[];
  /** How well this side's network carries the call, whenever quality or reason change. */
  network: Network;
  /** What the viewers of this side's camera can take now; undefined: everything. */
  hint: PublishHint | undefined;
  error: Error;
}

export interface CallOptions {
  client: LoupeClient;
  camera?: MediaStreamTrack | undefined;
  microphone?: MediaStreamTrack | undefined;
  facing?: Facing | undefined;
  /** Slots of each kind made ahead; more are added when more people send. */
  slots?: number;
  videoBitrate?: number;
  env?: Env;
}

const MOST_SLOTS = 16;
const DISCONNECTED_PATIENCE_MS = 2000;
const RESTART_PATIENCE_MS = 4000;
const NETWORK_SETTLES_MS = 300;
const OFFER_RETRY_MS = 1500;
const MEASURE_EVERY_MS = 2000;
/** Unchanged figures are told on every so many measurements. */
const TELL_EVERY = 3;
const SLIDE_EVERY_MS = 1000;

const WORTH_ANOTHER_TRY = new Set(['conflict', 'internal', 'full', 'rate_limited', 'timeout', 'draining']);

type Shown = ServerMessages['slot'];

export class LoupeCall extends Emitter<CallEvents> {
  state: CallState = 'new';
  readonly #client: LoupeClient;
  readonly #env: Env;
  readonly #slotsAhead: number;
  readonly #videoBitrate: number;
  #pc: RTCPeerConnection | undefined;
  #camera: MediaStreamTrack | undefined;
  #microphone: MediaStreamTrack | undefined;
  #facing: Facing | undefined;
  #cameraOn = true;
  #microphoneOn = true;
  #senders: { audio?: RTCRtpSender; video?: RTCRtpSender } = {};
  #shown = new Map<string, Shown>();
  #remote = new Map<string, MediaKind>();
  #busy = false;
  #wanted: 'offer' | 'restart' | undefined;
  #watch: unknown;
  #measuring: unknown;
  #sliding: unknown;
  #untold = 0;
  #network = new NetworkWatch();
  #silent = false;
  #hint: PublishHint | undefined;
  #views = new Map<string, View>();
  #layers = new Map<string, ServerMessages['layer']>();
  #offs: (() => void)[] = [];

  constructor(options: CallOptions) {
    super();
    this.#client = options.client;
    this.#env = options.env ?? browserEnv;
    this.#slotsAhead = options.slots ?? 2;
    this.#videoBitrate = options.videoBitrate ?? 2_500_000;
    this.#camera = options.camera;
    this.#microphone = options.microphone;
    this.#facing = options.facing;
  }

  get cameraOn(): boolean {
    return this.#cameraOn && this.#camera !== undefined;
  }

  get microphoneOn(): boolean {
    return this.#microphoneOn && this.#microphone !== undefined;
  }

  get peer(): RTCPeerConnection | undefined {
    return this.#pc;
  }

  /** Begins to send and to receive. The session must be in a room. */
  start(): void {
    if (this.state !== 'new') return;
    const client = this.#client;
    this.#offs = [
      client.on('slot', (message) => this.#slotChanged(message)),
      client.on('track_added', (message) => this.#trackAdded(message)),
      client.on('track_removed', (message) => void this.#remote.delete(String(message.track))),
      client.on('layer', (message) => this.#layerChanged(message)),
      client.on('publish_hint', (message) => this.#hinted(message)),
      client.on('media_gone', () => this.#rebuild()),
      // A token without a room must join again first; the roster says that this is done.
      client.on('renewed', ({ room }) => (room ? this.#rebuild() : client.once('roster', () => this.#rebuild()))),
      this.#env.onNetworkChange((why) => this.#networkChanged(why)),
    ];
    this.#build();
    this.#tellState();
    this.#measureLater();
  }

  /** Ends sending and receiving; the tracks given in stay the caller's. */
  stop(): void {
    if (this.state === 'ended') return;
    this.#offs.forEach((off) => off());
    for (const timer of [this.#watch, this.#measuring, this.#sliding]) this.#env.clearTimeout(timer);
    this.#pc?.close();
    this.#pc = undefined;
    this.#setState('ended');
  }

  get slots(): Slot[] {
    const slots: Slot[] = [];
    for (const transceiver of this.#pc?.getTransceivers() ?? []) {
      if (transceiver.direction !== 'recvonly' || transceiver.mid === null) continue;
      const shown = this.#shown.get(transceiver.mid);
      const layer = this.#layers.get(transceiver.mid);
      slots.push({
        mid: transceiver.mid,
        kind: transceiver.receiver.track.kind as MediaKind,
        identity: shown?.track != null ? (shown.identity ?? null) : null,
        track: shown?.track ?? null,
        media: transceiver.receiver.track,
        state: layer?.state ?? 'video',
        width: layer?.width ?? 0,
        height: layer?.height ?? 0,
        lacking: shown?.lacking === 'codec',
      });
    }
    return slots;
  }

  /** Another camera takes the place of the one that was sent; no renegotiation. */
  async setCamera(track: MediaStreamTrack | undefined, facing?: Facing): Promise<void> {
    this.#camera = track;
    this.#facing = facing;
    if (track) track.enabled = this.#cameraOn;
    await this.#senders.video?.replaceTrack(track ?? null);
    this.#plan();
    this.#tellState();
  }

  async setMicrophone(track: MediaStreamTrack | undefined): Promise<void> {
    this.#microphone = track;
    if (track) track.enabled = this.#microphoneOn;
    await this.#senders.audio?.replaceTrack(track ?? null);
    this.#tellState();
  }

  switchCamera(on: boolean): void {
    this.#cameraOn = on;
    if (this.#camera) this.#camera.enabled = on;
    this.#tellState();
  }

  switchMicrophone(on: boolean): void {
    this.#microphoneOn = on;
    if (this.#microphone) this.#microphone.enabled = on;
    this.#tellState();
  }

  /** How well this side's network carries the call; undefined until it has been measured. */
  get network(): Network | undefined {
    return this.#network.network;
  }

  /** What the viewers of this side's camera can take now; undefined: everything. */
  get hint(): PublishHint | undefined {
    return this.#hint;
  }

  /** What this page has use for of one slot: said anew as a whole, kept over new connections. */
  setView(mid: string, view: View): void {
    this.#views.set(mid, view);
    if (this.#pc?.signalingState === 'stable') this.#tellView(mid, view);
  }

  /** No layer above the `layer`-th from below; `auto` takes that back. */
  pin(mid: string, layer: View['layer']): void {
    this.setView(mid, { ...this.#views.get(mid), layer: layer ?? 'auto' });
  }

  /** Ties a slot's wish to an element: no larger than it is, and nothing while it cannot be seen.
   *  Returns the function that unties it. */
  watch(mid: string, element: Element): () => void {
    return watchElement(this.#env, element, (view) => {
      const { layer } = this.#views.get(mid) ?? {};
      this.setView(mid, layer === undefined ? view : { ...view, layer });
    });
  }

  #tellView(mid: string, view: View): void {
    if (this.state === 'ended' || this.#client.state === 'closed') return;
    this.#client.request('view', { mid, ...view }).catch(() => {});
  }

  #setState(state: CallState): void {
    if (this.state === state || this.state === 'ended') return;
    this.state = state;
    this.emit('state', state);
  }

  #tellState(): void {
    if (this.state === 'ended' || this.#client.state === 'closed') return;
    const members = { audio: this.microphoneOn, video: this.cameraOn };
    const facing = this.#facing ? { facing: this.#facing } : {};
    this.#client.request('media_state', { ...members, ...facing }).catch(() => {});
  }

  /** The TURN credentials in it expire: each welcome has fresh ones, also that of a resumed session. */
  #configuration(): RTCConfiguration {
    return { iceServers: this.#client.welcome?.ice_servers ?? [], bundlePolicy: 'max-bundle' };
  }

  #build(): void {
    const pc = this.#env.peer(this.#configuration());
    this.#pc = pc;
    this.#shown.clear();
    this.#layers.clear();
    this.#remote.clear();
    this.#network = new NetworkWatch();
    this.#setHint(undefined);
    this.#senders = {
      audio: this.#addSender(pc, 'audio', this.#microphone),
      video: this.#addSender(pc, 'video', this.#camera),
    };
    for (let i = 0; i < this.#slotsAhead; i++) {
      pc.addTransceiver('video', { direction: 'recvonly' });
      pc.addTransceiver('audio', { direction: 'recvonly' });
    }
    pc.oniceconnectionstatechange = () => this.#iceChanged(pc);
    this.#setState(this.state === 'new' ? 'connecting' : 'interrupted');
    this.#want('offer');
  }

  #addSender(pc: RTCPeerConnection, kind: MediaKind, track: MediaStreamTrack | undefined): RTCRtpSender {
    const init: RTCRtpTransceiverInit = { direction: 'sendonly' };
    if (kind === 'video') init.sendEncodings = encodingsFor(this.#cameraSize(), this.#videoBitrate);
    return pc.addTransceiver(track ?? kind, init).sender;
  }

  #rebuild(): void {
    if (this.state === 'ended') return;
    this.#env.clearTimeout(this.#watch);
    if (this.#pc) this.#pc.oniceconnectionstatechange = null;
    this.#pc?.close();
    this.#busy = false;
    this.#build();
    this.#tellState();
  }

  /** One exchange at a time; what is asked for meanwhile follows it. */
  #want(what: 'offer' | 'restart'): void {
    if (this.#wanted !== 'restart') this.#wanted = what;
    if (!this.#busy) void this.#negotiate();
  }

  async #negotiate(): Promise<void> {
    const pc = this.#pc;
    if (!pc || this.#wanted === undefined) return;
    const iceRestart = this.#wanted === 'restart';
    this.#wanted = undefined;
    this.#busy = true;
    try {
      if (iceRestart) (pc as Partial<RTCPeerConnection>).setConfiguration?.(this.#configuration());
      await this.#setOffer(pc, await pc.createOffer({ iceRestart }));
      const sdp = pc.localDescription?.sdp ?? '';
      const answer = await this.#client.request('offer', { sdp });
      if (pc !== this.#pc) return;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      this.#plan(); // an answer makes every encoding active again
      for (const [mid, view] of this.#views) this.#tellView(mid, view);
      this.emit('slots', this.slots);
    } catch (error) {
      if (pc === this.#pc) await this.#offerFailed(pc, error as Error);
    }
    if (pc !== this.#pc) return;
    this.#busy = false;
    if (this.#wanted !== undefined) void this.#negotiate();
  }

  /** Changed where the browser lets it be. */
  async #setOffer(pc: RTCPeerConnection, offer: RTCSessionDescriptionInit): Promise<void> {
    const sdp = withSoundSentAgain(offer.sdp ?? '');
    if (sdp !== offer.sdp) {
      try {
        await pc.setLocalDescription({ type: 'offer', sdp });
        return;
      } catch {
        /* as it was, then */
      }
    }
    await pc.setLocalDescription(offer);
  }

  async #offerFailed(pc: RTCPeerConnection, error: Error): Promise<void> {
    const code = error instanceof LoupeError ? error.code : '';
    if (this.state === 'ended' || code === 'session_lost') return;
    this.emit('error', error);
    if (pc.signalingState === 'have-local-offer') {
      await pc.setLocalDescription({ type: 'rollback' }).catch(() => {});
    }
    const retry = WORTH_ANOTHER_TRY.has(code);
    if (retry) this.#env.setTimeout(() => pc === this.#pc && this.#want('restart'), OFFER_RETRY_MS);
  }

  #iceChanged(pc: RTCPeerConnection): void {
    if (pc !== this.#pc) return;
    const ice = pc.iceConnectionState;
    this.#env.clearTimeout(this.#watch);
    if (ice === 'connected' || ice === 'completed') {
      this.#setState('connected');
    } else if (ice === 'disconnected') {
      this.#setState('interrupted');
      this.#restartIn(DISCONNECTED_PATIENCE_MS);
    } else if (ice === 'failed') {
      this.#setState('interrupted');
      this.#restartIn(0);
    }
  }

  /** Restarts ICE after a while, and again for as long as it does not connect. */
  #restartIn(ms: number): void {
    this.#env.clearTimeout(this.#watch);
    this.#watch = this.#env.setTimeout(() => {
      if (!this.#pc || this.state === 'ended') return;
      if (this.#client.state === 'open' && !this.#busy) this.#want('restart');
      this.#restartIn(RESTART_PATIENCE_MS);
    }, ms);
  }

  #networkChanged(why: 'online' | 'connection' | 'visible'): void {
    if (why === 'visible' && this.state === 'connected') return;
    if (this.state === 'connected' || this.state === 'interrupted') {
      this.#env.clearTimeout(this.#watch);
      this.#watch = this.#env.setTimeout(() => this.#want('restart'), NETWORK_SETTLES_MS);
    }
  }

  /** The server reports every second: two of silence say that the path is dead, long before ICE does. */
  #heard(anything: boolean): void {
    if (!anything && !this.#silent && this.state === 'connected' && this.#client.state === 'open') this.#want('restart');
    this.#silent = !anything;
  }

  #slotChanged(message: Shown): void {
    this.#shown.set(message.mid, message);
    this.emit('slots', this.slots);
  }

  #trackAdded(message: ServerMessages['track_added']): void {
    if (message.identity === this.#client.identity || !this.#pc) return;
    this.#remote.set(String(message.track), message.kind);
    const sent = [...this.#remote.values()].filter((kind) => kind === message.kind).length;
    const places = this.#pc
      .getTransceivers()
      .filter((t) => t.direction === 'recvonly' && t.receiver.track.kind === message.kind).length;
    if (sent <= places || places >= MOST_SLOTS) return;
    this.#pc.addTransceiver(message.kind, { direction: 'recvonly' });
    this.#want('offer');
  }

  #layerChanged(message: ServerMessages['layer']): void {
    this.#layers.set(message.mid, message);
    this.emit('slots', this.slots);
  }

  // --- sending

  #cameraSize(): Size | undefined {
    const { width, height } = this.#camera?.getSettings?.() ?? {};
    return width && height ? { width, height } : undefined;
  }

  /** Sends what the viewers have use for. */
  #plan(): void {
    const sender = this.#senders.video;
    if (!sender || !this.#pc || this.state === 'ended') return;
    void applyPlan(sender, {
      camera: this.#cameraSize(),
      facing: this.#facing,
      bitrate: this.#videoBitrate,
      hint: this.#hint,
    });
  }

  #hinted(message: ServerMessages['publish_hint']): void {
    const video = this.#pc?.getTransceivers().find((one) => one.sender === this.#senders.video);
    if (!video || video.mid !== message.mid) return;
    const { max_bitrate_bps: maxBitrate, slideshow, layers = false } = message;
    this.#setHint(maxBitrate > 0 || slideshow || layers ? { maxBitrate, slideshow, layers } : undefined);
    this.#plan();
  }

  #setHint(hint: PublishHint | undefined): void {
    if (hint === undefined && this.#hint === undefined) return;
    this.#hint = hint;
    this.#env.clearTimeout(this.#sliding);
    if (hint?.slideshow) this.#slide();
    this.emit('hint', hint);
  }

  /** Every picture whole: who joins late or lost one waits for none. */
  #slide(): void {
    this.#sliding = this.#env.setTimeout(() => {
      if (this.#senders.video && this.state === 'connected') void sendKeyFrame(this.#senders.video);
      this.#slide();
    }, SLIDE_EVERY_MS);
  }

  // --- measuring

  #measureLater(): void {
    this.#measuring = this.#env.setTimeout(() => {
      void this.#measure().finally(() => this.state !== 'ended' && this.#measureLater());
    }, MEASURE_EVERY_MS);
  }

  async #measure(): Promise<void> {
    const pc = this.#pc;
    if (!pc || (this.state !== 'connected' && this.state !== 'interrupted')) return;
    const report = await pc.getStats().catch(() => undefined);
    if (!report || pc !== this.#pc) return;
    const before = this.#network.network;
    const shown = this.slots.filter((slot) => slot.kind === 'video' && slot.identity !== null);
    const off = (slot: Slot) => slot.state !== 'video' || this.#client.people.get(slot.identity ?? '')?.video === false;
    const network = this.#network.take(report.values(), {
      states: shown.map((slot) => slot.state),
      still: new Set(this.slots.filter((slot) => slot.identity === null || off(slot)).map((slot) => slot.mid)),
      capped: (this.#hint?.maxBitrate ?? 0) > 0,
    });
    this.#heard(this.#network.measured?.silent !== true);
    if (!network) return;
    const changed = network.quality !== before?.quality || network.why !== before.why;
    if (changed) this.emit('network', network);
    this.#untold += 1;
    if ((!changed && this.#untold < TELL_EVERY) || this.#client.state !== 'open') return;
    this.#untold = 0;
    this.#client.request('stats', { ...network, lines: this.#network.lines }).catch(() => {});
  }
}
