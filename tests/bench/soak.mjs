// SPDX-License-Identifier: Apache-2.0
// ./dev soak relay [minutes]: half load with joins and leaves. Fails when resident memory has grown by
// more than 1%, or descriptors at all. MINUTES=30 WARMUP=(a sixth of that) CALLS=75 VIEWERS=100 EVERY=1000 (ms).
import { leaveTheServersCore, loupeBench, louped, number, say, settings } from './support/bench.mjs';
import { soak } from './support/soak.mjs';

const seconds = number('MINUTES', 30) * 60;
const warmup = number('WARMUP', seconds / 6);
const size = { calls: number('CALLS', 75), viewers: number('VIEWERS', 100), leave: 2, video_bps: 1200000, room_bps: 2500000 };

leaveTheServersCore();
const found = await soak({ louped: louped(), loupeBench: loupeBench(), seconds, warmup, size, say, cpu: settings.serverCpu, every: number('EVERY', 1000) });
const flat = found.growth <= 0.01 && found.descriptors.last <= found.descriptors.first + 2;
console.log(JSON.stringify({ bench: 'soak', ...found, flat }));
process.exitCode = flat && found.code === 0 && found.corrupt === 0 ? 0 : 1;
