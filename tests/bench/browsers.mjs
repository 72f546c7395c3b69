// SPDX-License-Identifier: Apache-2.0
// Real browsers behind bad networks (tests/net/impair): a plain camera at several losses on both legs and in
// both directions, a blackout, and simulcast to Chromium and Firefox over a path that becomes narrow and
// wide again. SECONDS=45 a run, SEEDS=1,2,3, LOSSES=5,10,20,30 percent, ONLY=loss,blackout,simulcast;
// WRITE=1 puts the tables into docs/LOSS.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { list, louped, median, number, round, say, settings } from './support/bench.mjs';
import { Host, sleep } from './support/host.mjs';
import { Loupe, token } from './support/loupe.mjs';
import { between, publish, watch } from '../net/impair/people.mjs';
import { launch } from '../e2e/support/browsers.mjs';

const seconds = number('SECONDS', 45);
const seeds = list('SEEDS', '1,2,3');
const only = settings.only ?? ['loss', 'blackout', 'simulcast'];
const CAMERA = { width: 640, height: 480 };
const LAYERS = { width: 960, height: 540, scales: [4, 2, 1], maxBitrate: 2_500_000 };
const CLEAN = { delayMs: 20 };

const medians = (runs) =>
    Object.fromEntries(Object.keys(runs[0]).map((key) => [key, round(median(runs.map((run) => run[key] ?? 0)), 4)]));

let rooms = 0;

/** A new case: where its buyer publishes, and where somebody watches. */
async function newRoom(server) {
    const { id, buyer } = await server.room(`impaired${rooms++}`);
    const { url: site, media } = server;
    return {
        id,
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

/** Looks at what the server sends to each viewer, ten times a second: [{ at, layers: { name: number } }],
 *  where a larger number is a better layer. */
function layersOf(server, room) {
    const seen = [];
    let over = false;
    const service = token({ sub: 'shop', role: 'service' });
    const look = async () => {
        while (!over) {
            const { text } = await server.request('GET', `/api/v1/rooms/${room}`, service);
            const shown = JSON.parse(text).subscriptions.filter(({ kind, layer }) => kind === 'video' && layer);
            seen.push({ at: Date.now(), layers: Object.fromEntries(
                shown.map(({ identity, layer, state }) => [identity, state === 'video' ? 10 * layer.encoding + layer.temporal : -1])) });
            await sleep(100);
        }
    };
    const ended = look();
    return { seen, stop: () => ((over = true), ended) };
}

/** How long behind `since` a viewer's layer first passed the test. */
function turned(seen, name, since, test) {
    const found = seen.find(({ at, layers }) => at >= since && test(layers[name]));
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
    const look = () => Promise.all(all.map((one) => one.figures()));
    const { seen, stop } = layersOf(server, room.id);
    try {
        for (const one of all) await one.page.until('the largest layer', () => globalThis.pictures.at(-1)?.width === 960, undefined, 60_000);
        await sleep(5000);
        const looks = [await look()];
        const narrow = Date.now();
        for (const one of all) one.relay.set({ rateBps: 1_000_000 });
        await sleep(20_000);
        looks.push(await look());
        const wide = Date.now();
        for (const one of all) one.relay.set({ rateBps: 0 });
        await sleep(15_000);
        looks.push(await look());
        for (const [i, [name, one]] of Object.entries(viewers).entries()) {
            const before = seen.findLast(({ at }) => at <= narrow).layers[name];
            found[name] = {
                layer_before: before,
                falls_after_ms: turned(seen, name, narrow, (layer) => layer < before),
                narrow: between(looks[0][i], looks[1][i]),
                returns_after_ms: turned(seen, name, wide, (layer) => layer >= before),
                wide: between(looks[1][i], looks[2][i]),
                queued_ms: round(one.relay.down.counts.queuedMs, 0), overflowed: one.relay.down.counts.overflowed,
            };
            say(`simulcast to ${name}: ${JSON.stringify(found[name])}`);
        }
    } finally {
        await stop();
        for (const one of [...all, publisher]) await one.close();
    }
    return found;
}

const LOSS_PAGE = new URL('../../docs/LOSS.md', import.meta.url);
const BEGIN = '<!-- browsers -->';
const END = '<!-- /browsers -->';
const row = (cells) => `| ${cells.join(' | ')} |`;

/** The tables of docs/LOSS.md. */
function tables({ loss = {}, blackout: dark, simulcast: layers = {} }) {
    const lines = [
        row(['loss', 'fps', 'freezes', 'frozen s', 'kbit/s', 'sound concealed %', 'width']), '| --- | --: | --: | --: | --: | --: | --: |',
        ...Object.entries(loss).map(([percent, one]) => row([
            `${percent}%`, round(one.fps, 1), one.freezes, round(one.frozen_s, 1), round(one.kbps, 0), round(one.concealed * 100, 1), one.width,
        ])),
        '', `After five seconds of darkness the next picture came ${dark?.first_ms ?? '?'} ms after they ended.`, '',
        row(['simulcast to', 'path', 'fps', 'freezes', 'frozen s', 'kbit/s', 'width at the end', 'largest layer']),
        '| --- | --- | --: | --: | --: | --: | --: | --- |',
    ];
    const line = (name, path, one, turn) => row([
        name, path, round(one.fps, 1), one.freezes ?? '', round(one.frozen_s ?? 0, 1), round(one.kbps, 0), one.width, turn,
    ]);
    for (const [name, one] of Object.entries(layers)) {
        lines.push(line(name, '1 Mbit/s, 20 s', one.narrow, `left after ${one.falls_after_ms} ms`));
        lines.push(line(name, 'wide, 15 s', one.wide, `back after ${one.returns_after_ms} ms`));
    }
    return lines.join('\n');
}

function write(found) {
    const text = readFileSync(LOSS_PAGE, 'utf8');
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    writeFileSync(LOSS_PAGE, `${text.slice(0, begin + BEGIN.length)}\n\n${tables(found)}\n\n${text.slice(end)}`);
}

/** Everything is on this machine's loopback, where the relay is. */
const here = Object.assign(new Host(), { address: '127.0.0.1', children: new Set() });
const server = await Loupe.start(here, louped());
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
    say(tables(result));
    if (process.env.WRITE) write(result);
} finally {
    for (const browser of chromium) await browser.close();
    await server.stop();
}
process.exit();
