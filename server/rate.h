// SPDX-License-Identifier: Apache-2.0
/* How often somebody may ask: for each name a bucket that fills with time. Pure. */
#ifndef LOUPE_SERVER_RATE_H
#define LOUPE_SERVER_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rates;

/** So much a second on the average, and `burst` at once. */
struct rate_limit {
    uint32_t per_second, burst;
};

/** "N" or "N/BURST", numbers from 1 to a million; BURST is twice N where nothing is said. ER_MALFORMED. */
int rate_limit_parse(const char *text, struct rate_limit *ret);

/** For `names` names at once; beyond that those are forgotten who have not asked for long enough to be as good as new, and
 *  where there are none, others are not counted. `seed` as map_new. ER_NOMEM. */
int rates_new(struct rates **ret, size_t names, uint64_t seed);
void rates_free(struct rates *r);
/** One more request of `name`: 0, or in how many microseconds it may be asked again. */
uint64_t rates_take(struct rates *r, const char *name, const struct rate_limit *limit,
                    uint64_t now_us);

#endif
