// SPDX-License-Identifier: Apache-2.0
// How a case is settled: an outcome proposed, agreed to or disputed; in a dispute both sides' statements with evidence
// of the case, the arbiter's questions and ruling, and the appeal. Each role sees what it can do next.
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, money, t, tMaybe } from '../i18n/index.js';
import { LoupeProblem, type Attachment, type Case, type Clip, type Dispute, type LoupeRest, type Ruling, type Still } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import './settle.css';

const OUTCOMES = ['refund', 'partial_refund', 'exchange', 'repair', 'return', 'no_fault_found', 'goodwill'];
const LIABLE = ['merchant', 'buyer', 'carrier', 'shared', 'none'];
const MERCHANT = new Set(['agent', 'appraiser', 'host']);
const PROPOSES = new Set(['open', 'waiting', 'in_call', 'proposed', 'disputed']);
/** For so long the verdict of an authentication can be disputed. */
const VERDICT_MS = 7 * 86_400_000;
const AMOUNT = '[0-9]{1,12}([.][0-9]{1,2})?';

type Fields = Record<string, string>;
type Act = (rest: LoupeRest, id: string, fields: Fields, evidence: string[]) => Promise<Case | Dispute>;

@customElement('lp-settle')
export class SettleElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) stills: Still[] = [];
  @property({ attribute: false }) clips: Clip[] = [];
  @property({ attribute: false }) names = new Map<string, string>();
  @property() viewerRole = '';
  @property() me = '';
  /** Read again when it changes. */
  @property({ type: Number }) seq = 0;
  @state() dispute: Dispute | undefined;
  @state() files: Attachment[] = [];
  @state() busy = false;
  @state() note = '';
  @state() disputing = false;

  /** A file was put to the case, here or elsewhere on the page. */
  readonly #added = () => void this.#loadFiles();

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('loupe-attachment', this.#added);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('loupe-attachment', this.#added);
  }

  /** Those that both sides see. */
  async #loadFiles(): Promise<void> {
    const id = this.case?.id;
    const found = id ? await this.rest?.attachments(id).catch(() => undefined) : undefined;
    if (found && id === this.case?.id) this.files = found.items.filter(({ visible }) => visible);
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    const before = changed.get('case') as Case | undefined;
    const other = changed.has('case') && before?.id !== this.case?.id;
    if (other) {
      this.dispute = undefined;
      this.files = [];
      this.note = '';
      this.disputing = false;
    }
    if (other || changed.has('seq') || (changed.has('case') && before?.version !== this.case?.version)) void this.#load();
  }

  async #load(): Promise<void> {
    const { case: one, rest } = this;
    if (!one || !rest || !(one.dispute || one.state === 'proposed' || mayContest(one))) return;
    void this.#loadFiles();
    // The buyer's page shows no stills of its own.
    const [dispute, stills] = await Promise.all([
      one.dispute ? rest.dispute(one.id).catch(() => undefined) : undefined,
      this.viewerRole === 'buyer' ? rest.stills(one.id).catch(() => undefined) : undefined,
    ]);
    if (one.id !== this.case?.id) return;
    this.dispute = dispute;
    if (stills) this.stills = stills.items;
  }

  get #side(): 'buyer' | 'merchant' | undefined {
    return this.viewerRole === 'buyer' ? 'buyer' : MERCHANT.has(this.viewerRole) ? 'merchant' : undefined;
  }

  async #do(event: Event | undefined, act: Act): Promise<void> {
    event?.preventDefault();
    const { rest, case: one } = this;
    if (!rest || !one || this.busy) return;
    const form = event?.target instanceof HTMLFormElement ? event.target : undefined;
    const data = form ? new FormData(form) : new FormData();
    const evidence = data.getAll('evidence').map(String);
    const fields = Object.fromEntries([...data].map(([name, value]) => [name, String(value).trim()]));
    this.busy = true;
    this.note = '';
    try {
      const answer = await act(rest, one.id, fields, evidence);
      if ('statements' in answer) this.dispute = answer;
      else this.dispatchEvent(new CustomEvent('changed', { detail: answer }));
      form?.reset();
      this.disputing = false;
    } catch (error) {
      const stale = error instanceof LoupeProblem && error.status === 409;
      this.note = t('settle.failed', { why: (error as Error).message });
      if (stale) this.dispatchEvent(new CustomEvent('changed', { detail: await rest.case(one.id) }));
    }
    this.busy = false;
  }

  // --- views

  protected override render() {
    const { case: one } = this;
    if (!one) return nothing;
    const parts = [this.#outcome(one), this.#verdict(one), this.#ruled(), this.#disputed(one), this.#arbiter(one), this.#propose(one)].filter((part) => part !== nothing);
    if (parts.length === 0) return nothing;
    return html`<section class="card settle" data-testid="settle" data-state=${one.state} aria-label=${t('settle.title')}>
      <h2>${t('settle.title')}</h2>
      ${this.note ? html`<p class="banner" role="status" data-testid="settle-note">${icon('warn')}${this.note}</p>` : nothing}
      ${parts}
    </section>`;
  }

  #form(testid: string, title: string, body: TemplateResult, act: Act, word: string) {
    return html`<form data-testid=${testid} @submit=${(event: Event) => void this.#do(event, act)}>
      ${title ? html`<h3>${title}</h3>` : nothing}${body}
      <button class="button main" ?disabled=${this.busy}>${word}</button>
    </form>`;
  }

  #text(label: string, name = 'text') {
    return html`<textarea class="field" name=${name} rows="3" maxlength="4000" required aria-label=${label} placeholder=${label}></textarea>`;
  }

  #select(name: string, label: string, words: string[], beginning: string) {
    return html`<label class="small">${label}<select class="field" name=${name}>
      ${words.map((word) => html`<option value=${word}>${tMaybe(beginning, word)}</option>`)}</select></label>`;
  }

  #amount() {
    const currency = Object.values(this.case?.order ?? {}).map((value) => (value as { currency?: string } | undefined)?.currency).find(Boolean);
    return html`<label class="small">${t('settle.amount')}<span class="amount"><input class="field" name="amount" inputmode="decimal" pattern=${AMOUNT} />
      <input class="field" name="currency" value=${currency ?? 'CNY'} pattern="[A-Z]{3}" aria-label=${t('settle.currency')} /></span></label>`;
  }

  /** Stills, clips and files of the case, to be chosen. */
  #evidence() {
    const ready = this.clips.filter((clip) => clip.state === 'ready' && clip.sha256);
    if (this.stills.length + ready.length + this.files.length === 0) return nothing;
    const one = (sha256: string, src: string | undefined, name: string) => html`<label class="piece">
      <input type="checkbox" name="evidence" value=${sha256} />${src ? html`<img src=${src} alt="" />` : nothing}<span>${name}</span></label>`;
    return html`<fieldset class="pieces"><legend class="small quiet">${t('settle.evidence')}</legend>
      ${this.stills.map((still, n) => one(still.sha256, still.poster_url, still.label || `${t('certificate.object.still')} ${n + 1}`))}
      ${ready.map((clip, n) => one(clip.sha256 as string, clip.poster_url, clip.label || `${t('certificate.object.clip')} ${n + 1}`))}
      ${this.files.map(({ sha256, name }) => one(sha256 as string, undefined, name))}
    </fieldset>`;
  }

  #cited(hashes: string[] | undefined) {
    if (!hashes?.length) return nothing;
    const name = (hash: string) => {
      const still = this.stills.findIndex(({ sha256 }) => sha256 === hash);
      const clip = this.clips.findIndex(({ sha256 }) => sha256 === hash);
      if (still >= 0) return this.stills[still]?.label || `${t('certificate.object.still')} ${still + 1}`;
      if (clip >= 0) return this.clips[clip]?.label || `${t('certificate.object.clip')} ${clip + 1}`;
      return this.files.find(({ sha256 }) => sha256 === hash)?.name ?? hash.slice(0, 12);
    };
    return html`<span class="small quiet">${t('settle.cites', { what: hashes.map(name).join(', ') })}</span>`;
  }

  #outcome(one: Case) {
    const { outcome } = one;
    if (!outcome || !['proposed', 'agreed', 'executed', 'closed'].includes(one.state) || (this.dispute?.rulings?.length ?? 0) > 0) return nothing;
    const may = one.state === 'proposed';
    const done = ['executed', 'closed'].includes(one.state) ? one.execution : undefined;
    return html`<div data-testid="outcome">
      <p><strong>${tMaybe('outcome.', outcome.outcome)}</strong> ${outcome.amount ? money(outcome.amount) : nothing}</p>
      ${outcome.note ? html`<p class="quiet">${outcome.note}</p>` : nothing}
      ${done ? executed(done) : nothing}
      ${may && this.viewerRole === 'buyer'
        ? html`<p class="row"><button class="button main" data-testid="agree" ?disabled=${this.busy}
              @click=${() => void this.#do(undefined, (rest, id) => rest.act(id, 'agree', {}))}>${t('settle.agree')}</button>
            <button class="button" data-testid="disagree" @click=${() => (this.disputing = !this.disputing)}>${t('settle.dispute')}</button></p>`
        : nothing}
      ${may && this.#side === 'merchant' ? html`<p><button class="button plain" data-testid="disagree"
          @click=${() => (this.disputing = !this.disputing)}>${t('settle.escalate')}</button></p>` : nothing}
      ${may && this.disputing ? this.#disputeForm() : nothing}
    </div>`;
  }

  #disputeForm() {
    return this.#form('dispute-form', '', html`${this.#text(t('settle.statement'))}${this.#evidence()}`,
      (rest, id, { text = '' }, evidence) => rest.act(id, 'dispute', { statement: text, evidence }), t('settle.send'));
  }

  /** Who does not agree to a verdict has a week to say so. */
  #verdict(one: Case) {
    const { verdict } = one;
    if (!verdict || !this.#side || !mayContest(one) || (this.dispute?.statements.length ?? 0) > 0) return nothing;
    return html`<div data-testid="contest">
      <p><strong>${tMaybe('verdict.', verdict.verdict)}</strong></p>
      ${verdict.grounds.map(({ text, evidence }) => html`<p class="quiet">${text} ${this.#cited(evidence)}</p>`)}
      <p><button class="button" data-testid="disagree" @click=${() => (this.disputing = !this.disputing)}>${
        this.viewerRole === 'buyer' ? t('settle.dispute') : t('settle.escalate')}</button></p>
      ${this.disputing ? this.#disputeForm() : nothing}
    </div>`;
  }

  #propose(one: Case) {
    if (this.#side !== 'merchant' || !PROPOSES.has(one.state) || one.kind === 'authentication') return nothing;
    // Once it was ruled, an appeal goes to an arbiter alone.
    if (one.state === 'disputed' && (!this.dispute || this.dispute.rulings?.length)) return nothing;
    return html`<details class="fold" data-testid="propose"><summary><h3>${t('settle.propose')}</h3></summary>
      ${this.#form('propose-form', '', html`${this.#select('outcome', t('settle.outcome'), OUTCOMES, 'outcome.')}${this.#amount()}`,
        (rest, id, { outcome, amount, currency }) => rest.act(id, 'propose', { outcome, ...(amount ? { amount: { value: amount, currency } } : {}) }), t('settle.proposeIt'))}
    </details>`;
  }

  #ruled() {
    const { dispute } = this;
    const last = dispute?.rulings?.at(-1);
    if (!dispute || !last) return nothing;
    const mayAppeal = last.appeal_until && this.#side && ['ruled', 'executed', 'closed'].includes(this.case?.state ?? '');
    return html`<div data-testid="ruling">${ruling(last, (hashes) => this.#cited(hashes))}
      ${dispute.execution ? executed(dispute.execution) : nothing}
      ${mayAppeal
        ? html`<details class="fold" data-testid="appeal"><summary><h3>${t('settle.appeal', { at: dateTime(last.appeal_until as string) })}</h3></summary>
            ${this.#form('appeal-form', '', html`${this.#text(t('settle.statement'))}${this.#evidence()}`,
              (rest, id, { text = '' }, evidence) => rest.act(id, 'appeal', { statement: text, evidence }), t('settle.send'))}</details>`
        : nothing}
    </div>`;
  }

  #disputed(one: Case) {
    const { dispute } = this;
    if (!dispute || !['disputed', 'in_review', 'ruled'].includes(one.state)) return nothing;
    const open = one.state !== 'ruled';
    const side = this.#side;
    return html`<ol class="said">${dispute.statements.map(({ side: whose, text, at, evidence }) => html`<li data-testid="statement" data-side=${whose}>
        <span class="small quiet">${tMaybe('settle.side.', whose)} · ${dateTime(at)}</span><p>${text}</p>${this.#cited(evidence)}</li>`)}</ol>
      ${(dispute.questions ?? []).map((question) => html`<div class="question" data-testid="question" data-question=${question.question} data-state=${question.state}>
        <span class="small quiet">${t('settle.question', { to: tMaybe('settle.side.', question.to), at: dateTime(question.due_at) })} <span class="chip">${tMaybe('settle.state.', question.state)}</span></span>
        <p>${question.text}</p>
        ${question.answer ? html`<blockquote>${question.answer.text} ${this.#cited(question.answer.evidence)}</blockquote>` : nothing}
        ${question.state === 'open' && side === question.to && one.state === 'in_review'
          ? this.#form('answer-form', '', html`${this.#text(t('settle.answer'))}${this.#evidence()}`,
              (rest, id, { text = '' }, evidence) => rest.answerQuestion(id, question.question, { text, evidence }), t('settle.send'))
          : nothing}</div>`)}
      ${open && side
        ? html`<details class="fold" data-testid="state"><summary><h3>${t('settle.stateMore')}</h3></summary>
            ${this.#form('statement-form', '', html`${this.#text(t('settle.statement'))}${this.#evidence()}`,
              (rest, id, { text = '' }, evidence) => rest.makeStatement(id, { text, evidence }), t('settle.send'))}</details>`
        : nothing}`;
  }

  #arbiter(one: Case) {
    if (this.viewerRole !== 'arbiter' || !['disputed', 'in_review'].includes(one.state)) return nothing;
    const mine = one.state === 'in_review' && this.dispute?.review?.by === this.me;
    if (!mine) {
      return html`<p><button class="button main" data-testid="review" ?disabled=${this.busy}
        @click=${() => void this.#do(undefined, (rest, id) => rest.act(id, 'review', {}))}>${one.state === 'disputed' ? t('settle.review') : t('settle.takeOver')}</button></p>`;
    }
    return html`<details class="fold" data-testid="ask"><summary><h3>${t('settle.ask')}</h3></summary>
        ${this.#form('question-form', '', html`${this.#select('to', t('settle.to'), ['buyer', 'merchant'], 'settle.side.')}
          <label class="small">${t('settle.within')}<select class="field" name="hours">${[1, 24, 48, 168].map((n) => html`<option value=${n}>${n}</option>`)}</select></label>
          ${this.#text(t('settle.ask'))}`,
          (rest, id, { to = '', text = '', hours }) => rest.askQuestion(id, { to, text, within_seconds: Number(hours) * 3600 }), t('settle.send'))}</details>
      <details class="fold" data-testid="rule"><summary><h3>${t('settle.rule')}</h3></summary>
        ${this.#form('ruling-form', '', html`${this.#select('liability', t('settle.liability'), LIABLE, 'liability.')}${this.#select('remedy', t('settle.remedy'), OUTCOMES, 'outcome.')}
          ${this.dispute?.of ? this.#select('stands', t('settle.stands'), ['yes', 'no'], 'settle.stands.') : nothing}
          ${this.#amount()}<label class="tick small"><input type="checkbox" name="advance" value="yes" />${t('settle.advance')}</label>
          ${this.#text(t('settle.grounds'))}${this.#evidence()}`,
          (rest, id, { liability, remedy, stands, amount, currency, advance, text = '' }, evidence) => rest.act(id, 'rule', {
            liability, remedy, ...(stands ? { verdict_stands: stands === 'yes' } : {}), advance_payment: advance === 'yes', grounds: [{ text, evidence }], ...(amount ? { amount: { value: amount, currency } } : {}),
          }), t('settle.ruleIt'))}</details>`;
  }
}

function mayContest({ state, verdict }: Case): boolean {
  return verdict !== undefined && ['executed', 'closed'].includes(state) && Date.parse(verdict.at) + VERDICT_MS > Date.now();
}

function executed({ reference = '', at }: NonNullable<Case['execution']>) {
  return html`<p class="small quiet" data-testid="execution">${t('settle.executed', { reference, at: dateTime(at) })}</p>`;
}

function ruling(one: Ruling, cited: (hashes: string[] | undefined) => unknown) {
  return html`<h3>${t('settle.ruled', { at: dateTime(one.at) })}</h3>
    <p><strong>${tMaybe('outcome.', one.remedy)}</strong> ${one.amount ? money(one.amount) : nothing} · ${tMaybe('liability.', one.liability)}</p>
    ${one.verdict_stands === undefined ? nothing : html`<p>${t(one.verdict_stands ? 'settle.stood' : 'settle.fell')}</p>`}
    ${one.advance_payment ? html`<p class="small">${t('settle.advance')}</p>` : nothing}
    ${one.grounds.map(({ text, evidence }) => html`<p class="quiet">${text} ${cited(evidence)}</p>`)}`;
}
