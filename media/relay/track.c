// SPDX-License-Identifier: Apache-2.0
/* A published track: its encodings in order of quality, and what their layers cost. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/relay/relay.h"

#define IDLE_US 2000000u
#define LOOK_EVERY_US 100000u /* whether encodings come and go */

int track_new(struct track **ret, struct room *r, const struct track_config *config,
              uint64_t now_us)
{
    const struct codec_info *codec = codec_describe(config->codec);
    if (!codec)
        return ER_UNSUPPORTED;
    struct track *t = calloc(1, sizeof *t);
    if (!t)
        return ER_NOMEM;
    t->room = r;
    t->owner = config->owner;
    t->id = config->id;
    t->rank = config->rank;
    t->since_us = now_us;
    t->kind = codec->kind;
    t->codec = config->codec;
    t->clock_rate = codec->clock_rate;
    t->nack = config->nack;
    t->mirror = config->mirror;
    t->sender_clock = config->clock;
    list_init(&t->slots);
    list_init(&t->waiting);
    t->identity = strdup(config->identity);
    if (!t->identity) {
        track_free(t, now_us);
        return ER_NOMEM;
    }
    list_append(&r->tracks, &t->in_room);
    r->track_count++;
    *ret = t;
    room_assign(r, now_us);
    return 0;
}

void track_free(struct track *t, uint64_t now_us)
{
    if (!t)
        return;
    struct room *r = t->room;
    heap_remove(&r->track_timers, &t->timer);
    if (list_linked(&t->in_room)) {
        list_remove(&t->in_room);
        r->track_count--;
    }
    list_each_safe (s, &t->slots, struct slot, in_track) {
        slot_show(s, NULL, now_us);
        room_assign_slot(r, s, now_us);
        if (!s->track)
            r->config.ops->slot_changed(r->config.ops_ctx, s);
    }
    room_assign(r, now_us); /* the main publisher may be another one now */
    for (size_t i = 0; i < t->encoding_count; i++)
        encoding_free(t->encodings[i]);
    free(t->identity);
    free(t);
}

void track_keep(struct track *t, const struct track_keeping *keeping, uint64_t now_us)
{
    t->keeping = *keeping;
    for (size_t i = 0; i < t->encoding_count; i++)
        encoding_keep(t->encodings[i], now_us);
}

/* Encodings */

/** Sizes tell, where they are known; else the order in which they were agreed. */
static bool is_better(const struct encoding *a, const struct encoding *b)
{
    uint32_t area_a = (uint32_t)a->width * a->height;
    uint32_t area_b = (uint32_t)b->width * b->height;
    if (area_a && area_b && area_a != area_b)
        return area_a > area_b;
    return a->rid > b->rid;
}

void track_order_encodings(struct track *t)
{
    for (size_t i = 1; i < t->encoding_count; i++) {
        struct encoding *e = t->encodings[i];
        size_t at = i;
        for (; at > 0 && is_better(t->encodings[at - 1], e); at--)
            t->encodings[at] = t->encodings[at - 1];
        t->encodings[at] = e;
    }
    for (size_t i = 0; i < t->encoding_count; i++)
        t->encodings[i]->index = (uint8_t)i;
}

struct encoding *track_encoding(struct track *t, unsigned rid, uint64_t now_us)
{
    for (size_t i = 0; i < t->encoding_count; i++)
        if (t->encodings[i]->rid == rid)
            return t->encodings[i];
    struct encoding *e;
    if (rid >= LIMIT_ENCODINGS || encoding_new(&e, t, (uint8_t)rid, now_us) != 0)
        return NULL;
    e->heard_us = now_us;
    if (t->heard_us < now_us)
        t->heard_us = now_us;
    t->encodings[t->encoding_count++] = e;
    track_order_encodings(t);
    list_each_safe (s, &t->slots, struct slot, in_track)
        slot_retarget(s, now_us);
    if (t->encoding_count > 1)
        track_watch(t, now_us);
    return e;
}

void track_watch(struct track *t, uint64_t now_us)
{
    (void)heap_set(&t->room->track_timers, &t->timer, now_us + LOOK_EVERY_US);
}

struct encoding *track_best(const struct track *t)
{
    for (size_t i = t->encoding_count; i-- > 0;)
        if (encoding_flows(t->encodings[i]))
            return t->encodings[i];
    return t->encoding_count ? t->encodings[t->encoding_count - 1] : NULL;
}

void track_want_key_frame(struct track *t, uint64_t now_us)
{
    struct encoding *best = track_best(t);
    if (best)
        encoding_want_key_frame(best, now_us);
}

void track_expire(struct track *t, uint64_t now_us)
{
    list_each_safe (s, &t->slots, struct slot, in_track)
        slot_retarget(s, now_us);
    if (now_us - t->heard_us < IDLE_US) /* else the next packet has it look again */
        track_watch(t, now_us);
}

/* What layers cost */

/** Of a layer with those below it. */
static uint32_t cost_of(const struct encoding *e, uint64_t now_us, unsigned spatial,
                        unsigned temporal)
{
    uint32_t bps = 0;
    for (unsigned s = 0; s <= spatial; s++)
        for (unsigned t = 0; t <= temporal; t++)
            bps += layer_meter_bps(&e->meter, now_us, s, t);
    return bps;
}

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit - 1;
}

static size_t add_rates(const struct encoding *e, uint64_t now_us, struct layer_rate *ret,
                        size_t count, size_t size)
{
    unsigned top_spatial = at_most(e->top_spatial, LIMIT_SPATIAL_LAYERS);
    unsigned top_temporal = at_most(e->top_temporal, LIMIT_TEMPORAL_LAYERS);
    for (unsigned s = 0; s <= top_spatial; s++) {
        for (unsigned t = count == 0 || top_temporal == 0 ? 0 : top_temporal - 1; t <= top_temporal;
             t++) {
            uint32_t bps = cost_of(e, now_us, s, t);
            if (count == size || bps == 0 || (count > 0 && bps <= ret[count - 1].bps))
                continue;
            unsigned halved = top_spatial - s; /* each spatial layer doubles the size */
            ret[count++] = (struct layer_rate){.encoding = (int8_t)e->index,
                                               .spatial = (int8_t)s,
                                               .temporal = (int8_t)t,
                                               .bps = bps,
                                               .width = (uint16_t)(e->width >> halved),
                                               .height = (uint16_t)(e->height >> halved)};
        }
    }
    return count;
}

size_t track_layer_rates(const struct track *t, uint64_t now_us, struct layer_rate *ret,
                         size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < t->encoding_count; i++)
        if (encoding_flows(t->encodings[i]))
            count = add_rates(t->encodings[i], now_us, ret, count, size);
    return count;
}
