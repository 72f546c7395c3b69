// SPDX-License-Identifier: Apache-2.0
// Runs every test after ./dev has set up and built: `node tests/run.mjs [pattern]`. The pattern is a
// regular expression over the cases' names, `part/name` or `part/file: name`, in any case. A line per
// part as it ends, the tail of the log of whatever failed, and at the end one line `N passed, N failed`.
import { mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inLanes } from './runner/lanes.mjs';
import { parts } from './runner/parts.mjs';
import { run as runCommand, tail } from './runner/process.mjs';

const top = join(dirname(fileURLToPath(import.meta.url)), '..');
const logs = join(top, 'build/test-logs');
const pattern = process.argv[2] ? new RegExp(process.argv[2], 'i') : undefined;

function logOf(id) {
  return join(logs, `${id.replace(/[^\w.-]+/g, '-')}.log`);
}

/** A shell word of a pattern that matches just this case. */
function again(id) {
  return `./dev test '${id.replace(/[.*+?^${}()|[\]\\]/g, '.').replace(/'/g, '.')}'`;
}

function explain(id, { why, log, text }) {
  console.log(`  FAILED ${id}${why ? `: ${why}` : ''}`);
  for (const line of text ?? tail(log)) console.log(`    | ${line}`);
  console.log(`    again: ${again(id)}${log ? `   all of it: ${relative(top, log)}` : ''}`);
}

/** Parts that the clock is looked at in, as long as they are not done: what computes gives way to them. */
const timed = new Set(parts.filter(({ lane }) => lane && lane !== 'computing'));

async function runPart({ title, run, lane }) {
  const started = Date.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const report = (id, outcome) => {
    if (outcome.skipped) counts.skipped += 1;
    else if (outcome.ok) counts.passed += 1;
    else {
      counts.failed += 1;
      failures.push([id, outcome]);
    }
  };
  const context = {
    top,
    pattern,
    wants: (id) => !pattern || pattern.test(id),
    report,
    logOf,
    run: (command, options) =>
      runCommand(command, { ...options, givesWay: lane === 'computing' && timed.size > 0 }),
    env: { LOUPE_BUILD: join(top, 'build') },
  };
  try {
    await run(context);
  } catch (error) {
    report(title, { ok: false, text: String(error.stack).split('\n') });
  }
  if (!pattern && Object.values(counts).every((n) => n === 0)) {
    report(title, { ok: false, text: ['no case was run'] });
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(7);
  const said = Object.entries(counts).filter(([word, n]) => n > 0 || (word === 'passed' && !pattern));
  if (said.length > 0) {
    const list = said.map(([word, n]) => `${n} ${word}`).join(', ');
    console.log(`${title.padEnd(34)} ${seconds} s   ${list}`);
  }
  for (const [id, outcome] of failures) explain(id, outcome);
  return counts;
}

mkdirSync(logs, { recursive: true });
const total = { passed: 0, failed: 0 };
await inLanes(parts, async (part) => {
  const counts = await runPart(part);
  timed.delete(part);
  total.passed += counts.passed;
  total.failed += counts.failed;
});
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
