// SPDX-License-Identifier: Apache-2.0
// The one word for a network, and its reason, from played statistics.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkWatch, judge, type Measured } from './network.js';

const fine: Measured = {
  rttMs: 40, lostUp: 0, lostDown: 0, jitterMs: 4, concealed: 0, frozen: 0, heldBack: false, silent: false,
};

test('each trouble has its word; the worst is said', () => {
  assert.deepEqual(judge(fine), { quality: 'good', rtt_ms: 40 });
  assert.deepEqual(judge({ ...fine, lostUp: 0.03 }), { quality: 'fair', why: 'loss', rtt_ms: 40 });
  assert.deepEqual(judge({ ...fine, lostDown: 0.1 }), { quality: 'poor', why: 'loss', rtt_ms: 40 });
  assert.deepEqual(judge({ ...fine, rttMs: 300 }), { quality: 'fair', why: 'delay', rtt_ms: 300 });
  assert.equal(judge({ ...fine, rttMs: 300, jitterMs: 200 }).why, 'jitter');
  assert.equal(judge({ ...fine, concealed: 0.05 }).quality, 'poor');
  assert.equal(judge({ ...fine, frozen: 0.5, lostUp: 0.09 }).why, 'stalled');
  assert.equal(judge({ ...fine, silent: true }).quality, 'poor');
  assert.equal(judge({ ...fine, heldBack: true }).why, 'slow_up');
  assert.deepEqual(judge(fine, ['video', 'slideshow']), { quality: 'poor', why: 'slow_down', rtt_ms: 40 });
  assert.equal(judge(fine, ['paused']).quality, 'good');
  assert.deepEqual(judge({ ...fine, rttMs: undefined }), { quality: 'good' });
});

/** Statistics after `t` seconds in which `share` of what was sent was lost since `from`. */
function look(t: number, { lost = 0, frozen = 0, concealed = 0, bytes = t * 1e5, freezes = 0 } = {}) {
  return [
    { id: 'p', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.05, bytesReceived: bytes },
    {
      id: 'v', type: 'inbound-rtp', kind: 'video', mid: '2', timestamp: t * 1000, packetsReceived: bytes / 1000,
      packetsLost: lost, totalFreezesDuration: frozen, freezeCount: freezes, framesPerSecond: 30, frameWidth: 640,
      frameHeight: 480,
    },
    {
      id: 'a', type: 'inbound-rtp', kind: 'audio', mid: '3', timestamp: t * 1000, packetsReceived: bytes / 2000,
      packetsLost: 0, jitter: 0.003, totalSamplesReceived: t * 48000, concealedSamples: concealed, silentConcealedSamples: 0,
    },
    { id: 'o', type: 'outbound-rtp', kind: 'video', qualityLimitationReason: 'none' },
    { id: 'r', type: 'remote-inbound-rtp', fractionLost: 0 },
  ];
}

test('one look says nothing; the difference of two does', () => {
  const watch = new NetworkWatch();
  assert.equal(watch.take(look(100, { lost: 900 })), undefined);
  assert.deepEqual(watch.take(look(102, { lost: 900 })), { quality: 'good', rtt_ms: 50 });
  assert.equal(watch.take(look(104, { lost: 930, concealed: 4800 }))?.quality, 'poor');
  assert.deepEqual(watch.lines['2'], { fps: 30, width: 640, height: 480, freezes: 0, frozen_ms: 0 });
  assert.deepEqual(watch.lines['3'], { concealed_permille: 50 });
});

test('worse is believed at once, better only when it lasts', () => {
  const watch = new NetworkWatch();
  watch.take(look(0));
  watch.take(look(2));
  assert.equal(watch.take(look(4, { lost: 60 }))?.why, 'loss');
  assert.equal(watch.take(look(6, { lost: 60 }))?.why, 'loss');
  assert.equal(watch.take(look(8, { lost: 60 }))?.why, 'loss');
  assert.equal(watch.take(look(10, { lost: 60 }))?.quality, 'good');
});

test('a picture that is meant to stand still is no freeze', () => {
  const watch = new NetworkWatch();
  const still = new Set(['2']);
  watch.take(look(0));
  watch.take(look(2), { still });
  assert.equal(watch.take(look(4, { frozen: 1.9, freezes: 1 }))?.quality, 'good');
  assert.equal(watch.lines['2']?.freezes, 0);
  assert.equal(watch.take(look(6, { frozen: 2.9, freezes: 2 }))?.why, 'stalled');
  assert.deepEqual([watch.lines['2']?.freezes, watch.lines['2']?.frozen_ms], [1, 1000]);
});

test('nothing at all is a stall; holding back as asked is none', () => {
  const watch = new NetworkWatch();
  watch.take(look(0, { bytes: 5e5 }));
  watch.take(look(2, { bytes: 7e5 }));
  assert.equal(watch.take(look(4, { bytes: 7e5 }))?.why, 'stalled');
  const held = new NetworkWatch();
  const slow = (t: number) => [...look(t), { id: 'o', type: 'outbound-rtp', kind: 'video', qualityLimitationReason: 'bandwidth' }];
  held.take(slow(0));
  assert.equal(held.take(slow(2), { capped: true })?.quality, 'good');
  assert.equal(held.take(slow(4))?.why, 'slow_up');
});
