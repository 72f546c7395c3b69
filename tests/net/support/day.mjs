// SPDX-License-Identifier: Apache-2.0
// A day of a contact centre, and the ledger of all that the server acknowledged in it: what was said to be so has to be
// so after the server was killed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { token } from './louped.mjs';
import { Client } from './ws.mjs';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The server is gone: what was asked for may have happened or not. */
export class Gone extends Error {}

/** What is known of a case by its acknowledgements alone. */
export class Entry {
  facts = []; // { type, tag?: a text that stands in the event, held? }
  counts = {}; // type -> how many there are at least
  #waits = false; // undefined: not sure
  log = []; // what was thought of that last
  pending = 0; // requests without an answer
  touched = 0; // when the last one was sent, or answered
  accepting = false; // somebody takes its call, and has not been told that it began
  attended = false; // its buyer is at the page
  left = Date.now(); // when the buyer was there last
  opinions = {};
  questions = [];

  constructor(item, merchant) {
    this.item = item;
    this.merchant = merchant;
    this.take(item);
  }

  get waits() {
    return this.#waits;
  }

  set waits(is) {
    if (is !== this.#waits) this.log = [...this.log.slice(-7), `${Date.now()} ${is}`];
    this.#waits = is;
  }

  /** What somebody was told of the case, unless somebody else has heard of what came later. */
  take({ version, state }) {
    if (version < (this.version ?? 0)) return;
    Object.assign(this, { version, state });
  }

  note(type, tag) {
    this.facts.push({ type, tag });
  }

  count(type) {
    this.counts[type] = (this.counts[type] ?? 0) + 1;
  }

  get sure() {
    const kept = this.attended || Date.now() - this.left < 90_000; // of the two minutes
    return this.pending === 0 && !this.accepting && kept && this.waits !== undefined;
  }
}

export class Day {
  entries = new Map();
  others = []; // { what, check: async () => undefined } of what is no event
  merchants = [{ name: 'default', sign: (claims) => token(claims) }];
  done = {}; // what -> how often it was acknowledged
  list = []; // the queue as it was told last
  over = true;
  #tags = 0;

  /** `draw(n)`: 0 to n - 1. */
  constructor(data, draw) {
    this.data = data;
    this.draw = draw;
  }

  pick(list) {
    return list[this.draw(list.length)];
  }

  tag() {
    return `tag-${++this.#tags}-`;
  }

  did(what) {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }

  sql(statement) {
    const said = execFileSync('sqlite3', ['-json', '-cmd', '.timeout 10000', join(this.data, 'loupe.db'), statement],
      { encoding: 'utf8', maxBuffer: 1 << 29 });
    return said.trim() ? JSON.parse(said) : [];
  }

