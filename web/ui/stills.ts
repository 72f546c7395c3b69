// SPDX-License-Identifier: Apache-2.0
// The stills and photographs of a case as a strip of small pictures, and one or two of them large, side by
// side under one loupe, with what was measured in words. The large ones' addresses are asked for when they are
// opened: they are good for ten minutes, and each look is told.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { clockExact, dateTime, number, percent, t } from '../i18n/index.js';
import type { LoupeRest, Still } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import { lightWord, sharpWord, type LightWord, type SharpWord } from './evidence.js';
import type { Spot } from './loupe.js';
import './keep.js';
import './loupe.js';

const ZOOMS = [1, 2, 4];
const SHARP: Record<SharpWord, () => string> = {
  soft: () => t('still.sharp.soft'), fair: () => t('still.sharp.fair'), sharp: () => t('still.sharp.sharp'),
};
const LIGHT: Record<LightWord, () => string> = {
  dark: () => t('still.light.dark'), bright: () => t('still.light.bright'),
  harsh: () => t('still.light.harsh'), good: () => t('still.light.good'),
};

@customElement('lp-stills')
export class StillsElement extends PageElement {
  /** Oldest first. */
  @property({ attribute: false }) stills: Still[] = [];
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) names = new Map<string, string>();
  /** Of who looks. */
  @property() viewerRole = '';
  /** One or two, with their addresses; the one that a click in the strip changes. */
  @state() private open: Still[] = [];
  @state() private active = 0;
  @state() private spot: Spot | undefined;
  @state() private zoom = 2;
  @state() private failed = '';

  protected override render() {
    return html`<div class="stills" data-testid="stills">
        ${this.stills.map((still) => this.#thumb(still, 'still', () => void this.#show(still))).reverse()}
      </div>
      ${this.failed ? html`<p class="banner bad" role="alert">${this.failed}</p>` : nothing}
      ${this.#viewer()}`;
  }

  #nameOf(still: Still): string {
    const n = this.stills.findIndex((one) => one.id === still.id) + 1;
    return still.label || (still.kind === 'photo' ? t('still.photo', { n }) : t('still.n', { n }));
  }

  #thumb(still: Still, testid: string, act: () => void) {
    const name = this.#nameOf(still);
    const shown = this.open.findIndex((one) => one.id === still.id);
    return html`<button class="still" data-testid=${testid} data-id=${still.id} data-kind=${still.kind}
        aria-label=${t('still.open', { name })} aria-current=${testid === 'other-still' && shown >= 0 ? 'true' : nothing} @click=${act}>
      ${still.poster_url ? html`<img src=${still.poster_url} alt="" @error=${hide} />` : icon('photo')}
      <span class="small">${name}</span>
    </button>`;
  }

  #viewer() {
    const { open } = this;
    return html`<dialog class="player whole still-viewer" data-testid="still-viewer" aria-label=${t('still.viewer')}
        @close=${this.#closed}>
      ${open.length > 0
        ? html`<header>
              <strong>${open.map((still) => this.#nameOf(still)).join(' · ')}</strong>
              <span class="still-tools">${this.#zooms()}
                ${this.stills.length > 1
                  ? html`<button class="button tight" data-testid="side-by-side" aria-pressed=${open.length > 1}
                      @click=${() => void this.#split()}>${icon('columns')}${t('still.sideBySide')}</button>`
                  : nothing}
                <button class="button plain round" aria-label=${t('action.close')} @click=${this.#close}
                  data-testid="still-close">${icon('close')}</button></span>
            </header>
            <div class="panes ${open.length > 1 ? 'two' : ''}">${open.map((still, index) => this.#pane(still, index))}</div>
            ${this.stills.length > 1
              ? html`<div class="stills strip">${this.stills.map((still) =>
                  this.#thumb(still, 'other-still', () => void this.#put(still)))}</div>`
              : nothing}`
        : nothing}
    </dialog>`;
  }

  #zooms() {
    return html`<span class="zooms" role="group" aria-label=${t('still.loupe')}>
      ${ZOOMS.map((zoom) => html`<button class="button tight" aria-pressed=${this.zoom === zoom}
        aria-label="${t('still.loupe')} ${zoom}×" @click=${() => (this.zoom = zoom)}>${zoom}×</button>`)}
    </span>`;
  }

  #pane(still: Still, index: number) {
    const active = this.open.length > 1 && this.active === index;
    return html`<figure class="pane ${active ? 'active' : ''}" @pointerdown=${() => (this.active = index)}
        @focusin=${() => (this.active = index)}>
      <lp-loupe .src=${still.media_url ?? ''} .label=${this.#nameOf(still)} .spot=${this.spot} .zoom=${this.zoom}
        .wide=${Math.max(...this.open.map((one) => one.width))}
        @spot=${(event: CustomEvent<Spot | undefined>) => (this.spot = event.detail)}
        @pictureerror=${() => (this.failed = t('still.failed', { why: '' }))}></lp-loupe>
      <figcaption>
        <p>${words(still)}</p>
        <p class="small quiet">${dateTime(still.at)} (${clockExact(still.at)}) · ${still.width} × ${still.height}${figures(still)}</p>
        ${still.place
          ? html`<p class="small" data-testid="still-place">${icon('pin')}${t('still.place', { place: `${still.place.latitude.toFixed(5)}, ${still.place.longitude.toFixed(5)}` })}</p>`
          : nothing}
        <p class="pane-links"><a href=${still.media_url ?? ''} download="still-${still.id}.jpg">${t('still.download')}</a>
          ${still.record_url ? html`<a href=${still.record_url} download="still-${still.id}.still.json">${t('still.record')}</a>` : nothing}
          <code class="small">SHA-256 ${still.sha256}</code></p>
        ${this.open.length === 1 && this.viewerRole
          ? html`<details class="fold"><summary><h4>${icon('lock')}${t('keep.title')}</h4></summary>
              <lp-keep .case=${still.case} .thing=${{ object: 'still', id: still.id, kept_until: still.kept_until }} .rest=${this.rest}
                .names=${this.names} .viewerRole=${this.viewerRole} @deleted=${() => this.#gone(still.id)}></lp-keep></details>`
          : nothing}
      </figcaption>
    </figure>`;
  }

  /** The one of this id, large. */
  show(id: string): void {
    const still = this.stills.find((one) => one.id === id);
    if (still) void this.#show(still);
  }

  async #whole(still: Still): Promise<Still | undefined> {
    this.failed = '';
    try {
      return (await this.rest?.still(still.id)) ?? still;
    } catch (error) {
      this.failed = t('still.failed', { why: (error as Error).message });
      return undefined;
    }
  }

  async #show(still: Still): Promise<void> {
    const whole = await this.#whole(still);
    if (!whole) return;
    this.open = [whole];
    this.active = 0;
    await this.updateComplete;
    const dialog = this.querySelector('dialog');
    if (dialog && !dialog.open) dialog.showModal();
  }

  /** In place of the active one. */
  async #put(still: Still): Promise<void> {
    const whole = await this.#whole(still);
    if (whole) this.open = this.open.map((one, index) => (index === Math.min(this.active, this.open.length - 1) ? whole : one));
  }

  /** Beside it comes the next one of the other kind, if there is one: a still's photograph. */
  async #split(): Promise<void> {
    const [first] = this.open;
    if (!first) return;
    if (this.open.length > 1) {
      this.open = [first];
      return;
    }
    const others = this.stills.filter((one) => one.id !== first.id);
    const beside = others.find((one) => one.kind !== first.kind) ?? others.at(-1);
    const whole = beside ? await this.#whole(beside) : undefined;
    if (!whole) return;
    this.open = [first, whole];
    this.active = 1;
  }

  #gone(id: string): void {
    this.#close();
    this.dispatchEvent(new CustomEvent('deleted', { detail: { object: 'still', id } }));
  }

  #close(): void {
    this.querySelector('dialog')?.close();
  }

  #closed(): void {
    this.open = [];
    this.spot = undefined;
  }
}

function words({ sharpness, luma, clipped_dark: dark, clipped_bright: bright }: Still) {
  const sharp = sharpness === undefined ? undefined : sharpWord(sharpness);
  const light = luma === undefined ? undefined : lightWord({ luma, dark, bright });
  return html`<span data-testid="still-words">${sharp ? html`<span class="chip ${sharp === 'soft' ? 'warm' : 'good'}">${SHARP[sharp]()}</span> ` : nothing}
    ${light ? html`<span class="chip ${light === 'good' ? 'good' : 'warm'}">${LIGHT[light]()}</span>` : nothing}</span>`;
}

function figures(still: Still) {
  const { sharpness, luma, clipped_dark: dark = 0, clipped_bright: bright = 0, codec, quantizer } = still;
  const told = [
    sharpness === undefined ? '' : t('still.sharpness', { value: number(sharpness) }),
    luma === undefined ? '' : t('still.luma', { value: number(luma) }),
    dark >= 0.001 ? t('still.dark', { value: percent(dark) }) : '',
    bright >= 0.001 ? t('still.bright', { value: percent(bright) }) : '',
    quantizer === undefined ? '' : t('still.quantizer', { value: quantizer, codec: codec ?? '' }),
  ].filter(Boolean);
  return html`<span data-testid="still-measures">${told.map((text) => html` · ${text}`)}</span>`;
}

function hide(event: Event): void {
  (event.target as HTMLElement).hidden = true;
}
