// SPDX-License-Identifier: Apache-2.0
/* What passes, how pictures are numbered, what layers cost. */
#include "media/relay/layer.h"

#include <string.h>

#define METER_WINDOW_US 500000u
#define METER_SOONEST_US 100000u
#define METER_OVERHEAD 30 /* RTP and SRTP, of a packet */

/* Filter */

void layer_filter_begin(struct layer_filter *f, const struct layer_aim *aim)
{
    *f = (struct layer_filter){.spatial = aim->spatial, .temporal = aim->temporal};
}

static void climb(struct layer_filter *f, const struct layer_aim *aim, const struct tape_packet *p)
{
    if (f->temporal < aim->temporal && f->temporal >= 0) {
        /* What nobody refers to refers to lower layers only. */
        if ((p->flags & (TAPE_LAYER_SYNC | TAPE_NON_REFERENCE)) &&
            p->temporal_id == f->temporal + 1)
            f->temporal++;
        else if ((p->flags & TAPE_SWITCH_UP) && p->temporal_id <= f->temporal)
            f->temporal = aim->temporal;
    }
    if (f->spatial < aim->spatial && (p->flags & TAPE_INDEPENDENT) &&
        p->spatial_id == f->spatial + 1)
        f->spatial++;
}

static void note_change(struct layer_filter *f, int8_t spatial, int8_t temporal)
{
    if (f->spatial == spatial && f->temporal == temporal)
        return;
    memmove(&f->changes[0], &f->changes[1], (LAYER_CHANGES - 1) * sizeof f->changes[0]);
    f->changes[LAYER_CHANGES - 1] = (struct layer_change){
        .until = f->timestamp, .spatial = spatial, .temporal = temporal};
}

/** A packet of the newest picture, or of the next. */
static void follow(struct layer_filter *f, const struct layer_aim *aim, const struct tape_packet *p)
{
    int8_t spatial = f->spatial, temporal = f->temporal;
    if (p->timestamp > f->timestamp) {
        f->timestamp = p->timestamp;
        if (f->spatial > aim->spatial)
            f->spatial = aim->spatial;
        if (f->temporal > aim->temporal)
            f->temporal = aim->temporal;
    }
    if (p->flags & (TAPE_FRAME_START | TAPE_KEY_FRAME))
        f->begun = p->timestamp;
    if (p->flags & TAPE_KEY_FRAME) {
        f->key_timestamp = p->timestamp;
        f->spatial = aim->spatial;
        f->temporal = aim->temporal;
    }
    climb(f, aim, p);
    note_change(f, spatial, temporal);
}

bool layer_filter_passes(struct layer_filter *f, const struct layer_aim *aim,
                         const struct tape_packet *p)
{
    if (p->timestamp >= f->timestamp)
        follow(f, aim, p);
    int8_t spatial = f->spatial, temporal = f->temporal;
    for (size_t i = LAYER_CHANGES; i-- > 0 && p->timestamp < f->changes[i].until;) {
        spatial = f->changes[i].spatial;
        temporal = f->changes[i].temporal;
    }
    bool picture = p->temporal_id <= temporal;
    /* Key frames alone: while the first packet is missing, it may be one. */
    if (temporal < 0)
        picture = p->timestamp == f->key_timestamp ||
                  (p->timestamp == f->timestamp && p->timestamp != f->begun);
    return picture && p->spatial_id <= spatial;
}

/* Picture numbers */

#define PICTURE_MASK 0x7fff
#define PICTURES_KEPT 64

void picture_map_begin(struct picture_map *m)
{
    if (m->highest)
        m->last_out = (uint16_t)((m->highest + m->delta) & PICTURE_MASK);
    if (m->tl0_begun)
        m->last_tl0_out = (uint8_t)(m->last_tl0 + m->tl0_delta);
    m->begun = m->begun || m->highest;
    m->highest = 0;
    m->dropped = 0;
}

/** A number of 7 or 15 bits near the highest; which of the two is seen in the payload. */
static int64_t extend(const struct picture_map *m, const struct tape_packet *p)
{
    int64_t range = p->payload_len > 2 && !(p->payload[2] & 0x80) ? 0x80 : 0x8000;
    int64_t ahead = ((int64_t)p->picture_id - m->highest) & (range - 1);
    return m->highest + (ahead < range / 2 ? ahead : ahead - range);
}

