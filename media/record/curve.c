// SPDX-License-Identifier: Apache-2.0
/* Packets to frames (depack.h), to pictures (still.h), to their mean luma (measure.h). */
#include "media/record/curve.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/limits.h"
#include "media/record/depack.h"
#include "media/record/measure.h"
#include "media/record/poster.h"
#include "media/record/still.h"

/** A frame's picture becomes a sample. What fails only leaves it out, but for what will not change. */
static int take_frame(struct still_decoder *decoder, const struct depack_frame *frame,
                      uint64_t at_us, uint64_t from_unix_us, struct curve *curve)
{
    struct still image;
    if (frame->key && (uint64_t)frame->width * frame->height > POSTER_PIXELS_MAX)
        return ER_UNSUPPORTED;
    int er = still_decoder_push(decoder, frame->format, frame->data, frame->len, frame->key);
    if (er < 0 || at_us < from_unix_us)
        return er;
    er = still_decoder_picture(decoder, &image);
    if (er == 0 && curve->count < LIMIT_LIGHT_SAMPLES)
        curve->samples[curve->count++] = (struct curve_sample){.unix_us = at_us,
                                                               .luma = measure_luma(&image)};
    return er;
}

static int walk(struct still_decoder *decoder, struct depack *depack,
                const struct tape_packet *const *packets, const uint64_t *capture_unix_us,
                size_t count, uint64_t from_unix_us, struct curve *curve)
{
    for (size_t i = 0; i < count; i++) {
        struct depack_frame frame;
        int er = depack_push(depack, packets[i], &frame);
        if (er == 0)
            er = take_frame(decoder, &frame, capture_unix_us[i], from_unix_us, curve);
        if (er == ER_NOMEM || er == ER_UNSUPPORTED)
            return er;
    }
    return curve->count ? 0 : ER_MALFORMED;
}

int curve_make(const struct tape_packet *const *packets, const uint64_t *capture_unix_us,
               size_t count, uint64_t from_unix_us, struct curve **ret)
{
    struct depack *depack = NULL;
    struct still_decoder *decoder = NULL;
    struct curve *curve = calloc(1, sizeof *curve);
    int er = curve ? depack_new(&depack) : ER_NOMEM;
    if (er == 0)
        er = still_decoder_new(&decoder);
    if (er == 0)
        er = walk(decoder, depack, packets, capture_unix_us, count, from_unix_us, curve);
    still_decoder_free(decoder);
    depack_free(depack);
    if (er < 0)
        free(curve);
    else
        *ret = curve;
    return er;
}
