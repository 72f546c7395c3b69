// SPDX-License-Identifier: Apache-2.0
/* Counts of durations. */
#include "base/histogram.h"

const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
    50,    100,    200,    500,    1000,   2000,    5000,    10000,   20000,
    50000, 100000, 200000, 300000, 500000, 1000000, 2000000, 5000000, 20000000,
};

void histogram_add(struct histogram *h, uint64_t value_us)
{
    unsigned i = 0;
    while (i < HISTOGRAM_BOUNDS && value_us > histogram_bounds_us[i])
        i++;
    h->counts[i]++;
    h->sum_us += value_us;
}

uint64_t histogram_total(const struct histogram *h)
{
    uint64_t total = 0;
    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
        total += h->counts[i];
    return total;
}
