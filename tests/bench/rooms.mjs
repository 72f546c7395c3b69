// SPDX-License-Identifier: Apache-2.0
// One room: one publisher (VP8-shaped, 2.5 Mbit/s, and Opus) and N viewers. Packets relayed per
// CPU-second of the server process, beside what this machine can do at best and beside Janus.
// N=50,100,200,400 KBPS=2500 SECONDS=8 WARMUP=4 RUNS=3 by default.
import { bench, brief, describe, list, many, measure, middle, median, newLoad, number, round, say, servers, settings, until }
    from './support/bench.mjs';
import { sleep } from './support/host.mjs';
import { limit } from './support/limit.mjs';

const counts = list('N', '50,100,200,400').sort((a, b) => a - b);
const video_bps = number('KBPS', 2500) * 1000;

/** One server, with more and more viewers. */
async function grow(name, start, found) {
    const load = newLoad();
    const server = await start();
    try {
        const room = await server.publish(load, 0, video_bps);
        await until(load, 'connected', 1);
        let there = 0;
        for (const count of counts) {
            await many(count - there, 8, (i) => server.view(load, room, `viewer${there + i}`));
            there = count;
            await until(load, 'connected', count + 1);
            await sleep(settings.warmup * 1000);
            const one = await measure(load, server);
            describe(name, `${count} viewers`, one);
            const delivered = round(one.report.received / (one.report.sent * count), 5);
            (found[count][name] ??= []).push({ ...brief(one), delivered });
        }
    } catch (error) {
        say(`${name}: ${error.message}`);
    } finally {
        await load.end();
        await server.stop();
    }
}

function sum({ limits, ...results }) {
    const out = { limit: median(limits) };
    for (const [name, runs] of Object.entries(results)) out[name] = middle(runs, 'packets_per_cpu_second');
    const rate = (name) => out[name]?.packets_per_cpu_second;
    if (rate('loupe')) out.ratio_to_limit = round(rate('loupe') / out.limit);
    const janus = Math.max(rate('janus') ?? 0, rate('janus_one_loop') ?? 0);
    if (rate('loupe') && janus) out.ratio_to_janus = round(rate('loupe') / janus, 2);
    return out;
}

await bench('rooms', async (host) => {
    const found = Object.fromEntries(counts.map((count) => [count, { limits: [] }]));
    for (let run = 0; run < settings.runs; run++) {
        for (const count of counts) found[count].limits.push(await limit(host, count, 'libsrtp', 1));
        for (const [name, start] of Object.entries(servers(host))) await grow(name, start, found);
    }
    return { kbps: video_bps / 1000, viewers: Object.fromEntries(counts.map((count) => [count, sum(found[count])])) };
});
