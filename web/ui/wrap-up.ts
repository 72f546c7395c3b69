// SPDX-License-Identifier: Apache-2.0
// Wrap-ups on the desk: what an agent's call came to, asked as soon as it has ended and until it is given; and, for those
// who look after it, whose are overdue.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { ref } from 'lit/directives/ref.js';
import { duration, t, tMaybe } from '../i18n/index.js';
import type { LoupeClient, LoupeRest, WrapUp } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import './wrap-up.css';

const LOOKS_AFTER = new Set(['supervisor']);

/** What is left until a moment, or how long it is over. */
@customElement('lp-until')
export class UntilElement extends PageElement {
  @property({ type: Number }) at = 0;
  #interval: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#interval = setInterval(() => this.requestUpdate(), 500);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#interval);
  }

  protected override render() {
    const left = this.at - Date.now();
    return left >= 0
      ? html`<span class="chip numbers">${t('wrap.left', { time: duration(left) })}</span>`
      : html`<span class="chip bad numbers" data-testid="wrap-overdue">${t('wrap.overdue', { time: duration(-left) })}</span>`;
  }
}

const focusOnce = ref((element) => {
  const input = element as HTMLInputElement | undefined;
  if (input && document.activeElement === document.body) queueMicrotask(() => input.focus({ preventScroll: true }));
});

@customElement('lp-wrap-up')
export class WrapUpElement extends PageElement {
  @property({ attribute: false }) client: LoupeClient | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property() viewerRole = '';
  /** In a call: what is owed waits. */
  @property({ type: Boolean }) calling = false;
  @state() owed: WrapUp[] = [];
  @state() late: WrapUp[] = [];
  @state() chosen = '';
  @state() busy = false;
  @state() note = '';
  #offs: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const { client } = this;
    if (!client) return;
    this.#offs = [
      client.on('wrap_up', (one) => (this.owed = [...this.owed.filter((known) => known.case !== one.case), one])),
      client.on('wrap_up_over', (gone) => {
        this.late = this.late.filter((known) => known.case !== gone.case || known.agent !== gone.agent);
        if (gone.agent !== client.identity) return;
        this.owed = this.owed.filter((known) => known.case !== gone.case);
        this.chosen = '';
      }),
      client.on('renewed', () => (this.owed = [])),
      client.on('wrap_up_overdue', () => void this.#look()),
      client.on('state', () => client.state === 'open' && void this.#look()),
    ];
    window.addEventListener('keydown', this.#key);
    if (client.state === 'open') void this.#look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const off of this.#offs) off();
    window.removeEventListener('keydown', this.#key);
  }

  async #look(): Promise<void> {
    if (!this.rest || !LOOKS_AFTER.has(this.viewerRole)) return;
    const all = await this.rest.wrapUps().catch(() => undefined);
    if (all) this.late = all.items.filter(({ overdue, required }) => overdue && required);
  }

  /** A number chooses, unless something is being written or lies over the page. */
  readonly #key = (event: KeyboardEvent): void => {
    const at = event.target as HTMLElement | null;
    const one = this.owed[0]?.dispositions?.[Number(event.key) - 1];
    if (!one || this.calling || event.ctrlKey || event.metaKey || event.altKey) return;
    if (at?.closest('textarea, select, input:not([type=radio]), [contenteditable]') || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    this.chosen = one;
    this.querySelector<HTMLInputElement>(`input[value="${one}"]`)?.focus();
  };

  async #run(work: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.note = '';
    try {
      await work();
    } catch (error) {
      this.note = t('settle.failed', { why: (error as Error).message });
    }
    this.busy = false;
  }

  async #give(event: Event, one: WrapUp): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const said = String(new FormData(form).get('note') ?? '').trim();
    const given = { case: one.case, disposition: this.chosen, ...(said ? { note: said } : {}) };
    await this.#run(async () => {
      await this.client?.request('wrap_up', given);
      form.reset();
    });
  }

  protected override render() {
    const [one] = this.owed;
    if (one && !this.calling) return this.#card(one);
    return this.late.length > 0 ? this.#overdue() : nothing;
  }

  #card(one: WrapUp) {
    const until = Date.parse(one.due_at) + (this.client?.clockSkewMs ?? 0);
    return html`<section class="card wrap-card" data-testid="wrap-up" aria-label=${t('wrap.title')}>
      <header><h2>${t('wrap.title')}</h2><lp-until .at=${until}></lp-until></header>
      <p class="small quiet"><span class="numbers">${one.number}</span> · ${one.title}</p>
      <p class="small">${one.required ? t('wrap.required') : t('wrap.optional')}</p>
      ${this.note ? html`<p class="banner" role="alert">${icon('warn')}${this.note}</p>` : nothing}
      <form @submit=${(event: Event) => void this.#give(event, one)}>
        <fieldset><legend class="small">${t('wrap.disposition')}</legend>
          <div class="codes">${(one.dispositions ?? []).map((code, i) => this.#code(code, i))}</div>
        </fieldset>
        <label class="small">${t('wrap.note')}<textarea class="field" name="note" rows="2" maxlength="4000"></textarea></label>
        <div class="row">
          <button class="button main" data-testid="wrap-give" ?disabled=${this.busy || !this.chosen}>${icon('check')}${t('wrap.give')}</button>
          <button class="button" type="button" data-testid="wrap-extend" ?disabled=${this.busy}
            @click=${() => void this.#run(async () => this.client?.request('extend_wrap_up', { case: one.case }))}>
            ${t('wrap.extend')}</button>
          ${this.owed.length > 1 ? html`<span class="small quiet">${t('wrap.more', { n: this.owed.length - 1 })}</span>` : nothing}
        </div>
      </form>
    </section>`;
  }

  #code(code: string, i: number) {
    return html`<label class="code"><input type="radio" name="disposition" value=${code} data-testid="wrap-${code}"
        .checked=${this.chosen === code} @change=${() => (this.chosen = code)} ${i === 0 ? focusOnce : nothing} />
      <kbd aria-hidden="true">${i + 1}</kbd>${tMaybe('wrap.code.', code)}</label>`;
  }

  #overdue() {
    return html`<section class="card wrap-card" data-testid="wraps-overdue" aria-label=${t('wrap.late.title')}>
      <h2>${t('wrap.late.title')}</h2>
      <ul>${this.late.map((one) => html`<li>
        <button class="button plain" @click=${() => this.dispatchEvent(new CustomEvent('opened', { detail: one.case }))}>
          ${one.agent} · <span class="numbers">${one.number}</span></button>
        <lp-until .at=${Date.parse(one.due_at) + (this.client?.clockSkewMs ?? 0)}></lp-until></li>`)}</ul>
    </section>`;
  }
}
