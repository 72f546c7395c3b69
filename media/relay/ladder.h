// SPDX-License-Identifier: Apache-2.0
/* The steps by which a picture gives way on a bad path: video, one sharp picture now and then, sound
 * alone; and back. Down at once, or as soon as the publisher has had time to send less; up when there
 * has been room for a while, and for longer each time that going up went wrong. */
#ifndef LOUPE_MEDIA_RELAY_LADDER_H
#define LOUPE_MEDIA_RELAY_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ladder_step { LADDER_VIDEO, LADDER_SLIDESHOW, LADDER_AUDIO_ONLY };

/** Zeroed memory: the top. */
struct ladder {
    enum ladder_step step;
    size_t level;            /* layers shown while LADDER_VIDEO */
    uint64_t short_since_us; /* the lowest layer does not fit since; 0: it does */
    uint64_t room_since_us;  /* there is room for more since; 0: there is not */
    uint64_t raised_us;      /* last time up; 0: never */
    uint64_t entered_us;     /* when `step` became what it is */
    uint64_t patience_us;    /* before the next time up */
    uint64_t deaf_until_us;  /* the publisher was asked for less in vain: not again before */
};

struct ladder_input {
    size_t fits;       /* layers that what there is carries, */
    size_t fits_well;  /* with something to spare, */
    size_t fits_amply; /* and with much */
    size_t count;      /* layers that there are */
    uint32_t bps;      /* what this picture may cost */
    bool
        can_be_asked; /* the publisher is told to send less, and it is this viewer who says how much */
};

/** True when step or level changed. */
bool ladder_update(struct ladder *l, uint64_t now_us, const struct ladder_input *in);

#endif
