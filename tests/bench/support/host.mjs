// SPDX-License-Identifier: Apache-2.0
// A host of its own for the server that is measured: a network namespace joined by a veth pair, so
// that every server has the same path to the generator (and Janus, which ignores loopback, works).
// Without the rights to make one, everything runs on loopback.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const run = (...words) => execFileSync(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Host {
    static make() {
        const host = new Host();
        const name = `loupe${process.pid}`;
        try {
            run('ip', 'netns', 'add', name);
            host.name = name;
            run('ip', 'link', 'add', `lb${process.pid}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
            run('ip', 'addr', 'add', '10.203.7.1/30', 'dev', `lb${process.pid}`);
            run('ip', 'link', 'set', `lb${process.pid}`, 'up');
            run('ip', '-n', name, 'addr', 'add', '10.203.7.2/30', 'dev', 'eth0');
            run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
            run('ip', '-n', name, 'link', 'set', 'lo', 'up');
            host.address = '10.203.7.2';
        } catch {
            host.remove();
            host.name = undefined;
            host.address = '127.0.0.1';
        }
        return host;
    }

    remove() {
        try {
            if (this.name) run('ip', 'netns', 'del', this.name);
        } catch {
            // It was never made, or is gone already.
        }
    }

    /** Starts a program on this host. */
    start(program, args, options = {}) {
        const words = this.name ? ['ip', 'netns', 'exec', this.name, program, ...args] : [program, ...args];
        return spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    }
}

/** CPU seconds a process has used so far, all threads. `ip netns exec` execs, so the pid is right. */
export function cpuSeconds(pid) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export function residentKiB(pid) {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

export function end(child) {
    if (!child || child.exitCode !== null) return Promise.resolve();
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10000);
    return new Promise((resolve) => child.once('exit', () => resolve(clearTimeout(timer))));
}

export const has = (path) => existsSync(path);
