// SPDX-License-Identifier: Apache-2.0
// The parts of the test run, in their order. Each is a title and a function that runs the cases the
// pattern wants and reports every one of them: report(id, { ok, skipped?, why?, log?, text? }). Parts
// with a lane run beside those of other lanes: what computes beside what mostly waits.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import os from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lint } from '../lint/lint.mjs';
import { buildCommand, buildFolder } from './building.mjs';
import { inParallel } from './process.mjs';

const FUZZ_SECONDS = 2;
const WIDTH = Math.min(os.cpus().length, 8);
const MEMCHECK = [
  'valgrind', '--quiet', '--error-exitcode=99', '--leak-check=full', '--num-callers=25',
  '--show-leak-kinds=definite,indirect', '--errors-for-leak-kinds=definite,indirect',
  '--child-silent-after-fork=yes',
];

// A full run has under valgrind what reads strangers' bytes, where it finds more than ASan does, but for what
// takes it long; and under TSan what makes a thread. `./dev soak valgrind` and `./dev soak thread` take all of it.
const ALL = process.env.LOUPE_CHECK === 'all';
const MEMCHECK_SHORT =
  /^unit\.(base|wire|tape|signaling|seal)\.(?!(clock|log|msgq|queue|verify|merkle)$)|^unit\.record\.(depack\w*|photo\w*|webm_read|still)$|^unit\.server\.(auth\w*|config\w*)$/;
const THREADS =
  /^unit\.(io\.|base\.(log|msgq|ring)$|tape\.slab$|server\.(dbq|export|http|http_post|sealer|tombstone)$)/;

/** A day of 20,000 calls, and a grid of networks: long, and of parts that other tests go through. */
const LONG = /^sim\.sim\.(centre_sim|grid_sim)$/;

const capture = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' });

// --- lint and the web front

async function runLint({ wants, report }) {
  for (const { name, findings } of lint((rule) => wants(`lint/${rule}`))) {
    report(`lint/${name}`, { ok: findings.length === 0, text: findings });
  }
}

async function runTypes({ top, wants, report, logOf, run }) {
  if (!wants('web/types')) return;
  const log = logOf('web-types');
  const check = ['npm', 'run', '--silent', '--prefix', 'web', 'check'];
  report('web/types', { log, ...(await run(check, { log, cwd: top })) });
}

// --- tests written for node:test

/** What to tell node of the tests wanted in a file; nothing when none is. */
export function chooseTests({ wants, pattern }, id, file) {
  if (wants(id)) return [];
  const both = /^(.*?): (.*)$/.exec(pattern.source);
  if (both) {
    return new RegExp(both[1], 'i').test(id) ? [`--test-name-pattern=/${both[2]}/i`] : undefined;
  }
  return pattern.test(readFileSync(file, 'utf8')) ? [`--test-name-pattern=${pattern}`] : undefined;
}

/** Runs one file and reports its tests; a file that dies without a failed test is a failure itself. */
export async function runNodeFile(context, part, file, seconds) {
  const { top, report, logOf, run } = context;
  const id = `${part}/${basename(file)}`;
  const chosen = chooseTests(context, id, file);
  if (!chosen) return;
  const log = logOf(id);
  const results = `${log}.jsonl`;
  const reporter = pathToFileURL(join(top, 'tests/runner/reporter.mjs')).href;
  const command = [
    process.execPath, '--enable-source-maps',
    '--test-reporter=spec', '--test-reporter-destination=stdout',
    `--test-reporter=${reporter}`, `--test-reporter-destination=${results}`,
    ...chosen, file,
  ];
  const ended = await run(command, { log, cwd: top, seconds, env: context.env });
  const lines = existsSync(results) ? readFileSync(results, 'utf8').trim().split('\n') : [];
  const tests = lines.filter(Boolean).map((line) => JSON.parse(line));
  rmSync(results, { force: true });
  for (const { name, ok, skipped } of tests) report(`${id}: ${name}`, { ok, skipped, log });
  if (!ended.ok && tests.every(({ ok }) => ok)) report(id, { log, ...ended });
}

/** A part of test files in a folder, one after the other. */
function nodeFolder(part, folder, seconds) {
  return async (context) => {
    const path = join(context.top, folder);
    if (!existsSync(path)) return;
    const files = readdirSync(path).filter((name) => name.endsWith('.test.mjs')).sort();
    for (const file of files) await runNodeFile(context, part, join(path, file), seconds);
  };
}

async function runWebTests(context) {
  const files = capture(process.execPath, join(context.top, 'web/test.mjs'), '--list').split('\n');
  for (const file of files.filter(Boolean)) await runNodeFile(context, 'web', file, 120);
}

// --- C tests, as ctest lists them

function propertyOf(test, name) {
  return test.properties?.find((property) => property.name === name)?.value;
}

/** [{ name, label, command, seconds, env }] of one build folder; no command as long as it is not built. */
function listTests(folder) {
  const listed = JSON.parse(capture('ctest', '--test-dir', folder, '--show-only=json-v1'));
  return listed.tests.map((test) => ({
    name: test.name,
    label: propertyOf(test, 'LABELS')[0],
    command: test.command,
    seconds: propertyOf(test, 'TIMEOUT') ?? 120,
    env: Object.fromEntries(
      (propertyOf(test, 'ENVIRONMENT') ?? []).map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    ),
  }));
}

