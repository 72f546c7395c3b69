// SPDX-License-Identifier: Apache-2.0
// The line under a clip: where the picture ran, what broke it, what is missing, where stills were taken, and
// two handles to cut a part out. It is a slider for the moment shown; so is each handle.
import { html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { exactTime, t, tMaybe } from '../i18n/index.js';
import { keyMoves, moveCut, type Cut } from './clip-cut.js';
import { PageElement, icon } from './element.js';
import { stateAt, type Evidence } from './evidence.js';
import { place } from './place.js';

export interface BarStill {
  at_ms: number;
  id: string;
  name: string;
}

const STEP_MS = 1000;
const FINE_MS = 100;

/** Says `seek` (a moment), `cut` (the handles moved) and `still` (one was chosen, its id). */
@customElement('lp-clip-bar')
export class ClipBarElement extends PageElement {
  @property({ attribute: false }) evidence: Evidence | undefined;
  @property({ type: Number }) length = 0;
  @property({ type: Number }) at = 0;
  @property({ attribute: false }) stills: BarStill[] = [];
  /** With it the handles are there. */
  @property({ attribute: false }) cut: Cut | undefined;

  protected override render() {
    const { evidence, length, at, cut } = this;
    const share = (ms: number) => (length > 0 ? Math.min(1, Math.max(0, ms / length)) : 0);
    const word = evidence ? stateAt(evidence, at) : '';
    const text = [t('clip.bar.of', { at: exactTime(at), length: exactTime(length) }), tMaybe('clip.break.', word, '')];
    return html`<div class="bar-stills">${this.stills.map((still) => html`<button class="bar-still" ${place(share(still.at_ms))}
          aria-label=${t('still.open', { name: still.name })} title="${still.name} · ${exactTime(still.at_ms)}"
          @click=${() => this.#say('still', still.id)}>${icon('picture')}</button>`)}</div>
      <div class="bar-line ${evidence?.continuous === undefined ? 'unsure' : ''}" role="slider" tabindex="0"
        aria-label=${t('clip.bar.position')} aria-valuemin="0" aria-valuemax=${length} aria-valuenow=${Math.round(at)}
        aria-valuetext=${text.filter(Boolean).join(', ')} data-testid="clip-bar"
        @pointerdown=${this.#press} @keydown=${this.#key}>
        ${evidence?.gaps.map((gap) => html`<i class="gap" ${place(share(gap.from_ms), share(gap.to_ms))}
          title="${t('clip.break.gap')} ${exactTime(gap.from_ms)}"></i>`)}
        ${evidence?.breaks.map((one) => html`<i class="break" data-kind=${one.kind}
          ${place(share(one.from_ms), share(one.to_ms))}
          title="${tMaybe('clip.break.', one.kind)} ${exactTime(one.from_ms)}"></i>`)}
        ${cut
          ? html`<i class="outside" ${place(0, share(cut.from_ms))}></i>
              <i class="outside" ${place(share(cut.to_ms), 1)}></i>`
          : nothing}
        <i class="now" ${place(share(at))}></i>
      </div>
      ${cut ? html`<div class="bar-handles">${this.#handle('from', cut, share)} ${this.#handle('to', cut, share)}</div>` : nothing}
      <div class="bar-times numbers" aria-hidden="true"><span>0:00</span><span>${exactTime(length)}</span></div>`;
  }

  #handle(which: 'from' | 'to', cut: Cut, share: (ms: number) => number) {
    const at = which === 'from' ? cut.from_ms : cut.to_ms;
    const label = which === 'from' ? t('clip.trim.from') : t('clip.trim.to');
    return html`<button class="handle ${which}" role="slider" aria-label=${label} aria-valuemin="0"
      aria-valuemax=${this.length} aria-valuenow=${at} aria-valuetext=${exactTime(at)} data-testid="trim-${which}"
      ${place(share(at))} @pointerdown=${(event: PointerEvent) => this.#grab(event, which)}
      @keydown=${(event: KeyboardEvent) => this.#handleKey(event, which, at)}></button>`;
  }

  #say(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #momentOf(event: PointerEvent): number {
    const box = (this.querySelector('.bar-line') as HTMLElement).getBoundingClientRect();
    const along = Math.min(1, Math.max(0, (event.clientX - box.left) / Math.max(1, box.width)));
    return along * this.length;
  }

  /** Follows the pointer until it is let go. */
  #drag(event: PointerEvent, moved: (ms: number) => void): void {
    const target = event.currentTarget as HTMLElement;
    if (event.button !== 0) return;
    const follow = (next: PointerEvent) => moved(this.#momentOf(next));
    const done = () => {
      target.removeEventListener('pointermove', follow);
      target.removeEventListener('pointerup', done);
      target.removeEventListener('pointercancel', done);
    };
    target.setPointerCapture(event.pointerId);
    target.addEventListener('pointermove', follow);
    target.addEventListener('pointerup', done);
    target.addEventListener('pointercancel', done);
    follow(event);
  }

  #press(event: PointerEvent): void {
    this.#drag(event, (ms) => this.#say('seek', ms));
  }

  #grab(event: PointerEvent, which: 'from' | 'to'): void {
    this.#drag(event, (ms) => this.#move(which, ms));
  }

  #move(which: 'from' | 'to', ms: number): void {
    if (!this.cut) return;
    const cut = moveCut(this.cut, which, ms, this.length);
    this.#say('cut', cut);
    this.#say('seek', which === 'from' ? cut.from_ms : cut.to_ms);
  }

  #key(event: KeyboardEvent): void {
    const to = keyMoves(event.key, this.at, this.length, event.shiftKey ? FINE_MS : STEP_MS);
    if (to === undefined) return;
    event.preventDefault();
    this.#say('seek', to);
  }

  #handleKey(event: KeyboardEvent, which: 'from' | 'to', at: number): void {
    const to = keyMoves(event.key, at, this.length, event.shiftKey ? STEP_MS : FINE_MS);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(which, to);
  }
}
