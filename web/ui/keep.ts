// SPDX-License-Identifier: Apache-2.0
// Keeping and forgetting: legal holds on a case, a clip or a still; deletion with its reason; what was deleted;
// and who has looked at what.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, t, tMaybe } from '../i18n/index.js';
import type { Access, Hold, LoupeRest, Tombstone } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import { DELETES, HOLDS, holdsOn, mayLift, type KeptThing } from './holds.js';

const REASON_MOST = 200;

/** Of a thing, or of all of a case. Says `deleted` (the thing is gone). */
@customElement('lp-keep')
export class KeepElement extends PageElement {
  @property() case = '';
  @property({ attribute: false }) thing: KeptThing | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) names = new Map<string, string>();
  @property() viewerRole = '';
  /** Something of the case was deleted. */
  @property({ type: Boolean }) graves = false;
  @state() private holds: Hold[] = [];
  @state() private tombstones: Tombstone[] = [];
  @state() private accesses: Access[] | undefined;
  /** What a reason is being given for: 'hold', 'delete', or a hold's id to lift. */
  @state() private asking = '';
  @state() private busy = false;
  @state() private failed = '';
  @state() private parts = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('thing') as KeptThing | undefined;
    if (changed.has('graves') && this.graves && !changed.has('case')) void this.load();
    if (!changed.has('case') && !(changed.has('thing') && before?.id !== this.thing?.id)) return;
    this.holds = [];
    this.tombstones = [];
    this.accesses = undefined;
    this.asking = this.failed = '';
    void this.load();
  }

  async load(): Promise<void> {
    const { case: id, rest, thing } = this;
    if (!id || !rest) return;
    const none = { items: [] };
    const [holds, tombstones] = await Promise.all([
      rest.holds(id).catch(() => none), thing || !this.graves ? none : rest.tombstones(id).catch(() => none),
    ]);
    if (id !== this.case || thing?.id !== this.thing?.id) return;
    this.holds = holds.items;
    this.tombstones = tombstones.items;
  }

  protected override render() {
    const on = holdsOn(this.holds, this.thing);
    return html`<section class="fact-card keep ${on.length > 0 ? 'held' : ''}" data-testid="keep" data-held=${on.length > 0}>
      <h3>${icon('lock')}${on.length > 0 ? t('keep.held') : t('keep.title')}</h3>
      ${on.map((hold) => this.#hold(hold))}
      ${on.length === 0 ? html`<p class="small quiet">${this.#until()}</p>` : nothing}
      ${this.#acts(on)}
      ${this.failed ? html`<p class="banner bad" role="alert">${icon('warn')}${this.failed}</p>` : nothing}
      ${this.tombstones.length > 0 ? this.#gone() : nothing}
      ${this.#looks()}
    </section>`;
  }

  #name(identity: string): string {
    return this.names.get(identity) || identity;
  }

  #until(): string {
    const { thing } = this;
    if (!thing) return t('keep.case');
    return thing.kept_until ? t('keep.until', { date: dateTime(thing.kept_until) }) : t('keep.forEver');
  }

  #hold(hold: Hold) {
    const what = this.thing && !hold.clip && !hold.still ? t('keep.holdOfCase') : '';
    return html`<div class="hold" data-testid="hold">
      <p class="strong">${hold.reason}</p>
      <p class="small quiet">${[what, this.#name(hold.placed_by), dateTime(hold.placed_at)].filter(Boolean).join(' · ')}</p>
      ${mayLift(this.viewerRole, hold)
        ? this.asking === hold.id
          ? this.#reason(t('keep.lift'), (reason) => this.rest?.liftHold(hold.id, reason))
          : html`<button class="button tight" data-testid="lift-hold" @click=${() => this.#ask(hold.id)}>${t('keep.lift')}</button>`
        : nothing}
    </div>`;
  }

  #acts(on: Hold[]) {
    const { thing, viewerRole: role } = this;
    if (this.asking === 'hold') return this.#reason(t('keep.place'), (reason) => this.#place(reason));
    if (this.asking === 'delete') return this.#reason(t('keep.delete'), (reason) => this.#delete(reason), true);
    const deletes = thing !== undefined && DELETES.has(role) && on.length === 0;
    if (!HOLDS.has(role) || this.asking) return nothing;
    return html`<div class="clip-actions">
      <button class="button tight" data-testid="place-hold" @click=${() => this.#ask('hold')}>${icon('lock')}${on.length > 0 ? t('keep.another') : t('keep.place')}</button>
      ${deletes
        ? html`<button class="button tight" data-testid="delete" @click=${() => this.#ask('delete')}>${icon('trash')}${t('keep.delete')}</button>`
        : nothing}
    </div>`;
  }

  /** Nothing is held, lifted or deleted without a reason. */
  #reason(word: string, act: (reason: string) => Promise<unknown> | undefined, danger = false) {
    const send = async (event: SubmitEvent) => {
      event.preventDefault();
      const field = (event.target as HTMLElement).querySelector('textarea');
      const reason = field?.value.trim() ?? '';
      if (reason) await this.#run(() => act(reason));
    };
    return html`<form class="reason" @submit=${send} data-testid="reason-form">
      ${danger ? html`<p class="small">${t('keep.deleteText')}</p>` : nothing}
      <label><span class="small">${t('keep.reason')}</span>
        <textarea class="field" rows="2" required maxlength=${REASON_MOST} data-testid="reason"></textarea></label>
      ${danger && this.thing?.object === 'clip'
        ? html`<label class="tick small"><input type="checkbox" .checked=${this.parts}
            @change=${(event: Event) => (this.parts = (event.target as HTMLInputElement).checked)} /><span>${t('keep.parts')}</span></label>`
        : nothing}
      <div class="clip-actions"><button type="button" class="button tight plain" @click=${() => (this.asking = '')}>${t('action.cancel')}</button>
        <button class="button tight ${danger ? 'danger' : 'main'}" data-testid="reason-send" ?disabled=${this.busy}>${word}</button></div>
    </form>`;
  }

  async #ask(what: string): Promise<void> {
    this.asking = what;
    this.failed = '';
    this.parts = false;
    await this.updateComplete;
    this.querySelector('textarea')?.focus();
  }

  async #run(act: () => Promise<unknown> | undefined): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      await act();
      this.asking = '';
      await this.load();
    } catch (error) {
      this.failed = t('keep.failed', { why: (error as Error).message });
    }
    this.busy = false;
  }

  #place(reason: string): Promise<unknown> | undefined {
    const { thing } = this;
    return this.rest?.placeHold(this.case, { reason, ...(thing ? { [thing.object]: thing.id } : {}) });
  }

  async #delete(reason: string): Promise<void> {
    const { thing, rest } = this;
    if (!thing) return;
    if (thing.object === 'clip') await rest?.deleteClip(thing.id, reason, this.parts);
    else await rest?.deleteStill(thing.id, reason);
    this.dispatchEvent(new CustomEvent('deleted', { detail: thing }));
  }

  #gone() {
    return html`<div class="gone" data-testid="tombstones"><h4>${t('keep.gone')}</h4>
      <ul>${this.tombstones.map(({ tombstone: one }) => html`<li data-testid="tombstone">
        <p><strong>${tMaybe('keep.object.', one.object)}</strong> · ${one.started_at ?? one.at ? dateTime((one.started_at ?? one.at) as string) : ''}</p>
        <p class="small">${one.cause === 'retention' ? t('keep.byRetention') : t('keep.goneBy', { name: this.#name(one.deleted_by) })}
          · ${dateTime(one.deleted_at)}${one.reason ? html` · “${one.reason}”` : nothing}</p>
        ${one.sha256 ? html`<p class="small quiet"><code>SHA-256 ${one.sha256}</code></p>` : nothing}
      </li>`)}</ul></div>`;
  }

  #looks() {
    const mine = this.accesses?.filter((one) => !this.thing || one.id === this.thing.id);
    const open = (event: Event) => (event.target as HTMLDetailsElement).open && !this.accesses && void this.#loadLooks();
    return html`<details class="fold" @toggle=${open} data-testid="accesses">
      <summary><h4>${icon('eye')}${t('keep.looks')}</h4>${mine ? html`<span class="chip">${mine.length}</span>` : nothing}</summary>
      ${mine === undefined
        ? html`<p class="small quiet">${t('clip.facts.loading')}</p>`
        : mine.length === 0
          ? html`<p class="small quiet">${t('keep.noLooks')}</p>`
          : html`<ul class="looks">${[...mine].reverse().map((one) => html`<li class="small" data-testid="access">
              <strong>${this.#name(one.actor)}</strong>
              <time class="quiet numbers" datetime=${one.at}>${dateTime(one.at)}</time>
              <span>${[this.thing ? '' : tMaybe('keep.object.', one.object), tMaybe('keep.what.', one.what)].filter(Boolean).join(' · ')}</span>
            </li>`)}</ul>`}
    </details>`;
  }

  async #loadLooks(): Promise<void> {
    const { case: id, rest } = this;
    const all: Access[] = [];
    try {
      for (let after = 0; rest; ) {
        const page = await rest.accesses(id, after);
        all.push(...page.items);
        after = page.items.at(-1)?.seq ?? 0;
        if (!page.next_cursor || page.items.length === 0) break;
      }
    } catch (error) {
      this.failed = t('keep.failed', { why: (error as Error).message });
    }
    if (id === this.case) this.accesses = all;
  }
}
