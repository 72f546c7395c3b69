// SPDX-License-Identifier: Apache-2.0
// The server over real HTTP: who is let in and who is not, what is refused, cases from end to end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { KEY, raw, startLouped, token } from './support/louped.mjs';

const ALLOWED = 'https://shop.example';
let server;
let agent;
let service;

before(async () => {
  server = await startLouped({ args: ['--allowed-origins', ALLOWED] });
  agent = token({ sub: 'agent-1', name: 'Mei' });
  service = token({ role: 'service', sub: 'back-end' });
});
after(async () => {
  assert.equal(await server.stop(), 0, server.log);
});

const buyerOf = (item, claims = {}) =>
  token({ role: 'buyer', sub: 'buyer-1', name: 'Lin', case: item.id, ...claims });

async function status(method, path, options) {
  return (await server.api(method, path, options)).status;
}

test('a token is needed, and must be good', async () => {
  const now = Math.floor(Date.now() / 1000);
  const bad = {
    'no token': undefined,
    'no JWT': 'abc',
    'alg none': token({}, { header: { alg: 'none' } }),
    'another alg': token({}, { header: { alg: 'HS512' } }),
    'unknown kid': token({ iss: 'other' }, { header: { kid: 'other' } }),
    'iss is not kid': token({ iss: 'other' }),
    'foreign key': token({}, { secret: 'not-the-secret' }),
    'no exp': token({ exp: undefined }),
    'past exp': token({ exp: now - 1 }),
    'exp too far ahead': token({ exp: now + 86400 + 30 }),
    'not valid yet': token({ nbf: now + 120 }),
    'issued in the future': token({ iat: now + 120 }),
    'no sub': token({ sub: undefined }),
    'empty sub': token({ sub: '' }),
    'long sub': token({ sub: 'x'.repeat(129) }),
    'unknown role': token({ role: 'king' }),
    'buyer without case': token({ role: 'buyer' }),
    'case is no id': token({ case: 'mine' }),
    'grants malformed': token({ grants: { publish: 'yes' } }),
    'signature cut': token().slice(0, -2),
    'no signature': token().replace(/[^.]*$/, ''),
    'four parts': `${token()}.x`,
    'too long': token({ name: 'x'.repeat(5000) }),
  };
  for (const [what, sent] of Object.entries(bad)) {
    const answer = await server.api('GET', '/api/v1/cases', { token: sent });
    assert.equal(answer.status, 401, what);
    assert.match(answer.headers.get('content-type'), /^application\/problem\+json/, what);
    assert.match(answer.headers.get('www-authenticate'), /^Bearer/, what);
    assert.equal(answer.body.status, 401);
  }
  assert.equal(await status('GET', '/api/v1/cases', { token: agent }), 200);
  assert.equal(await status('GET', `/api/v1/cases?access_token=${agent}`), 401);
});

test('a case is opened, read, listed', async () => {
  const made = await server.api('POST', '/api/v1/cases', {
    token: service,
    body: {
      kind: 'authentication', title: '手袋', reason: 'Is it genuine?', language: 'zh-CN', priority: 2,
      order: { number: 'A-1', total: { value: '120.00', currency: 'CNY' } },
      purchase_evidence: [{ at: 'x' }], buyer: { id: 'buyer-1', name: '林' },
    },
  });
  assert.equal(made.status, 201);
  assert.match(made.body.id, /^[0-9a-z]{26}$/);
  assert.match(made.body.number, /^C-\d{4}-\d{6}$/);
  assert.equal(made.body.state, 'open');
  assert.equal(made.body.title, '手袋');
  assert.match(made.body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(made.body.order.total, { value: '120.00', currency: 'CNY' });
  assert.equal(made.headers.get('location'), `/api/v1/cases/${made.body.id}`);

  const path = `/api/v1/cases/${made.body.id}`;
  const read = await server.api('GET', path, { token: buyerOf(made.body) });
  const { tags, links, ...seen } = made.body; // these are staff's
  assert.deepEqual([tags, links], [[], []]);
  assert.deepEqual(read.body, seen);
  const tag = read.headers.get('etag');
  assert.equal(await status('GET', path, { token: agent, headers: { 'if-none-match': tag } }), 304);

  const found = await server.api('GET', `/api/v1/cases?q=${encodeURIComponent('手袋')}&kind=authentication&state=open`, { token: agent });
  assert.deepEqual(found.body.items.map((item) => item.id), [made.body.id]);
  assert.equal((await server.api('GET', '/api/v1/cases?state=closed', { token: agent })).body.items.length, 0);
  assert.equal(await status('GET', '/api/v1/cases?state=lost', { token: agent }), 400);
  assert.equal(await status('GET', '/api/v1/cases?limit=0', { token: agent }), 400);
});

test('lists come in pages', async () => {
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await server.newCase({ title: `page-${i}` })).id);
  const seen = [];
  let cursor = '';
  do {
    const page = await server.api('GET', `/api/v1/cases?q=page-&limit=2${cursor}`, { token: agent });
    assert.ok(page.body.items.length <= 2);
    seen.push(...page.body.items.map((item) => item.id));
    cursor = page.body.next_cursor ? `&cursor=${page.body.next_cursor}` : '';
  } while (cursor);
  assert.deepEqual(seen.sort(), made.sort());
});

