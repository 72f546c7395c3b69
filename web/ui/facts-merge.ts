// SPDX-License-Identifier: Apache-2.0
// Two people change the facts of one case: what each changed, what both did, and what comes of it.
import type { Case } from '../sdk/index.js';

/** Those a page lets one change, in order. */
export const EDITED = ['title', 'reason', 'category', 'brand', 'language', 'tier', 'priority'] as const;
export type FactName = (typeof EDITED)[number];
/** As they stand in a form: texts; '' is not known. */
export type FactTexts = Record<FactName, string>;

/** Who may, and while what. The server's word is the last one. */
export const EDITS = new Set(['agent', 'appraiser', 'host', 'service']);
export const OVER = new Set(['closed', 'cancelled']);

export interface FactClash {
  name: FactName;
  /** What it was for both, what it is now, and what is wanted. */
  base: string;
  theirs: string;
  mine: string;
}

export function factTexts(one: Case): FactTexts {
  return Object.fromEntries(EDITED.map((name) => [name, String(one[name] ?? '')])) as FactTexts;
}

/** What to send, to make `wanted` of `from`. */
export function factsPatch(from: FactTexts, wanted: FactTexts): Record<string, string | number | null> {
  const changed = EDITED.filter((name) => wanted[name] !== from[name]);
  return Object.fromEntries(changed.map((name) => {
    const text = wanted[name];
    if (name === 'priority') return [name, Number(text)];
    return [name, text === '' && name !== 'title' ? null : text];
  }));
}

/**
 * What comes of it: each one's changes; where both changed a fact to something else, theirs, until somebody
 * chooses. `came`: what they changed and I did not.
 */
export function mergeFacts(base: FactTexts, theirs: FactTexts, mine: FactTexts) {
  const merged = { ...theirs };
  const clashes: FactClash[] = [];
  const came: FactName[] = [];
  for (const name of EDITED) {
    const [was, is, wanted] = [base[name], theirs[name], mine[name]];
    if (wanted === was) {
      if (is !== was) came.push(name);
    } else if (is === was) merged[name] = wanted;
    else if (is !== wanted) clashes.push({ name, base: was, theirs: is, mine: wanted });
  }
  return { merged, clashes, came };
}
