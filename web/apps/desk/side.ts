// SPDX-License-Identifier: Apache-2.0
// The desk's right column: the facts of the case, and its chat or timeline.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import type { Case } from '../../sdk/index.js';
import { stateChip, timeline } from '../../ui/case.js';
import './checklist.js';
import type { DeskApp } from './main.js';

export function sideView(app: DeskApp) {
  const { selected, call } = app;
  if (!selected) return html`<aside class="side"></aside>`;
  const examined = selected.kind === 'authentication';
  const wanted = app.panel === 'checklist' && !examined ? 'chat' : app.panel;
  const panel = wanted === 'chat' && !call ? 'timeline' : wanted;
  return html`<aside class="side">
    <section class="facts-card" aria-label=${t('case.facts')}>
      ${call ? html`<h2>${selected.title} ${stateChip(selected.state)}</h2>` : html`<h2>${t('case.facts')}</h2>`}
      <lp-facts .case=${selected} .rest=${app.rest} .viewerRole=${app.link.claims?.role ?? ''}
        @changed=${(event: CustomEvent<Case>) => app.caseChanged(event.detail)}></lp-facts>
    </section>
    <section class="panel">
      ${call || examined
        ? html`<div class="segments" role="tablist">
            ${examined ? segment(app, panel, 'checklist', t('checklist.title')) : nothing}
            ${call ? segment(app, panel, 'chat', t('chat.title')) : nothing} ${segment(app, panel, 'timeline', t('timeline.title'))}
          </div>`
        : html`<h2>${t('timeline.title')}</h2>`}
      ${panel === 'checklist'
        ? html`<lp-checklist .case=${selected.id} .state=${selected.state} .room=${call?.caseId === selected.id ? call.room : ''} .me=${app.client.identity}
            .publisher=${app.room.buyer?.identity ?? ''} ?judges=${app.link.claims?.role === 'appraiser'} .rest=${app.rest}
            .stills=${app.room.stills} .clips=${app.room.clips} .seq=${app.timeline.at(-1)?.seq ?? 0}></lp-checklist>`
        : panel === 'chat'
        ? html`<lp-chat .messages=${app.room.messages} .me=${app.client.identity}
            .send=${(text: string) => app.room.send(text)}></lp-chat>`
        : html`<div class="panel-body">${timeline(app.timeline)}</div>`}
    </section>
  </aside>`;
}

function segment(app: DeskApp, shown: DeskApp['panel'], panel: DeskApp['panel'], word: string) {
  const current = shown === panel;
  const count = panel === 'chat' && !current ? app.room.unread : 0;
  const choose = () => {
    app.panel = panel;
    app.room.unread = 0;
  };
  return html`<button role="tab" aria-selected=${current} data-testid="panel-${panel}" @click=${choose}>
    ${word}${count > 0 ? html` <span class="chip good">${count}</span>` : nothing}
  </button>`;
}
