// SPDX-License-Identifier: Apache-2.0
// A case as a record that several people write: nobody overwrites what they have not seen, and the timeline says what was
// changed from what to what.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, startLouped, token } from './support/louped.mjs';
import { enter } from './support/ws.mjs';

let server;
before(async () => {
  server = await startLouped();
});
after(() => server.stop());

const agent = (sub) => token({ role: 'agent', sub });
const change = (one, who, body, etag) =>
  server.api('PATCH', `/api/v1/cases/${one.id}`, { token: who, body, headers: etag ? { 'if-match': etag } : {} });
const read = (one, who = agent('ann')) => server.api('GET', `/api/v1/cases/${one.id}`, { token: who });

async function timeline(one) {
  const { body } = await server.api('GET', `/api/v1/cases/${one.id}/timeline`, { token: agent('ann') });
  return body.items;
}

test('two agents change a case at once: the second gets 412 with the case to merge with, and nothing is lost', async () => {
  const one = await server.newCase({ brand: 'Loom' });
  const [ann, bea] = [agent('ann'), agent('bea')];
  const seen = (await read(one)).headers.get('etag');
  const both = await Promise.all([
    change(one, ann, { title: 'Two cups', tier: 'gold' }, seen),
    change(one, bea, { reason: 'Broken on the way', tier: 'silver' }, seen),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
  const [won, lost] = both[0].status === 200 ? both : [...both].reverse();
  assert.match(lost.headers.get('content-type'), /^application\/problem\+json/);
  assert.equal(lost.body.status, 412);
  assert.deepEqual(lost.body.case, won.body);
  assert.equal(lost.headers.get('etag'), won.headers.get('etag'));
  // The second puts theirs to it, and nothing of the first's is gone.
  const [late, mine] = won === both[0] ? [bea, { reason: 'Broken on the way' }] : [ann, { title: 'Two cups' }];
  const merged = await change(one, late, mine, lost.headers.get('etag'));
  assert.equal(merged.status, 200);
  assert.deepEqual(merged.body, { ...won.body, ...mine, version: 3, changed_at: merged.body.changed_at });
  const told = (await timeline(one)).filter(({ type }) => type === 'case_changed');
  assert.deepEqual(told.map(({ data }) => Object.keys(data.changes).sort()),
    won === both[0] ? [['tier', 'title'], ['reason']] : [['reason', 'tier'], ['title']]);
});

test('many at once: each change that was answered with 200 is there, in order, and the store verifies', async () => {
  const one = await server.newCase();
  const agents = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const done = [];
  await Promise.all(agents.map(async (name) => {
    for (let i = 0; i < 5; ) {
      const before_ = await read(one, agent(name));
      const order = { ...before_.body.order, [`${name}${i}`]: i };
      const { status } = await change(one, agent(name), { order }, before_.headers.get('etag'));
      assert.ok(status === 200 || status === 412, String(status));
      if (status === 200) done.push(`${name}${i++}`);
    }
  }));
  assert.deepEqual(Object.keys((await read(one)).body.order).sort(), done.sort());
  assert.equal((await read(one)).body.version, 41);
  const answer = execFileSync(join(buildFolder, 'loupectl'), ['verify', '--data', server.data], { encoding: 'utf8' });
  assert.match(answer, /^looked at \d+ cases/m);
  const metrics = (await server.api('GET', '/metrics')).body;
  assert.match(metrics, /^loupe_case_changes_total 4[0-9]$/m);
  assert.match(metrics, /^loupe_case_conflicts_total [1-9]/m);
});

test('who is in the room is told, and an action on an older case is refused with what it is now', async () => {
  const one = await server.newCase();
  const ann = await enter(server, { role: 'agent', sub: 'ann' });
  await ann.ask({ type: 'join', case: one.id }, 'joined');
  await ann.expect('case');
  assert.equal((await change(one, agent('bea'), { title: 'Told', brand: 'Loom' }, '"1"')).status, 200);
  const { case: told } = await ann.expect('case', (message) => message.case.version === 2);
  assert.equal(told.title, 'Told');
  await ann.cut();
  const late = await server.api('POST', `/api/v1/cases/${one.id}/actions/cancel`, {
    token: agent('ann'), body: {}, headers: { 'if-match': '"1"' },
  });
  assert.equal(late.status, 412);
  assert.equal(late.body.case.title, 'Told');
});

test('without If-Match nothing is changed, and hostile texts are but texts', async () => {
  const one = await server.newCase();
  assert.equal((await change(one, agent('ann'), { title: 'x' })).status, 428);
  const texts = [`'); DROP TABLE cases; --`, '<script>alert(1)</script>', '=1+1', '","state":"closed', '${7*7}', '\u202eabc'];
  for (const text of texts) {
    const { status, body } = await change(one, agent('ann'), { title: text, order: { [text]: text } }, '*');
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.title, text);
    assert.equal(body.order[text], text);
    assert.equal(body.state, 'open');
  }
  assert.equal((await change(one, agent('ann'), { title: 'a\u0000b' }, '*')).status, 400);
  assert.equal((await change(one, agent('ann'), '{"title":"a","title":"b"}', '*')).status, 400);
  assert.equal((await change(one, agent('ann'), '[1]', '*')).status, 400);
  assert.equal((await change(one, agent('ann'), { title: 'x' }, 'nonsense')).status, 412);
  assert.equal((await change(one, agent('ann'), { constructor: 'x' }, '*')).status, 400);
});

test('what is internal reaches no buyer, over REST, WebSocket or export; the chain is the same for all', async () => {
  const one = await server.newCase();
  const other = await server.newCase({ title: 'SECRET other' });
  const buyer = token({ role: 'buyer', sub: 'buyer-1', case: one.id });
  const page = await enter(server, { role: 'buyer', sub: 'buyer-1', case: one.id });
  await page.expect('case');
  const post = (path, body) => server.api('POST', `/api/v1/cases/${one.id}/${path}`, { token: agent('ann'), body });
  assert.equal((await post('notes', { text: 'SECRET note' })).status, 201);
  assert.equal((await post('notes', { text: 'Your parcel is here', visible: true })).status, 201);
  assert.equal((await post('tags', { add: ['SECRET tag'] })).status, 200);
  assert.equal((await post('links', { case: other.id, relation: 'reinspection_of' })).status, 201);
  const linked = (await read(other)).body;
  assert.deepEqual(linked.links.map(({ case: id, relation }) => [id, relation]), [[one.id, 'reinspected_by']]);
  assert.equal((await post('actions/transfer', { team: 'cups', note: 'SECRET pass' })).status, 200);
  const { case: told } = await page.expect('case', (message) => message.case.version === 4);
  assert.equal(told.transfer.team, 'cups');
  assert.equal(JSON.stringify([told, page.messages]).includes('SECRET'), false);
  for (const path of ['', '/timeline', '/notes']) {
    const seen = await server.api('GET', `/api/v1/cases/${one.id}${path}`, { token: buyer });
    assert.equal(seen.status, 200);
    assert.equal(JSON.stringify(seen.body).includes('SECRET'), false, path);
    assert.equal(JSON.stringify(seen.body).includes(other.id), false, path);
  }
  const notes = await server.api('GET', `/api/v1/cases/${one.id}/notes`, { token: buyer });
  assert.deepEqual(notes.body.items.map(({ text }) => text), ['Your parcel is here']);
  const mine = (await server.api('GET', `/api/v1/cases/${one.id}/timeline`, { token: buyer })).body.items;
  const theirs = await timeline(one);
  assert.deepEqual(mine.map(({ hash }) => hash), theirs.map(({ hash }) => hash));
  assert.ok(theirs.some(({ internal }) => internal?.text === 'SECRET note'));
  assert.ok(theirs.some(({ type, actor, internal }) => type === 'note_added' && actor === 'ann' && internal?.text === 'SECRET pass'));
  for (const who of ['buyer', 'viewer']) {
    const theirs_ = token({ role: who, sub: 'buyer-1', case: one.id });
    const tried = await server.api('POST', `/api/v1/cases/${one.id}/notes`, { token: theirs_, body: { text: 'x', visible: true } });
    assert.equal(tried.status, 403);
  }
  const zip = await fetch(`${server.url}/api/v1/cases/${one.id}/export`, { headers: { authorization: `Bearer ${agent('ann')}` } });
  assert.equal(Buffer.from(await zip.arrayBuffer()).includes('SECRET'), false);
  await page.cut();
  execFileSync(join(buildFolder, 'loupectl'), ['verify', '--data', server.data]);
});
