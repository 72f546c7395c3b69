// SPDX-License-Identifier: Apache-2.0
/* What a worker hands to the recorder, each room's to the same thread: packets still lying on the tape's
 * slabs, each slab held. */
#ifndef LOUPE_MEDIA_CORE_RECORD_BATCH_H
#define LOUPE_MEDIA_CORE_RECORD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "media/framelog.h"
#include "media/media.h"
#include "media/tape/tape.h"

#define RECORD_BATCH_ITEMS 128

enum record_item_kind {
    RECORD_VIDEO,
    RECORD_VIDEO_GAP, /* `gap` packets are missing before the next one; 0: another track follows */
    RECORD_VIDEO_SWITCH, /* the same track goes on in another encoding, with a key frame */
    RECORD_AUDIO,
    RECORD_AUDIO_BEGIN, /* text: whose voice `source` is */
    RECORD_AUDIO_END,
    RECORD_MARK, /* mark, text, capture_unix_us: when */
};

struct record_item {
    enum record_item_kind kind;
    enum framelog_mark mark;
    uint32_t gap;
    uint64_t source; /* track id */
    char *text;      /* owned */
    const struct tape_packet *packet;
    struct slab *slab; /* held */
    uint64_t capture_unix_us;
};

enum record_step {
    RECORD_OPEN,
    RECORD_DATA,
    RECORD_CLOSE,
    /* Of a room that can be looked back to, rather than of a clip: */
    RECORD_LISTEN, /* its voices, for the standing mix, which begins with the first one; and pictures */
    RECORD_DEAF, /* forget that mix */
};

struct record_batch {
    struct record_batch *next; /* while a tap keeps it */
    enum record_step step;
    struct id room;
    struct id clip;
    uint64_t unix_us;            /* start, now, or end */
    uint64_t sound_until_us;     /* packets of a voice are missing from there on; 0: none are */
    uint64_t keep_us;            /* with RECORD_LISTEN: how much of the mix, and */
    uint64_t whole_us;           /* what was said before it may lack; 0: it lacks nothing */
    bool hurry;                  /* with RECORD_OPEN: all of it comes at once */
    char path[MEDIA_PATH_BYTES]; /* with RECORD_OPEN; and */
    char publisher[MEDIA_IDENTITY_BYTES];
    size_t count;
    struct record_item items[RECORD_BATCH_ITEMS];
};

/** Releases the slabs and texts it holds, and itself. NULL is fine. */
void record_batch_free(struct record_batch *b);

#endif
