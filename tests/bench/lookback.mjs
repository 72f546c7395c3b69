// SPDX-License-Identifier: Apache-2.0
// What a look-back takes by itself: recorder and sealer without a server around them. KBPS=1200 BACK=66
// (seconds) RUNS=15 by default; DISK=DIR: where (the folder of temporary files).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, loupeBench, number, say } from './support/bench.mjs';
import { makeFilm } from './support/film.mjs';

const kbps = number('KBPS', 1200);
const seconds = number('BACK', 66);
const runs = number('RUNS', 15);

await bench('lookback', async () => {
    const folder = mkdtempSync(join(process.env.DISK ?? tmpdir(), 'loupe-lookback-'));
    try {
        // A key frame of 48 KB at 1.2 Mbit/s: as large as browsers let them be (nine pictures' share).
        const film = makeFilm(folder, kbps, 12, ['-max-intra-rate', '900']);
        const found = execFileSync(loupeBench(), ['lookback', folder, film, String(seconds), String(runs)], { encoding: 'utf8' });
        say(found.trim());
        return { kbps, runs, ...JSON.parse(found) };
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});
