// SPDX-License-Identifier: Apache-2.0
// A clip as evidence: it verifies, and nothing that is changed in it, its manifest, their order or their
// keys does; a trimmed one verifies too; the time stamp is one that OpenSSL takes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder } from '../net/support/louped.mjs';
import { startAuthority } from './support/authority.mjs';
import { launch } from './support/browsers.mjs';
import { complaints, download, probe, verify } from './support/clips.mjs';
import { startLouped, tokens } from './support/server.mjs';
import { publish } from './support/whip.mjs';

const FLIPS = Number(process.env.LOUPE_FLIPS ?? 1000);
const agent = tokens.agent();
const folder = mkdtempSync(join(tmpdir(), 'loupe-evidence-'));
const at = (name) => join(folder, name);
let seed = 1;
let louped;
let authority;
let clip;
let still;

/** 0 to n - 1, the same each time. */
function draw(n) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
}

/** Its time stamp comes when it is ready already. */
async function stamped(id) {
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const one = await louped.ask('GET', `/clips/${id}`, agent);
    if (one.stamped || Date.now() > end) return one;
  }
}

async function makeClip() {
  const site = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>Elsewhere</title><video id="v"></video>');
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  const origin = `http://127.0.0.1:${site.address().port}`;
  louped = await startLouped('--allowed-origins', origin, '--timestamp-authority', authority.url);
  const one = await louped.newCase();
  const browser = await launch('chromium', { hertz: 600 });
  try {
    const page = await browser.open();
    await page.goto(origin);
    const buyer = tokens.buyer(one);
    const sent = await page.evaluate(publish, { url: `${louped.url}/whip/${one.room}`, token: buyer });
    assert.equal(sent.status, 201, sent.text);
    await louped.ask('POST', `/rooms/${one.room}/consents`, buyer, { recording: true });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { id } = await louped.ask('POST', `/rooms/${one.room}/clips`, agent, { label: 'serial number' });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    still = await louped.ask('POST', `/rooms/${one.room}/stills`, agent, { label: 'the number' });
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await louped.ask('POST', `/clips/${id}/stop`, agent, {});
    await louped.finished(id, agent);
    return await stamped(id);
  } finally {
    await browser.close();
    site.close();
  }
}

async function fetchClip(one, name) {
  return [
    await download(louped, one.media_url, at(`${name}.webm`)),
    await download(louped, one.manifest_url, at(`${name}.json`)),
  ];
}

before(async () => {
  authority = await startAuthority();
  clip = await makeClip();
  assert.equal(clip.state, 'ready', JSON.stringify(clip));
  await fetchClip(clip, 'clip');
  await download(louped, '/.well-known/loupe-keys.json', at('keys.json'));
});

after(async () => {
  await louped?.stop();
  authority?.close();
  rmSync(folder, { recursive: true, force: true });
});

const check = (...names) => verify(names.map(at), at('keys.json'));
const manifestOf = (name) => JSON.parse(readFileSync(at(name)));

/** What is wrong, in words. */
const wrongs = (report) => report.findings.filter((f) => f.kind === 'wrong').map((f) => f.text).join('\n');

test('a clip verifies, with its voices', () => {
  const report = check('clip.webm', 'clip.json');
  assert.equal(report.code, 0, wrongs(report));
  const { seal } = manifestOf('clip.json');
  assert.equal(seal.label, 'serial number');
  assert.equal(seal.recorder.only_in_files + seal.recorder.only_in_log, 0, 'the recorder wrote what the files hold');
  assert.ok(seal.consents.length === 1 && seal.consents[0].recording);
  if (!seal.voices) return;
  const voices = join(louped.data, 'blobs', clip.id.slice(0, 2), `${clip.id}.voices.mka`);
  assert.equal(verify([at('clip.webm'), voices, at('clip.json')], at('keys.json')).code, 0);
});

