// SPDX-License-Identifier: Apache-2.0
/* Whether the lens was covered. To decode all pictures for that is too dear: while a clip is recorded it is
 * noted where pictures are coded in next to nothing, as those of darkness are (and those of anything that
 * does not move), and at its end one picture of each such stretch is decoded and looked at. */
#ifndef LOUPE_MEDIA_RECORD_COVERED_H
#define LOUPE_MEDIA_RECORD_COVERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"
#include "media/record/depack.h"
#include "media/record/still.h"

#define COVERED_STRETCHES 256 /* of a clip; of further ones nothing is known */
#define COVERED_LEAST_MS                                                                           \
    600 /* so long is a lens covered at least that is told of: coding takes a moment
                                  to come to rest behind the hand */
#define COVERED_FRAMES 600 /* are decoded, if need be, */
#define COVERED_SHARE 20   /* and one of so many of the clip's; */
#define COVERED_HURRY 450  /* but no more than this while somebody waits for the clip */

/** Pictures that follow each other and are small. */
struct covered_stretch {
    uint64_t key_ms;           /* the key frame that the first one needs */
    uint64_t from_ms, last_ms; /* the first and the last, */
    uint64_t to_ms;            /* and what comes behind it; */
    bool to_end;               /* nothing does */
};

/** Zeroed memory: nothing has come. */
struct covered {
    uint64_t pixels; /* of a picture; 0: not known */
    uint64_t key_ms; /* the last one's */
    uint32_t usual;  /* bytes of one that is not small */
    uint64_t frames;
    bool small; /* `now` is going on */
    struct covered_stretch now;
    size_t count;
    bool overflowed;
    struct covered_stretch stretches[COVERED_STRETCHES];
};

/** A picture that was written. */
void covered_note(struct covered *c, const struct depack_frame *frame, uint64_t at_ms);
/** None follows. True: there is something to be looked at. */
bool covered_end(struct covered *c);

typedef int covered_found(void *ctx, uint64_t from_ms, uint64_t to_ms, bool to_end);
/** Looks at the stretches in the file at `path`, which is closed, and tells of those of at least
 *  COVERED_LEAST_MS where the lens was covered, in order, until `found` does not give 0, which is returned.
 *  ER_FULL: there was more than it may look at, or there is none to decode it; ER_IO, ER_NOMEM, .. */
int covered_look(const struct covered *c, struct vault *vault, const char *path, bool hurry,
                 covered_found *found, void *ctx);
/** Dark, and nothing in it. */
bool covered_is_dark(const struct still *image);

#endif