  /** One request; gives its answer. Of a case: `entry`. */
  async ask(merchant, claims, method, path, { body, entry, headers } = {}) {
    if (this.over) throw new Gone();
    if (entry && method !== 'GET') {
      entry.pending++;
      entry.touched = Date.now();
    }
    let answer;
    try {
      answer = await this.server.api(method, `/api/v1${path}`, { token: merchant.sign(claims), body, headers });
    } catch (error) {
      throw new Gone(error.message);
    }
    if (entry && method !== 'GET') {
      entry.pending--;
      entry.touched = Date.now();
    }
    assert.ok(answer.status < 500 || answer.status === 503, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer;
  }

  /** Everything there is, by case: [{ type, data }]. */
  events(ids) {
    const by = new Map(ids.map((id) => [id, []]));
    const those = ids.length > 400 ? '' : ` WHERE case_id IN (${ids.map((id) => `'${id}'`)})`;
    const rows = this.sql(`SELECT e.case_id AS id, e.seq, e.type, e.actor, e.data, e.at_us, i.body FROM events e LEFT JOIN internals i USING (case_id, seq)${those.replace('case_id', 'e.case_id')} ORDER BY e.case_id, e.seq`);
    for (const row of rows) by.get(row.id)?.push(row);
    return by;
  }

  /** Whether all that was acknowledged stands in the timelines; with `all`, of what was found before, too. */
  hold(all = false) {
    const those = [...this.entries.values()].filter((entry) => all || entry.facts.some(({ held }) => !held) || Object.keys(entry.counts).length);
    const events = this.events(those.map(({ item }) => item.id));
    for (const entry of those) {
      const told = events.get(entry.item.id);
      assert.ok(told.length, `case ${entry.item.id} is gone`);
      for (const fact of entry.facts.filter(({ held }) => all || !held)) {
        const there = told.some(({ type, actor, data, body }) => type === fact.type && (!fact.tag || `${actor} ${data} ${body}`.includes(fact.tag)));
        assert.ok(there, `${fact.type} ${fact.tag} of ${entry.item.id} was acknowledged, and is not among ${JSON.stringify(told.map(({ seq, type, data }) => [seq, type, data]))}`);
        fact.held = true;
      }
      for (const [type, least] of Object.entries(entry.counts)) {
        const is = told.filter((event) => event.type === type).length;
        assert.ok(is >= least, `${entry.item.id}: ${is} ${type}, ${least} were acknowledged: ${JSON.stringify(told.slice(-12).map(({ at_us: at, type: name, actor }) => [at, name, actor]))}`);
      }
    }
    return events;
  }

  /** Who waits now, as who watches over the queue is told it: all of the rows, in the order that is due. */
  async queue(merchant) {
    const rows = this.sql("SELECT w.case_id AS id, w.since_us - w.counted_us AS from_us, c.priority, json_extract(c.more, '$.tier') AS tier FROM waits w JOIN cases c ON c.id = w.case_id"
      + ` WHERE w.waits = 1 AND c.merchant = '${merchant.name}'`);
    const tiers = { silver: 20, gold: 50, vip: 80 };
    const due = rows.map(({ id, from_us: from, priority, tier }) => ({ id, rank: from / 1e6 - (tiers[tier] ?? 0) - 5 * priority }))
      .sort((a, b) => a.rank - b.rank).map(({ id }) => id);
    const client = new Client(this.server);
    await client.open;
    const sign = merchant.sign({ role: 'supervisor', sub: 'auditor' });
    await client.ask({ type: 'hello', token: sign }, 'welcome');
    let { waiting } = await client.expect('queue');
    while (waiting.length < due.length) ({ waiting } = await client.expect('queue')); // it was still being read
    await client.cut();
    return { due, is: waiting.map(({ case: id }) => id), since: new Map(waiting.map(({ case: id, waiting_since: at }) => [id, Date.parse(at)])) };
  }

  /** Its place was not another one by then: who is changed is put elsewhere a little later. */
  #stood(entry, at) {
    return entry.sure && (entry.changed ?? 0) < at - 2000;
  }

  /** The same as before the server died, as far as anybody could know. */
  async holdWaiting() {
    const rows = new Map(this.sql('SELECT case_id AS id, waits, talks FROM waits').map((row) => [row.id, row]));
    const before = this.list.filter(({ id, at }) => this.#stood(this.entries.get(id), at));
    for (const entry of this.entries.values()) {
      const waits = rows.get(entry.item.id)?.waits === 1;
      if (entry.sure) assert.equal(waits, entry.waits, `${entry.item.id}: waits is ${waits}, but ${entry.waits} was told: ${JSON.stringify(this.events([entry.item.id]).get(entry.item.id).slice(-9).map(({ type, data, actor, at_us: at }) => [at, type, actor, data]))} ${JSON.stringify(entry.log)}`);
    }
    for (const merchant of this.merchants) {
      const { due, is, since } = await this.queue(merchant);
      assert.deepEqual(is, due, 'not in the order that is due');
      if (merchant !== this.merchants[0]) continue;
      const ids = before.map(({ id }) => id).filter((id) => is.includes(id));
      assert.deepEqual(is.filter((id) => ids.includes(id)), ids, 'not in the order of before');
      for (const { id, at, since: was } of before)
        if (is.includes(id) && this.entries.get(id).touched < at - 1000) assert.ok(Math.abs(since.get(id) - was) < 700, `${id} waited since ${was}, now since ${since.get(id)}`);
      this.kept = (this.kept ?? 0) + ids.length;
    }
    for (const entry of this.entries.values()) {
      Object.assign(entry, { waits: rows.get(entry.item.id)?.waits === 1, pending: 0, accepting: false, attended: false, left: Date.now() });
    }
    assert.deepEqual(this.sql("SELECT id FROM cases WHERE state = 'in_call'"), [], 'a call outlived the server');
  }

  async holdOthers() {
    for (const { what, check } of this.others) assert.ok(await check(), what);
  }
}
