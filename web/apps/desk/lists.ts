// SPDX-License-Identifier: Apache-2.0
// The desk's left column: who is waiting, and the cases with their search.
import { html, nothing } from 'lit';
import { dateTime, t } from '../../i18n/index.js';
import type { Case, DisputeEntry, QueueEntry } from '../../sdk/index.js';
import { stateChip } from '../../ui/case.js';
import '../../ui/diary.js';
import { icon } from '../../ui/element.js';
import type { DeskApp } from './main.js';

export function listsView(app: DeskApp) {
  return html`<aside class="lists">
    ${app.fresh.rules ? disputes(app) : waiting(app)}
    ${app.fresh.rules ? nothing : html`<lp-diary .rest=${app.rest} .me=${app.link.claims?.sub ?? ''} .fresh=${app.cases} .show=${(id: string) => app.showCase(id)}></lp-diary>`}
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

function waiting(app: DeskApp) {
  return html`<section class="queue" aria-label=${t('desk.queue')}>
    <h2>${t('desk.queue')}
      ${app.waiting.length > 0 ? html`<span class="chip warm numbers">${app.waiting.length}</span>` : nothing}
    </h2>
    ${queue(app)}
  </section>`;
}

/** Of higher priority first, then those that wait longer. */
function disputes(app: DeskApp) {
  const { disputes: all } = app.fresh;
  return html`<section class="queue" aria-label=${t('desk.disputes')}>
    <h2>${t('desk.disputes')} ${all.length > 0 ? html`<span class="chip warm numbers">${all.length}</span>` : nothing}</h2>
    ${all.length === 0
      ? html`<p class="quiet small">${t('desk.disputes.empty')}</p>`
      : html`<ol data-testid="disputes">${all.map((one) => disputeEntry(app, one))}</ol>`}
  </section>`;
}

function disputeEntry(app: DeskApp, one: DisputeEntry) {
  const due = one.questions.next_due_at ?? one.due_at;
  const late = one.overdue || one.questions.overdue > 0;
  return html`<li>
    <button class="entry" aria-current=${app.selected?.id === one.case ? 'true' : nothing} data-testid="dispute-entry" data-id=${one.case}
      ?disabled=${app.call !== undefined && app.call.caseId !== one.case} @click=${() => app.showCase(one.case)}>
      <span class="title">${one.title}</span>
      <span class="under"><span class="numbers">${one.number}</span>
        ${one.appeal ? html`<span class="chip">${t('desk.disputes.appeal')}</span>` : nothing}${stateChip(one.state)}</span>
      ${due || late
        ? html`<span class="under">${due ? html`<span class="numbers">${icon('clock')} ${t(one.questions.next_due_at ? 'desk.disputes.answer' : 'desk.disputes.due', { at: dateTime(due) })}</span>` : html`<span></span>`}
            ${late ? html`<span class="chip bad" data-testid="dispute-late">${one.questions.overdue > 0 ? t('desk.disputes.unanswered', { n: one.questions.overdue }) : t('desk.disputes.late')}</span>` : nothing}</span>`
        : nothing}
    </button>
  </li>`;
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
