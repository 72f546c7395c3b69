// SPDX-License-Identifier: Apache-2.0
// Slow readers: whoever takes something in is served to the end, however long it takes.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setInterval as every } from 'node:timers/promises';
import { startLouped } from './support/louped.mjs';

const SIZE = 12 << 20; // more than the system's buffers hold
const BYTES_A_TICK = 65536;

test('a long answer to a slow reader comes whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loupe-slow-'));
  writeFileSync(join(folder, 'long.js'), Buffer.alloc(SIZE, 0x61));
  const server = await startLouped({ args: ['--web', folder] });
  const socket = net.connect(server.port, '127.0.0.1');
  socket.pause();
  let ended = false;
  socket.on('error', () => { ended = true; }).on('close', () => { ended = true; });
  socket.write('GET /long.js HTTP/1.1\r\nHost: x\r\n\r\n');
  let got = 0;
  // 256 KiB/s: most of a minute, more than any timeout of a connection that stands still.
  for await (const _ of every(250)) {
    const chunk = socket.read(BYTES_A_TICK) ?? socket.read();
    got += chunk ? chunk.length : 0;
    if (ended || got > SIZE) break;
  }
  assert.ok(got > SIZE, `${got} of ${SIZE} bytes came`);
  socket.destroy();
  assert.equal(await server.stop(), 0, server.log);
  rmSync(folder, { recursive: true, force: true });
});
