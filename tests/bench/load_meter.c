// SPDX-License-Identifier: Apache-2.0
/* Histograms with 32 buckets to each doubling. */
#include "tests/bench/load_meter.h"

#include <string.h>

#define STEPS 32u
#define STEP_BITS 5

static size_t bucket_of(uint64_t us)
{
    if (us < 2 * STEPS)
        return (size_t)us;
    int shift = 63 - __builtin_clzll(us) - STEP_BITS;
    size_t bucket = ((size_t)shift + 1) * STEPS + ((us >> shift) - STEPS);
    return bucket < METER_BUCKETS ? bucket : METER_BUCKETS - 1;
}

/** The middle of a bucket. */
static uint64_t value_of(size_t bucket)
{
    if (bucket < (size_t)2 * STEPS)
        return bucket;
    size_t shift = bucket / STEPS - 1;
    return ((STEPS + bucket % STEPS) << shift) + ((uint64_t)1 << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t us)
{
    h->count++;
    h->buckets[bucket_of(us)]++;
    if (us > h->max)
        h->max = us;
}

uint64_t histogram_at(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)((double)h->count * part);
    uint64_t seen = 0;
    for (size_t i = 0; i < METER_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > wanted)
            return value_of(i);
    }
    return h->max;
}

static void finish(struct load_meter *m, struct meter_frame *f)
{
    if (f->key != 0 && f->viewers > 1) {
        m->frames++;
        histogram_add(&m->spread, f->last_us - f->first_us);
        ++*f->last_count;
    }
    *f = (struct meter_frame){0};
}

void meter_frame(struct load_meter *m, uint32_t stream, uint32_t number, uint64_t at_us,
                 uint64_t *last_count)
{
    uint64_t key = (uint64_t)stream << 32 | number;
    struct meter_frame *f = &m->table[(stream * 2654435761u + number) % METER_FRAMES];
    if (f->key != key) {
        finish(m, f);
        *f = (struct meter_frame){.key = key, .first_us = at_us, .last_count = last_count};
    }
    f->viewers++;
    if (at_us < f->first_us)
        f->first_us = at_us;
    if (at_us >= f->last_us) {
        f->last_us = at_us;
        f->last_count = last_count;
    }
}

void meter_settle(struct load_meter *m)
{
    for (size_t i = 0; i < METER_FRAMES; i++)
        finish(m, &m->table[i]);
}

void meter_reset(struct load_meter *m)
{
    memset(m, 0, sizeof *m);
}
