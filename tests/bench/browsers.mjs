// SPDX-License-Identifier: Apache-2.0
// Real browsers behind bad networks (tests/net/impair): a plain camera at several losses on both legs and in
// both directions, a blackout, and simulcast to Chromium and Firefox over a path that becomes narrow and
// wide again. SECONDS=45 a run, SEEDS=1,2,3, LOSSES=5,10,20,30 percent, ONLY=loss,blackout,simulcast.
import { list, louped, median, number, round, say, settings } from './support/bench.mjs';
import { Host, sleep } from './support/host.mjs';
import { Loupe, token } from './support/loupe.mjs';
import { between, publish, watch } from '../net/impair/people.mjs';
import { launch } from '../e2e/support/browsers.mjs';

const seconds = number('SECONDS', 45);
const seeds = list('SEEDS', '1,2,3');
const only = settings.only ?? ['loss', 'blackout', 'simulcast'];
const CAMERA = { width: 640, height: 480 };
const LAYERS = { width: 1280, height: 720, scales: [4, 2, 1], maxBitrate: 2_500_000 };
const CLEAN = { delayMs: 20 };

const medians = (runs) =>
    Object.fromEntries(Object.keys(runs[0]).map((key) => [key, round(median(runs.map((run) => run[key] ?? 0)), 4)]));

let rooms = 0;

/** A new case: where its buyer publishes, and where somebody watches. */
async function newRoom(server) {
    const { id, buyer } = await server.room(`impaired${rooms++}`);
    const { url: site, media } = server;
    return {
        door: { site, media, url: `${site}/whip/${id}`, token: token(buyer) },
        eye: (sub) => ({ site, media, url: `${site}/whep/${id}`, token: token({ sub, role: 'viewer', room: id }) }),
    };
}

/** A publisher and a viewer, each with its own leg. */
async function pair(server, chromium, seed, work) {
    const room = await newRoom(server);
    const publisher = await publish(chromium[0], { ...room.door, seed: 100 * seed, rules: CLEAN, ...CAMERA });
    const viewer = await watch(chromium[1], { ...room.eye('viewer'), seed: 100 * seed + 1, rules: CLEAN });
    try {
        return await work(publisher, viewer);
    } finally {
        await viewer.close();
        await publisher.close();
    }
}

/** Five clean seconds, then losses for as long as is measured. */
function losses(server, chromium, share, seed) {
    return pair(server, chromium, seed, async (publisher, viewer) => {
        await sleep(5000);
        for (const one of [publisher, viewer]) one.relay.set({ loss: share });
        await sleep(500);
        const before = await viewer.figures();
        const sentBefore = await publisher.figures();
        await sleep(seconds * 1000);
        const found = between(before, await viewer.figures());
        const sent = await publisher.figures();
        found.sent_kbps = ((sent.sent[''].bytes - sentBefore.sent[''].bytes) * 8) / 1000 / found.seconds;
        say(`${share * 100}% seed ${seed}: ${JSON.stringify(found)}`);
        return found;
    });
}

/** Both legs dark for five seconds: how long from their end to the next picture. */
function blackout(server, chromium, seed) {
    return pair(server, chromium, seed, async (publisher, viewer) => {
        await sleep(8000);
        for (const one of [publisher, viewer]) one.relay.set({ loss: 1 });
        await sleep(5000);
        await viewer.pictures();
        const end = Date.now();
        for (const one of [publisher, viewer]) one.relay.set({ loss: 0 });
        await sleep(5000);
        const pictures = await viewer.pictures();
        const found = { first_ms: (pictures[0]?.at ?? Infinity) - end, fps_after: pictures.length / 5 };
        say(`blackout seed ${seed}: ${JSON.stringify(found)}`);
        return found;
    });
}

/** When pictures became narrower than `width`, and when they were that wide again; ms behind `since`. */
function turned(pictures, since, test) {
    const found = pictures.find(({ at, width }) => at >= since && test(width));
    return found ? found.at - since : null;
}

async function simulcast(server, browsers, seed) {
    const room = await newRoom(server);
    const rules = { delayMs: 50, loss: 0.03 };
    const publisher = await publish(browsers.chromium[0], { ...room.door, seed, rules: { delayMs: 1 }, ...LAYERS });
    const viewers = {};
    for (const [i, [name, browser]] of Object.entries({ chromium: browsers.chromium[1], firefox: browsers.firefox }).entries())
        viewers[name] = await watch(browser, { ...room.eye(name), seed: seed + 1 + i, rules });
    const all = Object.values(viewers);
    const found = {};
    try {
        await sleep(12_000);
        const looks = [await Promise.all(all.map((one) => one.figures()))];
        const narrow = Date.now();
        for (const one of all) one.relay.set({ rateBps: 1_000_000 });
        await sleep(20_000);
        looks.push(await Promise.all(all.map((one) => one.figures())));
        const wide = Date.now();
        for (const one of all) one.relay.set({ rateBps: 0 });
        await sleep(12_000);
        looks.push(await Promise.all(all.map((one) => one.figures())));
        for (const [i, [name, one]] of Object.entries(viewers).entries()) {
            const pictures = await one.pictures();
            found[name] = {
                width_before: looks[0][i].video.width,
                falls_after_ms: turned(pictures, narrow, (width) => width < 1280),
                narrow: between(looks[0][i], looks[1][i]),
                returns_after_ms: turned(pictures, wide, (width) => width === 1280),
                wide: between(looks[1][i], looks[2][i]),
                queued_ms: round(one.relay.down.counts.queuedMs, 0), overflowed: one.relay.down.counts.overflowed,
            };
            say(`simulcast to ${name}: ${JSON.stringify(found[name])}`);
        }
    } finally {
        for (const one of [...all, publisher]) await one.close();
    }
    return found;
}

const server = await Loupe.start(Object.assign(new Host(), { address: '127.0.0.1' }), louped());
const chromium = [await launch('chromium', { fps: 30 }), await launch('chromium')];
const result = { bench: 'browsers', seconds, seeds };
try {
    if (only.includes('loss')) {
        result.loss = {};
        for (const percent of list('LOSSES', '5,10,20,30')) {
            const runs = [];
            for (const seed of seeds) runs.push(await losses(server, chromium, percent / 100, seed));
            result.loss[percent] = medians(runs);
        }
    }
    if (only.includes('blackout')) {
        const runs = [];
        for (const seed of seeds) runs.push(await blackout(server, chromium, seed));
        result.blackout = medians(runs);
    }
    if (only.includes('simulcast')) {
        const firefox = await launch('firefox');
        result.simulcast = await simulcast(server, { chromium, firefox }, seeds[0]);
        await firefox.close();
    }
    console.log(JSON.stringify(result));
} finally {
    for (const browser of chromium) await browser.close();
    await server.stop();
}
process.exit();
