// SPDX-License-Identifier: Apache-2.0
// What recording costs: CALLS two-party calls (real VP8 pictures at KBPS, and Opus, both ways), in one run and
// alternating: without consent; with (the last minute is kept, the voices are mixed); with a clip of each
// call being recorded besides. Then LOOKBACKS calls save their last minute at once: packets lost, and CPU of each.
// CALLS=50 LOOKBACKS=20 KBPS=1200 SECONDS=8 WARMUP=4 RUNS=3 by default.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, louped, many, measure, median, newLoad, number, round, say, settings, until }
    from './support/bench.mjs';
import { cpuSeconds, sleep } from './support/host.mjs';
import { makeFilm } from './support/film.mjs';
import { Loupe, token } from './support/loupe.mjs';

const WebSocket = createRequire(new URL('../e2e/package.json', import.meta.url))('ws');
const calls = number('CALLS', 50);
const lookbacks = number('LOOKBACKS', 20);
const kbps = number('KBPS', 1200);
const back_s = number('BACK', 60);

async function film(load, folder) {
    const { er } = await load.call({ cmd: 'film', path: makeFilm(folder, kbps, 12, ['-max-intra-rate', '900']) });
    if (er !== 0) throw new Error(`the generator does not take the film: ${er}`);
}

/** The person's page, of which only the consent is wanted. */
class Page {
    static async open(server, who) {
        const page = new Page();
        page.waiting = new Map();
        page.clips = new Map();
        page.socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'loupe.v1');
        page.socket.on('message', (data) => {
            const message = JSON.parse(data);
            page.waiting.get(message.re)?.(message);
            if (message.type === 'clip') page.told(message.clip);
        });
        await new Promise((resolve, reject) => page.socket.once('open', resolve).once('error', reject));
        await page.ask({ type: 'hello', token: token(who) });
        return page;
    }

    told(clip) {
        const known = this.clips.get(clip.id);
        this.clips.set(clip.id, { ...known, clip });
        known?.changed?.();
    }

    /** Once the page is told that it is; nothing asks for it again and again, which would cost the server more. */
    async ready(id) {
        for (;;) {
            const { clip } = this.clips.get(id) ?? {};
            if (clip?.state === 'failed') throw new Error(`clip ${id} failed`);
            if (clip?.state === 'ready') return clip;
            await new Promise((changed) => this.clips.set(id, { clip, changed }));
        }
    }

    async ask(message) {
        const id = String(this.waiting.size);
        const reply = await new Promise((resolve) => {
            this.waiting.set(id, resolve);
            this.socket.send(JSON.stringify({ ...message, id }));
        });
        if (reply.type === 'error') throw new Error(JSON.stringify(reply));
    }
}

class Call {
    async begin(server, load, index) {
        Object.assign(this, { server, room: await server.room(index) });
        const agent = { sub: `agent${index}`, role: 'agent', room: this.room.id };
        this.bearer = token(agent);
        this.pages = [await Page.open(server, this.room.buyer), await Page.open(server, agent)];
        await server.callIn(load, this.room, index, kbps * 1000);
    }

    consent(recording) {
        return Promise.all(this.pages.map((page) => page.ask({ type: 'consent', recording })));
    }

    async post(path, body) {
        const { text } = await this.server.request('POST', `/api/v1${path}`, this.bearer, 'application/json', JSON.stringify(body));
        return JSON.parse(text);
    }

    async record() {
        this.clip = (await this.post(`/rooms/${this.room.id}/clips`, { publisher: this.room.buyer.sub })).id;
    }

    async stop() {
        await this.post(`/clips/${this.clip}/stop`, {});
        await this.pages[1].ready(this.clip);
    }

    async lookBack() {
        const began = Date.now();
        const { id } = await this.post(`/rooms/${this.room.id}/lookback`, { publisher: this.room.buyer.sub, seconds: back_s });
        return { ...(await this.pages[1].ready(id)), ms: Date.now() - began };
    }
}

