// SPDX-License-Identifier: Apache-2.0
// A clip as evidence: its picture with the line of what happened, the certificate of the unbroken take, the
// seal, downloads, and a part of it as a new clip. The clip's addresses are asked for when it is opened, and anew
// when they have run out; each view is told on the timeline.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, duration, exactTime, t, tMaybe } from '../i18n/index.js';
import type { Clip, ClipDrawing, LoupeRest, Still } from '../sdk/index.js';
import { checkClip, type CheckResult } from './clip-check.js';
import type { Cut } from './clip-cut.js';
import { seenView } from './clip-seen.js';
import { certificate, happenings, howToVerify, sealCard } from './clip-facts.js';
import { PageElement, icon } from './element.js';
import { evidenceOf, placesOf, type Evidence, type Manifest, type PublicKey } from './evidence.js';
import { Renewal } from './renewal.js';
import { shapesAt } from './drawings-at.js';
import './clip-bar.js';
import './ink.js';
import './keep.js';

type WholeManifest = Parameters<typeof checkClip>[0];

const CHECKS: Record<CheckResult, () => string> = {
  verified: () => t('clip.check.verified'),
  altered: () => t('clip.check.altered'),
  bad_signature: () => t('clip.check.badSignature'),
  unknown_key: () => t('clip.check.unknownKey'),
  bad_key: () => t('clip.check.badKey'),
  unsupported: () => t('clip.check.unsupported'),
};

