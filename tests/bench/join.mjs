// SPDX-License-Identifier: Apache-2.0
// From sending the offer to the first key frame decoded, in headless Chromium: a page publishes a
// camera, another one joins again and again, as a plain WHEP page; Janus with the same page over its
// own API. N=12 joins in each of RUNS=3 alternating runs.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, median, number, round, say, servers, settings } from './support/bench.mjs';
import { has, sleep } from './support/host.mjs';
import { token } from './support/loupe.mjs';
import { inPage } from './support/page.mjs';

const joins = number('N', 12);
const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const FLAGS = [
    '--no-sandbox', '--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--disable-web-security',
    '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
];

/** How each server is published to and watched: the page's function and what it is told. */
const WAYS = {
    async loupe(server, publisher) {
        const room = await server.room('join');
        await publisher.evaluate((it) => globalThis.bench.publishLoupe(it), { url: `${server.url}/whip/${room.id}`, token: token(room.buyer) });
        return (viewer, i) => viewer.evaluate((it) => globalThis.bench.watchLoupe(it), {
            url: `${server.url}/whep/${room.id}`, token: token({ sub: `viewer${i}`, role: 'viewer', room: room.id }) });
    },
    async janus(server, publisher) {
        const room = 4711;
        const feed = await publisher.evaluate((it) => globalThis.bench.publishJanus(it), { url: server.url, room });
        return (viewer) => viewer.evaluate((it) => globalThis.bench.watchJanus(it), { url: server.url, room, feed });
    },
};

/** The browser lives in the servers' namespace: with one interface only, it has one path to check. */
function inNamespace(name, folder) {
    const script = join(folder, 'chromium');
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${name} /usr/bin/chromium "$@"\n`);
    chmodSync(script, 0o755);
    return script;
}

const SITE = 'http://localhost/'; // where pages may use cameras

async function openPage(browser) {
    const page = await (await browser.newContext()).newPage();
    await page.route(SITE, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>join</title>' }));
    await page.goto(SITE);
    await page.evaluate(inPage);
    return page;
}

async function run(name, start, browser) {
    const server = await start();
    const pages = [await openPage(browser), await openPage(browser)];
    const times = [];
    try {
        const watch = await WAYS[name.replace(/_.*/, '')](server, pages[0]);
        await sleep(2000);
        await watch(pages[1], 'first'); // connections and codecs are warm then
        for (let i = 0; i < joins; i++) {
            const { ms, width, steps } = await watch(pages[1], i);
            if (!width) throw new Error('an empty picture');
            times.push({ ms, ...steps });
            await sleep(300 + 37 * i); // not in step with frames or timers
        }
    } finally {
        for (const page of pages) await page.context().close();
        await server.stop();
    }
    const part = (key) => median(times.map((time) => time[key])).toFixed(1);
    say(`${name}: answered ${part('answered')}, checked ${part('checked')}, connected ${part('connected')}, picture ${part('ms')} ms (${times.map(({ ms }) => ms.toFixed(0)).join(' ')})`);
    return times;
}

await bench('join', async (host) => {
    if (!has('/usr/bin/chromium')) throw new Error('needs chromium');
    const folder = mkdtempSync(join(tmpdir(), 'loupe-bench-'));
    const executablePath = host.name ? inNamespace(host.name, folder) : '/usr/bin/chromium';
    const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
    const all = servers(host);
    const times = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
    try {
        for (let i = 0; i < settings.runs; i++)
            for (const [name, start] of Object.entries(all))
                times[name].push(...await run(name, start, browser));
    } finally {
        await browser.close();
        rmSync(folder, { recursive: true, force: true });
    }
    const of = (list) => {
        const part = (key) => round(median(list.map((time) => time[key])), 1);
        const all = list.map(({ ms }) => ms);
        return { median_ms: part('ms'), answered_ms: part('answered'), checked_ms: part('checked'), connected_ms: part('connected'),
            least_ms: round(Math.min(...all), 1), most_ms: round(Math.max(...all), 1), joins: list.length };
    };
    return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, of(list)]));
});
