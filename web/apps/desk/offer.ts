// SPDX-License-Identifier: Apache-2.0
// The offer of a call: who and why, how long it still rings, accept or decline.
import { html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { ref } from 'lit/directives/ref.js';
import { t } from '../../i18n/index.js';
import { caseFacts } from '../../ui/case.js';
import { PageElement, icon } from '../../ui/element.js';
import type { Case } from '../../sdk/index.js';
import type { DeskApp, Offer } from './main.js';

/** Seconds left, and a bar that shrinks with them. */
@customElement('lp-countdown')
export class CountdownElement extends PageElement {
  @property({ type: Number }) until = 0;
  @property({ type: Number }) whole = 20_000;
  #interval: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#interval = setInterval(() => this.requestUpdate(), 200);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#interval);
  }

  protected override render() {
    const left = Math.max(0, this.until - Date.now());
    return html`<progress max=${this.whole} .value=${left} aria-hidden="true"></progress>
      <span class="numbers" role="timer">${t('desk.offer.seconds', { n: Math.ceil(left / 1000) })}</span>`;
  }
}

const openModal = ref((element) => {
  const dialog = element as HTMLDialogElement | undefined;
  if (dialog && !dialog.open) queueMicrotask(() => dialog.isConnected && !dialog.open && dialog.showModal());
});

export function offerView(app: DeskApp, offer: Offer) {
  const { buyer } = offer;
  return html`<dialog class="offer" data-testid="offer" aria-labelledby="offer-title" ${openModal}
    @cancel=${(event: Event) => event.preventDefault()}>
    <div class="caller"><span class="face">${icon('phone')}</span>
      <div>
        <p class="small quiet">${t('desk.offer.title')}</p>
        <h1 id="offer-title">${t('desk.offer.from', { name: buyer.name })}</h1>
      </div>
    </div>
    <p class="about"><strong>${offer.case.title}</strong></p>
    ${caseFacts({ kind: '', state: '', room: '', ...offer.case } as Case, true)}
    ${offer.handed_over
      ? html`<p class="banner handed" data-testid="handed-over"><span>${t('desk.offer.handed', { by: offer.handed_over.by })}
          ${offer.handed_over.note ? html`<br /><span class="note">${offer.handed_over.note}</span>` : nothing}</span></p>`
      : nothing}
    <lp-countdown .until=${offer.until} .whole=${offer.ring_ms || 20_000}></lp-countdown>
    <div class="choices">
      <button class="button" data-testid="decline" @click=${() => void app.decline()}>
        ${t('desk.offer.decline')}
      </button>
      <button class="button main" data-testid="accept" autofocus @click=${() => void app.accept()}>
        ${icon('phone')}${t('desk.offer.accept')}
      </button>
    </div>
  </dialog>`;
}
