// SPDX-License-Identifier: Apache-2.0
// What the benchmarks share: settings from the environment, alternating runs, medians, one interval
// measured. The server has one core and the generator, with this program, the other.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Host, cpuSeconds, has, residentKiB, sleep, softirqSeconds } from './host.mjs';
import { Janus } from './janus.mjs';
import { Load } from './load.mjs';
import { Loupe } from './loupe.mjs';

export const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
export const list = (name, otherwise) => (process.env[name] ?? otherwise).split(',').map(Number);
export const say = (text) => process.stderr.write(`${text}\n`);
export const round = (value, digits = 3) => Number(value.toFixed(digits));

export const settings = {
    seconds: number('SECONDS', 8),
    warmup: number('WARMUP', 4),
    runs: number('RUNS', 3),
    serverCpu: process.env.SERVER_CPU ?? '0',
    loadCpu: process.env.LOAD_CPU ?? '1',
    build: process.env.BUILD ?? fileURLToPath(new URL('../../../build', import.meta.url)),
    only: process.env.ONLY?.split(','),
};

export const louped = () => `${settings.build}/louped`;
export const loupeBench = () => `${settings.build}/loupe-bench`;

/** This program, and with it the generators it starts, leave the server's core alone. */
export function leaveTheServersCore() {
    execFileSync('taskset', ['-a', '-p', '-c', settings.loadCpu, String(process.pid)], { stdio: 'ignore' });
}

/** The servers to measure, by name; ONLY=loupe,janus leaves some out. Janus takes part where it is
 *  installed and a network namespace can be made (it ignores loopback). */
export function servers(host) {
    const all = { loupe: (options) => Loupe.start(host, louped(), { cpu: settings.serverCpu, ...options }) };
    if (host.name && has('/usr/bin/janus')) {
        all.janus = () => Janus.start(host, { cpu: settings.serverCpu });
        all.janus_one_loop = () => Janus.start(host, { cpu: settings.serverCpu, eventLoops: 1 });
    } else {
        say("janus: left out (it needs Debian's package and a network namespace)");
    }
    const wanted = Object.entries(all).filter(([name]) => !settings.only || settings.only.includes(name));
    return Object.fromEntries(wanted);
}

/** Runs `work(host)` on a host of its own and prints what it returns as one line. */
export async function bench(name, work) {
    leaveTheServersCore();
    const host = Host.make();
    try {
        const { seconds, warmup, runs } = settings;
        const path = host.name ? 'veth' : 'loopback';
        const found = await work(host);
        console.log(JSON.stringify({ bench: name, path, seconds, warmup, runs, ...found }));
    } finally {
        host.remove();
    }
}

export const median = (values) => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1];

/** Of several results the one in the middle by `key`, with all values of that key. */
export function middle(results, key) {
    const sorted = [...results].sort((a, b) => a[key] - b[key]);
    return { ...sorted[(sorted.length - 1) >> 1], all: results.map((result) => result[key]) };
}

/** Waits until `count` of what the generator reports under `key` are there. */
export async function until(load, key, count, seconds = 30) {
    const end = Date.now() + seconds * 1000;
    for (;;) {
        const report = await load.report();
        if (report[key] >= count) return report;
        if (Date.now() > end) throw new Error(`only ${report[key]} of ${count} ${key}`);
        await sleep(50);
    }
}

/** `count` times `work(index)`, `width` at a time. */
export async function many(count, width, work) {
    let next = 0;
    const worker = async () => {
        while (next < count) await work(next++);
    };
    await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
}

/** One interval: what the generator saw, and the CPU seconds it and the server took for it. */
export async function measure(load, server, seconds = settings.seconds) {
    await load.reset();
    const before = (await load.report()).cpu_seconds;
    const cpu = cpuSeconds(server.pid);
    const softirq = softirqSeconds(settings.serverCpu);
    const start = process.hrtime.bigint();
    await sleep(seconds * 1000);
    const used = cpuSeconds(server.pid) - cpu;
    const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
    const kernel = softirqSeconds(settings.serverCpu) - softirq;
    const report = await load.report();
    const lost = Math.max(0, report.expected - report.received - report.padding);
    return {
        packets_per_cpu_second: Math.round(report.received / used),
        server_cpu: round(used / elapsed),
        softirq_thread_cpu: round(kernel / elapsed),
        generator_cpu: round((report.cpu_seconds - before) / elapsed),
        packets_per_second: Math.round(report.received / elapsed),
        loss: round(lost / Math.max(1, report.expected), 6),
        resident_kib: residentKiB(server.pid),
        report,
    };
}

/** The parts of a report worth keeping. */
export function brief({ report, ...rest }) {
    const { p50_ms, p90_ms, p99_ms, max_ms } = report.video_delay;
    const { spread, ...fairness } = report.fairness;
    return {
        ...rest,
        video_delay_ms: { p50: p50_ms, p90: p90_ms, p99: p99_ms, max: max_ms },
        audio_delay_ms: { p50: report.audio_delay.p50_ms, p99: report.audio_delay.p99_ms },
        first_to_last_ms: { p50: spread.p50_ms, p99: spread.p99_ms },
        fairness: Object.fromEntries(Object.entries(fairness).map(([key, value]) => [key, round(value)])),
        checked: report.checked, corrupt: report.corrupt, reordered: report.reordered,
        repeated: report.repeated, asked_again: report.nacks, refused_by_kernel: report.refused,
    };
}

export function describe(name, what, found) {
    const { p50_ms, p99_ms } = found.report.video_delay;
    say(`${name}, ${what}: ${found.packets_per_cpu_second} packets per CPU-second, server `
        + `${Math.round(found.server_cpu * 100)}%, generator ${Math.round(found.generator_cpu * 100)}%, loss `
        + `${(found.loss * 100).toFixed(3)}%, delay ${p50_ms.toFixed(2)} / ${p99_ms.toFixed(2)} ms, `
        + `${found.report.corrupt} of ${found.report.checked} corrupt`);
}

export function newLoad() {
    const words = [];
    if (number('TRANSPORT_CC', 1) === 0) words.push('--no-transport-cc');
    if (number('GRO', 1) === 0) words.push('--no-gro');
    return new Load(loupeBench(), words);
}
