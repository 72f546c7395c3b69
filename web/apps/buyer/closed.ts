// SPDX-License-Identifier: Apache-2.0
// Outside of business hours: when it opens next, in the reader's own time and language.
import { html, nothing } from 'lit';
import { inLanguage, moment, t } from '../../i18n/index.js';
import type { Case } from '../../sdk/index.js';
import { icon } from '../../ui/element.js';
import { brand } from '../../ui/page.js';
import type { BuyerApp } from './main.js';

export function closedView(app: BuyerApp) {
  const { closed } = app;
  const reason = inLanguage(closed?.reason);
  return html`<main class="page" data-testid="stage-closed">
    <header class="top">${brand()}</header>
    <section class="card place" aria-live="polite">
      <span class="done">${icon('clock')}</span>
      <h1>${t('closed.title')}</h1>
      ${reason ? html`<p data-testid="closed-reason">${reason}</p>` : nothing}
      <p class="quiet" data-testid="opens">
        ${closed?.opens_at ? t('closed.opens', { at: moment(closed.opens_at) }) : t('closed.unknown')}
      </p>
    </section>
    <lp-booking .case=${app.case} .rest=${app.rest} .booked=${(one: Case) => app.booked(one)}></lp-booking>
    <button class="button wide" data-testid="leave-queue" @click=${() => void app.leaveQueue()}>${t('closed.back')}</button>
    <lp-brand-foot></lp-brand-foot>
  </main>`;
}
