// SPDX-License-Identifier: Apache-2.0
// kill -9 while a clip is being recorded, at random moments (LOUPE_CRASHES times; LOUPE_SEED chooses
// them): after the restart the clip plays and lacks no more than its last second, what was there before
// is untouched, the database is whole, and the people find each other again by themselves.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { launch } from './support/browsers.mjs';
import { complaints, patternsOf, probe, withClip } from './support/clips.mjs';
import { BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { startLouped, tokens } from './support/server.mjs';

const ROUNDS = Number(process.env.LOUPE_CRASHES ?? 2);
let seed = Number(process.env.LOUPE_SEED ?? 1);
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

/** 0 to 1, the same for the same seed. */
function chance() {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
}

const hashOf = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

function databaseIsWhole() {
  const said = execFileSync('sqlite3', [join(louped.data, 'loupe.db'), 'PRAGMA integrity_check'], {
    encoding: 'utf8',
  });
  assert.equal(said.trim(), 'ok');
}

/** Records, and kills the server after `ms` of it. Gives the clip's id and the last picture's time. */
async function recordAndKill(desk, ms) {
  const id = await record(desk, 0, { stop: false });
  await pause(ms);
  const last = await desk.seen('buyer-video');
  await louped.kill();
  return { id, last };
}

async function backInTheCall(desk, buyer) {
  for (const page of [desk, buyer]) {
    const counted = await page.received();
    await page.until('the call to come back', async ({ framesDecoded }) => {
      const now = await window.lens.received();
      return now.peers === 1 && now.framesDecoded > 10 && now.framesDecoded !== framesDecoded;
    }, counted, 30_000);
  }
  await desk.until('consent', () => !document.querySelector('[data-testid=record]').disabled);
}

test(`${ROUNDS} crashes during a recording`, { timeout: 60_000 + ROUNDS * 60_000 }, async (t) => {
  const one = await louped.newCase();
  const agent = tokens.agent();
  const desk = await openDesk(browser, louped, { token: agent });
  await takeCalls(desk);
  const buyer = await openBuyer(browser, louped, one);
  await acceptCall(desk, buyer);
  const first = await louped.finished(await record(desk, 2000), agent);
  assert.equal(first.state, 'ready');
  const clips = [first];

  for (let round = 0; round < ROUNDS; round++) {
    const ms = 1500 + Math.floor(chance() * 5000);
    const { id, last } = await recordAndKill(desk, ms);
    databaseIsWhole();
    await louped.start();
    const clip = await louped.finished(id, agent);
    assert.equal(clip.state, 'ready', JSON.stringify(clip));
    assert.equal(clip.repaired, true);
    await withClip(louped, clip, (path) => {
      assert.deepEqual(probe(path).codecs, ['opus', 'vp8']);
      assert.equal(complaints(path), '');
      assert.equal(hashOf(path), clip.sha256);
      const frames = patternsOf(path).filter((frame) => frame?.tag === BUYER.tag);
      const missing = (last.ticks - frames.at(-1).ticks) / 100;
      t.diagnostic(`killed after ${ms} ms: ${frames.length} pictures, the last ${missing} s are missing`);
      assert.ok(missing <= 1.2, `${missing} s are missing`);
    });
    clips.push(clip);
    databaseIsWhole();
    if (round + 1 < ROUNDS) await backInTheCall(desk, buyer);
  }
  for (const clip of clips) {
    const again = await louped.ask('GET', `/clips/${clip.id}`, agent);
    assert.deepEqual([again.state, again.sha256], ['ready', clip.sha256]);
    await withClip(louped, again, (path) => assert.equal(hashOf(path), clip.sha256));
  }
  await backInTheCall(desk, buyer);
  await desk.close();
  await buyer.close();
});
