// SPDX-License-Identifier: Apache-2.0
// What staff keep on a case beside its facts: tags, links to other cases, and notes, which the buyer sees or not.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { dateTime, t, tMaybe } from '../i18n/index.js';
import type { Case, LoupeRest, Note } from '../sdk/index.js';
import { PageElement, icon } from './element.js';

const NOTE_MOST = 4000;
const TAG_MOST = 64;
const TALKS_TO_BUYERS = new Set(['agent', 'appraiser', 'arbiter', 'host', 'service']);

/** Says `changed` with the case, and `opened` with the id of another one. */
@customElement('lp-notes')
export class NotesElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) names = new Map<string, string>();
  @property() viewerRole = '';
  /** Changes when there may be others. */
  @property({ type: Number }) version = 0;
  @state() private notes: Note[] = [];
  @state() private busy = false;
  @state() private failed = '';

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('case');
    const another = changed.has('case') && before?.id !== this.case?.id;
    if (another) this.notes = [];
    if (another || changed.has('version')) void this.#load();
  }

  async #load(): Promise<void> {
    const id = this.case?.id;
    if (!id || !this.rest) return;
    const { items } = await this.rest.notes(id).catch(() => ({ items: this.notes }));
    if (id === this.case?.id) this.notes = items;
  }

  protected override render() {
    const { case: one } = this;
    if (!one) return nothing;
    return html`<section class="card notes" data-testid="notes" aria-label=${t('notes.title')}>
      <h2>${t('notes.title')}</h2>
      ${this.#tags(one)} ${this.#links(one)}
      ${this.notes.length > 0
        ? html`<ul>${[...this.notes].reverse().map((note) => this.#note(note))}</ul>`
        : html`<p class="small quiet">${t('notes.none')}</p>`}
      ${this.#form()}
      ${this.failed ? html`<p class="banner bad" role="alert">${icon('warn')}${this.failed}</p>` : nothing}
    </section>`;
  }

  #tags(one: Case) {
    return html`<div class="tags" data-testid="tags">
      ${(one.tags ?? []).map((tag) => html`<span class="chip">${tag}
        <button class="untag" aria-label=${t('notes.untag', { tag })} @click=${() => void this.#tag({ remove: [tag] })}>${icon('close')}</button></span>`)}
      <form @submit=${(event: Event) => this.#addTag(event)}>
        <input class="field" maxlength=${TAG_MOST} placeholder=${t('notes.tag')} aria-label=${t('notes.tag')} data-testid="tag-field" />
      </form>
    </div>`;
  }

  #links(one: Case) {
    const links = one.links ?? [];
    if (links.length === 0) return nothing;
    const open = (id: string) => this.dispatchEvent(new CustomEvent('opened', { detail: id }));
    return html`<ul class="links" data-testid="links">${links.map((link) => html`<li class="small">
      ${tMaybe('notes.relation.', link.relation)}
      <button class="button tight plain" @click=${() => open(link.case)}>${icon('link')}<span class="numbers">${link.number}</span> ${link.title}</button>
    </li>`)}</ul>`;
  }

  #note(note: Note) {
    return html`<li data-testid="one-note" data-visible=${note.visible}>
      <p class="note-text">${note.text}</p>
      <p class="small quiet">${this.names.get(note.by) || note.by} · <time class="numbers" datetime=${note.at}>${dateTime(note.at)}</time>
        ${note.visible ? html`<span class="chip warm">${icon('eye')}${t('notes.visible')}</span>` : nothing}</p>
    </li>`;
  }

  #form() {
    return html`<form class="note-form" @submit=${(event: Event) => this.#addNote(event)}>
      <label><span class="only-read">${t('notes.write')}</span>
        <textarea class="field" rows="2" maxlength=${NOTE_MOST} required placeholder=${t('notes.write')} data-testid="note-field"></textarea></label>
      <div class="note-send">
        ${TALKS_TO_BUYERS.has(this.viewerRole)
          ? html`<label class="tick small"><input type="checkbox" data-testid="note-visible" /><span>${t('notes.visible')}</span></label>`
          : nothing}
        <button class="button tight main" data-testid="note-send" ?disabled=${this.busy}>${t('notes.add')}</button>
      </div>
    </form>`;
  }

  #addNote(event: Event): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const text = form.querySelector('textarea')?.value.trim() ?? '';
    const visible = form.querySelector('input')?.checked ?? false;
    const { case: one, rest } = this;
    if (!text || !one || !rest) return;
    void this.#run(async () => {
      this.notes = [...this.notes, await rest.addNote(one.id, text, visible)];
      form.reset();
    });
  }

  #addTag(event: Event): void {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const tag = form.querySelector('input')?.value.trim() ?? '';
    if (tag) void this.#tag({ add: [tag] }).then(() => form.reset());
  }

  #tag(members: { add?: string[]; remove?: string[] }): Promise<void> {
    return this.#run(async () => {
      if (!this.case || !this.rest) return;
      this.dispatchEvent(new CustomEvent('changed', { detail: await this.rest.tagCase(this.case.id, members) }));
    });
  }

  async #run(act: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failed = '';
    try {
      await act();
    } catch (error) {
      this.failed = t('facts.failed', { why: (error as Error).message });
    }
    this.busy = false;
  }
}
