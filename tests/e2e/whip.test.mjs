// SPDX-License-Identifier: Apache-2.0
// WHIP and WHEP for others: a plain page of another site, with nothing of Loupe's code, publishes and
// plays in both browsers; aiortc does both too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KINDS, launch } from './support/browsers.mjs';
import { lensScript } from './support/inpage.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { play, publish, remove } from './support/whip.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const TAG = 0xc3;
const SNAKE_TAG = 0x5e;
let louped;
let site;
let origin;
const browsers = {};
const viewers = {};

before(async () => {
  site = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Elsewhere</title><video id="v" autoplay playsinline></video>');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  origin = `http://127.0.0.1:${site.address().port}`;
  louped = await startLouped('--allowed-origins', origin);
  for (const kind of KINDS) {
    browsers[kind] = await launch(kind, { hertz: 600 });
    // One of its own: a browser slows down the pages that are not in front.
    viewers[kind] = await launch(kind);
  }
});

after(async () => {
  for (const browser of [...Object.values(browsers), ...Object.values(viewers)]) await browser.close();
  site?.close();
  await louped?.stop();
});

const plainPage = async (t, kind, from = browsers) => {
  const page = await from[kind].open({ script: lensScript({ tag: TAG, hertz: 600 }) });
  t.after(() => page.close());
  await page.goto(origin);
  return page;
};

async function shows(page, tag) {
  await page.until('the picture', (wanted) => window.lens.seen('#v')?.tag === wanted, tag);
  await page.until('the sound', async () => (await window.lens.received()).audioEnergy > 0);
  const { framesDecoded } = await page.received();
  await page.until('more pictures', async (n) => (await window.lens.received()).framesDecoded > n + 20, framesDecoded);
}

for (const kind of KINDS) {
  test(`a plain page in ${kind} publishes and plays`, { timeout: 60_000 }, async (t) => {
    const { room } = await louped.newCase();
    const publisher = await plainPage(t, kind);
    const viewer = await plainPage(t, kind, viewers);
    const token = tokens.agent(`camera-${kind}`);
    const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token });
    assert.equal(sent.status, 201, sent.text);
    const played = await viewer.evaluate(play, { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye') });
    assert.equal(played.status, 201, played.text);
    await shows(viewer, TAG);
    const session = new URL(sent.location, `${louped.url}/whip/${room}`).href;
    assert.equal(await publisher.evaluate(remove, { url: session, token }), 200);
  });
}

test('a viewer who comes first sees the publisher who comes later', { timeout: 60_000 }, async (t) => {
  const { room } = await louped.newCase();
  const viewer = await plainPage(t, 'chromium', viewers);
  const played = await viewer.evaluate(play, { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye') });
  assert.equal(played.status, 201, played.text);
  const publisher = await plainPage(t, 'firefox');
  const token = tokens.agent('camera-later');
  const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token });
  assert.equal(sent.status, 201, sent.text);
  await shows(viewer, TAG);
});

/** Runs an aiortc script; gives what it said, line by line, through `said`. */
function python(t, script, ...args) {
  const child = spawn('/usr/bin/python3', [join(here, 'support', script), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill());
  let out = '';
  let problems = '';
  child.stdout.on('data', (bytes) => (out += bytes));
  child.stderr.on('data', (bytes) => (problems += bytes));
  return once(child, 'exit').then(([code]) => {
    assert.equal(code, 0, problems);
    return out.trim().split('\n').map((line) => JSON.parse(line));
  });
}

for (const codec of ['video/VP8', 'video/H264']) {
  test(`aiortc publishes ${codec}, a browser plays`, { timeout: 60_000 }, async (t) => {
    const { room } = await louped.newCase();
    const viewer = await plainPage(t, 'chromium', viewers);
    const token = tokens.agent('snake');
    const published = python(t, 'aiortc_publish.py', `${louped.url}/whip/${room}`, token, SNAKE_TAG, 6, codec);
    await viewer.evaluate(play, { url: `${louped.url}/whep/${room}`, token: tokens.agent('eye') });
    await shows(viewer, SNAKE_TAG);
    const { received } = await viewer.evaluate(() => window.lens.codecs());
    assert.ok(received.includes(codec), `${received}`);
    assert.deepEqual(await published, [{ state: 'connected' }, { deleted: 200 }]);
  });
}

test('a browser publishes, aiortc plays', { timeout: 60_000 }, async (t) => {
  const { room } = await louped.newCase();
  const publisher = await plainPage(t, 'chromium');
  const token = tokens.agent('camera-snake');
  const sent = await publisher.evaluate(publish, { url: `${louped.url}/whip/${room}`, token });
  assert.equal(sent.status, 201, sent.text);
  const [seen] = await python(t, 'aiortc_play.py', `${louped.url}/whep/${room}`, tokens.agent('snake'), 60);
  assert.equal(seen.state, 'connected');
  assert.ok(seen.pictures >= 60, `${seen.pictures} pictures`);
  assert.ok((seen.tags[TAG] ?? 0) > seen.pictures * 0.95, JSON.stringify(seen));
  assert.ok(seen.sounds >= 60 && seen.loudest > 1000, JSON.stringify(seen));
  assert.equal(seen.deleted, 200);
});
