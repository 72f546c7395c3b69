// SPDX-License-Identifier: Apache-2.0
// `./dev fmt [file...]`: puts the licence line where it is missing and runs clang-format over C. With
// --licence it does only the former. Without names it takes every file that git knows.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0\n';

function withLicence(text) {
  const [, hashBang, rest] = /^(#![^\n]*\n)?([\s\S]*)$/.exec(text);
  return rest.startsWith(LICENCE) ? text : (hashBang ?? '') + LICENCE + rest;
}

const args = process.argv.slice(2);
const licenceOnly = args.includes('--licence');
const named = args.filter((arg) => !arg.startsWith('--'));
const options = { encoding: 'utf8', maxBuffer: 1 << 26 };
const known = () => execFileSync('git', ['ls-files', '-co', '--exclude-standard'], options).split('\n');
const files = (named.length > 0 ? named : known()).filter(
  (file) => /\.(c|h|ts|mjs)$/.test(file) && existsSync(file),
);

for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const licensed = withLicence(text);
  if (licensed === text) continue;
  writeFileSync(file, licensed);
  console.log(`${file}: licence line`);
}

const sources = files.filter((file) => /\.[ch]$/.test(file));
if (!licenceOnly && sources.length > 0) {
  execFileSync('clang-format', ['-i', ...sources], { stdio: 'inherit' });
}
