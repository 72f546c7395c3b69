// SPDX-License-Identifier: Apache-2.0
/* Probing: a short train of packets at a higher rate, and how fast it came out at the other end. What
 * is sent anyway while a train is under way counts as part of it; only the rest is padding. */
#ifndef LOUPE_MEDIA_RELAY_PROBER_H
#define LOUPE_MEDIA_RELAY_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#define PROBER_SAMPLES 32

enum prober_state { PROBER_IDLE, PROBER_SENDING, PROBER_WAITING };

/** Zeroed memory is an idle one. */
struct prober {
    enum prober_state state;
    uint8_t id;       /* of the train, never 0 */
    uint32_t bps;     /* aimed at */
    uint32_t goal;    /* bytes */
    bool passive;     /* nothing is padded */
    uint32_t bytes;   /* sent so far */
    unsigned packets; /* likewise */
    unsigned fates;   /* of them known */
    uint64_t began_us, last_us;
    unsigned count;
    struct prober_sample {
        uint64_t sent_us;
        int64_t arrival_us;
        uint32_t bytes;
    } samples[PROBER_SAMPLES];
};

/** Begin a train at `bps`; longer where arrivals jitter. Passive: made of what is sent anyway. */
void prober_begin(struct prober *p, uint64_t now_us, uint32_t bps, uint32_t jitter_us,
                  bool passive);
/** How large a packet is due now to keep the train's rate; 0: none. */
uint32_t prober_due(struct prober *p, uint64_t now_us);
/** When prober_due may say something; UINT64_MAX: not before something else happens. */
uint64_t prober_next_us(const struct prober *p);
/** A packet was sent: the number of the train it is part of, 0 for none. */
uint8_t prober_sent(struct prober *p, uint64_t now_us, uint32_t bytes);
/** What became of a packet of train `id`; in order of sending. */
void prober_fate(struct prober *p, uint8_t id, bool received, const struct prober_sample *sample);
/** True once when a train is over and says something: what the path took, and whether that was its
 *  limit or the train's own rate. */
bool prober_result(struct prober *p, uint64_t now_us, double *ret_bps, bool *ret_limited);

#endif
