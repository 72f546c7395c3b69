// SPDX-License-Identifier: Apache-2.0
/* Layers of quality: how much of one encoding a viewer gets, the numbers of its pictures, and what
 * each layer costs. */
#ifndef LOUPE_MEDIA_RELAY_LAYER_H
#define LOUPE_MEDIA_RELAY_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "media/tape/tape.h"

/** The most that may be shown: encodings, and layers within, count from the lowest, 0. */
struct layer_aim {
    int8_t encoding; /* LAYER_PAUSED: nothing at all */
    int8_t spatial, temporal;
};
#define LAYER_PAUSED (-1)
#define LAYER_KEYS (-1) /* for `temporal`: key frames only */
#define LAYER_BEST INT8_MAX
#define LAYER_AIM_BEST                                                                             \
    ((struct layer_aim){.encoding = LAYER_BEST, .spatial = LAYER_BEST, .temporal = LAYER_BEST})

#define LAYER_CHANGES 4 /* remembered, for packets that come late */

/** Which layers of one encoding pass. */
struct layer_filter {
    int64_t timestamp;     /* of the newest picture */
    int64_t key_timestamp; /* and of the newest key frame */
    int64_t begun;         /* of the newest picture whose first packet came */
    int8_t spatial, temporal;
    struct layer_change {
        int64_t until; /* timestamp */
        int8_t spatial, temporal;
    } changes[LAYER_CHANGES]; /* what passed before, the oldest first */
};

/** At a key frame: all that is aimed at. */
void layer_filter_begin(struct layer_filter *f, const struct layer_aim *aim);
/** Does the packet pass? Fewer layers do from the next picture on; more of them only where the
 *  stream lets them be joined. Packets that come late pass where the rest of their picture did. */
bool layer_filter_passes(struct layer_filter *f, const struct layer_aim *aim,
                         const struct tape_packet *p);
/** Does the picture end with this packet, which passed? */
static inline bool layer_filter_marks(const struct layer_filter *f, const struct tape_packet *p)
{
    return (p->flags & TAPE_MARKER) || ((p->flags & TAPE_LAYER_END) && p->spatial_id == f->spatial);
}

/** VP8's PictureID and TL0PICIDX (RFC 7741, 4.2) for one viewer: continuous over pictures left out
 *  and over switches. Zeroed memory is one that has seen nothing. */
struct picture_map {
    int64_t highest; /* source's, extended; 0: none in this stretch */
    int64_t delta;
    uint64_t dropped;  /* bit n: the picture `highest` - n was left out */
    uint16_t last_out; /* before this stretch */
    uint8_t last_tl0_out, tl0_delta, last_tl0;
    bool begun, tl0_begun;
};
/** Another source follows. */
void picture_map_begin(struct picture_map *m);
/** The packet goes out: the numbers to write. */
void picture_map_pass(struct picture_map *m, const struct tape_packet *p, uint16_t *ret_picture_id,
                      uint8_t *ret_tl0);
void picture_map_drop(struct picture_map *m, const struct tape_packet *p);

/** Bytes by layer, measured over METER_WINDOW_US and smoothed. Zeroed memory is an idle one. */
struct layer_meter {
    uint64_t since_us; /* 0: nothing came yet */
    uint32_t bytes[LIMIT_SPATIAL_LAYERS][LIMIT_TEMPORAL_LAYERS];
    uint32_t bps[LIMIT_SPATIAL_LAYERS][LIMIT_TEMPORAL_LAYERS];
    bool measured;
};
void layer_meter_note(struct layer_meter *m, uint64_t now_us, const struct tape_packet *p);
/** Bits per second of one layer alone; of what has come so far while that is not long. */
uint32_t layer_meter_bps(const struct layer_meter *m, uint64_t now_us, unsigned spatial,
                         unsigned temporal);

#endif
