// SPDX-License-Identifier: Apache-2.0
// Runs the rules over the tree: `node tests/lint/lint.mjs [rule]`. Prints a line per finding; exits 1
// if there is any.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rules } from './rules.mjs';
import { readTree } from './source.mjs';

const TOP = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What a rule finds; a rule that cannot look is broken too. */
function findingsOf(check, tree) {
  try {
    return check(tree).map(({ file, line, text }) => `${file}:${line}: ${text}`);
  } catch (error) {
    return [error.message];
  }
}

/** [{ name, findings: ['file:line: text'] }], one per rule that `wanted` accepts. */
export function lint(wanted = () => true) {
  const tree = readTree(TOP);
  return rules
    .filter((rule) => wanted(rule.name))
    .map(({ name, check }) => ({ name, findings: findingsOf(check, tree) }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const only = process.argv[2];
  const results = lint((name) => !only || name.includes(only));
  for (const { name, findings } of results) {
    for (const finding of findings) console.log(`${finding} [${name}]`);
  }
  const broken = results.filter(({ findings }) => findings.length > 0).length;
  console.log(`lint: ${results.length} rules, ${broken} broken`);
  process.exitCode = broken ? 1 : 0;
}
