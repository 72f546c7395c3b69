// SPDX-License-Identifier: Apache-2.0
/* A part of a finished clip as a clip of its own: the same frames, byte for byte, at times that begin
 * at 0. */
#ifndef LOUPE_MEDIA_RECORD_TRIM_H
#define LOUPE_MEDIA_RECORD_TRIM_H

#include "media/record/clip.h"

/** Copies what of <from>.webm lies in [from_ms, to_ms) into <path>.webm, with its poster; the voices are
 *  left out. With pictures, one at `from_ms` is to be a key frame. A process that dies leaves what
 *  clip_repair finishes. ER_NOT_FOUND: no such file, or nothing there at those times; ER_CONFLICT: there
 *  is a <path>.part; ER_IO, ER_NOMEM, ER_INTERNAL: nothing of <path> stays. */
int clip_trim(struct vault *vault, const char *from, const char *path, uint64_t from_ms,
              uint64_t to_ms, struct clip_result *ret);

#endif
