// SPDX-License-Identifier: Apache-2.0
// The first view: what will happen, with whom, and consent to recording.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import { caseFacts, stateChip } from '../../ui/case.js';
import type { Case } from '../../sdk/index.js';
import { isLive } from '../../ui/booking.js';
import { icon } from '../../ui/element.js';
import { brand } from '../../ui/page.js';
import { filesCard, ratingCard, settleCard } from './end.js';
import type { BuyerApp } from './main.js';

const TITLES: Record<string, () => string> = {
  inspection: () => t('start.title.inspection'),
  authentication: () => t('start.title.authentication'),
  live: () => t('start.title.live'),
};

/** States in which no call can be asked for. */
const OVER = new Set(['closed', 'cancelled', 'expired']);

export function startView(app: BuyerApp) {
  const one = app.case;
  const over = OVER.has(one?.state ?? '');
  const title = (TITLES[one?.kind ?? ''] ?? TITLES['inspection'] as () => string)();
  return html`<main class="page" data-testid="stage-start">
    <header class="top">${brand()}</header>
    <div class="hello">
      <p class="quiet">${app.name ? t('start.greeting', { name: app.name }) : t('start.greetingPlain')}</p>
      <h1>${title}</h1>
      <p class="quiet">${t('start.lead')}</p>
    </div>
    ${settleCard(app)} ${ratingCard(app)}
    ${over || !isLive(one?.booking) ? nothing : booking(app)}
    ${over ? html`<p data-testid="case-over">${t('start.over')}</p>` : begin(app)}
    ${over || isLive(one?.booking) || app.rejoin ? nothing : booking(app)}
    ${one
      ? html`<section class="card case">
          <h3>${t('start.progress')} ${stateChip(one.state)}</h3>
          <h2>${one.title}</h2>
          ${caseFacts(one, true)}
        </section>`
      : nothing}
    ${app.clips.length > 0
      ? html`<section class="card"><h3>${t('end.clips')}</h3>
          <lp-clips .clips=${app.clips} .rest=${app.rest}></lp-clips></section>`
      : nothing}
    ${filesCard(app)}
    <lp-brand-foot></lp-brand-foot>
  </main>`;
}

function booking(app: BuyerApp) {
  return html`<lp-booking folded .case=${app.case} .rest=${app.rest} .booked=${(one: Case) => app.booked(one)}></lp-booking>`;
}

function begin(app: BuyerApp) {
  const rings = app.case?.booking?.state === 'ringing';
  return html`${app.rejoin || rings ? nothing : steps()}
    <section class="card consent" aria-label=${t('start.consent.title')}>
      <label class="tick">
        <input type="checkbox" data-testid="consent" .checked=${app.consent}
          @change=${(event: Event) => void app.setConsent((event.target as HTMLInputElement).checked)} />
        <span><strong>${t('start.consent.label')}</strong>
          <span class="small quiet">${t('start.consent.text')}</span></span>
      </label>
      ${app.consent ? nothing : html`<p class="small note">${t('start.consent.declined')}</p>`}
    </section>
    <button class="button main wide" data-testid="start-go" @click=${() => app.toCheck()}>
      ${app.rejoin ? t('start.rejoin') : rings ? t('booking.come') : t('start.go')}
    </button>`;
}

function steps() {
  const all: [string, string][] = [
    ['cam', t('start.step.check')],
    ['clock', t('start.step.wait')],
    ['box', t('start.step.show')],
  ];
  return html`<ol class="steps">
    ${all.map(([name, text]) => html`<li><span class="step">${icon(name)}</span>${text}</li>`)}
  </ol>`;
}
