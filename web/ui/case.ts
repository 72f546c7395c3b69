// SPDX-License-Identifier: Apache-2.0
// What is known of a case: its facts and its timeline, as templates.
import { html, nothing, type TemplateResult } from 'lit';
import { clock, dateTime, money, t, tMaybe } from '../i18n/index.js';
import type { Case, TimelineEvent } from '../sdk/index.js';
import { stars } from './rating-rules.js';

const GOOD_STATES = new Set(['in_call', 'agreed', 'executed', 'closed']);
const WARM_STATES = new Set(['waiting', 'proposed', 'disputed', 'in_review']);

export function stateChip(state: string): TemplateResult {
  const tone = GOOD_STATES.has(state) ? 'good' : WARM_STATES.has(state) ? 'warm' : '';
  return html`<span class="chip ${tone}" data-testid="case-state" data-state=${state}
    >${tMaybe('case.state.', state)}</span>`;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(shown).join(', ');
  if (typeof value === 'object') {
    const { value: amount, currency } = value as { value?: unknown; currency?: unknown };
    if (typeof amount === 'string' && typeof currency === 'string') return money({ value: amount, currency });
    return Object.values(value).map(shown).filter(Boolean).join(' · ');
  }
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return dateTime(value);
  return String(value);
}

function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(document.documentElement.lang || 'en', { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

function row(name: string, value: unknown): TemplateResult | typeof nothing {
  const text = shown(value);
  return text ? html`<dt>${name}</dt><dd>${text}</dd>` : nothing;
}

function orderRows(order: Record<string, unknown>) {
  const rows = Object.entries(order).map(([name, value]) => row(tMaybe('order.', name), value));
  return rows.length > 0 ? html`<div class="gap"></div>${rows}` : nothing;
}

/** What the buyer said of how it went. */
function said({ score, text, resolved }: NonNullable<Case['satisfaction']>): string {
  const solved = resolved === undefined ? '' : `${t('rating.resolved')} ${resolved ? t('rating.yes') : t('rating.no')}`;
  return [stars(score), solved, text ?? ''].filter(Boolean).join(' · ');
}

/** `brief` leaves out what a buyer knows or need not know. */
export function caseFacts(one: Case, brief = false): TemplateResult {
  return html`<dl class="facts" data-testid="case-facts">
    ${row(t('case.number'), one.number)}
    ${brief ? nothing : row(t('case.kind'), tMaybe('case.kind.', one.kind))}
    ${brief ? nothing : row(t('case.buyer'), one.buyer?.name ?? one.buyer?.id)}
    ${row(t('case.reason'), one.reason)}
    ${row(t('case.category'), one.category)} ${row(t('case.brand'), one.brand)}
    ${brief || !one.language ? nothing : row(t('case.language'), languageName(one.language))}
    ${brief ? nothing : row(t('case.tier'), one.tier)}
    ${brief || !one.satisfaction ? nothing : row(t('case.satisfaction'), said(one.satisfaction))}
    ${row(t('case.created'), one.created_at)} ${brief ? nothing : row(t('case.due'), one.due_at)}
    ${one.order ? orderRows(one.order) : nothing}
  </dl>`;
}

const STRONG = /^(case_|call_(started|ended)|clip_ready|recording_consent|outcome_|ruled|executed|closed|rated)/;

/** The timeline names people by identity; the event of their coming has their name. */
export function namesIn(events: TimelineEvent[]): Map<string, string> {
  const names = new Map<string, string>([['system', '']]);
  for (const { type, actor, data } of events) {
    const identity = typeof data?.['identity'] === 'string' ? data['identity'] : actor;
    const name = data?.['name'];
    if (/^(joined|person_added)$/.test(type) && typeof name === 'string') names.set(identity, name);
  }
  return names;
}

function detail(event: TimelineEvent): string {
  const data = event.data ?? {};
  if (typeof data['recording'] === 'boolean') return data['recording'] ? t('event.yes') : t('event.no');
  if (data['reason'] === 'left') return '';
  if (typeof data['reason'] === 'string') return tMaybe('event.reason.', data['reason']);
  if (typeof data['disposition'] === 'string') return tMaybe('wrap.code.', data['disposition']);
  if (event.type === 'light_challenge') return data['passed'] === true ? t('event.passed') : t('event.failed');
  if (typeof data['score'] === 'number') return [t('rating.score', { n: data['score'] }), shown(data['text'])].filter(Boolean).join(' · ');
  const changes = data['changes'];
  if (event.type === 'case_changed' && changes) return Object.keys(changes).map((name) => tMaybe('case.', name)).join(', ');
  const tags = event.internal?.['added'] ?? event.internal?.['removed'];
  if (Array.isArray(tags)) return changedTags(event.internal ?? {});
  const told = data['action'] ?? data['label'] ?? data['text'] ?? event.internal?.['text'] ?? event.internal?.['number'] ?? data['state'];
  return typeof told === 'string' ? told : '';
}

function changedTags({ added, removed }: Record<string, unknown>): string {
  const list = (tags: unknown, sign: string) => (Array.isArray(tags) ? tags.map((tag) => sign + String(tag)) : []);
  return [...list(added, '+'), ...list(removed, '−')].join(' ');
}

/** What is for staff alone, and this is none of them. */
const isWithheld = ({ data, internal }: TimelineEvent) => data?.['internal_sha256'] !== undefined && !internal;

/** Looks are told, too, but among what happened they would hide it: the access log has them. */
const LOOKS = new Set(['clip_viewed', 'still_viewed', 'attachment_viewed']);

export function timeline(all: TimelineEvent[]): TemplateResult {
  const events = all.filter((event) => !LOOKS.has(event.type) && !isWithheld(event));
  if (events.length === 0) return html`<p class="quiet small">${t('timeline.empty')}</p>`;
  const names = namesIn(all);
  return html`<ol class="timeline" data-testid="timeline">
    ${[...events].reverse().map((event) => {
      const { type } = event;
      const about = [names.get(event.actor) ?? event.actor, detail(event)].filter(Boolean).join(' · ');
      return html`<li class=${STRONG.test(type) ? 'strong' : ''} data-type=${type}>
        <time datetime=${event.at} title=${dateTime(event.at)}>${clock(event.at)}</time>
        <span class="what">${tMaybe('event.', type, type.replace(/_/g, ' '))}</span>
        ${about ? html`<span class="who">${about}</span>` : nothing}
      </li>`;
    })}
  </ol>`;
}
