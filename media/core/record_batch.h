// SPDX-License-Identifier: Apache-2.0
/* What a worker hands to the recorder: packets still lying on the tape's slabs, each slab held. */
#ifndef LOUPE_MEDIA_CORE_RECORD_BATCH_H
#define LOUPE_MEDIA_CORE_RECORD_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "media/media.h"
#include "media/tape/tape.h"

#define RECORD_BATCH_ITEMS 128

enum record_item_kind {
    RECORD_VIDEO,
    RECORD_VIDEO_GAP, /* `gap` packets are missing before the next one; 0: another track follows */
    RECORD_VIDEO_SWITCH, /* the same track goes on in another encoding, with a key frame */
    RECORD_AUDIO,
    RECORD_AUDIO_END,
};

struct record_item {
    enum record_item_kind kind;
    uint32_t gap;
    uint64_t source; /* track id */
    const struct tape_packet *packet;
    struct slab *slab; /* held */
    uint64_t capture_unix_us;
};

enum record_step { RECORD_OPEN, RECORD_DATA, RECORD_CLOSE };

struct record_batch {
    enum record_step step;
    struct id room;
    struct id clip;
    uint64_t unix_us;            /* start, now, or end */
    char path[MEDIA_PATH_BYTES]; /* with RECORD_OPEN */
    size_t count;
    struct record_item items[RECORD_BATCH_ITEMS];
};

/** Releases the slabs it holds, and itself. NULL is fine. */
void record_batch_free(struct record_batch *b);

#endif
