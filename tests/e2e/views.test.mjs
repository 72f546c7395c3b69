// SPDX-License-Identifier: Apache-2.0
// What viewers have use for, in real browsers through the client library: a publisher's layers, of which
// one viewer is sent the largest and another what fits its element or its pin; pausing while hidden; and
// the pages' marks for everybody's network.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { someone } from './support/library.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

/** Just large enough for three encodings: 240, 480 and 960 wide. */
const SIZE = { width: 960, height: 540 };
let louped;
const browsers = {};
const cameras = {};

before(async () => {
  louped = await startLouped();
  for (const kind of KINDS) {
    cameras[kind] = await launch(kind, BUYER);
    browsers[kind] = await launch(kind, AGENT);
  }
});

after(async () => {
  for (const browser of [...Object.values(cameras), ...Object.values(browsers)]) await browser.close();
  await louped?.stop();
});

const viewer = (t, kind, room, name) =>
  someone(t, browsers[kind], louped, { token: tokens.agent(name, name), room, lens: AGENT });
const publisher = (t, kind, one) =>
  someone(t, cameras[kind], louped, { token: tokens.buyer(one), camera: true, lens: { ...BUYER, ...SIZE } });

/** A path's estimate grows step by step, and on a busy machine starts over now and then. */
const wide = (page, width) =>
  page.until(`a picture ${width} wide`, (wanted) => window.video.videoWidth === wanted, width, 30_000);

/** The room as the server tells of it, once it tells so. */
async function roomOnce(one, holds) {
  const end = Date.now() + 30_000;
  for (;;) {
    const view = await louped.ask('GET', `/rooms/${one.room}`, tokens.service());
    if (holds(view) || Date.now() > end) return view;
    await new Promise((done) => setTimeout(done, 200));
  }
}

for (const [kind, other] of [KINDS, [...KINDS].reverse()]) {
  test(`two viewers of ${other}'s camera, one of them ${kind}, get the layers they have use for`, { timeout: 150_000 }, async (t) => {
    const one = await louped.newCase();
    const camera = await publisher(t, other, one);
    // One picture serves both until somebody wishes for less.
    const large = await viewer(t, 'chromium', one.room, 'large');
    const small = await viewer(t, kind, one.room, 'small');
    await wide(large, 960);
    await wide(small, 960);
    await small.evaluate(() => window.call.pin(window.mid, 0));
    await wide(small, 240);
    await small.evaluate(() => window.call.setView(window.mid, { max_width: 480, max_height: 270 }));
    await wide(small, 480);
    await small.evaluate(() => window.call.setView(window.mid, {}));
    await wide(small, 960);
    await wide(large, 960);
    const view = await roomOnce(one, ({ subscriptions }) =>
      subscriptions.filter(({ kind, layer, estimate_bps: estimate }) =>
        kind === 'video' && layer?.width === 960 && estimate > 300_000).length === 2);
    const track = view.tracks.find((each) => each.kind === 'video');
    assert.deepEqual([track.width, track.codec, view.people.length], [960, 'VP8', 3]);
    assert.ok(new Set(track.layers.map(({ encoding }) => encoding)).size === 3, JSON.stringify(track.layers));
    const shown = view.subscriptions.filter((each) => each.kind === 'video' && each.track === track.track);
    assert.deepEqual(shown.map(({ state, layer }) => [state, layer.width]), [['video', 960], ['video', 960]]);
    assert.ok(shown.every(({ estimate_bps }) => estimate_bps > 300_000), JSON.stringify(shown));
    await camera.until('the network to be known', () => window.call.network?.quality);
  });

  test(`${kind}: a hidden page is sent no picture until it is looked at again`, { timeout: 60_000 }, async (t) => {
    const one = await louped.newCase();
    await publisher(t, 'chromium', one);
    const eye = await viewer(t, kind, one.room, 'hides');
    await eye.until('a picture', () => window.video.videoWidth > 0);
    await eye.evaluate(() => (window.off = window.call.watch(window.mid, window.video)));
    const hide = (state) =>
      eye.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await hide('hidden');
    await eye.until('the pause', () => window.slot().state === 'paused');
    const before_ = (await eye.received()).framesDecoded;
    await new Promise((done) => setTimeout(done, 1500));
    const meanwhile = (await eye.received()).framesDecoded - before_;
    assert.ok(meanwhile <= 3, `${meanwhile} pictures while paused`);
    await hide('visible');
    const shown = Date.now();
    await eye.until('more pictures', async (n) => (await window.lens.received()).framesDecoded > n + 5, before_ + meanwhile);
    assert.ok(Date.now() - shown < 3000, `${Date.now() - shown} ms`);
  });
}

test('the pages show whose network is how good', { timeout: 60_000 }, async (t) => {
  const one = await louped.newCase();
  const desk = await openDesk(browsers.chromium, louped);
  await takeCalls(desk);
  const buyer = await openBuyer(cameras.chromium, louped, one);
  t.after(() => Promise.all([desk.close(), buyer.close()]));
  await acceptCall(desk, buyer);
  const said = (page, selector) =>
    page.until(`${selector} of the network`, (s) => document.querySelector(s)?.dataset.quality, selector);
  for (const [page, place] of [[desk, '.stage-top'], [desk, '.small-ones'], [buyer, '.badges'], [buyer, '.agent']]) {
    assert.match(await said(page, `${place} [data-testid=network]`), /^(good|fair|poor)$/);
  }
});
