// SPDX-License-Identifier: Apache-2.0
// A disk that fills up under a recording: the clip ends with what is on the disk, people are told, the call
// goes on, nothing that is not whole is called ready; with room again what was kept becomes a clip.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Faults } from '../net/support/faults.mjs';
import { launch } from './support/browsers.mjs';
import { complaints, patternsOf, withClip } from './support/clips.mjs';
import { AGENT, BUYER, acceptCall, openBuyer, openDesk, record, takeCalls } from './support/people.mjs';
import { Louped, tokens } from './support/server.mjs';

const blobs = mkdtempSync(join(tmpdir(), 'loupe-disk-'));
const MIB = 1 << 20;
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', blobs]).status === 0;
const faults = new Faults(); // where nothing can be mounted
let louped;
let buyers;
let agents;

before(async () => {
  if (!mounted) faults.set({ op: 'write', code: 'ENOSPC', path: blobs, budget: MIB });
  louped = await new Louped(['--blobs', blobs, '--min-free-mib', '0'], faults.env).start();
  buyers = await launch('chromium', BUYER);
  agents = await launch('chromium', AGENT);
});

after(async () => {
  for (const browser of [buyers, agents]) await browser?.close();
  await louped?.stop();
  faults.close();
  if (mounted) execFileSync('umount', [blobs]);
  rmSync(blobs, { recursive: true, force: true });
});

function makeRoom() {
  if (mounted) execFileSync('mount', ['-o', 'remount,size=64m', blobs]);
  faults.clear();
}

test('a disk of 1 MiB fills up under a recording', { timeout: 120_000 }, async (t) => {
  const one = await louped.newCase();
  const agent = tokens.agent('agent-disk');
  const desk = await openDesk(agents, louped, { token: agent });
  t.after(() => desk.close());
  await takeCalls(desk);
  const buyer = await openBuyer(buyers, louped, one);
  t.after(() => buyer.close());
  await acceptCall(desk, buyer);
  const id = await record(desk, 0, { stop: false });
  await desk.until('the notice', () =>
    document.querySelector('[data-testid=banner]')?.textContent.includes('disk'), undefined, 60_000);
  const clip = await louped.finished(id, agent);
  t.diagnostic(`${clip.state} ${clip.reason ?? ''} ${clip.bytes} bytes`);
  assert.equal(clip.state, 'failed');
  await desk.until('the button to be free', () =>
    document.querySelector('[data-testid=record]').getAttribute('aria-pressed') === 'false');
  for (const page of [desk, buyer]) {
    const { framesDecoded } = await page.received();
    const goesOn = async (before) => (await window.lens.received()).framesDecoded > before + 20;
    await page.until('the call to go on', goesOn, framesDecoded);
  }
  const still = await louped.call('POST', `/rooms/${one.room}/stills`, agent, {});
  assert.equal(still.status, 503);

  makeRoom();
  const end = Date.now() + 20_000;
  let repaired = clip;
  while (repaired.state !== 'ready' && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    repaired = await louped.ask('GET', `/clips/${id}`, agent);
  }
  assert.equal(repaired.state, 'ready');
  assert.equal(repaired.repaired, true);
  await withClip(louped, repaired, (path) => {
    assert.equal(complaints(path), '');
    const frames = patternsOf(path);
    t.diagnostic(`${frames.length} pictures were kept`);
    assert.ok(frames.filter((frame) => frame?.tag === BUYER.tag).length > frames.length * 0.9);
  });
  const next = await record(desk, 2000);
  assert.equal((await louped.finished(next, agent)).state, 'ready');
  assert.deepEqual([...desk.errors, ...buyer.errors], []);
});
