// SPDX-License-Identifier: Apache-2.0
/* The path to one viewer: what it reports, when packets leave, and probes. */
#include "media/relay/downlink.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/fetch.h"
#include "base/limits.h"
#include "media/relay/downlink_impl.h"

#define START_BPS 1500000u
#define START_PACE_BPS 8000000u /* until the first report: so a picture is there at once */
#define MIN_BPS 20000u
#define MAX_BPS 30000000u
#define PACE_TIMES 2.5         /* of the estimate, so that pictures are not late, */
#define PACE_TIMES_FULL 1.1    /* but for a path whose queue is not empty */
#define PACE_TIMES_LIMIT 1.3   /* one whose capacity is known, */
#define PACE_FITTING 0.8       /* of the capacity: what is shown drains the queue by itself */
#define PACE_FITTING_TIMES 1.5 /* but a long queue is drained faster */
#define PACE_MET 0.92          /* of the capacity arrives: there is no more */
#define PACE_QUEUE_US 60000u
#define RESEND_SHARE 0.6       /* of the estimate, */
#define RESEND_SHARE_FULL 0.25 /* and of one that is met */
#define RESEND_BYTES_MIN 3000u
#define RUNS_FOLLOW 0.5 /* runs of two packets or more, on the average */
#define BURST_US 20000u
#define BURST_LIMIT_US 8000u /* short queues overflow soon */
#define REPLAY_US 700000u
#define LOOK_EASY_US 400000u         /* where nothing is wanting */
#define LOOK_EVERY_US 100000u        /* with every report, but not more often; */
#define FEEDBACK_MISSING_US 2500000u /* agreed, but none came: there is no limit */
#define RETRY_PROBE_US 50000u
int downlink_new(struct downlink **ret, const struct downlink_config *config, uint64_t now_us)
{
    struct downlink *d = calloc(1, sizeof *d);
    (void)now_us;
    if (!d)
        return ER_NOMEM;
    d->config = *config;
    d->look_us = UINT64_MAX;
    list_init(&d->slots);
    *ret = d;
    return 0;
}

void downlink_free(struct downlink *d)
{
    if (!d)
        return;
    list_each_safe (a, &d->slots, struct downlink_slot, in_downlink)
        free(a);
    bwe_free(d->bwe);
    free(d);
}

void downlink_set_twcc(struct downlink *d, bool twcc)
{
    d->config.twcc = twcc;
}

/* Slots */

static struct downlink_slot *find_attached(const struct downlink *d, const struct slot *slot)
{
    list_each (a, &d->slots, struct downlink_slot, in_downlink) {
        if (a->slot == slot)
            return a;
    }
    return NULL;
}

int downlink_attach(struct downlink *d, struct slot *slot, bool rtx, uint64_t now_us)
{
    struct downlink_slot *a = calloc(1, sizeof *a);
    if (!a)
        return ER_NOMEM;
    a->slot = slot;
    a->rtx = rtx;
    a->view = DOWNLINK_VIEW_ALL;
    a->may_cost_bps = a->told_bps = UINT32_MAX;
    list_append(&d->slots, &a->in_downlink);
    d->slot_count++;
    downlink_look(d, now_us);
    return 0;
}

void downlink_detach(struct downlink *d, struct slot *slot)
{
    struct downlink_slot *a = find_attached(d, slot);
    if (!a)
        return;
    list_remove(&a->in_downlink);
    d->slot_count--;
    free(a);
}

void downlink_view(struct downlink *d, struct slot *slot, const struct downlink_view *view,
                   uint64_t now_us)
{
    struct downlink_slot *a = find_attached(d, slot);
    if (!a)
        return;
    a->view = *view;
    if (a->ladder.step == LADDER_VIDEO)
        a->ladder = (struct ladder){0}; /* as much as fits, at once */
    downlink_look(d, now_us);
}

/* The limit */

struct bwe_state downlink_path(const struct downlink *d)
{
    struct bwe_state s = {0};
    if (d->bwe)
        bwe_get_state(d->bwe, &s);
    return s;
}

