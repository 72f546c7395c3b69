// SPDX-License-Identifier: Apache-2.0
/* Delay gradient by a trend line, AIMD, and a loss controller. */
#include "tests/sim/congestion.h"

#include <string.h>

#define GROUP_US 5000u
#define GAIN 4.0
#define SMOOTHING 0.9
#define OVER_US 10000u
#define ACKED_WINDOW_US 500000u
#define FULL_SAMPLES 60.0
#define LOSS_FREE 5.0   /* percent: below, loss says nothing; */
#define LOSS_HOLD 7.0   /* above, the rate does not rise; */
#define LOSS_LIMIT 12.0 /* above, it is bounded: */
#define LOSS_BALANCE_BPS 75000.0

void congestion_init(struct congestion *c, uint32_t start_bps, uint32_t min_bps, uint32_t max_bps)
{
    memset(c, 0, sizeof *c);
    c->bps = start_bps;
    c->min_bps = min_bps;
    c->max_bps = max_bps;
    c->threshold = 12.5;
    c->rtt_us = 100000;
}

void congestion_rtt(struct congestion *c, uint64_t rtt_us)
{
    c->rtt_us = rtt_us;
}

void congestion_remb(struct congestion *c, uint32_t bps)
{
    c->remb_bps = bps;
}

uint32_t congestion_bps(const struct congestion *c)
{
    uint32_t bps = c->remb_bps && c->remb_bps < c->bps ? c->remb_bps : c->bps;
    return bps < c->min_bps ? c->min_bps : bps;
}

void congestion_sent(struct congestion *c, uint64_t now_us, uint16_t number, size_t bytes)
{
    c->history[number & (CONGESTION_HISTORY - 1)] = (struct congestion_sent){
        .sent_us = now_us, .bytes = (uint32_t)bytes, .known = true};
    c->newest = number;
}

static double slope(const struct congestion *c)
{
    double n = 0, x = 0, y = 0, up = 0, down = 0;
    size_t count = c->points < CONGESTION_POINTS ? c->points : CONGESTION_POINTS;
    for (size_t i = 0; i < count; i++, n++) {
        x += c->x_ms[i];
        y += c->y_ms[i];
    }
    for (size_t i = 0; i < count; i++) {
        up += (c->x_ms[i] - x / n) * (c->y_ms[i] - y / n);
        down += (c->x_ms[i] - x / n) * (c->x_ms[i] - x / n);
    }
    return count < CONGESTION_POINTS || down <= 0 ? 0 : up / down;
}

/* The threshold follows the trend, so that other traffic does not starve this one. */
static void adapt_threshold(struct congestion *c, double trend, uint64_t now_us)
{
    double size = trend < 0 ? -trend : trend;
    double elapsed_ms = c->threshold_at_us ? (double)(now_us - c->threshold_at_us) / 1000 : 0;
    c->threshold_at_us = now_us;
    if (size > c->threshold + 15)
        return;
    double k = size < c->threshold ? 0.039 : 0.0087;
    c->threshold += k * (size - c->threshold) * (elapsed_ms < 100 ? elapsed_ms : 100);
    c->threshold = c->threshold < 6 ? 6 : c->threshold > 600 ? 600 : c->threshold;
}

static void detect(struct congestion *c, uint64_t now_us)
{
    double samples = (double)c->points < FULL_SAMPLES ? (double)c->points : FULL_SAMPLES;
    double trend = slope(c) * samples * GAIN;
    c->under = trend < -c->threshold;
    if (trend <= c->threshold) {
        c->over = false;
        c->over_since_us = 0;
    } else if (!c->over_since_us) {
        c->over_since_us = now_us;
    } else if (now_us - c->over_since_us >= OVER_US && trend >= c->last_trend) {
        c->over = true;
    }
    c->last_trend = trend;
    adapt_threshold(c, trend, now_us);
}

static void end_group(struct congestion *c, uint64_t now_us)
{
    if (c->before_sent_us) {
        double sent_ms = (double)(c->group_last_sent_us - c->before_sent_us) / 1000;
        double arrived_ms = (double)(c->group_arrived_us - c->before_arrived_us) / 1000;
        c->gathered_ms += arrived_ms - sent_ms;
        c->smoothed_ms = SMOOTHING * c->smoothed_ms + (1 - SMOOTHING) * c->gathered_ms;
        size_t at = c->points++ % CONGESTION_POINTS;
        c->x_ms[at] = (double)(c->group_arrived_us) / 1000;
        c->y_ms[at] = c->smoothed_ms;
        detect(c, now_us);
    }
    c->before_sent_us = c->group_last_sent_us;
    c->before_arrived_us = c->group_arrived_us;
}

