// SPDX-License-Identifier: Apache-2.0
// Microseconds that one decision of the pairing queue takes: WAITING=10000 AGENTS=1000 DECISIONS=5000 by default,
// with cases of ever more kinds (KINDS=100,1000,10000: in the last nearly no two need the same).
import { execFileSync } from 'node:child_process';
import { list, loupeBench, number, say } from './support/bench.mjs';

const waiting = number('WAITING', 10000);
const agents = number('AGENTS', 1000);
const decisions = number('DECISIONS', 5000);
const kinds = {};
for (const count of list('KINDS', '100,1000,10000')) {
    const found = execFileSync(loupeBench(), ['pairing', waiting, agents, count, decisions].map(String), { encoding: 'utf8' });
    kinds[count] = JSON.parse(found);
    say(`${count} kinds: ${found.trim()}`);
}
console.log(JSON.stringify({ bench: 'pairing', waiting, agents, decisions, kinds }));
