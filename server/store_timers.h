// SPDX-License-Identifier: Apache-2.0
/* Timers of cases in the store: how long each merchant gives which state, and what has run out. */
#ifndef LOUPE_SERVER_STORE_TIMERS_H
#define LOUPE_SERVER_STORE_TIMERS_H

#include "server/case_timers.h"
#include "server/store.h"

/** How long each state has at this merchant, in seconds; 0: for ever. */
int store_timers_get(struct store *s, const char *merchant, uint64_t ret_seconds[CASE_STATES]);
/** For cases that come into the state from now on. ER_INVALID: the state has no timer. */
int store_timer_set(struct store *s, const char *merchant, enum case_state state, uint64_t seconds);
/** When the timer of a case that came into its state now runs out; 0: never. */
int store_timer_start(struct store *s, const char *merchant, enum case_state state, uint64_t now_us,
                      uint64_t *ret_due_us);
/** What could not be carried out: put off, so that it holds up no other case. */
struct timers_stuck {
    size_t count;
    struct id id; /* the last one, */
    int er;       /* and why */
};
/** Looks at up to `max` of those that have run out by now: what happens then has happened. How many in *ret_count, and
 *  which; what cannot happen is tried again an hour later. */
int store_timers_run(struct store *s, uint64_t now_us, struct id *ret, size_t max,
                     size_t *ret_count, struct timers_stuck *ret_stuck);

#endif