test('bad cases are refused', async () => {
  const good = { kind: 'inspection', title: 'x', buyer: { id: 'b', name: 'B' } };
  const bad = [
    { ...good, kind: 'other' }, { ...good, title: '' }, { ...good, title: 'x'.repeat(201) },
    { ...good, buyer: { id: 'b' } }, { ...good, buyer: undefined }, { ...good, priority: 99 },
    { ...good, order: [] }, { ...good, language: 'not a tag' }, { ...good, reason: 7 },
    { ...good, order: { x: 'y'.repeat(70000) } },
  ];
  for (const body of bad) {
    assert.equal(await status('POST', '/api/v1/cases', { token: service, body }), 400, JSON.stringify(body).slice(0, 99));
  }
  assert.equal(await status('POST', '/api/v1/cases', { token: service, body: { ...good, merchant: 'other' } }), 403);
  for (const role of ['appraiser', 'arbiter', 'viewer', 'supervisor', 'bot']) {
    assert.equal(await status('POST', '/api/v1/cases', { token: token({ role }), body: good }), 403, role);
  }
});

test('malformed JSON, other types and long bodies are refused', async () => {
  const post = (body, type) => status('POST', '/api/v1/cases', { token: service, body, type });
  const deep = `{"a":${'['.repeat(40)}${']'.repeat(40)}}`;
  for (const body of ['{', '[]', '"x"', '{"a":1,"a":2}', '{} x', '{"a":"\\ud800"}', deep, '{"a":1e999}']) {
    assert.equal(await post(body), 400, body.slice(0, 20));
  }
  assert.equal(await post('kind=x', 'application/x-www-form-urlencoded'), 415);
  assert.equal(await post('{}', 'text/plain'), 415);
  assert.equal(await post(JSON.stringify({ a: 'x'.repeat(1 << 20) })), 413);
  assert.equal(await post(JSON.stringify({ a: 'x'.repeat(8 << 20) })), 413);
  assert.equal(await status('GET', '/healthz'), 200);
});

test('another case, room or merchant is refused', async () => {
  const [mine, other] = [await server.newCase(), await server.newCase()];
  const id = mine.id;
  for (const path of ['', '/timeline', '/clips']) {
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: buyerOf(mine) }), 200, path);
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: buyerOf(other) }), 403, path);
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: token({ room: other.room }) }), 403, path);
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: token({ room: mine.room }) }), 200, path);
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: token({ role: 'viewer' }) }), 403, path);
    assert.equal(await status('GET', `/api/v1/cases/${id}${path}`, { token: token({ role: 'arbiter' }) }), 403, path);
  }
  const list = await server.api('GET', '/api/v1/cases', { token: buyerOf(mine) });
  assert.deepEqual(list.body.items.map((item) => item.id), [id]);
  assert.equal(await status('GET', '/api/v1/cases', { token: token({ role: 'bot' }) }), 403);
  assert.equal(await status('GET', `/api/v1/cases/${'0'.repeat(26)}`, { token: agent }), 404);
  assert.equal(await status('GET', '/api/v1/cases/x', { token: agent }), 404);
});

