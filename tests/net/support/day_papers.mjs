// SPDX-License-Identifier: Apache-2.0
// What is written in a day of a contact centre over REST: cases from their opening to their end, disputes and rulings,
// examinations and certificates, notes, tags, links, and what merchants set. All until the server is gone.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Entry, Gone, pause } from './day.mjs';
import { buildFolder } from './louped.mjs';

const SHOP = { role: 'service', sub: 'shop' };
const AGENT = { role: 'agent', sub: 'ann' };
const JUDGES = ['sun', 'moon'].map((sub) => ({ role: 'arbiter', sub }));
const MONEY = { value: '12.00', currency: 'CNY' };
const owner = ({ item }) => ({ role: 'buyer', sub: item.buyer.id, case: item.id });
const appraiser = (sub) => ({ role: 'appraiser', sub });

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
};

/** Action -> the member that takes a text, its event, who takes it, and what else comes with it. */
const ACTIONS = {
  propose: ['note', 'outcome_proposed', () => AGENT, { outcome: 'partial_refund', amount: MONEY }],
  agree: ['note', 'outcome_agreed', owner],
  dispute: ['statement', 'outcome_disputed', owner],
  review: ['note', 'review_started', (entry, day) => (entry.judge = day.pick(JUDGES))],
  execute: ['reference', 'executed', () => SHOP, { amount: MONEY }],
  close: ['note', 'closed', () => AGENT],
  cancel: ['reason', 'cancelled', owner],
  reopen: ['reason', 'reopened', () => SHOP],
  rate: ['text', 'rated', owner, { score: 4, resolved: true }],
  appeal: ['statement', 'appealed', owner],
  transfer: ['note', 'note_added', () => AGENT, { mode: 'blind' }],
};

/** What ends a wait, or may begin one. */
const UNSURE = { cancel: true, close: true, transfer: false };

/** Takes it, and gives whether that was acknowledged. */
export async function act(day, entry, action, who, data) {
  const [member, event, usual, more] = ACTIONS[action] ?? [undefined, { rule: 'ruled', verdict: 'verdict_given' }[action]];
  const tag = day.tag();
  if (action in UNSURE) entry.waits = entry.waits && action === 'transfer' ? true : undefined;
  const body = member ? { ...more, [member]: tag } : { ...data, grounds: [{ text: tag }] };
  const answer = await day.ask(entry.merchant, who ?? usual(entry, day), 'POST', `/cases/${entry.item.id}/actions/${action}`, { entry, body });
  if (answer.status !== 200) return false;
  entry.take(answer.body);
  if (UNSURE[action]) entry.waits = false;
  entry.note(event, tag);
  day.did(action);
  return true;
}

const rule = (day, entry) => act(day, entry, 'rule', entry.judge ?? JUDGES[0], { liability: 'merchant', remedy: 'refund', amount: MONEY });

async function put(day, entry, who, method, path, body, event, tag) {
  const answer = await day.ask(entry.merchant, who, method, `/cases/${entry.item.id}${path}`, { entry, body });
  if (answer.status >= 300) return undefined;
  if (event) entry.note(event, tag);
  day.did(event ?? path);
  return answer.body ?? {};
}

async function write(day, entry) {
  const tag = day.tag();
  const other = day.pick([...day.entries.values()].filter(({ merchant }) => merchant === entry.merchant));
  switch (day.draw(5)) {
    case 0:
      return put(day, entry, AGENT, 'POST', '/notes', { text: tag, visible: day.draw(2) === 0 }, 'note_added', tag);
    case 1:
      return put(day, entry, AGENT, 'POST', '/tags', { add: [tag] }, 'tags_changed', tag);
    case 2:
      return other === entry ? undefined
        : put(day, entry, AGENT, 'POST', '/links', { case: other.item.id, relation: 'related' }, 'case_linked', other.item.id);
    case 3:
      return change(day, entry, { [day.pick(['reason', 'title'])]: tag }, tag);
    default:
      return change(day, entry, day.pick([{ tier: day.pick(['none', 'silver', 'gold', 'vip']) }, { priority: day.draw(4) }]));
  }
}

