// SPDX-License-Identifier: Apache-2.0
// What people do in a call to a case's evidence, one after the other without end, until the server is gone.
// All that it acknowledged is noted in a ledger.
import { createHash } from 'node:crypto';
import { token } from './louped.mjs';

const bearer = token({ sub: 'agent-1', role: 'agent' });

/** What was acknowledged. */
export class Ledger {
  clips = new Map(); // id -> { kind, at: when it was acknowledged, until: when it ended, media_ms: how long media flowed }
  ready = new Map(); // id -> hash
  stills = new Map(); // id -> hash
  uploads = new Map(); // id of a photograph under way -> bytes that are kept
  chat = new Set();
  deleted = new Set(); // ids of clips and stills
  unsure = new Set(); // that were asked to be deleted
  exported = 0;
  done = {};

  /** The server is dead: to clips that it recorded media flowed since then. */
  flowed(since, killed) {
    for (const clip of this.clips.values())
      clip.media_ms ??= Math.max(0, Math.min(clip.until ?? Infinity, killed) - Math.max(clip.at, since));
  }

  count(what) {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(world, method, path, body) {
  const answer = await world.server.api(method, `/api/v1${path}`, { token: bearer, body });
  if (answer.status === 500) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer;
}

async function record(world) {
  const { draw, ledger, item } = world;
  const asked = await ask(world, 'POST', `/rooms/${item.room}/clips`, draw(3) ? {} : { preroll_seconds: 1 + draw(3) });
  if (asked.status !== 201) return;
  const clip = { kind: 'clip', at: Date.now() };
  ledger.clips.set(asked.body.id, clip);
  ledger.count('clip');
  await pause(draw(900));
  if (!draw(3)) return;
  clip.until = Date.now();
  await ask(world, 'POST', `/clips/${asked.body.id}/stop`, {});
}

async function lookBack(world) {
  const asked = await ask(world, 'POST', `/rooms/${world.item.room}/lookback`, { seconds: 1 + world.draw(5) });
  if (asked.status !== 201) return;
  world.ledger.clips.set(asked.body.id, { kind: 'lookback', at: Date.now() });
  world.ledger.count('lookback');
}

async function trim(world) {
  const { draw, ledger, whole } = world;
  const from_ms = draw(3000);
  const asked = await ask(world, 'POST', `/clips/${whole[draw(whole.length)]}/trim`, { from_ms, to_ms: from_ms + 300 + draw(3000) });
  if (asked.status !== 201) return;
  ledger.clips.set(asked.body.id, { kind: 'trim', at: Date.now() });
  ledger.count('trim');
}

async function still(world) {
  const asked = await ask(world, 'POST', `/rooms/${world.item.room}/stills`, {});
  if (asked.status !== 201) return;
  world.ledger.stills.set(asked.body.id, asked.body.sha256);
  world.ledger.count('still');
}

/** A request of the buyer's page about a photograph. */
const pageAsks = (world, method, id, headers, body) => fetch(`${world.server.url}/api/v1/photographs/${id}`, {
  method, body, headers: {
    authorization: `Bearer ${token({ role: 'buyer', sub: world.item.buyer.id, case: world.item.id })}`, ...headers,
  },
});

/** How much of it is kept; all of it if it is complete. */
async function stands(world, id) {
  const look = await pageAsks(world, 'GET', id);
  if (look.status !== 204) throw new Error(`the photograph ${id} is gone: ${look.status}`);
  if (look.headers.get('upload-complete') === '?1') return world.photo.length;
  const at = Number(look.headers.get('upload-offset'));
  const said = world.ledger.uploads.get(id);
  if (at < said) throw new Error(`${id}: of ${said} bytes ${at} are kept`);
  return at;
}

/** One piece: how far it stands then, or the still's hash. */
async function upload(world, id, offset, to) {
  const last = to >= world.photo.length;
  const digest = createHash('sha256').update(world.photo).digest('base64');
  const answer = await pageAsks(world, 'PATCH', id, {
    'content-type': 'application/partial-upload', 'upload-offset': String(offset),
    ...(last ? { 'upload-complete': '?1', 'repr-digest': `sha-256=:${digest}:` } : {}),
  }, world.photo.subarray(offset, to));
  const text = await answer.text();
  if (answer.status === 200) return { sha256: JSON.parse(text).sha256 };
  if (answer.status !== 204) throw new Error(`a piece of ${id}: ${answer.status} ${text}`);
  return { at: Number(answer.headers.get('upload-offset')) };
}

/** A new photograph, or one that was left unfinished. */
async function photograph(world) {
  const { draw, ledger, caller } = world;
  let [id] = ledger.uploads.keys();
  if (!id) {
    const asked = await caller.agent.ask({ type: 'photograph' });
    id = asked.photo;
    ledger.uploads.set(id, 0);
    ledger.count('photograph asked');
  }
  for (let at = await stands(world, id); ;) {
    const to = Math.min(at + 500 + draw(world.photo.length / 2), world.photo.length);
    const piece = await upload(world, id, at, to);
    if (piece.sha256) {
      ledger.stills.set(id, piece.sha256);
      ledger.uploads.delete(id);
      ledger.count('photograph');
      return;
    }
    at = piece.at;
    ledger.uploads.set(id, at);
    await pause(draw(60));
  }
}

async function chat(world) {
  const text = `word ${world.draw(1_000_000)}`;
  const { message } = await world.caller.agent.ask({ type: 'chat', text });
  world.ledger.chat.add(message);
  world.ledger.count('chat');
}

async function exportCase(world) {
  const answer = await fetch(`${world.server.url}/api/v1/cases/${world.item.id}/export`, { headers: { authorization: `Bearer ${bearer}` } });
  // It breaks off when something that is in it is deleted meanwhile.
  const bytes = await answer.arrayBuffer().then(Buffer.from, () => undefined);
  if (answer.status !== 200 || !bytes) return;
  world.ledger.exported++;
  world.ledger.count('export');
  world.keep(bytes);
}

/** Of those that are finished, one time in three as many as are made. */
async function remove(world) {
  const { ledger, draw, server, whole } = world;
  if (draw(3)) return;
  const clips = [...ledger.clips.keys()].filter((id) => !whole.includes(id) && !ledger.deleted.has(id));
  const stills = [...ledger.stills.keys()].filter((id) => !ledger.deleted.has(id));
  const [kind, ids] = draw(2) ? ['clips', clips] : ['stills', stills];
  if (ids.length === 0) return;
  const id = ids[draw(ids.length)];
  ledger.unsure.add(id); // until it is answered
  const { status, body } = await server.api('DELETE', `/api/v1/${kind}/${id}?reason=asked`, { token: token({ sub: 'shop', role: 'service' }) });
  if (status === 500) throw new Error(`DELETE ${id}: ${JSON.stringify(body)}`);
  if (status !== 200) return;
  ledger.deleted.add(id);
  ledger.count('deleted');
}

const DEEDS = { record, lookBack, trim, still, photograph, chat, exportCase, remove };

/** Does one of them again and again until `world.over`. What fails while the server lives is thrown. */
async function goOn(world, deed) {
  while (!world.over) {
    try {
      await DEEDS[deed](world);
    } catch (error) {
      if (world.over || world.server.code !== undefined) return;
      throw error;
    }
    await pause(20 + world.draw(200));
  }
}

/** All of them side by side; throws the first thing that went wrong, but only in the end. */
export function start(world) {
  const all = Object.keys(DEEDS).map((deed) => goOn(world, deed));
  return Promise.allSettled(all).then((ends) => {
    const failed = ends.find(({ status }) => status === 'rejected');
    if (failed) throw failed.reason;
  });
}
