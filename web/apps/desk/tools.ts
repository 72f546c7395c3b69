// SPDX-License-Identifier: Apache-2.0
// The tools on the buyer's picture: pointer, pen, arrow, circle, text, freeze. What is drawn is seen by everybody in the
// call, and later over its clips.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import { Drawing, type Region, type Spot } from '../../sdk/index.js';
import { icon } from '../../ui/element.js';
import type { InkTool } from '../../ui/ink.js';
import '../../ui/ink.js';
import type { DeskApp } from './main.js';
import { lookAt, steerView } from './steer.js';

const COLORS = [0, 1, 2, 3, 4] as const;
const TEXT_BYTES = 200;
/** From camera to screen, beside the network. */
const PICTURE_WAITS_MS = 100;

interface Tool {
  id: Exclude<InkTool, 'region'>;
  icon: string;
  key: string;
}

const TOOLS: Tool[] = [
  { id: 'pointer', icon: 'point', key: 'p' },
  { id: 'line', icon: 'pen', key: 'd' },
  { id: 'arrow', icon: 'arrow', key: 'a' },
  { id: 'circle', icon: 'circle', key: 'o' },
  { id: 'text', icon: 'text', key: 't' },
];
/** Not a shape: what the phone is to send. */
const LOUPE_KEY = 'l';

export class DrawTools {
  tool: InkTool | undefined;
  color = 0;
  /** Where a text is being written. */
  writing: Spot | undefined;
  freezing = false;
  /** The buyer's page was asked to let the desk steer its camera. */
  asked = false;
  readonly drawing: Drawing;
  readonly #app: DeskApp;

  constructor(app: DeskApp) {
    this.#app = app;
    this.drawing = new Drawing(app.client, {
      ageMs: () => (app.call?.media.network?.rtt_ms ?? 0) + PICTURE_WAITS_MS,
    });
    this.drawing.on('changed', () => app.requestUpdate());
    this.drawing.on('refused', (error) => (app.note = t('draw.refused', { why: error.message })));
  }

  /** Whose picture it is. */
  get of(): string {
    return this.#app.room.buyer?.identity ?? '';
  }

  take(tool: InkTool | undefined): void {
    if (this.tool === 'pointer' && tool !== 'pointer') this.drawing.point(this.of, undefined);
    this.tool = this.tool === tool ? undefined : tool;
    this.writing = undefined;
    this.#app.requestUpdate();
  }

  paint(color: number): void {
    this.color = color;
    this.#app.requestUpdate();
  }

  undo(): void {
    this.drawing.undo(this.of);
  }

  clear(): void {
    this.drawing.clear(this.of, true);
  }

  /** A sharp still stands for the picture where its owner agreed to that; else each page holds what it showed. */
  async freeze(): Promise<void> {
    const { of, drawing } = this;
    const app = this.#app;
    if (!of || !app.call || this.freezing) return;
    const on = !drawing.picture(of).frozen;
    this.freezing = true;
    app.requestUpdate();
    try {
      let still: string | undefined;
      if (on && app.room.buyer?.consent) {
        still = (await app.rest.takeStill(app.call.room, { publisher: of, label: t('draw.freeze.label') }).catch(() => undefined))?.id;
      }
      await drawing.freeze(of, on, still);
    } catch (error) {
      app.note = t('draw.refused', { why: (error as Error).message });
    }
    this.freezing = false;
    app.requestUpdate();
  }

  write(spot: Spot): void {
    this.writing = spot;
    this.#app.requestUpdate();
    void this.#app.updateComplete.then(() => this.#app.querySelector<HTMLInputElement>('.ink-words input')?.focus());
  }

  wrote(words: string): void {
    const text = words.trim();
    if (this.writing && text) this.drawing.begin(this.of, 'text', this.color, this.writing, text);
    this.writing = undefined;
    this.#app.requestUpdate();
  }

