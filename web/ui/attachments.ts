// SPDX-License-Identifier: Apache-2.0
// The files that people put to a case: a list with pictures of those that are pictures, and a way to send others.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { bytes, dateTime, percent, t } from '../i18n/index.js';
import { LoupeProblem, sendAttachment, type Attachment, type Case, type LoupeRest } from '../sdk/index.js';
import { PageElement, icon } from './element.js';
import './attachments.css';

const TAKEN = 'image/jpeg,image/png,image/webp,image/heic,application/pdf,text/plain,video/mp4,video/webm';
const MOST_BYTES = 128 * 1024 * 1024;
/** Addresses are good for ten minutes; within nine the same one is shown, so that a picture is looked at but once. */
const SAME_FOR_MS = 540_000;
const SHOWN = new Set(['image/jpeg', 'image/png', 'image/webp']);
const ADDS = new Set(['buyer', 'agent', 'appraiser', 'arbiter', 'host', 'service']);

interface Sent {
  name: string;
  share: number;
}

@customElement('lp-attachments')
export class AttachmentsElement extends PageElement {
  @property({ attribute: false }) case: Case | undefined;
  @property({ attribute: false }) rest: LoupeRest | undefined;
  @property({ attribute: false }) names = new Map<string, string>();
  @property() viewerRole = '';
  @property() me = '';
  /** Changes when there may be others. */
  @property({ type: Number }) version = 0;
  @state() private files: Attachment[] = [];
  @state() private sending: Sent[] = [];
  @state() private failed = '';
  @state() private open: Attachment | undefined;
  @query('dialog') private dialog!: HTMLDialogElement | null;
  #addresses = new Map<string, { url: string; since: number }>();

  protected override willUpdate(changed: PropertyValues<this>): void {
    const other = changed.has('case') && changed.get('case')?.id !== this.case?.id;
    if (other) Object.assign(this, { files: [], failed: '', open: undefined });
    if (changed.has('case') || changed.has('version')) void this.#load();
  }

  async #load(): Promise<void> {
    const id = this.case?.id;
    if (!id || !this.rest) return;
    const { items } = await this.rest.attachments(id).catch(() => ({ items: this.files }));
    if (id === this.case?.id) this.files = items.map((file) => this.#addressed(file));
  }