/** One turn of all three, each after a pause in which the last one's work ends. Where the machine has too little
 *  to give, packets are lost on the way to the server, and the figures mean nothing: see `loss`. */
async function turn(all, load, server) {
    const found = {};
    const look = async (name) => {
        await sleep(settings.warmup * 1000);
        found[name] = await measure(load, server);
        const { server_cpu, generator_cpu, loss } = found[name];
        say(`${name}: server ${round(server_cpu * 100, 1)}%, generator ${round(generator_cpu * 100, 1)}%, loss ${(loss * 100).toFixed(3)}%`);
    };
    await Promise.all(all.map((call) => call.consent(false)));
    await look('relaying');
    await Promise.all(all.map((call) => call.consent(true)));
    await look('kept');
    await many(all.length, 8, (i) => all[i].record());
    await look('recording');
    await many(all.length, 8, (i) => all[i].stop());
    return found;
}

/** As many at once; the calls' own CPU meanwhile, as it was before, is not theirs. */
async function lookBacks(all, load, server) {
    await sleep(back_s * 1000);
    const before = await measure(load, server);
    await load.reset();
    const cpu = cpuSeconds(server.pid);
    const began = Date.now();
    const clips = await Promise.all(all.slice(0, lookbacks).map((call) => call.lookBack()));
    await sleep(1000);
    const seconds = (Date.now() - began) / 1000;
    const spent = cpuSeconds(server.pid) - cpu - before.server_cpu * seconds;
    const report = await load.report();
    const lost = Math.max(0, report.expected - report.received - report.padding);
    const found = {
        count: clips.length, seconds: round(median(clips.map((one) => one.duration_ms)) / 1000, 1),
        mib: round(median(clips.map((one) => one.bytes)) / 1048576, 2),
        cpu_ms_each: round(spent * 1000 / clips.length, 1), ready_ms_median: median(clips.map((one) => one.ms)),
        ready_ms_worst: Math.max(...clips.map((one) => one.ms)), packets: report.received, packets_lost: lost,
        packets_lost_before: Math.round(before.loss * before.report.expected),
    };
    say(`${found.count} look-backs at once: ${found.cpu_ms_each} ms of CPU each, ready in ${found.ready_ms_median} ms (${found.ready_ms_worst}), `
        + `${lost} of ${report.received} packets lost`);
    return found;
}

await bench('record', async (host) => {
    const folder = mkdtempSync(join(tmpdir(), 'loupe-record-'));
    const load = newLoad();
    const server = await Loupe.start(host, louped(), { cpu: process.env.SERVER_CPU });
    try {
        await film(load, folder);
        const all = Array.from({ length: calls }, () => new Call());
        await many(calls, 4, (i) => all[i].begin(server, load, i));
        await until(load, 'connected', calls * 4);
        const turns = [];
        for (let run = 0; run < settings.runs; run++) turns.push(await turn(all, load, server));
        const cpu = (name) => median(turns.map((found) => found[name].server_cpu));
        const ratio = (name, under) => round(median(turns.map((found) => found[name].server_cpu / found[under].server_cpu)));
        await Promise.all(all.map((call) => call.consent(true)));
        return {
            calls, kbps, relaying_cpu: cpu('relaying'), kept_cpu: cpu('kept'), recording_cpu: cpu('recording'),
            mix_of_a_core_a_call: round(median(turns.map(({ kept, relaying }) => (kept.server_cpu - relaying.server_cpu) / calls)), 5),
            recording_to_relaying: round(median(turns.map(({ kept, relaying, recording }) =>
                1 + (recording.server_cpu - kept.server_cpu) / relaying.server_cpu))),
            recording_to_kept: ratio('recording', 'kept'), loss: Math.max(...turns.flatMap((found) => Object.values(found).map((one) => one.loss))),
            generator_cpu: Math.max(...turns.flatMap((found) => Object.values(found).map((one) => one.generator_cpu))),
            ...(lookbacks ? { lookbacks: await lookBacks(all, load, server) } : {}),
        };
    } finally {
        await load.end();
        await server.stop();
        rmSync(folder, { recursive: true });
    }
});
