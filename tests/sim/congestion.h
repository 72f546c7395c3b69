// SPDX-License-Identifier: Apache-2.0
/* How a browser chooses the rate it sends with: a small Google Congestion Control
 * (draft-ietf-rmcat-gcc-02) from transport-wide feedback, with a loss controller that bears random
 * loss as Chromium's does, and the receiver's REMB as a cap. It is written apart from the server's
 * own estimate, so that neither hides the other's faults. */
#ifndef LOUPE_TESTS_SIM_CONGESTION_H
#define LOUPE_TESTS_SIM_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/wire/twcc.h"

#define CONGESTION_HISTORY 4096 /* packets sent; a power of two */
#define CONGESTION_POINTS 20    /* of the trend line */
#define CONGESTION_LOSSES 20    /* feedbacks over which loss is averaged */

struct congestion_sent {
    uint64_t sent_us;
    uint32_t bytes;
    bool known; /* sent, and not reported yet */
};

struct congestion {
    uint32_t bps, min_bps, max_bps;
    uint32_t remb_bps; /* 0: none */
    struct congestion_sent history[CONGESTION_HISTORY];
    uint16_t newest;
    /* Groups of packets sent within 5 ms: the one being gathered, and the one before. */
    uint64_t group_sent_us, group_last_sent_us, before_sent_us;
    int64_t group_arrived_us, before_arrived_us;
    /* The trend line. */
    double gathered_ms, smoothed_ms;
    double x_ms[CONGESTION_POINTS], y_ms[CONGESTION_POINTS];
    size_t points;
    double threshold, last_trend;
    uint64_t over_since_us, threshold_at_us;
    bool over, under;
    /* What arrives. */
    uint64_t window_us, window_bytes;
    uint32_t acked_bps;
    /* Loss. */
    uint32_t lost[CONGESTION_LOSSES], all[CONGESTION_LOSSES];
    size_t losses;
    /* The rate. */
    uint64_t changed_us, decreased_us;
    uint32_t link_bps; /* what it was when the path was full; 0: unknown */
    uint64_t rtt_us;
};

void congestion_init(struct congestion *c, uint32_t start_bps, uint32_t min_bps, uint32_t max_bps);
void congestion_sent(struct congestion *c, uint64_t now_us, uint16_t number, size_t bytes);
void congestion_feedback(struct congestion *c, uint64_t now_us, const struct twcc_arrival *arrivals,
                         size_t count);
void congestion_remb(struct congestion *c, uint32_t bps);
void congestion_rtt(struct congestion *c, uint64_t rtt_us);
/** What may be sent now. */
uint32_t congestion_bps(const struct congestion *c);
/** Share of the packets lost lately, in percent. */
double congestion_loss(const struct congestion *c);

#endif
