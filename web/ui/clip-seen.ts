// SPDX-License-Identifier: Apache-2.0
// What each participant saw of a clip, as one thin strip a person on the clip's own line.
import { html, nothing, type TemplateResult } from 'lit';
import { exactTime, percent, t, tMaybe } from '../i18n/index.js';
import type { Seek } from './clip-facts.js';
import { place } from './place.js';
import { seenRows, type SeenRow } from './seen.js';
import type { Seen } from '../sdk/index.js';

function summary(row: SeenRow): string {
  const told = [
    row.known > 0 ? t('seen.good', { share: percent(row.good / row.known) }) : t('seen.nothingKnown'),
    row.width > 0 ? `${row.width} × ${row.height}` : '',
    row.frozen_ms > 0 ? t('seen.frozen', { seconds: (row.frozen_ms / 1000).toFixed(1) }) : '',
    row.lost > 0 ? t('seen.lost', { n: row.lost }) : '',
    row.told ? t('seen.told') : '',
  ];
  return told.filter(Boolean).join(' · ');
}

function strip(row: SeenRow, length: number, seek: Seek) {
  const share = (ms: number) => (length > 0 ? ms / length : 0);
  return html`<div class="seen-strip" aria-hidden="true" @click=${(event: MouseEvent) => {
      const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
      seek(((event.clientX - box.left) / Math.max(1, box.width)) * length);
    }}>
    ${row.runs.map((run) => html`<i data-word=${run.word} ${place(share(run.from_ms), share(run.to_ms))}
      title="${exactTime(run.from_ms)} – ${exactTime(run.to_ms)} · ${tMaybe('seen.word.', run.word)}"></i>`)}
  </div>`;
}

/** `items` as `GET /clips/{id}/seen` has them. */
export function seenView(
  items: Seen[], length: number, names: Map<string, string>, seek: Seek,
): TemplateResult | typeof nothing {
  const rows = seenRows(items, length);
  if (rows.length === 0) return nothing;
  const name = (identity: string) => names.get(identity) ?? identity;
  const words = [...new Set(rows.flatMap(({ runs }) => runs.map(({ word }) => word)))];
  const several = new Set(rows.map(({ publisher }) => publisher)).size > 1;
  return html`<section class="seen" aria-label=${t('seen.title')} data-testid="seen">
    <h3>${t('seen.title')}</h3>
    <ul>${rows.map((row) => html`<li data-viewer=${row.viewer}>
      <p class="small"><strong>${several ? t('seen.of', { viewer: name(row.viewer), publisher: name(row.publisher) }) : name(row.viewer)}</strong>
        <span class="quiet">${summary(row)}</span></p>
      ${strip(row, length, seek)}
    </li>`)}</ul>
    <p class="seen-key small quiet">${words.map((word) => html`<span><i data-word=${word}></i>${tMaybe('seen.word.', word)}</span>`)}</p>
  </section>`;
}
