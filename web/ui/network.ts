// SPDX-License-Identifier: Apache-2.0
// A person's network in plain sight: bars whose number and colour say how good it is, and words that say
// what is wrong.
import { html, nothing } from 'lit';
import { t } from '../i18n/index.js';
import type { Network } from '../sdk/index.js';

/** "Poor network · data lost". */
export function networkWords(network: Network): string {
  const quality = t(`quality.${network.quality}`);
  return network.why ? t('quality.because', { quality, why: t(`quality.why.${network.why}`) }) : quality;
}

/** The bars alone; their words for those who hover or listen. */
export function networkBars(network: Network | undefined) {
  if (!network) return nothing;
  const words = networkWords(network);
  return html`<span class="bars q-${network.quality}" role="img" title=${words} aria-label=${words}
    data-testid="network" data-quality=${network.quality} data-why=${network.why ?? ''}><i></i><i></i><i></i></span>`;
}

function networkText(network: Network) {
  return html`<span class="network-words q-${network.quality}" role="status" data-testid="network-words"
    >${networkWords(network)}</span>`;
}

/** Bars, and words beside them while there is something to say. */
export function networkMark(network: Network | undefined) {
  if (!network || network.quality === 'good') return networkBars(network);
  return html`${networkBars(network)}${networkText(network)}`;
}

/** A badge of its own, while there is something to say. With a name it has the bars, too. */
export function networkBadge(network: Network | undefined, whose?: string) {
  if (!network || network.quality === 'good') return nothing;
  return html`<span class="badge">${
    whose ? html`<span class="name">${whose}</span>${networkBars(network)}` : nothing
  }${networkText(network)}</span>`;
}
