// SPDX-License-Identifier: Apache-2.0
// The rules of the house, one function each: (tree) -> [{ file, line, text }]. lint.test.mjs feeds
// every one a sample that breaks it. Exceptions stand here by name, with their reason.
import { eventsAppended } from './events.mjs';
import { functionsOf, includesOf, lineAt, sharedNames, writableSymbols } from './source.mjs';

const FILE_LINES = 600;
const FUNCTION_LINES = 70;

/** What each layer may include; the headers right in media/ stand for themselves. */
const SEES = {
  base: ['base'],
  'media/wire': ['base', 'media/codec.h', 'media/wire'],
  'media/peer': ['base', 'media/codec.h', 'media/wire', 'media/peer'],
  'media/tape': ['base', 'media/codec.h', 'media/wire', 'media/tape'],
  'media/relay': [
    'base', 'media/codec.h', 'media/seenlog.h', 'media/wire', 'media/tape', 'media/relay',
  ],
  'media/record': [
    'base', 'media/codec.h', 'media/framelog.h', 'media/wire', 'media/tape', 'media/record',
  ],
  'media/core': [
    'base', 'media/media.h', 'media/codec.h', 'media/framelog.h', 'media/seenlog.h', 'media/wire',
    'media/peer', 'media/tape', 'media/relay', 'media/record', 'media/core',
  ],
  'media/io': ['base', 'media'],
  media: ['base', 'media'],
  signaling: ['base', 'signaling'],
  'server/seal': ['base', 'server/seal'],
  server: [
    'base', 'media/media.h', 'media/codec.h', 'media/framelog.h', 'media/seenlog.h', 'signaling',
    'server',
  ],
};