async function change(day, entry, body, tag) {
  const seen = await day.ask(entry.merchant, AGENT, 'GET', `/cases/${entry.item.id}`);
  const headers = { 'if-match': seen.headers.get('etag') };
  if (body.tier || body.priority !== undefined) entry.changed = Infinity;
  const answer = await day.ask(entry.merchant, AGENT, 'PATCH', `/cases/${entry.item.id}`, { entry, body, headers });
  if (entry.changed === Infinity) entry.changed = Date.now();
  if (answer.status !== 200) return;
  if (tag) entry.note('case_changed', tag);
  day.did('change');
}

/* Disputes */

async function argue(day, entry) {
  const tag = day.tag();
  const [who, path, body, event] = day.pick([
    [owner(entry), '/statements', { text: tag }, 'statement_made'],
    [SHOP, '/statements', { text: tag }, 'statement_made'],
    [entry.judge ?? JUDGES[0], '/questions', { to: 'buyer', text: tag }, 'question_asked'],
  ]);
  await put(day, entry, who, 'POST', path, body, event, tag);
}

export async function answerAll(day, entry) {
  const { body } = await day.ask(entry.merchant, JUDGES[0], 'GET', `/cases/${entry.item.id}/dispute`);
  for (const { question, id, number, to, state } of body.questions ?? []) {
    if (state !== 'open') continue;
    const tag = day.tag();
    await put(day, entry, to === 'buyer' ? owner(entry) : SHOP, 'POST', `/questions/${question ?? number ?? id}/answer`, { text: tag }, 'question_answered', tag);
  }
}

/* Examinations, by a checklist whose one point asks for no picture */

async function examine(day, entry) {
  const tag = day.tag();
  const point = { judgement: 'consistent', note: tag };
  if (!entry.blind && (await put(day, entry, appraiser('he'), 'PUT', '/examination/points/label', point, 'point_examined', tag))) {
    if (day.draw(2)) await act(day, entry, 'verdict', appraiser('he'), { verdict: 'genuine' });
    return;
  }
  entry.blind = true;
  const sub = day.pick(['ivy', 'jo', 'kim']);
  const said = (entry.opinions[sub] ??= {
    verdict: day.pick(['genuine', 'counterfeit']), grounds: [{ text: tag, evidence: [] }], nonce: randomBytes(32).toString('hex'),
    points: { label: point },
  });
  const commitment = createHash('sha256').update(canonical({ ...said, by: sub, case: entry.item.id })).digest('hex');
  if (day.draw(2)) await put(day, entry, appraiser(sub), 'POST', '/opinions', { commitment }, 'opinion_committed', commitment);
  else await put(day, entry, appraiser(sub), 'POST', '/opinions/reveal', said, 'opinion_revealed', said.nonce);
}

async function certify(day, entry) {
  if (entry.item.kind !== 'authentication') return;
  const made = await put(day, entry, SHOP, 'POST', '/certificate', { item: 'A hat' });
  if (!made?.id) return;
  entry.note('certificate_issued', made.number);
  const reads = async () => (await day.ask(entry.merchant, SHOP, 'GET', `/certificates/${made.id}`)).body.state;
  day.others.push({ what: `certificate ${made.number}`, check: async () => ['valid', 'revoked'].includes(await reads()) });
  if (day.draw(2)) return;
  const { status } = await day.ask(entry.merchant, appraiser('he'), 'POST', `/certificates/${made.id}/revoke`, { entry, body: { reason: 'superseded' } });
  if (status >= 300) return;
  entry.note('certificate_revoked', made.number);
  day.others.push({ what: `revocation of ${made.number}`, check: async () => (await reads()) === 'revoked' });
}

/* A case's life */

