// SPDX-License-Identifier: Apache-2.0
/* The list of pictures on a tape: a ring in order of arrival, fed with each packet written. */
#ifndef LOUPE_MEDIA_TAPE_FRAMES_H
#define LOUPE_MEDIA_TAPE_FRAMES_H

#include "media/tape/tape.h"

/** `size` 0: nothing is kept (audio). The oldest frame gives way to a new one. */
struct frames {
    struct tape_frame *ring;
    uint32_t size;
    uint32_t count;
    uint32_t next;  /* where the next new frame goes */
    int64_t newest; /* highest timestamp seen */
};

/** 0 or ER_NOMEM. */
int frames_init(struct frames *f, uint32_t size);
void frames_clear(struct frames *f);
/** Note a packet that was just written. */
void frames_add(struct frames *f, const struct tape_packet *p);
/** Frames that begin below `seq` are no longer readable whole: forget their beginning. */
void frames_drop_below(struct frames *f, int64_t seq);
/** The youngest key frame whose first packet is here, or NULL. */
const struct tape_frame *frames_last_key(const struct frames *f);
/** By timestamp, or NULL. */
const struct tape_frame *frames_find(const struct frames *f, int64_t timestamp);

#endif