/** Builds the programs of the wanted tests with a preset; a failed build is one failed case. */
async function build({ top, report, logOf, run }, preset, targets) {
  const log = logOf(`build-${preset}`);
  const ended = await run(buildCommand(preset, targets), { log, cwd: top, seconds: 1200 });
  if (ended.ok) return join(top, buildFolder(preset));
  report(`${preset}/build`, { log, ...ended });
  return undefined;
}

const SCRATCH_BYTES = 2 ** 30;

/** Runs `work` with a folder for the files of C tests: in memory where there is room, as most of what they
 *  wait for is else a disk that syncs. */
async function withScratch(work) {
  let base = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(base);
    if (bavail * bsize < SCRATCH_BYTES) base = os.tmpdir();
  } catch {
    base = os.tmpdir();
  }
  const folder = mkdtempSync(join(base, 'loupe-tests-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A part that runs the C tests of some labels from a preset's build, under a prefix command. */
function cTests(part, preset, labels, { prefix = () => [], slower = 1, env = {}, skip } = {}) {
  return async (context) => {
    const { top, wants, report, logOf, run } = context;
    const isWanted = ({ name, label }) =>
      labels.includes(label) && wants(`${part}/${name}`) && !skip?.test(name);
    let wanted = listTests(join(top, 'build')).filter(isWanted);
    if (wanted.some(({ command }) => !command)) {
      // Only what was built before can be told by its target.
      if (!(await build(context, 'release', ['all']))) return;
      wanted = listTests(join(top, 'build')).filter(isWanted);
    }
    if (wanted.length === 0) return;
    const folder = await build(context, preset, wanted.map(({ command }) => basename(command[0])));
    if (!folder) return;
    const tests = listTests(folder).filter(isWanted);
    // The long ones first, so that none of them is left alone at the end.
    tests.sort((a, b) => b.seconds - a.seconds);
    await withScratch((folder) =>
      inParallel(tests, WIDTH, async (test) => {
        const id = `${part}/${test.name}`;
        const log = logOf(id);
        const its = { ...test.env, ...env, TMPDIR: folder };
        const options = { log, cwd: top, seconds: test.seconds * slower, env: its };
        report(id, { log, ...(await run([...prefix(), ...test.command], options)) });
      }),
    );
  };
}

/** ThreadSanitizer cannot map its shadow where addresses are randomised widely: switch that off. */
function withoutRandomAddresses() {
  try {
    execFileSync('setarch', ['-R', 'true'], { stdio: 'ignore' });
    return ['setarch', '-R'];
  } catch {
    return [];
  }
}

// --- fuzzing, briefly

async function runFuzz(context) {
  const { top, wants, report, logOf, run } = context;
  const names = readdirSync(join(top, 'tests/fuzz'))
    .map((name) => /^fuzz_(\w+)\.c$/.exec(name)?.[1])
    .filter((name) => name && wants(`fuzz/${name}`));
  if (names.length === 0) return;
  const folder = await build(context, 'fuzz', names.map((name) => `fuzz_${name}`));
  if (!folder) return;
  await inParallel(names, WIDTH, async (name) => {
    const log = logOf(`fuzz/${name}`);
    const artifacts = `-artifact_prefix=${folder}/${name}-`;
    const command = [
      `${folder}/tests/fuzz_${name}`, `-max_total_time=${FUZZ_SECONDS}`, '-timeout=10', artifacts,
      join(top, 'tests/fuzz/corpus', name),
    ];
    // Nothing is written to the seeds: libFuzzer adds what it finds to its first folder.
    const scratch = join(folder, 'corpus', name);
    execFileSync('mkdir', ['-p', scratch]);
    command.splice(-1, 0, scratch);
    report(`fuzz/${name}`, { log, ...(await run(command, { log, cwd: top, seconds: 120 })) });
  });
}

export const parts = [
  { title: 'lint', run: runLint },
  { title: "lint's own tests", run: nodeFolder('lint', 'tests/lint', 60) },
  { title: "the runner's own tests", run: nodeFolder('runner', 'tests/runner', 60) },
  { title: 'web types', run: runTypes },
  { title: 'web unit tests', run: runWebTests },
  {
    title: 'unit, simulation, fuzz corpora',
    lane: 'computing',
    run: cTests('release', 'release', ['unit', 'sim', 'fuzz']),
  },
  {
    title: 'what makes threads under TSan',
    lane: 'computing',
    run: cTests('thread', 'thread', ['unit', 'sim'], {
      prefix: withoutRandomAddresses,
      slower: 6,
      skip: ALL ? undefined : { test: (name) => !THREADS.test(name) },
    }),
  },
  {
    // The libFuzzer build is one under ASan and UBSan: a build of its own would cost two minutes.
    title: 'all of it under ASan and UBSan',
    lane: 'computing',
    run: cTests('address', 'fuzz', ['unit', 'sim'], { slower: 6, skip: ALL ? undefined : LONG }),
  },
  { title: `fuzz targets, corpora and ${FUZZ_SECONDS} s`, lane: 'computing', run: runFuzz },
  {
    title: 'what reads bytes under valgrind',
    lane: 'computing',
    run: cTests('valgrind', 'release', ['unit', 'sim'], {
      prefix: () => MEMCHECK,
      slower: 10,
      env: { LOUPE_VALGRIND: '1' },
      skip: ALL ? undefined : { test: (name) => !MEMCHECK_SHORT.test(name) },
    }),
  },
  { title: 'integration', lane: 'sockets', run: nodeFolder('net', 'tests/net', 600) },
  { title: 'end to end in browsers', lane: 'browsers', run: nodeFolder('e2e', 'tests/e2e', 900) },
];
