// SPDX-License-Identifier: Apache-2.0
// The lint's own test: each rule is fed a sample that breaks it and one that keeps it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rules } from './rules.mjs';
import { blankC, functionsOf, makeFile, sampleTree } from './source.mjs';

const SPDX = '// SPDX-License-Identifier: Apache-2.0\n';
const lines = (count, line = 'int x;\n') => line.repeat(count);
const body = (count) => `int f(void)\n{\n${lines(count, '    g();\n')}}\n`;
const objdump = (section, kind = 'O') =>
  `room.c.o:     file format elf64-x86-64\n\nSYMBOL TABLE:\n` +
  `0000000000000000 l     ${kind} ${section}\t0000000000000004 counter.0\n`;

const functions = (...pairs) =>
  pairs
    .map(
      ([object, flags, name]) =>
        `${object}.o:     file format elf64-x86-64\n\nSYMBOL TABLE:\n` +
        `0000000000000010 ${flags}     F .text\t0000000000000045 ${name}\n`,
    )
    .join('\n');

/** C that puts an event on a timeline; that passes its type on; and that calls what does. */
const appending = (type, before = '') =>
  `static int f(struct store *s, bool on)\n{\n    ${before}\n` +
  `    return store_event_append(s, id(s, 1), by,\n                 ${type}, NULL, 0, NULL);\n}\n`;
const passing = (how) =>
  `${how}int told(struct store *s, bool (*fits)(int a), const char *type)\n{\n` +
  '    return store_event_append(s, id, by, type, NULL, 0, NULL);\n}\n';
const by = (type) => `int g(struct store *s, bool on)\n{\n    return told(s, fits, ${type});\n}\n`;
const named = (...types) => types.map((type) => `| \`${type}\` | then | {} |\n`).join('');
const ACTIONS =
  '} actions[CASE_ACTIONS] = {\n    [CASE_AGREE] = {"agree", "outcome_agreed", 0},\n' +
  '    [CASE_CLOSE] = {"close",\n                    "closed", 1},\n};\n';

