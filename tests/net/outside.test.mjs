// SPDX-License-Identifier: Apache-2.0
// What others have written works unchanged: tokens of an outside JWT library, webhooks checked by an outside library of
// Standard Webhooks, and a client that is made of the OpenAPI file; which is as OpenAPI 3.1 wants it, has an example for
// every call, and says what the server answers in truth.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { KEY, SECRET, startLouped } from './support/louped.mjs';
import { Receiver } from './support/receiver.mjs';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { SignJWT } = require('jose');
const { OpenAPIClientAxios } = require('openapi-client-axios');
const { Validator } = await import(require.resolve('@seriousme/openapi-schema-validator'));
const Ajv2020 = require('ajv/dist/2020.js').default;
const addFormats = require('ajv-formats').default;

const document = JSON.parse(readFileSync(new URL('../../server/openapi.json', import.meta.url)));
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
let server, receiver;

before(async () => {
  receiver = await new Receiver().start();
  server = await startLouped({ args: ['--webhook-private'] });
});
after(async () => {
  await server.stop();
  await receiver.stop();
});

/** Every call: { path, method, call }. */
function* calls() {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) if (item[method]) yield { path, method, call: item[method] };
  }
}

const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
ajv.addSchema({ $id: 'loupe', components: document.components });

/** What of a schema of the document a value does not fit; undefined: it does. */
function misfit(schema, value) {
  const at = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"loupe#/components'));
  const check = ajv.compile(at);
  return check(value) ? undefined : check.errors.map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ');
}

const jwt = (claims, { alg = 'HS256', kid = KEY, secret = SECRET, ends = '10m' } = {}) =>
  new SignJWT(claims).setProtectedHeader({ alg, typ: 'JWT', kid }).setIssuer(kid).setSubject(claims.sub ?? 'back-end')
    .setIssuedAt().setExpirationTime(ends).sign(new TextEncoder().encode(secret));

const list = (token) => server.api('GET', '/api/v1/cases', { token });

test('tokens of an outside JWT library are taken as they are', async () => {
  assert.equal((await list(await jwt({ role: 'service' }))).status, 200);
  assert.equal((await list(await jwt({ role: 'agent', sub: '安', name: 'Ann', grants: { record: false } }))).status, 200);
  assert.equal((await list(await jwt({ role: 'service' }, { alg: 'HS512', secret: SECRET.repeat(3) }))).status, 401);
  assert.equal((await list(await jwt({ role: 'service' }, { secret: `${SECRET}.` }))).status, 401);
  assert.equal((await list(await jwt({ role: 'service' }, { kid: 'nobody' }))).status, 401);
  assert.equal((await list(await jwt({ role: 'service' }, { ends: '-1s' }))).status, 401);
  assert.equal((await list(await jwt({ role: 'service' }, { ends: '25h' }))).status, 401);
});

test('the document is OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  assert.equal(result.valid, true, JSON.stringify(result.errors)?.slice(0, 2000));
  assert.equal(validator.version, '3.1');
});

test('every call has a name, says what it does, declares its parameters, and has examples that fit', () => {
  const names = new Set();
  const wrong = [];
  const look = (where, content) => {
    for (const [type, media] of Object.entries(content ?? {})) {
      if (!/json/.test(type) || !media.schema) continue;
      const examples = media.examples ? Object.values(media.examples).map(({ value }) => value) : 'example' in media ? [media.example] : [];
      if (examples.length === 0) wrong.push(`${where}: no example`);
      for (const example of examples) {
        const why = misfit(media.schema, example);
        if (why) wrong.push(`${where}: ${why}`);
      }
    }
  };
  for (const { path, method, call } of calls()) {
    const where = `${method} ${path}`;
    if (!call.summary) wrong.push(`${where}: no summary`);
    if (!/^[a-z][A-Za-z]+$/.test(call.operationId ?? '') || names.has(call.operationId)) wrong.push(`${where}: operationId`);
    names.add(call.operationId);
    const declared = new Set([...(document.paths[path].parameters ?? []), ...(call.parameters ?? [])].filter((p) => p.in === 'path').map(({ name }) => name));
    const wanted = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    if ([...wanted].join() !== [...declared].join()) wrong.push(`${where}: path parameters ${[...declared]}`);
    look(`${where} takes`, call.requestBody?.content);
    for (const [status, answer] of Object.entries(call.responses)) {
      if (status.startsWith('2')) look(`${where} answers ${status}`, answer.content);
    }
  }
  assert.deepEqual(wrong, []);
});

