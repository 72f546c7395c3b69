// SPDX-License-Identifier: Apache-2.0
// The runner's own test: a failure, a hang, a crash and a skipped test must each count as what they are.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inLanes } from './lanes.mjs';
import { chooseTests, runNodeFile } from './parts.mjs';
import { run } from './process.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'loupe-runner-'));
const log = join(folder, 'log');
after(() => rmSync(folder, { recursive: true }));

/** What the runner reports of a test file with this text: { case: 'ok' | 'failed' | 'skipped' }. */
async function reportsOf(text) {
  const file = join(folder, 'sample.test.mjs');
  writeFileSync(file, `import { test } from 'node:test';\n${text}`);
  const reports = {};
  const report = (id, { ok, skipped }) => {
    reports[id.replace('part/sample.test.mjs', '')] = skipped ? 'skipped' : ok ? 'ok' : 'failed';
  };
  await runNodeFile({ top, wants: () => true, report, logOf: () => log, run }, 'part', file, 20);
  return reports;
}

test('runner: lanes go side by side, each in order, and after what has none', async () => {
  const order = [];
  const parts = [['a'], ['w1', 'waits'], ['c1', 'computes'], ['b'], ['w2', 'waits'], ['c2', 'computes']];
  let release;
  await inLanes(parts.map(([name, lane]) => ({ name, lane })), async ({ name }) => {
    order.push(name);
    // The first of one lane does not end before the other lane's second has begun.
    if (name === 'w1') await new Promise((done) => (release = done));
    if (name === 'c2') release();
  });
  assert.deepEqual(order, ['a', 'b', 'w1', 'c1', 'c2', 'w2']);
});

test('runner: what gives way is nice, and its exit code is its own', async () => {
  const ended = await run(['sh', '-c', 'nice; cat /proc/self/autogroup; exit 3'], { log, givesWay: true });
  assert.equal(ended.why, 'exit code 3');
  const said = readFileSync(log, 'utf8');
  assert.match(said, /^19\n/);
  if (existsSync('/proc/self/autogroup')) assert.match(said, / nice 19\n/);
});

test('runner: a command that succeeds, and its output', async () => {
  const ended = await run(['sh', '-c', 'echo hello; echo there >&2'], { log });
  assert.equal(ended.ok, true);
  assert.equal(readFileSync(log, 'utf8'), 'hello\nthere\n');
});

test('runner: exit codes, signals and missing programs are failures', async () => {
  assert.equal((await run(['sh', '-c', 'exit 3'], { log })).why, 'exit code 3');
  assert.equal((await run(['sh', '-c', 'kill -9 $$'], { log })).why, 'ended by SIGKILL');
  assert.match((await run(['/no/such/program'], { log })).why, /ENOENT/);
});

test('runner: what runs too long is ended', async () => {
  const ended = await run(['sh', '-c', 'exec tail -f /dev/null'], { log, seconds: 0.2 });
  assert.match(ended.why, /still running/);
});

test('runner: tests, subtests, failures and skips are counted singly', async () => {
  const text = `
    test('good', () => {});
    test('bad', () => { throw new Error('x'); });
    test('left out', { skip: 'no device' }, () => {});
    test('parent', async (t) => { await t.test('child', () => { throw new Error('y'); }); });`;
  assert.deepEqual(await reportsOf(text), {
    ': good': 'ok',
    ': bad': 'failed',
    ': left out': 'skipped',
    ': child': 'failed',
  });
});

test('runner: a file that dies without a failed test is a failure', async () => {
  const text = `test('good', () => {}); setTimeout(() => process.exit(5), 50);
    test('never ends', () => new Promise(() => setInterval(() => {}, 1000)));`;
  assert.equal((await reportsOf(text))[''], 'failed');
  assert.equal((await reportsOf('this is no script;'))[''], 'failed');
});

test('runner: a pattern picks files, or tests in files', () => {
  const file = join(folder, 'pick.test.mjs');
  writeFileSync(file, `test('resumes after a drop', () => {});`);
  const chosen = (source) => {
    const pattern = new RegExp(source, 'i');
    const wants = (id) => pattern.test(id);
    return chooseTests({ wants, pattern }, 'e2e/pick.test.mjs', file);
  };
  assert.deepEqual(chosen('e2e/'), []);
  assert.deepEqual(chosen('after a drop'), ['--test-name-pattern=/after a drop/i']);
  assert.equal(chosen('net/pick: resumes'), undefined);
  assert.deepEqual(chosen('e2e/pick.test.mjs: resumes'), ['--test-name-pattern=/resumes/i']);
  assert.equal(chosen('unit.base'), undefined);
});
