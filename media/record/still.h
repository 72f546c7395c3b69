// SPDX-License-Identifier: Apache-2.0
/* One key frame decoded: VP8 and VP9 by libvpx, H264 and AV1 by what FFmpeg's libavcodec was built
 * with (still_av.c). */
#ifndef LOUPE_MEDIA_RECORD_STILL_H
#define LOUPE_MEDIA_RECORD_STILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"

/** A picture of 8 bits, 4:2:0. */
struct still {
    unsigned width, height;
    bool full_range; /* levels of 0..255, not of 16..235 and 16..240 */
    const uint8_t *planes[3];
    int stride[3];
    void *owner; /* of the planes */
    void (*release)(void *owner);
};

/** `frame` as depack.h says. ER_MALFORMED: it cannot be decoded; ER_UNSUPPORTED: there is no decoder, or
 *  the picture is of another kind; ER_NOMEM. */
int still_decode(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len);
void still_clear(struct still *s);

/** The same for H264 and AV1 alone. */
int still_decode_av(struct still *ret, enum codec_format format, const uint8_t *frame, size_t len);

#endif
