// SPDX-License-Identifier: Apache-2.0
// The pages' words, in English and Simplified Chinese, by the browser's language. `t` fills {names} in;
// `plural` picks `.one` or `.other`.
import en from './en.json';
import zh from './zh-CN.json';

export type Key = keyof typeof en;
type Values = Record<string, string | number>;

const tables: Record<string, Record<string, string>> = { en, 'zh-CN': zh };

export type Language = 'en' | 'zh-CN';
const SPOKEN: readonly Language[] = ['en', 'zh-CN'];

/** The first language asked for that is spoken here (and offered), else English, or what is offered first. */
export function pickLanguage(wanted: readonly string[], offered: readonly string[] = SPOKEN): Language {
  const spoken = SPOKEN.filter((one) => offered.includes(one));
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split('-')[0];
    const found = spoken.find((one) => one.split('-')[0] === primary);
    if (found) return found;
  }
  return spoken.find((one) => one === offered[0]) ?? 'en';
}

const wanted = globalThis.navigator?.languages ?? [];

/* What the merchant of a page offers is known when the page is there: it is kept for the tab, and the page begins anew. */
const KEPT = 'loupe-languages';

function kept(): readonly string[] {
  try {
    return globalThis.sessionStorage?.getItem(KEPT)?.split(',') ?? SPOKEN;
  } catch {
    return SPOKEN;
  }
}

export const language = pickLanguage(wanted, kept());

/** The languages that a merchant offers; none said: all. */
export function offer(languages: readonly string[] | undefined): void {
  try {
    if (languages?.length) globalThis.sessionStorage?.setItem(KEPT, languages.join(','));
    else globalThis.sessionStorage?.removeItem(KEPT);
  } catch {
    // Then the page stays as it is.
  }
}

/** Whether the page is in the language that it should be in. */
export const fits = (): boolean => pickLanguage(wanted, kept()) === language;

/** Dates and numbers as in the reader's own region, when that speaks the page's language. */
const region = wanted.find((tag) => tag.slice(0, 2).toLowerCase() === language.slice(0, 2)) ?? language;

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function t(key: Key, values: Values = {}): string {
  return fill(tables[language]?.[key] ?? key, values);
}

/** The text of a key made of a fixed beginning and a word from the server; else the word itself. */
export function tMaybe(beginning: string, word: string, otherwise = word): string {
  return tables[language]?.[beginning + word] ?? otherwise;
}

export function plural(beginning: 'wait.minutes.' | 'clip.take.breaks.' | 'clip.gaps.', n: number, values: Values = {}): string {
  const form = new Intl.PluralRules(language).select(n) === 'one' ? 'one' : 'other';
  return t(`${beginning}${form}`, { n, ...values });
}

/** 75_000 -> "1:15", 3_600_000 -> "1:00:00". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** 13_840 -> "0:13.8": a moment in a clip. */
export function exactTime(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  return `${duration(tenths * 100)}.${tenths % 10}`;
}

/** With seconds. */
export function clockExact(at: string | number): string {
  return new Intl.DateTimeFormat(region, { timeStyle: 'medium' }).format(new Date(at));
}

export function clock(at: string | number): string {
  return new Intl.DateTimeFormat(region, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}

export function dateTime(at: string | number): string {
  const style = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return new Intl.DateTimeFormat(region, style).format(new Date(at));
}

/** "Monday, 23 November, 09:00": a moment within the next weeks. */
export function moment(at: string | number): string {
  const style = { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat(region, style).format(new Date(at));
}

/** A day in a row of days: "Tue", "24 Nov". */
export function dayName(at: string): { weekday: string; day: string } {
  const date = new Date(at);
  const part = (style: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(region, style).format(date);
  return { weekday: part({ weekday: 'short' }), day: part({ day: 'numeric', month: 'short' }) };
}

/** Of texts by language the one for this reader, else any. */
export function inLanguage(texts: Record<string, string> | undefined): string {
  const all = texts ?? {};
  const same = Object.keys(all).find((tag) => tag.toLowerCase().split('-')[0] === language.split('-')[0]);
  return all[language] ?? (same ? all[same] : undefined) ?? all['en'] ?? Object.values(all)[0] ?? '';
}

/** At most one digit behind the point. */
export function number(value: number): string {
  return new Intl.NumberFormat(region, { maximumFractionDigits: 1 }).format(value);
}

/** A share of 0..1. */
export function percent(share: number): string {
  return new Intl.NumberFormat(region, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

/** How long a file is. */
export function bytes(count: number): string {
  const mega = count >= 1_000_000;
  const unit = mega ? 'megabyte' : 'kilobyte';
  return new Intl.NumberFormat(region, { style: 'unit', unit, maximumFractionDigits: mega ? 1 : 0 }).format(mega ? count / 1e6 : Math.max(1, count / 1e3));
}

export function money(amount: { value: string; currency: string }): string {
  const style = { style: 'currency', currency: amount.currency } as const;
  try {
    return new Intl.NumberFormat(region, style).format(Number(amount.value));
  } catch {
    return `${amount.value} ${amount.currency}`;
  }
}
