// SPDX-License-Identifier: Apache-2.0
/* The rate of arrivals: a ring of buckets of 50 ms. */
#include "media/relay/acked.h"

#include <string.h>

#define SEEN_MIN_US 100000
#define PEAK_BUCKETS 10
#define TAIL_US 60000
#define TAIL_MIN_US 25000

static int64_t bucket_of(int64_t us)
{
    int64_t b = us / ACKED_BUCKET_US;
    return us < 0 && us % ACKED_BUCKET_US ? b - 1 : b;
}

static uint32_t *bucket_at(struct acked *a, int64_t bucket)
{
    return &a->bytes[(uint64_t)bucket % ACKED_BUCKETS];
}

void acked_note(struct acked *a, int64_t arrival_us, uint32_t bytes)
{
    int64_t bucket = bucket_of(arrival_us);
    if (a->since_us == 0 || bucket >= a->bucket + ACKED_BUCKETS ||
        bucket <= a->bucket - ACKED_BUCKETS) {
        memset(a, 0, sizeof *a);
        a->since_us = arrival_us ? arrival_us : 1;
        a->newest_us = arrival_us;
        a->bucket = bucket;
    }
    for (; a->bucket < bucket; a->bucket++)
        *bucket_at(a, a->bucket + 1) = 0;
    if (arrival_us > a->newest_us)
        a->newest_us = arrival_us;
    *bucket_at(a, bucket) += bytes;
    a->last[a->next] = (struct acked_packet){.at_us = arrival_us, .bytes = bytes};
    a->next = (a->next + 1) % ACKED_LAST;
    if (a->count < ACKED_LAST)
        a->count++;
}

uint32_t acked_bps(const struct acked *a, uint32_t window_us)
{
    int64_t first = bucket_of(a->newest_us - (int64_t)window_us) + 1;
    int64_t begin_us = first * ACKED_BUCKET_US;
    uint64_t bytes = 0;
    if (begin_us < a->since_us)
        begin_us = a->since_us;
    if (a->since_us == 0 || a->newest_us - begin_us < SEEN_MIN_US)
        return 0;
    if (first <= a->bucket - ACKED_BUCKETS)
        first = a->bucket - ACKED_BUCKETS + 1;
    for (int64_t b = first; b <= a->bucket; b++)
        bytes += a->bytes[(uint64_t)b % ACKED_BUCKETS];
    uint64_t bps = bytes * 8u * 1000000u / (uint64_t)(a->newest_us - begin_us);
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

uint32_t acked_tail_bps(const struct acked *a)
{
    uint64_t bytes = 0;
    for (unsigned i = 1; i < a->count; i++) {
        const struct acked_packet *p = &a->last[(a->next + ACKED_LAST - i) % ACKED_LAST];
        const struct acked_packet *before = &a->last[(a->next + ACKED_LAST - i - 1) % ACKED_LAST];
        bytes += p->bytes;
        int64_t span_us = a->newest_us - before->at_us;
        if (span_us >= TAIL_US || (i + 1 == a->count && span_us >= TAIL_MIN_US))
            return (uint32_t)(bytes * 8u * 1000000u / (uint64_t)span_us);
    }
    return 0;
}

uint32_t acked_peak_bps(const struct acked *a)
{
    uint64_t peak = 0;
    for (int64_t b = a->bucket - PEAK_BUCKETS; a->since_us && b < a->bucket - 1; b++) {
        uint64_t bytes = (uint64_t)a->bytes[(uint64_t)b % ACKED_BUCKETS] +
                         a->bytes[(uint64_t)(b + 1) % ACKED_BUCKETS];
        if (bytes > peak)
            peak = bytes;
    }
    return (uint32_t)(peak * 8u * 1000000u / (2 * ACKED_BUCKET_US));
}
