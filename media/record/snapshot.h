// SPDX-License-Identifier: Apache-2.0
/* A still: packets from a key frame on go in, the last picture of theirs comes out as a JPEG at its own
 * size, with its measures and the hash of the frame it was decoded from. */
#ifndef LOUPE_MEDIA_RECORD_SNAPSHOT_H
#define LOUPE_MEDIA_RECORD_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/codec.h"
#include "media/record/measure.h"
#include "media/tape/tape.h"

#define SNAPSHOT_SMALL_WIDTH 320

struct snapshot {
    unsigned width, height;
    uint64_t bytes; /* of the JPEG */
    uint8_t sha256[32];
    enum codec_format format;
    uint8_t frame_sha256[32]; /* of the frame as it lies in a clip (depack.h) */
    uint64_t frame_bytes;
    int64_t frame_timestamp; /* RTP, extended */
    bool frame_key;
    int quantizer; /* STILL_NO_QUANTIZER: not told */
    struct measures measures;
};

/** `packets` in sequence order, from the first of a key frame to the last of a picture. Writes
 *  <path>.jpg and, at most SNAPSHOT_SMALL_WIDTH wide, <path>.small.jpg. ER_MALFORMED: no picture comes of
 *  it; ER_UNSUPPORTED: no decoder, too large, not 8 bits 4:2:0; ER_IO, ER_NOMEM: no file stays. */
int snapshot_make(struct vault *vault, const struct tape_packet *const *packets, size_t count,
                  const char *path, struct snapshot *ret);

#endif
