// SPDX-License-Identifier: Apache-2.0
// The buyer's page: what will happen, consent, camera and microphone, the queue, the call, the end.
// This file holds the course of things; the views of each stage are beside it.
import { html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { t } from '../../i18n/index.js';
import {
  Drawing, LoupeCall, LoupeClient, LoupeError, LoupeRest, keepAwake, saysPlace, sendPhotograph, takePhotograph, type Case, type Clip, type ServerMessages,
} from '../../sdk/index.js';
import { loadBrand } from '../../ui/brand.js';
import { PageElement } from '../../ui/element.js';
import { linkToken, linkTrouble, setUpPage, troubleView, type LinkTrouble } from '../../ui/page.js';
import { firstOf, untilTold } from '../../ui/recording.js';
import { RoomModel } from '../../ui/room.js';
import { chime } from '../../ui/sound.js';
import '../../ui/booking.js';
import '../../ui/chat.js';
import '../../ui/clips.js';
import '../../ui/media.js';
import '../../ui/timer.js';
import '../../ui/parts.css';
import './buyer.css';
import { callView } from './call.js';
import { OwnMedia } from './camera.js';
import { checkView } from './check.js';
import { closedView } from './closed.js';
import { endView } from './end.js';
import { recall, remember } from './memory.js';
import { startView } from './start.js';
import { Steering } from './steering.js';
import { waitView } from './wait.js';

setUpPage();

export type Stage = 'loading' | 'start' | 'check' | 'entering' | 'waiting' | 'call' | 'end';

/** How long a call that the server forgot may take to come together again. */
const REUNION_WITHIN_MS = 8000;
/** When a withdrawal that the session did not answer goes by HTTP, and when it stops what is sent. */
const HTTP_AFTER_MS = 400;
const HOLD_BACK_AFTER_MS = 700;
const PLACE_WITHIN_MS = 20_000;
const LOOK_AGAIN_MS = 10_000;
const PHOTO_SHOWN_MS = 4000;
const IN_PASSING = new Set(['conflict', 'session_lost', 'timeout', 'ended']);

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

@customElement('buyer-app')
export class BuyerApp extends PageElement {
  @state() stage: Stage = 'loading';
  @state() trouble: LinkTrouble | undefined;
  @state() case: Case | undefined;
  @state() consent = false;
  /** The server has answered what was said of consent last. */
  @state() consentTold = false;
  /** Neither picture nor sound is sent, because a withdrawal was not heard yet. */
  @state() heldBack = false;
  /** A call of this case is going on: one returns to it instead of queueing. */
  @state() rejoin = false;
  @state() opening = false;
  @state() queue: ServerMessages['waiting'] | undefined;
  /** Outside of business hours; `waiting`: the place is kept for a while. */
  @state() closed: ServerMessages['queue_closed'] | undefined;
  /** What becomes of a photograph that was asked for. */
  @state() photo: '' | 'taking' | 'sending' | 'sent' | 'failed' = '';
  /** A photograph says where it was taken: whether it may is asked, and this takes the answer. */
  @state() answerPlace: ((yes: boolean) => void) | undefined;
  /** A light challenge: the screen's light, where there is no torch. */
  @state() light: '' | 'off' | 'on' = '';
  @state() chatOpen = false;
  @state() soundBlocked = false;
  @state() endReason = '';
  @state() clips: Clip[] = [];

  readonly link = linkToken();
  readonly rest = new LoupeRest({ token: this.link.token });
  readonly own = new OwnMedia(() => this.#ownChanged());
  client: LoupeClient | undefined;
  room: RoomModel | undefined;
  /** What others may do with this page's camera. */
  steering: Steering | undefined;
  /** What others draw over this page's picture. */
  drawing: Drawing | undefined;
  call: LoupeCall | undefined;
  agentName = '';
  callStarted = 0;
  callMs = 0;
  #letSleep: (() => void) | undefined;
  #placeAgreed: boolean | undefined;
  #consentTurn = 0;
  #enabled: MediaStreamTrack[] = [];

  get name(): string {
    return this.link.claims?.name ?? '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void loadBrand(this.rest.brand());
    void this.#begin();
    document.addEventListener('visibilitychange', () => void this.#lookAgain());
    setInterval(() => void this.#lookAgain(), LOOK_AGAIN_MS);
  }

  async #begin(): Promise<void> {
    const { claims } = this.link;
    if (!claims?.case) return void (this.trouble = 'bad');
    if (claims.exp && claims.exp * 1000 < Date.now()) return void (this.trouble = 'expired');
    const memory = recall(claims.case);
    this.consent = memory?.consent ?? false;
    try {
      this.case = await this.rest.case(claims.case);
    } catch (error) {
      return void (this.trouble = linkTrouble(error) ?? 'offline');
    }
    this.rejoin = this.case.state === 'in_call';
    void this.rest.clips(claims.case).then(({ items }) => (this.clips = items), () => {});
    if (memory?.stage === 'call' || memory?.stage === 'waiting') {
      this.rejoin ||= memory.stage === 'call';
      if (await this.openMedia()) return this.enter();
    } else {
      this.stage = 'start';
    }
  }

  #remember(): void {
    const stage = this.stage === 'call' || this.stage === 'waiting' || this.stage === 'end' ? this.stage : 'start';
    remember(this.link.claims?.case ?? '', { stage, consent: this.consent });
  }

  /** What the server says of the case now. */
  took(one: Case): void {
    if (one.booking?.state === 'ringing' && this.case?.booking?.state !== 'ringing') chime();
    this.case = one;
  }

  /** A time, or a message, in place of waiting on. */
  booked(one: Case): void {
    this.took(one);
    if (this.stage !== 'waiting') return;
    this.#letGo();
    this.closed = undefined;
    this.stage = 'start';
    this.#remember();
  }

  /** The link stays good: who comes back to it, or stays, sees how the case goes on. */
  async #lookAgain(): Promise<void> {
    const id = this.link.claims?.case;
    if (!id || document.hidden || this.trouble || (this.stage !== 'start' && this.stage !== 'end')) return;
    await this.rest.case(id).then((one) => this.took(one), () => {});
  }

  toCheck(): void {
    this.stage = 'check';
    this.#remember();
  }

  async openMedia(): Promise<boolean> {
    this.stage = 'check';
    this.opening = true;
    const open = await this.own.open();
    this.opening = false;
    return open;
  }

  /** Into the room; then into the call that is going on, or into the queue. */
  async enter(): Promise<void> {
    this.stage = 'entering';
    const client = new LoupeClient({ token: this.link.token });
    this.client = client;
    this.room?.dispose();
    this.room = new RoomModel(client, () => this.requestUpdate());
    this.steering = new Steering(client, this.own, () => this.requestUpdate());
    this.drawing?.dispose();
    this.drawing = new Drawing(client);
    this.drawing.on('changed', () => this.requestUpdate());
    if (this.case) this.room.case = this.case;
    client.on('state', () => this.requestUpdate());
    client.on('waiting', (message) => this.#queued(message));
    client.on('queue_closed', (message) => this.#closed(message));
    client.on('call_started', ({ agent }) => this.#callStarted(agent.name));
    client.on('call_ended', ({ reason }) => (reason === 'transferred' ? this.#passedOn() : this.#ended(reason)));
    client.on('call_taken_over', ({ agent }) => (this.agentName = agent.name));
    client.on('light_challenge', () => this.#light(false, false));
    client.on('light', ({ on, done }) => this.#light(on, done));
    client.on('photograph', (asked) => void this.#photograph(client, asked));
    client.on('closed', ({ code }) => this.#sessionClosed(code));
    client.on('renewed', () => void this.#arrive(client).catch((error) => this.#failed(error)));
    try {
      await client.connect();
      await this.#arrive(client);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Tells consent and asks for a call; one that is going on is told by `call_started` before. */
  async #arrive(client: LoupeClient): Promise<void> {
    const wasInCall = this.stage === 'call';
    let told = false;
    const off = client.on('call_started', () => (told = true));
    try {
      await this.#tellConsent();
      if (told || this.client !== client) return;
      if (!wasInCall) this.#toQueue();
      else setTimeout(() => !told && this.stage === 'call' && this.#backToQueue(), REUNION_WITHIN_MS);
      const answer = await client.request('wait', {});
      if ('opens_at' in answer) this.#closed(answer);
      else this.#queued(answer);
    } catch (error) {
      // A call that began at that very moment, or a drop: what comes next says more.
      if (error instanceof LoupeError && IN_PASSING.has(error.code)) return;
      throw error;
    } finally {
      setTimeout(off, REUNION_WITHIN_MS + 1000);
    }
  }

  #toQueue(): void {
    this.stage = 'waiting';
    this.#remember();
  }

  #queued(message: ServerMessages['waiting']): void {
    this.queue = message;
    if (!this.closed?.waiting) this.closed = undefined;
  }

  #closed(message: ServerMessages['queue_closed']): void {
    this.closed = message;
    if (message.waiting || this.stage === 'call') return;
    this.own.close();
    this.#toQueue();
  }

  /** The server forgot the call and the agent did not come back to it. */
  #backToQueue(): void {
    this.call?.stop();
    this.call = undefined;
    this.#letSleep?.();
    this.#toQueue();
  }

  /** To somebody else, who is waited for now. */
  #passedOn(): void {
    if (this.stage === 'call') this.#backToQueue();
  }

  #failed(error: unknown): void {
    if (error instanceof LoupeError && IN_PASSING.has(error.code)) return;
    this.trouble = linkTrouble(error) ?? 'offline';
    this.#letGo();
  }

  #sessionClosed(code: number): void {
    if (code === 4410 && (this.stage === 'end' || this.stage === 'start')) return;
    if (code === 4409) this.trouble = 'replaced';
    else if (code === 4401) this.trouble = 'expired';
    else if (code === 4403) this.trouble = 'denied';
    else if (this.stage === 'call') return this.#ended('timeout');
    this.#letGo();
  }

  #callStarted(agentName: string): void {
    if (!this.client || this.stage === 'call') return;
    const { sent: camera, microphone, facing } = this.own;
    this.agentName = agentName;
    this.callStarted = Date.now();
    this.stage = 'call';
    this.rejoin = true;
    this.#remember();
    chime();
    this.#letSleep = keepAwake();
    this.call = new LoupeCall({ client: this.client, camera, microphone, facing });
    this.call.on('state', () => this.requestUpdate());
    this.call.on('slots', () => this.requestUpdate());
    this.call.on('network', () => this.requestUpdate());
    this.call.on('hint', () => this.requestUpdate());
    this.call.on('error', (error) => console.warn('offer failed', error));
    this.call.start();
  }

  #ownChanged(): void {
    const { sent, facing } = this.own;
    if (this.call && this.call.state !== 'ended') void this.call.setCamera(sent, facing);
    this.steering?.tell();
    this.requestUpdate();
  }

  /** The camera's torch follows; where there is none, the whole screen does. */
  #light(on: boolean, done: boolean): void {
    if (this.own.abilities.torch) void this.own.setTorch(on && !done);
    this.light = done ? '' : on ? 'on' : 'off';
  }

  /** Answered once for the call; who does not answer has not agreed. */
  async #askPlace(): Promise<boolean> {
    if (this.#placeAgreed !== undefined) return this.#placeAgreed;
    const asked = new Promise<boolean>((resolve) => (this.answerPlace = resolve));
    const before = document.activeElement;
    void this.updateComplete.then(() => this.querySelector<HTMLElement>('[data-testid=place-without]')?.focus());
    const agreed = await Promise.race([asked.then((yes) => (this.#placeAgreed = yes)), sleep(PLACE_WITHIN_MS).then(() => false)]);
    this.answerPlace = undefined;
    (before as HTMLElement | null)?.focus();
    return agreed;
  }

  /** Taken at once, as it was consented to; the page says so while it goes on. */
  async #photograph(client: LoupeClient, { photo: id, max_bytes }: ServerMessages['photograph']): Promise<void> {
    const { camera } = this.own;
    const state = (photo: typeof this.photo) => (this.photo = photo);
    try {
      if (!camera || !this.consent) throw new DOMException('no camera', 'NotFoundError');
      state('taking');
      const photo = await takePhotograph(camera);
      if (photo.size > max_bytes) throw new RangeError('too large');
      const keepPlace = saysPlace(await photo.arrayBuffer()) && (await this.#askPlace());
      state('sending');
      await sendPhotograph(this.rest, id, photo, { keepPlace });
      state('sent');
    } catch (error) {
      state('failed');
      const reason = (error as Error).name;
      await client.request('photograph_failed', { photo: id, reason }).catch(() => {});
    }
    const shown = this.photo;
    setTimeout(() => this.photo === shown && state(''), PHOTO_SHOWN_MS);
  }

  /** Shown at once, and told until it is heard. */
  async setConsent(consent: boolean): Promise<void> {
    this.consent = consent;
    this.#remember();
    if (!this.client && !(this.rejoin && !consent)) return; // who has not come in yet tells it then
    await this.#tellConsent();
  }

  /** Over the session, or by HTTP where that is quicker. If neither takes a withdrawal at once, nothing is sent
   *  to the server that it could record until one has. */
  async #tellConsent(): Promise<void> {
    const turn = ++this.#consentTurn;
    const consent = this.consent;
    const wanted = () => turn === this.#consentTurn;
    const { client, case: one, rest } = this;
    this.consentTold = false;
    if (consent) this.#holdBack(false);
    const session = () => client?.request('consent', { recording: consent }) ?? Promise.reject(new Error('no session'));
    const http = () => (one && !consent ? rest.consent(one.room, consent) : Promise.reject(new Error('no need')));
    const ask = () => firstOf(session, sleep(client?.state === 'open' ? HTTP_AFTER_MS : 0), http);
    const hold = setTimeout(() => wanted() && !consent && this.#holdBack(true), HOLD_BACK_AFTER_MS);
    const told = await untilTold(ask, () => wanted() && client === this.client, sleep);
    clearTimeout(hold);
    if (!wanted()) return;
    this.consentTold = told;
    this.#holdBack(false);
  }

  #holdBack(held: boolean): void {
    if (held === this.heldBack) return;
    this.heldBack = held;
    const { camera, microphone } = this.own;
    if (held) this.#enabled = [camera, microphone].filter((track) => track?.enabled) as MediaStreamTrack[];
    for (const track of this.#enabled) track.enabled = !held;
    if (!held) this.#enabled = [];
  }

  async leaveQueue(): Promise<void> {
    await this.client?.request('stop_waiting', {}).catch(() => {});
    this.closed = undefined;
    this.#letGo();
    this.stage = 'start';
    this.#remember();
  }

  async hangUp(): Promise<void> {
    const asked = this.client?.request('hang_up', {});
    this.#ended('hung_up');
    await asked?.catch(() => {});
    this.#letGo();
  }

  #ended(reason: string): void {
    if (this.stage !== 'call') return;
    this.callMs = Date.now() - this.callStarted;
    this.endReason = reason;
    this.rejoin = false;
    this.stage = 'end';
    this.#remember();
    this.call?.stop();
    this.own.close();
    this.#letSleep?.();
    void this.#summary();
  }

  /** The clips are finished within moments of the call's end: looked at again a little later. */
  async #summary(): Promise<void> {
    const id = this.link.claims?.case ?? '';
    for (const wait of [300, 2500, 6000]) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.stage !== 'end') return;
      try {
        const [one, clips] = await Promise.all([this.rest.case(id), this.rest.clips(id)]);
        this.case = one;
        this.clips = clips.items;
      } catch {
        // The page says what it knows.
      }
      if (this.clips.every((clip) => clip.state === 'ready' || clip.state === 'failed')) break;
    }
    if (this.stage === 'end') this.#letGo();
  }

  #letGo(): void {
    this.light = '';
    this.call?.stop();
    this.call = undefined;
    this.own.close();
    this.#letSleep?.();
    this.room?.dispose();
    const client = this.client;
    this.client = undefined;
    client?.close();
  }

  again(): void {
    this.#letGo();
    this.queue = undefined;
    this.clips = [];
    this.toCheck();
    void this.openMedia();
  }

  protected override render() {
    if (this.trouble) return troubleView(this.trouble);
    switch (this.stage) {
      case 'start':
        return startView(this);
      case 'check':
        return checkView(this);
      case 'waiting':
        return this.closed && !this.closed.waiting ? closedView(this) : waitView(this);
      case 'call':
        return callView(this);
      case 'end':
        return endView(this);
      default:
        return html`<main class="trouble" data-testid="loading">
          <p class="quiet" role="status">${t('call.connecting')}</p>
        </main>`;
    }
  }
}
