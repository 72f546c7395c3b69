// SPDX-License-Identifier: Apache-2.0
// What an element on the page has use for: its size in pixels, and nothing while nobody can see it.
import type { Env } from './env.js';

/** A wish for one slot; what is left out is without limit. */
export interface View {
  paused?: boolean;
  max_width?: number;
  max_height?: number;
  layer?: 'auto' | 0 | 1 | 2;
}

/** Transitions change sizes on every frame: only where they end is told. */
const SETTLES_MS = 250;
/** A page looked away from for a moment still has a picture when one looks back. */
const HIDDEN_PATIENCE_MS = 3000;
/** Sizes this much alike are the same. */
const ALIKE = 0.1;

function alike(a: number, b: number): boolean {
  return Math.abs(a - b) <= ALIKE * Math.max(a, b);
}

/** Tells the element's wish now and whenever it becomes another one. Returns the function that ends it. */
export function watchElement(env: Env, element: Element, tell: (view: View) => void): () => void {
  let told: View | undefined;
  let size = { width: 0, height: 0 };
  let hidden = false;
  let settle: unknown;
  let away: unknown;
  const say = () => {
    // An element without a size is not laid out yet, or not shown: hidden ones are told by `hidden`.
    const view: View = hidden
      ? { paused: true }
      : { paused: false, max_width: Math.ceil(size.width), max_height: Math.ceil(size.height) };
    const same =
      told?.paused === view.paused &&
      alike(told?.max_width ?? 0, view.max_width ?? 0) &&
      alike(told?.max_height ?? 0, view.max_height ?? 0);
    if (same) return;
    told = view;
    tell(view);
  };
  const soon = () => {
    env.clearTimeout(settle);
    settle = env.setTimeout(say, SETTLES_MS);
  };
  const offs = [
    env.onResize(element, (width, height) => {
      size = { width, height };
      soon();
    }),
    env.onHidden(element, (now) => {
      env.clearTimeout(away);
      if (now) {
        away = env.setTimeout(() => {
          hidden = true;
          say();
        }, HIDDEN_PATIENCE_MS);
      } else if (hidden) {
        hidden = false;
        say();
      }
    }),
  ];
  return () => {
    offs.forEach((off) => off());
    env.clearTimeout(settle);
    env.clearTimeout(away);
  };
}
