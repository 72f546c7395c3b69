// SPDX-License-Identifier: Apache-2.0
// Others steer this page's camera: light, zoom, which camera, which part of the picture. Its owner is asked for each of
// them, once in a call, and once more for the front camera, which shows a face; and may take it back.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import { icon } from '../../ui/element.js';
import type { CameraMembers, LoupeClient } from '../../sdk/index.js';
import type { OwnMedia } from './camera.js';

/** What was done is undone. */
const AS_BEFORE: CameraMembers = { region: null, torch: false, zoom: 1 };

export class Steering {
  /** undefined: not asked yet. */
  allowed: boolean | undefined;
  /** Who asks now. */
  asking: { identity: string; name: string; wish: CameraMembers } | undefined;
  /** Whom that is about. */
  #who = '';
  readonly #client: LoupeClient;
  readonly #own: OwnMedia;
  readonly #changed: () => void;
  #told = '';

  constructor(client: LoupeClient, own: OwnMedia, changed: () => void) {
    this.#client = client;
    this.#own = own;
    this.#changed = changed;
    client.on('camera', ({ by, wish }) => this.#wished(by.identity, by.name || by.identity, wish));
    client.on('call_ended', () => this.#over());
    client.on('roster', () => {
      this.#told = '';
      this.tell();
    });
  }

  #wished(identity: string, name: string, wish: CameraMembers): void {
    const another = this.allowed !== undefined && identity !== this.#who;
    const face = wish.facing === 'user' && this.#own.facing !== 'user';
    if (this.allowed && !another && !face) {
      void this.#do(wish);
    } else if (this.allowed !== false || another) {
      const before = this.asking?.identity === identity ? this.asking.wish : {};
      this.asking = { identity, name, wish: { ...before, ...wish } };
    }
    this.#changed();
  }

  /** The next one asks anew. */
  #over(): void {
    if (this.allowed) void this.#do(AS_BEFORE);
    this.allowed = undefined;
    this.asking = undefined;
    this.#who = '';
  }

  async #do(wish: CameraMembers): Promise<void> {
    await this.#own.steer(wish).catch(() => {});
    this.tell();
  }

  /** Its owner's word. What was wished for meanwhile is done then; what was done is undone where it is taken back. */
  answer(yes: boolean): void {
    const { asking } = this;
    if (asking) this.#who = asking.identity;
    this.allowed = yes;
    this.asking = undefined;
    if (yes && asking) void this.#do(asking.wish);
    else if (!yes) void this.#do(AS_BEFORE);
    this.tell();
    this.#changed();
  }

  /** Says how the camera is, if that is not known. */
  tell(): void {
    const state = { ...this.#own.state, ...(this.allowed === undefined ? {} : { allowed: this.allowed }) };
    const text = JSON.stringify(state);
    if (text === this.#told || this.#client.state !== 'open') return;
    this.#told = text;
    this.#client.request('camera_state', { state }).catch(() => (this.#told = ''));
  }
}

export function steeringQuestion(steering: Steering | undefined) {
  const { asking } = steering ?? {};
  if (!steering || !asking) return nothing;
  return html`<section class="place-question" role="alertdialog" aria-labelledby="steer-title" aria-describedby="steer-text" data-testid="steer-question">
    <h2 id="steer-title">${t('steer.title', { name: asking.name })}</h2>
    <p class="small" id="steer-text">${t('steer.text')}</p>
    <div class="pair-buttons">
      <button class="button main" data-testid="steer-yes" @click=${() => steering.answer(true)}>${t('steer.yes')}</button>
      <button class="button" data-testid="steer-no" @click=${() => steering.answer(false)}>${t('steer.no')}</button>
    </div>
  </section>`;
}

/** Once it was asked, it can be given and taken back. */
export function steeringBadge(steering: Steering | undefined) {
  if (!steering || steering.allowed === undefined) return nothing;
  const { allowed } = steering;
  return html`<button class="badge consent-badge" data-testid="steer-toggle" aria-pressed=${allowed} @click=${() => steering.answer(!allowed)}>
    ${icon('loupe')}${allowed ? t('steer.on') : t('steer.off')}</button>`;
}
