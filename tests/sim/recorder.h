// SPDX-License-Identifier: Apache-2.0
/* The recorder of a simulated server: what a job thread does with batches, at once and in the same
 * thread, into a clip on the disk. */
#ifndef LOUPE_TESTS_SIM_RECORDER_H
#define LOUPE_TESTS_SIM_RECORDER_H

#include "media/record/clip.h"
#include "tests/sim/sim_server.h"

#define RECORDER_SEEN 65536

struct recorder {
    struct clip *clip;         /* NULL: none is open */
    struct standing *standing; /* of the room; NULL: nobody can be looked back to */
    bool followed;             /* the last clip copied its mix of that */
    uint64_t picture;          /* track id of the last picture handed over */
    size_t seen_count;         /* numbers of the picture's packets, in order */
    int64_t seen[RECORDER_SEEN];
    size_t early;          /* voices or pictures captured before `from_unix_us` of the open batch */
    uint64_t from_unix_us; /* media time 0 */
    uint64_t end_unix_us;
    uint64_t closed_us; /* when it was finished, in the simulation's time; 0: not yet */
    struct clip_result result;
    int error; /* the first one */
    struct sim_server *server;
};

/** Takes over what `s` records from now on. The clip is written to where the hub was told. */
void recorder_attach(struct recorder *r, struct sim_server *s);
/** What was not finished is given up. */
void recorder_clear(struct recorder *r);

#endif
