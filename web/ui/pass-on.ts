// SPDX-License-Identifier: Apache-2.0
// Passing a case on, for the desk: to whom and how; leaving a call to who came into it for that; taking over a call
// that one came into.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { t, tMaybe } from '../i18n/index.js';
import type { Case, LoupeClient, LoupeRest } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import './settle.css';

const PASSES_ON = new Set(['agent', 'appraiser']);
const IN_STATES = new Set(['open', 'waiting', 'in_call']);
const MODES = ['blind', 'warm', 'invite'];

@customElement('lp-pass-on')
export class PassOnElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) client: LoupeClient | undefined;
  @property() viewerRole = '';
  @property() me = '';
  /** This page is in the case's call. */
  @property({ type: Boolean }) calling = false;
  @state() heir = '';
  @state() busy = false;
  @state() note = '';
  #offs: (() => void)[] = [];

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('calling') && !this.calling) this.heir = '';
    if (!changed.has('client')) return;
    this.#deaf();
    const { client } = this;
    if (!client) return;
    this.#offs = [
      client.on('call_joined', ({ agent, mode }) => {
        this.note = t('pass.joined', { name: agent.name });
        if (mode === 'warm') this.heir = agent.name;
      }),
      client.on('call_taken_over', ({ agent }) => {
        this.note = t('pass.taken', { name: agent.name });
        this.heir = '';
      }),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#deaf();
  }

  #deaf(): void {
    for (const off of this.#offs) off();
    this.#offs = [];
  }

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

  async #send(event: Event): Promise<void> {
    event.preventDefault();
    const { case: one, rest } = this;
    if (!one || !rest) return;
    const form = event.target as HTMLFormElement;
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()] as const);
    await this.#run(async () => {
      const after = await rest.act(one.id, 'transfer', Object.fromEntries(fields.filter(([, value]) => value)));
      form.reset();
      this.note = t('pass.asked');
      this.dispatchEvent(new CustomEvent('changed', { detail: after }));
    });
  }

  protected override render() {
    const { case: one, client } = this;
    if (!one || !client || !PASSES_ON.has(this.viewerRole) || !IN_STATES.has(one.state)) return nothing;
    const another = this.calling && one.last_call && one.last_call.agent !== this.me;
    return html`<section class="card settle" data-testid="pass-on" aria-label=${t('pass.title')}>
      ${this.note ? html`<p class="banner" role="status" data-testid="pass-note">${icon('check')}${this.note}</p>` : nothing}
      ${another
        ? html`<button class="button" data-testid="take-over" ?disabled=${this.busy}
            @click=${() => void this.#run(() => client.request('take_over', {}))}>${t('pass.take')}</button>`
        : nothing}
      ${this.calling && this.heir
        ? html`<button class="button main" data-testid="leave-call" @click=${() => this.dispatchEvent(new CustomEvent('left'))}>
            ${t('pass.leave', { name: this.heir })}</button>`
        : nothing}
      <details class="fold"><summary><h3>${t('pass.title')}</h3></summary>${this.#form()}</details>
    </section>`;
  }

  #form() {
    const field = (name: string, max: number) => html`<label class="small">${tMaybe('pass.', name)}
      <input class="field" name=${name} maxlength=${max} autocomplete="off" /></label>`;
    return html`<form @submit=${(event: Event) => void this.#send(event)}>
      ${this.calling
        ? html`<label class="small">${t('pass.mode')}<select class="field" name="mode">
            ${MODES.map((mode) => html`<option value=${mode}>${tMaybe('pass.mode.', mode)}</option>`)}</select></label>`
        : nothing}
      ${field('agent', 128)}${field('team', 64)}${field('note', 4000)}
      <button class="button" data-testid="pass" ?disabled=${this.busy}>${t('pass.send')}</button>
    </form>`;
  }
}
