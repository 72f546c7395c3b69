// SPDX-License-Identifier: Apache-2.0
/* What a browser's VP8 encoder makes of a target rate: which frames, how large, in which temporal
 * layer, and which frame each one needs. Sizes only; synthetic.h fills them. */
#ifndef LOUPE_TESTS_SIM_ENCODER_H
#define LOUPE_TESTS_SIM_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENCODER_NOTHING UINT32_MAX /* a key frame needs nothing */

struct encoder_config {
    uint32_t fps;
    uint16_t width, height;
    uint8_t temporal_layers; /* 1 to 3; with more than one, pictures are marked (RFC 7741, 4.2) */
};

/** Zeroed but for config: nothing encoded yet. */
struct encoder {
    struct encoder_config config;
    uint64_t frames;    /* encoded; the next one's number */
    uint64_t dropped;   /* for want of rate */
    uint64_t ticks;     /* since the last key frame */
    int64_t debt_bytes; /* above the rate so far */
    uint32_t last[3];   /* number of the newest frame by temporal layer */
    uint8_t tl0;
};

struct encoded {
    uint32_t number;
    uint32_t reference; /* number of the frame it needs; ENCODER_NOTHING */
    bool key;
    bool sync; /* needs no other frame than one of layer 0 */
    uint8_t temporal_id;
    uint8_t tl0;
    size_t bytes;
};

/** The next picture of the camera at `bps`; false: dropped, the encoder is above its rate. */
bool encoder_next(struct encoder *e, uint32_t bps, bool key, struct encoded *ret);

#endif
