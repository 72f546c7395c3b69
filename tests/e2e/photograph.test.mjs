// SPDX-License-Identifier: Apache-2.0
// A photograph asked of the buyer's page, in both browsers: taken without a word of the buyer's but not unseen,
// uploaded while the network breaks off, shown on the desk beside the stills.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { KINDS, launch } from './support/browsers.mjs';
import { patternOfJpeg } from './support/clips.mjs';
import { lensScript } from './support/inpage.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const TICK_MS = 10;
const FRAME_MS = 1000 / 30;
let louped;
let agents;
const buyers = {};

before(async () => {
  louped = await startLouped();
  agents = await launch('chromium', AGENT);
  for (const kind of KINDS) buyers[kind] = await launch(kind, BUYER);
});

after(async () => {
  for (const browser of [agents, ...Object.values(buyers)]) await browser?.close();
  await louped?.stop();
});

/** In the page: the first piece gets lost, and of the second the answer. */
function breakUploads() {
  const native = window.fetch;
  window.pieces = 0;
  window.fetch = async (input, init) => {
    if (init?.method !== 'PATCH') return native(input, init);
    const n = window.pieces++;
    if (n === 0) throw new TypeError('the network is gone');
    const answer = await native(input, init);
    if (n === 1) throw new TypeError('the network is gone again');
    return answer;
  };
}

/** In the page: from now on the camera writes into a photograph where it was taken. */
function placePhotographs() {
  const angle = [12, 1, 30, 1, 0, 1].flatMap((n) => [0, 0, 0, n]);
  const entry = (tag, type, count, ...value) => [tag >> 8, tag & 255, 0, type, 0, 0, 0, count, ...value];
  const gps = [
    0, 4, ...entry(1, 2, 2, 0x53, 0, 0, 0), ...entry(2, 5, 3, 0, 0, 0, 80), ...entry(3, 2, 2, 0x45, 0, 0, 0),
    ...entry(4, 5, 3, 0, 0, 0, 80), 0, 0, 0, 0, ...angle,
  ];
  const head = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, ...entry(0x8825, 4, 1, 0, 0, 0, 26), 0, 0, 0, 0];
  const exif = [...head, ...gps];
  window.ImageCapture = class {
    async takePhoto() {
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
      canvas.getContext('2d').fillRect(8, 8, 20, 20);
      const plain = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg'));
      const bytes = [...new Uint8Array(await plain.arrayBuffer())];
      const whole = [...bytes.slice(0, 2), 0xff, 0xe1, 0, exif.length + 2, ...exif, ...bytes.slice(2)];
      return new Blob([new Uint8Array(whole)], { type: 'image/jpeg' });
    }
  };
}

/** The place stays in it only because the buyer says so, and stands in no event. */
async function withPlace(desk, buyer, one, agent) {
  await buyer.evaluate(placePhotographs);
  await desk.click('still-close');
  await desk.click('take-photo');
  await buyer.until('to be asked', () => document.activeElement?.dataset.testid === 'place-without');
  await buyer.click('place-with');
  const second = () => document.querySelectorAll('[data-testid=still][data-kind=photo]').length === 2;
  await desk.until('the second photograph', second, undefined, 30_000);
  const { items } = await louped.ask('GET', `/cases/${one.id}/stills`, agent);
  assert.deepEqual(items.map(({ place }) => place), [undefined, { latitude: -12.5, longitude: 12.5 }]);
  const jpeg = Buffer.from(await (await fetch(new URL(items[1].media_url, louped.url))).arrayBuffer());
  assert.ok(jpeg.includes('Exif'));
  const { items: events } = await louped.ask('GET', `/cases/${one.id}/timeline`, agent);
  const { data } = events.filter(({ type }) => type === 'still_taken').at(-1);
  assert.deepEqual([data.place, data.place_kept], [undefined, true]);
}

for (const kind of KINDS) {
  test(`a photograph from ${kind}`, { timeout: 90_000 }, async (t) => {
    const one = await louped.newCase();
    const agent = tokens.agent(`agent-${kind}`);
    const desk = await openDesk(agents, louped, { token: agent });
    t.after(() => desk.close());
    await takeCalls(desk);
    const script = lensScript({ ...BUYER, width: 1280, height: 720 });
    const buyer = await openBuyer(buyers[kind], louped, one, { script });
    t.after(() => buyer.close());
    await acceptCall(desk, buyer);
    await buyer.evaluate(breakUploads);
    const asked = Date.now();
    await desk.click('take-photo');
    await buyer.see('photo');
    await desk.see('[data-testid=still][data-kind=photo]', 30_000);
    const { items } = await louped.ask('GET', `/cases/${one.id}/stills`, agent);
    assert.equal(items.length, 1);
    const [photo] = items;
    t.diagnostic(`there after ${Date.now() - asked} ms, ${photo.width} x ${photo.height}, ${photo.bytes} bytes`);
    assert.deepEqual([photo.kind, photo.width, photo.height], ['photo', 1280, 720]);
    assert.equal(photo.publisher, one.buyer.id);
    const response = await fetch(new URL(photo.media_url, louped.url));
    const jpeg = Buffer.from(await response.arrayBuffer());
    assert.equal(createHash('sha256').update(jpeg).digest('hex'), photo.sha256);
    const { found } = patternOfJpeg(jpeg);
    assert.equal(found?.tag, BUYER.tag);
    const age = ((Math.floor(asked / TICK_MS) & 0xffffff) - found.ticks) * TICK_MS;
    // The camera's last picture may be two frames old when it is taken.
    assert.ok(age < 2 * FRAME_MS && age > -10_000, `taken ${-age} ms after it was asked for`);
    await buyer.until('it to be tried again', () => window.pieces >= 3);
    await desk.click('[data-testid=still][data-kind=photo]');
    const shown = () => document.querySelector('[data-testid=still-picture]')?.naturalWidth;
    assert.equal(await desk.until('the large picture', shown), 1280);
    const { items: events } = await louped.ask('GET', `/cases/${one.id}/timeline`, agent);
    const of = (type) => events.filter((event) => event.type === type);
    assert.equal(of('photograph_asked').length, 1);
    assert.equal(of('still_taken')[0].data.upload_sha256, photo.upload_sha256);
    if (kind === 'chromium') await withPlace(desk, buyer, one, agent);
    assert.deepEqual(desk.errors, []);
  });
}

test('a page whose camera is gone says so', { timeout: 60_000 }, async (t) => {
  const one = await louped.newCase();
  const desk = await openDesk(agents, louped, { token: tokens.agent('agent-none') });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(buyers.chromium, louped, one);
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  await buyer.evaluate(() => {
    delete window.ImageCapture;
    HTMLCanvasElement.prototype.toBlob = (done) => done(null);
  });
  await desk.click('take-photo');
  await desk.until('the note', () => document.querySelector('[data-testid=note]')?.textContent.includes('photograph'));
  assert.equal(await desk.evaluate(() => document.querySelectorAll('[data-testid=still]').length), 0);
});
