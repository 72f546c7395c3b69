// SPDX-License-Identifier: Apache-2.0
/* Pictures and sound that come each in order, woven into one order of time. They lie in two stretches of
 * memory, without an allocation for each. */
#ifndef LOUPE_MEDIA_RECORD_WEAVE_H
#define LOUPE_MEDIA_RECORD_WEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weave_track { WEAVE_PICTURE, WEAVE_SOUND, WEAVE_TRACKS };

struct weave_frame {
    enum weave_track track;
    const uint8_t *data;
    size_t len;
    int64_t at_ms;
    bool key;
};

/** Zeroed: empty. */
struct weave {
    struct weave_line {
        uint8_t *bytes; /* begin .. end is used; likewise: */
        size_t begin, end, size;
        struct weave_frame *frames;
        size_t first, count, room; /* count: behind the last one */
    } lines[WEAVE_TRACKS];
};

void weave_clear(struct weave *w);
/** Copies the frame. Of a track, at_ms rises. ER_NOMEM. */
int weave_put(struct weave *w, const struct weave_frame *frame);
/** The next one, pictures before sound of the same time; valid until the next weave_put of its track. False:
 *  it may still come, unless the one track is WEAVE_SKEW_MS ahead of what the other has, or `last`. */
bool weave_next(struct weave *w, bool last, struct weave_frame *ret);
size_t weave_count(const struct weave *w, enum weave_track track);
#define WEAVE_SKEW_MS 5000

#endif
