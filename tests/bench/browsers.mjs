// SPDX-License-Identifier: Apache-2.0
// Real browsers behind bad networks (tests/net/impair): a plain camera at several losses on both legs and in
// both directions, a blackout, and simulcast to Chromium and Firefox over a path that becomes narrow and
// wide again. SECONDS=45 a run, SEEDS=1,2,3, LOSSES=5,10,20,30 percent, ONLY=loss,blackout,simulcast;
// WRITE=1 puts the tables into docs/LOSS.md when nothing was left out (a quarter of an hour).
import { readFileSync, writeFileSync } from 'node:fs';
import { list, louped, median, number, round, say, settings } from './support/bench.mjs';
import { Host, sleep } from './support/host.mjs';
import { Loupe, token } from './support/loupe.mjs';
import { between, publish, watch } from '../net/impair/people.mjs';
import { launch } from '../e2e/support/browsers.mjs';

const seconds = number('SECONDS', 45);
const seeds = list('SEEDS', '1,2,3');
const SECTIONS = ['loss', 'blackout', 'simulcast'];
const only = settings.only ?? SECTIONS;
const CAMERA = { width: 640, height: 480 };
const LAYERS = { width: 960, height: 540, grain: true, scales: [4, 2, 1], maxBitrate: 2_500_000 };
const CLEAN = { delayMs: 20 };
const RUN_MOST_MS = 3 * seconds * 1000 + 60_000;

/** Of the publisher, with a camera of 30 pictures a second, and of the viewer. */
const chromium = [];

async function openBrowsers() {
    chromium.push(await launch('chromium', { fps: 30 }), await launch('chromium'));
}

async function closeBrowsers() {
    for (const browser of chromium.splice(0)) await within(10_000, browser.close()).catch(() => {});
}

const medians = (runs) =>
    Object.fromEntries(Object.keys(runs[0]).map((key) => [key, round(median(runs.map((run) => run[key] ?? 0)), 4)]));

const failed = [];

