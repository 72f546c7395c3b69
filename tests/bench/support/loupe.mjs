// SPDX-License-Identifier: Apache-2.0
// louped as a server to be measured: cases over REST, media over WHIP and WHEP.
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { end } from './host.mjs';

const SECRET = 'bench-secret-bench-secret-bench-secret';
const b64 = (value) => Buffer.from(value).toString('base64url');

export function token(claims) {
    const now = Math.floor(Date.now() / 1000);
    const head = b64(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'bench' }));
    const body = b64(JSON.stringify({ iss: 'bench', iat: now, exp: now + 3600, ...claims }));
    const mac = createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url');
    return `${head}.${body}.${mac}`;
}

export class Loupe {
    /** `env` is added to our own; `log` gets what it says; `front`: words to put in front;
     *  `data`: a folder of the caller's, which stays. */
    static async start(host, program, { cpu, env, front = [], log = process.stderr, workers = 1, args = [], data } = {}) {
        const server = new Loupe();
        server.kept = data !== undefined;
        server.data = data ?? mkdtempSync(join(tmpdir(), 'loupe-bench-'));
        const words = [
            ...front, program, '--data', server.data, '--http', `${host.address}:0`, '--allow-plain-http',
            '--media', `${host.address}:0`, '--workers', String(workers),
            '--api-key', `bench:${SECRET}`, '--log-level', 'warn', ...args,
        ];
        server.child = host.start(words[0], words.slice(1), { cpu, env: { ...process.env, ...env } });
        server.child.stderr.pipe(log, { end: false });
        const lines = createInterface({ input: server.child.stdout });
        [server.url, server.media] = await new Promise((resolve, reject) => {
            server.child.once('exit', (code) => reject(new Error(`louped ended with ${code}`)));
            lines.on('line', (line) => {
                const found = /^louped ready http=(\S+) media=(\S+) /.exec(line);
                if (found) resolve(found.slice(1));
            });
        });
        return server;
    }

    get pid() {
        return this.child.pid;
    }

    async request(method, path, bearer, type, body) {
        const response = await fetch(this.url + path, {
            method, body, headers: { authorization: `Bearer ${bearer}`, 'content-type': type },
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        return { text, location: response.headers.get('location') };
    }

    /** A case with its room; its buyer is `buyer${name}`. */
    async room(name) {
        const service = token({ sub: 'shop', role: 'service' });
        const { text } = await this.request('POST', '/api/v1/cases', service, 'application/json',
            JSON.stringify({ kind: 'inspection', title: `call ${name}`, buyer: { id: `buyer${name}`, name: 'B' } }));
        const made = JSON.parse(text);
        return { id: made.room, buyer: { sub: `buyer${name}`, role: 'buyer', case: made.id } };
    }

    /** One who publishes, to be watched by many. */
    async publish(load, name, video_bps) {
        const room = await this.room(name);
        await this.join(load, room.buyer, `whip/${room.id}`, { publish: true, video_bps });
        return room;
    }

    /** A person of the room's audience; what leave() takes. */
    async view(load, room, name) {
        const who = { sub: name, role: 'viewer', room: room.id };
        return this.join(load, who, `whep/${room.id}`, { receive: 1 });
    }

    async call(load, index, video_bps) {
        return this.callIn(load, await this.room(index), index, video_bps);
    }

    /** A two-party call: both publish, both watch the other; what hangUp() takes. */
    async callIn(load, room, index, video_bps) {
        const people = [room.buyer, { sub: `agent${index}`, role: 'agent', room: room.id }];
        const joined = [];
        for (const who of people) joined.push(await this.join(load, who, `whip/${room.id}`, { publish: true, video_bps }));
        for (const [i, who] of people.entries())
            joined.push(await this.join(load, who, `whep/${room.id}/${people[1 - i].sub}`, { receive: 1 }));
        return joined;
    }

    async hangUp(load, joined) {
        for (const one of joined) await this.leave(load, one);
    }

    async join(load, who, path, options) {
        const peer = `${who.sub}-${options.publish ? 'out' : 'in'}`;
        const bearer = token(who);
        const offer = await load.offer(peer, options);
        const { text, location } = await this.request('POST', `/${path}`, bearer, 'application/sdp', offer);
        await load.answer(peer, text);
        return { peer, bearer, location };
    }

    async leave(load, { peer, bearer, location }) {
        await this.request('DELETE', location, bearer, 'text/plain');
        await load.close(peer);
    }

    async stop() {
        const code = await end(this.child);
        if (!this.kept) rmSync(this.data, { recursive: true, force: true });
        return code;
    }
}
