// SPDX-License-Identifier: Apache-2.0
/* Additive increase, multiplicative decrease, and the link's capacity. */
#include "media/relay/aimd.h"

#include <math.h>

#define DECREASE 0.85
#define DECREASE_MIN 0.4
#define QUEUE_FREE_US 80000       /* a longer queue is drained faster: */
#define QUEUE_DRAIN_PER_US 1.2e-6 /* so much more decrease for each microsecond of it */
#define QUEUE_BUSY_US 30000       /* all that arrived of late did so at the link's rate */
#define PARTLY_USED 0.7
#define FELL 0.7 /* of what was sent arrived of late: the link became slower */
#define HALVED 0.5
#define PEAK_JITTER_US 10000 /* with more of it, peaks say nothing */
#define LEAP_JITTER_US 20000
#define QUEUE_SMALL_US 15000
#define INCREASE_PER_S 0.12
#define RESPONSE_US 100000u
#define PACKET_BITS 9600.0
#define ADDITIVE_MIN_PER_S 20000.0
#define BEYOND_CAPACITY 1.25 /* above this the link has changed, and the capacity is unknown */
#define KNOWN_US 12000000u   /* a capacity not met for so long is one no more */
#define RECOVER_TO 0.92      /* of the capacity, when the queue is gone */
#define CAPACITY_WEIGHT 0.25
#define SENT_SHARE_MAX 1.5 /* the rate grows to so much of what arrives */
#define CARRIED_SHARE 0.9
#define SENT_SLACK 20000.0

static void note_capacity(struct aimd *a, double bps)
{
    if (a->capacity_bps <= 0 || bps < a->capacity_bps * 0.7 || bps > a->capacity_bps * 1.4) {
        a->capacity_bps = bps;
        a->deviation = 0.05;
        return;
    }
    double away = fabs(bps - a->capacity_bps) / a->capacity_bps;
    a->deviation += CAPACITY_WEIGHT * (away - a->deviation);
    a->capacity_bps += CAPACITY_WEIGHT * (bps - a->capacity_bps);
}

/** A long queue is drained faster. What was sent since the newest packet told of is in it, too. */
static double decrease_share(const struct aimd *a, const struct aimd_input *in, double arriving)
{
    double queue_us = in->queue_us;
    if (a->bps > arriving)
        queue_us += (a->bps / arriving - 1) * (double)in->behind_us;
    queue_us -= QUEUE_FREE_US + (double)in->jitter_us;
    double share = queue_us > 0 ? DECREASE - queue_us * QUEUE_DRAIN_PER_US : DECREASE;
    return share > DECREASE_MIN ? share : DECREASE_MIN;
}

static double at_most_halved(const struct aimd *a, const struct aimd_input *in, double arriving)
{
    double least = HALVED * a->bps / DECREASE;
    if (in->peak_bps > arriving && in->jitter_us < PEAK_JITTER_US)
        arriving = in->peak_bps;
    return arriving > least ? arriving : least;
}

/** What waited suddenly and came slowly: the link has just become much slower. */
static bool has_collapsed(const struct aimd *a, const struct aimd_input *in)
{
    return (in->leaps || in->stretches) && in->tail_bps > 0 && in->jitter_us < LEAP_JITTER_US &&
           in->tail_bps < FELL * in->sent_bps && in->tail_bps < FELL * a->bps;
}

/** What the link carries, as far as arrivals tell. */
static double link_rate(const struct aimd *a, const struct aimd_input *in)
{
    double arriving = in->arriving_bps;
    bool fell = arriving < FELL * in->sent_bps && in->queue_us > QUEUE_SMALL_US + in->jitter_us / 2;
    bool busy = fell || in->queue_us > QUEUE_BUSY_US + in->jitter_us;
    bool rose = in->leaps && in->jitter_us < LEAP_JITTER_US && in->tail_bps > arriving;
    if (rose || has_collapsed(a, in))
        return in->tail_bps; /* what waited came at the link's rate */
    if (busy && in->tail_bps > 0 && in->jitter_us < PEAK_JITTER_US)
        return in->tail_bps; /* behind a queue, packets come at the link's rate */
    if (busy && in->recent_bps > 0 && in->recent_bps < 0.85 * arriving)
        return in->recent_bps; /* it has just become slower */
    /* Less was sent than might have been: the link's rate shows in bursts only. */
    return !fell && in->sent_bps < PARTLY_USED * a->bps ? at_most_halved(a, in, arriving)
                                                        : arriving;
}

