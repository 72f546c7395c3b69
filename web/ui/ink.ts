// SPDX-License-Identifier: Apache-2.0
// What is drawn over a picture, in vectors, at its place however the picture is fitted into its element; and with a
// tool in hand, the hand's strokes. A frozen picture stands over the moving one.
import { html, nothing, svg, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Drawing, Frozen, Pointer, Shape, ShapeKind, Spot, Stroke } from '../sdk/index.js';
import { arrowHead, boxOf, fitted, partOf, spotIn, type Box, type Part } from './ink-place.js';
import { PageElement } from './element.js';
import './ink.css';

/** What the hand does: a shape of the kind, point, or choose a part of the picture. */
export type InkTool = ShapeKind | 'pointer' | 'region';

const LEAST_PART = 0.03;

/** Says `text` (a place at which a text is wanted) and `region` (a part was chosen: x, y, width, height in shares). Beside it, in the same element, is the video. */
@customElement('lp-ink')
export class InkElement extends PageElement {
  /** Of the session; without one `shapes` are shown. */
  @property({ attribute: false }) drawing: Drawing | undefined;
  @property() of = '';
  @property({ attribute: false }) tool: InkTool | undefined;
  @property({ type: Number }) color = 0;
  @property({ attribute: false }) shapes: Shape[] = [];
  /** The address of a still that stands for the frozen picture. */
  @property({ attribute: false }) stillUrl: ((id: string) => Promise<string>) | undefined;
  /** The picture is shown as in a mirror: places in it are not. */
  @property({ type: Boolean }) mirrored = false;
  @property({ attribute: false }) names = new Map<string, string>();
  @state() private box: Box = { left: 0, top: 0, width: 0, height: 0 };
  @state() private still = '';
  #off: (() => void) | undefined;
  #watch: ResizeObserver | undefined;
  #video: HTMLVideoElement | undefined;
  #stroke: Stroke | undefined;
  @state() private chosen: [from: Spot, to: Spot] | undefined;
  #held: Frozen | undefined;
  readonly #place = () => this.#fit();

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen();
    this.#watch = new ResizeObserver(this.#place);
    this.#watch.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#off?.();
    this.#watch?.disconnect();
    this.#video?.removeEventListener('resize', this.#place);
    this.#video?.removeEventListener('loadedmetadata', this.#place);
    this.#video = undefined;
  }

  #listen(): void {
    this.#off?.();
    this.#off = this.drawing?.on('changed', (of) => {
      if (of === this.of) this.requestUpdate();
    });
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('drawing') && this.isConnected) this.#listen();
  }

  protected override updated(): void {
    this.#fit();
    this.#hold(this.#picture.frozen);
    for (const name of ['left', 'top', 'width', 'height'] as const) {
      this.querySelector<HTMLElement>('.ink')?.style.setProperty(name, `${this.box[name]}px`);
    }
  }

  get #picture() {
    return this.drawing?.picture(this.of) ?? { shapes: this.shapes, pointers: [] as Pointer[], frozen: undefined };
  }

  /** Where the picture is within this element, which lies over the video's. */
  #fit(): void {
    const video = this.parentElement?.querySelector('video') ?? undefined;
    if (video !== this.#video) {
      this.#video = video;
      video?.addEventListener('resize', this.#place);
      video?.addEventListener('loadedmetadata', this.#place);
    }
    if (!video) return;
    const box = fitted(
      { width: this.clientWidth, height: this.clientHeight },
      { width: video.videoWidth, height: video.videoHeight },
      getComputedStyle(video).objectFit === 'cover',
    );
    const { left, top, width, height } = this.box;
    if (box.left !== left || box.top !== top || box.width !== width || box.height !== height) this.box = box;
  }

  /** The picture as it is now stands still, until the sharper one of the server is here. */
  #hold(frozen: Frozen | undefined): void {
    if (frozen === this.#held) return;
    this.#held = frozen;
    this.still = '';
    const canvas = this.querySelector('canvas');
    if (!frozen || !canvas || !this.#video) return;
    canvas.width = this.#video.videoWidth;
    canvas.height = this.#video.videoHeight;
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    if (!frozen.still || !this.stillUrl) return;
    this.stillUrl(frozen.still).then(
      (url) => {
        if (this.#held === frozen) this.still = url;
      },
      () => {}, // what was held stays
    );
  }

  protected override render() {
    const { shapes, pointers, frozen } = this.#picture;
    const { width, height } = this.box;
    return html`<div class="ink ${this.tool ? 'in-hand' : ''}" data-testid="ink" data-frozen=${frozen ? 'yes' : 'no'} data-shapes=${shapes.length}
        @pointerdown=${this.#down} @pointermove=${this.#move} @pointerup=${this.#up} @pointercancel=${this.#up}
        @pointerleave=${this.#leave}>
      <canvas ?hidden=${!frozen || this.still !== ''}></canvas>
      ${this.still ? html`<img src=${this.still} alt="" data-testid="frozen-still" />` : nothing}
      <svg viewBox="0 0 ${width || 1} ${height || 1}" aria-hidden="true">
        ${shapes.map((shape) => this.#shape(shape))}
        ${pointers.map((one) => this.#pointer(one))}
        ${this.chosen ? this.#box(partOf(...this.chosen)) : nothing}
      </svg>
    </div>`;
  }

  #at([x, y]: Spot): Spot {
    return [(this.mirrored ? 1 - x : x) * this.box.width, y * this.box.height];
  }

  #shape(shape: Shape): TemplateResult {
    const points = shape.points.map((spot) => this.#at(spot));
    const drawn = { line, arrow, circle, text: () => text(points, shape.text ?? '', (shape.points[0]?.[0] ?? 0) > 0.6) }[shape.kind](points);
    return svg`<g class="shape ink-${shape.color}" data-kind=${shape.kind}>${drawn}</g>`;
  }

  #pointer({ by, spot }: Pointer): TemplateResult {
    const [x, y] = this.#at(spot);
    const right = x > this.box.width / 2;
    return svg`<g class="ink-pointer" data-testid="pointer"><circle cx=${x} cy=${y} r="13"></circle><circle class="dot" cx=${x} cy=${y} r="4"></circle>
      <text x=${right ? x - 19 : x + 19} y=${y + 5} text-anchor=${right ? 'end' : 'start'}>${this.names.get(by) ?? ''}</text></g>`;
  }

  #box({ x, y, width, height }: Part): TemplateResult {
    const [w, h] = [this.box.width, this.box.height];
    return svg`<rect class="ink-part" x=${x * w} y=${y * h} width=${width * w} height=${height * h}></rect>`;
  }

  #spot(event: PointerEvent): Spot {
    const ink = this.querySelector('.ink') as HTMLElement;
    const [x, y] = spotIn(boxOf(ink.getBoundingClientRect()), event.clientX, event.clientY);
    return [this.mirrored ? 1 - x : x, y];
  }

  #down(event: PointerEvent): void {
    const { tool, drawing } = this;
    if (!tool || !drawing || event.button !== 0) return;
    event.preventDefault();
    const spot = this.#spot(event);
    if (tool === 'text') {
      this.dispatchEvent(new CustomEvent<Spot>('text', { detail: spot }));
      return;
    }
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    if (tool === 'pointer') drawing.point(this.of, spot);
    else if (tool === 'region') this.chosen = [spot, spot];
    else this.#stroke = drawing.begin(this.of, tool, this.color, spot);
  }

  #move(event: PointerEvent): void {
    if (this.#stroke) {
      // What the browser gathered between two frames belongs to the line as well.
      const gathered = event.getCoalescedEvents?.() ?? [];
      for (const one of gathered.length > 0 ? gathered : [event]) this.#stroke.move(this.#spot(one));
    } else if (this.chosen) {
      this.chosen = [this.chosen[0], this.#spot(event)];
    } else if (this.tool === 'pointer') {
      this.drawing?.point(this.of, this.#spot(event));
    }
  }

  #up(): void {
    this.#stroke?.end();
    this.#stroke = undefined;
    if (this.chosen) this.#choose(partOf(...this.chosen));
  }

  #choose(part: Part): void {
    this.chosen = undefined;
    // A tap is none.
    if (part.width >= LEAST_PART && part.height >= LEAST_PART) this.dispatchEvent(new CustomEvent('region', { detail: part }));
  }

  #leave(): void {
    if (this.tool === 'pointer') this.drawing?.point(this.of, undefined);
  }
}

