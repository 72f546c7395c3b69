// SPDX-License-Identifier: Apache-2.0
// loupe-bench limit and its sockets, on the same path and cores as server and generator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { loupeBench, median, say, settings } from './bench.mjs';

const VARIANTS = {
    libsrtp: [], // the yardstick
    libsrtp_video_only: ['video'],
    openssl: ['evp'],
    openssl_video_only: ['evp', 'video'],
    libsrtp_without_gso: ['plain'],
};

async function textOf(child) {
    let text = '';
    for await (const part of child.stdout) text += part;
    return text;
}

/** One figure: packets per CPU-second. */
export async function limit(host, count, variant = 'libsrtp', seconds = settings.seconds) {
    const drain = spawn(loupeBench(), ['drain', host.outside, String(count)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: drain.stdout });
    const [line] = await once(lines, 'line');
    const port = JSON.parse(line).first_port;
    const args = ['limit', host.outside, String(port), String(count), String(seconds), ...VARIANTS[variant]];
    const child = host.start(loupeBench(), args, { cpu: settings.serverCpu });
    child.stderr.pipe(process.stderr);
    const found = JSON.parse(await textOf(child));
    drain.stdin.end();
    await once(drain, 'exit');
    const rate = Math.round(found.packets / found.cpu_seconds);
    say(`limit, ${count} sockets, ${variant}: ${rate} packets per CPU-second`);
    return rate;
}

/** Medians of all variants, in alternating runs. */
export async function limits(host, count, runs) {
    const found = Object.fromEntries(Object.keys(VARIANTS).map((name) => [name, []]));
    for (let i = 0; i < runs; i++)
        for (const name of Object.keys(VARIANTS)) found[name].push(await limit(host, count, name));
    return Object.fromEntries(Object.entries(found).map(([name, rates]) => [name, median(rates)]));
}
