// SPDX-License-Identifier: Apache-2.0
// The checklist of an authentication beside the call: each point with what shows it, the judgement and the note;
// then the verdict, or an opinion that is committed to before anybody knows it; then the certificate.
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, language, t, tMaybe } from '../../i18n/index.js';
import {
  sealOpinion, type Clip, type ExaminedPoint, type Examination, type Judgement, type LoupeRest, type Opinion,
  type PieceOfEvidence, type SealedOpinion, type Still, type Texts, type Verdict,
} from '../../sdk/index.js';
import { PageElement, icon } from '../../ui/element.js';
import './checklist.css';

const JUDGEMENTS: Judgement[] = ['consistent', 'inconsistent', 'unclear', 'not_applicable'];
const VERDICTS: Verdict[] = ['genuine', 'counterfeit', 'inconclusive'];
const JUDGED_IN = new Set(['open', 'waiting', 'in_call']);
const EVIDENCE_MAX = 8;

const said = (texts: Texts | undefined) => (language === 'zh-CN' ? texts?.zh : undefined) ?? texts?.en ?? '';

/** What an appraiser who judges blind has written down, kept in this browser until it is revealed. */
interface Draft {
  points: Record<string, { judgement?: Judgement; note?: string }>;
  sealed?: SealedOpinion;
}