/** Dark below, coloured above: to be seen on any picture. */
function twice(path: string): TemplateResult {
  return svg`<path class="halo" d=${path}></path><path class="stroke" d=${path}></path>`;
}

function line(points: Spot[]): TemplateResult {
  const [first, ...rest] = points;
  if (!first) return svg``;
  return twice(`M${first.join(' ')}${rest.length > 0 ? rest.map((point) => `L${point.join(' ')}`).join('') : 'h.01'}`);
}

function arrow([from, to]: Spot[]): TemplateResult {
  if (!from || !to) return svg``;
  const [left, right] = arrowHead(from, to);
  return twice(`M${from.join(' ')}L${to.join(' ')}M${left.join(' ')}L${to.join(' ')}L${right.join(' ')}`);
}

function circle([from, to]: Spot[]): TemplateResult {
  if (!from || !to) return svg``;
  const [rx, ry] = [Math.abs(to[0] - from[0]) / 2, Math.abs(to[1] - from[1]) / 2];
  const [cx, cy] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return svg`<ellipse class="halo" cx=${cx} cy=${cy} rx=${rx} ry=${ry}></ellipse>
    <ellipse class="stroke" cx=${cx} cy=${cy} rx=${rx} ry=${ry}></ellipse>`;
}

/** `before`: its end is at its place, so that it does not leave the picture at the right. */
function text([at]: Spot[], words: string, before: boolean): TemplateResult {
  return at ? svg`<text x=${at[0]} y=${at[1]} text-anchor=${before ? 'end' : 'start'}>${words}</text>` : svg``;
}
