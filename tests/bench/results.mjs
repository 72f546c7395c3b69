// SPDX-License-Identifier: Apache-2.0
// Puts figures into docs/BENCHMARKS.md: node tests/bench/results.mjs < FILE, where FILE holds what
// `./dev bench` printed, one JSON object a line (of several by one name the last counts).
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../../docs/BENCHMARKS.md', import.meta.url));
const BEGIN = '<!-- figures -->';
const END = '<!-- end of figures -->';

const lines = readFileSync(0, 'utf8').split('\n').filter((line) => line.startsWith('{'));
const of = Object.fromEntries(lines.map((line) => JSON.parse(line)).map((object) => [object.bench, object]));

const number = (value, digits = 0) =>
    value === undefined || value === null ? '' : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (value, digits = 0) => (value === undefined ? '' : `${number(value * 100, digits)}%`);
const pair = (a, b, digits = 2) => (a === undefined ? '' : `${number(a, digits)} / ${number(b, digits)}`);
const row = (...cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(...head), row(...head.map(() => '---')), ...rows].join('\n');

function rooms() {
    const viewers = of.rooms?.viewers ?? {};
    const rate = (server) => number(server?.packets_per_cpu_second);
    const delay = (server) => pair(server?.video_delay_ms?.p50, server?.video_delay_ms?.p99);
    const rows = Object.entries(viewers).map(([count, it]) => row(count, number(it.limit), rate(it.loupe), percent(it.ratio_to_limit),
        rate(it.janus), rate(it.janus_one_loop), it.ratio_to_janus ? `${number(it.ratio_to_janus, 1)}x` : '',
        percent(it.loupe?.loss, 2), delay(it.loupe), delay(it.janus_one_loop)));
    return table(['viewers', 'limit', 'Loupe', 'of the limit', 'Janus, installed', 'Janus, one loop', 'to the better Janus',
        'loss', 'delay p50 / p99, ms', 'Janus, one loop'], rows);
}

function relay() {
    const it = of.relay ?? {};
    const all = ['loupe', 'janus', 'janus_one_loop'];
    const common = [it.ratio_to_janus, it.ratio_to_janus_one_loop].filter(Boolean).map(({ calls }) => calls);
    const calls = Math.min(...common);
    const cells = (pick) => all.map((name) => (it[name] ? pick(it[name]) : ''));
    const ratio = (key) => ['', ...['ratio_to_janus', 'ratio_to_janus_one_loop'].map((name) => (it[name] ? `${number(it[name][key], 1)}x` : ''))];
    return table(['', 'Loupe', 'Janus, installed', 'Janus, one loop'], [
        row(common.length ? `packets per CPU-second, ${calls} calls` : 'packets per CPU-second', ...cells((one) => number(one.steps[calls]?.packets_per_cpu_second))),
        row('Loupe to this, at the most calls that both carry', ...ratio('packets')),
        row('calls on one core before 0.1% loss', ...cells((one) => `${number(one.saturation)}${one.limited_by_generator ? ' (the generator\'s limit)' : ''}`)),
        row('Loupe to this', ...ratio('saturation')),
        row('calls at half of that', ...cells((one) => number(one.at_half?.calls))),
        row('delay there, p50 / p99, ms', ...cells((one) => pair(one.at_half?.p50_ms, one.at_half?.p99_ms))),
        row('of sound', ...cells((one) => pair(one.at_half?.audio_p50_ms, one.at_half?.audio_p99_ms))),
    ]);
}

function rest() {
    const { memory, join, workers, soak } = of;
    const kib = (name) => number(memory?.[name]?.kib_per_viewer, 1);
    const both = join ? [join.janus?.median_ms, join.janus_one_loop?.median_ms].filter(Boolean).map((ms) => number(ms)).join(' and ') : '';
    return table(['what', 'figure', 'wanted'], [
        row('memory per further viewer, KiB (Janus: installed, one loop)', memory ? `${kib('loupe')} (${kib('janus')}, ${kib('janus_one_loop')})` : '', '<= 48'),
        row('memory per idle peer, KiB', number(memory?.loupe?.kib_per_idle_peer, 1), '<= 32'),
        row(`${number(memory?.loupe?.viewers ?? 1000)} viewers join one room, seconds`, number(memory?.loupe?.seconds_to_join, 1), '<= 20'),
        row('join, offer to first picture, median ms (Janus with the same page)', join ? `${number(join.loupe?.median_ms)} (${both})` : '', '<= 150, and less than Janus'),
        row('two workers: unevenness', percent(workers?.two_on_two_cores?.unevenness, 1), '<= 10%'),
        row('two workers: CPU per packet beside one (both on one core; on two)', workers ? `${number(workers.cost_on_one_core, 2)}; ${number(workers.cost_on_two_cores, 2)}` : '', '<= 1.10'),
        row(`soak${soak ? `, ${number(soak.seconds / 60)} minutes, ${number(soak.joined)} joined` : ', 30 minutes'}: growth of resident memory`, percent(soak?.growth, 2), '<= 1%'),
    ]);
}

const text = `${BEGIN}

### One room, 2.5 Mbit/s VP8 and Opus; packets per CPU-second

${rooms()}

### Two-party calls, 1.2 Mbit/s VP8 and Opus each way

${relay()}

### The rest

${rest()}

${END}`;
const old = readFileSync(page, 'utf8');
writeFileSync(page, old.slice(0, old.indexOf(BEGIN)) + text + old.slice(old.indexOf(END) + END.length));