test('without keys it cannot be told whose it is, with others it is nobody\'s', () => {
  assert.equal(verify([at('clip.webm'), at('clip.json')]).code, 2);
  const keys = manifestOf('keys.json');
  execFileSync(join(buildFolder, 'loupectl'), ['keys', 'list', '--data', folder]);
  const foreign = verify([at('clip.webm'), at('clip.json')], at('keys/keys.json'));
  assert.equal(foreign.code, 1);
  assert.match(wrongs(foreign), new RegExp(`${keys.keys[0].kid}, which is none of the keys given`));
});

test('clusters moved, dropped and doubled are named', () => {
  const media = readFileSync(at('clip.webm'));
  const { parts } = manifestOf('clip.json').seal.media;
  const first = parts.findIndex((part) => part.element === 'cluster');
  const put = (order) => writeFileSync(at('spliced.webm'), Buffer.concat(order.map((i) => media.subarray(parts[i].at, parts[i].at + parts[i].bytes))));
  const all = parts.map((_, i) => i);
  const swapped = [...all];
  [swapped[first + 1], swapped[first + 2]] = [first + 2, first + 1];
  const cases = [[swapped, /is not at its place/], [all.filter((i) => i !== first + 1), /is missing/], [[...all.slice(0, first + 2), ...all.slice(first + 1)], /a second time/]];
  put(all);
  assert.equal(check('spliced.webm', 'clip.json').code, 0);
  for (const [order, says] of cases) {
    put(order);
    const report = check('spliced.webm', 'clip.json');
    assert.equal(report.code, 1);
    assert.match(wrongs(report), says);
  }
});

test('a trimmed clip verifies against the original\'s seal', async () => {
  const { id } = await louped.ask('POST', `/clips/${clip.id}/trim`, agent, { from_ms: 1200, to_ms: 3300 });
  const part = await louped.finished(id, agent);
  assert.equal(part.state, 'ready', JSON.stringify(part));
  await fetchClip(part, 'part');
  const report = check('part.webm', 'part.json');
  assert.equal(report.code, 0, wrongs(report));
  const [whole, trimmed] = [manifestOf('clip.json'), manifestOf('part.json')];
  assert.deepEqual(trimmed.seal, whole.seal);
  assert.ok(trimmed.trim.from_ms <= 1200 && trimmed.trim.to_ms === 3300);
  assert.equal(complaints(at('part.webm')), '');
  assert.ok(Math.abs(probe(at('part.webm')).seconds * 1000 - (3300 - trimmed.trim.from_ms)) < 100);
  assert.equal(check('part.webm', 'clip.json').code, 1);
  assert.equal(check('clip.webm', 'part.json').code, 1);
  const status = async (body, who = agent) => (await louped.call('POST', `/clips/${clip.id}/trim`, who, body)).status;
  assert.equal(await status({ from_ms: 5, to_ms: 5 }), 400);
  assert.equal(await status({ from_ms: 90_000, to_ms: 95_000 }), 400);
  assert.equal(await status({ from_ms: 0, to_ms: 5 }, tokens.buyer({ id: clip.case, buyer: { id: 'x', name: 'x' } })), 403);
});

