// SPDX-License-Identifier: Apache-2.0
/* The buffer, its delay, and 50 frames a second. */
#include "tests/sim/voice.h"

#include "base/heap.h"

#define START_TARGET_US 80000u
#define WINDOW_US 2000000u /* over which the least transit counts */
#define FORGET 0.983       /* a resample of 500 ms */
#define REORDER_FORGET 0.9993
#define RESAMPLE_US 500000u
#define LOSS_COST_MS 20.0 /* of delay, that a percent of loss is worth */
#define STRETCH_US 8000u  /* by speeding up or slowing down, */
#define STRETCH_EVERY_US 100000u

void voice_clear(struct voice *v)
{
    v->stats = (struct voice_stats){0};
}

double voice_concealed(const struct voice *v)
{
    return v->stats.frames ? 100.0 * (double)v->stats.concealed / (double)v->stats.frames : 0;
}

static void histogram_add(double *h, uint64_t us, double forget)
{
    size_t bucket = us / VOICE_FRAME_US;
    for (size_t i = 0; i < VOICE_BUCKETS; i++)
        h[i] *= forget;
    h[bucket < VOICE_BUCKETS ? bucket : VOICE_BUCKETS - 1] += 1 - forget;
}

static uint64_t quantile(const double *h, double part)
{
    double all = 0, seen = 0;
    for (size_t i = 0; i < VOICE_BUCKETS; i++)
        all += h[i];
    for (size_t i = 0; i < VOICE_BUCKETS; i++) {
        seen += h[i];
        if (seen >= all * part)
            return (i + 1) * VOICE_FRAME_US;
    }
    return VOICE_BUCKETS * VOICE_FRAME_US;
}

/* The delay at which waiting longer costs more than the packets that come too late. */
static uint64_t worth_waiting(const double *h, uint64_t base_us)
{
    double all = 0, seen = 0, best = 1e9;
    uint64_t ret = base_us;
    for (size_t i = 0; i < VOICE_BUCKETS; i++)
        all += h[i];
    for (size_t i = 0; i < VOICE_BUCKETS && all > 0; i++) {
        seen += h[i];
        uint64_t delay_us = i * VOICE_FRAME_US;
        double more_ms = delay_us > base_us ? (double)(delay_us - base_us) / 1000 : 0;
        double cost = more_ms + 100 * LOSS_COST_MS * (1 - seen / all);
        if (cost >= best)
            continue;
        best = cost;
        ret = delay_us + VOICE_FRAME_US;
    }
    return ret > base_us ? ret : base_us;
}

static uint64_t lateness(struct voice *v, uint64_t now_us, int64_t number)
{
    int64_t transit_us = (int64_t)now_us - number * (int64_t)VOICE_FRAME_US;
    if (v->counted == 0)
        v->least_us[0] = v->least_us[1] = transit_us;
    if (now_us >= v->window_us) {
        v->window_us = now_us + WINDOW_US;
        v->least_us[1] = v->least_us[0];
        v->least_us[0] = transit_us;
    }
    if (transit_us < v->least_us[0])
        v->least_us[0] = transit_us;
    int64_t least_us = v->least_us[0] < v->least_us[1] ? v->least_us[0] : v->least_us[1];
    return (uint64_t)(transit_us - least_us);
}

static void choose_delay(struct voice *v, uint64_t now_us, int64_t number)
{
    uint64_t late_us = lateness(v, now_us, number);
    bool in_order = number > v->newest;
    v->counted++;
    histogram_add(v->reordered, in_order ? 0 : late_us, REORDER_FORGET);
    if (in_order && late_us > v->worst_us)
        v->worst_us = late_us;
    if (now_us >= v->resample_us) {
        histogram_add(v->in_order, v->worst_us, FORGET);
        v->resample_us = now_us + RESAMPLE_US;
        v->worst_us = 0;
        v->target_us = worth_waiting(v->reordered, quantile(v->in_order, 0.95));
    }
}

static enum voice_state state_of(const struct voice *v, int64_t number)
{
    size_t at = (size_t)number & (VOICE_BUFFER - 1);
    return v->buffer[at].number == number ? v->buffer[at].state : VOICE_NONE;
}

static void put(struct voice *v, int64_t number, enum voice_state state)
{
    size_t at = (size_t)number & (VOICE_BUFFER - 1);
    if (state_of(v, number) >= state || number < v->playing)
        return;
    v->buffer[at].number = number;
    v->buffer[at].state = state;
}

void voice_redundant(struct voice *v, int64_t number)
{
    if (v->newest)
        put(v, number, VOICE_REDUNDANT);
}

void voice_packet(struct voice *v, uint64_t now_us, int64_t number)
{
    if (!v->newest) {
        v->target_us = START_TARGET_US;
        v->playing = number;
        v->play_at_us = now_us + START_TARGET_US;
        v->resample_us = now_us + RESAMPLE_US;
    }
    choose_delay(v, now_us, number);
    v->stats.late += number < v->playing;
    if (number >= v->playing + VOICE_BUFFER / 2) /* a leap: begin anew */
        v->playing = number;
    put(v, number, VOICE_WHOLE);
    if (number > v->newest)
        v->newest = number;
}

uint64_t voice_deadline_us(const struct voice *v)
{
    return v->newest ? v->play_at_us : HEAP_NEVER;
}

/* Sound is slowed down or sped up a little to reach the delay wished for. */
static uint64_t stretch(struct voice *v, uint64_t now_us)
{
    int64_t least_us = v->least_us[0] < v->least_us[1] ? v->least_us[0] : v->least_us[1];
    int64_t delay_us = (int64_t)v->play_at_us - v->playing * (int64_t)VOICE_FRAME_US - least_us;
    uint64_t next_us = v->play_at_us + VOICE_FRAME_US;
    if (now_us - v->stretched_us < STRETCH_EVERY_US)
        return next_us;
    v->stretched_us = now_us;
    if (delay_us < (int64_t)v->target_us)
        return next_us + STRETCH_US;
    return delay_us > (int64_t)v->target_us + (int64_t)VOICE_FRAME_US ? next_us - STRETCH_US
                                                                      : next_us;
}

static void play(struct voice *v, uint64_t now_us)
{
    for (; v->waited && v->newest > v->playing && !state_of(v, v->playing); v->waited--)
        v->playing++;
    enum voice_state state = state_of(v, v->playing);
    uint64_t next_us = stretch(v, now_us);
    v->stats.frames++;
    if (state != VOICE_NONE) {
        v->stats.redundant += state == VOICE_REDUNDANT;
        v->playing++;
        v->run = v->waited = 0;
    } else {
        v->stats.concealed++;
        if (++v->run > v->stats.longest_concealed)
            v->stats.longest_concealed = v->run;
        if (v->newest > v->playing)
            v->playing++;
        else
            v->waited++;
    }
    v->play_at_us = next_us;
}

void voice_expire(struct voice *v, uint64_t now_us)
{
    while (v->newest && now_us >= v->play_at_us)
        play(v, now_us);
}
