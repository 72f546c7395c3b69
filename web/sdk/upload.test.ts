// SPDX-License-Identifier: Apache-2.0
// Sending an attachment: begun once, then its pieces, over a lost one; a refusal is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoupeProblem, LoupeRest } from './rest.js';
import { sendAttachment } from './upload.js';

function served(refuse = false) {
  const calls: string[] = [];
  let [kept, lost] = [0, false];
  const fetch = async (url: string, init: { method: string; headers: Record<string, string>; body: Blob | string }) => {
    calls.push(`${init.method} ${url}`);
    if (init.method === 'POST') {
      assert.deepEqual(JSON.parse(init.body as string), { name: 'receipt.pdf', bytes: 600_000, visible: true });
      return new Response(JSON.stringify({ id: 'a1' }), { status: 201 });
    }
    if (init.method === 'DELETE') return new Response(null, { status: 204 });
    if (!lost) {
      lost = true;
      throw new TypeError('network');
    }
    assert.equal(Number(init.headers['Upload-Offset']), kept);
    kept += (init.body as Blob).size;
    const headers = { 'Upload-Offset': String(kept) };
    if (init.headers['Upload-Complete'] !== '?1') return new Response(null, { status: 204, headers });
    return refuse ? new Response('{"detail":"of no type"}', { status: 415 }) : new Response('{"id":"a1","state":"ready"}', { status: 200 });
  };
  return { calls, rest: new LoupeRest({ token: 't', base: '', fetch: fetch as unknown as typeof globalThis.fetch }) };
}

const file = Object.assign(new Blob([new Uint8Array(600_000)]), { name: ' receipt.pdf' });
const pause = () => Promise.resolve();

test('a file is begun once and sent in pieces', async () => {
  const { rest, calls } = served();
  const shares: number[] = [];
  const done = await sendAttachment(rest, 'c1', file, { visible: true }, { pause, progress: (share) => shares.push(share) });
  assert.equal(done.state, 'ready');
  assert.deepEqual(calls, ['POST /cases/c1/attachments', ...Array.from({ length: 4 }, () => 'PATCH /attachments/a1/upload')]);
  assert.deepEqual(shares.map((share) => Math.round(share * 100)), [44, 87]);
});

test('what is of no type that is taken is told, and taken back', async () => {
  const { rest, calls } = served(true);
  await assert.rejects(sendAttachment(rest, 'c1', file, { visible: true }, { pause }), (error: LoupeProblem) => error.status === 415);
  assert.equal(calls.at(-1), 'DELETE /attachments/a1/upload');
});
