// SPDX-License-Identifier: Apache-2.0
/* Figures of cases: what each event of a case adds to which hour, sums of them with the spread of times,
 * and the bytes in which a sum is kept. Where an event comes to count otherwise, a migration must empty the cells of the
 * store and fill them anew: `loupectl verify` holds them against this. Pure. */
#ifndef LOUPE_SERVER_CASE_STATS_H
#define LOUPE_SERVER_CASE_STATS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum stats_count {
    STATS_OPENED,
    STATS_CLOSED,
    STATS_CANCELLED,
    STATS_SOLVED, /* an outcome was agreed, or ruled: once until it is reopened */
    STATS_REOPENED,
    STATS_CALLS,
    STATS_CLIPS,
    STATS_WAITS,
    STATS_ANSWERED_2MIN,
    STATS_ABANDONED, /* the buyer gave up, or was lost */
    STATS_SCORE_1,
    STATS_SCORE_2,
    STATS_SCORE_3,
    STATS_SCORE_4,
    STATS_SCORE_5,
    STATS_RESOLVED, /* said by the buyer */
    STATS_UNRESOLVED,
    STATS_BOT_CALLS, /* begun with a bot: none of STATS_CALLS, and the wait goes on */
    STATS_BOT_ENDED, /* of them, those that ended there: nobody was asked for any more */
    STATS_COUNTS,    /* further ones at the end: kept sums have those that there were */
};

/** The first is below a second, each further one 8% wider, up to more than a day. */
#define STATS_BUCKETS 152
#define STATS_SOON_MS 120000 /* answered within it */

struct stats_times {
    uint64_t count, sum_ms, max_ms;
    uint32_t counts[STATS_BUCKETS];
};
void stats_times_add(struct stats_times *t, uint64_t ms);
/** The time that `permille` of 1000 do not exceed, within 4%; 0 where there is none. */
uint64_t stats_times_quantile(const struct stats_times *t, unsigned permille);

/** A sum. Waits count in the hour in which they began, calls and what they took in theirs. */
struct stats_cell {
    uint64_t counts[STATS_COUNTS];
    struct stats_times wait;     /* until an agent was there: a bot is none */
    struct stats_times handling; /* of calls: talk (on hold, too) and wrap-up, once that is given */
    struct stats_times wrap_up;  /* of that, the wrap-up */
};
#define STATS_CELL_BYTES 4096 /* no sum takes more */
void stats_cell_add(struct stats_cell *into, const struct stats_cell *more);
size_t stats_cell_write(const struct stats_cell *c, uint8_t ret[STATS_CELL_BYTES]);
/** Adds what was written. ER_MALFORMED, with a part of it added. */
int stats_cell_read(struct stats_cell *into, const void *bytes, size_t len);

#define STATS_KEY_BYTES (LIMIT_IDENTITY + 1)

/** A call that is over, whose wrap-up is owed. */
struct stats_owed {
    char agent[STATS_KEY_BYTES]; /* "": none */
    uint64_t call_us, ended_us;
};
#define STATS_OWED 4 /* of a case; for one more the oldest counts without its wrap-up */

/** What of a case's past says how the next event counts. Zeroed: before its first one. */
struct stats_case {
    uint64_t waiting_us, call_us; /* since when; 0: not */
    bool solved;
    bool bot;                           /* the call is a bot's */
    struct stats_owed owed[STATS_OWED]; /* the oldest first */
    char team[STATS_KEY_BYTES], reason[STATS_KEY_BYTES];
    char agent[STATS_KEY_BYTES]; /* of the last call; "" */
};

struct stats_delta {
    uint64_t at_us;              /* to which hour it belongs */
    char agent[STATS_KEY_BYTES]; /* and to whom; "": to nobody yet */
    struct stats_cell cell;
};
#define STATS_DELTAS 2

/** The events that count, and what takes them: of them the store reads these alone. */
#define STATS_TYPES(X)                                                                             \
    X(case_opened, on_opened)                                                                      \
    X(case_changed, on_changed)                                                                    \
    X(waiting_started, on_waiting)                                                                 \
    X(waiting_stopped, on_waiting_stopped)                                                         \
    X(call_started, on_call_started)                                                               \
    X(call_ended, on_call_ended)                                                                   \
    X(call_taken_over, on_taken_over)                                                              \
    X(wrapped_up, on_wrapped_up)                                                                   \
    X(wrap_up_lapsed, on_wrap_lapsed)                                                              \
    X(outcome_agreed, on_solved)                                                                   \
    X(ruled, on_solved)                                                                            \
    X(verdict_given, on_solved)                                                                    \
    X(closed, on_closed)                                                                           \
    X(cancelled, on_cancelled)                                                                     \
    X(expired, on_cancelled)                                                                       \
    X(reopened, on_reopened)                                                                       \
    X(rated, on_rated)                                                                             \
    X(clip_ready, on_clip)

/** Whether events of this type count at all. */
bool stats_counts_type(const char *type);
/** Takes the case's next event; `data` is its object. How many deltas there are in `ret`. */
size_t stats_case_take(struct stats_case *c, const char *type, uint64_t at_us, const json_t *data,
                       struct stats_delta ret[STATS_DELTAS]);

#endif
