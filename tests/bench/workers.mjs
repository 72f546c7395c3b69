// SPDX-License-Identifier: Apache-2.0
// One room over several workers: how evenly they share its viewers, and what a packet costs beside one
// worker alone. Two workers are measured on one core (nothing else runs there) and on two (of which the
// generator has one as well, on a machine with no more). N=200 KBPS=2500 SECONDS=8 RUNS=3 by default.
import { bench, brief, describe, louped, many, measure, middle, newLoad, number, round, settings, until }
    from './support/bench.mjs';
import { sleep } from './support/host.mjs';
import { Loupe } from './support/loupe.mjs';

const count = number('N', 200);
const video_bps = number('KBPS', 2500) * 1000;
const both = [...new Set([settings.serverCpu, settings.loadCpu])].join(',');
const VARIANTS = {
    one: { workers: 1, cpu: settings.serverCpu },
    two_on_one_core: { workers: 2, cpu: settings.serverCpu },
    two_on_two_cores: { workers: 2, cpu: both },
};

async function run(host, name, options) {
    const load = newLoad();
    const server = await Loupe.start(host, louped(), options);
    try {
        const room = await server.publish(load, 0, video_bps);
        await until(load, 'connected', 1);
        await many(count, 8, (i) => server.view(load, room, `viewer${i}`));
        await until(load, 'connected', count + 1);
        await sleep(settings.warmup * 1000);
        const one = await measure(load, server);
        describe(name, `${count} viewers`, one);
        const shares = one.report.by_port.map((port) => port.received).sort((a, b) => b - a);
        const viewers = one.report.by_port.map((port) => port.viewers).sort((a, b) => b - a);
        return { ...brief(one), viewers_by_worker: viewers, packets_by_worker: shares,
            unevenness: options.workers > 1 ? round((shares[0] - (shares[1] ?? 0)) / shares[0]) : 0 };
    } finally {
        await load.end();
        await server.stop();
    }
}

await bench('workers', async (host) => {
    const runs = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, []]));
    for (let i = 0; i < settings.runs; i++)
        for (const [name, options] of Object.entries(VARIANTS)) runs[name].push(await run(host, name, options));
    const found = Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, middle(all, 'packets_per_cpu_second')]));
    const cost = (name) => round(found.one.packets_per_cpu_second / found[name].packets_per_cpu_second);
    return { viewers: count, kbps: video_bps / 1000, ...found,
        cost_on_one_core: cost('two_on_one_core'), cost_on_two_cores: cost('two_on_two_cores') };
});
