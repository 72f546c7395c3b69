// SPDX-License-Identifier: Apache-2.0
// The soak of tests/bench in little: a room and calls under load while people come and go. Nothing may
// stay behind of those who left, and no thread may get in another's way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { soak } from '../bench/support/soak.mjs';
import { buildCommand } from '../runner/building.mjs';
import { buildFolder } from './support/louped.mjs';

const top = resolve(fileURLToPath(import.meta.url), '../../..');
const loupeBench = join(buildFolder, 'loupe-bench');
const small = { calls: 3, viewers: 20, leave: 3, video_bps: 800_000, room_bps: 800_000 };
const LEFT_BEHIND_KIB = 16; // less than any part of a peer that could be forgotten, by each that joined

function collect() {
  const log = new PassThrough();
  log.text = '';
  log.setEncoding('utf8').on('data', (text) => (log.text += text));
  return log;
}

test('joins and leaves leave nothing behind', async () => {
  const log = collect();
  const found = await soak({
    louped: join(buildFolder, 'louped'), loupeBench, seconds: 24, warmup: 8, every: 20, size: small, workers: 2, log,
  });
  const told = `${JSON.stringify(found)}\n${log.text}`;
  assert.equal(found.code, 0, told);
  assert.ok(found.joined > 100, told);
  // Of those who are there at the end; the more came and went, the shorter they have been.
  assert.ok(found.checked > 100 && found.corrupt === 0, told);
  assert.ok(found.descriptors.last <= found.descriptors.first + 2, told);
  assert.ok(found.kib_per_joined < LEFT_BEHIND_KIB, told);
});

test('joins and leaves under ThreadSanitizer', async () => {
  const [program, ...words] = buildCommand('thread', ['louped']);
  execFileSync(program, words, { cwd: top, stdio: 'pipe' });
  const log = collect();
  const found = await soak({
    louped: join(top, 'build-thread/louped'), loupeBench, seconds: 15, warmup: 1, every: 20, workers: 2, log,
    size: { ...small, viewers: 20, calls: 2, video_bps: 300_000, room_bps: 300_000 },
    front: ['setarch', '-R'], env: { TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1:exitcode=66' },
  });
  const told = `${JSON.stringify(found)}\n${log.text.slice(0, 8000)}`;
  assert.equal(found.code, 0, told);
  assert.ok(found.joined > 20 && found.corrupt === 0, told);
});
