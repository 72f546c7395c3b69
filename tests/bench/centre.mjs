// SPDX-License-Identifier: Apache-2.0
// Days of a contact centre in virtual time: the pairing queue beside first come, first served within each
// skill, under the same load. SEEDS=1,2,3,4,5 CALLS=20000 AGENTS=200 by default. Fails when the queue does what
// it must not; docs/PAIRING.md has the table.
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { list, loupeBench, many, median, number, round, say } from './support/bench.mjs';

const seeds = list('SEEDS', '1,2,3,4,5');
const calls = number('CALLS', 20000);
const agents = number('AGENTS', 200);
const never = ['doubled', 'overloaded', 'astray', 'overtaken', 'unsound'];
const run = promisify(execFile);

const days = [];
await many(seeds.length, Math.min(2, availableParallelism()), async (i) => {
    const { stdout } = await run(loupeBench(), ['centre', String(seeds[i]), String(calls), String(agents)]);
    days[i] = JSON.parse(stdout);
    const { queue, fifo } = days[i];
    say(`seed ${seeds[i]}: within two minutes ${queue.all.in_time} (FIFO ${fifo.all.in_time}), p90 ${queue.all.p90_s} s (${fifo.all.p90_s}), ` +
        `by tier ${queue.tiers.map((tier) => tier.p90_s)} (${fifo.tiers.map((tier) => tier.p90_s)}), longest ${queue.all.longest_s} s ` +
        `(${fifo.all.longest_s}), expected wait off by ${queue.first_error}`);
});

/** The middle of the days' figures, and how the two compare. */
const middle = (of) => round(median(days.map(of)));
const both = (of) => ({ queue: middle((day) => of(day.queue)), fifo: middle((day) => of(day.fifo)) });
const faults = Object.fromEntries(never.map((name) => [name, days.reduce((sum, day) => sum + day.queue[name] + day.fifo[name], 0)]));
const found = {
    bench: 'centre', calls, agents, seeds,
    in_time: both((day) => day.all.in_time),
    p90_s: both((day) => day.all.p90_s),
    p90_s_by_tier: [0, 1, 2, 3].map((tier) => both((day) => day.tiers[tier].p90_s)),
    longest_s: both((day) => day.all.longest_s),
    answered: both((day) => day.all.answered / day.all.came),
    expected_wait_error: middle((day) => day.queue.first_error),
    faults,
    days,
};
console.log(JSON.stringify(found));
if (Object.values(faults).some(Boolean)) process.exit(1);
