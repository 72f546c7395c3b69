// SPDX-License-Identifier: Apache-2.0
/* The rate by loss. Loss alone is a bad witness: radio links lose packets at any rate. It counts at
 * once where a queue stands beside it. Where none does, the rate is lowered for a trial to what
 * arrived: a link that polices then loses less, each time that this is tried, and the rate stays; a link that
 * loses by chance goes on as before, its share is known from then on, and the rate comes back. Where losses
 * come in runs, one trial may well fall between two. */
#ifndef LOUPE_MEDIA_RELAY_LOSSGUARD_H
#define LOUPE_MEDIA_RELAY_LOSSGUARD_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed memory is a fresh one. */
struct lossguard {
    uint32_t expected, lost; /* of the window */
    uint64_t window_us;
    double loss;     /* smoothed share */
    double inherent; /* what is lost whatever the rate */
    unsigned high;   /* windows in a row with too much */
    bool trial;
    uint64_t trial_until_us, no_trial_before_us;
    uint64_t queued_until_us;     /* what is lost may be what a full queue dropped */
    uint64_t suspected_until_us;  /* a trial has shown policing, which may have been chance */
    uint64_t policed_until_us;    /* so has another soon after; believed for 30 s */
    double trial_loss, trial_bps; /* when it began */
};

struct lossguard_input {
    double bps;          /* the rate now */
    double arriving_bps; /* 0: unknown */
    uint32_t queue_us, jitter_us;
    uint64_t rtt_us;
};

/** Packets whose fate is known: `lost` may be negative for some that were late only. */
void lossguard_count(struct lossguard *g, unsigned expected, int lost);
/** After each feedback: the rate that loss allows (in->bps when it has no objection; more than that
 *  at the end of a trial that showed the loss to be chance). */
double lossguard_update(struct lossguard *g, uint64_t now_us, const struct lossguard_input *in);
/** A trial has shown that more than the rate is dropped: what bursts get through says nothing. */
bool lossguard_is_policed(const struct lossguard *g, uint64_t now_us);
/** No increase now: a trial is on, or the link is known to police and loses again. */
bool lossguard_holds(const struct lossguard *g, uint64_t now_us);
/** The delay has spoken: a trial's rate does not come back, and what a full queue dropped says nothing
 *  about the link. */
void lossguard_cancel(struct lossguard *g, uint64_t now_us);

#endif
