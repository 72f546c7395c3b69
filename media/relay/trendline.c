// SPDX-License-Identifier: Apache-2.0
/* The delay detector: groups, line fit, adaptive threshold. */
#include "media/relay/trendline.h"

#include <math.h>
#include <string.h>

#define GROUP_US 5000u /* packets sent within it are one group */
#define SMOOTHING 0.9
#define GAIN 4.0
#define GROUPS_MAX 60u
#define THRESHOLD_MS 12.5
#define THRESHOLD_MIN_MS 6.0
#define THRESHOLD_MAX_MS 600.0
#define THRESHOLD_UP 0.0087
#define THRESHOLD_DOWN 0.039
#define THRESHOLD_SPIKE_MS 15.0 /* further away says nothing about noise */
#define OVERUSE_MS 10.0
#define QUEUE_GATE_US 12000 /* without such a queue (and half the jitter) there is no overuse */
#define QUEUE_STANDING_US 220000 /* with such a queue that does not shrink there is */
#define QUEUE_NONE_US 4000
#define STEEP_US 50000
#define LATE_US 25000
#define LATE_JITTER 2
#define LATE_SAMPLES 256.0
#define LATE_SHARE_MAX 0.06 /* where more are late, it says nothing */
#define STRETCHED_PACKETS 2u
#define STEEP_JITTER 3
#define STEEP_GROUPS 3u
#define BASE_STRETCH_US 10000000
#define JITTER_MAX_US 200000
#define SILENCE_US 2000000 /* after it, slopes begin anew */

void trendline_reset(struct trendline *t)
{
    memset(t, 0, sizeof *t);
    t->threshold_ms = THRESHOLD_MS;
}

uint32_t trendline_queue_us(const struct trendline *t)
{
    return t->queue_us > 0 ? (uint32_t)t->queue_us : 0;
}

/** Forget the slope, keep the base. */
static void begin_anew(struct trendline *t)
{
    t->count = t->next = 0;
    t->groups = 0;
    t->over_ms = 0;
    t->over_count = 0;
    t->trend_ms = 0;
    t->use = PATH_NORMAL;
}

static void note_base(struct trendline *t, int64_t arrival_us, int64_t delay_us)
{
    if (!t->has_base) {
        t->has_base = true;
        t->base_us[0] = t->base_us[1] = delay_us;
        t->base_until_us = arrival_us + BASE_STRETCH_US;
    } else if (arrival_us >= t->base_until_us) {
        t->base_us[1] = t->base_us[0];
        t->base_us[0] = delay_us;
        t->base_until_us = arrival_us + BASE_STRETCH_US;
    }
    if (delay_us < t->base_us[0])
        t->base_us[0] = delay_us;
}

static bool is_late(const struct trendline *t, int64_t delay_us)
{
    int64_t base = t->base_us[0] < t->base_us[1] ? t->base_us[0] : t->base_us[1];
    return delay_us - base > LATE_US + t->packet_us + LATE_JITTER * (int64_t)t->jitter_us;
}

/** How often that happens without a queue. */
static void note_late(struct trendline *t, int64_t delay_us)
{
    if (t->use == PATH_NORMAL)
        t->late_share += (is_late(t, delay_us) - t->late_share) / LATE_SAMPLES;
}

/** How many samples make a least delay that jitter does not lift. */
static unsigned samples_for(uint32_t jitter_us)
{
    unsigned n = 3 + jitter_us / 3000u;
    return n < 12 ? n : 12;
}

/** By how much delays fall from one sample to the next, and half as much again: a queue that grows
 *  makes them rise only. */
static void note_jitter(struct trendline *t, int64_t delay_us)
{
    unsigned last = (t->next + TRENDLINE_SAMPLES - 1) % TRENDLINE_SAMPLES;
    int64_t fall_us = t->count ? t->samples[last].raw_us - delay_us : 0;
    int64_t jitter_us = t->jitter_us;
    if (fall_us > JITTER_MAX_US)
        fall_us = JITTER_MAX_US;
    if (fall_us > 0)
        jitter_us += (fall_us * 3 / 2 - jitter_us) / 16;
    else
        jitter_us -= jitter_us / 128;
    t->jitter_us = (uint32_t)jitter_us;
}

/** The least delay of the last groups against the base. */
static void note_queue(struct trendline *t, int64_t delay_us)
{
    int64_t base = t->base_us[0] < t->base_us[1] ? t->base_us[0] : t->base_us[1];
    int64_t least = delay_us;
    unsigned late = samples_for(t->jitter_us) - 1;
    if (late > t->count)
        late = t->count;
    for (unsigned i = 1; i <= late; i++) {
        int64_t raw = t->samples[(t->next + TRENDLINE_SAMPLES - i) % TRENDLINE_SAMPLES].raw_us;
        if (raw < least)
            least = raw;
    }
    t->queue_us = least - base;
    note_jitter(t, delay_us);
}

/** The slope of the least-squares line through the samples. */
static double fit(const struct trendline *t)
{
    double x = 0, y = 0, xy = 0, xx = 0;
    for (unsigned i = 0; i < t->count; i++) {
        x += (double)(t->samples[i].at_us - t->first_arrival_us) / 1000.0;
        y += t->samples[i].delay_ms;
    }
    x /= t->count;
    y /= t->count;
    for (unsigned i = 0; i < t->count; i++) {
        double dx = (double)(t->samples[i].at_us - t->first_arrival_us) / 1000.0 - x;
        xy += dx * (t->samples[i].delay_ms - y);
        xx += dx * dx;
    }
    return xx > 0 ? xy / xx : 0;
}

