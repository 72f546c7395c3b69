// SPDX-License-Identifier: Apache-2.0
// A store of a million cases: how large it is, how quickly pages of it are listed and searched, and how many events a second
// it takes, each durable. CASES=1000000 SECONDS=20 by default; DISK=DIR: where (the folder of temporary files).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, loupeBench, number } from './support/bench.mjs';

await bench('cases', () => {
    const folder = mkdtempSync(join(process.env.DISK ?? tmpdir(), 'loupe-cases-'));
    try {
        const words = ['cases', folder, String(number('CASES', 1_000_000)), String(number('SECONDS', 20))];
        return JSON.parse(execFileSync(loupeBench(), words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});
