// SPDX-License-Identifier: Apache-2.0
// What the server made of a call, changed afterwards at random places (LOUPE_FLIPS of each file; LOUPE_SEED chooses
// them): loupe-verify finds and names every change of a clip, its voices, a look-back, a trimmed clip, manifests,
// stills, photographs' records and an exported case with its timeline. Clusters that moved, too; and forgeries.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { Judge } from './support/judge.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const FLIPS = Number(process.env.LOUPE_FLIPS ?? 12);
const WIDTH = 2; // that run side by side
const folder = mkdtempSync(join(tmpdir(), 'loupe-flips-'));
const data = join(folder, 'data');
const agent = token({ sub: 'agent-1', role: 'agent' });
const at = (name) => join(folder, name);
let seed = Number(process.env.LOUPE_SEED ?? 1);
let server;
let load;

/** 0 to n - 1, the same for the same seed. */
function draw(n) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
}

const ask = async (method, path, body) => {
  const answer = await server.api(method, `/api/v1${path}`, { token: agent, body });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status}`);
  return answer.body;
};
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function finished(id) {
  for (const end = Date.now() + 20_000; ; await pause(50)) {
    const clip = await ask('GET', `/clips/${id}`);
    if (clip.state !== 'recording') return clip;
    assert.ok(Date.now() < end, 'the clip is not finished');
  }
}

/** A call that leaves all kinds of evidence. Gives its case, and the ids. */
async function makeCase(load, name) {
  const judge = new Judge(data);
  const item = await server.newCase();
  const caller = new Caller(load, item);
  await caller.enter(server);
  await caller.agent.ask({ type: 'chat', text: 'Hello' });
  await caller.seen();
  const clip = await ask('POST', `/rooms/${item.room}/clips`, {});
  await pause(3500);
  await ask('POST', `/clips/${clip.id}/stop`, {});
  await finished(clip.id);
  const back = await ask('POST', `/rooms/${item.room}/lookback`, { seconds: 2 });
  const still = await ask('POST', `/rooms/${item.room}/stills`, {});
  const trim = await ask('POST', `/clips/${clip.id}/trim`, { from_ms: 1200, to_ms: 3000 });
  for (const { id } of [back, trim]) assert.equal((await finished(id)).state, 'ready');
  const kept = { clip: clip.id, back: back.id, trim: trim.id, still: still.id };
  for (const [what, id] of Object.entries(kept))
    for (const suffix of ['.webm', '.voices.mka', '.manifest.json', '.jpg', '.still.json'])
      if (existsSync(judge.path(id, suffix))) writeFileSync(at(`${name}-${what}${suffix}`), readFileSync(judge.path(id, suffix)));
  const answer = await fetch(`${server.url}/api/v1/cases/${item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  writeFileSync(at(`${name}.zip`), Buffer.from(await answer.arrayBuffer()));
  await caller.drop();
}