/** Has the viewer said, or is about to say, what the path carries? */
bool downlink_is_limited(const struct downlink *d, uint64_t now_us)
{
    if (!d->bwe)
        return d->config.twcc && d->first_us == 0;
    if (downlink_path(d).measured)
        return true;
    if (d->config.twcc && now_us - d->first_us < FEEDBACK_MISSING_US)
        return true;
    return d->reported && bwe_bps(d->bwe) < MAX_BPS;
}

/** Has the viewer said anything yet? */
bool downlink_is_told(const struct downlink *d)
{
    return d->reported || downlink_path(d).measured;
}

uint32_t downlink_estimate(const struct downlink *d)
{
    return d->bwe ? bwe_bps(d->bwe) : START_BPS;
}

void downlink_set_pace(struct downlink *d, uint64_t now_us)
{
    struct bwe_state s = downlink_path(d);
    if (!downlink_is_limited(d, now_us)) {
        pacer_set_rate(&d->pacer, now_us, 0);
        d->full = false;
        return;
    }
    bool met = s.capacity_bps > 0 && s.arriving_bps > PACE_MET * s.capacity_bps;
    bool full = s.overuse || s.queue_us > PACE_QUEUE_US + s.jitter_us;
    d->full = full || met;
    double times = full ? PACE_TIMES_FULL : s.capacity_bps ? PACE_TIMES_LIMIT : PACE_TIMES;
    double bps = downlink_estimate(d) * times, drained = s.capacity_bps * PACE_FITTING;
    if (d->fitting && drained > bps && drained < bps * PACE_FITTING_TIMES)
        bps = drained;
    pacer_set_rate(&d->pacer, now_us, downlink_is_told(d) ? (uint32_t)bps : START_PACE_BPS);
    pacer_set_burst(&d->pacer, s.capacity_bps ? BURST_LIMIT_US : BURST_US);
}

bool downlink_may_send(const struct downlink *d, uint64_t now_us)
{
    return pacer_may_send(&d->pacer, now_us);
}

uint64_t downlink_next_us(const struct downlink *d)
{
    return pacer_next_us(&d->pacer);
}

uint32_t downlink_replay_bytes(const struct downlink *d)
{
    if (d->pacer.rate_bps == 0)
        return d->config.twcc ? (uint32_t)((uint64_t)START_PACE_BPS * REPLAY_US / 8000000u)
                              : UINT32_MAX;
    return (uint32_t)((uint64_t)d->pacer.rate_bps * REPLAY_US / 8000000u);
}

uint32_t downlink_resend_bytes(const struct downlink *d)
{
    if (d->pacer.rate_bps == 0 || !downlink_is_told(d))
        return UINT32_MAX;
    return (uint32_t)(downlink_estimate(d) / 8u * (d->full ? RESEND_SHARE_FULL : RESEND_SHARE)) +
           RESEND_BYTES_MIN;
}

bool downlink_is_full(const struct downlink *d)
{
    return d->full;
}

bool downlink_loses_runs(const struct downlink *d)
{
    return downlink_path(d).follows > RUNS_FOLLOW;
}

static void first_packet(struct downlink *d, uint64_t now_us)
{
    struct bwe_config config = {
        .start_bps = START_BPS, .min_bps = MIN_BPS, .max_bps = MAX_BPS, .twcc = d->config.twcc};
    d->first_us = now_us;
    if (bwe_new(&d->bwe, &config, now_us) != 0)
        d->bwe = NULL;
    downlink_set_pace(d, now_us);
    if (d->config.twcc)
        d->look_us = now_us;
}

uint16_t downlink_sent(struct downlink *d, uint64_t now_us, uint32_t bytes, unsigned probe)
{
    if (d->first_us == 0)
        first_packet(d, now_us);
    bytes += DOWNLINK_WIRE_BYTES;
    d->sent++;
    pacer_sent(&d->pacer, now_us, bytes);
    return d->bwe ? bwe_send(d->bwe, now_us, bytes, probe) : (uint16_t)d->sent;
}

