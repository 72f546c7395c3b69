// SPDX-License-Identifier: Apache-2.0
// Two-party calls: each side publishes (VP8-shaped, 1.2 Mbit/s, and Opus) and watches the other. More
// and more of them until packets are lost: packets per CPU-second on the way, how many calls one core
// carries, and the delay at half of that.
// CALLS=25 (to begin with) STEP=1.2 LOSS=0.001 KBPS=1200 SECONDS=2.5 WARMUP=1.5 RUNS=3 by default.
import { bench, brief, describe, many, measure, median, newLoad, number, round, say, servers, settings, until }
    from './support/bench.mjs';
import { sleep } from './support/host.mjs';

const first = number('CALLS', 25);
const step = number('STEP', 1.2);
const most = number('MOST', 1500);
const lossAllowed = number('LOSS', 0.001);
const video_bps = number('KBPS', 1200) * 1000;
settings.seconds = number('SECONDS', 2.5);
settings.warmup = number('WARMUP', 1.5);

/** One server, with more and more calls: what was measured at each number of them. */
async function grow(name, start) {
    const load = newLoad();
    const server = await start();
    const steps = [];
    let there = 0;
    try {
        for (let calls = first; calls <= most; calls = Math.ceil(calls * step)) {
            await many(calls - there, 4, (i) => server.call(load, there + i, video_bps));
            there = calls;
            await until(load, 'connected', calls * 4);
            await sleep(settings.warmup * 1000);
            const one = await measure(load, server);
            describe(name, `${calls} calls`, one);
            const delivered = round(one.report.received / one.report.sent, 5);
            steps.push({ calls, ...brief(one), delivered });
            if (one.loss > lossAllowed || delivered < 1 - 5 * lossAllowed) break;
        }
    } catch (error) {
        say(`${name}: ${error.message}`);
    } finally {
        await load.end();
        await server.stop();
    }
    return steps;
}

const good = (one) => one.loss <= lossAllowed && one.delivered >= 1 - 5 * lossAllowed;

/** What the runs of one server say together. */
function sum(runs) {
    const counts = [...new Set(runs.flat().map((one) => one.calls))].sort((a, b) => a - b);
    const at = (calls) => runs.flatMap((steps) => steps.filter((one) => one.calls === calls));
    const saturation = median(runs.map((steps) => steps.filter(good).at(-1)?.calls ?? 0));
    const half = counts.filter((calls) => calls <= Math.max(first, saturation / 2)).at(-1);
    const middle = (calls, pick) => round(median(at(calls).map(pick)), 3);
    return {
        saturation,
        limited_by_generator: runs.some((steps) => steps.filter(good).at(-1)?.generator_cpu > 0.9),
        at_half: half && {
            calls: half,
            p50_ms: middle(half, (one) => one.video_delay_ms.p50), p99_ms: middle(half, (one) => one.video_delay_ms.p99),
            audio_p50_ms: middle(half, (one) => one.audio_delay_ms.p50), audio_p99_ms: middle(half, (one) => one.audio_delay_ms.p99),
        },
        steps: Object.fromEntries(counts.map((calls) => [calls, {
            packets_per_cpu_second: middle(calls, (one) => one.packets_per_cpu_second),
            server_cpu: middle(calls, (one) => one.server_cpu), generator_cpu: middle(calls, (one) => one.generator_cpu),
            loss: round(median(at(calls).map((one) => one.loss)), 6), corrupt: Math.max(...at(calls).map((one) => one.corrupt)),
            p50_ms: middle(calls, (one) => one.video_delay_ms.p50), p99_ms: middle(calls, (one) => one.video_delay_ms.p99),
        }])),
    };
}

/** At the most calls that both carry without loss. */
function compare(loupe, janus) {
    const common = Object.keys(loupe.steps).filter((calls) => Number(calls) <= Math.max(first, janus.saturation) && janus.steps[calls]);
    const calls = common.at(-1);
    const rate = (server) => server.steps[calls].packets_per_cpu_second;
    return calls && { calls: Number(calls), packets: round(rate(loupe) / rate(janus), 2), saturation: round(loupe.saturation / janus.saturation, 2) };
}

await bench('relay', async (host) => {
    const all = servers(host);
    const runs = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
    for (let run = 0; run < settings.runs; run++)
        for (const [name, start] of Object.entries(all)) runs[name].push(await grow(name, start));
    const found = Object.fromEntries(Object.entries(runs).map(([name, steps]) => [name, sum(steps)]));
    for (const name of ['janus', 'janus_one_loop'])
        if (found.loupe && found[name]) found[`ratio_to_${name}`] = compare(found.loupe, found[name]);
    return { kbps: video_bps / 1000, loss_allowed: lossAllowed, ...found };
});
