// SPDX-License-Identifier: Apache-2.0
// Recordings encrypted at rest: nothing of a picture is on the disk, while it is recorded or later, and it
// plays, seeks, verifies and is exported all the same. Without its key, or changed, it is told so.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder } from '../net/support/louped.mjs';
import { launch } from './support/browsers.mjs';
import { complaints, download, verify, withClip } from './support/clips.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { publish } from './support/whip.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-encrypted-'));
const at = (name) => join(folder, name);
const keyFile = at('storage.key');
const agent = tokens.agent();
const newKey = () => execFileSync(join(buildFolder, 'loupectl'), ['storage-key', 'new', '--file', keyFile]);
let louped;
let browser;
let one;
let clip;
let still;
let whileRecording;

/** All that lies in the data folder: { path: bytes }. */
function disk() {
  const files = readdirSync(louped.data, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return Object.fromEntries(files.map((file) => [join(file.parentPath, file.name), readFileSync(join(file.parentPath, file.name))]));
}

/** Stretches of a file, one each 512 bytes; not those that are all alike. */
function stretches(bytes, length = 24) {
  const found = [];
  for (let i = 256; i + length < bytes.length; i += 512) {
    const one = bytes.subarray(i, i + length);
    if (new Set(one).size > 8) found.push(one);
  }
  return found;
}

/** Paths of the files that hold any of them. */
const holding = (files, parts) =>
  Object.keys(files).filter((path) => parts.some((part) => files[path].includes(part)));

const bytesOf = async (url) => Buffer.from(await (await fetch(new URL(url, louped.url))).arrayBuffer());
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

before(async () => {
  newKey();
  louped = await startLouped('--storage-key-file', keyFile);
  one = await louped.newCase();
  browser = await launch('chromium', { hertz: 600 });
  const page = await browser.open();
  await page.goto(`${louped.url}/healthz`);
  const buyer = tokens.buyer(one);
  const sent = await page.evaluate(publish, { url: `${louped.url}/whip/${one.room}`, token: buyer });
  assert.equal(sent.status, 201, sent.text);
  await louped.ask('POST', `/rooms/${one.room}/consents`, buyer, { recording: true });
  await wait(1500);
  const { id } = await louped.ask('POST', `/rooms/${one.room}/clips`, agent, {});
  await wait(3000);
  still = await louped.ask('POST', `/rooms/${one.room}/stills`, agent, {});
  whileRecording = disk();
  await wait(2500);
  await louped.ask('POST', `/clips/${id}/stop`, agent, {});
  clip = await louped.finished(id, agent);
  assert.equal(clip.state, 'ready', JSON.stringify(clip));
});

after(async () => {
  await browser?.close();
  await louped?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('no frame is on the disk, during the recording or after it', async () => {
  const { id } = await louped.ask('POST', `/rooms/${one.room}/lookback`, agent, { seconds: 3 });
  const past = await louped.finished(id, agent);
  assert.equal(past.state, 'ready', JSON.stringify(past));
  const trimmed = await louped.ask('POST', `/clips/${clip.id}/trim`, agent, { from_ms: 500, to_ms: 3000 });
  const part = await louped.finished(trimmed.id, agent);
  assert.equal(part.state, 'ready', JSON.stringify(part));
  const now = disk();
  assert.ok(Object.keys(whileRecording).some((path) => path.endsWith('.part')), 'it was being recorded');
  for (const url of [clip.media_url, clip.poster_url, past.media_url, part.media_url, still.media_url]) {
    const served = await bytesOf(url);
    const parts = stretches(served);
    assert.ok(parts.length > 3, `${url}: ${parts.length} stretches of ${served.length} bytes`);
    assert.deepEqual(holding({ [url]: served }, parts), [url]);
    assert.deepEqual(holding(now, parts), [], url);
    assert.deepEqual(holding(whileRecording, parts), [], `${url} while it was recorded`);
  }
  const rest = Object.entries(now).filter(([, bytes]) => bytes.includes('OpusHead') || bytes.includes('JFIF'));
  assert.deepEqual(rest.map(([path]) => path), []);
});

test('what is served verifies, and any range of it is the same', async () => {
  await withClip(louped, clip, (path) => {
    assert.equal(complaints(path), '');
    writeFileSync(at('clip.webm'), readFileSync(path));
  });
  const whole = readFileSync(at('clip.webm'));
  for (const [first, last] of [[0, 0], [1, 40_000], [16_380, 16_390], [whole.length - 5, whole.length - 1], [30_000, whole.length - 1]]) {
    const answer = await fetch(new URL(clip.media_url, louped.url), { headers: { range: `bytes=${first}-${last}` } });
    assert.equal(answer.status, 206);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(whole.subarray(first, last + 1)), `bytes ${first} to ${last}`);
  }
});

test('it plays and seeks in a browser', async () => {
  const page = await browser.open();
  await page.goto(`${louped.url}/healthz`);
  const seen = await page.evaluate(async (url) => {
    const video = document.createElement('video');
    const heard = (name) => new Promise((resolve, reject) => {
      video.addEventListener(name, resolve, { once: true });
      video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
    });
    video.muted = true;
    video.src = url;
    await heard('loadeddata');
    await video.play();
    while (video.currentTime < 0.3) await new Promise((resolve) => setTimeout(resolve, 20));
    video.pause();
    const times = [];
    for (const time of [4, 1, 2.5]) {
      const done = heard('seeked');
      video.currentTime = time;
      await done;
      times.push(video.currentTime);
    }
    return { times, width: video.videoWidth, duration: video.duration };
  }, clip.media_url);
  assert.deepEqual(seen.times, [4, 1, 2.5]);
  assert.ok(seen.width > 0 && Math.abs(seen.duration * 1000 - clip.duration_ms) < 200, JSON.stringify(seen));
});

test('an exported case is plain, and verifies', async () => {
  const answer = await fetch(`${louped.url}/api/v1/cases/${one.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  writeFileSync(at('case.zip'), Buffer.from(await answer.arrayBuffer()));
  await download(louped, '/.well-known/loupe-keys.json', at('keys.json'));
  const report = verify([at('case.zip')], at('keys.json'));
  assert.equal(report.code, 0, JSON.stringify(report.findings?.filter((f) => f.kind === 'wrong')));
  assert.ok(readFileSync(at('case.zip')).includes(readFileSync(at('clip.webm'))));
});

test('a new key writes, the old one reads; without it the clip is refused, and nothing else', async () => {
  const status = async () => (await fetch(`${louped.url}/api/v1/clips/${clip.id}/media`, { headers: { authorization: `Bearer ${agent}` } })).status;
  const exported = async () => (await fetch(`${louped.url}/api/v1/cases/${one.id}/export`, { headers: { authorization: `Bearer ${agent}` } })).status;
  const old = readFileSync(keyFile, 'utf8');
  await louped.process.stop();
  newKey();
  await louped.start();
  assert.equal(await status(), 200);
  const both = readFileSync(keyFile, 'utf8');
  assert.ok(both.startsWith(old));
  await louped.process.stop();
  writeFileSync(keyFile, both.slice(old.length));
  await louped.start();
  assert.deepEqual([await status(), await exported()], [503, 503]);
  assert.equal((await louped.call('GET', `/clips/${clip.id}`, agent)).status, 200);
  await louped.process.stop();
  writeFileSync(keyFile, both);
  const path = join(louped.data, 'blobs', clip.id.slice(0, 2), `${clip.id}.webm`);
  const bytes = readFileSync(path);
  bytes[20] ^= 1;
  writeFileSync(path, bytes);
  await louped.start();
  assert.equal(await status(), 503, 'another key\'s name');
  bytes[20] ^= 1;
  bytes[30] ^= 1;
  writeFileSync(path, bytes);
  assert.deepEqual([await status(), await exported()], [500, 200], 'another file\'s id'); // without it
});
