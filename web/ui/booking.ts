// SPDX-License-Identifier: Apache-2.0
// A call-back, an appointment or a message: what is booked, and the choice of a time in the reader's own zone and language.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { clock, dayName, moment, t } from '../i18n/index.js';
import { LoupeProblem, type Booking, type Case, type LoupeRest, type FreeTime } from '../sdk/index.js';
import { byDay, dayKey, stillFree } from './booking-days.js';
import { icon, PageElement } from './element.js';
import './booking.css';

const WEEKS_AHEAD_MS = 14 * 86_400_000;
const LIVE = new Set(['booked', 'ringing', 'open']);

export const isLive = (one: Booking | undefined) => !!one && LIVE.has(one.state);

@customElement('lp-booking')
export class BookingElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  /** Nothing is asked before a button is pressed. */
  @property({ type: Boolean }) folded = false;
  /** The case with what was booked. */
  @property({ attribute: false }) booked: (one: Case) => void = () => {};
  @state() asking = false;
  @state() message = false;
  @state() slots: FreeTime[] | undefined;
  @state() offered = false;
  @state() day = '';
  @state() at = '';
  @state() note = '';
  @state() sending = false;
  @state() failed = '';

  get #kind(): 'callback' | 'appointment' {
    return this.case?.kind === 'authentication' ? 'appointment' : 'callback';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (!this.folded && !isLive(this.case?.booking)) void this.ask();
  }

  async ask(): Promise<void> {
    this.asking = true;
    this.failed = '';
    await this.#load();
  }

  async #load(): Promise<void> {
    const { case: one, rest } = this;
    if (!one || !rest) return;
    try {
      const to = new Date(Date.now() + WEEKS_AHEAD_MS).toISOString();
      const answer = await rest.slots(one.id, { kind: this.#kind, to });
      this.slots = answer.items;
      this.offered = answer.offered && answer.items.length > 0;
      this.message ||= !this.offered;
      if (!stillFree(answer.items, this.at)) this.at = '';
      this.day ||= answer.items[0] ? dayKey(answer.items[0].at) : '';
    } catch (error) {
      this.failed = (error as Error).message;
    }
  }

  async #send(what: () => Promise<unknown>): Promise<void> {
    const { case: one, rest } = this;
    if (!one || !rest || this.sending) return;
    this.sending = true;
    this.failed = '';
    try {
      await what();
      this.asking = false;
      this.at = this.note = '';
      this.booked(await rest.case(one.id));
    } catch (error) {
      const taken = error instanceof LoupeProblem && error.status === 409;
      this.failed = taken ? t('booking.taken') : (error as Error).message;
      if (taken) await this.#load();
    }
    this.sending = false;
  }

  #submit(event: Event): void {
    event.preventDefault();
    const note = this.note.trim();
    const id = this.case?.id ?? '';
    const wish = this.message ? { kind: 'message' as const, note } : { kind: this.#kind, at: this.at, ...(note ? { note } : {}) };
    void this.#send(() => this.rest!.book(id, wish));
  }

  protected override render() {
    const booking = this.case?.booking;
    if (this.asking) return this.#form();
    if (booking && isLive(booking)) return this.#standing(booking);
    if (!this.folded) return nothing;
    return html`<button class="button wide" data-testid="booking-ask" @click=${() => void this.ask()}>
      ${icon('clock')}${t('booking.ask')}
    </button>`;
  }

  #standing(booking: Booking) {
    const rings = booking.state === 'ringing';
    const left = booking.state === 'open';
    const kind = booking.kind === 'appointment' ? 'appointment' : 'callback';
    const title = rings ? t('booking.rings') : left ? t('booking.left') : t(`booking.${kind}`);
    return html`<section class="card booking ${rings ? 'ringing' : ''}" data-testid="booking" data-state=${booking.state} aria-live="polite">
      <div class="booking-head">
        <span class="done">${icon(rings ? 'phone' : left ? 'chat' : 'clock')}</span>
        <div>
          <h2>${title}</h2>
          ${booking.at && !left ? html`<p data-testid="booking-at">${moment(booking.at)}</p>` : nothing}
        </div>
      </div>
      ${booking.note ? html`<p class="booking-note">${booking.note}</p>` : nothing}
      <p class="small quiet">${rings ? t('booking.rings.text') : left ? t('booking.left.text') : t('booking.text')}</p>
      ${this.failed ? html`<p class="banner bad" role="alert">${icon('warn')}${this.failed}</p>` : nothing}
      ${rings
        ? nothing
        : html`<div class="booking-acts">
            <button class="button" data-testid="booking-change" @click=${() => void this.ask()}>${t('booking.change')}</button>
            <button class="button plain" data-testid="booking-cancel" ?disabled=${this.sending}
              @click=${() => void this.#send(() => this.rest!.cancelBooking(this.case?.id ?? ''))}>${t('booking.cancel')}</button>
          </div>`}
    </section>`;
  }

  #form() {
    const ready = this.message ? this.note.trim() !== '' : this.at !== '';
    return html`<section class="card booking" data-testid="booking-form">
      <form @submit=${(event: Event) => this.#submit(event)}>
        <h2>${this.message ? t('booking.message') : t(`booking.${this.#kind}.title`)}</h2>
        ${this.slots === undefined && !this.failed ? html`<p class="quiet" role="status">${t('booking.loading')}</p>` : nothing}
        ${this.message ? nothing : this.#times()}
        <label class="choice"><span>${this.message ? t('booking.words') : t('booking.note')}</span>
          <textarea class="field" rows=${this.message ? 4 : 2} maxlength="300" data-testid="booking-note" .value=${this.note}
            @input=${(event: Event) => (this.note = (event.target as HTMLTextAreaElement).value)}></textarea>
        </label>
        ${this.failed ? html`<p class="banner bad" role="alert" data-testid="booking-failed">${icon('warn')}${this.failed}</p>` : nothing}
        <button class="button main wide" data-testid="booking-send" ?disabled=${!ready || this.sending}>
          ${this.message ? t('booking.send') : this.at ? t('booking.book', { at: moment(this.at) }) : t('booking.choose')}
        </button>
        ${this.offered
          ? html`<button type="button" class="button plain wide" data-testid="booking-other" @click=${() => (this.message = !this.message)}>
              ${this.message ? t('booking.time.instead') : t('booking.message.instead')}</button>`
          : nothing}
      </form>
    </section>`;
  }

  #times() {
    const days = byDay(this.slots ?? []);
    const shown = days.find(({ key }) => key === this.day) ?? days[0];
    if (!shown) return nothing;
    return html`<div class="booking-days" role="radiogroup" aria-label=${t('booking.day')}>
        ${days.map(({ key, slots }) => {
          const on = key === shown.key;
          const { weekday, day } = dayName(slots[0]?.at ?? '');
          return html`<button type="button" role="radio" aria-checked=${on} class="booking-day ${on ? 'on' : ''}" data-testid="booking-day"
            @click=${() => (this.day = key)}><span class="small">${weekday}</span><span class="numbers">${day}</span></button>`;
        })}
      </div>
      <div class="booking-times" role="radiogroup" aria-label=${t('booking.time')}>
        ${shown.slots.map(({ at }) => html`<button type="button" role="radio" aria-checked=${at === this.at}
          class="booking-time numbers ${at === this.at ? 'on' : ''}" data-testid="booking-time" data-at=${at}
          @click=${() => (this.at = at)}>${clock(at)}</button>`)}
      </div>
      <p class="small quiet">${t('booking.zone')}</p>`;
  }
}
