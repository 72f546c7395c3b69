// SPDX-License-Identifier: Apache-2.0
// The bad network itself: loses the share it should, the same for the same seed, delays, keeps the order,
// queues, and rewrites answers.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Losses } from './impair/chance.mjs';
import { ImpairRelay, throughRelay } from './impair/relay.mjs';

function lost(seed, count, share, burst) {
  const losses = new Losses(seed);
  return Array.from({ length: count }, () => losses.next(share, burst));
}

test('losses have their share and length, and repeat with the seed', () => {
  const one = lost(7, 50_000, 0.1);
  assert.deepEqual(one, lost(7, 50_000, 0.1));
  assert.notDeepEqual(one, lost(8, 50_000, 0.1));
  const share = (list) => list.filter(Boolean).length / list.length;
  const bursts = (list) => list.filter((now, i) => now && !list[i - 1]).length;
  assert.ok(Math.abs(share(one) - 0.1) < 0.01, `${share(one)}`);
  const long = lost(7, 50_000, 0.1, 8);
  assert.ok(Math.abs(share(long) - 0.1) < 0.02, `${share(long)}`);
  const length = (share(long) * long.length) / bursts(long);
  assert.ok(Math.abs(length - 8) < 1, `${length}`);
  assert.equal(share(lost(1, 100, 1)), 1);
  assert.equal(share(lost(1, 100, 0)), 0);
});

/** A server that echoes, behind a relay; send() gives what came back of `count` packets, with its times. */
async function echo(t, rules) {
  const server = createSocket('udp4');
  server.on('message', (packet, from) => server.send(packet, from.port, from.address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const relay = await ImpairRelay.start({ target: `127.0.0.1:${server.address().port}`, seed: 3, ...rules });
  const client = createSocket('udp4');
  t.after(() => [server, client, relay].forEach((one) => one.close()));
  const came = [];
  client.on('message', (packet) => came.push({ n: packet.readUInt32BE(), at: performance.now() }));
  const send = async (count, size, waitMs) => {
    came.length = 0;
    const begin = performance.now();
    for (let n = 0; n < count; n++) {
      const packet = Buffer.alloc(size);
      packet.writeUInt32BE(n);
      client.send(packet, relay.port, '127.0.0.1');
    }
    const end = Date.now() + waitMs;
    while (came.length < count && Date.now() < end) await new Promise((done) => setTimeout(done, 5));
    return came.map(({ n, at }) => ({ n, ms: at - begin }));
  };
  return { relay, send };
}

test('a clear relay passes everything on, in order', async (t) => {
  const { send } = await echo(t, {});
  assert.deepEqual((await send(50, 200, 5000)).map(({ n }) => n), Array.from({ length: 50 }, (_, n) => n));
});

test('delay adds up over both directions; jitter keeps the order', async (t) => {
  const { send } = await echo(t, { up: { delayMs: 40 }, down: { delayMs: 20, jitterMs: 30 } });
  const came = await send(40, 100, 5000);
  assert.equal(came.length, 40);
  assert.ok(came[0].ms >= 59, `${came[0].ms}`);
  assert.ok(came.every(({ n }, i) => n === i));
});

test('a slow link queues, then drops; rules may change', async (t) => {
  const { relay, send } = await echo(t, { up: { rateBps: 1_000_000, queuePackets: 10 } });
  // 1222 + 28 bytes: 10 ms each.
  const came = await send(40, 1222, 1500);
  assert.ok(came.length >= 10 && came.length <= 13, `${came.length}`);
  assert.ok(came.at(-1).ms >= 95, `${came.at(-1).ms}`);
  assert.equal(relay.up.counts.overflowed, 40 - came.length);
  relay.set({ rateBps: 0, loss: 1 });
  assert.equal((await send(20, 100, 100)).length, 0);
  relay.set({ loss: 0 });
  assert.equal((await send(20, 100, 5000)).length, 20);
});

test('an answer leads through the relay alone', () => {
  const sdp = [
    'v=0', 'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=candidate:1 1 udp 2130706431 127.0.0.1 9000 typ host',
    'a=candidate:2 1 udp 2130706430 192.0.2.1 9000 typ host generation 0',
    'a=candidate:3 1 tcp 1677721855 127.0.0.1 9 typ host tcptype passive', 'a=end-of-candidates', '',
  ].join('\r\n');
  const through = throughRelay(sdp, 4711).split('\r\n');
  assert.deepEqual(through.filter((line) => line.startsWith('a=candidate')), [
    'a=candidate:1 1 udp 2130706431 127.0.0.1 4711 typ host',
  ]);
  assert.equal(through.length, 5);
});
