// SPDX-License-Identifier: Apache-2.0
/* What those who are shown a track can take, on one worker or on all that have its room. */
#ifndef LOUPE_MEDIA_CORE_DEMAND_H
#define LOUPE_MEDIA_CORE_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct track;

/** Of viewers who are shown anything. Zeroed: there are none. */
struct demand {
    uint32_t viewers;
    bool unlimited;          /* somebody's path has no limit */
    bool pinned;             /* somebody wished for less than all */
    bool moving;             /* somebody is shown more than a picture now and then */
    uint32_t bps, least_bps; /* what the best path carries, and the worst */
};

/** By viewers on other workers, one after the other; owned by the line that publishes. */
struct demand_elsewhere {
    size_t count;
    struct demand_of_worker {
        unsigned worker;
        struct demand demand;
    } * of;
};

/** Of the viewers on this worker. */
struct demand demand_here(const struct track *t);
/** Of those of both. */
struct demand demand_join(const struct demand *a, const struct demand *b);
/** Whether another is worth telling. */
bool demand_differs(const struct demand *a, const struct demand *b);

/** What a worker has told last. ER_NOMEM: forgotten. */
int demand_note(struct demand_elsewhere *e, unsigned worker, const struct demand *d);
/** A worker has no viewers any more. */
void demand_forget(struct demand_elsewhere *e, unsigned worker);
/** Adds what `workers` (bits) have told to *sum. False: one of them has not told anything yet. */
bool demand_add(const struct demand_elsewhere *e, uint64_t workers, struct demand *sum);
void demand_clear(struct demand_elsewhere *e);

#endif
