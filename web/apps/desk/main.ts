// SPDX-License-Identifier: Apache-2.0
// The desk of agents and their like: availability, queue, incoming offers, the call with its case and
// recording, and cases to look at without a call. This file holds the state; the views are beside it.
import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { duration, t, tMaybe } from '../../i18n/index.js';
import {
  LoupeClient, LoupeRest, type CallOffer, type Case, type Clip, type QueueEntry, type ServerMessages, type Still,
  type TimelineEvent,
} from '../../sdk/index.js';
import { PageElement, icon } from '../../ui/element.js';
import type { KeepElement } from '../../ui/keep.js';
import { brand, linkToken, linkTrouble, setUpPage, troubleView, type LinkTrouble } from '../../ui/page.js';
import { RoomModel } from '../../ui/room.js';
import { ring } from '../../ui/sound.js';
import '../../ui/chat.js';
import '../../ui/clip-view.js';
import '../../ui/clips.js';
import '../../ui/facts.js';
import '../../ui/keep.js';
import '../../ui/media.js';
import '../../ui/notes.js';
import '../../ui/stills.js';
import '../../ui/timer.js';
import '../../ui/parts.css';
import '../../ui/evidence.css';
import './desk.css';
import { DeskCall, askForDevices } from './call.js';
import { FreshLists } from './fresh.js';
import { listenToKeys } from './keys.js';
import { listsView } from './lists.js';
import { offerView } from './offer.js';
import { sideView } from './side.js';
import { stageView } from './stage.js';
import { DrawTools } from './tools.js';

setUpPage(t('desk.title'));

/** What one click saves; the server keeps it unless it is told otherwise. */
export const LOOK_BACK_S = 60;
const TIMELINE_SETTLES_MS = 600;
const SEARCH_SETTLES_MS = 250;
const CASES_SHOWN = 50;
const PAGES_TRIED = 8;
const FOLLOW_EVERY_MS = 400;
const FOLLOW_TIMES = 300;
const DONE_TRIES = 100;
const DONE_SHOWN_MS = 6000;
const SETTLED = new Set(['ready', 'failed']);
const STAFF = new Set(['agent', 'appraiser', 'arbiter', 'supervisor', 'host']);

export interface Offer extends CallOffer {
  /** When it passes on, by this machine's clock. */
  until: number;
}

@customElement('desk-app')
export class DeskApp extends PageElement {
  @state() trouble: LinkTrouble | 'role' | undefined;
  @state() available = false;
  @state() wrapping = false;
  @state() takingStill = false;
  @state() challenging = false;
  /** Photographs that were asked for and are not here yet. */
  @state() awaited = new Set<string>();
  @state() lookingBack = false;
  @state() exporting = false;
  @state() note = '';
  /** What went well, for a while. */
  @state() done = '';
  @state() waiting: QueueEntry[] = [];
  @state() cases: Case[] = [];
  @state() casesFailed = false;
  @state() search = '';
  @state() offer: Offer | undefined;
  @state() call: DeskCall | undefined;
  @state() selected: Case | undefined;
  @state() timeline: TimelineEvent[] = [];
  @state() panel: 'checklist' | 'chat' | 'timeline' = 'checklist';
  /** Which of the three columns a narrow screen shows. */
  @state() view: 'lists' | 'stage' | 'side' = 'stage';

  readonly link = linkToken();
  readonly rest = new LoupeRest({ token: this.link.token });
  readonly client = new LoupeClient({ token: this.link.token });
  readonly room = new RoomModel(this.client, () => this.requestUpdate());
  readonly tools = new DrawTools(this);
  readonly fresh = new FreshLists(this);
  #stopRinging: (() => void) | undefined;
  #timelineTimer: ReturnType<typeof setTimeout> | undefined;
  #searchTimer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#begin();
    window.addEventListener('popstate', () => this.#openFromAddress());
    listenToKeys(this);
  }

