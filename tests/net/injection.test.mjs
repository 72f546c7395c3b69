// SPDX-License-Identifier: Apache-2.0
// Texts that mean something elsewhere (SQL, JSON, spreadsheets, log lines, headers, HTML, terminals) in every field that
// takes a text: they are refused, or come back as they were, and nothing else happens.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildFolder, raw, startLouped, token } from './support/louped.mjs';
import { Client } from './support/ws.mjs';

const HOSTILE = [
  `'; DROP TABLE cases; --`, `" OR "1"="1`, `%' OR 1=1 --`, `x' UNION SELECT secret FROM api_keys --`, 'NULL', `\\'; --`,
  `"},"state":"closed","x":{"`, '\\u0000', '{"$ref":"#"}', '${7*7}{{7*7}}#{7*7}', '$(touch pwned)`id`', '../../etc/passwd',
  `=HYPERLINK("http://evil.example","x")`, `=cmd|'/c calc'!A0`, '+1+1', '-1+1', '@SUM(1,1)',
  'x level=error event=pwned', '"time=0 level=error event=pwned', 'a: b', 'Set-Cookie: a=b', '%0d%0aSet-Cookie: a=b',
  '<script>window.pwned=1</script>', '"><img src=x onerror="window.pwned=1">', `' onmouseover='window.pwned=1`, 'javascript:window.pwned=1',
  '</title></textarea></style><svg onload=window.pwned=1>', '&lt;b&gt;', '%s%s%n%x', '{0}', 'AUX', '\u202e\u2066gnp.exe', '𝕏\u0301',
];
/** These are no texts of people's: each is refused. */
const CONTROL = ['a\r\nSet-Cookie: a=b', 'a\nlevel=error event=pwned', 'a\u0000b', 'a\u001b[31mred', 'a\u009b31m', '\u0007'];
const folder = mkdtempSync(join(tmpdir(), 'loupe-injection-'));
const service = token({ role: 'service', sub: 'shop' });
const agent = token({ role: 'agent', sub: 'ann' });
let server;
const api = (method, path, who, body) => server.api(method, `/api/v1${path}`, { token: who, body });
const ctl = (...args) => spawnSync(join(buildFolder, 'loupectl'), [...args, '--data', server.data], { encoding: 'utf8' });
const cases = [];

