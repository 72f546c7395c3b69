// SPDX-License-Identifier: Apache-2.0
// Runs the unit tests of the web front with node:test: every *.test.mjs below web/ as it stands, and
// every *.test.ts bundled by esbuild into build/web-tests/ first. Arguments go on to `node --test`.
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

const files = filesBelow(here);
const scripts = files.filter((file) => file.endsWith('.test.mjs'));
const typed = files.filter((file) => file.endsWith('.test.ts'));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
if (typed.length > 0) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: typed,
    outbase: here,
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}
const bundled = typed.map((file) => join(out, relative(here, file).replace(/\.ts$/, '.mjs')));
const all = [...scripts, ...bundled];
if (all.length === 0) {
  console.log('web: no tests');
  process.exit(0);
}
const args = ['--enable-source-maps', '--test', ...process.argv.slice(2), ...all];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
