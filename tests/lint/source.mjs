// SPDX-License-Identifier: Apache-2.0
// What the rules look at: the tree's text files, C with comments and literals blanked out, function
// bodies, and the writable symbols of the built libraries. A tree can also be made from samples.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

const SKIPPED = /^(build|build-.*|node_modules|var|\.git|\.cache)$/;
const TEXT = new Set([
  '.c', '.h', '.ts', '.mjs', '.js', '.json', '.css', '.html', '.md', '.txt', '.cmake', '.sql',
  '.ini', '.py', '.sh', '.yaml', '.yml', '.supp', '',
]);
const BLANKED = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** C text in which comments, strings and characters are spaces; lines stay where they were. */
export function blankC(text) {
  return text.replace(BLANKED, (match) => match.replace(/[^\n]/g, ' '));
}

export function makeFile(path, text) {
  const file = { path, text, ext: extname(path), lines: text.split('\n') };
  if (file.lines.at(-1) === '') file.lines.pop();
  file.isC = file.ext === '.c' || file.ext === '.h';
  file.code = file.isC ? blankC(text) : text;
  return file;
}

/** A tree of samples: { path: text }, and the symbol table of its libraries as objdump prints it. */
export function sampleTree(samples, symbolTable = '') {
  const files = Object.entries(samples).map(([path, text]) => makeFile(path, text));
  return { files, symbolTable: () => symbolTable };
}

function pathsBelow(top, folder = '') {
  return readdirSync(join(top, folder), { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.test(entry.name)) return [];
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return pathsBelow(top, path);
    return entry.isFile() && TEXT.has(extname(entry.name)) ? [path] : [];
  });
}

export function readTree(top) {
  const files = pathsBelow(top)
    .filter((path) => !path.startsWith('tests/fuzz/corpus/'))
    .map((path) => makeFile(path, readFileSync(join(top, path), 'utf8')));
  return { files, symbolTable: () => symbolTableOf(join(top, 'build')) };
}

function symbolTableOf(build) {
  const built = existsSync(build) ? readdirSync(build) : [];
  const libraries = built.filter((name) => /^libloupe_.*\.a$/.test(name));
  if (libraries.length === 0) throw new Error('no libraries in build/: run ./dev build first');
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 };
  return libraries.map((name) => execFileSync('objdump', ['-t', join(build, name)], options)).join(
    '\n',
  );
}

/** [{ object, global, kind, section, name }]: what the libraries define, from objdump's table. */
function definitionsOf(symbolTable) {
  const found = [];
  let object = '';
  for (const line of symbolTable.split('\n')) {
    const header = /^(\S+)\.o:\s+file format/.exec(line);
    if (header) object = header[1];
    const symbol = /^[0-9a-f]+ (.{6})([FO ]) (\S+)\s+[0-9a-f]+\s+(?:\.hidden\s+)?(\S+)$/.exec(line);
    if (!symbol || symbol[3] === '*UND*') continue;
    const [, flags, kind, section, name] = symbol;
    found.push({ object, global: flags.startsWith('g'), kind, section, name });
  }
  return found;
}

/** Data that can be written while the program runs: not .rodata, not relocated constants. */
export function writableSymbols(symbolTable) {
  return definitionsOf(symbolTable).filter(
    ({ kind, section, name }) =>
      // Thread-local data has no letter of its own; sections themselves are marked too.
      (kind === 'O' || /^\.t/.test(section)) &&
      section !== name &&
      /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/.test(section) &&
      !section.startsWith('.data.rel.ro'),
  );
}

/** Names that more than one object defines for all to see: [{ name, objects }]. */
export function sharedNames(symbolTable) {
  const objects = new Map();
  for (const { object, global, name } of definitionsOf(symbolTable)) {
    if (global) objects.set(name, [...(objects.get(name) ?? []), object]);
  }
  return [...objects]
    .filter(([, where]) => where.length > 1)
    .map(([name, where]) => ({ name, objects: where }));
}

/** The functions of a C file: name, first line of the body's braces, and how many lines they span. */
export function functionsOf(file) {
  const found = [];
  const lines = file.code.split('\n');
  let open = -1;
  let name = '';
  lines.forEach((line, index) => {
    const head = /^[a-z_].*?(\w+)\(/.exec(line);
    if (head) name = head[1];
    if (line.startsWith('{') || (head && /\)\s*\{\s*$/.test(line))) open = index;
    if (line.startsWith('}') && open >= 0) {
      if (name) found.push({ name, line: open + 1, length: index - open + 1 });
      open = -1;
      name = '';
    }
  });
  return found;
}

/** The #include lines of a C file. */
export function includesOf(file) {
  return [...file.text.matchAll(/^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]/gm)].map((match) => ({
    quoted: match[1] === '"',
    path: match[2],
    line: lineAt(file.text, match.index),
  }));
}

export function lineAt(text, index) {
  return text.slice(0, index).split('\n').length;
}
