// SPDX-License-Identifier: Apache-2.0
/* The still shown for a clip: a key frame as a JPEG, at most POSTER_WIDTH wide. */
#ifndef LOUPE_MEDIA_RECORD_POSTER_H
#define LOUPE_MEDIA_RECORD_POSTER_H

#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"

#define POSTER_WIDTH 640
#define POSTER_PIXELS_MAX 16777216 /* larger pictures are not decoded: ER_UNSUPPORTED */

/** `frame` as depack.h says; *ret_jpeg is the caller's, to free(). ER_MALFORMED: no key frame, or it
 *  cannot be decoded; ER_UNSUPPORTED (too large, no decoder, not 8 bits 4:2:0), ER_NOMEM. */
int poster_make(enum codec_format format, const uint8_t *frame, size_t len, uint8_t **ret_jpeg,
                size_t *ret_len);

#endif
