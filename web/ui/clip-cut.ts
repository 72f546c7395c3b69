// SPDX-License-Identifier: Apache-2.0
// Moving along a clip by keys, and the two handles that cut a part out of it.

export interface Cut {
  from_ms: number;
  to_ms: number;
}

const PAGE_MS = 5000;
/** What is left must be worth a clip. */
const LEAST_MS = 500;

/** The moment that a key moves a slider to, or undefined. */
export function keyMoves(key: string, at: number, length: number, step: number): number | undefined {
  const to: Record<string, number> = {
    ArrowLeft: at - step, ArrowDown: at - step, ArrowRight: at + step, ArrowUp: at + step,
    PageDown: at - PAGE_MS, PageUp: at + PAGE_MS, Home: 0, End: length,
  };
  const moved = to[key];
  return moved === undefined ? undefined : Math.min(length, Math.max(0, moved));
}

/** A handle moved: the two never cross, nor leave less than a clip's worth between them. */
export function moveCut(cut: Cut, handle: 'from' | 'to', at: number, length: number): Cut {
  const least = Math.min(LEAST_MS, length);
  const to = Math.round(at);
  return handle === 'from'
    ? { ...cut, from_ms: Math.max(0, Math.min(to, cut.to_ms - least)) }
    : { ...cut, to_ms: Math.min(length, Math.max(to, cut.from_ms + least)) };
}
