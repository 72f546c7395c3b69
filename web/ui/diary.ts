// SPDX-License-Identifier: Apache-2.0
// What is booked for today, and messages that wait for somebody: for the desk.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { clock, dateTime, t } from '../i18n/index.js';
import type { BookedCase, LoupeRest } from '../sdk/index.js';
import { icon, PageElement } from './element.js';

const LOOK_AGAIN_MS = 60_000;
const DAY_MS = 86_400_000;

@customElement('lp-diary')
export class DiaryElement extends PageElement {
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) me = '';
  /** Something has changed: it is read again. */
  @property({ attribute: false }) fresh: unknown;
  @property({ attribute: false }) show: (id: string) => void = () => {};
  @state() items: BookedCase[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => document.hidden || void this.load(), LOOK_AGAIN_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.has('fresh') || changed.has('rest')) void this.load();
  }

  async load(): Promise<void> {
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    const [from, to] = [midnight, new Date(midnight.getTime() + DAY_MS)].map((at) => at.toISOString()) as [string, string];
    const page = await this.rest?.bookings({ from, to, agent: this.me }).catch(() => undefined);
    if (page) this.items = page.items;
  }

  async #done(id: string): Promise<void> {
    await this.rest?.bookingDone(id).catch(() => {});
    await this.load();
  }

  protected override render() {
    if (this.items.length === 0) return nothing;
    return html`<section class="queue diary" aria-label=${t('diary.title')} data-testid="diary">
      <h2>${t('diary.title')} <span class="chip numbers">${this.items.length}</span></h2>
      <ol>${this.items.map((one) => this.#entry(one))}</ol>
    </section>`;
  }

  #entry({ case: one, booking }: BookedCase) {
    const open = booking.state === 'open';
    const kind = open ? t('diary.message') : booking.kind === 'appointment' ? t('diary.appointment') : t('diary.callback');
    return html`<li class="diary-line">
      <button class="entry" data-testid="diary-entry" data-id=${one.id} title=${[open ? dateTime(booking.booked_at) : '', booking.note ?? ''].filter(Boolean).join(': ')} @click=${() => this.show(one.id)}>
        <span class="title">${one.buyer_name} · ${one.title}</span>
        <span class="under">
          <span>${kind}${open && booking.note ? html` “${booking.note}”` : nothing}</span>
          ${open
            ? nothing
            : html`<span class="wait numbers">${icon(booking.state === 'ringing' ? 'phone' : 'clock')}${booking.at ? clock(booking.at) : ''}</span>`}
        </span>
      </button>
      ${open
        ? html`<button class="button tight plain" data-testid="diary-done" title=${t('diary.done')} aria-label=${t('diary.done')}
            @click=${() => void this.#done(one.id)}>${icon('check')}</button>`
        : nothing}
    </li>`;
  }
}
