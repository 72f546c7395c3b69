// SPDX-License-Identifier: Apache-2.0
// Both tables hold the same keys with the same places to fill; the sources use every key and no other.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import en from './en.json';
import zh from './zh-CN.json';
import { duration, money, pickLanguage } from './index.js';

// Bundled tests run from build/web-tests/; npm and the runner set different working folders.
const top = [process.cwd(), join(process.cwd(), 'web')].find((folder) => {
  try {
    return readdirSync(folder).includes('i18n');
  } catch {
    return false;
  }
}) as string;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /(?<!\.test)\.ts$/.test(entry.name) ? [readFileSync(path, 'utf8')] : [];
  });
}

const text = ['apps', 'ui', 'i18n'].flatMap((folder) => sources(join(top, folder))).join('\n');
const keys = Object.keys(en);

test('both languages have the same keys, in the same order', () => {
  assert.deepEqual(Object.keys(zh), keys);
});

test('both languages fill the same places, and no text is empty', () => {
  const places = (words: string) => [...words.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of keys) {
    const [one, other] = [en[key as keyof typeof en], zh[key as keyof typeof zh]];
    assert.deepEqual(places(other), places(one), key);
    assert.ok(one.trim() && other.trim(), key);
  }
});

test('every key that is used exists', () => {
  const used = [...text.matchAll(/\bt\(\s*'([^']+)'/g)].map((match) => match[1] as string);
  assert.ok(used.length > 50);
  assert.deepEqual(used.filter((key) => !keys.includes(key)), []);
});

test('every key is used, by name or by its beginning', () => {
  const named = new Set([...text.matchAll(/'([a-z][\w]*(?:\.[\w]+)+)'/gi)].map((match) => match[1]));
  const beginnings = [
    ...text.matchAll(/'([a-z]\w*(?:\.\w+)*\.)'/gi),
    ...text.matchAll(/`([a-z]\w*(?:\.\w+)*\.)\$\{/gi),
  ].map((match) => match[1] as string);
  const ends = [...text.matchAll(/\$\{[^}]+\}(\.\w+)`/g)].map((match) => match[1] as string);
  const isUsed = (key: string) =>
    named.has(key) || beginnings.some((b) => key.startsWith(b) && (rest(key, b) || ends.some((e) => key.endsWith(e))));
  const rest = (key: string, beginning: string) => !key.slice(beginning.length).includes('.');
  assert.deepEqual(keys.filter((key) => !isUsed(key)), []);
});

test('the language is the first of those asked for that is spoken', () => {
  assert.equal(pickLanguage(['fr-FR', 'zh-TW', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['en-GB', 'zh-CN']), 'en');
  assert.equal(pickLanguage(['fr']), 'en');
  assert.equal(pickLanguage([]), 'en');
});

test('durations and money', () => {
  assert.deepEqual([0, 9_999, 75_000, 3_600_000].map(duration), ['0:00', '0:09', '1:15', '1:00:00']);
  assert.match(money({ value: '120.00', currency: 'CNY' }), /120\.00/);
  assert.equal(money({ value: '5', currency: '??' }), '5 ??');
});
