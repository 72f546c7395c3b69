// SPDX-License-Identifier: Apache-2.0
/* Who waits and who talks now, whatever the state of the case: what a process that dies leaves to the next one.
 * A row for each such case, written with the event that made it so, and told by the timeline alone. */
#ifndef LOUPE_SERVER_STORE_WAITS_H
#define LOUPE_SERVER_STORE_WAITS_H

#include "server/store.h"

#define STORE_WAITED_MS "waited_ms" /* of `waiting_started`: counts as waited before */

/** All zero: neither. */
struct store_wait {
    struct id case_id;
    bool waits, talks;
    /* Of who waits: */
    uint64_t since_us;   /* when that began */
    uint64_t from_us;    /* from when on the search for an agent counts */
    uint64_t counted_us; /* what counts as having been waited before `since_us` */
};

/** What the action makes of it; `after` is the state that the case is in then. Whether anything changed. */
bool store_wait_acted(struct store_wait *w, const struct store_action *a, enum case_state after,
                      uint64_t now_us);
/** The same of the row, within the transaction of the action. */
int store_wait_note(struct store *s, const struct store_action *a, enum case_state after,
                    uint64_t now_us);
/** Of one case; neither: all zero. */
int store_wait_get(struct store *s, const struct id *case_id, struct store_wait *ret);
/** All of them, in the order in which they began. */
int store_waits_list(struct store *s, void (*each)(void *ctx, const struct store_wait *w),
                     void *ctx);

#endif
