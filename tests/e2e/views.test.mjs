// SPDX-License-Identifier: Apache-2.0
// What viewers have use for, in real browsers through the client library: a publisher's layers, of which
// one viewer is sent the largest and another what fits its element or its pin; pausing while hidden; and
// the pages' marks for everybody's network.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

let louped;
const browsers = {};
let buyers;

before(async () => {
  louped = await startLouped();
  buyers = await launch('chromium', BUYER);
  for (const kind of KINDS) browsers[kind] = await launch(kind, AGENT);
});

after(async () => {
  for (const browser of [buyers, ...Object.values(browsers)]) await browser?.close();
  await louped?.stop();
});

/** In the page: into the room with the library; with a camera or without. */
async function enter({ token, room, camera }) {
  const { LoupeClient, LoupeCall, openCamera, openMicrophone } = await import('/sdk/loupe.js');
  const client = new LoupeClient({ token });
  await client.connect();
  if (room) await client.request('join', { room });
  const media = camera ? { camera: await openCamera(), microphone: await openMicrophone() } : {};
  const call = new LoupeCall({ client, facing: 'environment', ...media });
  const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true });
  document.body.append(video);
  call.on('slots', (slots) => {
    const slot = slots.find((one) => one.kind === 'video' && one.identity);
    if (!slot || video.srcObject) return;
    video.srcObject = new MediaStream([slot.media]);
    window.mid = slot.mid;
    video.play().catch(() => {});
  });
  call.start();
  Object.assign(window, { call, client, video });
}

async function someone(t, browser, token, more = {}) {
  const page = await browser.open({ script: lensScript({ ...BUYER, width: 1280, height: 720 }) });
  t.after(() => page.close());
  await page.goto(`${louped.url}/healthz`);
  await page.evaluate(enter, { token, ...more });
  return page;
}

const wide = (page, width, ms) =>
  page.until(`a picture ${width} wide`, (wanted) => window.video.videoWidth === wanted, width, ms);

for (const kind of KINDS) {
  test(`two viewers, one of them ${kind}, get the layers they have use for`, { timeout: 90_000 }, async (t) => {
    const one = await louped.newCase();
    const publisher = await someone(t, buyers, tokens.buyer(one), { camera: true });
    const large = await someone(t, browsers.chromium, tokens.agent('large', 'Large'), { room: one.room });
    const small = await someone(t, browsers[kind], tokens.agent('small', 'Small'), { room: one.room });
    await wide(large, 1280, 25_000);
    await wide(small, 1280, 25_000);
    await small.evaluate(() => window.call.pin(window.mid, 0));
    await wide(small, 320);
    await small.evaluate(() => window.call.setView(window.mid, { max_width: 640, max_height: 360 }));
    await wide(small, 640);
    await small.evaluate(() => window.call.setView(window.mid, {}));
    await wide(small, 1280);
    assert.equal(await large.evaluate(() => window.video.videoWidth), 1280);
    const view = await louped.ask('GET', `/rooms/${one.room}`, tokens.service());
    const track = view.tracks.find((each) => each.kind === 'video');
    assert.deepEqual([track.width, track.codec, view.people.length], [1280, 'VP8', 3]);
    assert.ok(new Set(track.layers.map(({ encoding }) => encoding)).size === 3, JSON.stringify(track.layers));
    const shown = view.subscriptions.filter((each) => each.kind === 'video' && each.track === track.track);
    assert.deepEqual(shown.map(({ state, layer }) => [state, layer.width]), [['video', 1280], ['video', 1280]]);
    assert.ok(shown.every(({ estimate_bps }) => estimate_bps > 300_000), JSON.stringify(shown));
    await publisher.until('the network to be known', () => window.call.network?.quality);
  });

  test(`${kind}: a hidden page is sent no picture until it is looked at again`, { timeout: 60_000 }, async (t) => {
    const one = await louped.newCase();
    await someone(t, buyers, tokens.buyer(one), { camera: true });
    const viewer = await someone(t, browsers[kind], tokens.agent('hides', 'Hides'), { room: one.room });
    await viewer.until('a picture', () => window.video.videoWidth > 0);
    await viewer.evaluate(() => (window.off = window.call.watch(window.mid, window.video)));
    const hide = (state) =>
      viewer.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await hide('hidden');
    await viewer.until('the pause', () => window.call.slots.find((slot) => slot.mid === window.mid).state === 'paused');
    const before_ = (await viewer.received()).framesDecoded;
    await new Promise((done) => setTimeout(done, 1500));
    const meanwhile = (await viewer.received()).framesDecoded - before_;
    assert.ok(meanwhile <= 3, `${meanwhile} pictures while paused`);
    await hide('visible');
    const shown = Date.now();
    await viewer.until('more pictures', async (n) => (await window.lens.received()).framesDecoded > n + 5, before_ + meanwhile);
    assert.ok(Date.now() - shown < 3000, `${Date.now() - shown} ms`);
  });
}

test('the pages show whose network is how good', { timeout: 60_000 }, async (t) => {
  const one = await louped.newCase();
  const desk = await openDesk(browsers.chromium, louped);
  await takeCalls(desk);
  const buyer = await openBuyer(buyers, louped, one);
  t.after(() => Promise.all([desk.close(), buyer.close()]));
  await acceptCall(desk, buyer);
  const said = (page, selector) =>
    page.until(`${selector} of the network`, (s) => document.querySelector(s)?.dataset.quality, selector);
  for (const [page, place] of [[desk, '.stage-top'], [desk, '.small-ones'], [buyer, '.badges'], [buyer, '.agent']]) {
    assert.match(await said(page, `${place} [data-testid=network]`), /^(good|fair|poor)$/);
  }
});