test('a case is exported in one archive that verifies', async () => {
  const answer = await fetch(`${louped.url}/api/v1/cases/${clip.case}/export`, { headers: { Authorization: `Bearer ${agent}` } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/zip');
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(bytes.length, Number(answer.headers.get('content-length')));
  writeFileSync(at('case.zip'), bytes);
  const report = check('case.zip');
  assert.equal(report.code, 0, wrongs(report));
  const list = execFileSync('python3', ['-m', 'zipfile', '-l', at('case.zip')], { encoding: 'utf8' });
  for (const name of ['report.html', 'timeline.json', 'keys.json', `clips/${clip.id}.manifest.json`, `clips/${clip.id}.webm`, `stills/${still.id}.jpg`, `stills/${still.id}.still.json`])
    assert.ok(list.includes(name), `${name} in ${list}`);
  for (let i = 0; i < 100; i++) {
    const changed = Buffer.from(bytes);
    changed[draw(bytes.length)] ^= 1 << draw(8);
    writeFileSync(at('changed.zip'), changed);
    assert.equal(check('changed.zip').code, 1);
  }
  const { items } = await louped.ask('GET', `/cases/${clip.case}/timeline`, agent);
  assert.equal(items.at(-1).type, 'case_exported');
  const other = await louped.newCase();
  const stranger = tokens.buyer(other);
  assert.equal((await louped.call('GET', `/cases/${clip.case}/export`, stranger)).status, 403);
});

test('a still verifies, and its frame is in the clip', async () => {
  const record = await fetch(`${louped.url}/api/v1/stills/${still.id}/record`, { headers: { Authorization: `Bearer ${agent}` } });
  assert.equal(record.status, 200);
  writeFileSync(at('still.json'), Buffer.from(await record.arrayBuffer()));
  await download(louped, still.media_url, at('still.jpg'));
  for (const more of [[], ['clip.json'], ['clip.json', 'clip.webm']]) {
    const report = check('still.jpg', 'still.json', ...more);
    assert.equal(report.code, 0, wrongs(report));
  }
  for (let i = 0; i < 60; i++) {
    const name = i % 2 ? 'still.jpg' : 'still.json';
    const changed = readFileSync(at(name));
    changed[draw(changed.length)] ^= 1 << draw(8);
    writeFileSync(at(`changed-${name}`), changed);
    assert.equal(check(...(i % 2 ? ['changed-still.jpg', 'still.json'] : ['still.jpg', 'changed-still.json'])).code, 1);
  }
});

test('the time stamp is one that OpenSSL takes', () => {
  assert.ok(authority.asked >= 1);
  const { seal_signature: signature, timestamp } = manifestOf('clip.json');
  writeFileSync(at('signature.bin'), Buffer.from(signature, 'hex'));
  writeFileSync(at('token.der'), Buffer.from(timestamp, 'base64'));
  const said = execFileSync('openssl', ['ts', '-verify', '-token_in', '-in', at('token.der'), '-data', at('signature.bin'), '-CAfile', authority.ca], { encoding: 'utf8', stdio: 'pipe' });
  assert.match(said, /Verification: OK/);
  const files = [at('clip.webm'), at('clip.json')];
  assert.deepEqual(verify(files, at('keys.json'), '--authority', authority.ca).findings.filter((f) => f.what === 'timestamp'), []);
  const note = verify(files, at('keys.json')).findings.find((f) => f.what === 'timestamp');
  assert.match(note.text, /give --authority/);
});

test('of a revoked key only what a time stamp proves to be older is good', async () => {
  const [{ kid }] = manifestOf('keys.json').keys;
  await new Promise((resolve) => setTimeout(resolve, 1100)); /* time stamps are of whole seconds */
  execFileSync(join(buildFolder, 'loupectl'), ['keys', 'revoke', '--data', louped.data, '--kid', kid, '--reason', 'copied']);
  await download(louped, '/.well-known/loupe-keys.json', at('revoked.json'));
  const files = [at('clip.webm'), at('clip.json')];
  const report = verify(files, at('revoked.json'));
  assert.equal(report.code, 1);
  assert.match(wrongs(report), /was revoked at .* \(copied\), and nothing proves/);
  assert.equal(verify(files, at('revoked.json'), '--authority', authority.ca).code, 0);
});

test(`${FLIPS} changed bytes are found, and named`, { timeout: 600_000 }, () => {
  const files = { 'clip.webm': readFileSync(at('clip.webm')), 'clip.json': readFileSync(at('clip.json')) };
  for (let i = 0; i < FLIPS; i++) {
    const name = i % 2 ? 'clip.webm' : 'clip.json';
    const bytes = Buffer.from(files[name]);
    const place = draw(bytes.length);
    bytes[place] ^= draw(2) ? 1 << draw(8) : 1 + draw(255);
    writeFileSync(at(`changed-${name}`), bytes);
    const report = name === 'clip.webm' ? check('changed-clip.webm', 'clip.json') : check('clip.webm', 'changed-clip.json');
    assert.equal(report.code, 1, `byte ${place} of ${name}`);
    const named = report.findings.filter((f) => f.kind === 'wrong');
    assert.ok(named.length > 0);
    if (name === 'clip.webm') assert.ok(named.some((f) => 'byte' in f), `byte ${place} of ${name} has no place`);
  }
});