before(async () => {
  server = await startLouped({ data });
  load = await startGenerator(folder);
  for (const name of ['one', 'other']) await makeCase(load, name);
  writeFileSync(at('keys.json'), readFileSync(join(data, 'keys/keys.json')));
});
after(async () => {
  await load?.end();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** { code, findings } */
function verify(...names) {
  const args = [...names.map(at), '--keys', at('keys.json'), '--json'];
  return new Promise((resolve) => {
    execFile(join(buildFolder, 'loupe-verify'), args, { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, stdout) => {
      resolve({ code: error ? error.code : 0, findings: JSON.parse(stdout).findings });
    });
  });
}

const wrongs = ({ findings }) => findings.filter(({ kind }) => kind === 'wrong');

/** What is handed to loupe-verify together; each file of it is changed. */
const SETS = {
  'a clip': ['one-clip.webm', 'one-clip.voices.mka', 'one-clip.manifest.json'],
  'a look-back': ['one-back.webm', 'one-back.voices.mka', 'one-back.manifest.json'],
  'a trimmed clip': ['one-trim.webm', 'one-trim.manifest.json'],
  'a still': ['one-still.jpg', 'one-still.still.json'],
  'an exported case': ['one.zip'],
};

/** Whether one of the findings says where: the byte, or the entry, the event, the part it is in. */
function isNamed(name, place, found) {
  if (/json$|jpg$/.test(name)) return found.length > 0; // small: the file is the place
  if (/zip$/.test(name)) return found.some(({ what, text }) => text && what !== 'key');
  // The nearest place that is told lies in front of the change, no further away than a cluster is long.
  return found.some(({ byte, what }) => byte !== undefined && what !== 'file' && byte <= place + 16);
}

async function flip(set, name, number) {
  const bytes = readFileSync(at(name));
  const place = draw(bytes.length);
  bytes[place] ^= draw(2) ? 1 << draw(8) : 1 + draw(255);
  const changed = `changed-${number}-${name}`;
  writeFileSync(at(changed), bytes);
  const report = await verify(...set.map((other) => (other === name ? changed : other)));
  assert.equal(report.code, 1, `byte ${place} of ${name}: ${JSON.stringify(report)}`);
  assert.ok(isNamed(name, place, wrongs(report)), `byte ${place} of ${name}: ${JSON.stringify(report.findings)}`);
}

for (const [what, set] of Object.entries(SETS)) {
  test(`${what}: ${FLIPS} changed bytes of each file are found and named`, { timeout: 60_000 + FLIPS * 5000 }, async () => {
    const whole = await verify(...set);
    assert.equal(whole.code, 0, JSON.stringify(whole));
    const files = set.flatMap((name) => Array.from({ length: FLIPS }, () => name));
    await Promise.all(Array.from({ length: WIDTH }, async (_, number) => {
      while (files.length) await flip(set, files.pop(), number);
    }));
  });
}

test('every event of the timeline is named when it is changed', async () => {
  const zip = readFileSync(at('one.zip'));
  const begin = zip.indexOf('"events":[');
  const { events } = JSON.parse(zip.subarray(zip.lastIndexOf('{"case"', begin), zip.indexOf(']}', begin) + 2));
  assert.ok(events.length > 8);
  let from = begin;
  for (const { seq } of events) {
    const changed = Buffer.from(zip);
    from = zip.indexOf('"at":"', zip.indexOf('{"actor":', from)) + 6;
    changed[from + 3] ^= 1; // the year
    writeFileSync(at('changed.zip'), changed);
    const report = await verify('changed.zip');
    assert.equal(report.code, 1);
    assert.ok(wrongs(report).some(({ what, text }) => what === 'event' && new RegExp(`event ${seq}\\b`).test(text)), `${seq}: ${JSON.stringify(report.findings)}`);
  }
});

/** The file's clusters, and what is around them, as the manifest has them. */
function partsOf(name) {
  const bytes = readFileSync(at(`${name}.webm`));
  const { seal } = JSON.parse(readFileSync(at(`${name}.manifest.json`)));
  return seal.media.parts.map((part) => ({ ...part, data: bytes.subarray(part.at, part.at + part.bytes) }));
}

test('clusters that were moved, left out and doubled are found and named', async () => {
  const parts = partsOf('one-clip');
  const clusters = parts.flatMap(({ element }, i) => (/cluster/i.test(element) ? [i] : []));
  assert.ok(clusters.length >= 2, JSON.stringify(parts.map(({ element }) => element)));
  const [a, b] = clusters;
  const changes = {
    moved: parts.map((part, i) => (i === a ? parts[b] : i === b ? parts[a] : part)),
    'left out': parts.filter((_, i) => i !== a),
    'the last left out': parts.filter((_, i) => i !== clusters.at(-1)),
    doubled: parts.flatMap((part, i) => (i === b ? [part, part] : [part])),
  };
  for (const [what, changed] of Object.entries(changes)) {
    writeFileSync(at('changed.webm'), Buffer.concat(changed.map(({ data: piece }) => piece)));
    const report = await verify('changed.webm', 'one-clip.manifest.json');
    assert.equal(report.code, 1, what);
    assert.ok(wrongs(report).some(({ second, byte }) => second !== undefined || byte !== undefined), `${what}: ${JSON.stringify(report.findings)}`);
  }
});

/** RFC 8785, for what manifests hold. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

const signed = (key, context, value) => sign(null, Buffer.concat([Buffer.from(`${context}\0`), Buffer.from(canonical(value))]), key).toString('hex');

test('clips and manifests of another case do not fit, forged or not', async () => {
  assert.equal((await verify('one-clip.webm', 'other-clip.manifest.json')).code, 1);
  assert.equal((await verify('other-clip.webm', 'other-clip.voices.mka', 'one-clip.manifest.json')).code, 1);
  assert.equal((await verify('one-trim.webm', 'one-clip.manifest.json')).code, 1);
  const mine = JSON.parse(readFileSync(at('one-clip.manifest.json')));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  const forge = (name, change) => {
    const manifest = JSON.parse(readFileSync(at('other-clip.manifest.json')));
    change(manifest);
    delete manifest.signature;
    manifest.signature = signed(privateKey, 'loupe-manifest-1', manifest);
    writeFileSync(at(name), canonical(manifest));
  };
  // The other case's clip, said to be this case's, signed by one's own key: under its own name, and under the server's.
  for (const name of [mine.key, { ...mine.key, x }]) {
    forge('forged.manifest.json', (manifest) => {
      Object.assign(manifest.seal, { case: mine.seal.case, timeline: mine.seal.timeline, key: name });
      manifest.key = name;
      manifest.seal_signature = signed(privateKey, 'loupe-seal-1', manifest.seal);
    });
    assert.equal((await verify('other-clip.webm', 'other-clip.voices.mka', 'forged.manifest.json')).code, 1);
  }
  // This case's seal over the other's frames.
  forge('forged.manifest.json', (manifest) => {
    manifest.seal = mine.seal;
    manifest.seal_signature = mine.seal_signature;
  });
  assert.equal((await verify('other-clip.webm', 'forged.manifest.json')).code, 1);
});
