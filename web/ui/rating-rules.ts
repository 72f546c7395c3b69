// SPDX-License-Identifier: Apache-2.0
// When the buyer is asked how a case went, and what can be said.
import type { Case } from '../sdk/index.js';

export const SCORES = [1, 2, 3, 4, 5] as const;
const MOST_BYTES = 4000;
const SETTLED = new Set(['agreed', 'ruled', 'executed', 'closed']);

/** Whether the buyer may be asked now. */
export function asksRating(one: Case | undefined): boolean {
  return !!one && SETTLED.has(one.state) && !one.satisfaction;
}

/** What can be sent of a text: the server counts bytes. */
export function fits(text: string): boolean {
  return new TextEncoder().encode(text).length <= MOST_BYTES;
}

export const stars = (score: number) => '★'.repeat(score) + '☆'.repeat(5 - score);