before(async () => {
  server = await startLouped();
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const facts = (text) => ({
  kind: 'inspection', title: text.slice(0, 60), reason: text, tier: text.slice(0, 60), category: text, brand: text, team: text.slice(0, 60),
  order: { [text]: text, number: text }, purchase_evidence: [{ promise: text }], buyer: { id: `b ${text}`, name: text },
});

test('facts of a case come back as they were', async () => {
  for (const text of HOSTILE) {
    const made = await api('POST', '/cases', service, facts(text));
    assert.equal(made.status, 201, `${text}: ${JSON.stringify(made.body)}`);
    const { body } = await api('GET', `/cases/${made.body.id}`, agent);
    const { title, reason, brand, order, buyer } = facts(text);
    assert.deepEqual([body.title, body.reason, body.brand, body.order, body.buyer, body.state], [title, reason, brand, order, buyer, 'open']);
    cases.push(body);
  }
  const { body } = await api('GET', '/cases?limit=200', agent);
  assert.equal(body.items.length, HOSTILE.length);
});

test('control characters are refused wherever people write', async () => {
  for (const text of CONTROL) {
    const bad = (members) => ({ ...facts('x'), ...members });
    const bodies = [bad({ buyer: { id: text, name: 'x' } }), bad({ buyer: { id: 'x', name: text } })];
    if (text !== CONTROL[1]) bodies.push(bad({ reason: text }), bad({ title: text })); // a line end is fine there
    for (const body of bodies) assert.equal((await api('POST', '/cases', service, body)).status, 400, JSON.stringify(body));
    assert.equal((await api('GET', '/cases', token({ role: 'agent', sub: text }))).status, 401);
  }
});

test('queries find what they say, and nothing more', async () => {
  for (const [i, text] of HOSTILE.entries()) {
    const { status, body } = await api('GET', `/cases?limit=200&q=${encodeURIComponent(text)}`, agent);
    assert.ok(status === 200 || status === 400, `${text}: ${status}`);
    if (status === 200) assert.ok(body.items.length < HOSTILE.length, `${text} finds all`);
    for (const name of ['state', 'kind', 'cursor', 'limit', 'tag']) {
      const said = await api('GET', `/cases?${name}=${encodeURIComponent(text)}`, agent);
      assert.ok(said.status === 400 || (said.status === 200 && said.body.items.length === (name === 'tag' ? 0 : said.body.items.length)), `${name} ${text}`);
      if (name !== 'tag') assert.equal(said.status, 400, `${name}=${text}`);
    }
    assert.equal((await api('GET', `/cases/${encodeURIComponent(text)}`, agent)).status >= 400, true);
    assert.equal((await api('POST', `/cases/${cases[i].id}/actions/${encodeURIComponent(text)}`, agent, {})).status >= 400, true);
  }
});

test('what is said of a case, in chat, by a buyer or an agent, comes back as it was', async () => {
  const page = new Client(server);
  await page.open;
  for (const [i, text] of HOSTILE.entries()) {
    const one = cases[i];
    const buyer = token({ role: 'buyer', sub: one.buyer.id, case: one.id, name: text });
    const act = (action, who, body) => api('POST', `/cases/${one.id}/actions/${action}`, who, body);
    assert.equal((await act('propose', agent, { outcome: 'refund', note: text })).body.outcome.note, text);
    assert.equal((await act('agree', buyer, { note: text })).body.state, 'agreed');
    assert.equal((await act('rate', buyer, { score: 3, text })).body.satisfaction.text, text);
    assert.equal((await act('execute', service, { reference: text })).body.execution.reference, text);
    const { body } = await api('GET', `/cases/${one.id}/timeline`, buyer);
    assert.deepEqual(body.items.slice(1).map(({ data }) => data.note ?? data.text ?? data.reference), [text, text, text, text]);
    await api('POST', `/cases/${one.id}/invites`, service, { role: 'agent', name: text, identity: `i ${text}` });
    await api('POST', `/cases/${one.id}/holds`, service, { reason: text });
  }
  await page.ask({ type: 'hello', token: agent }, 'welcome');
  await page.ask({ type: 'join', case: cases[0].id }, 'joined');
  const said = HOSTILE.slice(0, 20);
  for (const text of said) await page.ask({ type: 'chat', text }, 'ok');
  const other = new Client(server);
  await other.open;
  await other.ask({ type: 'hello', token: token({ role: 'agent', sub: 'abe' }) }, 'welcome');
  await other.ask({ type: 'join', case: cases[0].id }, 'joined');
  const { messages } = await other.expect('history');
  assert.deepEqual(messages.map(({ text }) => text), said);
  await other.cut();
  await page.cut();
});

test('no cell of a table is a formula, and each row has its columns', async () => {
  for (const group of ['reason', 'team', 'agent']) {
    const { body, headers } = await api('GET', `/stats?group=${group}&format=csv`, service);
    assert.match(headers.get('content-type'), /^text\/csv/);
    const path = join(folder, `${group}.csv`);
    writeFileSync(path, body);
    // A reader of its own, so that quotes are read as others read them.
    const rows = JSON.parse(execFileSync('python3', ['-c', 'import csv,json,sys; print(json.dumps(list(csv.reader(open(sys.argv[1],newline="",encoding="utf-8")))))', path], { encoding: 'utf8' }));
    for (const row of rows) {
      assert.equal(row.length, rows[0].length);
      for (const cell of row) assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
    }
    if (group === 'reason') for (const text of HOSTILE) assert.ok(rows.some(([key]) => key === text || key === `'${text}`), text);
  }
});

test('headers are ours alone', async () => {
  const ours = /^(access-control-|allow|cache-control|content-|date|etag|location|referrer-policy|retry-after|server|strict-transport|vary|www-authenticate|x-content-type|x-frame|cross-origin|permissions-policy|keep-alive|connection|accept-ranges|transfer-encoding)/;
  const controls = CONTROL.filter((text) => !text.includes('\0')); // a NUL in a path closes the connection
  for (const text of [...HOSTILE, ...controls]) {
    const sent = encodeURIComponent(text);
    for (const path of [`/api/v1/stats?format=csv&group=${sent}`, `/api/v1/${sent}`, `/${sent}`, `/live/${sent}`, `/api/v1/cases/${cases[0].id}/export?person=${sent}`]) {
      const { headers } = await server.api('GET', path, { token: service });
      for (const [name, value] of headers) {
        assert.match(name, ours, `${name} of ${path}`);
        assert.doesNotMatch(value, /a=b/);
      }
    }
  }
  const odd = await raw(server, `GET /api/v1/cases HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\rSet-Cookie: a=b\r\nConnection: close\r\n\r\n`);
  assert.doesNotMatch(odd.text, /^set-cookie/im);
});

test('the log has one line for each event, of our own making', async () => {
  for (const text of HOSTILE) {
    await fetch(`${server.url}/api/v1/cases`, { headers: { authorization: `Bearer ${encodeURIComponent(text)}`, 'user-agent': encodeURIComponent(text) } });
    await api('POST', '/webhooks', service, { url: `https://${text}/`, description: text });
  }
  for (const line of server.log.split('\n').filter((text) => text && !text.startsWith('louped: warning: '))) {
    assert.match(line, /^\d{4}-\S+Z (debug|info |warn |error) [a-z0-9_]+( [a-z][a-z0-9_]*=("(\\.|[^"\\])*"|[^\s"]*))*$/, line);
    assert.doesNotMatch(line, /^\S+ \S+\s+pwned/);
  }
});

test('terminals and reports show texts as texts', async () => {
  const listed = ctl('cases', 'list', '--limit', '200');
  assert.equal(listed.stdout.trim().split('\n').length, HOSTILE.length);
  assert.doesNotMatch(listed.stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  const one = cases[HOSTILE.findIndex((text) => text.includes('<img'))];
  const { body } = await api('POST', `/cases/${one.id}/export`, service);
  const archive = join(folder, 'case.zip');
  writeFileSync(archive, Buffer.from(await (await fetch(new URL(body.url, server.url))).arrayBuffer()));
  const html = execFileSync('python3', ['-c', 'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print("".join(z.read(n).decode() for n in z.namelist() if n.endswith(".html")))', archive], { encoding: 'utf8' });
  assert.ok(html.includes('&lt;img src=x'), 'the report tells of it');
  assert.doesNotMatch(html, /<img src=x|<svg onload|<script>window/);
});

test('and the store is whole', () => {
  const verified = ctl('verify');
  assert.equal(verified.status, 0, verified.stdout.slice(0, 1000));
});
