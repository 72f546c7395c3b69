// SPDX-License-Identifier: Apache-2.0
// A picture with a loupe over it: what lies under the pointer, or under the place that the arrow keys move, is
// shown at the picture's own pixels or larger. Several of them can look at the same place.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { t } from '../i18n/index.js';
import { PageElement } from './element.js';

/** A place in a picture, as shares of its width and height. */
export interface Spot {
  x: number;
  y: number;
}

const LENS_PX = 220;
const STEP = 0.02;

const MOVES: Record<string, [x: number, y: number]> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

const clamp = (share: number) => Math.min(1, Math.max(0, share));

/** Says `spot` (a place, or undefined: none) and `pictureerror`. */
@customElement('lp-loupe')
export class LoupeElement extends PageElement {
  @property() src = '';
  @property() label = '';
  @property({ attribute: false }) spot: Spot | undefined;
  /** Pixels of the screen for one of the picture's, or of the picture that is this wide: two under one loupe show
   *  the same of their subject. */
  @property({ type: Number }) zoom = 2;
  @property({ type: Number }) wide = 0;
  #touch = false;

  protected override render() {
    const { spot } = this;
    return html`<div class="loupe-frame" tabindex="0" role="group" aria-label="${this.label}. ${t('still.loupe.keys')}"
        @pointermove=${this.#point} @pointerdown=${this.#point} @pointerleave=${() => this.#say(undefined)}
        @keydown=${this.#key} @blur=${() => this.#say(undefined)}>
      <img data-testid="still-picture" src=${this.src} alt=${this.label} draggable="false"
        @load=${() => this.requestUpdate()} @error=${() => this.dispatchEvent(new CustomEvent('pictureerror'))} />
      ${spot ? html`<canvas class="lens" aria-hidden="true" data-testid="lens"></canvas>` : nothing}
    </div>`;
  }

  protected override updated(_changed: PropertyValues<this>): void {
    const { spot } = this;
    const canvas = this.querySelector('canvas');
    const image = this.querySelector('img');
    if (!spot || !canvas || !image?.naturalWidth) return;
    const [frame, box] = [canvas.parentElement, image].map((one) => one?.getBoundingClientRect());
    if (!frame || !box) return;
    const above = this.#touch ? LENS_PX * 0.7 : 0; // a finger would hide it
    canvas.style.left = `${box.left - frame.left + spot.x * box.width - LENS_PX / 2}px`;
    canvas.style.top = `${box.top - frame.top + spot.y * box.height - LENS_PX / 2 - above}px`;
    const dense = window.devicePixelRatio || 1;
    canvas.width = canvas.height = LENS_PX * dense;
    const scale = this.zoom * (this.wide > 0 ? this.wide / image.naturalWidth : 1);
    const seen = LENS_PX / scale; // of the picture's own pixels
    const context = canvas.getContext('2d');
    if (!context) return;
    context.imageSmoothingEnabled = scale < 4;
    const [left, top] = [spot.x * image.naturalWidth - seen / 2, spot.y * image.naturalHeight - seen / 2];
    context.drawImage(image, left, top, seen, seen, 0, 0, canvas.width, canvas.height);
  }

  #say(spot: Spot | undefined): void {
    this.dispatchEvent(new CustomEvent('spot', { detail: spot }));
  }

  #point(event: PointerEvent): void {
    const box = this.querySelector('img')?.getBoundingClientRect();
    this.#touch = event.pointerType === 'touch';
    if (!box?.width) return;
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    this.#say(inside ? { x, y } : undefined);
  }

  #key(event: KeyboardEvent): void {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const { x, y } = this.spot ?? { x: 0.5, y: 0.5 };
    const step = event.shiftKey ? STEP / 4 : STEP;
    this.#say({ x: clamp(x + move[0] * step), y: clamp(y + move[1] * step) });
  }
}
