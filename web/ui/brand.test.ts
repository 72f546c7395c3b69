// SPDX-License-Identifier: Apache-2.0
// The colours that a page makes of a merchant's accent, and the language it is in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pickLanguage } from '../i18n/index.js';
import { accentColours } from './accent.js';

test('of an accent come its strong and its soft colours, for light and dark', () => {
  const all = accentColours({ light: '#0a7357', dark: '#46C79d' });
  assert.deepEqual(all, {
    '--brand-light': '#0a7357', '--brand-light-strong': '#085e47', '--brand-light-soft': '#e2eeeb',
    '--brand-dark': '#46c79d', '--brand-dark-strong': '#67d1af', '--brand-dark-soft': '#1f3830',
  });
});

test('what is no colour makes none', () => {
  assert.deepEqual(accentColours({ light: 'red;}', dark: '#46c79d' }), {});
});

test('a page is in a language that is offered', () => {
  assert.equal(pickLanguage(['zh-CN', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['zh-CN', 'en'], ['en']), 'en');
  assert.equal(pickLanguage(['en-GB'], ['zh-CN']), 'zh-CN');
  assert.equal(pickLanguage(['fr'], ['zh-CN', 'en']), 'zh-CN');
  assert.equal(pickLanguage(['fr']), 'en');
  assert.equal(pickLanguage(['fr'], ['xx']), 'en');
});
