// SPDX-License-Identifier: Apache-2.0
/* What the path to one viewer can carry, as its sender estimates it: Google Congestion Control
 * (draft-ietf-rmcat-gcc-02) over transport-wide feedback. Delay is the main signal; loss counts where
 * a queue stands beside it or a trial shows that it depends on the rate (lossguard.h). Probes test for
 * more, up to what the viewer could use. Without transport-wide feedback REMB is followed; without
 * either, receiver reports.
 *
 * Pure: no clock, nothing allocated after bwe_new. Feedback is the viewer's word and can be anything:
 * numbers never sent, fates told twice and leaping clocks are passed over, and whatever a viewer
 * makes up changes what is sent to that viewer only, between `min_bps` and `max_bps`. */
#ifndef LOUPE_MEDIA_RELAY_BWE_H
#define LOUPE_MEDIA_RELAY_BWE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/wire/twcc.h"

struct bwe;

struct bwe_config {
    uint32_t start_bps, min_bps, max_bps;
    bool twcc; /* transport-wide feedback was agreed: begin at start_bps; else at max_bps */
};

struct bwe_counters {
    uint64_t feedbacks;
    uint64_t strange; /* statuses of numbers not sent (lately), told before, or leaping in time */
    uint64_t lost, received;
    uint64_t probes, decreases;
};

/** What is known besides the estimate. */
struct bwe_state {
    bool measured; /* transport-wide feedback comes */
    bool overuse;
    uint32_t capacity_bps; /* the link's, as it was when it was met last; 0: it was not, lately */
    uint32_t queue_us, jitter_us;
    uint32_t arriving_bps;
    uint64_t rtt_us; /* 0: unknown */
    double loss, inherent_loss;
    double follows; /* of what is lost, what was sent right behind something lost: losses in runs */
    struct bwe_counters counters;
};

int bwe_new(struct bwe **ret, const struct bwe_config *config, uint64_t now_us);
/** NULL is fine. */
void bwe_free(struct bwe *b);
/** A packet leaves now: its transport-wide number. `bytes` as on the wire; `probe`: bwe_probe's id,
 *  or 0. */
uint16_t bwe_send(struct bwe *b, uint64_t now_us, uint32_t bytes, unsigned probe);
/** One feedback packet's statuses, in order of numbers. */
void bwe_feedback(struct bwe *b, uint64_t now_us, const struct twcc_arrival *arrivals,
                  size_t count);
/** Used when no transport-wide feedback comes, else a cap. Forgotten after 10 s. */
void bwe_remb(struct bwe *b, uint64_t now_us, uint32_t bps);
/** `rtt_us` 0: unknown. */
void bwe_receiver_report(struct bwe *b, uint64_t now_us, uint8_t fraction_lost, uint64_t rtt_us);
/** What the viewer could use: no probing beyond. 0: nothing. */
void bwe_set_wanted(struct bwe *b, uint32_t bps);
/** The estimate. */
uint32_t bwe_bps(const struct bwe *b);
void bwe_get_state(const struct bwe *b, struct bwe_state *ret);

struct bwe_probe {
    unsigned id;
    uint32_t bps;   /* of the whole train */
    uint32_t bytes; /* of the one packet to send now */
};
/** A packet to send as part of a probe now (padding, or media once more); call until false. */
bool bwe_probe(struct bwe *b, uint64_t now_us, struct bwe_probe *ret);
/** When bwe_probe may have something next; UINT64_MAX: not before feedback or a packet sent. */
uint64_t bwe_deadline_us(const struct bwe *b);

/** Has the processor fetch what bwe_send will need (base/fetch.h), in two steps from 0 on. */
void bwe_fetch(const struct bwe *b, unsigned step);

#endif
