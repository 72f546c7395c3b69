// SPDX-License-Identifier: Apache-2.0
// Who is there over WebSocket in a day of a contact centre: buyers who wait, drop, talk and go, agents who take calls,
// decline them, let them ring and pass them on, and somebody who watches the queue. All until the server is gone.
import { Gone, pause } from './day.mjs';
import { Client } from './ws.mjs';

/** One connection, whose requests end with it. */
class Person {
  heard = {}; // type -> handler

  constructor(day, merchant, claims) {
    Object.assign(this, { day, merchant, claims });
  }

  async arrive() {
    if (this.day.over) throw new Gone();
    this.client = new Client(this.day.server);
    this.gone = this.client.closed.then(() => {
      throw new Gone();
    });
    this.gone.catch(() => undefined);
    this.client.socket.on('message', (data) => {
      const message = JSON.parse(data);
      this.heard[message.type]?.(message);
    });
    await this.#until(this.client.open);
    const welcome = await this.ask({ type: 'hello', token: this.merchant.sign(this.claims) });
    return welcome.type === 'welcome';
  }

  async #until(promise) {
    promise.catch(() => undefined);
    try {
      return await Promise.race([promise, this.gone]);
    } catch (error) {
      if (error instanceof Gone || this.client.socket.readyState !== 1 || this.day.over) throw new Gone();
      throw error;
    }
  }

  /** A request and its answer; of a case `entry` that it may change. */
  async ask(message, entry) {
    if (this.day.over) throw new Gone();
    if (entry) {
      entry.pending++;
      entry.touched = Date.now();
    }
    const answer = await this.#until(this.client.answer(message));
    if (entry) {
      entry.pending--;
      entry.touched = Date.now();
    }
    return answer;
  }

  /** As long as that, or until the connection ends. */
  rest(ms) {
    return Promise.race([pause(ms), this.gone]);
  }

  cut() {
    return this.client.cut();
  }
}

const DONE = new Set(['closed', 'cancelled']);

/** The case of the entry is the buyer's; gives when the buyer has gone home. */
async function visit(day, entry) {
  const { id, buyer } = entry.item;
  const me = new Person(day, entry.merchant, { role: 'buyer', sub: buyer.id, case: id });
  let talks = false;
  me.heard.case = ({ case: one }) => {
    entry.take(one);
    if (DONE.has(entry.state)) entry.waits = false;
  };
  me.heard.waiting = ({ search }) => {
    if (DONE.has(entry.state) || !search) return;
    if (entry.waits !== true) day.did('waiting told');
    entry.waits = true;
  };
  me.heard.call_started = ({ agent }) => {
    talks = true;
    entry.waits = entry.accepting = false;
    entry.note('call_started', `"${agent.identity}"`);
  };
  me.heard.call_ended = ({ reason }) => {
    talks = false;
    if (reason === 'transferred') entry.waits = undefined; // to be told by `waiting`
  };
  if (!(await me.arrive())) return;
  const said = await me.ask({ type: 'consent', recording: true });
  if (said.type === 'ok') entry.note('recording_consent', `${buyer.id} {"recording":true}`);
  for (;;) {
    if (!talks && !DONE.has(entry.state)) await wait(day, me, entry, () => talks);
    await me.rest(30 + day.draw(500));
    if (talks && day.draw(3) === 0) await hangUp(day, me, entry);
    if (!talks && entry.state === 'proposed' && day.draw(2)) await settle(day, me, entry);
    if (!talks && entry.waits && day.draw(8) === 0) await giveUp(day, me, entry);
    if (day.draw(9) === 0) { // a drop, or a tunnel
      await me.cut();
      await pause(day.draw(200));
      if (day.draw(4) === 0 || !(await me.arrive())) return;
    }
  }
}

async function wait(day, me, entry, talks) {
  const was = entry.waits;
  if (was === false) entry.waits = undefined;
  const answer = await me.ask({ type: 'wait' }, entry);
  if (answer.type === 'waiting' && !answer.search) return; // somebody is there: the call begins
  if (answer.type === 'waiting' && !talks()) {
    if (was === false) entry.count('waiting_started');
    day.did('wait');
    entry.waits = DONE.has(entry.state) ? undefined : true;
  } else if (answer.type === 'error' && !talks()) {
    entry.waits = was;
  }
}

async function giveUp(day, me, entry) {
  entry.waits = undefined;
  const { type } = await me.ask({ type: 'stop_waiting' }, entry);
  if (type !== 'ok') return;
  entry.waits = false;
  entry.count('waiting_stopped');
  day.did('stop_waiting');
}

async function hangUp(day, me, entry) {
  const { type } = await me.ask({ type: 'hang_up' }, entry);
  if (type !== 'ok') return;
  entry.count('call_ended');
  day.did('hang_up');
}