static void adapt_threshold(struct trendline *t, double elapsed_ms)
{
    double away = fabs(t->trend_ms);
    if (away > t->threshold_ms + THRESHOLD_SPIKE_MS)
        return;
    double k = away < t->threshold_ms ? THRESHOLD_DOWN : THRESHOLD_UP;
    t->threshold_ms += k * (away - t->threshold_ms) * (elapsed_ms < 100 ? elapsed_ms : 100);
    t->threshold_ms = fmin(fmax(t->threshold_ms, THRESHOLD_MIN_MS), THRESHOLD_MAX_MS);
}

bool trendline_leaps(const struct trendline *t)
{
    return t->count > 0 && is_late(t, t->group_delay_us) && t->late_share < LATE_SHARE_MAX;
}

bool trendline_stretches(const struct trendline *t)
{
    return t->late_run >= STRETCHED_PACKETS && t->late_share < LATE_SHARE_MAX;
}

/** The last groups all waited long: no slope is needed to see it. */
static bool is_steep(const struct trendline *t)
{
    int64_t base = t->base_us[0] < t->base_us[1] ? t->base_us[0] : t->base_us[1];
    for (unsigned i = 1; i <= STEEP_GROUPS; i++)
        if (t->samples[(t->next + TRENDLINE_SAMPLES - i) % TRENDLINE_SAMPLES].raw_us - base <
            STEEP_US + t->packet_us + STEEP_JITTER * (int64_t)t->jitter_us)
            return false;
    return t->trend_ms > t->threshold_ms;
}

static void detect(struct trendline *t, double before_ms, double elapsed_ms)
{
    if (is_steep(t)) {
        t->use = PATH_OVERUSE;
        return;
    }
    bool queue = t->queue_us > QUEUE_GATE_US + t->packet_us + t->jitter_us / 2;
    bool standing = t->queue_us > QUEUE_STANDING_US && t->trend_ms > -t->threshold_ms;
    if ((t->trend_ms > t->threshold_ms && queue) || standing) {
        t->over_ms += t->over_count ? elapsed_ms : elapsed_ms / 2;
        t->over_count++;
        if (t->over_ms > OVERUSE_MS && t->over_count > 1 &&
            (t->trend_ms >= before_ms || standing)) {
            t->over_ms = 0;
            t->over_count = 0;
            t->use = PATH_OVERUSE;
        }
        return;
    }
    t->over_ms = 0;
    t->over_count = 0;
    t->use = t->trend_ms < -t->threshold_ms ? PATH_UNDERUSE : PATH_NORMAL;
}

/** A group is complete. */
static void add_sample(struct trendline *t, int64_t arrival_us, int64_t delay_us)
{
    double elapsed_ms = fmax(0, (double)(arrival_us - t->last_sample_us) / 1000.0);
    if (t->count && arrival_us - t->last_sample_us > SILENCE_US)
        begin_anew(t);
    note_base(t, arrival_us, delay_us);
    note_late(t, delay_us);
    note_queue(t, delay_us);
    if (t->count == 0) {
        t->first_arrival_us = arrival_us;
        t->first_delay_us = delay_us;
        t->smoothed_ms = 0;
    }
    double delay_ms = (double)(delay_us - t->first_delay_us) / 1000.0;
    t->smoothed_ms = SMOOTHING * t->smoothed_ms + (1 - SMOOTHING) * delay_ms;
    t->samples[t->next] = (struct trendline_sample){
        .at_us = arrival_us, .raw_us = delay_us, .delay_ms = t->smoothed_ms};
    t->next = (t->next + 1) % TRENDLINE_SAMPLES;
    if (t->count < TRENDLINE_SAMPLES)
        t->count++;
    if (t->groups < GROUPS_MAX)
        t->groups++;
    if (t->queue_us < QUEUE_NONE_US && t->over_count == 0) {
        t->trend_ms = 0; /* whatever the slope: there is nothing to judge */
        t->use = PATH_NORMAL;
    } else if (t->count >= TRENDLINE_SAMPLES / 2) {
        double before_ms = t->trend_ms;
        t->trend_ms = fit(t) * t->groups * GAIN;
        detect(t, before_ms, elapsed_ms);
        adapt_threshold(t, elapsed_ms);
    }
    t->last_sample_us = arrival_us;
}

void trendline_arrival(struct trendline *t, uint64_t sent_us, int64_t arrival_us)
{
    int64_t delay_us = arrival_us - (int64_t)sent_us;
    bool later = t->count > 0 && is_late(t, delay_us) && delay_us > t->last_delay_us;
    t->late_run = later ? t->late_run + 1 : 0;
    t->last_delay_us = delay_us;
    if (t->group_sent_us && sent_us - t->group_sent_us < GROUP_US) {
        if (delay_us < t->group_delay_us) {
            t->group_delay_us = delay_us;
            t->group_arrival_us = arrival_us;
        }
        return;
    }
    if (t->group_sent_us)
        add_sample(t, t->group_arrival_us, t->group_delay_us);
    t->group_sent_us = sent_us;
    t->group_delay_us = delay_us;
    t->group_arrival_us = arrival_us;
}
