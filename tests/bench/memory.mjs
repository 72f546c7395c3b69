// SPDX-License-Identifier: Apache-2.0
// Resident memory of the server per viewer of a room and per peer that sends and receives nothing, and
// how long 1,000 viewers need to join one room. KBPS=500 (so that one core carries them all)
// N=1000 FROM=100 IDLE=500 RUNS=3 by default.
import { bench, many, median, newLoad, number, round, say, servers, settings, until } from './support/bench.mjs';
import { residentKiB, sleep } from './support/host.mjs';

const most = number('N', 1000);
const from = number('FROM', 100);
const idle = number('IDLE', 500);
const janusMost = number('JANUS_N', 300);
const width = number('WIDTH', 16);
const video_bps = number('KBPS', 500) * 1000;
const settle = number('WARMUP', 3) * 1000;

async function withServer(start, work) {
    const load = newLoad();
    const server = await start();
    try {
        return await work(load, server);
    } finally {
        await load.end();
        await server.stop();
    }
}

/** Seconds until `count` viewers that join all at once have each got sound and picture. */
function joining(name, start, count) {
    return withServer(start, async (load, server) => {
        const room = await server.publish(load, 0, video_bps);
        await until(load, 'connected', 1);
        await sleep(1000);
        const begin = process.hrtime.bigint();
        await many(count, width, (i) => server.view(load, room, `viewer${i}`));
        await until(load, 'watching', count, 120);
        const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
        say(`${name}: ${count} viewers joined in ${seconds.toFixed(2)} s, ${residentKiB(server.pid)} KiB`);
        return seconds;
    });
}

function perViewer(name, start, count) {
    return withServer(start, async (load, server) => {
        const room = await server.publish(load, 0, video_bps);
        await until(load, 'connected', 1);
        await many(from, width, (i) => server.view(load, room, `viewer${i}`));
        await until(load, 'watching', from, 60);
        await sleep(settle);
        const before = residentKiB(server.pid);
        await many(count - from, width, (i) => server.view(load, room, `viewer${from + i}`));
        await until(load, 'watching', count, 120);
        await sleep(settle);
        const each = (residentKiB(server.pid) - before) / (count - from);
        say(`${name}: ${each.toFixed(1)} KiB per viewer (${from} to ${count})`);
        return each;
    });
}

function perIdlePeer(name, start) {
    return withServer(start, async (load, server) => {
        const room = await server.room(0);
        await many(50, width, (i) => server.view(load, room, `idle${i}`));
        await until(load, 'connected', 50);
        await sleep(settle);
        const before = residentKiB(server.pid);
        await many(idle, width, (i) => server.view(load, room, `more${i}`));
        await until(load, 'connected', 50 + idle, 60);
        await sleep(settle);
        const each = (residentKiB(server.pid) - before) / idle;
        say(`${name}: ${each.toFixed(1)} KiB per idle peer`);
        return each;
    });
}

async function repeat(work) {
    const values = [];
    for (let i = 0; i < settings.runs; i++) values.push(await work());
    return round(median(values), 2);
}

await bench('memory', async (host) => {
    const found = {};
    const all = servers(host);
    if (all.loupe) {
        found.loupe = {
            kib_per_viewer: await repeat(() => perViewer('loupe', all.loupe, most)),
            kib_per_idle_peer: await repeat(() => perIdlePeer('loupe', all.loupe)),
            viewers: most,
            seconds_to_join: await repeat(() => joining('loupe', all.loupe, most)),
        };
    }
    for (const name of ['janus', 'janus_one_loop'])
        if (all[name]) found[name] = { kib_per_viewer: await repeat(() => perViewer(name, all[name], janusMost)) };
    return { kbps: video_bps / 1000, ...found };
});
