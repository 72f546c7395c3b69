// SPDX-License-Identifier: Apache-2.0
// Who may do what to a case in which state, and who may read what of it, cell by cell: one table each, which the server is
// held to over REST and over the WebSocket.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { enter } from './support/ws.mjs';

const ROLES = ['buyer', 'agent', 'appraiser', 'arbiter', 'host', 'viewer', 'supervisor', 'service', 'bot'];
const STATES = {
  open: 'o', waiting: 'w', in_call: 'i', proposed: 'p', agreed: 'a', disputed: 'd', in_review: 'r', ruled: 'u', executed: 'e',
  closed: 'c', cancelled: 'n',
};

// Of each action: a word for each state, in the order above, with a letter for each role: - the role never takes it (403),
// x the state does not allow it (409), else the letter of the state that the case is in then.
const TABLE = {
  propose: '-pp-p---- -pp-p---- -pp-p---- -pp-p---- -xx-x---- -pp-p---- -xx-x---- -xx-x---- -xx-x---- -xx-x---- -xx-x----',
  agree: 'x-------- x-------- x-------- a-------- x-------- x-------- x-------- x-------- x-------- x-------- x--------',
  dispute: 'xxx-x--x- xxx-x--x- xxx-x--x- ddd-d--d- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x-',
  review: '---x----- ---x----- ---x----- ---x----- ---x----- ---r----- ---r----- ---x----- ---x----- ---x----- ---x-----',
  rule: '---x----- ---x----- ---x----- ---x----- ---x----- ---x----- ---u----- ---x----- ---x----- ---x----- ---x-----',
  execute: '-xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -ee-e--e- -xx-x--x- -xx-x--x- -ee-e--e- -xx-x--x- -xx-x--x- -xx-x--x-',
  close: '-xxxx--x- -xxxx--x- -xxxx--x- -xxxx--x- -xxxx--x- -xxxx--x- -xxxx--x- -xxxx--x- -cccc--c- -xxxx--x- -xxxx--x-',
  cancel: 'nnn-n--n- nnn-n--n- nnn-n--n- nnn-n--n- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x-',
  reopen: '-xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -xx-x--x- -oo-o--o- -oo-o--o-',
  appeal: 'xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- xxx-x--x- ddd-d--d- xxx-x--x- xxx-x--x- xxx-x--x-',
  transfer: '-oo-o-ooo -ww-w-www -ii-i-iii -xx-x-xxx -xx-x-xxx -xx-x-xxx -xx-x-xxx -xx-x-xxx -xx-x-xxx -xx-x-xxx -xx-x-xxx',
  // Of an authentication these are in authentication.test.mjs: there a verdict is disputed when the case is executed or closed.
  verdict: '--x------ --x------ --x------ --x------ --x------ --x------ --x------ --x------ --x------ --x------ --x------',
  rate: 'x-------- x-------- x-------- x-------- a-------- x-------- x-------- u-------- e-------- c-------- x--------',
};

const BODIES = {
  propose: { outcome: 'refund' },
  dispute: { statement: 'No.' },
  rule: { liability: 'merchant', remedy: 'refund', grounds: [{ text: 'It was seen.' }] },
  appeal: { statement: 'Again.' },
  verdict: { verdict: 'genuine', grounds: [{ text: 'It was seen.' }] },
  rate: { score: 4 },
  transfer: { mode: 'invite' },
};
// Whoever takes calls and comes into the room of a waiting case begins its call: over WebSocket they find it in_call.
const BEGINS_CALLS = new Set(['agent', 'appraiser']);

let server;
let clients = [];
let buyers = 0;

before(async () => {
  server = await startLouped();
});
after(() => server.stop());

// Everybody has a case of their own: one person has only so many sessions.
const who = (role, one) => ({ role, sub: role === 'buyer' ? one.buyer.id : `${role}-${one.number}`, case: one.id });
const rest = (action, role, one) =>
  server.api('POST', `/api/v1/cases/${one.id}/actions/${action}`, { token: token(who(role, one)), body: BODIES[action] ?? {} });
const stateOf = async (one) => (await server.api('GET', `/api/v1/cases/${one.id}`, { token: token(who('service', one)) })).body.state;

/** Once in the room; the buyer of a waiting case and the agent of a call are in it already. */
async function session(role, one) {
  one.sessions ??= {};
  one.sessions[role] ??= await enter(server, who(role, one));
  clients.push(one.sessions[role]);
  return one.sessions[role];
}

