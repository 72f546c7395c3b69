// SPDX-License-Identifier: Apache-2.0
// The queue: the buyer's place, how long it may take, and what to prepare meanwhile.
import { html, nothing } from 'lit';
import { clock, plural, t } from '../../i18n/index.js';
import type { Case } from '../../sdk/index.js';
import { icon } from '../../ui/element.js';
import { brand } from '../../ui/page.js';
import type { BuyerApp } from './main.js';

function expected(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return t('wait.unknown');
  return ms < 60_000 ? t('wait.soon') : plural('wait.minutes.', Math.round(ms / 60_000));
}

export function waitView(app: BuyerApp) {
  const { queue } = app;
  const tips: [string, string][] = [
    ['light', t('wait.tip.light')],
    ['box', t('wait.tip.near')],
    ['lens', t('wait.tip.lens')],
  ];
  return html`<main class="page" data-testid="stage-waiting">
    <header class="top">${brand()}</header>
    ${app.client?.state === 'reconnecting'
      ? html`<p class="banner" role="status">${icon('warn')}${t('call.reconnecting')}</p>`
      : nothing}
    <section class="card place" aria-live="polite">
      <div class="rings" aria-hidden="true"><span></span><span></span></div>
      <h1>${queue?.position === 1 ? t('wait.next') : t('wait.title')}</h1>
      <dl class="pair">
        <div>
          <dt>${t('wait.position')}</dt>
          <dd class="numbers" data-testid="position">${queue?.position ?? '…'}</dd>
        </div>
        <div>
          <dt>${t('wait.expected')}</dt>
          <dd data-testid="expected">${expected(queue?.expected_wait_ms)}</dd>
        </div>
      </dl>
      ${app.closed?.until ? html`<p class="note small" data-testid="closing">${t('wait.closing', { at: clock(app.closed.until) })}</p>` : nothing}
      <p class="small quiet">${queue?.agents_available === 0 ? t('wait.noAgents') : t('wait.keepOpen')}</p>
    </section>
    ${queue?.callback
      ? html`<p class="note" data-testid="wait-long">${t('wait.long')}</p>
          <lp-booking folded .case=${app.case} .rest=${app.rest} .booked=${(one: Case) => app.booked(one)}></lp-booking>`
      : nothing}
    <section class="tips">
      <h3>${t('wait.tips')}</h3>
      <ul class="steps">
        ${tips.map(([name, text]) => html`<li><span class="step">${icon(name)}</span>${text}</li>`)}
      </ul>
    </section>
    <button class="button wide" data-testid="leave-queue" @click=${() => void app.leaveQueue()}>
      ${t('wait.leave')}
    </button>
    <lp-brand-foot></lp-brand-foot>
  </main>`;
}
