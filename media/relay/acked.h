// SPDX-License-Identifier: Apache-2.0
/* How many bits per second arrive at the other end, by the receiver's clock. */
#ifndef LOUPE_MEDIA_RELAY_ACKED_H
#define LOUPE_MEDIA_RELAY_ACKED_H

#include <stdint.h>

#define ACKED_BUCKETS 16
#define ACKED_BUCKET_US 50000
#define ACKED_LAST 32

/** Zeroed memory: nothing has arrived. */
struct acked {
    int64_t newest_us;
    int64_t since_us; /* where counting began */
    int64_t bucket;   /* of newest_us */
    uint32_t bytes[ACKED_BUCKETS];
    struct acked_packet {
        int64_t at_us;
        uint32_t bytes;
    } last[ACKED_LAST]; /* a ring */
    unsigned next, count;
};

void acked_note(struct acked *a, int64_t arrival_us, uint32_t bytes);
/** Over the last `window_us` before the newest arrival (up to 750 ms); 0 while less than 100 ms have
 *  been seen. */
uint32_t acked_bps(const struct acked *a, uint32_t window_us);
/** Of the last packets alone, 25 to 80 ms of them: the link's own rate while a queue stands before it.
 *  0: they do not say. */
uint32_t acked_tail_bps(const struct acked *a);
/** The most of any 100 ms of the last half second. */
uint32_t acked_peak_bps(const struct acked *a);

#endif
