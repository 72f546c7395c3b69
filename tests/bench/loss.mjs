// SPDX-License-Identifier: Apache-2.0
// The grid of impaired networks, simulated (build/loupe-grid, see tests/sim/grid.h), in two processes:
// one JSON object on standard output, the same as a table in Markdown on standard error, and with
// WRITE=1 into docs/LOSS.md. SEEDS=5 and CELLS=TEXT (those whose name holds it) by default all.
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.LOUPE_GRID ?? `${top}build/loupe-grid`;
const seeds = Number(process.env.SEEDS ?? 5);
const cells = process.env.CELLS ?? '';
const processes = 2;

function part(index) {
    return new Promise((resolve, reject) => {
        const child = spawn(program, ['-s', String(seeds), '-p', `${index}/${processes}`, cells], {
            stdio: ['ignore', 'pipe', 'inherit'],
        });
        let text = '';
        child.stdout.on('data', (data) => (text += data));
        child.on('error', reject);
        child.on('close', (code) =>
            code === 0
                ? resolve(text.split('\n').filter(Boolean).map((line) => JSON.parse(line)))
                : reject(new Error(`loupe-grid ended with ${code}`)),
        );
    });
}

const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[Math.floor(values.length / 2)];
const most = (values) => Math.max(...values);
const round = (value, digits = 0) => Number(value.toFixed(digits));
/** Never is -1 in a run, and the worst of all. */
const worst = (values) => (values.some((v) => v < 0) ? -1 : most(values));

function sumStep(runs, index) {
    const of = (key) => runs.map((run) => run.steps[index][key]);
    return {
        rate_kbps: of('rate_bps')[0] / 1000,
        used_percent: round(median(of('used'))),
        least_used_percent: round(Math.min(...of('used'))),
        queue_p95_ms: most(of('wait_ms')),
        queue_worst_ms: most(of('worst_ms')),
        queue_after_5_s_ms: most(of('after_ms')),
        size_changed_ms: worst(of('changed_ms')),
        size_reached_ms: worst(of('reached_ms')),
        width: Math.min(...of('width')),
        settled_ms: worst(of('settled_ms')),
    };
}

/** All seeds of one cell: medians, and the worst where a bound is meant to hold always. */
function sum(name, runs) {
    const of = (key) => runs.map((run) => run[key]);
    return {
        name,
        fps: round(median(of('fps')), 1),
        least_fps: round(Math.min(...of('fps')), 1),
        kbps: round(median(of('kbps'))),
        freezes: median(of('freezes')),
        long_freezes: median(of('long_freezes')),
        most_long_freezes: most(of('long_freezes')),
        frozen_ms: median(of('frozen_ms')),
        longest_ms: most(of('longest_ms')),
        delay_ms: median(of('delay_ms')),
        concealed_percent: round(median(of('concealed')), 2),
        most_concealed_percent: round(most(of('concealed')), 2),
        longest_concealed_ms: most(of('silent_ms')),
        recovery_ms: worst(of('recovery_ms')),
        key_frames: median(of('key_frames')),
        steps: runs[0].steps.map((_, index) => sumStep(runs, index)),
    };
}

const row = (values) => `| ${values.join(' | ')} |`;
const never = (ms) => (ms < 0 ? 'never' : String(ms));

function lossTable(list) {
    const head = ['network', 'fps (least)', 'kbit/s', 'freezes', 'over 500 ms (most)', 'frozen ms',
        'longest ms', 'delay ms', 'sound concealed % (most)', 'at a stretch ms', 'recovery ms'];
    return [row(head), row(head.map((_, i) => (i ? '--:' : '---'))), ...list.map((c) =>
        row([c.name, `${c.fps} (${c.least_fps})`, c.kbps, c.freezes,
            `${c.long_freezes} (${c.most_long_freezes})`, c.frozen_ms, c.longest_ms, c.delay_ms,
            `${c.concealed_percent} (${c.most_concealed_percent})`, c.longest_concealed_ms,
            never(c.recovery_ms)]))];
}

function rateTable(list) {
    const head = ['bottleneck', 'kbit/s', 'used % (least)', 'queue p95 ms', 'worst ms',
        'after 5 s ms', 'settled ms', 'width', 'size changed ms', 'size reached ms'];
    return [row(head), row(head.map((_, i) => (i ? '--:' : '---'))), ...list.flatMap((c) =>
        c.steps.map((s) =>
            row([c.name, s.rate_kbps, `${s.used_percent} (${s.least_used_percent})`,
                s.queue_p95_ms, s.queue_worst_ms, s.queue_after_5_s_ms, never(s.settled_ms), s.width,
                never(s.size_changed_ms), never(s.size_reached_ms)])))];
}

async function writeDocument(markdown) {
    const path = `${top}docs/LOSS.md`;
    const text = await readFile(path, 'utf8');
    const marks = ['<!-- table -->', '<!-- /table -->'];
    const [before, rest] = text.split(marks[0]);
    await writeFile(path, `${before}${marks[0]}\n\n${markdown}\n\n${marks[1]}${rest.split(marks[1])[1]}`);
}

const runs = (await Promise.all(Array.from({ length: processes }, (_, i) => part(i)))).flat();
const names = [...new Set(sorted(runs.map((run) => run.cell)).map((cell) =>
    runs.find((run) => run.cell === cell).name))];
const list = names.map((name) => sum(name, runs.filter((run) => run.name === name)));
const rates = list.filter((c) => c.steps.length);
const markdown = [...lossTable(list), ...(rates.length ? ['', ...rateTable(rates)] : [])].join('\n');
process.stderr.write(`${markdown}\n`);
if (process.env.WRITE) await writeDocument(markdown);
process.stdout.write(`${JSON.stringify({ bench: 'loss', seeds, seconds: 45, cells: list })}\n`);
