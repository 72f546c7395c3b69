// SPDX-License-Identifier: Apache-2.0
// What a camera is sent as: by its size, by who watches, by what they can take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPlan, encodingsFor, planEncodings, type SendPlan } from './sending.js';

const LAYERS = { maxBitrate: 0, slideshow: false, layers: true };
const HD = { width: 1280, height: 720 };
const VGA = { width: 640, height: 480 };
const plan = (more: Partial<SendPlan>): SendPlan => ({
  camera: HD, facing: 'environment', bitrate: 2_500_000, hint: undefined, ...more,
});
const active = (encodings: RTCRtpEncodingParameters[]) => encodings.map((one) => one.active);
const scales = (encodings: RTCRtpEncodingParameters[]) => encodings.map((one) => one.scaleResolutionDownBy);

test('as many encodings as the camera has room for, the full size always among them', () => {
  assert.deepEqual(scales(encodingsFor(HD, 2e6)), [4, 2, 1]);
  assert.deepEqual(scales(encodingsFor(undefined, 2e6)), [4, 2, 1]);
  assert.deepEqual(scales(encodingsFor(VGA, 2e6)), [2, 1]);
  assert.deepEqual(encodingsFor(VGA, 2e6).map((one) => one.rid), ['m', 'h']);
  assert.deepEqual(encodingsFor({ width: 320, height: 240 }, 2e6), [{ maxBitrate: 2e6 }]);
  const bitrates = encodingsFor(HD, 2_500_000).map((one) => one.maxBitrate ?? 0);
  assert.equal(bitrates[2], 2_500_000);
  assert.ok((bitrates[0] as number) >= 150_000 && (bitrates[1] as number) < 900_000);
});

test('all viewers get one sharp stream, or layers where their paths differ', () => {
  const encodings = encodingsFor(HD, 2_500_000);
  assert.equal(planEncodings(encodings, plan({})), true);
  assert.deepEqual(active(encodings), [false, false, true]);
  assert.equal(planEncodings(encodings, plan({})), false);
  planEncodings(encodings, plan({ hint: LAYERS }));
  assert.deepEqual(active(encodings), [true, true, true]);
});

test('a smaller camera in the same line keeps its full size', () => {
  const encodings = encodingsFor(HD, 2_500_000);
  planEncodings(encodings, plan({ camera: VGA, hint: LAYERS }));
  assert.deepEqual(active(encodings), [true, true, false]);
  assert.deepEqual(scales(encodings).slice(0, 2), [2, 1]);
  planEncodings(encodings, plan({ camera: { width: 320, height: 240 } }));
  assert.deepEqual(active(encodings), [true, false, false]);
  assert.equal(encodings[0]?.scaleResolutionDownBy, 1);
});

test('an answer without simulcast leaves one encoding, which is the full size', () => {
  const encodings = encodingsFor(HD, 2_500_000).slice(0, 1);
  planEncodings(encodings, plan({ hint: LAYERS }));
  assert.deepEqual(encodings, [{ rid: 'l', active: true, scaleResolutionDownBy: 1, maxBitrate: 2_500_000 }]);
});

test('a hint caps; a slideshow is the full size once a second, and ends again', () => {
  const encodings = encodingsFor(HD, 2_500_000);
  planEncodings(encodings, plan({ hint: { maxBitrate: 400_000, slideshow: false, layers: false } }));
  assert.deepEqual([encodings[2]?.maxBitrate, encodings[2]?.maxFramerate], [400_000, undefined]);
  planEncodings(encodings, plan({ hint: { maxBitrate: 1000, slideshow: true, layers: true } }));
  assert.deepEqual(active(encodings), [false, false, true]);
  assert.deepEqual([encodings[2]?.maxBitrate, encodings[2]?.maxFramerate], [60_000, 1]);
  planEncodings(encodings, plan({ hint: LAYERS }));
  assert.deepEqual([encodings[2]?.maxBitrate, encodings[2]?.maxFramerate], [2_500_000, undefined]);
});

test('a sender keeps its resolution where goods are shown, and is asked once', async () => {
  let set = 0;
  let parameters = { encodings: encodingsFor(HD, 2e6) } as unknown as RTCRtpSendParameters;
  const track = { contentHint: '' };
  const sender = {
    track,
    getParameters: () => structuredClone(parameters),
    setParameters: (given: RTCRtpSendParameters) => {
      set += 1;
      parameters = given;
      return Promise.resolve();
    },
  } as unknown as RTCRtpSender;
  await applyPlan(sender, plan({}));
  await applyPlan(sender, plan({}));
  assert.equal(set, 1);
  assert.equal((parameters as { degradationPreference?: string }).degradationPreference, 'maintain-resolution');
  await applyPlan(sender, plan({ facing: undefined }));
  assert.equal(set, 1, 'a camera of a desk, that says not where it looks, shows goods as well');
  await applyPlan(sender, plan({ facing: 'user' }));
  assert.equal((parameters as { degradationPreference?: string }).degradationPreference, 'balanced');
  await applyPlan(sender, plan({ hint: { maxBitrate: 0, slideshow: true, layers: false } }));
  assert.equal(track.contentHint, 'detail');
  await applyPlan(sender, plan({}));
  assert.equal(track.contentHint, '');
  const stubborn = { track: null, getParameters: () => parameters, setParameters: () => Promise.reject(new Error('no')) };
  const warn = console.warn;
  console.warn = () => {};
  await applyPlan(stubborn as unknown as RTCRtpSender, plan({ hint: LAYERS }));
  console.warn = warn;
});