const LIFE = {
  open: [write, write, examine, [9, 'cancel'], [4, 'propose'], [4, 'transfer']],
  waiting: [write, write, write, [9, 'cancel'], [9, 'propose'], [6, 'transfer']],
  in_call: [write, [4, 'propose'], [9, 'transfer']],
  proposed: [write, [1, 'agree'], [2, 'dispute'], [6, 'propose']],
  agreed: [write, [1, 'execute'], [1, 'rate']],
  disputed: [argue, [1, 'review']],
  in_review: [argue, answerAll, rule, rule],
  ruled: [write, [1, 'execute'], [1, 'rate'], [6, 'appeal']],
  executed: [certify, [1, 'close'], [1, 'close'], [2, 'rate'], [9, 'appeal']],
  closed: [[6, 'reopen'], [20, 'appeal'], certify],
  cancelled: [[6, 'reopen']],
};

export async function clerk(day) {
  while (!day.entries.size && !day.over) await pause(20);
  for (;;) {
    if (day.over) throw new Gone();
    const entry = day.pick([...day.entries.values()].slice(-40));
    const goods = entry.item.kind === 'authentication' && entry.state === 'open' && day.draw(3);
    const next = goods ? examine : day.pick(LIFE[entry.state] ?? [write]);
    if (next === examine && entry.item.kind !== 'authentication') await pause(1);
    else if (typeof next === 'function') await next(day, entry);
    else if (day.draw(next[0]) === 0) await act(day, entry, next[1]);
    const { status, body } = await day.ask(entry.merchant, SHOP, 'GET', `/cases/${entry.item.id}`);
    if (status === 200) entry.take(body);
    await pause(day.draw(20));
  }
}

/* The shop's back end */

async function open(day) {
  const merchant = day.draw(6) ? day.merchants[0] : day.merchants.at(-1);
  const tag = day.tag();
  const headers = { 'idempotency-key': tag };
  const kind = day.draw(4) ? 'inspection' : 'authentication';
  const body = {
    kind, title: tag, buyer: { id: `buyer-${tag}`, name: 'Lin' }, priority: day.draw(3) ? 0 : day.draw(3), tier: day.pick(['none', 'none', 'none', 'silver']),
    ...(kind === 'authentication' ? { category: 'hat' } : {}),
  };
  day.unsure = { merchant, body, headers };
  const answer = await day.ask(merchant, SHOP, 'POST', '/cases', { body, headers });
  day.unsure = undefined;
  if (answer.status !== 201) return;
  const entry = new Entry(answer.body, merchant);
  entry.note('case_opened', tag);
  day.entries.set(entry.item.id, entry);
  day.did('open');
  if (kind === 'authentication' && day.draw(2)) entry.blind = Boolean(await put(day, entry, SHOP, 'POST', '/examination/blind', {}));
}

/** What was asked for when the server died, and asked for once more: there is one of it. */
export async function openAgain(day) {
  const { merchant, body, headers } = day.unsure ?? {};
  day.unsure = undefined;
  if (!body) return true;
  const ids = [];
  for (let i = 0; i < 2; i++) ids.push((await day.ask(merchant, SHOP, 'POST', '/cases', { body, headers })).body);
  day.entries.set(ids[0].id, new Entry(ids[0], merchant));
  return ids[0].id === ids[1].id && day.sql(`SELECT count(*) AS n FROM cases WHERE title = '${body.title}'`)[0].n === 1;
}

async function invite(day, entry) {
  const { status, body } = await day.ask(entry.merchant, AGENT, 'POST', `/cases/${entry.item.id}/invites`, { entry, body: { role: 'buyer', identity: entry.item.buyer.id, ttl_seconds: 3600 } });
  if (status !== 201) return;
  day.did('invite');
  const headers = { authorization: `Bearer ${body.token}` };
  day.others.push({ what: `invite to ${entry.item.id}`, check: async () => (await day.server.api('GET', `/api/v1/cases/${entry.item.id}`, { headers })).status === 200 });
}

async function key(day) {
  const merchant = day.merchants[0];
  const id = day.tag();
  const made = await day.ask(merchant, SHOP, 'POST', '/api-keys', { body: { id, roles: ['buyer'], scopes: ['read'] } });
  if (made.status !== 201) return;
  day.did('key');
  const other = { what: `key ${id}`, check: async () => JSON.stringify((await day.ask(merchant, SHOP, 'GET', '/api-keys?limit=200')).body).includes(`"${id}"`) };
  day.others.push(other);
  if (day.draw(2)) return;
  const is = other.check;
  other.check = () => true; // from here on nobody is sure
  if ((await day.ask(merchant, SHOP, 'DELETE', `/api-keys/${id}`)).status === 204) other.check = async () => !(await is());
}

