// SPDX-License-Identifier: Apache-2.0
// The load generator (loupe-bench) as an object: each call writes one JSON line and awaits one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Load {
    constructor(program) {
        this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
        this.waiting = [];
        createInterface({ input: this.child.stdout }).on('line', (line) => {
            this.waiting.shift()?.(JSON.parse(line));
        });
    }

    call(message) {
        return new Promise((resolve) => {
            this.waiting.push(resolve);
            this.child.stdin.write(JSON.stringify(message) + '\n');
        });
    }

    async offer(peer, options) {
        const { sdp } = await this.call({ cmd: 'offer', peer, ...options });
        if (!sdp) throw new Error(`no offer from ${peer}`);
        return sdp;
    }

    async answer(peer, sdp) {
        const { er } = await this.call({ cmd: 'answer', peer, sdp });
        if (er !== 0) throw new Error(`${peer} refuses the answer: ${er}`);
    }

    async accept(peer, sdp) {
        const reply = await this.call({ cmd: 'accept', peer, sdp });
        if (!reply.sdp) throw new Error(`${peer} refuses the offer`);
        return reply.sdp;
    }

    reset() {
        return this.call({ cmd: 'reset' });
    }

    report() {
        return this.call({ cmd: 'report' });
    }

    end() {
        this.child.stdin.end();
        return new Promise((resolve) => this.child.once('exit', resolve));
    }
}