function within(ms, work) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not done in ${ms / 1000} s`)), ms);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A run that fails is tried once more with fresh browsers, then left out and named: browsers stumble, above
 *  all on a busy machine, and the other runs are worth something without it. */
async function attempt(name, work) {
    for (let tries = 0; tries < 2; tries++) {
        try {
            return await within(RUN_MOST_MS, work());
        } catch (error) {
            say(`${name} failed: ${error.message}`);
            await closeBrowsers();
            await openBrowsers();
        }
    }
    failed.push(name);
    return undefined;
}

/** Medians over the seeds of the runs that succeeded; `undefined` when none did. */
async function overSeeds(name, work) {
    const runs = [];
    for (const seed of seeds) {
        const found = await attempt(`${name}, seed ${seed}`, () => work(seed));
        if (found) runs.push(found);
    }
    return runs.length > 0 ? { ...medians(runs), runs: runs.length } : undefined;
}

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
async function pair(server, seed, work) {
    const room = await newRoom(server);
    const people = [];
    try {
        people.push(await publish(chromium[0], { ...room.door, seed: 100 * seed, rules: CLEAN, ...CAMERA }));
        people.push(await watch(chromium[1], { ...room.eye('viewer'), seed: 100 * seed + 1, rules: CLEAN }));
        return await work(...people);
    } finally {
        for (const one of people.reverse()) await one.close();
    }
}

/** Five clean seconds, then losses for as long as is measured. */
function losses(server, share, seed) {
    return pair(server, seed, async (publisher, viewer) => {
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
function blackout(server, seed) {
    return pair(server, seed, async (publisher, viewer) => {
        await sleep(8000);
        for (const one of [publisher, viewer]) one.relay.set({ loss: 1 });
        await sleep(5000);
        await viewer.pictures();
        const end = Date.now();
        for (const one of [publisher, viewer]) one.relay.set({ loss: 0 });
        await sleep(5000);
        const pictures = await viewer.pictures();
        if (pictures.length === 0) throw new Error('no picture within five seconds of the darkness');
        const found = { first_ms: pictures[0].at - end, fps_after: pictures.length / 5 };
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
        const { text } = await server.request('GET', `/api/v1/rooms/${room}`, service);
        const shown = JSON.parse(text).subscriptions.filter(({ kind, layer }) => kind === 'video' && layer);
        const layers = shown.map(({ identity, layer, state }) => [identity, state === 'video' ? 10 * layer.encoding + layer.temporal : -1]);
        seen.push({ at: Date.now(), layers: Object.fromEntries(layers) });
    };
    const lookOn = async () => {
        for (; !over; await sleep(100)) await look().catch((error) => say(`no look at the room: ${error.message}`));
    };
    const ended = lookOn();
    return { seen, stop: () => ((over = true), ended) };
}

/** How long behind `since` a viewer's layer first passed the test. */
function turned(seen, name, since, test) {
    const found = seen.find(({ at, layers }) => at >= since && test(layers[name]));
    return found ? found.at - since : null;
}

/** The largest layer takes a while to become one that a narrow path does not carry; half a minute at most.
 *  What it is to take then. */
async function untilItFills(publisher) {
    let kbps = 0;
    for (const end = Date.now() + 30_000; Date.now() < end && kbps < LAYERS.maxBitrate / 2000; await sleep(500))
        kbps = round(((await publisher.figures()).sent.r2?.target ?? 0) / 1000, 0);
    await sleep(3000);
    return kbps;
}

async function simulcast(server, firefox, seed) {
    const room = await newRoom(server);
    const rules = { delayMs: 50, loss: 0.03 };
    const people = [];
    const { seen, stop } = layersOf(server, room.id);
    try {
        const publisher = await publish(chromium[0], { ...room.door, seed, rules: { delayMs: 1 }, ...LAYERS });
        people.push(publisher);
        const viewers = {};
        for (const [i, [name, browser]] of Object.entries({ chromium: chromium[1], firefox }).entries()) {
            viewers[name] = await watch(browser, { ...room.eye(name), seed: seed + 1 + i, rules });
            people.push(viewers[name]);
        }
        const all = Object.values(viewers);
        const look = () => Promise.all(all.map((one) => one.figures()));
        const found = {};
        for (const one of all) await one.page.until('the largest layer', () => globalThis.pictures.at(-1)?.width === 960, undefined, 60_000);
        const before_kbps = await untilItFills(publisher);
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
                before_kbps,
                layer_before: before,
                falls_after_ms: turned(seen, name, narrow, (layer) => layer < before),
                narrow: between(looks[0][i], looks[1][i]),
                returns_after_ms: turned(seen, name, wide, (layer) => layer >= before),
                wide: between(looks[1][i], looks[2][i]),
                queued_ms: round(one.relay.down.counts.queuedMs, 0), overflowed: one.relay.down.counts.overflowed,
            };
            say(`simulcast to ${name}: ${JSON.stringify(found[name])}`);
        }
        return found;
    } finally {
        await stop();
        for (const one of people.reverse()) await one.close();
    }
}

const LOSS_PAGE = new URL('../../docs/LOSS.md', import.meta.url);
const BEGIN = '<!-- browsers -->';
const END = '<!-- /browsers -->';
const row = (cells) => `| ${cells.join(' | ')} |`;

/** The tables of docs/LOSS.md. What failed, or was not asked for, has dashes. */
function tables({ loss = {}, blackout: dark, simulcast: layers = {} }) {
    const lossRow = ([percent, one]) => row([`${percent}%`, ...(one ? [
        round(one.fps, 1), one.freezes, round(one.frozen_s, 1), round(one.kbps, 0), round(one.concealed * 100, 1), one.width,
    ] : Array(6).fill('-'))]);
    const line = (name, path, one, turn) => row([
        name, path, round(one.fps, 1), one.freezes ?? '', round(one.frozen_s ?? 0, 1), round(one.kbps, 0), one.width, turn,
    ]);
    const after = (what, ms) => (ms === null ? `never ${what}` : `${what} after ${ms} ms`);
    const layerRows = ([name, one]) => [
        line(name, '1 Mbit/s, 20 s', one.narrow, after('left', one.falls_after_ms)),
        line(name, 'wide, 15 s', one.wide, after('back', one.returns_after_ms)),
    ];
    return [
        row(['loss', 'fps', 'freezes', 'frozen s', 'kbit/s', 'sound concealed %', 'width']), '| --- | --: | --: | --: | --: | --: | --: |',
        ...Object.entries(loss).map(lossRow),
        '', `After five seconds of darkness the next picture came ${dark?.first_ms ?? '-'} ms after they ended.`, '',
        row(['simulcast to', 'path', 'fps', 'freezes', 'frozen s', 'kbit/s', 'width at the end', 'largest layer']),
        '| --- | --- | --: | --: | --: | --: | --: | --- |',
        ...Object.entries(layers).flatMap(layerRows),
        ...(failed.length > 0 ? ['', `Failed: ${failed.join('; ')}.`] : []),
    ].join('\n');
}

function write(found) {
    const text = readFileSync(LOSS_PAGE, 'utf8');
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    writeFileSync(LOSS_PAGE, `${text.slice(0, begin + BEGIN.length)}\n\n${tables(found)}\n\n${text.slice(end)}`);
}

/** Everything is on this machine's loopback, where the relay is. */
const here = Object.assign(new Host(), { address: '127.0.0.1', children: new Set() });
const server = await Loupe.start(here, louped());
await openBrowsers();
const result = { bench: 'browsers', seconds, seeds };
try {
    if (only.includes('loss')) {
        result.loss = {};
        for (const percent of list('LOSSES', '5,10,20,30'))
            result.loss[percent] = await overSeeds(`${percent}%`, (seed) => losses(server, percent / 100, seed));
    }
    if (only.includes('blackout')) result.blackout = await overSeeds('blackout', (seed) => blackout(server, seed));
    if (only.includes('simulcast')) {
        result.simulcast = await attempt('simulcast', async () => {
            const firefox = await launch('firefox');
            try {
                return await simulcast(server, firefox, seeds[0]);
            } finally {
                await firefox.close();
            }
        });
    }
    if (failed.length > 0) result.failed = failed;
    console.log(JSON.stringify(result));
    say(tables(result));
    if (process.env.WRITE && only.length === SECTIONS.length) write(result);
} finally {
    await closeBrowsers();
    await server.stop();
}
process.exit();
