// SPDX-License-Identifier: Apache-2.0
/* The events of all cases in order of time. */
#ifndef LOUPE_SERVER_STORE_FEED_H
#define LOUPE_SERVER_STORE_FEED_H

#include "server/store.h"

/** A place in it: behind the event of this time, case and number. */
struct store_feed_at {
    uint64_t at_us;
    struct id case_id; /* zeroed: before all of that time */
    uint64_t seq;
};

/** The time of the first event from `since_us` on; UINT64_MAX: there is none. */
int store_feed_first(struct store *s, uint64_t since_us, uint64_t *ret_us);
/** Those before `until_us`, `limit` at most, with the number and merchant of their cases. All of them are sorted for
 *  it, so that it is best asked for in short spans. */
int store_feed(struct store *s, const struct store_feed_at *after, uint64_t until_us, size_t limit,
               void (*each)(void *ctx, const struct store_event *e, const char *number,
                            const char *merchant),
               void *ctx);

#endif
