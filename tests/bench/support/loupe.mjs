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

function token(claims) {
    const now = Math.floor(Date.now() / 1000);
    const head = b64(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: 'bench' }));
    const body = b64(JSON.stringify({ iss: 'bench', iat: now, exp: now + 3600, ...claims }));
    const mac = createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url');
    return `${head}.${body}.${mac}`;
}

export class Loupe {
    static async start(host, program, workers = 1) {
        const server = new Loupe();
        server.data = mkdtempSync(join(tmpdir(), 'loupe-bench-'));
        server.child = host.start(program, [
            '--data', server.data, '--http', `${host.address}:0`, '--allow-plain-http',
            '--media', `${host.address}:0`, '--workers', String(workers),
            '--api-key', `bench:${SECRET}`, '--log-level', 'warn',
        ]);
        server.child.stderr.pipe(process.stderr);
        const lines = createInterface({ input: server.child.stdout });
        server.url = await new Promise((resolve, reject) => {
            server.child.once('exit', (code) => reject(new Error(`louped ended with ${code}`)));
            lines.on('line', (line) => {
                const found = /^louped ready http=(\S+) /.exec(line);
                if (found) resolve(found[1]);
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
        if (response.status !== 201) throw new Error(`${method} ${path}: ${response.status} ${text}`);
        return text;
    }

    /** A two-party call: both publish, both watch the other. */
    async call(load, index, video_bps) {
        const service = token({ sub: 'shop', role: 'service' });
        const made = JSON.parse(await this.request('POST', '/api/v1/cases', service, 'application/json',
            JSON.stringify({ kind: 'inspection', title: `call ${index}`, buyer: { id: `buyer${index}`, name: 'B' } })));
        const people = [
            { sub: `buyer${index}`, role: 'buyer', case: made.id },
            { sub: `agent${index}`, role: 'agent', room: made.room },
        ];
        for (const who of people) await this.join(load, made.room, who, `whip/${made.room}`, { publish: true, video_bps });
        for (const [i, who] of people.entries())
            await this.join(load, made.room, who, `whep/${made.room}/${people[1 - i].sub}`, { receive: 1 });
    }

    async join(load, room, who, path, options) {
        const peer = `${who.sub}-${options.publish ? 'out' : 'in'}`;
        const offer = await load.offer(peer, options);
        await load.answer(peer, await this.request('POST', `/${path}`, token(who), 'application/sdp', offer));
    }

    async stop() {
        await end(this.child);
        rmSync(this.data, { recursive: true, force: true });
    }
}