static void decrease(struct aimd *a, uint64_t now_us, const struct aimd_input *in)
{
    /* What was decided takes a round trip and a report to be seen. */
    uint64_t patience_us = in->rtt_us + RESPONSE_US;
    a->calm_since_us = 0;
    if (a->decreased_us && !has_collapsed(a, in) && now_us - a->decreased_us < patience_us)
        return;
    if (in->arriving_bps <= 0) {
        a->bps *= DECREASE;
        a->decreased_us = now_us;
        return;
    }
    double arriving = link_rate(a, in);
    double share = decrease_share(a, in, arriving);
    note_capacity(a, arriving);
    if (share * arriving < a->bps)
        a->bps = share * arriving;
    a->decreased_us = now_us;
    a->draining = true;
}

/** Bits per second more, each second. */
static double growth(const struct aimd *a, const struct aimd_input *in)
{
    double near = a->capacity_bps * (1 - 3 * a->deviation);
    if (a->capacity_bps > 0 && a->bps > near) {
        double response_s = (double)(in->rtt_us + RESPONSE_US) / 1e6;
        double additive = PACKET_BITS / response_s;
        return fmax(ADDITIVE_MIN_PER_S, fmin(additive, a->bps * INCREASE_PER_S));
    }
    return a->bps * INCREASE_PER_S;
}

static void increase(struct aimd *a, uint64_t now_us, const struct aimd_input *in)
{
    if (a->capacity_bps > 0 &&
        (a->bps > a->capacity_bps * BEYOND_CAPACITY || now_us - a->decreased_us > KNOWN_US))
        a->capacity_bps = 0;
    if (in->leaps)
        return; /* a queue grows that the least of the last delays does not show yet */
    if (a->draining && in->queue_us < QUEUE_SMALL_US + in->jitter_us / 2) {
        a->draining = false;
        if (a->capacity_bps > 0 && a->bps < RECOVER_TO * a->capacity_bps)
            a->bps = RECOVER_TO * a->capacity_bps;
    }
    if (a->draining || in->hold)
        return;
    /* It carries already what arrives, and nothing queues up. */
    if (in->queue_us < QUEUE_SMALL_US && a->bps < CARRIED_SHARE * in->arriving_bps)
        a->bps = CARRIED_SHARE * in->arriving_bps;
    uint64_t elapsed_us = now_us - a->updated_us;
    if (elapsed_us > 500000u)
        elapsed_us = 500000u;
    double most = in->arriving_bps * SENT_SHARE_MAX + SENT_SLACK;
    bool known = a->capacity_bps > 0 && a->bps >= a->capacity_bps;
    if (known && in->sent_bps < PARTLY_USED * a->bps)
        return; /* only probes can tell whether there is more by now */
    if (in->arriving_bps > 0 && a->bps < most)
        a->bps = fmin(most, a->bps + growth(a, in) * (double)elapsed_us / 1e6);
}

void aimd_update(struct aimd *a, uint64_t now_us, const struct aimd_input *in)
{
    if (a->updated_us == 0)
        a->updated_us = now_us;
    if (in->use == PATH_OVERUSE || has_collapsed(a, in)) {
        decrease(a, now_us, in);
    } else {
        if (a->calm_since_us == 0)
            a->calm_since_us = now_us;
        if (in->use == PATH_NORMAL || in->queue_us < QUEUE_SMALL_US)
            increase(a, now_us, in);
    }
    a->updated_us = now_us;
}

void aimd_raise(struct aimd *a, uint64_t now_us, double bps)
{
    (void)now_us;
    if (bps <= a->bps)
        return;
    a->bps = bps;
    if (a->capacity_bps > 0 && bps > a->capacity_bps)
        a->capacity_bps = 0;
}
