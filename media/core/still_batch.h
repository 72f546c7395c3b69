// SPDX-License-Identifier: Apache-2.0
/* What a worker hands to the pictures' thread: the packets of a group of pictures up to the one that is
 * wanted, or of a while, on their slabs, which are held. */
#ifndef LOUPE_MEDIA_CORE_STILL_BATCH_H
#define LOUPE_MEDIA_CORE_STILL_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "media/media.h"
#include "media/tape/tape.h"

struct still_batch {
    struct id room;
    struct id still;
    char path[MEDIA_PATH_BYTES];
    uint64_t track;
    uint64_t capture_unix_us; /* of the last picture */
    uint64_t from_unix_us;    /* a light challenge's beginning; 0: it is a still */
    size_t count;
    uint64_t *captures;                 /* of a challenge: owned, beside */
    const struct tape_packet **packets; /* owned; what they point to lies in */
    struct slab **slabs;                /* owned; each held */
};

/** Releases the slabs, and itself. NULL is fine. */
void still_batch_free(struct still_batch *b);

#endif
