// SPDX-License-Identifier: Apache-2.0
// The yardstick alone: packets per CPU-second of encrypting for N viewers and sending to N sockets.
// N=50,100,200,400 SECONDS=2 RUNS=3 by default.
import { bench, list, number, settings } from './support/bench.mjs';
import { limits } from './support/limit.mjs';

const counts = list('N', '50,100,200,400');
settings.seconds = number('SECONDS', 2);

await bench('limit', async (host) => {
    const viewers = {};
    for (const count of counts) viewers[count] = await limits(host, count, settings.runs);
    return { viewers };
});
