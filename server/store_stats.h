// SPDX-License-Identifier: Apache-2.0
/* Figures of all of a merchant's cases, as GET /stats gives them. They are summed up with each event that
 * counts, in its transaction, by hour and by day, so that asking costs no more for a million cases. */
#ifndef LOUPE_SERVER_STORE_STATS_H
#define LOUPE_SERVER_STORE_STATS_H

#include "server/case_stats.h"
#include "server/store.h"

enum store_stats_group {
    STATS_BY_NOTHING,
    STATS_BY_HOUR,
    STATS_BY_DAY,
    STATS_BY_TEAM,
    STATS_BY_AGENT,
    STATS_BY_REASON,
    STATS_GROUPS,
};

struct store_stats_query {
    const char *merchant;
    uint64_t from_us, to_us; /* widened to whole hours, by day to whole days (of UTC) */
    enum store_stats_group group;
};

/** The sum of all of it; and of each group, in order of time or key, but for one without anything. `each` may be
 *  NULL. ER_FULL: there are more than LIMIT_STATS_ROWS groups (hours or days). What a key would be too many
 *  for (LIMIT_STATS_KEYS of a merchant) is summed up as STATS_OTHER. */
#define STATS_OTHER "(other)"
int store_stats(struct store *s, struct store_stats_query *q, struct stats_cell *ret_total,
                void (*each)(void *ctx, const char *key, uint64_t at_us,
                             const struct stats_cell *cell),
                void *ctx);

/** What all events of all cases add, in their order. */
int store_stats_tell(struct store *s,
                     void (*each)(void *ctx, const char *merchant, const struct stats_case *c,
                                  const struct stats_delta *delta),
                     void *ctx);

#endif
