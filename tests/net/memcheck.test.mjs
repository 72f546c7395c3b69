// SPDX-License-Identifier: Apache-2.0
// The refusals that go through libwebsockets' own parsing, under valgrind: it is not built with our
// sanitizers.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { raw, startLouped, token } from './support/louped.mjs';

const GOOD = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
const WS = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const UPGRADES = [
  ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'], ['Upgrade: foo'], ['Upgrade: h2c, websocket'],
  WS, [...WS, 'Sec-WebSocket-Protocol: loupe.v1', 'Origin: https://evil.example'],
];

test('refused upgrades and broken requests leave memory alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-memcheck-'));
  const log = join(folder, 'valgrind.log');
  const server = await startLouped({
    seconds: 90,
    program: ['valgrind', '--error-exitcode=99', '--leak-check=full', '--errors-for-leak-kinds=definite', `--log-file=${log}`],
  });
  const quiet = 2000;
  for (const before of ['', GOOD]) {
    for (const lines of UPGRADES) {
      const request = ['GET /ws HTTP/1.1', 'Host: x', 'Connection: Upgrade', ...lines, '', ''].join('\r\n');
      const { text, closed } = await raw(server, before + request, { quiet });
      assert.doesNotMatch(text, / 101 /, lines[0]);
      assert.ok(closed, lines[0]);
    }
  }
  const long = `POST /api/v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}`;
  assert.match((await raw(server, long, { quiet })).text, /^HTTP\/1\.1 413 /);
  await raw(server, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, { quiet });
  await raw(server, 'GET /%e6%9e HTTP/1.1\r\n', { quiet: 200 });
  await server.newCase();
  assert.equal((await server.api('GET', '/api/v1/cases', { token: token() })).body.items.length, 1);
  assert.equal(await server.stop(), 0, readFileSync(log, 'utf8').slice(-4000));
  rmSync(folder, { recursive: true });
});
