// SPDX-License-Identifier: Apache-2.0
// Half load for a long time, with people who come and go: one large room and many two-party calls, of
// which one hangs up and is made again, and some viewers leave and others come, over and over. Memory
// and descriptors of the server are noted whenever everybody is there.
import { Host, cpuSeconds, descriptors, residentKiB, sleep } from './host.mjs';
import { Load } from './load.mjs';
import { Loupe } from './loupe.mjs';

const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

class Crowd {
    constructor(server, load, size) {
        Object.assign(this, { server, load, size, calls: [], viewers: [], joins: 0, made: 0 });
    }

    async open() {
        const { calls, viewers, video_bps, room_bps } = this.size;
        this.room = await this.server.publish(this.load, 'room', room_bps);
        for (let i = 0; i < calls; i++) {
            const room = await this.server.room(i);
            this.calls.push({ room, index: i, joined: await this.server.callIn(this.load, room, i, video_bps) });
        }
        for (let i = 0; i < viewers; i++) await this.come();
    }

    async come() {
        this.viewers.push(await this.server.view(this.load, this.room, `viewer${this.joins++}`));
    }

    /** Somebody leaves, somebody comes. */
    async change() {
        for (let i = 0; i < this.size.leave; i++) await this.server.leave(this.load, this.viewers.shift());
        for (let i = 0; i < this.size.leave; i++) await this.come();
        const call = this.calls.shift();
        if (!call) return;
        await this.server.hangUp(this.load, call.joined);
        this.made++;
        call.joined = await this.server.callIn(this.load, call.room, call.index, this.size.video_bps);
        this.calls.push(call);
    }

    get peers() {
        return 1 + this.calls.length * 4 + this.viewers.length;
    }

    async settled(seconds = 60) {
        for (const end = Date.now() + seconds * 1000; ; await sleep(50)) {
            const { connected } = await this.load.report();
            if (connected >= this.peers) return;
            if (Date.now() > end) throw new Error(`${connected} of ${this.peers} are connected`);
        }
    }
}

const HALF = { calls: 75, viewers: 100, leave: 2, video_bps: 1200000, room_bps: 2500000 };

/** Runs for `seconds`; what grew between the first quarter of the samples (after `warmup` seconds) and
 *  the last, and that by each peer that joined meanwhile. The server's exit code is in `code`; further
 *  options go to Loupe.start. */
export async function soak({ louped, loupeBench, seconds, warmup, size = HALF, every = 1000, say = () => {}, ...options }) {
    const host = Host.make();
    const load = new Load(loupeBench);
    let server;
    try {
        server = await Loupe.start(host, louped, options);
        const crowd = new Crowd(server, load, size);
        await crowd.open();
        await crowd.settled();
        await load.reset();
        const samples = [];
        const begin = Date.now();
        const busy = cpuSeconds(server.pid);
        let told = begin;
        while (Date.now() - begin < seconds * 1000) {
            await crowd.change();
            await crowd.settled();
            await sleep(every);
            const at = (Date.now() - begin) / 1000;
            const sample = { at, joined: crowd.joins + 4 * crowd.made, kib: residentKiB(server.pid), descriptors: descriptors(server.pid) };
            if (at >= warmup) samples.push(sample);
            if (Date.now() - told < 30000) continue;
            told = Date.now();
            say(`${Math.round(at)} s: ${sample.kib} KiB, ${sample.descriptors} descriptors, ${crowd.joins} joined`);
        }
        const elapsed = (Date.now() - begin) / 1000;
        const used = cpuSeconds(server.pid) - busy;
        const report = await load.report();
        const quarter = Math.max(1, samples.length >> 2);
        const of = (part, key) => middle(part.map((sample) => sample[key]));
        const first = samples.slice(0, quarter), last = samples.slice(-quarter);
        const code = await server.stop();
        return {
            seconds: Math.round(elapsed), samples: samples.length, server_cpu: Number((used / elapsed).toFixed(3)),
            peers: crowd.peers, joined: crowd.joins + 4 * crowd.made, code,
            kib_per_joined: Number(((of(last, 'kib') - of(first, 'kib')) / (of(last, 'joined') - of(first, 'joined'))).toFixed(3)),
            kib: { first: of(first, 'kib'), last: of(last, 'kib') },
            descriptors: { first: of(first, 'descriptors'), last: of(last, 'descriptors') },
            growth: Number((of(last, 'kib') / of(first, 'kib') - 1).toFixed(4)),
            received: report.received, loss: Number(Math.max(0, 1 - (report.received + report.padding) / report.expected).toFixed(6)),
            checked: report.checked, corrupt: report.corrupt,
        };
    } finally {
        await load.end();
        if (server) await server.stop();
        host.remove();
    }
}
