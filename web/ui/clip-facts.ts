// SPDX-License-Identifier: Apache-2.0
// What is known of a clip as evidence, as templates: the certificate of the unbroken take, the seal, and what
// happened meanwhile. `seek` shows a moment.
import { html, nothing, type TemplateResult } from 'lit';
import { clockExact, dateTime, duration, exactTime, plural, t, tMaybe } from '../i18n/index.js';
import { icon } from './element.js';
import { keyState, type Break, type Evidence, type KeyState, type Mark, type PublicKey } from './evidence.js';

export type Seek = (ms: number) => void;

/** From where to where, in the clip and on the clock. */
function stretch(evidence: Evidence): string {
  const { started_at: begin, length_ms: length } = evidence;
  if (!begin) return '';
  return t('clip.take.clock', { from: clockExact(begin), to: clockExact(Date.parse(begin) + length) });
}

export function certificate(evidence: Evidence, seek: Seek): TemplateResult {
  const { continuous, breaks, length_ms: length } = evidence;
  if (continuous === undefined) {
    return html`<section class="fact-card" data-testid="take" data-take="unknown">
      <h3>${icon('warn')}${t('clip.take.unknown')}</h3><p class="small quiet">${t('clip.take.unknownText')}</p>
    </section>`;
  }
  const span = t('clip.take.span', { from: '0:00', to: duration(length) });
  return continuous
    ? html`<section class="fact-card good" data-testid="take" data-take="continuous">
        <h3>${icon('check')}${t('clip.take.continuous')}</h3>
        <p class="strong">${span}</p>
        <p class="small quiet">${stretch(evidence)}</p>
        <p class="small quiet">${evidence.lens_checked ? t('clip.take.continuousText') : t('clip.take.uncheckedText')}</p>
        ${smallGaps(evidence)}
      </section>`
    : html`<section class="fact-card warm" data-testid="take" data-take="broken">
        <h3>${icon('warn')}${plural('clip.take.breaks.', breaks.length)}</h3>
        <ul class="moments">${breaks.map((one) => breakRow(one, seek))}</ul>
        <p class="small quiet">${stretch(evidence)}</p>
        ${smallGaps(evidence)}
      </section>`;
}

function breakRow(one: Break, seek: Seek) {
  const lasts = one.to_ms > one.from_ms;
  const time = lasts ? `${exactTime(one.from_ms)} – ${exactTime(one.to_ms)}` : exactTime(one.from_ms);
  return html`<li><button class="moment" data-testid="take-break" data-kind=${one.kind} @click=${() => seek(one.from_ms)}>
    <span class="numbers">${time}</span><span>${tMaybe('clip.break.', one.kind)}</span>
  </button></li>`;
}

function smallGaps({ gaps }: Evidence) {
  if (gaps.length === 0) return nothing;
  const ms = gaps.reduce((sum, gap) => sum + gap.to_ms - gap.from_ms, 0);
  return html`<p class="small quiet" data-testid="small-gaps">${plural('clip.gaps.', gaps.length, { seconds: (ms / 1000).toFixed(1) })}</p>`;
}

const KEYS: Record<KeyState, () => string> = {
  good: () => t('clip.key.good'),
  retired: () => t('clip.key.retired'),
  revoked: () => t('clip.key.revoked'),
  unknown: () => t('clip.key.unknown'),
};

/** `keys`: the server's public ones, once they are known. */
export function sealCard(evidence: Evidence, keys: PublicKey[] | undefined, check: TemplateResult): TemplateResult {
  const state = keyState(evidence.kid, keys);
  const known = keys?.find((key) => key.kid === evidence.kid);
  return html`<section class="fact-card ${state === 'revoked' ? 'bad' : ''}" data-testid="seal" data-key=${state}>
    <h3>${icon('shield')}${t('clip.seal.title')}</h3>
    <dl class="facts">
      <dt>${t('clip.seal.at')}</dt><dd>${dateTime(evidence.sealed_at)}</dd>
      <dt>${t('clip.seal.key')}</dt>
      <dd><code>${evidence.kid}</code>${keys ? html`<br /><span class="small quiet">${KEYS[state]()}${known?.reason ? `: ${known.reason}` : ''}</span>` : nothing}</dd>
      <dt>${t('clip.seal.stamp')}</dt>
      <dd>${evidence.timestamped ? t('clip.seal.stamped') : t('clip.seal.unstamped')}</dd>
      ${evidence.part
        ? html`<dt>${t('clip.seal.part')}</dt>
            <dd>${t('clip.seal.partText', { from: exactTime(evidence.part.from_ms), to: exactTime(evidence.part.to_ms) })}</dd>`
        : nothing}
    </dl>
    ${check}
  </section>`;
}

function markText({ kind, text }: Mark, names: Map<string, string>): string {
  const told = kind === 'consent' || kind === 'withdrawn' ? (names.get(text) ?? text) : text.replace(/^(\d+)x(\d+)$/, '$1 × $2');
  return [tMaybe('clip.mark.', kind), told].filter(Boolean).join(' · ');
}

export function happenings(evidence: Evidence, names: Map<string, string>, seek: Seek): TemplateResult | typeof nothing {
  const { marks } = evidence;
  if (marks.length === 0) return nothing;
  return html`<details class="fact-card fold" data-testid="marks">
    <summary><h3>${t('clip.marks.title')}</h3><span class="chip">${marks.length}</span></summary>
    <ul class="moments">${marks.map((mark) => html`<li><button class="moment" @click=${() => seek(mark.at_ms)}>
      <span class="numbers">${exactTime(mark.at_ms)}</span><span>${markText(mark, names)}</span></button></li>`)}</ul>
  </details>`;
}

/** How anybody checks it, without this server. */
export function howToVerify(name: string, copy: (text: string) => void): TemplateResult {
  const command = `loupe-verify ${name}.webm ${name}.manifest.json \\\n    --keys ${location.origin}/.well-known/loupe-keys.json`;
  return html`<details class="fact-card fold" data-testid="how-to-verify">
    <summary><h3>${t('clip.verify.title')}</h3></summary>
    <p class="small">${t('clip.verify.text')}</p>
    <pre><code>${command}</code></pre>
    <p class="fold-actions"><button class="button tight" @click=${() => copy(command.replace(/ \\\n */, ' '))}>${t('clip.verify.copy')}</button>
      <a class="small" href="/.well-known/loupe-keys.json" download="loupe-keys.json">${t('clip.verify.keys')}</a></p>
  </details>`;
}