/** Says `made` (a new clip), `still` (one is to be looked at: its id) and `close`. */
@customElement('lp-clip-view')
export class ClipViewElement extends PageElement {
  /** With its addresses. */
  @property({ attribute: false }) clip: Clip | undefined;
  @property() name = '';
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) stills: Still[] = [];
  /** Names of the case's people, by identity. */
  @property({ attribute: false }) names = new Map<string, string>();
  @property({ type: Boolean }) cuts = false;
  /** Of who looks. */
  @property() viewerRole = '';
  @state() private manifest: WholeManifest | undefined;
  @state() private evidence: Evidence | undefined;
  @state() private keys: PublicKey[] | undefined;
  @state() private drawings: ClipDrawing[] = [];
  /** They are. */
  @state() private shown = true;
  @state() private at = 0;
  @state() private length = 0;
  @state() private cut: Cut | undefined;
  @state() private saving = false;
  @state() private note = '';
  @state() private failed = '';
  @state() private checking = false;
  @state() private checked: CheckResult | undefined;
  #frame = 0;
  readonly #renewal = new Renewal((id) => this.rest?.clip(id) ?? Promise.reject(new Error('closed')));

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('clip') as Clip | undefined;
    if (this.clip) this.#renewal.note(this.clip);
    if (!changed.has('clip') || !this.clip || before?.id === this.clip.id) return;
    this.manifest = undefined;
    this.evidence = undefined;
    this.cut = undefined;
    this.checked = undefined;
    this.note = this.failed = '';
    this.drawings = [];
    this.at = 0;
    this.length = this.clip.duration_ms ?? 0;
    void this.#load(this.clip.id);
    void this.#loadDrawings(this.clip.id);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    cancelAnimationFrame(this.#frame);
  }

  async #loadDrawings(id: string): Promise<void> {
    const found = await this.rest?.drawings(id).catch(() => undefined);
    if (found && this.clip?.id === id) this.drawings = found.items;
  }

  async #load(id: string): Promise<void> {
    try {
      const [manifest, keys] = await Promise.all([
        this.rest?.manifest<WholeManifest>(id),
        this.rest?.publicKeys().catch(() => undefined),
      ]);
      if (this.clip?.id !== id || !manifest) return;
      this.manifest = manifest;
      this.evidence = evidenceOf(manifest as Manifest);
      this.keys = keys;
      this.length = this.clip.duration_ms || this.evidence.length_ms;
    } catch (error) {
      if (this.clip?.id === id) this.failed = t('clip.facts.failed', { why: (error as Error).message });
    }
  }

  protected override render() {
    const { clip } = this;
    if (!clip) return nothing;
    return html`<header>
        <div><h2>${this.name}</h2><p class="small quiet">${this.#about(clip)}</p></div>
        <button class="button plain round" aria-label=${t('action.close')} data-testid="player-close"
          @click=${() => this.dispatchEvent(new CustomEvent('close-view'))}>${icon('close')}</button>
      </header>
      <div class="clip-body">
        <div class="clip-main">
          <div class="clip-picture">
            <video controls autoplay playsinline data-testid="player-video" src=${clip.media_url ?? ''}
              poster=${clip.poster_url ?? nothing} aria-label=${this.name} @error=${this.#videoFailed}
              @timeupdate=${this.#moved} @play=${this.#follow} @seeking=${this.#moved}></video>
            ${this.drawings.length > 0 && this.shown ? html`<lp-ink .shapes=${shapesAt(this.drawings, this.at)}></lp-ink>` : nothing}
          </div>
          <lp-clip-bar .evidence=${this.evidence} .length=${this.length} .at=${this.at} .stills=${this.#places()}
            .cut=${this.cut} @seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
            @cut=${(event: CustomEvent<Cut>) => (this.cut = event.detail)}
            @still=${(event: CustomEvent<string>) => this.dispatchEvent(new CustomEvent('still', { detail: event.detail }))}
          ></lp-clip-bar>
          ${seenView(this.evidence?.seen ?? [], this.length, this.names, (ms) => this.seek(ms))}
          ${this.failed ? html`<p class="banner bad" role="alert" data-testid="clip-failed">${icon('warn')}${this.failed}</p>` : nothing}
          <p class="only-read" role="status">${this.note}</p>
          ${this.note ? html`<p class="banner good" data-testid="clip-note" aria-hidden="true">${icon('check')}${this.note}</p>` : nothing}
          ${this.cut ? this.#cutting(this.cut) : this.#actions(clip)}
        </div>
        <div class="clip-facts">${this.#facts(clip)}</div>
      </div>`;
  }

  #about(clip: Clip): string {
    const kind = tMaybe('clip.kind.', clip.kind ?? '', '');
    return [kind, clip.started_at ? dateTime(clip.started_at) : '', duration(this.length)].filter(Boolean).join(' · ');
  }

  #places() {
    const places = placesOf(this.stills, this.evidence?.started_at, this.length, this.clip?.publisher);
    return places.map(({ at_ms, still }) => ({ at_ms, id: still.id, name: still.label || t('still.viewer') }));
  }

  #actions(clip: Clip) {
    const file = this.#fileName(clip);
    return html`<div class="clip-actions">
      ${this.cuts && this.length > 1000
        ? html`<button class="button tight" data-testid="trim" @click=${this.#beginCut}>${icon('cut')}${t('clip.trim.button')}</button>`
        : nothing}
      <a class="button tight" href=${clip.media_url ?? ''} download="${file}.webm" data-testid="download-clip" @click=${this.#download}>
        ${icon('save')}${t('clip.download.clip')}</a>
      <a class="button tight" href=${clip.manifest_url ?? ''} download="${file}.manifest.json" data-testid="download-manifest"
        @click=${this.#download}>
        ${icon('save')}${t('clip.download.manifest')}</a>
      ${this.drawings.length > 0
        ? html`<button class="button tight" data-testid="show-drawings" aria-pressed=${this.shown}
            @click=${() => (this.shown = !this.shown)}>${icon('pen')}${t('draw.show')}</button>`
        : nothing}
    </div>`;
  }

  #cutting(cut: Cut) {
    return html`<section class="cutting" aria-label=${t('clip.trim.button')} data-testid="cutting">
      <p><strong class="numbers">${exactTime(cut.from_ms)} – ${exactTime(cut.to_ms)}</strong>
        <span class="numbers"> · ${t('clip.trim.length', { n: ((cut.to_ms - cut.from_ms) / 1000).toFixed(1) })}</span><br />
        <span class="small quiet">${t('clip.trim.text')}</span></p>
      <div class="clip-actions">
        <button class="button tight plain" @click=${() => (this.cut = undefined)}>${t('action.cancel')}</button>
        <button class="button tight main" data-testid="trim-save" ?disabled=${this.saving} @click=${this.#saveCut}>
          ${this.saving ? t('clip.trim.saving') : t('clip.trim.save')}</button>
      </div>
    </section>`;
  }

  #facts(clip: Clip) {
    const { evidence } = this;
    const seek = (ms: number) => this.seek(ms);
    if (!evidence) return this.failed ? nothing : html`<p class="small quiet" role="status">${t('clip.facts.loading')}</p>`;
    const copy = (text: string) => void navigator.clipboard?.writeText(text).then(() => (this.note = t('trouble.copied')));
    return html`${certificate(evidence, seek)} ${sealCard(evidence, this.keys, this.#check())}
      ${happenings(evidence, this.names, seek)} ${howToVerify(this.#fileName(clip), copy)}
      <lp-keep .case=${clip.case} .thing=${{ object: 'clip', id: clip.id, kept_until: clip.kept_until }} .rest=${this.rest}
        .names=${this.names} .viewerRole=${this.viewerRole}
        @deleted=${() => this.dispatchEvent(new CustomEvent('deleted', { detail: clip.id }))}></lp-keep>`;
  }

  #check() {
    const { checked, checking } = this;
    const bad = checked !== undefined && checked !== 'verified' && checked !== 'unsupported';
    return html`<div class="check" aria-live="polite">
      ${checked
        ? html`<p class="chip wrap ${checked === 'verified' ? 'good' : bad ? 'bad' : 'warm'}" data-testid="checked" data-result=${checked}>
            ${icon(checked === 'verified' ? 'check' : 'warn')}${CHECKS[checked]()}</p>`
        : html`<button class="button tight" data-testid="check-clip" ?disabled=${checking} @click=${this.#runCheck}>
            ${checking ? t('clip.check.running') : t('clip.check.button')}</button>`}
    </div>`;
  }

  #fileName(clip: Clip): string {
    return `clip-${clip.id}`;
  }

  /** Public: the page around it leads to moments, too. */
  seek(ms: number): void {
    const video = this.querySelector('video');
    if (!video) return;
    video.currentTime = ms / 1000;
    this.at = ms;
  }

  /** A player that has lost its address is at no moment, but was at one. */
  #moved(event: Event): void {
    const video = event.target as HTMLVideoElement;
    if (video.readyState > 0) this.at = video.currentTime * 1000;
  }

  /** The line follows the picture, not the few events of it. */
  #follow(event: Event): void {
    const video = event.target as HTMLVideoElement;
    cancelAnimationFrame(this.#frame);
    const look = () => {
      this.at = video.currentTime * 1000;
      if (!video.paused && video.isConnected) this.#frame = requestAnimationFrame(look);
    };
    look();
  }

  /** New addresses, where those that it has may have run out. False: that is not it. */
  async #renew(): Promise<boolean> {
    const { clip } = this;
    const fresh = clip && (await this.#renewal.renew(clip));
    if (!fresh || this.clip?.id !== clip.id) return false;
    this.clip = fresh;
    await this.updateComplete;
    return true;
  }

  /** It goes on where it was, playing or not. */
  async #videoFailed(event: Event): Promise<void> {
    const video = event.target as HTMLVideoElement;
    const why = video.error?.message ?? '';
    const { clip, at } = this;
    const { paused } = video;
    const goOn = () => {
      video.currentTime = at / 1000;
      if (paused) video.pause();
    };
    video.addEventListener('loadedmetadata', goOn, { once: true });
    if (await this.#renew()) return;
    video.removeEventListener('loadedmetadata', goOn);
    if (this.clip?.id === clip?.id) this.failed = t('clip.failed', { why });
  }

  /** A link that is too old is not followed before it is a new one. */
  #download(event: Event): void {
    const link = event.currentTarget as HTMLAnchorElement;
    if (!this.#renewal.old) return;
    event.preventDefault();
    void this.#renew().then((renewed) => {
      if (renewed) link.click();
      else this.failed = t('clip.failed', { why: '' });
    });
  }

  async #beginCut(): Promise<void> {
    this.note = '';
    this.querySelector('video')?.pause();
    const from = this.at < this.length - 1000 ? Math.round(this.at) : 0;
    this.cut = { from_ms: from, to_ms: Math.round(this.length) };
    await this.updateComplete;
    await (this.querySelector('lp-clip-bar') as PageElement | null)?.updateComplete;
    this.querySelector<HTMLElement>('.handle.from')?.focus();
  }

  async #saveCut(): Promise<void> {
    const { clip, cut } = this;
    if (!clip || !cut || this.saving) return;
    this.saving = true;
    this.failed = '';
    try {
      const made = await this.rest?.trim(clip.id, cut);
      this.cut = undefined;
      this.note = t('clip.trim.saved');
      this.dispatchEvent(new CustomEvent('made', { detail: made }));
    } catch (error) {
      this.failed = t('clip.trim.failed', { why: (error as Error).message });
    }
    this.saving = false;
  }

  async #runCheck(): Promise<void> {
    const { clip, manifest } = this;
    if (!clip?.media_url || !manifest) return;
    this.checking = true;
    try {
      let response = await fetch(clip.media_url, { cache: 'no-store' });
      if (response.status === 403 && (await this.#renew())) {
        response = await fetch(this.clip?.media_url ?? '', { cache: 'no-store' });
      }
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const media = await response.arrayBuffer();
      this.checked = await checkClip(manifest, this.keys ?? [], media);
    } catch (error) {
      this.failed = t('clip.failed', { why: (error as Error).message });
    }
    this.checking = false;
  }
}