static void take_arrival(struct congestion *c, uint64_t now_us, const struct congestion_sent *p,
                         int64_t at_us)
{
    if (c->group_sent_us && p->sent_us < c->group_sent_us)
        return; /* out of order */
    if (!c->group_sent_us || p->sent_us - c->group_sent_us > GROUP_US) {
        if (c->group_sent_us)
            end_group(c, now_us);
        c->group_sent_us = p->sent_us;
        c->group_arrived_us = at_us;
    }
    c->group_last_sent_us = p->sent_us;
    if (at_us > c->group_arrived_us)
        c->group_arrived_us = at_us;
}

double congestion_loss(const struct congestion *c)
{
    uint64_t lost = 0, all = 0;
    for (size_t i = 0; i < CONGESTION_LOSSES; i++) {
        lost += c->lost[i];
        all += c->all[i];
    }
    return all < 20 ? 0 : 100.0 * (double)lost / (double)all;
}

static void measure(struct congestion *c, uint64_t now_us, uint64_t bytes)
{
    if (!c->window_us)
        c->window_us = now_us;
    c->window_bytes += bytes;
    uint64_t elapsed_us = now_us - c->window_us;
    if (elapsed_us < ACKED_WINDOW_US)
        return;
    c->acked_bps = (uint32_t)(c->window_bytes * 8000000 / elapsed_us);
    c->window_us = now_us;
    c->window_bytes = 0;
}

/* Below what arrives, and no lower while what stands in the queue drains (libwebrtc's
 * aimd_rate_control.cc). */
static void decrease(struct congestion *c, uint64_t now_us)
{
    uint64_t pause_us = c->rtt_us + 100000;
    if (c->decreased_us && now_us - c->decreased_us < pause_us)
        return;
    double to = 0.85 * (c->acked_bps ? c->acked_bps : c->bps);
    if (c->acked_bps)
        c->link_bps = c->acked_bps;
    c->decreased_us = now_us;
    if (to < c->bps)
        c->bps = (uint32_t)to;
}

/* By 8% a second; near what the path carried last by about a packet a round trip; at first fast, as
 * probes find out. */
static void increase(struct congestion *c, uint64_t now_us)
{
    double seconds = (double)(now_us - c->changed_us) / 1e6;
    seconds = seconds > 0.25 ? 0.25 : seconds;
    double near = c->link_bps ? (double)c->bps / c->link_bps : 0;
    double more = c->bps * 0.08 * seconds;
    if (!c->link_bps)
        more = c->bps * 0.7 * seconds;
    else if (near > 0.8 && near < 1.2)
        more = 9600.0 / ((double)c->rtt_us / 1e6 + 0.1) * seconds;
    else if (near >= 1.2)
        c->link_bps = 0;
    double bps = c->bps + (more < 500 * seconds ? 500 * seconds : more);
    /* No further ahead of what is really sent than by half. */
    if (c->acked_bps && bps > 1.5 * c->acked_bps + 100000)
        bps = 1.5 * c->acked_bps + 100000 > c->bps ? 1.5 * c->acked_bps + 100000 : c->bps;
    c->bps = (uint32_t)bps;
}

static void choose(struct congestion *c, uint64_t now_us)
{
    double loss = congestion_loss(c);
    if (c->over)
        decrease(c, now_us);
    else if (!c->under && loss < LOSS_HOLD)
        increase(c, now_us);
    if (loss > LOSS_LIMIT) {
        uint32_t bound = (uint32_t)(LOSS_BALANCE_BPS / ((loss - LOSS_FREE) / 100));
        c->bps = c->bps < bound ? c->bps : bound;
    }
    c->bps = c->bps < c->min_bps ? c->min_bps : c->bps > c->max_bps ? c->max_bps : c->bps;
    c->changed_us = now_us;
}

void congestion_feedback(struct congestion *c, uint64_t now_us, const struct twcc_arrival *arrivals,
                         size_t count)
{
    uint64_t bytes = 0;
    size_t place = c->losses++ % CONGESTION_LOSSES;
    c->lost[place] = c->all[place] = 0;
    for (size_t i = 0; i < count; i++) {
        struct congestion_sent *p = &c->history[arrivals[i].seq & (CONGESTION_HISTORY - 1)];
        if (!p->known)
            continue;
        p->known = false;
        c->all[place]++;
        c->lost[place] += !arrivals[i].received;
        if (!arrivals[i].received)
            continue;
        bytes += p->bytes;
        take_arrival(c, now_us, p, arrivals[i].at_us);
    }
    measure(c, now_us, bytes);
    choose(c, now_us);
}
