// SPDX-License-Identifier: Apache-2.0
// Short calls over bad networks (tests/net/impair), browser to browser: losses on both legs and in both
// directions, then darkness, then light again; and a path too narrow for moving pictures. `./dev bench
// browsers` measures the same at length.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { between, publish, watch } from '../net/impair/people.mjs';
import { token } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { someone } from './support/library.mjs';
import { startLouped, tokens } from './support/server.mjs';

const rest = (ms) => new Promise((done) => setTimeout(done, ms));
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

test('losses are repaired, sound goes on, and after darkness the picture is back', { timeout: 60_000 }, async (t) => {
  const made = await louped.newCase();
  const { url: site, media } = louped;
  const rules = { delayMs: 20 };
  const buyer = token({ sub: made.buyer.id, role: 'buyer', case: made.id });
  const viewer = token({ sub: 'eye', role: 'viewer', room: made.room });
  const people = [
    await publish(camera, { site, media, url: `${site}/whip/${made.room}`, token: buyer, seed: 5, rules, width: 640, height: 480 }),
    await watch(eye, { site, media, url: `${site}/whep/${made.room}`, token: viewer, seed: 6, rules }),
  ];
  t.after(() => Promise.all(people.map((one) => one.close())));
  const set = (more) => people.forEach((one) => one.relay.set(more));
  await rest(2000);
  set({ loss: 0.1 });
  const start = await people[1].figures();
  await rest(8000);
  const seen = between(start, await people[1].figures());
  t.diagnostic(JSON.stringify(seen));
  const { lost, packets } = people[1].relay.down.counts;
  assert.ok(lost > packets / 30, `${lost} of ${packets} packets were lost`);
  assert.ok(seen.fps >= 15, `${seen.fps} pictures a second`);
  assert.ok(seen.concealed <= 0.08, `${seen.concealed} of the sound made up`);
  set({ loss: 1 });
  await rest(2000);
  await people[1].pictures();
  set({ loss: 0 });
  const light = Date.now();
  await people[1].page.until('the picture to come back', () => globalThis.pictures.length > 0);
  const back = Date.now() - light;
  t.diagnostic(`back after ${back} ms`);
  assert.ok(back <= 2000, `${back} ms`);
});

test('a path too narrow for moving pictures gives sharp ones, one a second, and moving ones again', {
  timeout: 90_000,
}, async (t) => {
  const one = await louped.newCase();
  const rules = { delayMs: 20 };
  const buyer = await someone(t, camera, louped, { token: tokens.buyer(one), camera: true, lens: { tag: 1, hertz: 500 } });
  const agent = await someone(t, eye, louped, { token: tokens.agent(), room: one.room, lens: { tag: 2, hertz: 600 }, rules });
  await agent.until('a picture', () => window.video.videoWidth === 1280);
  await rest(2000);
  agent.relay.down.set({ rateBps: 130_000, queuePackets: 30 });
  const state = (wanted, ms) => agent.until(wanted, (word) => window.slot().state === word, wanted, ms);
  await state('slideshow', 20_000);
  await buyer.until('the hint', () => window.hints.at(-1)?.slideshow === true);
  await rest(2000);
  const before_ = await agent.received();
  await rest(8000);
  const pictures = (await agent.received()).framesDecoded - before_.framesDecoded;
  t.diagnostic(`${pictures} pictures in eight seconds`);
  assert.ok(pictures >= 3 && pictures <= 12, `${pictures}`);
  assert.equal(await agent.evaluate(() => window.video.videoWidth), 1280);
  assert.equal(await agent.evaluate(() => window.call.network.quality), 'poor');
  await buyer.until("the agent's network", () =>
    [...window.client.people.values()].some((person) => person.role === 'agent' && person.network?.quality === 'poor'));
  agent.relay.down.set({ rateBps: 0 });
  await state('video', 20_000);
  await buyer.until('the hint to go', () => !window.hints.at(-1)?.slideshow);
  const { framesDecoded } = await agent.received();
  await rest(3000);
  assert.ok((await agent.received()).framesDecoded - framesDecoded > 30);
});