  async #begin(): Promise<void> {
    const { claims } = this.link;
    if (!claims) return void (this.trouble = 'bad');
    if (!STAFF.has(claims.role ?? '')) return void (this.trouble = 'role');
    if (claims.exp && claims.exp * 1000 < Date.now()) return void (this.trouble = 'expired');
    this.#listen();
    try {
      const welcome = await this.client.connect();
      void this.fresh.load();
      const unfinished = sessionStorage.getItem('loupe.desk.call');
      if (welcome.room && welcome.case) await this.#enterCall(welcome.room, welcome.case);
      else if (unfinished) await this.#resumeCall(unfinished);
      else this.#openFromAddress();
    } catch (error) {
      this.trouble = linkTrouble(error) ?? 'offline';
    }
  }

  #listen(): void {
    const { client } = this;
    client.on('state', () => this.requestUpdate());
    client.on('queue', ({ waiting }) => (this.waiting = waiting));
    client.on('person_state', ({ available, state }) => this.#presence(available, state === 'wrap_up'));
    client.on('call_offer', (offer) => this.#offered(offer));
    client.on('call_offer_ended', ({ reservation, reason }) => {
      if (this.offer?.reservation === reservation) this.#offerOver(t(`desk.offer.gone.${reason}`));
    });
    client.on('call_ended', ({ reason }) => this.#callOver(reason));
    client.on('case', (message) => this.caseChanged(message.case));
    for (const name of ['clip', 'recording', 'person_joined', 'person_left', 'person_changed', 'still', 'deleted'] as const) {
      client.on(name, () => this.#timelineSoon());
    }
    client.on('clip', ({ clip }) => {
      if (clip.state === 'failed') this.note = t('desk.call.clipFailed', { why: tMaybe('clip.reason.', clip.reason ?? '') });
      void this.#clipAddresses(clip);
    });
    client.on('still', ({ still }) => {
      this.#noLongerAwaited(still.id);
      void this.#stillAddresses(still);
    });
    client.on('light_result', (result) => this.#lightResult(result));
    client.on('photograph_failed', ({ photo }) => {
      if (this.#noLongerAwaited(photo)) this.note = t('desk.call.photoFailed');
    });
    client.on('renewed', () => void this.#renewed());
    client.on('closed', ({ code }) => {
      const why: Record<number, LinkTrouble> = { 4409: 'replaced', 4403: 'denied', 4401: 'expired' };
      this.trouble = why[code] ?? 'offline';
      this.call?.stop();
      this.#stopRinging?.();
    });
  }

  /** The server forgot the session (it restarted): say again what it must know. */
  async #renewed(): Promise<void> {
    const wanted = this.call?.caseId;
    if (wanted) await this.client.request('join', { case: wanted }).catch(() => this.#callOver('timeout'));
    if (this.available) await this.client.request('available', { on: true }).catch(() => {});
    if (wanted) await this.consentToVoice(this.voice).catch(() => {});
    // A clip that was being recorded is repaired in the server's first moments.
    for (const wait of [0, 2000, 5000]) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.selected) await this.openCase(this.selected.id);
    }
  }

  // --- presence and offers

  async setAvailable(on: boolean): Promise<void> {
    this.note = '';
    this.available = on;
    if (!on) this.waiting = [];
    if (on) {
      const trouble = await askForDevices();
      if (trouble) this.note = t('desk.call.camera', { why: trouble });
    }
    try {
      await this.client.request('available', { on });
    } catch (error) {
      this.available = false;
      this.note = (error as Error).message;
    }
  }

  #presence(available: boolean, wrapping: boolean): void {
    this.wrapping = wrapping;
    if (this.available && !available && !this.call) this.note = t('desk.missedNote');
    this.available = available;
    if (!available) this.waiting = [];
  }

  #offered(offer: CallOffer): void {
    const until = Date.parse(offer.expires_at) + this.client.clockSkewMs;
    this.note = '';
    this.offer = { ...offer, until: Number.isNaN(until) ? Date.now() + offer.ring_ms : until };
    this.#stopRinging?.();
    this.#stopRinging = ring();
    document.title = `● ${t('desk.offer.badge', { name: offer.buyer.name })}`;
  }

  #offerOver(note = ''): void {
    this.offer = undefined;
    this.#stopRinging?.();
    this.#stopRinging = undefined;
    this.note = note;
    document.title = `${t('desk.title')} · ${t('app.name')}`;
  }

  async accept(): Promise<void> {
    const offer = this.offer;
    if (!offer) return;
    this.#offerOver();
    try {
      const { room, case: id } = await this.client.request('accept', { reservation: offer.reservation });
      await this.#enterCall(room, id);
    } catch (error) {
      this.note = (error as Error).message;
    }
  }

  async decline(): Promise<void> {
    const offer = this.offer;
    this.#offerOver();
    if (offer) await this.client.request('decline', { reservation: offer.reservation }).catch(() => {});
  }

  // --- the call

  /** Into a call that is going on: after a reload, or from its case's page. */
  async join(id: string): Promise<void> {
    const joined = await this.client.request('join', { case: id });
    await this.#enterCall(joined.room, joined.case);
  }

  /** After a reload: back into the call, if it is still on. */
  async #resumeCall(id: string): Promise<void> {
    const one = await this.rest.case(id).catch(() => undefined);
    if (one?.state === 'in_call') return this.join(id);
    sessionStorage.removeItem('loupe.desk.call');
    this.#openFromAddress();
  }

  async #enterCall(room: string, id: string): Promise<void> {
    sessionStorage.setItem('loupe.desk.call', id);
    this.room.unread = 0;
    this.room.messages = [];
    this.view = 'stage';
    this.panel = 'checklist';
    this.note = '';
    this.call = new DeskCall(this.client, room, id, () => this.requestUpdate());
    void this.consentToVoice(this.voice).catch(() => {});
    void this.openCase(id);
    await this.call.start();
  }

  async hangUp(): Promise<void> {
    const asked = this.client.request('hang_up', {});
    this.#callOver('hung_up');
    await asked.catch(() => {});
  }

  leaveCall(): void {
    this.#callOver('left');
  }

  #callOver(reason: string): void {
    const { call } = this;
    if (!call) return;
    this.call = undefined;
    this.awaited = new Set();
    this.challenging = false;
    call.stop();
    // A room left open would take the buyer's next call without asking.
    void this.client.request('leave', {}).catch(() => {});
    sessionStorage.removeItem('loupe.desk.call');
    this.room.recordingClips = [];
    this.room.people.clear();
    this.note = reason === 'timeout' ? t('desk.call.endedLost') : t('desk.call.ended');
    void this.openCase(call.caseId);
    void this.loadCases();
  }

  async record(): Promise<void> {
    const { call, room } = this;
    const publisher = room.buyer?.identity;
    if (!call || !publisher) return;
    this.note = '';
    try {
      if (room.recordingClips.length > 0) {
        await Promise.all(room.recordingClips.map((id) => this.rest.stopClip(id)));
        room.recordingClips = [];
      } else {
        const clip = await this.rest.startClip(call.room, { publisher });
        room.putClip(clip);
        if (!room.recordingClips.includes(clip.id)) room.recordingClips = [clip.id];
        room.recordingSince ||= Date.now();
      }
    } catch (error) {
      this.note = t('desk.call.failed', { why: (error as Error).message });
    }
    this.requestUpdate();
  }

  /** What was in the last minute, as a clip. */
  async lookBack(): Promise<void> {
    const { call, room } = this;
    const publisher = room.buyer?.identity;
    if (!call || !publisher || this.lookingBack) return;
    this.note = '';
    this.lookingBack = true;
    try {
      const clip = await this.rest.lookBack(call.room, { seconds: LOOK_BACK_S, publisher });
      room.putClip(clip);
      void this.#lookedBack(clip.id);
    } catch (error) {
      this.note = t('desk.call.lookBackFailed', { why: (error as Error).message });
    }
    this.lookingBack = false;
  }

  /** Says what came of it, for a while: how much there was to save. */
  async #lookedBack(id: string): Promise<void> {
    const saved = () => this.room.clips.find((clip) => clip.id === id);
    for (let i = 0; i < DONE_TRIES && !SETTLED.has(saved()?.state ?? ''); i++) {
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS / 4));
    }
    const { state, duration_ms = 0 } = saved() ?? {};
    if (state !== 'ready') return;
    const text = t('desk.call.lookBackSaved', { length: duration(duration_ms) });
    this.done = text;
    setTimeout(() => this.done === text && (this.done = ''), DONE_SHOWN_MS);
  }

  async still(): Promise<void> {
    const { call, room } = this;
    const publisher = room.buyer?.identity;
    if (!call || !publisher || this.takingStill) return;
    this.note = '';
    this.takingStill = true;
    try {
      room.putStill(await this.rest.takeStill(call.room, { publisher }));
    } catch (error) {
      this.note = t('desk.call.stillFailed', { why: (error as Error).message });
    }
    this.takingStill = false;
  }

  /** Asks the buyer's page for a photograph at its camera's full resolution. */
  async photograph(): Promise<void> {
    const identity = this.room.buyer?.identity;
    if (!this.call || !identity) return;
    this.note = '';
    try {
      const { photo } = await this.client.request('photograph', { identity });
      this.awaited = new Set([...this.awaited, photo]);
    } catch {
      this.note = t('desk.call.photoFailed');
    }
  }

  /** Has the buyer's light follow a pattern, to see that the picture is live. */
  async challenge(): Promise<void> {
    const identity = this.room.buyer?.identity;
    if (!this.call || !identity || this.challenging) return;
    this.note = '';
    this.challenging = true;
    try {
      await this.client.request('light_challenge', { identity });
    } catch (error) {
      this.challenging = false;
      this.note = t('desk.light.noVerdict', { why: (error as Error).message });
    }
  }

  #lightResult({ passed, reason }: ServerMessages['light_result']): void {
    this.challenging = false;
    this.note = reason ? t('desk.light.noVerdict', { why: reason }) : passed ? t('desk.light.passed') : t('desk.light.failed');
    this.#timelineSoon();
  }

  #noLongerAwaited(photo: string): boolean {
    const was = this.awaited.has(photo);
    this.awaited = new Set([...this.awaited].filter((one) => one !== photo));
    return was;
  }

  // --- the agent's own voice in clips

  get voice(): boolean {
    return localStorage.getItem(this.#voiceKey) === 'yes';
  }

  get #voiceKey(): string {
    return `loupe.voice.${this.link.claims?.sub ?? ''}`;
  }

  async consentToVoice(recording: boolean): Promise<void> {
    localStorage.setItem(this.#voiceKey, recording ? 'yes' : 'no');
    this.requestUpdate();
    if (this.call) await this.client.request('consent', { recording });
  }

  // --- cases

  async loadCases(): Promise<void> {
    try {
      const wanted = { q: this.search, limit: CASES_SHOWN };
      let page = await this.rest.cases(wanted);
      // The server looks at so many cases for a page: there may be some further on.
      for (let i = 0; i < PAGES_TRIED && page.items.length === 0 && page.next_cursor; i++) {
        page = await this.rest.cases({ ...wanted, cursor: page.next_cursor });
      }
      this.cases = page.items;
      this.casesFailed = false;
    } catch {
      this.casesFailed = true;
    }
  }

  searchFor(text: string): void {
    this.search = text;
    clearTimeout(this.#searchTimer);
    this.#searchTimer = setTimeout(() => void this.loadCases(), SEARCH_SETTLES_MS);
  }

  showCase(id: string): void {
    history.pushState(null, '', `?case=${encodeURIComponent(id)}${location.hash}`);
    this.view = 'stage';
    void this.openCase(id);
  }

  closeCase(): void {
    history.pushState(null, '', location.pathname + location.hash);
    this.selected = undefined;
  }

  #openFromAddress(): void {
    const id = new URLSearchParams(location.search).get('case');
    if (id) void this.openCase(id);
    else this.selected = undefined;
  }

  async openCase(id: string): Promise<void> {
    if (this.selected?.id !== id) {
      this.selected = this.cases.find((one) => one.id === id);
      this.timeline = [];
      this.room.clips = [];
      this.room.stills = [];
    }
    try {
      const [one, clips, stills] = await Promise.all([
        this.rest.case(id), this.rest.clips(id), this.rest.stills(id),
      ]);
      this.selected = one;
      this.room.putClips(clips.items);
      this.room.stills = stills.items;
    } catch (error) {
      this.note = t('case.failed', { why: (error as Error).message });
    }
    await this.#loadTimeline();
  }

  /** A clip that is being made. Who is not in the room is told nothing of it, and so looks again. */
  async follow(made: Clip): Promise<void> {
    let clip = made;
    const isShown = () => this.selected?.id === made.case;
    for (let i = 0; i < FOLLOW_TIMES && isShown() && !SETTLED.has(clip.state); i++) {
      this.room.putClip(clip);
      this.requestUpdate();
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
      clip = await this.rest.clip(clip.id).catch(() => clip);
    }
    if (!isShown()) return;
    this.room.putClip(clip);
    this.#timelineSoon();
  }

  /** A clip or a still is gone: what is left of it stands among the tombstones. */
  deleted({ object, id }: { object: 'clip' | 'still'; id: string }): void {
    this.room.remove(object, id);
    this.requestUpdate();
    this.#timelineSoon();
    void this.querySelector<KeepElement>('.stage-column > lp-keep')?.load();
  }

  /** The browser downloads it by itself, as large as it may be, under the case's number. */
  async exportCase(): Promise<void> {
    const one = this.selected;
    if (!one || this.exporting) return;
    this.note = '';
    this.exporting = true;
    try {
      const { url } = await this.rest.exportLink(one.id);
      Object.assign(document.createElement('a'), { href: url, download: `${one.number}.zip` }).click();
    } catch (error) {
      this.note = t('desk.export.failed', { why: (error as Error).message });
    }
    this.exporting = false;
    this.#timelineSoon();
  }

  /** The addresses in a clip are made for one person: a message to all of the room has none. */
  async #clipAddresses(clip: Clip): Promise<void> {
    if (clip.state !== 'ready' || clip.poster_url) return;
    const whole = await this.rest.clip(clip.id).catch(() => clip);
    this.room.putClip(whole);
    this.requestUpdate();
  }

  async #stillAddresses(still: Still): Promise<void> {
    if (this.room.stills.find((one) => one.id === still.id)?.poster_url) return;
    const whole = await this.rest.still(still.id).catch(() => still);
    this.room.putStill(whole);
    this.requestUpdate();
  }

  caseChanged(one: Case): void {
    /* Over the WebSocket tags and links are left out. */
    const { tags, links } = this.selected ?? {};
    if (this.selected?.id === one.id) this.selected = { ...(tags ? { tags } : {}), ...(links ? { links } : {}), ...one };
    this.cases = this.cases.map((known) => (known.id === one.id ? one : known));
    this.#timelineSoon();
  }

  #timelineSoon(): void {
    clearTimeout(this.#timelineTimer);
    this.#timelineTimer = setTimeout(() => void this.#loadTimeline(), TIMELINE_SETTLES_MS);
  }

  async #loadTimeline(): Promise<void> {
    const id = this.selected?.id;
    if (!id) return;
    for (;;) {
      const page = await this.rest.timeline(id, this.timeline.at(-1)?.seq).catch(() => undefined);
      if (!page || this.selected?.id !== id) return;
      const last = this.timeline.at(-1)?.seq ?? 0;
      this.timeline = [...this.timeline, ...page.items.filter(({ seq }) => seq > last)];
      if (!page.next_cursor || page.items.length === 0) return;
    }
  }

  // --- views

  protected override render() {
    if (this.trouble) return this.trouble === 'role' ? roleView() : troubleView(this.trouble);
    return html`<div class="desk ${this.selected ? '' : 'bare'}" data-view=${this.view} data-testid="desk" data-state=${this.client.state}>
      ${this.#header()} ${listsView(this)} ${stageView(this)} ${sideView(this)} ${this.#tabs()}
      ${this.offer ? offerView(this, this.offer) : nothing}
    </div>`;
  }

  #header() {
    const { client, call, available } = this;
    const tone = call || this.wrapping ? 'busy' : available ? 'on' : 'off';
    const word = call ? t('desk.inCall') : this.wrapping ? t('desk.wrapping') : available ? t('desk.available') : t('desk.away');
    const takesCalls = ['agent', 'appraiser'].includes(this.link.claims?.role ?? '');
    return html`<header class="desk-top">
      ${brand()}
      ${client.state === 'open'
        ? nothing
        : html`<span class="banner" role="status" data-testid="connection">${icon('warn')}
            ${client.state === 'reconnecting' ? t('desk.reconnecting') : t('desk.connecting')}</span>`}
      <span class="who">${client.welcome?.name ?? this.link.claims?.name ?? ''}</span>
      <span class="presence ${tone}" ?hidden=${!takesCalls} role="group" aria-label=${t('desk.presence')}>
        <span class="state" data-testid="presence"><span class="dot"></span>${word}</span>
        <button class="button tight ${available ? '' : 'main'}" data-testid="availability"
          aria-pressed=${available} ?disabled=${client.state !== 'open'}
          @click=${() => void this.setAvailable(!available)}>
          ${available ? t('desk.goAway') : t('desk.goAvailable')}
        </button>
      </span>
    </header>`;
  }

  #tabs() {
    const tabs = [
      ['lists', 'list', t('desk.tab.list')],
      ['stage', 'cam', t('desk.tab.call')],
      ['side', 'box', t('desk.tab.case')],
    ] as const;
    return html`<nav class="desk-tabs">
      ${tabs.map(
        ([view, name, word]) => html`<button aria-current=${this.view === view ? 'page' : nothing}
          data-testid="tab-${view}" @click=${() => (this.view = view)}>${icon(name)}${word}</button>`,
      )}
    </nav>`;
  }
}

function roleView() {
  return html`<main class="trouble" data-testid="link-trouble" data-trouble="role">
    ${icon('desk')}
    <h1>${t('desk.token.title')}</h1>
    <p class="quiet">${t('desk.role')}. ${t('desk.token.text')}</p>
  </main>`;
}
