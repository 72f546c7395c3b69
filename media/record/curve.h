// SPDX-License-Identifier: Apache-2.0
/* How bright the pictures of a while were, one after the other. */
#ifndef LOUPE_MEDIA_RECORD_CURVE_H
#define LOUPE_MEDIA_RECORD_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "media/tape/tape.h"

struct curve_sample {
    uint64_t unix_us; /* captured */
    double luma;      /* mean, 0..255 */
};
struct curve {
    size_t count;
    struct curve_sample samples[LIMIT_LIGHT_SAMPLES];
};

/** `packets` in sequence order, from a key frame on; `capture_unix_us` beside each. Samples of the pictures
 *  from `from_unix_us` on, at most LIMIT_LIGHT_SAMPLES; what cannot be decoded is left out. To free().
 *  ER_UNSUPPORTED: no decoder, or too large; ER_MALFORMED: no picture at all; ER_NOMEM. */
int curve_make(const struct tape_packet *const *packets, const uint64_t *capture_unix_us,
               size_t count, uint64_t from_unix_us, struct curve **ret);

#endif
