// SPDX-License-Identifier: Apache-2.0
// The facts of a case, to be read and to be put right; and when somebody else was faster, both changes side by side.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { t } from '../i18n/index.js';
import { LoupeProblem, type Case, type LoupeRest } from '../sdk/index.js';
import { caseFacts } from './case.js';
import { PageElement, icon } from './element.js';
import {
  EDITED, EDITS, OVER, factTexts, factsPatch, mergeFacts, type FactClash, type FactName, type FactTexts,
} from './facts-merge.js';

const TEXT_MOST: Record<FactName, number> = {
  title: 200, reason: 4000, category: 200, brand: 200, language: 35, tier: 64, priority: 1,
};
const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Says `changed` with the case as the server has it then. */
@customElement('lp-facts')
export class FactsElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property() viewerRole = '';
  /** The case that is being changed, as its editor saw it first, and what is to become of it. */
  @state() private base: Case | undefined;
  @state() private wanted: FactTexts | undefined;
  @state() private clashes: FactClash[] = [];
  @state() private came: FactName[] = [];
  @state() private merging = false;
  @state() private busy = false;
  @state() private failed = '';

  protected override willUpdate(): void {
    if (this.base && this.base.id !== this.case?.id) this.#end();
  }

  protected override render() {
    const { case: one } = this;
    if (!one) return nothing;
    if (this.base) return this.#form(this.base);
    const may = EDITS.has(this.viewerRole) && !OVER.has(one.state);
    return html`${caseFacts(one)}
      ${may
        ? html`<button class="button tight facts-edit" data-testid="edit-facts" @click=${() => this.#begin(one)}>
            ${t('facts.edit')}</button>`
        : nothing}`;
  }

  #begin(one: Case): void {
    this.base = one;
    this.wanted = factTexts(one);
    void this.updateComplete.then(() => this.querySelector('form')?.scrollIntoView({ block: 'nearest' }));
  }

  #end(): void {
    this.base = this.wanted = undefined;
    this.clashes = [];
    this.came = [];
    this.merging = this.busy = false;
    this.failed = '';
  }

  #form(base: Case) {
    return html`<form class="facts-form" data-testid="facts-form" @submit=${(event: Event) => void this.#save(event)}>
      ${this.merging ? this.#merge() : nothing}
      ${EDITED.map((name) => (this.clashes.some((clash) => clash.name === name) ? nothing : this.#field(name)))}
      ${this.failed ? html`<p class="banner bad" role="alert">${icon('warn')}${this.failed}</p>` : nothing}
      <div class="clip-actions">
        <button type="button" class="button tight plain" @click=${() => this.#end()}>${t('action.cancel')}</button>
        <button class="button tight main" data-testid="facts-save" ?disabled=${this.busy} aria-busy=${this.busy}
          data-version=${base.version}>${this.merging ? t('facts.saveMerged') : t('facts.save')}</button>
      </div>
    </form>`;
  }

  #field(name: FactName) {
    const value = this.wanted?.[name] ?? '';
    const take = (event: Event) => this.#want(name, (event.target as HTMLInputElement).value);
    return html`<label><span class="small">${t(`case.${name}`)}
        ${this.came.includes(name) ? html`<span class="chip good">${t('facts.theirs')}</span>` : nothing}</span>
      ${name === 'reason'
        ? html`<textarea class="field" rows="2" maxlength=${TEXT_MOST[name]} data-testid="fact-${name}" .value=${value} @input=${take}></textarea>`
        : name === 'priority'
          ? html`<select class="field" data-testid="fact-${name}" @change=${take}>
              ${PRIORITIES.map((n) => html`<option value=${n} ?selected=${String(n) === value}>${n}</option>`)}</select>`
          : html`<input class="field" maxlength=${TEXT_MOST[name]} ?required=${name === 'title'} data-testid="fact-${name}"
              .value=${value} @input=${take} />`}
    </label>`;
  }

  #want(name: FactName, value: string): void {
    if (this.wanted) this.wanted = { ...this.wanted, [name]: value };
  }

  /** Somebody else has changed the case meanwhile. */
  #merge() {
    return html`<div class="merge" data-testid="merge" role="alert">
      <p class="banner warm">${icon('warn')}${t(this.clashes.length > 0 ? 'facts.clash' : 'facts.met')}</p>
      ${this.clashes.map((clash) => html`<fieldset data-testid="clash" data-fact=${clash.name}>
        <legend class="small">${t(`case.${clash.name}`)}</legend>
        ${this.#side(clash, 'theirs')} ${this.#side(clash, 'mine')}
        <p class="small quiet">${t('facts.before', { text: clash.base || t('facts.nothing') })}</p>
      </fieldset>`)}
    </div>`;
  }

  #side(clash: FactClash, side: 'theirs' | 'mine') {
    const text = clash[side];
    return html`<label class="tick side-choice">
      <input type="radio" name="clash-${clash.name}" data-testid="take-${side}" .checked=${this.wanted?.[clash.name] === text}
        @change=${() => this.#want(clash.name, text)} />
      <span><span class="small quiet">${t(`facts.${side}`)}</span>
        <strong>${text || t('facts.nothing')}</strong></span></label>`;
  }

  async #save(event: Event): Promise<void> {
    event.preventDefault();
    const { base, wanted, rest } = this;
    if (!base || !wanted || !rest || this.busy) return;
    this.busy = true;
    this.failed = '';
    try {
      const after = await rest.changeCase(base, factsPatch(factTexts(base), wanted));
      this.#end();
      this.dispatchEvent(new CustomEvent('changed', { detail: after }));
    } catch (error) {
      this.busy = false;
      const now = error instanceof LoupeProblem && error.status === 412 ? (error.problem['case'] as Case | undefined) : undefined;
      if (now) this.#meet(base, now, wanted);
      else this.failed = t('facts.failed', { why: (error as Error).message });
    }
  }

  #meet(base: Case, now: Case, wanted: FactTexts): void {
    const { merged, clashes, came } = mergeFacts(factTexts(base), factTexts(now), wanted);
    this.base = now;
    this.wanted = merged;
    this.clashes = clashes;
    this.came = came;
    this.merging = true;
    void this.updateComplete.then(() => this.querySelector('.merge')?.scrollIntoView({ block: 'nearest' }));
  }
}
