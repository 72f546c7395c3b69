// SPDX-License-Identifier: Apache-2.0
// What is read out of a manifest, whole and trimmed; the words for a still's figures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOf, keyState, lightWord, placesOf, sharpWord, stateAt, type Manifest } from './evidence.js';

const key = { kid: 'caf5f911599230eb' };
const marks = [
  { at_ms: 99, kind: 'size', text: '640x360' },
  { at_ms: 4000, kind: 'muted' },
  { at_ms: 6500, kind: 'unmuted' },
  { at_ms: 9000, kind: 'covered' },
];
const seal = {
  clip: 'c', key, sealed_at: '2026-11-22T07:44:27.375Z', started_at: '2026-11-22T07:44:00.000Z', duration_ms: 10_000,
  gaps: [
    { from_ms: 1000, to_ms: 1300, packets: 2, frames: 3 },
    { from_ms: 2000, to_ms: 2900, packets: 9, frames: 20 },
  ],
  marks,
  take: {
    continuous: false, from_ms: 0, to_ms: 10_000,
    breaks: [
      { from_ms: 2000, to_ms: 2900, kind: 'gap' },
      { from_ms: 4000, to_ms: 4000, kind: 'muted' },
      { from_ms: 9000, to_ms: 9000, kind: 'covered' },
    ],
  },
  recorder: { ended: true },
};
const whole: Manifest = { seal };

test('each break has its kind and lasts until what ends it, or to the end', () => {
  const { continuous, breaks, gaps, length_ms } = evidenceOf(whole);
  assert.equal(continuous, false);
  assert.equal(length_ms, 10_000);
  assert.deepEqual(breaks.map(({ from_ms, to_ms, kind }) => [from_ms, to_ms, kind]), [
    [2000, 2900, 'gap'], [4000, 6500, 'muted'], [9000, 10_000, 'covered'],
  ]);
  assert.deepEqual(gaps.map(({ from_ms }) => from_ms), [1000], 'a gap that breaks the take is told once');
});

test('a trimmed clip has what is within it, on its own clock', () => {
  const seen = [{ viewer: 'chen', publisher: 'lin', kind: 'video' as const, source: 'server' as const, from_ms: -300, arrived: [25] }];
  const part = evidenceOf({ seal: { ...seal, seen }, trim: { of: 'c', from_ms: 2500, to_ms: 6000 } });
  assert.equal(part.seen[0]?.from_ms, -2800);
  assert.equal(part.length_ms, 3500);
  assert.deepEqual(part.breaks.map(({ from_ms, to_ms }) => [from_ms, to_ms]), [[0, 400], [1500, 3500]]);
  assert.deepEqual(part.marks, [{ at_ms: 1500, kind: 'muted', text: '' }]);
  assert.equal(part.started_at, '2026-11-22T07:44:02.500Z');
  const clean = evidenceOf({ seal, trim: { of: 'c', from_ms: 7000, to_ms: 9000 } });
  assert.deepEqual([clean.continuous, clean.breaks], [true, []]);
  const inside = evidenceOf({ seal, trim: { of: 'c', from_ms: 4500, to_ms: 6000 } });
  assert.deepEqual([inside.continuous, inside.breaks.length], [false, 1], 'it began before, and goes on');
});

test('without the recorder\'s whole log nothing is certified', () => {
  const take = { ...seal.take, breaks: [] };
  assert.equal(evidenceOf({ seal: { ...seal, take } }).continuous, true);
  assert.equal(evidenceOf({ seal: { ...seal, take: { ...take, lens_checked: true } } }).lens_checked, true);
  for (const unchecked of [take, { ...take, lens_checked: false }])
    assert.equal(evidenceOf({ seal: { ...seal, take: unchecked } }).lens_checked, false, 'nobody says that it was not covered');
  assert.equal(evidenceOf({ seal: { ...seal, take, recorder: { ended: false } } }).continuous, undefined);
  const { take: _take, marks: _marks, gaps: _gaps, ...bare } = seal;
  assert.deepEqual([evidenceOf({ seal: bare }).continuous, evidenceOf({ seal: bare }).length_ms], [undefined, 10_000]);
});

test('what happens at a moment', () => {
  const evidence = evidenceOf(whole);
  assert.deepEqual([500, 1200, 2500, 5000, 7000].map((at) => stateAt(evidence, at)), ['', 'gap', 'gap', 'muted', '']);
});

test('a key is as good as the server says', () => {
  const keys = [key, { kid: 'old', retired_at: 'x' }, { kid: 'bad', retired_at: 'x', revoked_at: 'y' }];
  assert.deepEqual(
    [key.kid, 'old', 'bad', 'none'].map((kid) => keyState(kid, keys)), ['good', 'retired', 'revoked', 'unknown'],
  );
  assert.equal(keyState(key.kid, undefined), 'unknown');
});

test('stills lie where they were taken, of this camera alone', () => {
  const still = (at: string, publisher = 'lin') => ({ at: `2026-11-22T07:44:${at}Z`, publisher });
  const stills = [still('00.500'), still('03.000', 'chen'), still('09.999'), still('10.001'), { at: '2026-11-22T07:43:59Z' }];
  assert.deepEqual(placesOf(stills, seal.started_at, 10_000, 'lin').map(({ at_ms }) => at_ms), [500, 9999]);
  assert.deepEqual(placesOf(stills, undefined, 10_000), []);
});

test('figures as words', () => {
  assert.deepEqual([5, 50, 500].map(sharpWord), ['soft', 'fair', 'sharp']);
  const lights = [{ luma: 30 }, { luma: 120 }, { luma: 120, bright: 0.2 }, { luma: 120, dark: 0.3 }, { luma: 120, dark: 0.2, bright: 0.2 }];
  assert.deepEqual(lights.map(lightWord), ['dark', 'good', 'bright', 'dark', 'harsh']);
});