  #addressed(file: Attachment): Attachment {
    const had = this.#addresses.get(file.id);
    if (had && Date.now() - had.since < SAME_FOR_MS) return { ...file, media_url: had.url };
    if (file.media_url) this.#addresses.set(file.id, { url: file.media_url, since: Date.now() });
    return file;
  }

  get #adds(): boolean {
    return ADDS.has(this.viewerRole) && this.case?.state !== 'cancelled';
  }

  protected override render() {
    const { files, sending } = this;
    if (!this.case || (files.length === 0 && !this.#adds)) return nothing;
    return html`<section class="card files" data-testid="attachments" aria-label=${t('files.title')}>
      ${this.viewerRole === 'buyer' ? html`<h3>${t('files.title')}</h3>` : html`<h2>${t('files.title')}</h2>`}
      ${files.length > 0 || sending.length > 0
        ? html`<ul class="file-list">${files.map((file) => this.#file(file))}${sending.map((one) => sent(one))}</ul>`
        : html`<p class="small quiet">${t(this.viewerRole === 'buyer' ? 'files.none.buyer' : 'files.none')}</p>`}
      ${this.#adds ? this.#form() : nothing}
      ${this.failed ? html`<p class="banner bad" role="alert" data-testid="attachment-failed">${icon('warn')}${this.failed}</p>` : nothing}
      ${this.#look()}
    </section>`;
  }

  #file(file: Attachment) {
    const picture = SHOWN.has(file.content_type ?? '');
    const face = picture
      ? html`<button class="file-face" aria-label=${t('files.look', { name: file.name })} data-testid="look" @click=${() => void this.#show(file)}>
          <img src=${file.media_url ?? ''} alt="" loading="lazy" /></button>`
      : html`<span class="file-face">${icon(file.content_type?.startsWith('video/') ? 'cam' : 'list')}</span>`;
    return html`<li data-testid="attachment" data-id=${file.id} data-visible=${file.visible}>
      ${face}
      <div><strong class="file-name">${file.name}</strong>
        <p class="small quiet file-about"><span>${this.#by(file)}</span> <time class="numbers" datetime=${file.added_at ?? ''}>${dateTime(file.added_at ?? file.created_at)}</time> <span class="numbers">${bytes(file.bytes ?? 0)}</span></p>
        ${this.viewerRole !== 'buyer' && !file.visible ? html`<span class="chip">${icon('lock')}${t('files.inside')}</span>` : nothing}</div>
      <a class="button plain round" href=${file.media_url ?? ''} download aria-label=${t('files.save', { name: file.name })} title=${t('files.save', { name: file.name })}>${icon('save')}</a>
    </li>`;
  }

  #by({ added_by: by }: Attachment): string {
    const buyer = this.case?.buyer;
    if (by === this.me) return t('files.you');
    return this.names.get(by) || (buyer && by === buyer.id ? buyer.name : undefined) || (this.viewerRole === 'buyer' ? t('files.merchant') : by);
  }

  #form() {
    return html`<form class="file-form" @submit=${(event: Event) => event.preventDefault()}>
      <label class="button"><input class="only-read" type="file" multiple accept=${TAKEN} data-testid="attach"
        @change=${(event: Event) => void this.#send(event.target as HTMLInputElement)} />${icon('link')}${t('files.add')}</label>
      ${this.viewerRole === 'buyer'
        ? nothing
        : html`<label class="tick small"><input type="checkbox" name="visible" data-testid="attach-visible" /><span>${t('notes.visible')}</span></label>`}
      <span class="small quiet">${t('files.taken')}</span>
    </form>`;
  }

  #look() {
    const { open } = this;
    return html`<dialog class="file-look" @close=${() => (this.open = undefined)} @click=${(event: Event) => event.target === this.dialog && this.dialog?.close()}>
      ${open
        ? html`<header><strong class="file-name">${open.name}</strong>
            <button class="button plain round" aria-label=${t('action.close')} @click=${() => this.dialog?.close()}>${icon('close')}</button></header>
          <img src=${open.media_url ?? ''} alt=${open.name} />`
        : nothing}
    </dialog>`;
  }

  async #show(file: Attachment): Promise<void> {
    this.open = file;
    await this.updateComplete;
    this.dialog?.showModal();
  }

  async #send(input: HTMLInputElement): Promise<void> {
    const { case: one, rest } = this;
    const visible = this.viewerRole === 'buyer' || !!this.querySelector<HTMLInputElement>('[name=visible]')?.checked;
    const chosen = [...(input.files ?? [])];
    input.value = '';
    this.failed = '';
    for (const file of chosen) {
      if (!one || !rest) return;
      const mine: Sent = { name: file.name, share: 0 };
      this.sending = [...this.sending, mine];
      try {
        if (file.size > MOST_BYTES) throw new LoupeProblem({ status: 413 });
        const progress = (share: number) => {
          mine.share = share;
          this.requestUpdate();
        };
        const done = await sendAttachment(rest, one.id, file, { visible }, { progress });
        if (one.id === this.case?.id) this.files = [...this.files.filter(({ id }) => id !== done.id), this.#addressed(done)];
        document.dispatchEvent(new Event('loupe-attachment'));
      } catch (error) {
        this.failed = whyNot(file.name, error);
      }
      this.sending = this.sending.filter((each) => each !== mine);
    }
  }
}

function sent({ name, share }: Sent) {
  return html`<li data-testid="attachment-coming"><span class="file-face">${icon('clock')}</span>
    <div><strong class="file-name">${name}</strong>
      <progress max="1" .value=${share} aria-label=${t('files.sending', { name })}></progress></div>
    <span class="small numbers">${percent(share)}</span></li>`;
}

function whyNot(name: string, error: unknown): string {
  const status = error instanceof LoupeProblem ? error.status : 0;
  if (status === 415 || status === 400) return t('files.failed.type', { name });
  if (status === 413) return t('files.failed.size', { name });
  if (status === 429) return t('files.failed.many');
  return t('files.failed', { name });
}
