// SPDX-License-Identifier: Apache-2.0
/* A pacer without a queue: it says when the next packet may leave, and whoever holds the packets
 * waits. What was sent is always counted, so that packets which do not ask (sound) push back those
 * that do. */
#ifndef LOUPE_MEDIA_RELAY_PACER_H
#define LOUPE_MEDIA_RELAY_PACER_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed memory is a pacer without a limit. */
struct pacer {
    uint32_t rate_bps; /* 0: no limit */
    uint32_t burst_us; /* so much of the rate may leave at once after a rest */
    uint64_t byte_q16; /* microseconds for a byte, times 65536 */
    uint64_t free_us;  /* when all that was sent has left at the rate */
};

/** Another rate from now on (0: none). What is owed is owed in bytes, but
 *  holds nothing back for more than 150 ms. */
void pacer_set_rate(struct pacer *p, uint64_t now_us, uint32_t bps);
void pacer_set_burst(struct pacer *p, uint32_t burst_us);
bool pacer_may_send(const struct pacer *p, uint64_t now_us);
void pacer_sent(struct pacer *p, uint64_t now_us, uint32_t bytes);
/** When it may send (again); in the past when it may already. */
uint64_t pacer_next_us(const struct pacer *p);

#endif