async function settle(day, me, entry) {
  const tag = day.tag();
  const [action, data, event] = day.draw(3)
    ? ['agree', { note: tag }, 'outcome_agreed'] : ['dispute', { statement: tag }, 'outcome_disputed'];
  const { type } = await me.ask({ type: 'act', action, data }, entry);
  if (type !== 'ok') return;
  entry.note(event, tag);
  day.did(action);
}

/** Buyers come as long as the server is there. */
export async function buyers(day) {
  for (;;) {
    const away = [...day.entries.values()].filter((entry) => !entry.attended && !DONE.has(entry.state));
    if (day.over) throw new Gone();
    if (away.length === 0) {
      await pause(20);
      continue;
    }
    const entry = day.pick(away);
    entry.attended = true;
    await visit(day, entry);
    Object.assign(entry, { attended: false, left: Date.now() });
  }
}

/** In the call of that case: what an agent does in it. */
async function talk(day, me, entry) {
  await me.rest(20 + day.draw(150));
  if (day.draw(2)) {
    const tag = day.tag();
    const { type } = await me.ask({ type: 'act', action: 'propose', data: { outcome: 'refund', note: tag } }, entry);
    if (type === 'ok') entry.note('outcome_proposed', tag);
    if (type === 'ok') day.did('propose');
  }
  if (day.draw(3) === 0) {
    const tag = day.tag();
    const mode = day.pick(['blind', 'warm', 'invite']);
    entry.waits = undefined; // told by `waiting`, or by the next call
    const { type } = await me.ask({ type: 'act', action: 'transfer', data: { mode, note: tag, ...(day.draw(2) ? { agent: day.pick(AGENTS) } : {}) } }, entry);
    if (type === 'ok') entry.note('note_added', tag);
    if (type === 'ok') day.did(`transfer ${mode}`);
    await me.rest(20 + day.draw(200));
  }
  if (day.draw(6) === 0 && (await me.ask({ type: 'take_over' }, entry)).type === 'ok') day.did('take_over');
  if (day.draw(4)) await hangUp(day, me, entry);
  await me.ask({ type: 'leave' });
}

async function wrapUp(day, me, id) {
  const entry = day.entries.get(id);
  const tag = day.tag();
  if ((await me.ask({ type: 'wrap_up', case: id, disposition: 'solved', note: tag }, entry)).type !== 'ok') return;
  entry.count('wrapped_up');
  entry.note('note_added', tag);
  day.did('wrap_up');
}

const AGENTS = ['ann', 'bea', 'cai'];

export async function agent(day, merchant, sub) {
  const me = new Person(day, merchant, { role: day.draw(4) ? 'agent' : 'appraiser', sub });
  const offers = [];
  const owed = new Set(); // cases of which is asked what their calls came to
  me.heard.call_offer = (offer) => offers.push(offer);
  me.heard.wrap_up = ({ case: id }) => owed.add(id);
  me.heard.wrap_up_over = ({ case: id }) => owed.delete(id);
  me.heard.call_started = ({ case: id, agent: whose }) => {
    const entry = day.entries.get(id);
    if (!entry) return;
    entry.waits = entry.accepting = false;
    entry.note('call_started', `"${whose.identity}"`);
  };
  if (!(await me.arrive())) throw new Error(`${sub} was not let in`);
  for (;;) {
    for (const id of owed) await wrapUp(day, me, id);
    await me.ask({ type: 'available', on: true, capacity: 1 });
    for (let idle = 0; idle < 12 && !offers.length; idle++) await me.rest(25);
    const offer = offers.shift();
    const entry = offer && day.entries.get(offer.case.id);
    if (!entry) continue;
    day.did('offer');
    await me.rest(day.draw(60));
    const dice = day.draw(10);
    if (dice === 0) { // the agent's network goes
      await me.cut();
      offers.length = 0;
      if (!(await me.arrive())) return;
    } else if (dice < 3) {
      if ((await me.ask({ type: 'decline', reservation: offer.reservation })).type === 'ok') day.did('decline');
    } else if (dice === 3) {
      await me.rest(1200); // rings out
      day.did('ring out');
    } else {
      entry.accepting = true; // until `call_started`
      const answer = await me.ask({ type: 'accept', reservation: offer.reservation }, entry);
      if (answer.type === 'joined') {
        day.did('accept');
        await talk(day, me, entry);
      } else if (answer.type === 'error') {
        entry.accepting = false;
      }
    }
  }
}

/** Sees the queue, and keeps what was told last. */
export async function watcher(day) {
  const me = new Person(day, day.merchants[0], { role: 'supervisor', sub: 'sue' });
  me.heard.queue = ({ waiting }) => {
    const at = Date.now();
    day.list = waiting.map(({ case: id, waiting_since: since }) => ({ id, at, since: Date.parse(since) }));
  };
  await me.arrive();
  await me.gone;
}
