// SPDX-License-Identifier: Apache-2.0
// Authentications by REST alone, with pictures from a real call: the checklist of the goods, each point shown and
// judged, verdict and certificate; and two appraisers who judge blind, with a third. The chain verifies, the store too.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Caller, startGenerator } from './support/caller.mjs';
import { buildFolder, startLouped, token } from './support/louped.mjs';

const folder = mkdtempSync(join(tmpdir(), 'loupe-authentication-'));
const service = token({ role: 'service', sub: 'shop' });
const appraiser = (sub) => token({ role: 'appraiser', sub });
let server;
let load;

before(async () => {
  server = await startLouped({ data: join(folder, 'data') });
  load = await startGenerator(folder);
});
after(async () => {
  await load?.end();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)}}`;
};
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

async function ask(who, method, path, body, status = 200) {
  const answer = await server.api(method, `/api/v1${path}`, { token: who, body });
  assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** What loupe-verify says of a certificate as it was fetched. */
function checked(document, status) {
  const file = join(folder, 'certificate.json');
  writeFileSync(file, canonical(document));
  const keys = `${server.url}/.well-known/loupe-keys.json`;
  const { status: is, stdout } = spawnSync(join(buildFolder, 'loupe-verify'), [file, '--keys', keys], { encoding: 'utf8' });
  assert.equal(is, status, stdout);
  return stdout;
}

/** A case of goods for which `points` are to be looked at, in a call whose pictures flow. */
async function inCall(t, members) {
  const item = await server.newCase({ kind: 'authentication', title: 'Secret title', ...members });
  const caller = new Caller(load, item);
  await caller.enter(server);
  t.after(() => caller.drop());
  await caller.seen();
  return item;
}

async function takeClip(who, item) {
  const { id } = await ask(who, 'POST', `/rooms/${item.room}/clips`, { label: 'all of it' }, 201);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await ask(who, 'POST', `/clips/${id}/stop`, {});
  for (;;) {
    const clip = await ask(who, 'GET', `/clips/${id}`);
    if (clip.state === 'ready') return clip;
    assert.notEqual(clip.state, 'failed');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A still or clip for each point, as it wants; gives what was put where. */
async function show(who, item) {
  const { points } = await ask(who, 'GET', `/cases/${item.id}/examination`);
  const clip = await takeClip(who, item);
  const shown = {};
  for (const { id, wants, optional } of points.filter((point) => !point.optional)) {
    assert.ok(!optional);
    const still = wants === 'clip' ? undefined : await ask(who, 'POST', `/rooms/${item.room}/stills`, { label: id }, 201);
    shown[id] = still ? { still: still.id, sha256: still.sha256 } : { clip: clip.id, sha256: clip.sha256 };
    await ask(who, 'PUT', `/cases/${item.id}/examination/points/${id}`, { evidence: [shown[id]] });
  }
  return shown;
}

/** The timeline, whose chain is computed anew. */
async function timeline(item) {
  const { items } = await ask(service, 'GET', `/cases/${item.id}/timeline`);
  let prev = '0'.repeat(64);
  for (const { hash, internal: _, internal_salt: __, ...event } of items) {
    assert.equal(event.prev, prev);
    assert.equal(hash, sha256(canonical({ ...event, case: item.id })), `event ${event.seq}`);
    prev = hash;
  }
  return items;
}

test('a handbag, from its checklist to a certificate that is revoked', { timeout: 60_000 }, async (t) => {
  const item = await inCall(t, { category: 'Handbag', brand: 'Aurelle', buyer: { id: 'owner-1', name: 'Secret Owner' } });
  const he = appraiser('he');
  const verdict = { verdict: 'genuine', grounds: [{ text: 'Stamp and code belong together.', evidence: [] }] };
  const give = (body, status) => ask(he, 'POST', `/cases/${item.id}/actions/verdict`, body, status);

  const first = await give(verdict, 409);
  const { points, checklist } = await ask(he, 'GET', `/cases/${item.id}/examination`);
  assert.equal(checklist.id, 'handbag');
  assert.deepEqual(first.missing.map(({ point }) => point), points.filter(({ optional }) => !optional).map(({ id }) => id));
  assert.ok(points.every(({ title, hint }) => title.en && title.zh && hint.en && hint.zh));

  const shown = await show(he, item);
  const second = await give(verdict, 409);
  assert.deepEqual(second.missing[0].lacks, ['judgement', 'note']);
  for (const id of Object.keys(shown)) {
    await ask(he, 'PUT', `/cases/${item.id}/examination/points/${id}`, { judgement: 'consistent', note: `Secret note on ${id}` });
  }
  const wrong = await give({ ...verdict, grounds: [{ text: 'x', evidence: ['0'.repeat(64)] }] }, 409);
  assert.deepEqual(wrong.unknown_evidence, ['0'.repeat(64)]);
  verdict.grounds[0].evidence = [shown.logo_stamp.sha256, shown.overall.sha256];
  assert.equal((await give(verdict, 200)).state, 'executed');

  const made = await ask(he, 'POST', `/cases/${item.id}/certificate`, { item: 'Leather handbag, black' }, 201);
  const seen = await ask(undefined, 'GET', `/certificates/${made.number.toLowerCase()}`);
  const said = ({ signature, signed_at: at, ...rest }) => rest;
  assert.deepEqual(said(seen), said(made));
  assert.equal(seen.state, 'valid');
  assert.equal(seen.points.find(({ id }) => id === 'zip').evidence[0].sha256, shown.zip.sha256);
  assert.doesNotMatch(JSON.stringify(seen), /secret|owner|"he"/i);
  const { signature, ...signed } = seen;
  const key = createPublicKey({ key: seen.key, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(`loupe-certificate-1\0${canonical(signed)}`), key, Buffer.from(signature, 'hex')));
  assert.match(checked(seen, 0), /says genuine; it was not revoked/);
  await ask(he, 'POST', `/certificates/${made.id}/revoke`, { reason: 'superseded', note: 'Secret' });
  const gone = await ask(undefined, 'GET', `/certificates/${made.id}`);
  assert.deepEqual([gone.state, gone.reason], ['revoked', 'superseded']);
  assert.match(checked(gone, 1), /was revoked at/);
  assert.match(checked({ ...gone, state: 'valid' }, 1), /signature does not fit/);
  await ask(he, 'POST', `/cases/${item.id}/actions/close`, {});

  // The owner does not believe it, and an arbiter does not either.
  const again = await ask(he, 'POST', `/cases/${item.id}/certificate`, {}, 201);
  const act = (who, action, body, status) => ask(who, 'POST', `/cases/${item.id}/actions/${action}`, body, status);
  const arbiter = token({ role: 'arbiter', sub: 'sun' });
  assert.equal((await act(token({ role: 'buyer', sub: item.buyer.id, case: item.id }), 'dispute', { statement: 'No.' })).state, 'disputed');
  assert.equal((await ask(undefined, 'GET', `/certificates/${again.id}`)).disputed, true);
  assert.equal((await ask(arbiter, 'GET', '/disputes')).items[0].case, item.id);
  await act(arbiter, 'review', {});
  const ruling = { liability: 'merchant', remedy: 'refund', grounds: [{ text: 'The stamp is another one.' }] };
  await act(arbiter, 'rule', ruling, 400);
  await act(arbiter, 'rule', { ...ruling, verdict_stands: false });
  assert.equal((await ask(undefined, 'GET', `/certificates/${again.id}`)).reason, 'disputed');
  await act(service, 'execute', {});
  await ask(he, 'POST', `/cases/${item.id}/certificate`, {}, 409);

  const told = (await timeline(item)).find(({ type }) => type === 'certificate_revoked');
  assert.equal(told.data.note, undefined);
  assert.deepEqual(told.internal, { note: 'Secret' });
  const types = (await timeline(item)).map(({ type }) => type);
  for (const type of ['checklist_pinned', 'point_examined', 'verdict_given', 'certificate_issued', 'certificate_revoked', 'closed']) {
    assert.ok(types.includes(type), type);
  }
});

/** What `sub` commits to, and its hash. */
function opinion(item, sub, verdict, points) {
  const said = {
    verdict, grounds: [{ text: `${sub} says so`, evidence: [] }], nonce: randomBytes(32).toString('hex'),
    points: Object.fromEntries(points.map((id) => [id, { judgement: 'consistent', note: `as ${sub} sees it` }])),
  };
  return { said, commitment: sha256(canonical({ ...said, by: sub, case: item.id })) };
}

test('two judge a watch blind, do not agree, and a third decides', { timeout: 60_000 }, async (t) => {
  const item = await inCall(t, { category: 'watch', buyer: { id: 'owner-2', name: 'Owner' } });
  const of = `/cases/${item.id}`;
  await ask(service, 'POST', `${of}/examination/blind`, {});
  const points = Object.keys(await show(appraiser('ann'), item));
  await ask(appraiser('ann'), 'PUT', `${of}/examination/points/${points[0]}`, { judgement: 'consistent' }, 409);
  const ann = opinion(item, 'ann', 'genuine', points);
  const bob = opinion(item, 'bob', 'counterfeit', points);
  const cyd = opinion(item, 'cyd', 'genuine', points);
  const reveal = (sub, one, status) => ask(appraiser(sub), 'POST', `${of}/opinions/reveal`, one.said, status);
  const commit = (sub, one, status = 201) => ask(appraiser(sub), 'POST', `${of}/opinions`, { commitment: one.commitment }, status);
  await commit('ann', ann);
  await reveal('ann', ann, 409);
  await commit('bob', bob);
  await commit('cyd', cyd, 409);
  await reveal('bob', { said: { ...bob.said, verdict: 'genuine' } }, 409);
  await reveal('bob', bob);
  assert.equal((await reveal('ann', ann)).verdict, undefined);
  await commit('cyd', cyd);
  const { verdict } = await reveal('cyd', cyd);
  assert.equal(verdict.verdict, 'genuine');
  assert.deepEqual(verdict.opinions, [1, 3]);
  const made = await ask(service, 'POST', `${of}/certificate`, {}, 201);
  assert.deepEqual([made.blind, made.appraisers], [true, 3]);
  // Anybody can hold a reveal against what was committed to before.
  const events = await timeline(item);
  for (const { actor, data } of events.filter(({ type }) => type === 'opinion_revealed')) {
    const { opinion: number, ...said } = data;
    const before = events.find((e) => e.type === 'opinion_committed' && e.data.opinion === number);
    assert.equal(before.data.commitment, sha256(canonical({ ...said, by: actor, case: item.id })));
  }
});

test('a merchant\'s own checklist is seen by no other, and examinations keep their version', async () => {
  const body = { name: { en: 'Hats' }, categories: ['hat'], points: [{ id: 'label', title: { en: '<b>Label</b>' } }] };
  const one = await ask(service, 'PUT', '/checklists/hats', body, 201);
  const item = await server.newCase({ kind: 'authentication', category: 'hat' });
  await ask(service, 'PUT', '/checklists/hats', { ...body, name: { en: 'Hats and caps' } }, 201);
  const { checklist, points } = await ask(appraiser('he'), 'GET', `/cases/${item.id}/examination`);
  assert.deepEqual([checklist.version, checklist.sha256, points[0].title.en], [1, one.sha256, '<b>Label</b>']);
  await ask(token({ role: 'agent' }), 'PUT', '/checklists/hats', body, 403);
  const { items } = await ask(service, 'GET', '/checklists');
  assert.deepEqual(items.filter(({ shipped }) => shipped).length, 6);
});

test('the whole store verifies', async () => {
  await server.stop();
  const out = execFileSync(join(buildFolder, 'loupectl'), ['verify', '--data', join(folder, 'data')], { encoding: 'utf8' });
  assert.match(out, /verif/i);
  server = undefined;
});