async function timers(day) {
  const seconds = 86400 + day.draw(86400);
  day.timers = undefined;
  if ((await day.ask(day.merchants[0], SHOP, 'PUT', '/timers', { body: { proposed: seconds } })).status !== 200) return;
  day.timers = seconds;
  day.did('timers');
}

function merchantAdd(day) {
  const id = day.tag();
  return new Promise((done) => {
    execFile(join(buildFolder, 'loupectl'), ['merchants', 'add', '--merchant', id, '--data', day.data], (error) => {
      if (!error) {
        day.did('merchant');
        day.others.push({ what: `merchant ${id}`, check: () => day.sql(`SELECT id FROM merchants WHERE id = '${id}'`).length === 1 });
      }
      done();
    });
  });
}

const LIVE = 24;

export async function backEnd(day) {
  for (;;) {
    if (day.over) throw new Gone();
    const live = [...day.entries.values()].filter(({ state }) => !['closed', 'cancelled', 'executed'].includes(state));
    const dice = day.draw(30);
    if (live.length < LIVE) await open(day);
    else if (dice === 0) await key(day);
    else if (dice === 1) await timers(day);
    else if (dice === 2) await merchantAdd(day);
    else if (dice < 8) await invite(day, day.pick(live));
    await pause(10 + day.draw(20));
  }
}

/* The end */

/** Led to its end by somebody, whatever state it is in; gives the state at last. */
export async function finish(day, entry) {
  const { id } = entry.item;
  for (let steps = 0; steps < 12; steps++) {
    const { body } = await day.ask(entry.merchant, SHOP, 'GET', `/cases/${id}`);
    entry.take(body);
    if (['closed', 'cancelled'].includes(body.state)) return body.state;
    if (['open', 'waiting', 'in_call', 'proposed'].includes(body.state)) {
      if (await act(day, entry, 'cancel')) continue;
      if (body.state === 'proposed') await act(day, entry, 'agree');
      else await act(day, entry, 'propose');
    } else if (body.state === 'disputed') {
      for (const judge of JUDGES) if (await act(day, entry, 'review', (entry.judge = judge))) break;
    } else if (body.state === 'in_review') {
      await answerAll(day, entry);
      for (const judge of JUDGES) {
        entry.judge = judge;
        if (await rule(day, entry)) break;
      }
    } else {
      await act(day, entry, body.state === 'executed' ? 'close' : 'execute');
    }
  }
  return entry.state;
}

/** A second merchant with a key of its own, and the checklist by which hats are examined. */
export async function prepare(day, sign, restart) {
  const ctl = (...words) => new Promise((done, failed) => {
    execFile(join(buildFolder, 'loupectl'), [...words, '--data', day.data], (error, out) => (error ? failed(error) : done(out.trim())));
  });
  await ctl('merchants', 'add', '--merchant', 'tea-house');
  const [id, secret] = (await ctl('api-keys', 'add', '--merchant', 'tea-house')).split(':');
  day.merchants.push({ name: 'tea-house', sign: (claims) => sign(id, secret, claims) });
  await restart(); // keys that loupectl makes are read then
  const points = [{ id: 'label', title: { en: 'Label' }, optional: true }];
  const secrets = new Map();
  for (const merchant of day.merchants) {
    const { status } = await day.ask(merchant, SHOP, 'PUT', '/checklists/hats', { body: { name: { en: 'Hats' }, categories: ['hat'], points } });
    if (status !== 201) throw new Error(`no checklist: ${status}`);
    const hook = await day.ask(merchant, SHOP, 'POST', '/webhooks', { body: { url: day.receiver.url(`/${merchant.name}`) } });
    secrets.set(`/${merchant.name}`, [hook.body.secret]);
  }
  return secrets;
}
