// SPDX-License-Identifier: Apache-2.0
// The colours of a merchant's accent. The server has seen to it that they can be read (server/brand.c makes the same of it).
type Rgb = [number, number, number];
const THEMES = {
  light: { card: [255, 255, 255] as Rgb, tint: 0.12, strong: [0, 0, 0] as Rgb },
  dark: { card: [24, 31, 29] as Rgb, tint: 0.15, strong: [255, 255, 255] as Rgb },
};

function rgbOf(colour: string): Rgb {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return [r, g, b];
}

function mixed(a: Rgb, b: Rgb, share: number): string {
  return `#${a.map((x, i) => Math.round(x * share + (b[i] ?? 0) * (1 - share)).toString(16).padStart(2, '0')).join('')}`;
}

/** What the pages make of an accent: the colours by the names that base.css knows. */
export function accentColours(accent: { light: string; dark: string }): Record<string, string> {
  const all: Record<string, string> = {};
  for (const theme of ['light', 'dark'] as const) {
    if (!/^#[0-9a-f]{6}$/i.test(accent[theme])) return {};
    const [colour, { card, tint, strong }] = [rgbOf(accent[theme]), THEMES[theme]];
    all[`--brand-${theme}`] = mixed(colour, colour, 1);
    all[`--brand-${theme}-strong`] = mixed(colour, strong, 0.82);
    all[`--brand-${theme}-soft`] = mixed(colour, card, tint);
  }
  return all;
}
