// SPDX-License-Identifier: Apache-2.0
// Runs the unit tests of the web front with node:test: every *.test.mjs below web/ as it stands, and
// every *.test.ts bundled by esbuild into build/web-tests/ first. With --list it only bundles and
// prints the files to run; other arguments go on to `node --test`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../build/web-tests');

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Bundles the tests written in TypeScript; their scripts lie in build/web-tests/ as in web/. */
async function bundle(files) {
  rmSync(out, { recursive: true, force: true });
  if (files.length === 0) return [];
  mkdirSync(out, { recursive: true });
  const { build } = await import('esbuild');
  await build({
    entryPoints: files,
    outbase: here,
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    sourcemap: 'inline',
    // Browsers have it; Node.js 18 only for who asks.
    banner: { js: "import { webcrypto } from 'node:crypto'; globalThis.crypto ??= webcrypto;" },
    logLevel: 'warning',
  });
  return files.map((file) => join(out, relative(here, file).replace(/\.ts$/, '.mjs')));
}

const files = filesBelow(here);
const scripts = [
  ...files.filter((file) => file.endsWith('.test.mjs')),
  ...(await bundle(files.filter((file) => file.endsWith('.test.ts')))),
];
const args = process.argv.slice(2);
if (args[0] === '--list') {
  for (const script of scripts) console.log(script);
} else if (scripts.length > 0) {
  const run = ['--enable-source-maps', '--test', ...args, ...scripts];
  process.exitCode = spawnSync(process.execPath, run, { stdio: 'inherit' }).status ?? 1;
}
