// SPDX-License-Identifier: Apache-2.0
/* Hashes of pictures, made as they come, so that a clip of what was before need not make them all when it is
 * asked for. Of VP8, whose frames are what their packets hold and nothing else. */
#ifndef LOUPE_MEDIA_RECORD_HASHED_H
#define LOUPE_MEDIA_RECORD_HASHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "media/record/depack.h"

#define HASHED_TRACKS 4 /* pictures of further ones are left out */

struct hashed;

/** Keeps of each track as many as come in `keep_us` at 30 a second. ER_NOMEM. */
int hashed_new(struct hashed **ret, uint64_t keep_us);
/** NULL is fine. */
void hashed_free(struct hashed *h);

/** A packet of the picture `source`, in order of sequence. What hinders the hash does no harm. */
void hashed_packet(struct hashed *h, uint64_t source, const struct tape_packet *packet);
/** As depack_gap; 0: and all of it is forgotten. */
void hashed_gap(struct hashed *h, uint64_t source, uint32_t packets);
/** The track has ended, or may be recorded no more. */
void hashed_end(struct hashed *h, uint64_t source);

/** The hash of a frame that ends with the packet `last`. False: it is not known. */
bool hashed_find(const struct hashed *h, const struct depack_frame *frame,
                 const struct tape_packet *last, uint8_t ret[static DIGEST_BYTES]);

#endif
