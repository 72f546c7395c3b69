// SPDX-License-Identifier: Apache-2.0
/* Frames as they lie in the container (see depack.h): which are key frames, of what size, and what a
 * decoder must know beforehand. */
#ifndef LOUPE_MEDIA_RECORD_FRAME_H
#define LOUPE_MEDIA_RECORD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/codec.h"

#define FRAME_PRIVATE_BYTES 1024

/** True for a key frame with sound headers; then its size. */
bool frame_key_size(enum codec_format format, const uint8_t *frame, size_t len, unsigned *ret_width,
                    unsigned *ret_height);

/** What goes into the container's head, from a key frame: for H264 the configuration record (ISO/IEC
 *  14496-15, 5.3.3.1), for AV1 the sequence header's OBU, for the others nothing. The length, 0, or
 *  ER_MALFORMED. */
int frame_private(enum codec_format format, const uint8_t *frame, size_t len,
                  uint8_t ret[static FRAME_PRIVATE_BYTES]);

/** Walks through the units of an H264 frame. True: *ret_unit and *ret_len are the next. */
struct rd;
bool frame_next_unit(struct rd *frame, const uint8_t **ret_unit, size_t *ret_len);

#endif
