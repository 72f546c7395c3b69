// SPDX-License-Identifier: Apache-2.0
// QR codes: the same as those that an outside decoder (jsQR) read at every length from 1 to 213 bytes.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { qrMatrix, qrPath } from './qr.js';

const hash = (text: string) =>
  createHash('sha256').update(qrMatrix(text).map((row) => row.map(Number).join('')).join('\n')).digest('hex');

test('codes that were read by another decoder', () => {
  assert.equal(
    hash('https://loupe.example/certificate/01hzzzzzzzzzzzzzzzzzzzzzz1'),
    '63cb9e2f93f46b3d5ccc3238df34a20fe5627d4fc603f41709eb4ebd420348c4',
  );
  assert.equal(hash('a'.repeat(150)), '6d8c3c6944004fb65989a40db6160220d12acd7d44a17ccbbc97a1d4815761ac');
});

test('sizes grow with the text, to an end', () => {
  assert.deepEqual([1, 14, 15, 62, 213].map((n) => qrMatrix('x'.repeat(n)).length), [21, 21, 25, 33, 57]);
  assert.equal(qrMatrix('é'.repeat(8)).length, 25);
  assert.throws(() => qrMatrix('x'.repeat(214)), RangeError);
});

test('the path draws each dark module', () => {
  const matrix = qrMatrix('loupe');
  const dark = matrix.flat().filter(Boolean).length;
  assert.equal(qrPath(matrix).split('M').length - 1, dark);
});
