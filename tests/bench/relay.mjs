// SPDX-License-Identifier: Apache-2.0
// Packets relayed per CPU-second of the server process: N two-party calls (each side publishes Opus
// and VP8 and watches the other), the same generator, the same path, one server after the other.
// CALLS=50 SECONDS=60 KBPS=1200 by default.
import { fileURLToPath } from 'node:url';
import { Host, cpuSeconds, has, residentKiB, sleep } from './support/host.mjs';
import { Janus } from './support/janus.mjs';
import { Load } from './support/load.mjs';
import { Loupe } from './support/loupe.mjs';

const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const calls = number('CALLS', 50);
const seconds = number('SECONDS', 60);
const video_bps = number('KBPS', 1200) * 1000;
const build = process.env.BUILD ?? fileURLToPath(new URL('../../build', import.meta.url));
const say = (text) => process.stderr.write(`${text}\n`);

async function measure(name, start) {
    say(`${name}: ${calls} calls, ${seconds} s`);
    const load = new Load(`${build}/loupe-bench`);
    const server = await start();
    try {
        for (let i = 0; i < calls; i++) await server.call(load, i, video_bps);
        for (let i = 0; i < 100 && (await load.report()).connected < calls * 4; i++) await sleep(100);
        await sleep(3000);
        await load.reset();
        const cpu = cpuSeconds(server.pid);
        await sleep(seconds * 1000);
        const report = await load.report();
        const used = cpuSeconds(server.pid) - cpu;
        return {
            packets_per_cpu_second: Math.round(report.received / used),
            cpu_seconds: Number(used.toFixed(2)),
            ...report,
            lost: report.expected - report.received,
            resident_kib: residentKiB(server.pid),
        };
    } finally {
        await load.end();
        await server.stop();
    }
}

const host = Host.make();
const result = { bench: 'relay', calls, seconds, kbps: video_bps / 1000, path: host.name ? 'veth' : 'loopback' };
try {
    result.loupe = await measure('loupe', () => Loupe.start(host, `${build}/louped`));
    if (host.name && has('/usr/bin/janus')) {
        result.janus = await measure('janus, as installed', () => Janus.start(host));
        result.janus_one_loop = await measure('janus, event_loops = 1', () => Janus.start(host, 1));
        const ratio = (peer) => Number((result.loupe.packets_per_cpu_second / peer.packets_per_cpu_second).toFixed(2));
        result.ratio_to_janus = ratio(result.janus);
        result.ratio_to_janus_one_loop = ratio(result.janus_one_loop);
    } else {
        say('janus: left out (it needs Debian\'s package and a network namespace)');
    }
} finally {
    host.remove();
}
console.log(JSON.stringify(result));
