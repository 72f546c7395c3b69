// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments of a call in which people record, look back, trim, export, take stills, send a
// photograph, write and delete, and of the start that repairs it (LOUPE_CRASHES times; LOUPE_SEED chooses them):
// what was acknowledged is there, what is finished verifies, all else is repaired or has failed, and nothing is
// left. Each other case is recorded encrypted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { Ledger, start } from './support/deeds.mjs';
import { Judge } from './support/judge.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const ROUNDS = Number(process.env.LOUPE_CRASHES ?? 4);
const ROUNDS_OF_A_CASE = ROUNDS < 20 ? Math.ceil(ROUNDS / 2) : 20;
const LONGEST_MS = 2600; // but for one time in eight, so that there are clips from which something must be left
const folder = mkdtempSync(join(tmpdir(), 'loupe-kills-'));
const data = join(folder, 'data');
const agent = token({ sub: 'agent-1', role: 'agent' });
let seed = Number(process.env.LOUPE_SEED ?? 1);
let world;
let load;
let judge;
let encrypted = false;

/** 0 to n - 1, the same for the same seed. */
function draw(n) {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * n);
}

/** The second case's and each other's are encrypted. */
function startServer() {
  return startLouped({ data, args: encrypted ? ['--storage-key-file', join(folder, 'storage.key')] : [] });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A new case with a clip of some seconds to be trimmed. */
async function newCase() {
  const { server } = world;
  world.item = await server.newCase();
  world.ledger = new Ledger();
  world.caller = new Caller(load, world.item);
  await world.caller.enter(server);
  await world.caller.seen();
  const { body } = await server.api('POST', `/api/v1/rooms/${world.item.room}/clips`, { token: agent, body: {} });
  await pause(4000);
  await server.api('POST', `/api/v1/clips/${body.id}/stop`, { token: agent, body: {} });
  await judge.settled(server);
  assert.equal(judge.sql(`SELECT state FROM clips WHERE id = '${body.id}'`)[0].state, 'ready');
  world.whole = [body.id];
  await world.caller.drop();
}

before(async () => {
  load = await startGenerator(folder);
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=640x480', '-frames:v', '1', '-y', join(folder, 'photo.jpg')]);
  execFileSync(join(buildFolder, 'loupectl'), ['storage-key', 'new', '--file', join(folder, 'storage.key')]);
  judge = new Judge(data, async (path, file) => {
    const answer = await fetch(`${world.server.url}/api/v1${path}`, { headers: { authorization: `Bearer ${agent}` } });
    assert.equal(answer.status, 200, path);
    writeFileSync(file, Buffer.from(await answer.arrayBuffer()));
  });
  world = { draw, photo: readFileSync(join(folder, 'photo.jpg')), server: await startServer() };
  world.keep = (bytes) => writeFileSync(join(folder, 'case.zip'), bytes);
});
after(async () => {
  await world.caller?.drop();
  await load?.end();
  await world.server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Lets people do what they do, kills the server meanwhile. */
async function disturb() {
  const { server, caller } = world;
  world.over = false;
  await caller.enter(server);
  const deeds = start(world);
  deeds.catch(() => undefined);
  await pause(draw(LONGEST_MS) + (draw(8) ? 0 : 4000));
  const alive = server.code === undefined;
  world.over = true;
  await server.stop('SIGKILL');
  const killed = Date.now();
  world.ledger.flowed(caller.connected, killed);
  assert.ok(alive, `louped died by itself: ${server.log.slice(-3000)}`);
  await caller.drop();
  await deeds;
}

/** Starts it again; one time in four it is killed while it starts, or repairs. */
async function restart() {
  while (draw(4) === 0) {
    const server = await startServer();
    await pause(draw(300));
    await server.stop('SIGKILL');
  }
  world.server = await startServer();
}

async function changeKey() {
  await world.server.stop();
  encrypted = !encrypted;
  world.server = await startServer();
}

async function exportIsWhole() {
  const answer = await fetch(`${world.server.url}/api/v1/cases/${world.item.id}/export`, { headers: { authorization: `Bearer ${agent}` } });
  world.keep(Buffer.from(await answer.arrayBuffer()));
  const { code, text } = await judge.verify(join(folder, 'case.zip'));
  assert.equal(code, 0, text);
}

test(`${ROUNDS} crashes while evidence is made`, { timeout: 60_000 + ROUNDS * 20_000 }, async (t) => {
  const done = {};
  for (let round = 0; round < ROUNDS; round++) {
    if (round % ROUNDS_OF_A_CASE === 0) {
      if (round > 0) await changeKey();
      await newCase();
    }
    await disturb();
    await restart();
    await judge.settled(world.server);
    await judge.hold(world.item, world.ledger);
    if (round % ROUNDS_OF_A_CASE === ROUNDS_OF_A_CASE - 1 || round === ROUNDS - 1) {
      await exportIsWhole();
      for (const [what, count] of Object.entries(world.ledger.done)) done[what] = (done[what] ?? 0) + count;
      t.diagnostic(`${round + 1} crashes: ${JSON.stringify(done)}; ${judge.repaired} repaired, ${judge.failed} failed`);
    }
  }
});

test('all of it still verifies in the end', { timeout: 60_000 + ROUNDS * 10_000 }, async (t) => {
  if (!encrypted) await changeKey();
  const all = [...judge.verified.keys()];
  for (const id of all) {
    const { code, text } = await judge.verify(...(await judge.files(id)));
    assert.equal(code, 0, `${id}: ${text}`);
  }
  t.diagnostic(`${all.length} clips and stills`);
});
