// SPDX-License-Identifier: Apache-2.0
/* What a look-back takes by itself, without a server around it.
 *
 *   loupe-bench lookback FOLDER FILM SECONDS ROUNDS
 *
 * A call with the pictures of FILM (IVF, VP8, 30 a second) and two voices, as a recorder and a sealer see it:
 * first what goes on all the time while one may look back (voices mixed, pictures hashed), then SECONDS of it
 * written and sealed in FOLDER. Printed is one JSON object: medians of CPU time, user and system. */
#ifndef LOUPE_TESTS_BENCH_LOOKBACK_H
#define LOUPE_TESTS_BENCH_LOOKBACK_H

int lookback_main(int argc, char **argv);

#endif
