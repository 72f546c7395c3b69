// SPDX-License-Identifier: Apache-2.0
// The desk's right column: the facts of the case, and its chat or timeline.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import type { Case } from '../../sdk/index.js';
import { stateChip, timeline } from '../../ui/case.js';
import type { DeskApp } from './main.js';

export function sideView(app: DeskApp) {
  const { selected, call } = app;
  if (!selected) return html`<aside class="side"></aside>`;
  const panel = call ? app.panel : 'timeline';
  return html`<aside class="side">
    <section class="facts-card" aria-label=${t('case.facts')}>
      ${call ? html`<h2>${selected.title} ${stateChip(selected.state)}</h2>` : html`<h2>${t('case.facts')}</h2>`}
      <lp-facts .case=${selected} .rest=${app.rest} .viewerRole=${app.link.claims?.role ?? ''}
        @changed=${(event: CustomEvent<Case>) => app.caseChanged(event.detail)}></lp-facts>
    </section>
    <section class="panel">
      ${call
        ? html`<div class="segments" role="tablist">
            ${segment(app, 'chat', t('chat.title'))} ${segment(app, 'timeline', t('timeline.title'))}
          </div>`
        : html`<h2>${t('timeline.title')}</h2>`}
      ${panel === 'chat'
        ? html`<lp-chat .messages=${app.room.messages} .me=${app.client.identity}
            .send=${(text: string) => app.room.send(text)}></lp-chat>`
        : html`<div class="panel-body">${timeline(app.timeline)}</div>`}
    </section>
  </aside>`;
}

function segment(app: DeskApp, panel: 'chat' | 'timeline', word: string) {
  const current = app.panel === panel;
  const count = panel === 'chat' && !current ? app.room.unread : 0;
  const choose = () => {
    app.panel = panel;
    app.room.unread = 0;
  };
  return html`<button role="tab" aria-selected=${current} data-testid="panel-${panel}" @click=${choose}>
    ${word}${count > 0 ? html` <span class="chip good">${count}</span>` : nothing}
  </button>`;
}