@customElement('lp-checklist')
export class ChecklistElement extends PageElement {
  @property() case = '';
  /** Where stills are taken, while there is a call; else "". */
  @property() room = '';
  @property() publisher = '';
  @property() me = '';
  @property({ type: Boolean }) judges = false;
  /** The case's, which says whether there can be a verdict. */
  @property() state = '';
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) stills: Still[] = [];
  @property({ attribute: false }) clips: Clip[] = [];
  /** The last event of the timeline: with a new one it is read again. */
  @property({ type: Number }) seq = 0;

  @state() exam: Examination | undefined;
  @state() none = false;
  /** To choose from where none is for such goods. */
  @state() offered: { id: string; name: Texts }[] = [];
  @state() open = '';
  @state() note = '';
  @state() busy = false;
  @state() verdict: Verdict | undefined;
  @state() grounds = '';
  @state() item = '';
  @state() draft: Draft = { points: {} };

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('case')) {
      this.exam = undefined;
      this.verdict = undefined;
      this.grounds = this.note = this.open = '';
      this.draft = JSON.parse(localStorage.getItem(this.#draftKey) ?? '{"points":{}}') as Draft;
    }
    if ((changed.has('case') || changed.has('seq')) && this.case) void this.#load();
  }

  get #draftKey(): string {
    return `loupe.opinion.${this.case}.${this.me}`;
  }

  #keep(draft: Draft): void {
    this.draft = draft;
    localStorage.setItem(this.#draftKey, JSON.stringify(draft));
  }

  async #load(): Promise<void> {
    const id = this.case;
    try {
      const exam = await this.rest?.examination(id);
      if (id !== this.case || !exam) return;
      this.exam = exam;
      this.none = !exam.checklist;
      // What lapsed may be written anew.
      const mine = exam.opinions?.filter(({ by }) => by === this.me) ?? [];
      if (this.draft.sealed && mine.length > 0 && mine.every(({ lapsed_at: off }) => off)) this.#keep({ points: this.draft.sealed.points });
      if (this.none && this.judges) this.offered = (await this.rest?.checklists())?.items ?? [];
    } catch (error) {
      this.note = t('checklist.failed', { why: (error as Error).message });
    }
  }

  /** Does something, and shows what the examination is then, or why it was not done. */
  async #do(act: (rest: LoupeRest) => Promise<Examination | undefined>): Promise<boolean> {
    if (!this.rest || this.busy) return false;
    this.busy = true;
    this.note = '';
    try {
      this.exam = (await act(this.rest)) ?? (await this.rest.examination(this.case));
      return true;
    } catch (error) {
      this.note = t('checklist.failed', { why: (error as Error).message });
      return false;
    } finally {
      this.busy = false;
    }
  }

  // --- points

  #find(point: ExaminedPoint, found: { evidence?: PieceOfEvidence[]; judgement?: Judgement; note?: string }): void {
    const { evidence, ...words } = found;
    const shared = !this.exam?.blind || words.judgement === 'not_applicable' || point.judgement === 'not_applicable';
    if (evidence || shared) void this.#do((rest) => rest.examinePoint(this.case, point.id, found));
    if (evidence || shared || this.draft.sealed) return;
    const before = this.draft.points[point.id];
    this.#keep({ points: { ...this.draft.points, [point.id]: { ...before, ...words } } });
  }

  async #show(point: ExaminedPoint): Promise<void> {
    await this.#do(async (rest) => {
      const label = said(point.title);
      const still = await rest.takeStill(this.room, { label, ...(this.publisher ? { publisher: this.publisher } : {}) });
      return rest.examinePoint(this.case, point.id, { evidence: [...point.evidence, { still: still.id }] });
    });
  }

  /** Judged blind: as written down here, unless it does not apply to anybody. */
  #words(point: ExaminedPoint): { judgement?: Judgement; note?: string } {
    if (!this.exam?.blind || point.judgement) return point;
    const { judgement, note } = this.draft.sealed?.points[point.id] ?? this.draft.points[point.id] ?? {};
    return { ...(judgement ? { judgement } : {}), ...(note ? { note } : {}) };
  }

  #isDone(point: ExaminedPoint): boolean {
    const { judgement, note } = this.#words(point);
    return Boolean(judgement && note && (judgement === 'not_applicable' || point.evidence.length > 0));
  }

  /** What a verdict, or an opinion, still wants. */
  get #missing(): ExaminedPoint[] {
    const begun = (point: ExaminedPoint) => point.evidence.length > 0 || Boolean(this.#words(point).judgement);
    return (this.exam?.points ?? []).filter((point) => (!point.optional || begun(point)) && !this.#isDone(point));
  }

  // --- verdict, opinion, certificate

  get #ground() {
    const hashes = (this.exam?.points ?? []).flatMap(({ evidence }) => evidence.map(({ sha256 = '' }) => sha256));
    return [{ text: this.grounds.trim(), evidence: [...new Set(hashes)].slice(0, 32) }];
  }

  async #decide(): Promise<void> {
    const { verdict } = this;
    if (!verdict) return;
    if (!this.exam?.blind) {
      await this.#do(async (rest) => void (await rest.giveVerdict(this.case, verdict, this.#ground)) as undefined);
      return;
    }
    const points = Object.fromEntries(this.exam.points.filter((point) => !point.judgement && this.#isDone(point)).map((point) => {
      const { judgement, note } = this.#words(point);
      return [point.id, { judgement: judgement as Judgement, note: note as string }];
    }));
    const { opinion, commitment } = await sealOpinion(this.case, this.me, { verdict, grounds: this.#ground, points });
    if (await this.#do((rest) => rest.commitOpinion(this.case, commitment))) this.#keep({ ...this.draft, sealed: opinion });
  }

  async #reveal(): Promise<void> {
    const { sealed } = this.draft;
    if (sealed) await this.#do((rest) => rest.revealOpinion(this.case, sealed));
  }

  async #certify(): Promise<void> {
    const item = this.item.trim();
    await this.#do(async (rest) => void (await rest.issueCertificate(this.case, item ? { item } : {})) as undefined);
  }

  // --- views

  protected override render() {
    const { exam } = this;
    if (this.none) return this.#choice();
    if (!exam) return html`<p class="quiet small panel-body" aria-busy="true">${t('checklist.loading')}</p>`;
    const done = exam.points.filter((point) => this.#isDone(point)).length;
    return html`<div class="panel-body checklist" data-testid="checklist" data-missing=${this.#missing.length}>
      <p class="small quiet">${said(exam.checklist?.name)} · ${t('checklist.progress', { n: done, all: exam.points.length })}
        ${exam.blind ? html`<span class="chip warm">${t('checklist.blind')}</span>` : nothing}</p>
      ${this.note ? html`<p class="banner" role="status" data-testid="checklist-note">${icon('warn')}${this.note}</p>` : nothing}
      <ol>${exam.points.map((point) => this.#point(point))}</ol>
      ${this.#end(exam)}
    </div>`;
  }

  #choice() {
    const pin = async (event: Event) => {
      const id = (event.target as HTMLSelectElement).value;
      if (id && (await this.#do((rest) => rest.pinChecklist(this.case, id)))) this.none = false;
    };
    return html`<div class="panel-body checklist" data-testid="checklist-none"><p class="quiet small">${t('checklist.none')}</p>
      ${this.note ? html`<p class="banner" role="status">${icon('warn')}${this.note}</p>` : nothing}
      ${this.offered.length > 0
        ? html`<select class="field" data-testid="checklist-choose" aria-label=${t('checklist.choose')} @change=${pin}>
            <option value="">${t('checklist.choose')}</option>
            ${this.offered.map(({ id, name }) => html`<option value=${id}>${said(name)}</option>`)}</select>`
        : nothing}</div>`;
  }

  #point(point: ExaminedPoint) {
    const open = this.open === point.id;
    const { judgement } = this.#words(point);
    return html`<li class="point ${judgement ?? ''}" data-testid="point" data-point=${point.id} data-done=${this.#isDone(point)}>
      <button class="point-head" aria-expanded=${open} @click=${() => (this.open = open ? '' : point.id)}>
        ${icon(this.#isDone(point) ? 'check' : 'list')}<span class="title">${said(point.title)}</span>
        <span class="small quiet">${judgement ? tMaybe('judgement.', judgement) : point.optional ? t('checklist.optional') : ''}</span>
      </button>
      ${open ? html`<div class="point-body">${this.#body(point)}</div>` : nothing}
    </li>`;
  }

  #body(point: ExaminedPoint) {
    const closed = !this.judges || !JUDGED_IN.has(this.state) || this.exam?.verdict !== undefined || this.draft.sealed !== undefined;
    const words = this.#words(point);
    return html`<p class="small quiet">${said(point.hint)}</p>
      ${this.#evidence(point, closed)}
      <fieldset ?disabled=${closed}>
        <legend class="only-read">${t('checklist.judgement')}</legend>
        ${JUDGEMENTS.map((one) => html`<label class="pick"><input type="radio" name="judgement-${point.id}" .checked=${words.judgement === one}
          data-testid="judge-${one}" @change=${() => this.#find(point, { judgement: one })} />${tMaybe('judgement.', one)}</label>`)}
        <textarea class="field" rows="2" maxlength="4000" data-testid="point-note" aria-label=${t('checklist.note')} placeholder=${t('checklist.note')}
          .value=${words.note ?? ''} @change=${(event: Event) => {
            const note = (event.target as HTMLTextAreaElement).value.trim();
            if (note) this.#find(point, { note });
          }}></textarea>
      </fieldset>`;
  }

  #evidence(point: ExaminedPoint, closed: boolean) {
    const pictures = point.evidence.map(({ still, clip }) => ({
      id: still ?? clip ?? '',
      clip: clip !== undefined,
      src: still ? this.stills.find(({ id }) => id === still)?.poster_url : this.clips.find(({ id }) => id === clip)?.poster_url,
    }));
    const remove = (id: string) => this.#find(point, { evidence: point.evidence.filter(({ still, clip }) => (still ?? clip) !== id) });
    return html`<ul class="shown">${pictures.map(({ id, clip, src }) => html`<li data-testid="point-evidence">
        ${src ? html`<img src=${src} alt="" />` : icon(clip ? 'cam' : 'picture')}
        ${closed ? nothing : html`<button class="button plain round tight" aria-label=${t('checklist.remove')} @click=${() => remove(id)}>${icon('close')}</button>`}
      </li>`)}</ul>
      ${closed || point.evidence.length >= EVIDENCE_MAX ? nothing : html`<div class="show">${this.#adders(point)}</div>`}`;
  }

  #adders(point: ExaminedPoint) {
    const has = new Set(point.evidence.map(({ still, clip }) => still ?? clip));
    const stills = point.wants === 'clip' ? [] : this.stills.filter(({ id }) => !has.has(id));
    const clips = point.wants === 'still' ? [] : this.clips.filter(({ id, state: is }) => is === 'ready' && !has.has(id));
    const add = (event: Event) => {
      const select = event.target as HTMLSelectElement;
      const [object, id] = select.value.split(' ') as ['still' | 'clip', string];
      select.value = '';
      if (id) this.#find(point, { evidence: [...point.evidence, { [object]: id }] });
    };
    const name = (one: Still | Clip, n: number, word: string) => `${word} ${n + 1}${one.label ? ` · ${one.label}` : ''}`;
    return html`${this.room && point.wants !== 'clip'
        ? html`<button class="button tight" data-testid="point-still" ?disabled=${this.busy} @click=${() => void this.#show(point)}>${icon('picture')}${t('checklist.take')}</button>`
        : nothing}
      ${stills.length + clips.length > 0
        ? html`<select class="field" data-testid="point-add" aria-label=${t('checklist.add')} @change=${add}>
            <option value="">${t('checklist.add')}</option>
            ${stills.map((one, n) => html`<option value="still ${one.id}">${name(one, n, t('certificate.object.still'))}</option>`)}
            ${clips.map((one, n) => html`<option value="clip ${one.id}">${name(one, n, t('certificate.object.clip'))}</option>`)}
          </select>`
        : point.wants === 'clip' && point.evidence.length === 0 ? html`<span class="small quiet">${t('checklist.wantsClip')}</span>` : nothing}`;
  }

  #end(exam: Examination) {
    if (exam.verdict) return this.#decided(exam);
    if (!this.judges || !JUDGED_IN.has(this.state)) return nothing;
    const mine = exam.opinions?.filter(({ by }) => by === this.me) ?? [];
    const own = mine.find(({ lapsed_at: off }) => !off);
    const known = exam.opinions?.some(({ revealed_at: at }) => at);
    if (exam.blind && !own && mine.length > 0 && known)
      return html`<p class="small quiet decide" data-testid="opinion-lapsed">${t('checklist.lapsed')}</p>`;
    if (exam.blind && this.draft.sealed && own) return this.#committed(exam, own);
    const left = this.#missing.length;
    const judged = exam.points.some(({ judgement, note }) => note || (judgement && judgement !== 'not_applicable'));
    return html`<section class="decide" aria-label=${t('checklist.verdict')}>
      <h3>${exam.blind ? t('checklist.opinion') : t('checklist.verdict')}</h3>
      ${left > 0 ? html`<p class="small quiet" data-testid="checklist-missing">${t('checklist.missing', { n: left })}</p>` : nothing}
      <fieldset ?disabled=${left > 0}>
        ${VERDICTS.map((one) => html`<label class="pick"><input type="radio" name="verdict" data-testid="verdict-${one}" .checked=${this.verdict === one}
          @change=${() => (this.verdict = one)} />${tMaybe('verdict.', one)}</label>`)}
        <textarea class="field" rows="3" maxlength="4000" data-testid="grounds" aria-label=${t('checklist.grounds')} placeholder=${t('checklist.grounds')}
          .value=${this.grounds} @input=${(event: Event) => (this.grounds = (event.target as HTMLTextAreaElement).value)}></textarea>
        <button class="button main" data-testid="give-verdict" ?disabled=${this.busy || !this.verdict || !this.grounds.trim()}
          @click=${() => void this.#decide()}>${icon('shield')}${exam.blind ? t('checklist.commit') : t('checklist.give')}</button>
      </fieldset>
      ${exam.blind || exam.known || judged
        ? nothing
        : html`<button class="button plain" data-testid="judge-blind" ?disabled=${this.busy}
            @click=${() => void this.#do((rest) => rest.judgeBlind(this.case))}>${t('checklist.askBlind')}</button>`}
    </section>`;
  }

  #committed(exam: Examination, own: Opinion) {
    const revealed = own.revealed_at !== undefined;
    const ready = (exam.opinions?.filter(({ lapsed_at: off }) => !off).length ?? 0) > 1;
    return html`<section class="decide" data-testid="opinion-committed">
      <h3>${t('checklist.committed')}</h3>
      <p class="small quiet">${revealed ? t('checklist.revealed') : ready ? t('checklist.mayReveal') : t('checklist.waits')}
        ${!revealed && own.reveal_until ? t('checklist.revealUntil', { at: dateTime(own.reveal_until) }) : nothing}</p>
      ${revealed ? nothing : html`<button class="button main" data-testid="reveal" ?disabled=${!ready || this.busy}
        @click=${() => void this.#reveal()}>${icon('eye')}${t('checklist.reveal')}</button>`}
    </section>`;
  }

  #decided(exam: Examination) {
    const { verdict, grounds } = exam.verdict as NonNullable<Examination['verdict']>;
    const holds = exam.certificates?.find(({ revoked_at: off }) => !off);
    return html`<section class="decide" data-testid="verdict" data-verdict=${verdict}>
      <h3>${tMaybe('verdict.', verdict)}</h3>
      ${grounds.map(({ text }) => html`<p>${text}</p>`)}
      ${holds
        ? html`<p><a class="button" data-testid="certificate-link" target="_blank" href="/certificate/${holds.id}">${icon('shield')}${holds.number}</a></p>`
        : this.judges && verdict !== 'inconclusive'
          ? html`<label class="small">${t('checklist.item')}<input class="field" maxlength="200" data-testid="certificate-item" .value=${this.item}
                @input=${(event: Event) => (this.item = (event.target as HTMLInputElement).value)} /></label>
              <button class="button main" data-testid="certify" ?disabled=${this.busy} @click=${() => void this.#certify()}>${t('checklist.certify')}</button>`
          : nothing}
    </section>`;
  }
}
