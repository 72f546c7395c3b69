// SPDX-License-Identifier: Apache-2.0
// A host of its own for the server that is measured: a network namespace joined by a veth pair, so
// that every server has the same path to the generator (and Janus, which ignores loopback, works).
// Without the rights to make one, everything runs on loopback.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const run = (...words) => execFileSync(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The link goes at once; the namespace itself only with the last process in it. */
function removeNamespace(name) {
    try {
        run('ip', 'link', 'del', name.replace('loupe', 'lb'));
    } finally {
        run('ip', 'netns', 'del', name);
    }
}

/** Namespaces of runs that were killed. Their interfaces would slow down browsers, which try each. */
function forgetTheDead() {
    const names = run('ip', 'netns', 'list').toString().match(/^loupe\d+/gm) ?? [];
    for (const name of names) {
        if (existsSync(`/proc/${name.slice('loupe'.length)}`)) continue;
        try {
            removeNamespace(name);
        } catch {
            // Somebody else was faster.
        }
    }
}

function freeNet() {
    const taken = run('ip', '-4', '-o', 'addr').toString();
    for (let i = process.pid; ; i++) if (!taken.includes(`10.203.${i % 250}.`)) return `10.203.${i % 250}`;
}

export class Host {
    /** Several may exist at once: each has a network of its own. */
    static make() {
        const host = new Host();
        const name = `loupe${process.pid}`;
        host.address = host.outside = '127.0.0.1';
        host.children = new Set();
        process.once('exit', () => host.abandon());
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
        try {
            forgetTheDead();
            const net = freeNet();
            run('ip', 'netns', 'add', name);
            host.name = name;
            run('ip', 'link', 'add', `lb${process.pid}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
            run('ip', 'addr', 'add', `${net}.1/30`, 'dev', `lb${process.pid}`);
            run('ip', 'link', 'set', `lb${process.pid}`, 'up');
            run('ip', '-n', name, 'addr', 'add', `${net}.2/30`, 'dev', 'eth0');
            run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
            run('ip', '-n', name, 'link', 'set', 'lo', 'up');
            host.address = `${net}.2`;
            host.outside = `${net}.1`;
        } catch {
            host.remove();
            host.name = undefined;
        }
        return host;
    }

    remove() {
        try {
            if (this.name) removeNamespace(this.name);
        } catch {
            // It was never made, or is gone already.
        }
    }

    /** This program ends, whatever the reason: nothing stays behind. */
    abandon() {
        for (const child of this.children) child.kill('SIGKILL');
        this.remove();
    }

    /** Starts a program on this host, on these cores. */
    start(program, args, { cpu, ...options } = {}) {
        const words = [program, ...args];
        if (this.name) words.unshift('ip', 'netns', 'exec', this.name);
        if (cpu !== undefined) words.unshift('taskset', '-c', cpu);
        const child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
        this.children.add(child);
        child.once('exit', () => this.children.delete(child));
        return child;
    }
}

/** CPU seconds a process has used so far, all threads, to the nanosecond where the kernel tells. The
 *  programs in front of it exec, so the pid is right. */
export function cpuSeconds(pid) {
    try {
        const tasks = readdirSync(`/proc/${pid}/task`);
        const ran = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
        if (ran.some((ns) => ns > 0)) return ran.reduce((sum, ns) => sum + ns, 0) / 1e9;
    } catch {
        // No schedstat, or a thread that has just ended.
    }
    return statSeconds(`/proc/${pid}/stat`);
}

function statSeconds(path) {
    const fields = readFileSync(path, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** What the kernel's own thread for network work on a core has used: nobody is charged for it. */
export function softirqSeconds(cpu) {
    softirqSeconds.pids ??= Object.fromEntries(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
        try {
            const found = /^ksoftirqd\/(\d+)/.exec(readFileSync(`/proc/${pid}/comm`, 'utf8'));
            return found ? [[found[1], pid]] : [];
        } catch {
            return [];
        }
    }));
    const pid = softirqSeconds.pids[cpu];
    return pid ? statSeconds(`/proc/${pid}/stat`) : 0;
}

export function residentKiB(pid) {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** Ends a program; its exit code. */
export function end(child) {
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child?.exitCode);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10000);
    return new Promise((resolve) => child.once('exit', (code) => {
        clearTimeout(timer);
        resolve(code);
    }));
}

export const has = (path) => existsSync(path);