/** rule -> samples: { bad: [tree...], good: [tree...] }, a tree as { path: text } or a symbol table. */
const samples = {
  layers: {
    bad: [
      { 'base/id.c': '#include "media/wire/rtp.h"\n' },
      { 'media/relay/room.c': '#include "media/peer/peer.h"\n' },
      { 'media/wire/rtp.h': '#include "media/tape/tape.h"\n' },
      { 'media/media.h': '#include "signaling/proto.h"\n' },
      { 'signaling/session.c': '#include "media/media.h"\n' },
      { 'server/calls.c': '#include "media/core/core.h"\n' },
    ],
    good: [
      { 'server/calls.c': '#include "media/media.h"\n#include "signaling/proto.h"\n' },
      { 'media/core/core.c': '#include "media/peer/peer.h"\n#include "media/relay/room.h"\n' },
      { 'tests/unit/relay/test_room.c': '#include "media/peer/peer.h"\n' },
    ],
  },
  'rooted includes': {
    bad: [{ 'base/id.c': '#include "id.h"\n', 'base/id.h': '' }],
    good: [{ 'base/id.c': '#include "base/id.h"\n#include <stdio.h>\n', 'base/id.h': '' }],
  },
  'libraries behind modules': {
    bad: [
      { 'signaling/session.c': '#include <libwebsockets.h>\n' },
      { 'server/cases.c': '#include <sqlite3.h>\n' },
      { 'media/relay/rtx.c': '#include <libavformat/avformat.h>\n' },
    ],
    good: [{ 'signaling/ws.c': '#include <libwebsockets.h>\n' }],
  },
  'module page': {
    bad: [
      { 'base/id.h': '' },
      { 'base/id.h': '', 'docs/MODULES.md': '## media/\n\n- `id`: ids\n' },
      { 'base/id.h': '', 'docs/MODULES.md': '## base/\n\n- `id`: ids\n- `ids`: more of them\n' },
    ],
    good: [
      { 'base/id.h': '', 'base/id_impl.h': '', 'docs/MODULES.md': '## base/\n\n- `id`: ids\n' },
      { 'base/id.c': '', 'tests/unit/support/scratch.h': '' },
    ],
  },
  'event page': {
    bad: [
      { 'server/store_x.c': appending('"opened"') },
      { 'server/store_x.c': appending('"opened"'), 'docs/EVENTS.md': named('closed') },
      { 'server/store_x.c': appending('"opened"'), 'docs/EVENTS.md': named('opened', 'closed') },
      { 'server/store_x.c': appending('"opened"'), 'docs/EVENTS.md': named('opened', 'opened') },
      { 'server/store_x.c': appending('on ? "opened" : "closed"'), 'docs/EVENTS.md': named('opened') },
      { 'server/store_x.c': appending('word_of(s)'), 'docs/EVENTS.md': named('opened') },
      { 'server/store_x.c': `${passing('')}${by('"opened"')}` },
      {
        'server/store_x.c': `${passing('static ')}${by('"opened"')}`,
        'server/store_y.c': by('"closed"'),
        'docs/EVENTS.md': named('opened', 'closed'),
      },
      { 'server/store_x.c': ' int er = store_event_append(s, id, by, "opened", NULL, 0, NULL);\n' },
      {
        'server/store_x.c': appending('case_action_event(a)'),
        'server/cases.c': ACTIONS,
        'docs/EVENTS.md': named('outcome_agreed'),
      },
    ],
    good: [
      { 'server/store_x.c': appending('"opened"'), 'docs/EVENTS.md': named('opened') },
      {
        'server/store_x.c': passing(''),
        'server/store_y.c': by('on ? "opened" : "closed"'),
        'docs/EVENTS.md': named('opened', 'closed'),
      },
      {
        'server/store_x.c': appending('case_action_event(a)'),
        'server/cases.c': ACTIONS,
        'docs/EVENTS.md': named('outcome_agreed', 'closed'),
      },
      {
        'server/store_x.c': appending('type', 'snprintf(type, sizeof type, "%s_gone", of);'),
        'server/store_keep.c': 'const char *const all[] = {[KEPT_CLIP] = "clip"};\n',
        'docs/EVENTS.md': named('clip_gone'),
      },
      { 'tests/unit/server/test_store.c': appending('"x"') },
    ],
  },
  'file length': {
    bad: [{ 'base/map.c': lines(601) }, { 'web/sdk/call.ts': lines(601) }],
    good: [{ 'base/map.c': lines(600) }],
  },
  'function length': {
    bad: [
      { 'base/map.c': body(69) },
      { 'base/map.c': body(69).replace(')\n{', ') {') },
      { 'base/map.c': body(69).replace('f(void)', 'f(int a,\n      int b)') },
    ],
    good: [{ 'base/map.c': body(68) + body(68) }],
  },
  'banned calls': {
    bad: [
      { 'base/str.c': 'void f(char *a) { strcpy(a, "b"); }\n' },
      { 'tests/unit/base/test_str.c': 'void f(void) { usleep (5); }\n' },
    ],
    good: [
      { 'base/str.c': '// strcpy(a, b)\nvoid f(struct x *x) { x->sleep(1); my_strcpy("atoi(1)"); }\n' },
    ],
  },
  'sans-IO': {
    bad: [
      { 'media/relay/pacer.c': 'uint64_t f(void) { return clock_gettime(0, 0); }\n' },
      { 'signaling/session.c': 'void f(void) { getrandom(p, 16, 0); }\n' },
      { 'media/peer/icelite.c': 'void f(int fd) { sendto(fd, p, n, 0, 0, 0); }\n' },
    ],
    good: [
      { 'base/clock.c': 'void f(void) { clock_gettime(0, 0); }\n' },
      { 'media/io/udp.c': 'void f(int fd) { sendmmsg(fd, m, 1, 0); }\n' },
      { 'media/relay/pacer.c': 'void f(struct x *x) { x->send(x); frame.time(); }\n' },
    ],
  },
  'no mutable globals': {
    bad: [objdump('.bss'), objdump('.data'), objdump('.tbss', ' ')],
    good: [objdump('.rodata'), objdump('.data.rel.ro.local')],
  },
  'unique names': {
    bad: [functions(['peer.c', 'g', 'peer_new'], ['calls_media.c', 'g', 'peer_new'])],
    good: [functions(['peer.c', 'l', 'reset'], ['path.c', 'l', 'reset'], ['srtp.c', 'g', 'reset'])],
  },
  'unit tests': {
    bad: [
      { 'media/wire/rtp.c': '' },
      { 'server/store.c': '', 'tests/unit/server/test_store_cases.c': '' },
      { 'server/api_x.c': '', 'tests/unit/server/test_api.c': '' },
      { 'server/store_cases.c': '' },
      { 'server/app.c': '', 'tests/unit/server/test_app.c': '' },
    ],
    good: [
      { 'media/wire/rtp.c': '', 'tests/unit/wire/test_rtp.c': '' },
      { 'server/store_cases.c': '', 'tests/unit/server/test_store.c': '' },
      { 'server/main.c': '' },
    ],
  },
  docstrings: {
    bad: [{ 'base/id.h': '/* An id. */\n' }],
    good: [{ 'base/id.h': '/** An id. */\n' }],
  },
  'unfinished marks': {
    bad: [{ 'base/id.c': '// TO' + 'DO: later\n' }, { 'README.md': 'FIX' + 'ME\n' }],
    good: [{ 'base/id.c': 'char name[] = "/tmp/XXXXXX";\n' }],
  },
  tabs: { bad: [{ 'base/id.c': '\tint x;\n' }], good: [{ 'base/id.c': '    int x;\n' }] },
  'trailing space': { bad: [{ 'base/id.c': 'int x; \n' }], good: [{ 'base/id.c': 'int x;\n' }] },
  'licence line': {
    bad: [{ 'base/id.c': '// An id.\n' }, { 'tests/run.mjs': '#!/usr/bin/env node\n// Runs.\n' }],
    good: [{ 'base/id.c': SPDX }, { 'tests/run.mjs': `#!/usr/bin/env node\n${SPDX}` }],
  },
  'head comment': {
    bad: [{ 'base/id.c': `${SPDX}#include <stdio.h>\n` }],
    good: [{ 'base/id.c': `${SPDX}// Ids.\n` }, { 'base/id.h': `${SPDX}/** Ids. */\n` }],
  },
  'lock files': {
    bad: [{ 'web/package-lock.json': '{\n"resolved": "http://mirror.example/lit.tgz"\n}\n' }],
    good: [{ 'web/package-lock.json': '"resolved": "https://registry.npmjs.org/lit/-/lit.tgz"\n' }],
  },
};

const treeOf = (sample) =>
  typeof sample === 'string' ? sampleTree({}, sample) : sampleTree(sample);

for (const { name, check } of rules) {
  test(`lint: ${name}`, () => {
    assert.ok(samples[name], 'a rule needs samples');
    for (const bad of samples[name].bad) {
      assert.notEqual(check(treeOf(bad)).length, 0, `says nothing about ${JSON.stringify(bad)}`);
    }
    for (const good of samples[name].good) {
      assert.deepEqual(check(treeOf(good)), []);
    }
  });
}

test('lint: comments and literals are blanked in place', () => {
  const blank = blankC('a /* b\n"c" */ "d // e" \'"\' // f\ng');
  assert.equal(blank.replace(/ +/g, ' '), 'a \n \ng');
});

test('lint: functions are found with their names', () => {
  const text = 'static int f(int a)\n{\n    return a;\n}\n\nconst int t[] = {\n    1,\n};\n' + body(3);
  assert.deepEqual(
    functionsOf(makeFile('x.c', text)).map(({ name, length }) => [name, length]),
    [['f', 3], ['f', 5]],
  );
});
