// SPDX-License-Identifier: Apache-2.0
/* How long things take: counts by upper bound, as /metrics shows them. Plain numbers, all uint64_t, so
 * that several can be summed and copied like any counters. */
#ifndef LOUPE_BASE_HISTOGRAM_H
#define LOUPE_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 18

struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* not cumulative; the last: beyond all bounds */
    uint64_t sum_us;
};

/** The upper bounds in microseconds, rising: 50 us to 20 s. */
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

void histogram_add(struct histogram *h, uint64_t value_us);
/** How many values were added. */
uint64_t histogram_total(const struct histogram *h);

#endif