test('a client made of the document does a case from its opening to its rating, and is told what the document says', async () => {
  const client = await new OpenAPIClientAxios({
    definition: document,
    axiosConfigDefaults: { baseURL: server.url, headers: { Authorization: `Bearer ${await jwt({ role: 'service' })}` } },
  }).init();
  const as = async (claims) => ({ headers: { Authorization: `Bearer ${await jwt(claims)}` } });
  const fits = ({ status, data, config }, operation) => {
    const { call } = [...calls()].find((one) => one.call.operationId === operation);
    const schema = call.responses[status]?.content?.['application/json']?.schema;
    assert.ok(call.responses[status], `${operation} answers ${status}, which is not in the document`);
    const why = schema && misfit(schema, data);
    assert.equal(why, undefined, `${operation} ${config.url}: ${why}`);
    return data;
  };
  const call = async (operation, ...given) => fits(await client[operation](...given), operation);

  const hook = await call('createWebhook', {}, { url: receiver.url('/outside'), event_types: ['rated'] });
  receiver.secrets.set('/outside', [hook.secret]);
  const one = await call('createCase', {}, {
    kind: 'inspection', title: 'A cup', reason: 'broken', language: 'zh-CN', tier: 'gold',
    order: { number: 'A-1', total: { value: '120.00', currency: 'CNY' } }, buyer: { id: 'lin', name: 'Lin Yue' },
  });
  const id = { id: one.id };
  assert.equal((await call('getCase', id)).number, one.number);
  assert.ok((await call('listCases', { state: 'open', limit: 5 })).items.some((item) => item.id === one.id));
  const invite = await call('createCaseInvite', id, { role: 'buyer' });
  assert.match(invite.url, /\/c\/#/);
  const [agent, buyer] = [await as({ role: 'agent', sub: 'ann' }), { headers: { Authorization: `Bearer ${invite.token}` } }];
  const act = (action, body, who) => call('actOnCase', { ...id, action }, body, who);
  assert.equal((await act('propose', { outcome: 'refund', amount: { value: '60.00', currency: 'CNY' } }, agent)).state, 'proposed');
  assert.equal((await act('agree', {}, buyer)).state, 'agreed');
  assert.equal((await act('rate', { score: 5, text: 'Quick', resolved: true }, buyer)).satisfaction.score, 5);
  await assert.rejects(act('agree', {}, buyer), ({ response }) => {
    assert.equal(response.status, 409);
    assert.equal(misfit(document.components.schemas.Problem, response.data), undefined);
    return true;
  });
  const timeline = await call('getCaseTimeline', id);
  assert.equal(timeline.items.at(-1).type, 'rated');
  assert.equal((await call('getStats', { group: 'reason' })).items[0].reason, 'broken');
  for (const operation of ['listCaseClips', 'listCaseStills', 'listCaseHolds', 'listCaseTombstones', 'listCaseAccesses', 'listCaseNotes']) {
    assert.ok(Array.isArray((await call(operation, id)).items), operation);
  }
  for (const operation of ['getRetention', 'listRetentionChanges', 'listWebhooks', 'listApiKeys', 'getLog']) await call(operation);
  const key = await call('createApiKey', {}, { scopes: ['read'] });
  await call('rotateApiKey', { id: key.id }, { overlap_seconds: 60 });
  await call('deleteApiKey', { id: key.id });
  // And the webhook that came of it is good for the library that its makers give out.
  const [event] = await receiver.wait(1, ({ path }) => path === '/outside');
  assert.deepEqual(event.verified, [hook.secret]);
  assert.equal(event.data.event.data.score, 5);
  assert.equal(misfit(document.components.schemas.WebhookEvent, JSON.parse(event.body)), undefined);
});
