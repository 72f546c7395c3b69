// SPDX-License-Identifier: Apache-2.0
// After the call: what it was, what was recorded, and that the link stays good.
import { html, nothing } from 'lit';
import { duration, t } from '../../i18n/index.js';
import type { Case } from '../../sdk/index.js';
import { stateChip } from '../../ui/case.js';
import { icon } from '../../ui/element.js';
import { brand } from '../../ui/page.js';
import '../../ui/attachments.js';
import '../../ui/rating.js';
import '../../ui/settle.js';
import type { BuyerApp } from './main.js';

export function ratingCard(app: BuyerApp) {
  return html`<lp-rating .case=${app.case} .rest=${app.rest} .rated=${(one: Case) => app.took(one)}></lp-rating>`;
}

export function settleCard(app: BuyerApp) {
  return html`<lp-settle .case=${app.case} .rest=${app.rest} .clips=${app.clips} viewerRole="buyer" .me=${app.link.claims?.sub ?? ''}
    @changed=${(event: CustomEvent<Case>) => app.took(event.detail)}></lp-settle>`;
}

export function filesCard(app: BuyerApp) {
  return html`<lp-attachments .case=${app.case} .rest=${app.rest} viewerRole="buyer" .me=${app.link.claims?.sub ?? ''}></lp-attachments>`;
}

export function endView(app: BuyerApp) {
  const one = app.case;
  const thanks = app.name ? t('end.thanks', { name: app.name }) : t('end.thanksPlain');
  return html`<main class="page" data-testid="stage-end">
    <header class="top">${brand()}</header>
    <div class="hello">
      <span class="done">${icon('check')}</span>
      <h1>${t('end.title')}</h1>
      <p class="quiet">${app.endReason === 'timeout' ? t('end.timeout') : thanks}</p>
    </div>
    <section class="card">
      <dl class="facts">
        <dt>${t('end.duration')}</dt><dd class="numbers">${duration(app.callMs)}</dd>
        ${app.agentName ? html`<dt>${t('end.with')}</dt><dd>${app.agentName}</dd>` : nothing}
        ${one ? html`<dt>${t('end.case')}</dt><dd>${one.number} · ${one.title}</dd>
          <dt>${t('case.state')}</dt><dd>${stateChip(one.state)}</dd>` : nothing}
      </dl>
    </section>
    ${settleCard(app)} ${ratingCard(app)}
    ${app.clips.length > 0
      ? html`<section class="card"><h3>${t('end.clips')}</h3>
          <lp-clips .clips=${app.clips} .rest=${app.rest}></lp-clips></section>`
      : nothing}
    ${filesCard(app)}
    <p class="small quiet">${t('end.back')}</p>
    <button class="button wide" data-testid="again" @click=${() => app.again()}>${t('end.again')}</button>
    <lp-brand-foot></lp-brand-foot>
  </main>`;
}