async function until(state, one) {
  for (let i = 0; i < 200; i++) {
    if ((await stateOf(one)) === state) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.fail(`never ${state}`);
}

const PATHS = {
  proposed: [['propose', 'agent']],
  agreed: [['propose', 'agent'], ['agree', 'buyer']],
  disputed: [['propose', 'agent'], ['dispute', 'buyer']],
  in_review: [['propose', 'agent'], ['dispute', 'buyer'], ['review', 'arbiter']],
  ruled: [['propose', 'agent'], ['dispute', 'buyer'], ['review', 'arbiter'], ['rule', 'arbiter']],
  executed: [['propose', 'agent'], ['agree', 'buyer'], ['execute', 'service']],
  closed: [['propose', 'agent'], ['agree', 'buyer'], ['execute', 'service'], ['close', 'service']],
  cancelled: [['cancel', 'service']],
};

/** A new case in that state. */
async function caseIn(state) {
  const one = await server.newCase({ buyer: { id: `buyer-${++buyers}`, name: 'Lin' } });
  if (state === 'waiting' || state === 'in_call') {
    await (await session('buyer', one)).ask({ type: 'wait' }, 'waiting');
    if (state === 'in_call') await session('agent', one);
    await until(state, one);
  }
  for (const [action, role] of PATHS[state] ?? []) {
    const { status, body } = await rest(action, role, one);
    assert.equal(status, 200, JSON.stringify(body));
  }
  return one;
}

const letter = (state) => STATES[state] ?? `?${state}`;

const doors = {
  async REST(action, role, one) {
    const { status, body } = await rest(action, role, one);
    return status === 403 ? '-' : status === 409 ? 'x' : status === 200 ? letter(body.state) : String(status);
  },
  async WebSocket(action, role, one) {
    const client = await session(role, one);
    const answer = await client.answer({ type: 'act', action, data: BODIES[action] ?? {} });
    if (answer.type === 'error') return { denied: '-', conflict: 'x' }[answer.code] ?? answer.code;
    return letter(answer.case.state);
  },
};

const cell = (action, state, role) => TABLE[action].split(' ')[Object.keys(STATES).indexOf(state)][ROLES.indexOf(role)];
const moves = (letter_) => letter_ !== '-' && letter_ !== 'x';

test('the table has every action, every state and every role', async () => {
  const { body } = await server.api('GET', '/openapi.json');
  const path = body.paths['/api/v1/cases/{id}/actions/{action}'].post;
  const named = path.parameters.find(({ name }) => name === 'action').schema.enum;
  assert.deepEqual(Object.keys(TABLE).sort(), [...named].sort());
  const list = body.paths['/api/v1/cases'].get.parameters.find(({ name }) => name === 'state').schema.enum;
  assert.deepEqual(Object.keys(STATES), list);
  for (const [action, words] of Object.entries(TABLE)) {
    assert.deepEqual(words.split(' ').map(({ length }) => length), list.map(() => ROLES.length), action);
  }
});

for (const [door, act] of Object.entries(doors)) {
  for (const state of Object.keys(STATES)) {
    test(`${state}: every action by every role does what the table says, over ${door}`, async () => {
      const wrong = [];
      const shared = await caseIn(state);
      for (const role of ROLES) {
        if (door === 'WebSocket' && role === 'service') continue; // has no place in a room: below
        const begins = door === 'WebSocket' && state === 'waiting' && BEGINS_CALLS.has(role);
        const found = begins ? 'in_call' : state;
        for (const action of Object.keys(TABLE)) {
          const due = cell(action, found, role);
          const one = moves(due) || begins ? await caseIn(state) : shared;
          if (begins) {
            await session(role, one);
            await until('in_call', one);
          }
          const is = await act(action, role, one);
          if (is !== due) wrong.push(`${action} by ${role}: ${is} instead of ${due}`);
          const then = letter(await stateOf(one));
          if (then !== (moves(due) ? due : letter(found))) wrong.push(`${action} by ${role}: left it ${then}`);
        }
      }
      await Promise.all(clients.map((client) => client.cut()));
      clients = [];
      assert.deepEqual(wrong, []);
    });
  }
}

test('what the conductor does is for nobody to ask for, and a service has no place in a room', async () => {
  const one = await server.newCase();
  for (const action of ['wait', 'stop_wait', 'start_call', 'end_call', 'take_call', 'expire', 'lapse', 'overdue', 'constructor', '']) {
    for (const role of ROLES) {
      assert.equal((await rest(action, role, one)).status, 404, `${action} ${role}`);
      if (role === 'service' || !action) continue;
      const answer = await (await session(role, one)).answer({ type: 'act', action, data: {} });
      assert.equal(answer.code, 'not_found', `${action} ${role}`);
    }
  }
  await assert.rejects(enter(server, who('service', one)));
  await Promise.all(clients.map((client) => client.cut()));
  clients = [];
});

// Reading: of each resource a word for each relation, with a letter for each role: y it is read, - refused (401, 403, 404), n a
// list without it, b in brief: what the case is about, and nothing of people.
const RELATIONS = {
  own: 'a token of the merchant, for no case',
  here: 'a token for this case',
  elsewhere: 'a token for another case of the merchant, and of the same buyer',
  foreign: "another merchant's token, for no case",
  foreign_here: "another merchant's token, which names this case",
};
const READING = {
  //     own       here      elsewhere foreign   foreign_here
  list: '-yyny-yy- yyyyybyyy nnnnnnnnn -nnnn-nn- nnnnnnnnn',
  search: '-yyny-yy- yyyyy-yyy nnnnn-nnn -nnnn-nn- nnnnn-nnn',
  case: '-yy-y-yy- yyyyybyyy --------- --------- ---------',
  timeline: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  notes: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  clips: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  stills: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  attachments: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  attachment: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  file: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  export: '-yy-y-yy- yyyyy-yy- --------- --------- ---------',
  holds: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  tombstones: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  accesses: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  examination: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  slots: '-yy-y-yy- yyy-y-yy- --------- --------- ---------',
  booking: '-yy-y-yy- yyyyy-yyy --------- --------- ---------',
  room: '-yy-y-yy- yyyyyyyyy --------- --------- ---------',
};
// What is the merchant's own, by a token for no case and by one for a case: y it is read, - refused.
const MERCHANT = {
  timers: '------yy- ---------',
  retention: '------yy- ---------',
  webhooks: '------yy- ---------',
  log: '------yy- ---------',
  stats: '------yy- ---------',
  disputes: '---y--y-- ---------',
  checklists: '-yyy--yy- -yyy--yy-',
  hours: '-yyy--yy- -yyy--yy-',
  pairing: '------yy- ---------',
  'wrap-ups': '-yy---yy- ---------',
  people: '------yy- ---------',
  bookings: '-yy---yy- ---------',
};
// An arbiter without a case reads every one of the merchant's that was ever disputed.
const DISPUTED = {
  list: '-yyyy-yy-', case: '-yyyy-yy-', timeline: '-yyyy-yy-', clips: '-yyyy-yy-', export: '-yyyy-yy-', dispute: '-yyyy-yy-', room: '-yy-y-yy-',
};
const RESOURCES = {
  list: () => '/cases',
  search: () => '/cases?q=cup',
  case: (one) => `/cases/${one.id}`,
  timeline: (one) => `/cases/${one.id}/timeline`,
  notes: (one) => `/cases/${one.id}/notes`,
  clips: (one) => `/cases/${one.id}/clips`,
  stills: (one) => `/cases/${one.id}/stills`,
  attachments: (one) => `/cases/${one.id}/attachments`,
  attachment: (one) => `/attachments/${one.attachment}`,
  file: (one) => `/attachments/${one.attachment}/media`,
  export: (one) => `/cases/${one.id}/export`,
  holds: (one) => `/cases/${one.id}/holds`,
  tombstones: (one) => `/cases/${one.id}/tombstones`,
  accesses: (one) => `/cases/${one.id}/accesses`,
  examination: (one) => `/cases/${one.id}/examination`,
  slots: (one) => `/cases/${one.id}/slots`,
  booking: (one) => `/cases/${one.id}/booking`,
  dispute: (one) => `/cases/${one.id}/dispute`,
  room: (one) => `/rooms/${one.room}`,
};

/** A message in place of a time, and a file, of that case. */
async function left(one) {
  const office = token({ role: 'service', sub: 'shop' });
  const booked = await server.api('PUT', `/api/v1/cases/${one.id}/booking`, { token: office, body: { kind: 'message', note: 'Secret Street 5' } });
  assert.equal(booked.status, 201, JSON.stringify(booked.body));
  const begun = await server.api('POST', `/api/v1/cases/${one.id}/attachments`, { token: office, body: { name: 'a.txt', visible: true } });
  assert.equal(begun.status, 201, JSON.stringify(begun.body));
  const bytes = 'It has a scratch.\n';
  const sent = await fetch(`${server.url}/api/v1/attachments/${begun.body.id}/upload`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${office}`, 'content-type': 'application/partial-upload', 'upload-offset': '0', 'upload-complete': '?1',
      'repr-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
    },
    body: bytes,
  });
  assert.equal(sent.status, 200);
  one.attachment = begun.body.id;
}

const BRIEF = ['created_at', 'id', 'kind', 'merchant', 'number', 'room', 'state', 'title', 'version'];
const isBrief = (found) => Object.keys(found).every((name) => BRIEF.includes(name)) && found.title && found.state && found.kind;

async function readAs(resource, claims, mint, one) {
  const { status, body } = await server.api('GET', `/api/v1${RESOURCES[resource](one)}`, { token: mint(claims) });
  if ([401, 403, 404].includes(status)) return '-';
  if (status !== 200) return String(status);
  if (resource === 'file') return 'y';
  const found = body.items ? body.items.find(({ id }) => id === one.id) : body;
  if (resource === 'case' || resource === 'list') return !found ? 'n' : found.buyer ? 'y' : isBrief(found) ? 'b' : '?';
  return resource !== 'search' || found ? 'y' : 'n';
}

test('a viewer in the room is told of the case in brief, and of what becomes of it', async () => {
  const one = await server.newCase({ order: { id: 'O-1', address: 'Secret Street 5' } });
  const viewer = await enter(server, { role: 'viewer', sub: 'eye', case: one.id });
  const agent = await enter(server, { role: 'agent', sub: 'ann', case: one.id });
  assert.ok((await agent.expect('case')).case.order.address);
  assert.ok(isBrief((await viewer.expect('case')).case));
  await rest('cancel', 'service', one);
  const told = (await viewer.expect('case', (m) => m.case.state === 'cancelled')).case;
  assert.ok(isBrief(told));
  assert.doesNotMatch(JSON.stringify([told, viewer.messages]), /Secret|buyer/);
  await Promise.all([viewer.cut(), agent.cut()]);
});

test('who reads what of a case, across two merchants', async () => {
  const added = ['api-keys', 'add', '--merchant', 'tea-house', '--id', 'tea', '--data', server.data];
  const secret = execFileSync(join(buildFolder, 'loupectl'), added, { encoding: 'utf8' }).trim().split(':')[1];
  const count = () => server.log.split('reloaded er=').length;
  const reloads = count();
  server.child.kill('SIGHUP');
  while (count() === reloads) await new Promise((done) => server.child.stderr.once('data', done));
  const foreign = (claims) => token({ iss: 'tea', ...claims }, { header: { kid: 'tea' }, secret });
  const one = await server.newCase({ kind: 'authentication', category: 'watch' });
  const other = await server.newCase();
  const buyer = await session('buyer', one); // so that its room is open
  const claimsOf = {
    own: (claims) => [claims, token],
    here: (claims) => [{ ...claims, case: one.id }, token],
    elsewhere: (claims) => [{ ...claims, case: other.id }, token],
    foreign: (claims) => [claims, foreign],
    foreign_here: (claims) => [{ ...claims, case: one.id }, foreign],
  };
  await left(one);
  const wordOf = async (resource, relation, of) => {
    let word = '';
    for (const role of ROLES) {
      const [claims, mint] = claimsOf[relation]({ role, sub: role === 'buyer' ? 'buyer-1' : `${role}-1` });
      word += await readAs(resource, claims, mint, of);
    }
    return word;
  };
  const is = {};
  for (const resource of Object.keys(READING)) {
    const words = [];
    for (const relation of Object.keys(RELATIONS)) words.push(await wordOf(resource, relation, one));
    is[resource] = words.join(' ');
  }
  await buyer.cut();
  assert.deepEqual(is, READING);
  const round = [{ opens: '00:00', closes: '24:00' }];
  const weekly = Object.fromEntries(['mon', 'tues', 'wednes', 'thurs', 'fri', 'satur', 'sun'].map((day) => [`${day}day`, round]));
  const hours = { token: token({ role: 'service', sub: 'shop' }), body: { time_zone: 'UTC', weekly } };
  assert.equal((await server.api('PUT', '/api/v1/hours', hours)).status, 201);
  const whole = {};
  for (const name of Object.keys(MERCHANT)) {
    const words = [];
    for (const relation of ['own', 'here']) {
      let word = '';
      for (const role of ROLES) {
        const [claims, mint] = claimsOf[relation]({ role, sub: role === 'buyer' ? 'buyer-1' : `${role}-1` });
        const { status } = await server.api('GET', `/api/v1/${name}`, { token: mint(claims) });
        word += status === 200 ? 'y' : status === 401 || status === 403 ? '-' : String(status);
      }
      words.push(word);
    }
    whole[name] = words.join(' ');
  }
  assert.deepEqual(whole, MERCHANT);
  const disputed = await caseIn('disputed');
  const seat = await session('buyer', disputed);
  const theirs = {};
  for (const resource of Object.keys(DISPUTED)) theirs[resource] = await wordOf(resource, 'own', disputed);
  await seat.cut();
  assert.deepEqual(theirs, DISPUTED);
});
