// SPDX-License-Identifier: Apache-2.0
// The clips of a case with their states, and the player. A clip's address is asked for when it is
// opened, because it is good for ten minutes only.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, duration, t, tMaybe } from '../i18n/index.js';
import type { Clip, LoupeRest, Still } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import './timer.js';

const TONES: Record<string, string> = { ready: 'good', failed: 'bad', recording: 'bad', finalising: 'warm' };
const STATES = {
  recording: () => t('clip.state.recording'),
  finalising: () => t('clip.state.finalising'),
  ready: () => t('clip.state.ready'),
  failed: () => t('clip.state.failed'),
};

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

@customElement('lp-clips')
export class ClipsElement extends PageElement {
  /** Oldest first. */
  @property({ attribute: false }) clips: Clip[] = [];
  @property({ attribute: false }) rest: LoupeRest | undefined;
  /** Clips open as evidence, with all that is known of them; else they only play. */
  @property({ type: Boolean }) whole = false;
  @property({ type: Boolean }) cuts = false;
  @property() viewerRole = '';
  @property({ attribute: false }) stills: Still[] = [];
  @property({ attribute: false }) names = new Map<string, string>();
  @state() private open: Clip | undefined;
  @state() private failed = '';

  protected override render() {
    if (this.clips.length === 0) {
      return html`<p class="quiet small">${t('clip.empty')}. ${t('clip.emptyHint')}</p>`;
    }
    return html`<div class="clips" data-testid="clips">
        ${this.clips.map((clip, index) => this.#clip(clip, index + 1)).reverse()}
      </div>
      ${this.failed ? html`<p class="banner bad" role="alert">${this.failed}</p>` : nothing}
      ${this.#player()}`;
  }

  #clip(clip: Clip, n: number) {
    const inner = html`<span class="poster">
        ${clip.poster_url && clip.state === 'ready'
          ? html`<img src=${clip.poster_url} alt="" loading="lazy" @error=${hide} />`
          : nothing}
        ${clip.state === 'ready' ? icon('play') : icon(clip.state === 'failed' ? 'warn' : 'record')}
        ${clip.duration_ms ? html`<span class="length">${duration(clip.duration_ms)}</span>` : nothing}
      </span>
      <span>
        <span class="name">${clip.label || t('clip.n', { n })}</span>
        <span class="meta">
          <span class="chip ${TONES[clip.state] ?? ''}">${STATES[clip.state]?.() ?? clip.state}</span>
          ${clip.started_at ? html`<span>${dateTime(clip.started_at)}</span>` : nothing}
          ${clip.held ? html`<span class="chip warm">${icon('lock')}${t('keep.chip')}</span>` : nothing}
          ${clip.bytes ? html`<span>${megabytes(clip.bytes)}</span>` : nothing}
        </span>
        ${this.#remark(clip)}
      </span>`;
    return clip.state === 'ready'
      ? html`<button class="clip" data-testid="clip" data-id=${clip.id} data-state=${clip.state}
          aria-label=${t('clip.play', { n })} @click=${() => this.#show(clip)}>${inner}</button>`
      : html`<div class="clip" data-testid="clip" data-id=${clip.id} data-state=${clip.state}>${inner}</div>`;
  }

  /** What is out of the ordinary of it. */
  #remark(clip: Clip) {
    const told = [
      tMaybe('clip.kind.', clip.kind ?? '', ''),
      clip.repaired ? t('clip.repaired') : '',
      clip.state === 'failed' && clip.reason ? tMaybe('clip.reason.', clip.reason) : '',
    ].filter(Boolean);
    return told.length > 0 ? html`<span class="meta" data-testid="clip-remark">${told.join(' · ')}</span>` : nothing;
  }

  #player() {
    const clip = this.open;
    return html`<dialog class="player ${this.whole ? 'whole' : ''}" data-testid="player" aria-label=${t('clip.player')}
        @close=${this.#closed}>
      ${clip ? (this.whole ? this.#view(clip) : this.#simple(clip)) : nothing}
    </dialog>`;
  }

  #simple(clip: Clip) {
    return html`<header>
        <strong>${this.#nameOf(clip)}</strong>
        <button class="button plain round" aria-label=${t('action.close')} @click=${this.#close}
          data-testid="player-close">${icon('close')}</button>
      </header>
      <video controls autoplay playsinline data-testid="player-video" src=${clip.media_url ?? ''}
        poster=${clip.poster_url ?? nothing} @error=${this.#videoFailed}></video>
      <footer>
        ${clip.started_at ? dateTime(clip.started_at) : ''} · ${duration(clip.duration_ms ?? 0)}
        ${clip.sha256 ? html` · SHA-256 ${clip.sha256}` : nothing}
      </footer>`;
  }

  #view(clip: Clip) {
    return html`<lp-clip-view .clip=${clip} .rest=${this.rest} .stills=${this.stills} .names=${this.names}
      .name=${this.#nameOf(clip)} ?cuts=${this.cuts} .viewerRole=${this.viewerRole} @close-view=${this.#close}
      @deleted=${(event: CustomEvent<string>) => this.#gone(event.detail)}
      @made=${(event: CustomEvent<Clip>) => this.dispatchEvent(new CustomEvent('made', { detail: event.detail }))}
      @still=${(event: CustomEvent<string>) => this.#still(event.detail)}></lp-clip-view>`;
  }

  #nameOf(clip: Clip): string {
    return clip.label || t('clip.n', { n: this.clips.findIndex((one) => one.id === clip.id) + 1 });
  }

  #gone(id: string): void {
    this.#close();
    this.dispatchEvent(new CustomEvent('deleted', { detail: { object: 'clip', id } }));
  }

  /** Stills lie beside the clips on the page, which shows the one that was chosen. */
  #still(id: string): void {
    this.#close();
    this.dispatchEvent(new CustomEvent('still', { detail: id }));
  }

  async #show(clip: Clip): Promise<void> {
    this.failed = '';
    try {
      this.open = (await this.rest?.clip(clip.id)) ?? clip;
    } catch (error) {
      this.failed = t('clip.failed', { why: (error as Error).message });
      return;
    }
    await this.updateComplete;
    this.querySelector('dialog')?.showModal();
  }

  #close(): void {
    this.querySelector('dialog')?.close();
  }

  #closed(): void {
    this.open = undefined;
  }

  #videoFailed(event: Event): void {
    const why = (event.target as HTMLVideoElement).error?.message ?? '';
    this.failed = t('clip.failed', { why });
  }
}

function hide(event: Event): void {
  (event.target as HTMLElement).hidden = true;
}
