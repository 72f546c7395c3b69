// SPDX-License-Identifier: Apache-2.0
// The load generator (loupe-bench) as an object: each call writes one JSON line and awaits one.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Load {
    constructor(program, args = []) {
        this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
        this.waiting = [];
        this.gone = new Promise((resolve) => this.child.once('exit', resolve));
        this.gone.then((code) => {
            for (const { reject } of this.waiting) reject(new Error(`the generator ended with ${code}`));
        });
        createInterface({ input: this.child.stdout }).on('line', (line) => {
            this.waiting.shift()?.resolve(JSON.parse(line));
        });
    }

    call(message) {
        return new Promise((resolve, reject) => {
            this.waiting.push({ resolve, reject });
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

    close(peer) {
        return this.call({ cmd: 'close', peer });
    }

    reset() {
        return this.call({ cmd: 'reset' });
    }

    report() {
        return this.call({ cmd: 'report' });
    }

    end() {
        this.child.stdin.end();
        return this.gone;
    }
}