static void advance(struct picture_map *m, int64_t picture)
{
    int64_t leap = picture - m->highest;
    m->dropped = leap < PICTURES_KEPT ? m->dropped << leap : 0;
    m->highest = picture;
}

/** The number of the stretch's first picture goes on from the last one before. */
static void begin_with(struct picture_map *m, const struct tape_packet *p)
{
    m->highest = 0x10000 + p->picture_id;
    m->delta = m->begun ? (int64_t)m->last_out + 1 - p->picture_id : 0;
    if (!(p->flags & TAPE_HAS_TL0_INDEX))
        return;
    m->tl0_delta = m->tl0_begun ? (uint8_t)(m->last_tl0_out + 1 - p->tl0_index) : 0;
    m->last_tl0 = p->tl0_index;
    m->tl0_begun = true;
}

static int64_t left_out_behind(const struct picture_map *m, int64_t picture)
{
    int64_t behind = m->highest - picture;
    if (behind <= 0)
        return 0;
    uint64_t mask = behind < PICTURES_KEPT ? (UINT64_C(1) << behind) - 1 : UINT64_MAX;
    return __builtin_popcountll(m->dropped & mask);
}

void picture_map_pass(struct picture_map *m, const struct tape_packet *p, uint16_t *ret_picture_id,
                      uint8_t *ret_tl0)
{
    if (m->highest == 0)
        begin_with(m, p);
    int64_t picture = extend(m, p);
    if (picture > m->highest)
        advance(m, picture);
    if ((int8_t)(uint8_t)(p->tl0_index - m->last_tl0) > 0)
        m->last_tl0 = p->tl0_index;
    *ret_picture_id = (uint16_t)((picture + m->delta + left_out_behind(m, picture)) & PICTURE_MASK);
    *ret_tl0 = (uint8_t)(p->tl0_index + m->tl0_delta);
}

void picture_map_drop(struct picture_map *m, const struct tape_packet *p)
{
    if (m->highest == 0)
        return;
    int64_t picture = extend(m, p);
    if (picture <= m->highest)
        return; /* one more packet of it; or too late, and the viewer misses a picture */
    advance(m, picture);
    m->dropped |= 1;
    m->delta--;
}

/* Meter */

static void roll(struct layer_meter *m, uint64_t now_us)
{
    uint64_t passed_us = now_us - m->since_us;
    for (size_t s = 0; s < LIMIT_SPATIAL_LAYERS; s++) {
        for (size_t t = 0; t < LIMIT_TEMPORAL_LAYERS; t++) {
            uint32_t bps = (uint32_t)((uint64_t)m->bytes[s][t] * 8000000u / passed_us);
            m->bps[s][t] = m->measured ? (uint32_t)(((uint64_t)m->bps[s][t] + bps) / 2) : bps;
        }
    }
    memset(m->bytes, 0, sizeof m->bytes);
    m->measured = true;
    m->since_us = now_us;
}

void layer_meter_note(struct layer_meter *m, uint64_t now_us, const struct tape_packet *p)
{
    unsigned s = p->spatial_id < LIMIT_SPATIAL_LAYERS ? p->spatial_id : LIMIT_SPATIAL_LAYERS - 1;
    unsigned t = p->temporal_id < LIMIT_TEMPORAL_LAYERS ? p->temporal_id
                                                        : LIMIT_TEMPORAL_LAYERS - 1;
    if (m->since_us == 0)
        m->since_us = now_us;
    else if (now_us - m->since_us >= METER_WINDOW_US)
        roll(m, now_us);
    m->bytes[s][t] += p->payload_len + METER_OVERHEAD;
}

uint32_t layer_meter_bps(const struct layer_meter *m, uint64_t now_us, unsigned spatial,
                         unsigned temporal)
{
    if (m->measured)
        return m->bps[spatial][temporal];
    uint64_t passed_us = now_us - m->since_us;
    if (m->since_us == 0 || passed_us < METER_SOONEST_US)
        passed_us = METER_SOONEST_US;
    return (uint32_t)((uint64_t)m->bytes[spatial][temporal] * 8000000u / passed_us);
}