  /** Whether the key was one of the tools'. */
  key(event: KeyboardEvent): boolean {
    if (!this.#app.call || !this.of) return false;
    const key = event.key.toLowerCase();
    const tool = TOOLS.find((one) => one.key === key);
    if (tool) this.take(tool.id);
    else if (key === LOUPE_KEY && this.#app.room.buyer?.camera?.can?.region) this.take('region');
    else if (key === 'z') this.undo();
    else if (key === 'x') this.clear();
    else if (key === 'f') void this.freeze();
    else if (key === 'escape' && this.tool) this.take(undefined);
    else return false;
    return true;
  }
}

/** Over the buyer's picture. */
export function inkView(app: DeskApp) {
  const { tools } = app;
  const names = new Map([...app.room.people.values()].map(({ identity, name }) => [identity, name]));
  return html`<lp-ink .drawing=${tools.drawing} .of=${tools.of} .tool=${tools.tool} .color=${tools.color} .names=${names}
      .stillUrl=${async (id: string) => (await app.rest.still(id)).media_url ?? ''}
      @text=${(event: CustomEvent<Spot>) => tools.write(event.detail)}
      @region=${(event: CustomEvent<Region>) => {
        tools.take(undefined);
        lookAt(app, event.detail);
      }}></lp-ink>
    ${tools.writing ? words(tools) : nothing}`;
}

function words(tools: DrawTools) {
  const save = (event: Event) => {
    event.preventDefault();
    tools.wrote(((event.target as HTMLElement).querySelector('input') as HTMLInputElement).value);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Escape') tools.wrote('');
  };
  return html`<form class="ink-words" @submit=${save} @keydown=${key}>
    <label><span class="only-read">${t('draw.text.label')}</span>
      <input maxlength=${TEXT_BYTES / 4} placeholder=${t('draw.text.label')} data-testid="ink-words" autocomplete="off" /></label>
    <button class="button tight main">${t('draw.text.put')}</button>
  </form>`;
}

export function toolsView(app: DeskApp) {
  const { tools } = app;
  const picture = tools.drawing.picture(tools.of);
  const none = !tools.of;
  const frozen = picture.frozen !== undefined;
  return html`<div class="ink-tools" role="toolbar" aria-label=${t('draw.tools')}>
    ${TOOLS.map(
      (one) => html`<button class="button round" data-testid="tool-${one.id}" aria-pressed=${tools.tool === one.id} ?disabled=${none}
        aria-label=${t(`draw.${one.id}`)} title="${t(`draw.${one.id}`)} (${one.key.toUpperCase()})" aria-keyshortcuts=${one.key.toUpperCase()}
        @click=${() => tools.take(one.id)}>${icon(one.icon)}</button>`,
    )}
    ${tools.tool && tools.tool !== 'pointer' && tools.tool !== 'region'
      ? html`<span class="swatches" role="radiogroup" aria-label=${t('draw.color')}>${COLORS.map(
          (color) => html`<button class="swatch ink-${color}" role="radio" aria-checked=${tools.color === color}
            aria-label=${t(`draw.color.${color}`)} @click=${() => tools.paint(color)}></button>`,
        )}</span>`
      : nothing}
    <span class="gap"></span>
    ${steerView(app)}
    <span class="gap"></span>
    <button class="button round" data-testid="ink-undo" aria-label=${t('draw.undo')} title="${t('draw.undo')} (Z)" aria-keyshortcuts="Z"
      ?disabled=${!picture.shapes.some(({ by }) => by === app.client.identity)} @click=${() => tools.undo()}>${icon('undo')}</button>
    <button class="button round" data-testid="ink-clear" aria-label=${t('draw.clear')} title="${t('draw.clear')} (X)" aria-keyshortcuts="X"
      ?disabled=${picture.shapes.length === 0} @click=${() => tools.clear()}>${icon('trash')}</button>
    <button class="button tight ${frozen ? 'main' : ''}" data-testid="freeze" aria-pressed=${frozen} title="${t('draw.freeze')} (F)" aria-keyshortcuts="F"
      aria-busy=${tools.freezing} ?disabled=${none || tools.freezing} @click=${() => void tools.freeze()}>
      ${icon('freeze')}${frozen ? t('draw.resume') : t('draw.freeze')}</button>
  </div>`;
}
