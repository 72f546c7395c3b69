// SPDX-License-Identifier: Apache-2.0
// Legal holds: which of them keep what, and who may place, lift and delete.
import type { Hold } from '../sdk/index.js';

export const HOLDS = new Set(['service', 'supervisor', 'arbiter']);
export const DELETES = new Set(['service', 'supervisor']);

export interface KeptThing {
  object: 'clip' | 'still';
  id: string;
  kept_until?: string | null;
}

/** The holds in force that keep a thing, or for undefined those on the case itself. */
export function holdsOn(holds: Hold[], thing: KeptThing | undefined): Hold[] {
  const inForce = holds.filter(({ lifted_at }) => !lifted_at);
  return inForce.filter(({ clip, still }) =>
    (!clip && !still) || (thing !== undefined && (thing.object === 'clip' ? clip === thing.id : still === thing.id)));
}

/** Whether somebody of this role may lift it: what an arbiter placed only an arbiter lifts. */
export function mayLift(role: string, hold: Hold): boolean {
  return HOLDS.has(role) && (!hold.firm || role === 'arbiter');
}