/** Libraries kept behind one module, so that another can take their place. */
const BEHIND = [
  [/^libwebsockets\.h$/, /^(signaling\/ws|server\/http)/],
  [/^(libavformat|libavcodec|libavutil)\//, /^media\/record\//],
  [/^(vpx|opus)\/|^opus\.h$|^jpeglib\.h$/, /^media\/record\//],
  [/^srtp2?\//, /^media\/peer\//],
  [/^curl\//, /^server\/http_post/],
  [/^sqlite3\.h$/, /^server\/store/],
  [/^jwt\.h$/, /^server\/auth/],
  [/^ini\.h$/, /^server\/config/],
];

const BANNED = [
  'strcpy', 'stpcpy', 'strcat', 'sprintf', 'vsprintf', 'gets', 'strtok', 'atoi', 'atol', 'atoll',
  'rand', 'srand', 'random', 'srandom', 'drand48', 'alloca', 'setjmp', 'longjmp', 'sleep', 'usleep',
  'tmpnam', 'mktemp',
];

const IO_CALLS = [
  'time', 'gettimeofday', 'clock_gettime', 'clock', 'nanosleep', 'clock_nanosleep', 'getrandom',
  'getentropy', 'arc4random', 'RAND_bytes', 'RAND_priv_bytes', 'socket', 'socketpair', 'bind',
  'listen', 'accept', 'accept4', 'connect', 'send', 'sendto', 'sendmsg', 'sendmmsg', 'recv',
  'recvfrom', 'recvmsg', 'recvmmsg', 'select', 'poll', 'ppoll', 'epoll_wait', 'epoll_pwait',
  'getaddrinfo',
];
const IO_FILES =
  /^(base\/clock\.c|base\/entropy\.c|media\/io\/|signaling\/ws[^/]*\.c|server\/(http|store_|main)|tests\/)/;

/** Writable data that is allowed to be: symbol -> reason. */
const WRITABLE = {};

/** Sources without a unit test: path -> why, and what runs them. */
const UNTESTED = {
  'server/app.c': 'puts the process together: tests/net and tests/e2e',
  'server/main.c': 'calls app_main: tests/net/process',
  'server/main_ctl.c': 'a command line: tests/net/process',
  'server/main_ctl_hooks.c': 'a command line: tests/net/webhooks',
  'server/main_ctl_backup.c': 'a command line: tests/net/backup',
  'server/main_ctl_records.c': 'a command line: tests/net/records',
  'server/main_ctl_keep.c': 'a command line: tests/net/forget',
  'server/main_ctl_keys.c': 'a command line: tests/net/clips',
  'server/main_ctl_tokens.c': 'a command line: tests/net/merchants',
  'server/main_ctl_verify.c': 'a command line: tests/net/process',
  'server/main_verify.c': 'a command line: tests/net/seals',
};

/** Parts of a module that show nothing but its face to others, tested through that: path -> test. */
const TESTED_WITH = {
  'server/backup_restore.c': 'backup',
  'server/seal/manifest_read.c': 'manifest',
  'server/seal/manifest_trim.c': 'manifest',
  'server/seal/verify_files.c': 'verify',
  'server/seal/verify_media.c': 'verify',
  'server/seal/verify_still.c': 'verify_case',
  'server/seal/verify_trim.c': 'verify',
  'server/sealer_log.c': 'sealer',
  'server/sealer_trim.c': 'sealer',
  'server/api_certificates.c': 'api_examination',
  'server/api_checklists.c': 'api_examination',
  'server/checklist_shipped.c': 'checklist',
  'server/store_audit_attachments.c': 'store_attachments',
  'server/calls_attachments.c': 'api_attachments',
  'server/calls_upload.c': 'calls_photos',
  'server/booking_slots.c': 'booking',
  'server/store_bookings_run.c': 'calls_bookings',
  'server/store_brands.c': 'api_brand',
  'server/store_audit_files.c': 'store_audit',
  'server/store_audit_record.c': 'store_audit',
  'server/store_audit_judged.c': 'store_audit',
  'server/store_audit_rows.c': 'store_audit',
  'server/store_audit_stats.c': 'store_audit',
  'server/store_audit_tale.c': 'store_audit',
  'server/store_cases.c': 'store',
  'server/store_certificates.c': 'api_examination',
  'server/store_clips.c': 'store',
  'server/store_copy.c': 'backup',
  'server/store_feed.c': 'ctl_events',
  'server/store_disputes.c': 'api_disputes',
  'server/store_examination.c': 'api_examination',
  'server/store_log.c': 'api_log',
  'server/store_people.c': 'store',
  'server/store_schema.c': 'store',
  'server/store_sqlite.c': 'store',
  'server/store_stills.c': 'store',
  'server/store_verdicts.c': 'api_examination',
  'server/whip_session.c': 'whip',
};

const SOURCES = /^(base|media|signaling|server)\//;

function layerOf(path) {
  return Object.keys(SEES)
    .filter((layer) => path.startsWith(`${layer}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function eachLine(files, test, text) {
  return files.flatMap((file) =>
    file.lines.flatMap((line, index) =>
      test(line, file) ? [{ file: file.path, line: index + 1, text }] : [],
    ),
  );
}

function eachCall(files, names, text) {
  const call = new RegExp(`(?<![\\w.>])(${names.join('|')})\\s*\\(`, 'g');
  return files.flatMap((file) =>
    [...file.code.matchAll(call)].map((match) => ({
      file: file.path,
      line: lineAt(file.code, match.index),
      text: text(match[1]),
    })),
  );
}

function cFiles(tree, where = /./) {
  return tree.files.filter((file) => file.isC && where.test(file.path));
}

function layers(tree) {
  return cFiles(tree, SOURCES).flatMap((file) => {
    const layer = layerOf(file.path);
    const seen = (path) =>
      SEES[layer].some((part) => path === part || path.startsWith(`${part}/`));
    return includesOf(file)
      .filter((include) => include.quoted && !seen(include.path))
      .map((include) => ({
        file: file.path,
        line: include.line,
        text: `${layer} may not include "${include.path}"`,
      }));
  });
}

function rootedIncludes(tree) {
  const known = new Set(tree.files.map((file) => file.path));
  return cFiles(tree).flatMap((file) =>
    includesOf(file)
      .filter((include) => include.quoted && !known.has(include.path))
      .map((include) => ({
        file: file.path,
        line: include.line,
        text: `"${include.path}" is no file seen from the project's top`,
      })),
  );
}

function librariesBehindModules(tree) {
  return cFiles(tree, SOURCES).flatMap((file) =>
    includesOf(file).flatMap((include) =>
      BEHIND.filter(([header, home]) => header.test(include.path) && !home.test(file.path)).map(
        ([, home]) => ({
          file: file.path,
          line: include.line,
          text: `<${include.path}> belongs to ${home.source}`,
        }),
      ),
    ),
  );
}

function fileLength(tree) {
  return tree.files
    .filter((file) => ['.c', '.h', '.ts', '.mjs'].includes(file.ext))
    .filter((file) => file.lines.length > FILE_LINES)
    .map((file) => ({
      file: file.path,
      line: FILE_LINES,
      text: `${file.lines.length} lines, ${FILE_LINES} at most`,
    }));
}

function functionLength(tree) {
  return cFiles(tree).flatMap((file) =>
    functionsOf(file)
      .filter((found) => found.length > FUNCTION_LINES)
      .map((found) => ({
        file: file.path,
        line: found.line,
        text: `${found.name}: ${found.length} lines, ${FUNCTION_LINES} at most`,
      })),
  );
}

function bannedCalls(tree) {
  return eachCall(cFiles(tree), BANNED, (name) => `${name}() is not used here`);
}

function sansIo(tree) {
  const files = cFiles(tree, SOURCES).filter((file) => !IO_FILES.test(file.path));
  return eachCall(files, IO_CALLS, (name) => `${name}(): clocks, sockets and entropy come in`);
}

function noMutableGlobals(tree) {
  return writableSymbols(tree.symbolTable())
    .filter((symbol) => !(symbol.name.replace(/\.\d+$/, '') in WRITABLE))
    .map((symbol) => ({
      file: symbol.object,
      line: 0,
      text: `${symbol.name} in ${symbol.section} can be written: no mutable globals`,
    }));
}

function uniqueNames(tree) {
  return sharedNames(tree.symbolTable()).map(({ name, objects }) => ({
    file: objects[0],
    line: 0,
    text: `${name} is also defined in ${objects.slice(1).join(', ')}`,
  }));
}

/** What is wrong with the test of a source, if anything. */
function testMissing(path, tests) {
  const own = path.replace(/^.*\/|\.c$/g, '');
  const excused = path in UNTESTED || path in TESTED_WITH;
  if (tests.has(own)) return excused ? 'has a unit test: no exception any more' : undefined;
  if (path in UNTESTED || tests.has(TESTED_WITH[path])) return undefined;
  return `no unit test tests/unit/*/test_${TESTED_WITH[path] ?? own}.c`;
}

function unitTests(tree) {
  const tests = new Set(
    tree.files
      .map((file) => /^tests\/unit\/.*\/test_(\w+)\.c$/.exec(file.path)?.[1])
      .filter(Boolean),
  );
  return tree.files
    .filter((file) => file.ext === '.c' && SOURCES.test(file.path))
    .map((file) => ({ file: file.path, line: 1, text: testMissing(file.path, tests) }))
    .filter(({ text }) => text);
}

function docstrings(tree) {
  return cFiles(tree, SOURCES)
    .filter((file) => file.ext === '.h' && !file.text.includes('/**'))
    .map((file) => ({ file: file.path, line: 1, text: 'a header without a /** docstring' }));
}

const MODULES = 'docs/MODULES.md';

/** Headers as the page of modules names them: "folder/name". */
function modulesNamed(lines) {
  let folder = '';
  return lines.flatMap((line, at) => {
    folder = /^## (.+)\/$/.exec(line)?.[1] ?? folder;
    const name = /^- `(\w+)`: \S/.exec(line)?.[1];
    return name ? [{ module: `${folder}/${name}`, line: at + 1 }] : [];
  });
}

/** Every module is on that page, and nothing else is. What only its own parts include is none. */
function modulePage(tree) {
  const named = modulesNamed(tree.files.find((file) => file.path === MODULES)?.lines ?? []);
  const headers = cFiles(tree, SOURCES).filter((file) => /(?<!_impl|_private)\.h$/.test(file.path));
  const there = new Set(headers.map((file) => file.path.slice(0, -2)));
  const told = new Set(named.map(({ module }) => module));
  return [
    ...headers
      .filter((file) => !told.has(file.path.slice(0, -2)))
      .map((file) => ({ file: file.path, line: 1, text: `a module that ${MODULES} does not name` })),
    ...named
      .filter(({ module }) => !there.has(module))
      .map(({ module, line }) => ({ file: MODULES, line, text: `there is no ${module}.h` })),
  ];
}

const EVENTS = 'docs/EVENTS.md';

/** Every type of event is on that page, in a row of its own, and nothing else is. */
function eventPage(tree) {
  const named = (tree.files.find((file) => file.path === EVENTS)?.lines ?? []).flatMap((line, at) => {
    const type = /^\| `(\w+)` \|/.exec(line)?.[1];
    return type ? [{ type, line: at + 1 }] : [];
  });
  const appended = eventsAppended(tree);
  const told = new Set(named.map(({ type }) => type));
  const there = new Set(appended.flatMap(({ types }) => types));
  return [
    ...appended
      .filter(({ types }) => types.length === 0)
      .map(({ file, line }) => ({ file, line, text: 'no telling of which type this event is' })),
    ...appended.flatMap(({ file, line, types }) =>
      types.filter((type) => !told.has(type)).map((type) => ({ file, line, text: `${EVENTS} does not name ${type}` })),
    ),
    ...named
      .filter(({ type, line }) => named.some((other) => other.type === type && other.line < line))
      .map(({ type, line }) => ({ file: EVENTS, line, text: `${type} is named twice` })),
    ...named
      .filter(({ type }) => !there.has(type))
      .map(({ type, line }) => ({ file: EVENTS, line, text: `no event is a ${type}` })),
  ];
}

function unfinished(tree) {
  const files = tree.files.filter((file) => !file.path.startsWith('tests/lint/'));
  return eachLine(files, (line) => /\b(TODO|FIXME|XXX)\b/.test(line), 'an unfinished mark');
}

function tabs(tree) {
  return eachLine(tree.files, (line) => line.includes('\t'), 'a tab');
}

function trailingSpace(tree) {
  const files = tree.files.filter((file) => file.ext !== '.md');
  return eachLine(files, (line) => /[ \t\r]$/.test(line), 'space at the end of the line');
}

const HEADED = new Set(['.c', '.h', '.ts', '.mjs']);

/** A script's `#!` line may stand before its licence line. */
function headOf(file) {
  return file.lines[0]?.startsWith('#!') ? file.lines.slice(1, 3) : file.lines.slice(0, 2);
}

function licenceLine(tree) {
  return tree.files
    .filter((file) => HEADED.has(file.ext))
    .filter((file) => headOf(file)[0] !== '// SPDX-License-Identifier: Apache-2.0')
    .map((file) => ({ file: file.path, line: 1, text: 'no SPDX line first (./dev fmt adds it)' }));
}

function headComment(tree) {
  return tree.files
    .filter((file) => HEADED.has(file.ext))
    .filter((file) => !/^(\/\/|\/\*)/.test(headOf(file)[1] ?? ''))
    .map((file) => ({ file: file.path, line: 2, text: 'no comment saying what the file is for' }));
}

function lockFiles(tree) {
  const files = tree.files.filter((file) => file.path.endsWith('package-lock.json'));
  return eachLine(
    files,
    (line) => /"resolved":/.test(line) && !/"https:\/\/registry\.npmjs\.org\//.test(line),
    'a package resolved elsewhere than at registry.npmjs.org',
  );
}

export const rules = [
  { name: 'layers', check: layers },
  { name: 'rooted includes', check: rootedIncludes },
  { name: 'libraries behind modules', check: librariesBehindModules },
  { name: 'file length', check: fileLength },
  { name: 'function length', check: functionLength },
  { name: 'banned calls', check: bannedCalls },
  { name: 'sans-IO', check: sansIo },
  { name: 'no mutable globals', check: noMutableGlobals },
  { name: 'unique names', check: uniqueNames },
  { name: 'unit tests', check: unitTests },
  { name: 'docstrings', check: docstrings },
  { name: 'module page', check: modulePage },
  { name: 'event page', check: eventPage },
  { name: 'unfinished marks', check: unfinished },
  { name: 'tabs', check: tabs },
  { name: 'trailing space', check: trailingSpace },
  { name: 'licence line', check: licenceLine },
  { name: 'head comment', check: headComment },
  { name: 'lock files', check: lockFiles },
];
