// SPDX-License-Identifier: Apache-2.0
// Nothing of a person who has not consented is recorded: no file of a buyer who declined, silence in the
// place of an agent who did, and an end within a second when consent is taken back. Shown by the files.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { token } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { mean, patternsOf, probe, toneOf, withClip } from './support/clips.mjs';
import { someone } from './support/library.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { Proxy } from './support/proxy.mjs';
import { startLouped, tokens } from './support/server.mjs';

const HEARD = 0.05;
const SILENT = 0.004;
let louped;
let browser;

before(async () => {
  louped = await startLouped();
  browser = await launch('chromium');
});

after(async () => {
  await browser?.close();
  await louped?.stop();
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function recordings() {
  return readdirSync(louped.data, { recursive: true }).filter((name) => /\.(webm|part|jpg|mka|framelog)$/.test(String(name)));
}

async function inCall(t, name, { consent, voice, ...options }) {
  const one = await louped.newCase();
  const agent = tokens.agent(`agent-${name}`);
  const desk = await openDesk(browser, louped, { token: agent });
  await takeCalls(desk, { voice });
  const buyer = await openBuyer(browser, louped, one, { consent, ...options });
  t.after(async () => {
    await desk.close();
    await buyer.close();
  });
  await acceptCall(desk, buyer);
  return { one, agent, desk, buyer };
}

test('a buyer who declines is not recorded', { timeout: 90_000 }, async (t) => {
  const { one, agent, desk, buyer } = await inCall(t, 'declined', { consent: false, voice: true });
  assert.match(await desk.text('record-why'), /has not allowed recording/);
  assert.equal(await desk.evaluate(() => document.querySelector('[data-testid=record]').disabled), true);
  const { status, body } = await louped.call('POST', `/rooms/${one.room}/clips`, agent, {
    publisher: one.buyer.id,
  });
  assert.equal(status, 409, JSON.stringify(body));
  await pause(1500);
  assert.deepEqual(recordings(), []);
  assert.equal((await louped.ask('GET', `/cases/${one.id}/clips`, agent)).items.length, 0);
  assert.equal(await buyer.evaluate(() => document.querySelector('[data-testid=rec]')), null);
});

test('consent taken back ends the recording within a second', { timeout: 90_000 }, async (t) => {
  const proxy = await new Proxy().listen();
  t.after(() => proxy.close());
  proxy.target = louped.url;
  const { agent, desk, buyer } = await inCall(t, 'withdrawn', { consent: true, voice: true, base: proxy.origin });
  const id = await record(desk, 0, { stop: false });
  await pause(3000);
  const last = await desk.seen('buyer-video');
  await buyer.evaluate(() => document.querySelector('[data-testid=consent-toggle]').click());
  await buyer.gone('rec', 2000);
  const clip = await louped.finished(id, agent);
  assert.equal(clip.state, 'ready');
  await withClip(louped, clip, (path) => {
    const frames = patternsOf(path).filter((frame) => frame?.tag === BUYER.tag);
    const beyond = (frames.at(-1).ticks - last.ticks) / 100;
    assert.ok(beyond < 1, `${beyond} s beyond`);
  });
  await desk.until('the button to be off', () => document.querySelector('[data-testid=record]').disabled);

  // The same with the session cut off: nothing to record is sent until the server has heard.
  await buyer.click('consent-toggle');
  const cutOff = await record(desk, 0, { stop: false });
  await buyer.see('rec');
  await pause(1000);
  proxy.cut();
  const seen = await desk.seen('buyer-video');
  await buyer.evaluate(() => document.querySelector('[data-testid=consent-toggle]').click());
  await buyer.gone('rec', 200);
  await buyer.see('rec-stopping');
  await pause(2500);
  proxy.mend();
  const held = await louped.finished(cutOff, agent);
  await buyer.gone('rec-stopping');
  assert.equal(await buyer.text('consent-toggle'), 'Recording is not allowed');
  await withClip(louped, held, (path) => {
    const frames = patternsOf(path).filter((frame) => frame?.tag === BUYER.tag);
    const beyond = (frames.at(-1).ticks - seen.ticks) / 100;
    assert.ok(beyond < 1.5, `${beyond} s beyond, with the session cut off`);
  });
  await buyer.until('to be sent again', () => !document.querySelector('[data-testid=mute]').disabled);
});

test('an agent is silent in a clip until consenting', { timeout: 90_000 }, async (t) => {
  const { agent, desk } = await inCall(t, 'silent', { consent: true, voice: false });
  const silent = await louped.finished(await record(desk, 4000), agent);
  await withClip(louped, silent, (path) => {
    assert.deepEqual(probe(path).codecs, ['opus', 'vp8']);
    assert.ok(mean(toneOf(path, BUYER.hertz)) > HEARD, 'the buyer is heard');
    assert.ok(Math.max(...toneOf(path, AGENT.hertz)) < SILENT, 'the agent is not');
  });

  const id = await record(desk, 0, { stop: false });
  await pause(3000);
  await desk.click('voice-allow');
  await pause(3000);
  await desk.click('record');
  await withClip(louped, await louped.finished(id, agent), (path) => {
    const levels = toneOf(path, AGENT.hertz);
    const begins = levels.findIndex((level) => level > HEARD) * 0.2;
    assert.ok(begins > 2.5 && begins < 5, `the agent is heard from ${begins} s on`);
    assert.ok(Math.max(...levels.slice(0, 12)) < SILENT, 'not a sound before');
    assert.ok(mean(levels.slice(-5)) > HEARD, 'and to the end');
  });
});

/** When the sound was made that the clip has of somebody, in milliseconds; as its log says. */
function heardOf(id, identity) {
  const path = join(louped.data, 'blobs', id.slice(0, 2), `${id}.framelog`);
  const lines = readFileSync(path, 'utf8').split('\n').map((line) => line.split(' '));
  const track = lines.find(([type, , kind, , who]) => type === 'track' && kind === 'voice' && who === identity)?.[1];
  return lines.filter(([type, of]) => track && type === 'frame' && of === track).map((words) => Number(words[3]) / 1000);
}

test('who joins while it is recorded is heard in it from consent to withdrawal', { timeout: 120_000 }, async (t) => {
  const { one, agent, desk } = await inCall(t, 'joined', { consent: true, voice: true });
  const id = await record(desk, 0, { stop: false });
  const late = token({ sub: 'late-1', role: 'appraiser' });
  const page = await someone(t, browser, louped, {
    token: late, room: one.room, camera: true, lens: { tag: 0xc3, hertz: 2100, width: 320, height: 180 },
  });
  const consent = async (recording) => {
    await louped.ask('POST', `/rooms/${one.room}/consents`, late, { recording });
    return Date.now();
  };
  await page.until('it to be connected', () => window.slot() !== undefined);
  await pause(2000);
  assert.deepEqual(heardOf(id, 'late-1'), [], 'nothing before consent');
  const asked = Date.now();
  await consent(true);
  await pause(2500);
  const withdrawn = await consent(false);
  await pause(2000);
  for (const [what, body] of [['clips', {}], ['lookback', { seconds: 5 }], ['stills', {}]]) {
    const { status } = await louped.call('POST', `/rooms/${one.room}/${what}`, agent, { publisher: 'late-1', ...body });
    assert.equal(status, 409, `${what} of what was before, neither`);
  }
  await desk.click('record');
  const clip = await louped.finished(id, agent);
  const heard = heardOf(id, 'late-1');
  t.diagnostic(`${heard.length} packets, ${heard[0] - asked} ms from consent to ${heard.at(-1) - withdrawn} ms from withdrawal`);
  assert.ok(heard.length > 60, `${heard.length} packets`);
  assert.ok(heard[0] >= asked - 60, `${heard[0] - asked} ms from when consent was given`);
  assert.ok(heard.at(-1) <= withdrawn + 1000, `${heard.at(-1) - withdrawn} ms from when it was withdrawn`);
  await withClip(louped, clip, (path) => {
    const levels = toneOf(path, 2100);
    const on = levels.map((level, index) => (level > HEARD ? index : -1)).filter((index) => index >= 0);
    assert.ok(on.length > 5 && on.length < 20, `heard for ${on.length / 5} s`);
    assert.ok(Math.max(...levels.slice(0, on[0] - 1)) < SILENT, 'silent before');
    assert.ok(Math.max(...levels.slice(on.at(-1) + 2)) < SILENT, 'and after');
    assert.deepEqual([...new Set(patternsOf(path).map((frame) => frame?.tag).filter(Boolean))], [BUYER.tag]);
  });
});
