// SPDX-License-Identifier: Apache-2.0
/* What the depacketisers share: depack.c (gaps, VP8 and VP9), depack_h264.c, depack_av1.c. */
#ifndef LOUPE_MEDIA_RECORD_DEPACK_IMPL_H
#define LOUPE_MEDIA_RECORD_DEPACK_IMPL_H

#include "media/codec.h"
#include "media/record/depack.h"
#include "media/wire/vp9.h"

enum { PARAMETER_BYTES = 256 }; /* of a parameter set; longer ones are not remembered */

/** A parameter set of H264, as it came last. */
struct depack_parameters {
    uint8_t bytes[PARAMETER_BYTES];
    size_t len;
};

struct depack {
    enum codec_format format;
    bool begun;        /* `format` is known */
    int64_t next_seq;  /* 0: any */
    int64_t timestamp; /* of the frame being put together */
    int64_t first_seq; /* its first packet's */
    bool recovered;
    bool building;
    bool key;
    bool need_key;
    bool shown; /* a frame came out */
    uint8_t *data;
    size_t len;
    size_t size;
    /* VP9: sizes of the layers' frames that are whole. */
    size_t layers[VP9_SPATIAL_LAYERS];
    uint8_t layer_ids[VP9_SPATIAL_LAYERS];
    size_t layer_count, layers_len;
    uint32_t widths[VP9_SPATIAL_LAYERS]; /* of the layers, by their ids; 0: not known yet */
    /* H264 and AV1: where the unit that has not ended yet begins. */
    size_t unit_at;
    bool in_unit;
    bool has_sps, has_pps; /* the frame has them; AV1: `has_sps` stands for the sequence header */
    struct depack_parameters sps, pps; /* H264 */
};

/** What differs from codec to codec. */
struct depack_functions {
    /** The packet's part of the frame goes into `data`. `start`: it is the frame's first.
     *  ER_MALFORMED; ER_AGAIN: no frame begins with it. */
    int (*take)(struct depack *d, const struct tape_packet *packet, bool start);
    /** All of the frame is here: `data` becomes what the container wants. ER_MALFORMED. */
    int (*finish)(struct depack *d);
};

extern const struct depack_functions depack_h264;
extern const struct depack_functions depack_av1;

/** At the end of `data`. 0, ER_FULL, ER_NOMEM. */
int depack_add(struct depack *d, const void *bytes, size_t len);
/** Room for `len` bytes at `at`, and what stood there behind it. Likewise. */
int depack_insert(struct depack *d, size_t at, const void *bytes, size_t len);

#endif
