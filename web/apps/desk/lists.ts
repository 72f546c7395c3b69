// SPDX-License-Identifier: Apache-2.0
// The desk's left column: who is waiting, and the cases with their search.
import { html, nothing } from 'lit';
import { t } from '../../i18n/index.js';
import type { Case, QueueEntry } from '../../sdk/index.js';
import { stateChip } from '../../ui/case.js';
import { icon } from '../../ui/element.js';
import type { DeskApp } from './main.js';

export function listsView(app: DeskApp) {
  return html`<aside class="lists">
    <section class="queue" aria-label=${t('desk.queue')}>
      <h2>${t('desk.queue')}
        ${app.waiting.length > 0 ? html`<span class="chip warm numbers">${app.waiting.length}</span>` : nothing}
      </h2>
      ${queue(app)}
    </section>
    <section class="cases" aria-label=${t('desk.cases')}>
      <h2>${t('desk.cases')}</h2>
      <label class="search">
        ${icon('search')}<span class="only-read">${t('desk.search')}</span>
        <input class="field" type="search" placeholder=${t('desk.search')} data-testid="search"
          .value=${app.search} @input=${(event: Event) => app.searchFor((event.target as HTMLInputElement).value)} />
      </label>
      ${cases(app)}
    </section>
  </aside>`;
}

function queue(app: DeskApp) {
  if (!app.available) return html`<p class="quiet small">${t('desk.queue.hidden')}</p>`;
  if (app.waiting.length === 0) return html`<p class="quiet small">${t('desk.queue.empty')}</p>`;
  return html`<ol data-testid="queue">${app.waiting.map((entry) => queueEntry(app, entry))}</ol>`;
}

function queueEntry(app: DeskApp, entry: QueueEntry) {
  const since = Date.parse(entry.waiting_since) + app.client.clockSkewMs;
  return html`<li class="entry">
    <span class="title">${entry.title}</span>
    <span class="under"><span class="numbers">${entry.number}</span>
      <span class="wait numbers">${icon('clock')}<lp-timer .since=${since}></lp-timer></span></span>
  </li>`;
}

function cases(app: DeskApp) {
  if (app.casesFailed) return html`<p class="quiet small">${t('desk.cases.failed')}</p>`;
  if (app.cases.length === 0) return html`<p class="quiet small">${t('desk.cases.empty')}</p>`;
  return html`<ul class="case-list" data-testid="cases">${app.cases.map((one) => caseEntry(app, one))}</ul>`;
}

function caseEntry(app: DeskApp, one: Case) {
  const current = app.selected?.id === one.id;
  return html`<li>
    <button class="entry" aria-current=${current ? 'true' : nothing} data-testid="case-entry" data-id=${one.id}
      ?disabled=${app.call !== undefined && app.call.caseId !== one.id} @click=${() => app.showCase(one.id)}>
      <span class="title">${one.title}</span>
      <span class="under"><span class="numbers">${one.number}</span>${stateChip(one.state)}</span>
    </button>
  </li>`;
}
