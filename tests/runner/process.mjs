// SPDX-License-Identifier: Apache-2.0
// Child processes of the test runner: each in a group of its own, with a time limit and its output in
// a log file; nothing outlives the runner.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

const running = new Set();

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of running) killGroup(child, 'SIGKILL');
    process.exit(130);
  });
}

/**
 * Put in front of what has time: everybody else's processes come first. Each child has a session of its
 * own, which Linux may schedule as one (autogroup), so that being nice within it alone would mean
 * nothing; and who is not root may set that only every 100 ms.
 */
const GIVING_WAY = [
  'sh', '-c',
  `group=/proc/self/autogroup
   for try in 1 2 3 4 5; do
     [ ! -e $group ] || echo 19 >$group || { sleep 0.1; continue; }
     break
   done 2>/dev/null
   exec nice -n 19 "$@"`,
  'sh',
];

/** Runs a command to its end: { ok, why, seconds }. The log holds what it wrote. */
export function run(command, { log, cwd, env = {}, seconds = 600, givesWay = false }) {
  const started = Date.now();
  const output = openSync(log, 'w');
  return new Promise((resolve) => {
    const [program, ...words] = givesWay ? [...GIVING_WAY, ...command] : command;
    const child = spawn(program, words, {
      cwd,
      // What node:test tells its own children is not meant for ours.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', output, output],
      detached: true,
    });
    running.add(child);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      killGroup(child, 'SIGKILL');
    }, seconds * 1000);
    const end = (why) => {
      clearTimeout(limit);
      running.delete(child);
      killGroup(child, 'SIGKILL');
      closeSync(output);
      resolve({ ok: !why, why, seconds: (Date.now() - started) / 1000 });
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => {
      if (late) end(`still running after ${seconds} s`);
      else if (signal) end(`ended by ${signal}`);
      else end(code === 0 ? '' : `exit code ${code}`);
    });
  });
}

/** Applies an async function to every item, `limit` of them at a time. */
export async function inParallel(items, limit, apply) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await apply(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

export function tail(log, count = 25) {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-count);
}
