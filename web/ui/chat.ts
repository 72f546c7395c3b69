// SPDX-License-Identifier: Apache-2.0
// The chat of a room: messages and a field to write one. `send` is called with the text and may fail.
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { clock, t } from '../i18n/index.js';
import type { ChatMessage } from '../sdk/index.js';
import { PageElement, icon } from './element.js';

const MOST_BYTES = 4000;

@customElement('lp-chat')
export class ChatElement extends PageElement {
  @property({ attribute: false }) messages: ChatMessage[] = [];
  @property() me = '';
  @property({ attribute: false }) send: (text: string) => Promise<void> = async () => {};
  @state() private failed = '';

  protected override render() {
    return html`
      <div class="chat-list" role="log" aria-label=${t('chat.title')} tabindex="0" data-testid="chat-list">
        ${this.messages.length === 0 ? html`<p class="chat-empty">${t('chat.empty')}</p>` : nothing}
        ${this.messages.map((message) => this.#message(message))}
      </div>
      ${this.failed ? html`<p class="chat-error" role="alert">${this.failed}</p>` : nothing}
      <form class="chat-form" @submit=${this.#submit}>
        <textarea class="field" rows="1" aria-label=${t('chat.placeholder')} @keydown=${this.#key}
          placeholder=${t('chat.placeholder')} data-testid="chat-input"></textarea>
        <button class="button main round" aria-label=${t('action.send')} data-testid="chat-send">
          ${icon('send')}
        </button>
      </form>`;
  }

  #message(message: ChatMessage) {
    const mine = message.from === this.me;
    return html`<div class="message ${mine ? 'mine' : ''}" data-testid="chat-message">
      <div class="head">${mine ? t('chat.you') : message.name} · ${clock(message.at)}</div>
      <div class="text" dir="auto">${message.text}</div>
    </div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('messages')) return;
    const list = this.querySelector('.chat-list');
    if (list) list.scrollTop = list.scrollHeight;
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.querySelector('form')?.requestSubmit();
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault();
    const field = this.querySelector('textarea') as HTMLTextAreaElement;
    const text = field.value.trim();
    if (!text || new TextEncoder().encode(text).length > MOST_BYTES) return;
    field.value = '';
    this.failed = '';
    try {
      await this.send(text);
    } catch (error) {
      if (!field.value) field.value = text;
      this.failed = t('chat.failed', { why: (error as Error).message });
    }
  }
}
