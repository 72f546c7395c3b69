// SPDX-License-Identifier: Apache-2.0
// Short calls over bad networks (tests/net/impair), browser to browser: losses on both legs and in both
// directions, then darkness, then light again; what a clip of such a call lacks; and a path too narrow for
// moving pictures. `./dev bench browsers` measures the same at length.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/** The pictures that a page sent, by their RTP timestamps, as the relay saw them before any was lost: a Set for
 *  each SSRC. The headers of SRTP are plain. After doom() one is lost for good, whatever is sent again: `doomed`. */
function picturesSent(relay) {
  const streams = new Map();
  const doomed = new Set();
  let wanted = 0;
  relay.sent = (packet) => {
    const isRtp = packet.length > 12 && packet[0] >> 6 === 2 && (packet[1] < 192 || packet[1] > 223);
    if (!isRtp) return true;
    const [timestamp, ssrc] = [packet.readUInt32BE(4), packet.readUInt32BE(8)];
    if (!streams.has(ssrc)) streams.set(ssrc, new Set());
    const stream = streams.get(ssrc);
    if (packet.length > 400 && !stream.has(timestamp) && doomed.size < wanted) doomed.add(timestamp);
    stream.add(timestamp);
    return !doomed.has(timestamp);
  };
  return { streams, doomed, doom: () => (wanted += 1) };
}

/** RTP timestamps (32 bits of them) of the pictures in a clip, as its frame log has them. */
function picturesKept(id) {
  const log = readFileSync(join(louped.data, 'blobs', id.slice(0, 2), `${id}.framelog`), 'utf8').split('\n').map((line) => line.split(' '));
  const [, track] = log.find(([what, , kind]) => what === 'track' && kind === 'video');
  return log.filter(([what, of]) => what === 'frame' && of === track).map((line) => Number(BigInt(line[4]) & 0xffffffffn));
}

test('a clip lacks less than live, and says exactly what', { timeout: 60_000 }, async (t) => {
  const made = await louped.newCase();
  const { url: site, media } = louped;
  const buyer = token({ sub: made.buyer.id, role: 'buyer', case: made.id });
  const viewer = token({ sub: 'eye', role: 'viewer', room: made.room });
  const rules = { delayMs: 35, jitterMs: 15 };
  const sender = await publish(camera, { site, media, url: `${site}/whip/${made.room}`, token: buyer, seed: 7, rules, width: 640, height: 480 });
  const eyes = await watch(eye, { site, media, url: `${site}/whep/${made.room}`, token: viewer, seed: 8, rules });
  t.after(() => Promise.all([sender, eyes].map((one) => one.close())));
  await louped.ask('POST', `/rooms/${made.room}/consents`, buyer, { recording: true });
  for (const { relay } of [sender, eyes]) relay.set({ loss: 0.05 });
  const { streams, doomed, doom } = picturesSent(sender.relay);
  await rest(500);
  const { id } = await louped.ask('POST', `/rooms/${made.room}/clips`, tokens.agent(), {});
  const before_ = { seen: await eyes.figures(), sent: await sender.figures() };
  await rest(12_000);
  const now = { seen: await eyes.figures(), sent: await sender.figures() };
  doom();
  await rest(2500);
  await louped.ask('POST', `/clips/${id}/stop`, tokens.agent(), {});
  const clip = await louped.finished(id, tokens.agent());
  assert.equal(clip.state, 'ready');

  const kept = new Set(picturesKept(id));
  const all = [...streams.values()].sort((a, b) => [...b].filter((one) => kept.has(one)).length - [...a].filter((one) => kept.has(one)).length)[0];
  const [first, last] = [[...kept][0], [...kept].at(-1)];
  const between_ = [...all].filter((one) => ((one - first) | 0) > 0 && ((last - one) | 0) > 0);
  const missing = between_.filter((one) => !kept.has(one));
  const [never] = doomed;
  const earlier = missing.filter((one) => ((one - never) | 0) < 0).length;
  const { seal } = JSON.parse(readFileSync(join(louped.data, 'blobs', id.slice(0, 2), `${id}.manifest.json`)));
  const told = seal.gaps.reduce((sum, { frames }) => sum + frames, 0);
  const sentMeanwhile = Object.values(now.sent.sent)[0].frames - Object.values(before_.sent.sent)[0].frames;
  const live = sentMeanwhile - (now.seen.video.frames - before_.seen.video.frames);
  const { lost, packets } = sender.relay.up.counts;
  t.diagnostic(`${lost} of ${packets} packets lost; of ${between_.length} pictures the clip lacks ${earlier} before one never came, ${missing.length} in all, and tells of ${told}; live ${live} of ${sentMeanwhile} were not shown, ${JSON.stringify(between(before_.seen, now.seen))}`);
  assert.ok(lost > packets / 40, `${lost} of ${packets} packets were lost`);
  assert.ok(between_.length > 150, `${between_.length} pictures`);
  assert.ok(missing.includes(never), 'what never came is not there');
  assert.equal(told, missing.length, JSON.stringify(seal.gaps));
  assert.ok(earlier <= Math.max(1, live / 10), `${earlier} are missing, live ${live}`);
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