test('an idempotency key opens one case', async () => {
  const body = { kind: 'inspection', title: 'once', buyer: { id: 'b', name: 'B' } };
  const headers = { 'idempotency-key': 'order-77' };
  const first = await server.api('POST', '/api/v1/cases', { token: service, body, headers });
  const again = await server.api('POST', '/api/v1/cases', { token: service, body, headers });
  assert.equal(again.status, 201);
  assert.equal(again.body.id, first.body.id);
  const other = { ...body, title: 'twice' };
  assert.equal(await status('POST', '/api/v1/cases', { token: service, body: other, headers }), 422);
  const fresh = await server.api('POST', '/api/v1/cases', { token: service, body, headers: { 'idempotency-key': 'order-78' } });
  assert.notEqual(fresh.body.id, first.body.id);
  const colleague = await server.api('POST', '/api/v1/cases', { token: agent, body, headers });
  assert.equal(colleague.status, 201);
  assert.notEqual(colleague.body.id, first.body.id);
});

test('numbers come back as they were; those that are too large are refused', async () => {
  const order = '{"a":1.1,"b":0.1,"c":1e21,"d":5e-324,"e":-0.5,"f":9007199254740991}';
  const text = (what) => `{"kind":"inspection","title":"n","buyer":{"id":"b","name":"B"},"order":${what}}`;
  const made = await server.api('POST', '/api/v1/cases', { token: service, body: text(order) });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body.order, JSON.parse(order));
  const answer = await fetch(`${server.url}/api/v1/cases/${made.body.id}`, {
    headers: { authorization: `Bearer ${service}` },
  });
  assert.match(await answer.text(), /"a":1\.1,"b":0\.1,"c":1e\+21,"d":5e-324,/);
  const { status: code, body } = await server.api('POST', '/api/v1/cases', {
    token: service, body: text('{"n":9223372036854775808}'),
  });
  assert.equal(code, 400);
  assert.match(body.detail, /whole numbers are within/);
});

test('a dispute goes its way, and every step is on the timeline', async () => {
  const item = await server.newCase();
  const arbiter = token({ role: 'arbiter', sub: 'arbiter-1' });
  const act = (action, who, body = {}, headers = {}) =>
    server.api('POST', `/api/v1/cases/${item.id}/actions/${action}`, { token: who, body, headers });

  const early = await act('agree', buyerOf(item));
  assert.equal(early.status, 409);
  assert.deepEqual(early.body.allowed_states, ['proposed']);
  assert.equal(early.body.state, 'open');
  assert.equal((await act('propose', buyerOf(item), { outcome: 'refund' })).status, 403);
  assert.equal((await act('propose', agent, {})).status, 400);
  assert.equal((await act('fly', agent)).status, 404);

  const read = await server.api('GET', `/api/v1/cases/${item.id}`, { token: agent });
  const amount = { value: '20.00', currency: 'CNY' };
  const proposed = await act('propose', agent, { outcome: 'partial_refund', amount }, { 'if-match': read.headers.get('etag') });
  assert.equal(proposed.status, 200);
  assert.equal(proposed.body.state, 'proposed');
  assert.deepEqual(proposed.body.outcome.amount, amount);
  const stale = await act('dispute', buyerOf(item), { statement: 'No' }, { 'if-match': read.headers.get('etag') });
  assert.equal(stale.status, 412);
  assert.equal((await act('dispute', buyerOf(item), { statement: 'Too little' })).body.state, 'disputed');
  assert.equal((await act('review', arbiter)).body.state, 'in_review');
  assert.equal((await act('rule', agent, { liability: 'buyer', remedy: 'refund', grounds: [{ text: 'x' }] })).status, 403);
  const seen = (await server.api('GET', `/api/v1/cases/${item.id}/timeline`, { token: arbiter })).body.items.at(-1).hash;
  const ruling = { liability: 'merchant', remedy: 'refund', grounds: [{ text: 'As the buyer says', evidence: [seen] }] };
  assert.equal((await act('rule', arbiter, { ...ruling, grounds: [] })).status, 400);
  assert.equal((await act('rule', arbiter, ruling)).body.state, 'ruled');
  assert.equal((await act('execute', service, { reference: 'R-1' })).body.state, 'executed');
  assert.equal((await act('close', agent)).body.state, 'closed');

  const { items } = (await server.api('GET', `/api/v1/cases/${item.id}/timeline`, { token: buyerOf(item) })).body;
  assert.deepEqual(items.map((event) => event.type), [
    'case_opened', 'outcome_proposed', 'outcome_disputed', 'review_started', 'ruled', 'executed', 'closed',
  ]);
  let prev = '0'.repeat(64);
  for (const [index, { hash, ...event }] of items.entries()) {
    assert.equal(event.seq, index + 1);
    assert.equal(event.prev, prev);
    assert.equal(hash, createHash('sha256').update(canonical({ ...event, case: item.id })).digest('hex'));
    prev = hash;
  }
  const part = await server.api('GET', `/api/v1/cases/${item.id}/timeline?cursor=2&limit=3`, { token: agent });
  assert.equal(await status('GET', `/api/v1/cases/${item.id}/timeline?limit=0`, { token: agent }), 400);
  assert.deepEqual(part.body.items.map((event) => event.seq), [3, 4, 5]);
  assert.equal(part.body.next_cursor, '5');

  const figures = await server.api('GET', '/api/v1/stats', { token: token({ role: 'supervisor' }) });
  assert.equal(figures.status, 200);
  assert.ok(figures.body.cases_closed >= 1);
  assert.equal(await status('GET', '/api/v1/stats', { token: agent }), 403);
  assert.equal(await status('GET', '/api/v1/stats?from=yesterday', { token: service }), 400);
  assert.equal(await status('GET', '/api/v1/stats?group=bogus', { token: service }), 400);
});

