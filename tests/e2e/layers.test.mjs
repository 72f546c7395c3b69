// SPDX-License-Identifier: Apache-2.0
// Spatial layers within one stream (VP9, AV1) as Chromium sends and decodes them: a viewer whose path becomes
// narrow is left the lower ones, without a freeze, and gets the others back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { between, publish, watch } from '../net/impair/people.mjs';
import { token } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { startLouped } from './support/server.mjs';

const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const CAMERA = { width: 640, height: 360, maxBitrate: 700_000 };
let louped;
let camera;
let eye;

before(async () => {
  louped = await startLouped();
  camera = await launch('chromium', { fps: 30 });
  eye = await launch('chromium');
});

after(async () => {
  await camera?.close();
  await eye?.close();
  await louped?.stop();
});

for (const [codec, layers] of [['vp9', 'L2T3_KEY'], ['av1', 'L2T2']]) {
  test(`${codec} in ${layers}`, { timeout: 90_000 }, async (t) => {
    const made = await louped.newCase();
    const { url: site, media } = louped;
    const rules = { delayMs: 10 };
    const buyer = token({ sub: made.buyer.id, role: 'buyer', case: made.id });
    const viewer = token({ sub: 'eye', role: 'viewer', room: made.room });
    const people = [
      await publish(camera, { site, media, url: `${site}/whip/${made.room}`, token: buyer, seed: 5, rules, codec, layers, ...CAMERA }),
      await watch(eye, { site, media, url: `${site}/whep/${made.room}`, token: viewer, seed: 6, rules, layers }),
    ];
    t.after(() => Promise.all(people.map((one) => one.close())));
    const { page, relay } = people[1];
    const wide = (least, most) => page.until(`${least} to ${most} wide`, ([from, to]) => {
      const width = globalThis.pictures.at(-1)?.width;
      return width >= from && width <= to;
    }, [least, most]);
    await wide(640, 640);
    await rest(1000);
    const { sent } = await people[0].figures();
    t.diagnostic(`sent ${JSON.stringify(sent)}`);
    relay.down.set({ rateBps: 250_000 });
    await wide(100, 320);
    const before = await people[1].figures();
    await people[1].pictures();
    await rest(4000);
    const seen = between(before, await people[1].figures());
    const pictures = await people[1].pictures();
    const small = pictures.filter((picture) => picture.width <= 320).length;
    t.diagnostic(`narrow: ${small} of ${pictures.length} pictures small; ${JSON.stringify(seen)}`);
    // The camera's rate sways: now and then the whole of it fits.
    assert.ok(small > pictures.length / 2, `${small} of ${pictures.length} pictures are small`);
    assert.ok(seen.fps > 4, `${seen.fps} pictures a second`);
    assert.ok(seen.frozen_s < 2, `frozen for ${seen.frozen_s} s`);
    relay.down.set({ rateBps: 0 });
    await wide(640, 640);
  });
}

test('a viewer who cannot tell AV1 layers apart is given the lowest', { timeout: 60_000 }, async (t) => {
  const made = await louped.newCase();
  const { url: site, media } = louped;
  const buyer = token({ sub: made.buyer.id, role: 'buyer', case: made.id });
  const viewer = token({ sub: 'eye', role: 'viewer', room: made.room });
  const people = [
    await publish(camera, { site, media, url: `${site}/whip/${made.room}`, token: buyer, seed: 5, codec: 'av1', layers: 'L2T1', ...CAMERA }),
    await watch(eye, { site, media, url: `${site}/whep/${made.room}`, token: viewer, seed: 6 }),
  ];
  t.after(() => Promise.all(people.map((one) => one.close())));
  await people[1].page.until('twenty pictures', () => globalThis.pictures.length > 20);
  assert.equal((await people[1].figures()).video.width, 320);
});
