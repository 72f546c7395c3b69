// SPDX-License-Identifier: Apache-2.0
// Which types of events server/*.c puts on timelines. A type is followed from the call that appends it back
// through functions which only pass it on; what cannot be followed is told, so that none slips by.
import { lineAt } from './source.mjs';

/** Where they end up: function -> which of its arguments is the type. */
const APPENDERS = { store_event_append: 3, store_event_append_internal: 3, calls_event: 3 };

/** What passes one on other than as an argument: path -> expression. */
const PASSED_ON = { 'server/calls.c': 'e->type' };

const CASES = 'server/cases.c';
const KEPT = 'server/store_keep.c';

/** Start and end of each argument of the parenthesis that opens at `open`. */
function argumentsAt(code, open) {
  const found = [];
  let depth = 0;
  let start = open + 1;
  for (let at = open; at < code.length; at++) {
    if ('([{'.includes(code[at])) depth++;
    if (')]}'.includes(code[at])) depth--;
    if (depth === 0 || (depth === 1 && code[at] === ',')) {
      found.push([start, at]);
      start = at + 1;
    }
    if (depth === 0) break;
  }
  return found;
}

const trimmed = (text, [start, end]) => text.slice(start, end).replace(/\s+/g, ' ').trim();

/** The functions defined in a file, with the names of their parameters. */
function definitionsOf(file) {
  const heads = /^(static )?(?:[a-z]\w*[ *]+)+?\*?(\w+)(\()[^;{}]*\)\s*\{$/gm;
  return [...file.code.matchAll(heads)].map((match) => {
    const open = match.index + match[0].indexOf(match[3]);
    const start = match.index + match[0].length;
    return {
      file,
      name: match[2],
      isStatic: Boolean(match[1]),
      params: argumentsAt(file.code, open).map((of) => /(\w*)$/.exec(trimmed(file.code, of))[1]),
      start,
      end: start + file.code.slice(start).search(/^\}/m),
    };
  });
}

/** The calls within a function of what appends: the expression of the type, and where it stands. */
function appendsOf(definition, positionOf) {
  const { file, start, end } = definition;
  return [...file.code.slice(start, end).matchAll(/\b([a-z]\w*)\s*\(/g)].flatMap((match) => {
    const position = positionOf(file, match[1]);
    if (position === undefined) return [];
    const at = start + match.index;
    const of = argumentsAt(file.code, at + match[0].length - 1)[position];
    return of ? [{ definition, type: trimmed(file.text, of), line: lineAt(file.code, at) }] : [];
  });
}

/** All such calls, also of functions that pass their own parameter on as the type. */
function appendsIn(files) {
  const definitions = files.flatMap(definitionsOf);
  const everywhere = new Map(Object.entries(APPENDERS));
  const within = new Map(files.map((file) => [file, new Map()]));
  const positionOf = (file, name) => within.get(file).get(name) ?? everywhere.get(name);
  for (let news = true; news; ) {
    news = false;
    for (const definition of definitions) {
      const known = definition.isStatic ? within.get(definition.file) : everywhere;
      for (const { type } of known.has(definition.name) ? [] : appendsOf(definition, positionOf)) {
        if (!definition.params.includes(type)) continue;
        known.set(definition.name, definition.params.indexOf(type));
        news = true;
      }
    }
  }
  return definitions
    .flatMap((definition) => appendsOf(definition, positionOf))
    .filter(({ definition, type }) => !definition.params.includes(type))
    .filter(({ definition, type }) => PASSED_ON[definition.file.path] !== type);
}

/** The second text of each row of the table of actions. */
function actionEvents(files) {
  const text = files.find((file) => file.path === CASES)?.text ?? '';
  const table = /\bactions\[CASE_ACTIONS\] = \{([\s\S]*?)^\};/m.exec(text)?.[1] ?? '';
  return [...table.matchAll(/\[CASE_\w+\] = \{"\w+",\s*"(\w+)"/g)].map((match) => match[1]);
}

/** "%s_viewed" of each object that is kept. */
function eventsOfObjects(files, verb) {
  const text = files.find((file) => file.path === KEPT)?.text ?? '';
  return [...text.matchAll(/\[KEPT_\w+\] = "(\w+)"/g)].map((match) => `${match[1]}_${verb}`);
}

/** The types that one expression may be; [] where that cannot be told. */
function typesOf(files, { definition, type }) {
  const literals = /^(?:[^"]*\?)?\s*"(\w+)"(?:\s*:\s*"(\w+)")?$/.exec(type);
  if (literals) return literals.slice(1).filter(Boolean);
  if (type.startsWith('case_action_event(')) return actionEvents(files);
  const body = definition.file.text.slice(definition.start, definition.end);
  const made = new RegExp(`snprintf\\(${type}, sizeof ${type}, "%s_(\\w+)"`);
  const verb = /^\w+$/.test(type) && made.exec(body)?.[1];
  return verb ? eventsOfObjects(files, verb) : [];
}

/** Calls that stand in no function that was found: those could not be followed. */
function outsideOf(files) {
  const call = new RegExp(`^[ ].*\\b(?:${Object.keys(APPENDERS).join('|')})\\s*\\(`, 'gm');
  return files.flatMap((file) => {
    const all = definitionsOf(file);
    return [...file.code.matchAll(call)]
      .filter(({ index }) => !all.some(({ start, end }) => index >= start && index < end))
      .map(({ index }) => ({ file: file.path, line: lineAt(file.code, index), types: [] }));
  });
}

/** [{ file, line, types }] for each place where an event is put on a timeline; no types: they cannot be told. */
export function eventsAppended(tree) {
  const files = tree.files.filter(({ path }) => /^server\/[^/]*\.c$/.test(path));
  const followed = appendsIn(files).map((append) => ({
    file: append.definition.file.path,
    line: append.line,
    types: typesOf(files, append),
  }));
  return [...followed, ...outsideOf(files)];
}