void downlink_sent_unnumbered(struct downlink *d, uint64_t now_us, uint32_t bytes)
{
    if (d->first_us == 0)
        first_packet(d, now_us);
    pacer_sent(&d->pacer, now_us, bytes + DOWNLINK_WIRE_BYTES);
}

/* Reports */

static void after_report(struct downlink *d, uint64_t now_us)
{
    downlink_set_pace(d, now_us);
    bool easy = d->easy && !d->full && downlink_estimate(d) > d->looked_bps / 8 * 7;
    uint64_t every_us = easy ? LOOK_EASY_US : LOOK_EVERY_US;
    if (now_us - d->looked_us >= every_us)
        downlink_look(d, now_us);
    else if (d->look_us > d->looked_us + every_us)
        d->look_us = d->looked_us + every_us;
}

void downlink_feedback(struct downlink *d, uint64_t now_us, const struct twcc_arrival *arrivals,
                       size_t count)
{
    if (!d->bwe)
        return;
    bwe_feedback(d->bwe, now_us, arrivals, count);
    after_report(d, now_us);
    downlink_expire(d, now_us);
}

void downlink_remb(struct downlink *d, uint64_t now_us, uint32_t bps)
{
    if (!d->bwe)
        return;
    d->reported = true;
    bwe_remb(d->bwe, now_us, bps);
    after_report(d, now_us);
}

void downlink_receiver_report(struct downlink *d, uint64_t now_us, uint8_t fraction_lost,
                              uint64_t rtt_us)
{
    if (!d->bwe)
        return;
    d->reported = true;
    bwe_receiver_report(d->bwe, now_us, fraction_lost, rtt_us);
    if (!downlink_path(d).measured)
        after_report(d, now_us);
}

/* Time */

/** One packet of a probe: an old one of some picture once more. */
static bool send_probe(struct downlink *d, uint64_t now_us, uint32_t bytes)
{
    uint64_t sent = d->sent;
    list_each (a, &d->slots, struct downlink_slot, in_downlink) {
        if (a->rtx && downlink_is_shown(a) && slot_probe(a->slot, now_us, bytes))
            return d->sent > sent;
    }
    return false;
}

void downlink_expire(struct downlink *d, uint64_t now_us)
{
    struct bwe_probe probe;
    if (now_us >= d->look_us)
        downlink_look(d, now_us);
    while (d->bwe && now_us >= d->probe_us && bwe_probe(d->bwe, now_us, &probe))
        if (!send_probe(d, now_us, probe.bytes))
            d->probe_us = now_us + RETRY_PROBE_US;
}

uint64_t downlink_deadline_us(const struct downlink *d)
{
    uint64_t probe_us = d->bwe ? bwe_deadline_us(d->bwe) : UINT64_MAX;
    if (probe_us < d->probe_us)
        probe_us = d->probe_us;
    return probe_us < d->look_us ? probe_us : d->look_us;
}

/* Seeing */

uint32_t downlink_bps(const struct downlink *d)
{
    return d->pacer.rate_bps ? downlink_estimate(d) : 0;
}

bool downlink_get_bwe(const struct downlink *d, struct bwe_state *ret)
{
    if (d->bwe)
        bwe_get_state(d->bwe, ret);
    return d->bwe != NULL;
}

enum downlink_state downlink_slot_state(const struct downlink *d, const struct slot *slot)
{
    const struct downlink_slot *a = find_attached(d, slot);
    return a ? downlink_state_of(a) : DOWNLINK_VIDEO;
}

uint32_t downlink_slot_bps(const struct downlink *d, const struct slot *slot)
{
    const struct downlink_slot *a = find_attached(d, slot);
    if (!a || a->view.paused)
        return a ? 0 : UINT32_MAX;
    return a->may_cost_bps;
}

void downlink_fetch(const struct downlink *d, unsigned step)
{
    if (step == 0)
        fetch(d, sizeof *d);
    else if (d->bwe)
        bwe_fetch(d->bwe, step - 1);
}
