// SPDX-License-Identifier: Apache-2.0
// The stills of a case as a strip of small pictures, and one of them large, with what was measured. The
// large one's address is asked for when it is opened: it is good for ten minutes, and each look is told.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, number, percent, t } from '../i18n/index.js';
import type { LoupeRest, Still } from '../sdk/index.js';
import { PageElement, icon } from './element.js';

@customElement('lp-stills')
export class StillsElement extends PageElement {
  /** Oldest first. */
  @property({ attribute: false }) stills: Still[] = [];
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @state() private open: Still | undefined;
  @state() private failed = '';

  protected override render() {
    return html`<div class="stills" data-testid="stills">
        ${this.stills.map((still, index) => this.#still(still, index + 1)).reverse()}
      </div>
      ${this.failed ? html`<p class="banner bad" role="alert">${this.failed}</p>` : nothing}
      ${this.#viewer()}`;
  }

  #still(still: Still, n: number) {
    const name = still.label || (still.kind === 'photo' ? t('still.photo', { n }) : t('still.n', { n }));
    return html`<button class="still" data-testid="still" data-id=${still.id} data-kind=${still.kind} aria-label=${t('still.open', { name })}
        @click=${() => void this.#show(still)}>
      ${still.poster_url ? html`<img src=${still.poster_url} alt="" @error=${hide} />` : icon('photo')}
      <span class="small">${name}</span>
    </button>`;
  }

  #viewer() {
    const still = this.open;
    return html`<dialog class="player" data-testid="still-viewer" aria-label=${t('still.viewer')} @close=${this.#closed}>
      ${still
        ? html`<header>
              <strong>${still.label || t('still.viewer')}</strong>
              <button class="button plain round" aria-label=${t('action.close')} @click=${this.#close}
                data-testid="still-close">${icon('close')}</button>
            </header>
            <img data-testid="still-picture" src=${still.media_url ?? ''} alt=${still.label || t('still.viewer')}
              @error=${this.#pictureFailed} />
            <footer>
              ${dateTime(still.at)} · ${still.width} × ${still.height}
              ${measures(still)} · SHA-256 ${still.sha256}
            </footer>`
        : nothing}
    </dialog>`;
  }

  /** The one of this id, large. */
  show(id: string): void {
    const still = this.stills.find((one) => one.id === id);
    if (still) void this.#show(still);
  }

  async #show(still: Still): Promise<void> {
    this.failed = '';
    try {
      this.open = (await this.rest?.still(still.id)) ?? still;
    } catch (error) {
      this.failed = t('still.failed', { why: (error as Error).message });
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

  #pictureFailed(): void {
    this.failed = t('still.failed', { why: '' });
  }
}

function measures(still: Still) {
  const { sharpness, luma, clipped_dark: dark = 0, clipped_bright: bright = 0 } = still;
  const told = [
    sharpness === undefined ? '' : t('still.sharpness', { value: number(sharpness) }),
    luma === undefined ? '' : t('still.luma', { value: number(luma) }),
    dark >= 0.001 ? t('still.dark', { value: percent(dark) }) : '',
    bright >= 0.001 ? t('still.bright', { value: percent(bright) }) : '',
  ].filter(Boolean);
  return html`<span data-testid="still-measures">${told.map((text) => html` · ${text}`)}</span>`;
}

function hide(event: Event): void {
  (event.target as HTMLElement).hidden = true;
}