/** Compact JSON with sorted keys. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value && typeof value === 'object') {
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

test('invites open the case to whom they name, and nobody invites above themselves', async () => {
  const item = await server.newCase();
  const invite = (who, body) => server.api('POST', `/api/v1/cases/${item.id}/invites`, { token: who, body });
  const made = await invite(agent, { role: 'buyer', ttl_seconds: 600 });
  assert.equal(made.status, 201);
  assert.equal(made.body.url, `${server.url}/c/#${made.body.token}`);
  assert.equal(made.body.identity, 'buyer-1');
  const left = Date.parse(made.body.expires_at) - Date.now();
  assert.ok(left > 590_000 && left <= 600_000, String(left));
  assert.equal(await status('GET', `/api/v1/cases/${item.id}`, { token: made.body.token }), 200);
  const other = await server.newCase();
  assert.equal(await status('GET', `/api/v1/cases/${other.id}`, { token: made.body.token }), 403);

  const expert = await invite(agent, { role: 'agent', identity: 'he', name: 'He', grants: { record: false } });
  assert.match(expert.body.url, /\/desk#/);
  const claims = JSON.parse(Buffer.from(expert.body.token.split('.')[1], 'base64url'));
  assert.equal(claims.iss, KEY);
  assert.equal(claims.case, item.id);
  assert.deepEqual(claims.grants, { publish: true, subscribe: true, record: false });

  assert.equal((await invite(agent, { role: 'arbiter' })).status, 403);
  assert.equal((await invite(agent, { role: 'appraiser' })).status, 403);
  assert.equal((await invite(service, { role: 'appraiser' })).status, 201);
  assert.equal((await invite(service, { role: 'arbiter' })).status, 201);
  assert.equal((await invite(service, { role: 'service' })).status, 400);
  assert.equal((await invite(service, { role: 'supervisor' })).status, 400);
  assert.equal((await invite(buyerOf(item), { role: 'viewer' })).status, 403);
  assert.equal((await invite(agent, { role: 'buyer', ttl_seconds: 5 })).status, 400);
  assert.equal((await invite(agent, { role: 'buyer', ttl_seconds: 86401 })).status, 400);
});

test('methods: 405 with Allow, HEAD, OPTIONS', async () => {
  const wrong = await server.api('DELETE', '/api/v1/cases', { token: agent });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
  assert.equal(await status('GET', '/api/v1/nothing', { token: agent }), 404);
  assert.equal(await status('PUT', '/healthz'), 405);
  const head = await server.api('HEAD', '/healthz');
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), '3');
  const options = await server.api('OPTIONS', '/api/v1/cases');
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('allow'), 'GET, HEAD, POST, OPTIONS');
});

test('CORS: the allowed origin and no other', async () => {
  const preflight = (origin) =>
    server.api('OPTIONS', '/api/v1/cases', {
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
  const good = await preflight(ALLOWED);
  assert.equal(good.headers.get('access-control-allow-origin'), ALLOWED);
  const allowed = good.headers.get('access-control-allow-headers');
  for (const name of ['Authorization', 'Upload-Offset', 'Upload-Complete', 'Repr-Digest']) {
    assert.match(allowed, new RegExp(name));
  }
  assert.match(good.headers.get('vary'), /Origin/);
  const bad = await preflight('https://evil.example');
  assert.equal(bad.headers.get('access-control-allow-origin'), null);
  const read = await server.api('GET', '/healthz', { headers: { origin: ALLOWED } });
  assert.equal(read.headers.get('access-control-allow-origin'), ALLOWED);
  assert.match(read.headers.get('access-control-expose-headers'), /ETag.*Upload-Offset/);
});

const upgrade = (lines, path = '/ws') =>
  raw(server, [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, 'Connection: Upgrade', ...lines, '', ''].join('\r\n'));
const WS = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Protocol: loupe.v1'];

test('only websocket is an upgrade, only at /ws, only for our own pages', async () => {
  const good = await upgrade([...WS, `Origin: http://127.0.0.1:${server.port}`]);
  assert.match(good.text, /^HTTP\/1\.1 101 /);
  assert.match((await upgrade(WS)).text, /^HTTP\/1\.1 101 /);
  assert.match((await upgrade([...WS, `Origin: ${ALLOWED}`])).text, /^HTTP\/1\.1 101 /);
  const refused = {
    h2c: await upgrade(['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
    other: await upgrade(['Upgrade: foo']),
    several: await upgrade(['Upgrade: h2c, websocket', ...WS.slice(1)]),
    'another path': await upgrade(WS, '/api/v1/cases'),
    'no subprotocol': await upgrade(WS.slice(0, 3)),
    'another subprotocol': await upgrade([...WS.slice(0, 3), 'Sec-WebSocket-Protocol: http']),
    'a longer subprotocol': await upgrade([...WS.slice(0, 3), 'Sec-WebSocket-Protocol: loupe.v10']),
    // libwebsockets would serve the first name that it knows, and no hello would be asked for.
    'another one of ours first': await upgrade([...WS.slice(0, 3), 'Sec-WebSocket-Protocol: http, loupe.v1']),
    'a watcher first': await upgrade([...WS.slice(0, 3), 'Sec-WebSocket-Protocol: loupe-watch, loupe.v1']),
    'foreign origin': await upgrade([...WS, 'Origin: https://evil.example']),
    'null origin': await upgrade([...WS, 'Origin: null']),
  };
  for (const [what, { text }] of Object.entries(refused)) {
    assert.doesNotMatch(text, /HTTP\/1\.1 101/, what);
    assert.match(text, /^(HTTP\/1\.[01] 4\d\d |$)/, what);
  }
  assert.match(refused['foreign origin'].text, /^HTTP\/1\.[01] 403 /);
  assert.match(refused.h2c.text, /^HTTP\/1\.1 426 /);
  const preface = await raw(server, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.ok(preface.closed || !/101|HTTP\/2/.test(preface.text));
  // On a connection that has served a request already.
  const kept = await raw(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n');
  assert.doesNotMatch(kept.text, / 101 /);
  assert.equal(await status('GET', '/healthz'), 200);
});

test('hostile and broken requests do no harm', async () => {
  const long = 'x'.repeat(20_000);
  const samples = [
    'GARBAGE\r\n\r\n', 'GET\r\n\r\n', 'GET http://x/ HTTP/1.1\r\n\r\n', '\0\0\0\0\r\n\r\n',
    `GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${long}\r\n\r\n`,
    'POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}',
    'POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}',
    'POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\n{}',
    'POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    // (A NUL at the very end of a path libwebsockets drops: /%00 is / then.)
    'GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /api/v1/cases?%=&&&=;;%41=%zz HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /healthz HTTP/1.1\r\nHost',
  ];
  for (const sample of samples) {
    const { text } = await raw(server, Buffer.from(sample, 'latin1'), { quiet: 400 });
    assert.doesNotMatch(text, /HTTP\/1\.1 (2|101)/, sample.slice(0, 60));
    assert.doesNotMatch(text, /root:/);
  }
  const chunked = await raw(server, samples[9], { quiet: 400 });
  assert.match(chunked.text, /^HTTP\/1\.1 411 /);
  const absent = await raw(server, `POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${service}\r\n\r\n`);
  assert.match(absent.text, /^HTTP\/1\.1 400 /, 'an empty body is an empty object');
  assert.ok(absent.closed);
  assert.equal(await status('GET', '/healthz'), 200);
});

test('requests one behind the other on one connection', async () => {
  const one = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const list = `GET /api/v1/cases?limit=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${agent}\r\n\r\n`;
  const { text, closed } = await raw(server, one + list + list + one);
  const answers = text.split('HTTP/1.1 200').length - 1;
  // libwebsockets 4.3 does not hold the second back while the first waits: it closes, and the client
  // sends them anew.
  assert.ok(answers === 4 || closed, text);
  const old = await raw(server, 'GET /healthz HTTP/1.0\r\n\r\n');
  assert.match(old.text, /^HTTP\/1\.1 200 [\s\S]*ok\n$/);
  assert.ok(old.closed);
});

test('health, readiness, metrics and the description', async () => {
  assert.equal(await status('GET', '/readyz'), 200);
  const metrics = await server.api('GET', '/metrics');
  assert.match(metrics.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  assert.match(metrics.body, /^loupe_http_requests_total [1-9]/m);
  for (const [whole] of metrics.body.matchAll(/^loupe_\w+/gm)) {
    const name = whole.replace(/(_seconds)_(bucket|sum|count)$/, '$1');
    assert.match(metrics.body, new RegExp(`^# HELP ${name} .+\n# TYPE ${name} (counter|gauge|histogram)$`, 'm'));
  }
  assert.match(metrics.body, /^loupe_media_packets_in_total \d+$/m);
  for (const name of ['probes_sent', 'feedback_sent', 'feedback_received', 'reports_received', 'layer_switches'])
    assert.match(metrics.body, new RegExp(`^loupe_media_${name}_total 0$`, 'm'));
  assert.match(metrics.body, /^loupe_media_join_seconds_bucket\{le="\+Inf"\} 0$/m);
  for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via']) {
    const asked = { headers: { [name]: '203.0.113.9' } };
    assert.equal(await status('GET', '/metrics', asked), 401, name);
    assert.equal(await status('GET', '/metrics', { ...asked, token: service }), 200, name);
  }
  assert.equal(await status('GET', '/metrics', { token: agent }), 403);
  assert.equal(await status('GET', '/metrics', { token: service }), 200);
  const description = await server.api('GET', '/openapi.json');
  assert.equal(description.body.openapi.slice(0, 2), '3.');
  for (const path of ['/api/v1/cases', '/api/v1/cases/{id}/actions/{action}', '/api/v1/clips/{id}/media', '/whip/{room}']) {
    assert.ok(description.body.paths[path], path);
  }
});

test('pages come with a policy and a tag', async () => {
  const page = await server.api('GET', '/c/');
  if (page.status === 404) return; // the pages are not built here
  assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  const tag = page.headers.get('etag');
  assert.equal(await status('GET', '/c/', { headers: { 'if-none-match': tag } }), 304);
  const script = /src="(\/assets\/[^"]+)"/.exec(page.body)[1];
  const asset = await server.api('GET', script);
  assert.match(asset.headers.get('cache-control'), /immutable/);
  assert.match(asset.headers.get('content-type'), /^text\/javascript/);
  assert.equal(await status('GET', '/desk'), 200);
  assert.equal(await status('POST', '/c/', { body: {} }), 405);
  assert.equal(await status('GET', '/c/nothing'), 404);
});
