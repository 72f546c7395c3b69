// SPDX-License-Identifier: Apache-2.0
/* Frames whose every byte follows from their stream, number and size, so that whoever receives one
 * can tell that it is the right one, whole. Their headers are valid VP8 and Opus; the rest is noise
 * that no decoder makes a picture of. */
#ifndef LOUPE_TESTS_SIM_SYNTHETIC_H
#define LOUPE_TESTS_SIM_SYNTHETIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNTHETIC_MIN_BYTES 48
#define SYNTHETIC_OPUS_SAMPLES 960 /* 20 ms */

/** What a frame says about itself. */
struct synthetic {
    uint32_t stream;
    uint32_t number;
    uint64_t capture_us;
    bool key;           /* VP8 only */
    uint32_t reference; /* VP8: number of the frame it needs; Opus: 1 when it holds the FEC of the
                           frame before */
};

/** Bytes of VP8 frame `number` in a stream of this rate: delta frames vary by a third either way,
 *  key frames are five times an average one. */
size_t synthetic_vp8_size(uint32_t number, bool key, uint32_t bps, uint32_t fps);
/** Fill `size` (>= SYNTHETIC_MIN_BYTES) bytes; key frames say width and height. */
void synthetic_vp8_make(uint8_t *ret, size_t size, const struct synthetic *what, uint16_t width,
                        uint16_t height);
/** 0, or ER_MALFORMED when any byte is not what synthetic_vp8_make wrote. */
int synthetic_vp8_check(const uint8_t *data, size_t len, struct synthetic *ret);

void synthetic_opus_make(uint8_t *ret, size_t size, const struct synthetic *what);
int synthetic_opus_check(const uint8_t *data, size_t len, struct synthetic *ret);

#endif
