// SPDX-License-Identifier: Apache-2.0
/* The still shown for a clip: a VP8 key frame as a JPEG, at most POSTER_WIDTH wide. */
#ifndef LOUPE_MEDIA_RECORD_POSTER_H
#define LOUPE_MEDIA_RECORD_POSTER_H

#include <stddef.h>
#include <stdint.h>

#define POSTER_WIDTH 640
#define POSTER_PIXELS_MAX 16777216 /* larger pictures are not decoded: ER_UNSUPPORTED */

/** *ret_jpeg is the caller's, to free(). ER_MALFORMED: no key frame, or it cannot be decoded;
 *  ER_UNSUPPORTED, ER_NOMEM. */
int poster_make(const uint8_t *frame, size_t len, uint8_t **ret_jpeg, size_t *ret_len);

#endif
