// SPDX-License-Identifier: Apache-2.0
/* What was drawn over people's pictures, as vectors, with its place in time: so that it is seen again over clips.
 * It is what was said of the evidence, not evidence: nothing of it is sealed. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_DRAWINGS_H
#define LOUPE_SERVER_STORE_DRAWINGS_H

#include "server/store.h"

enum drawing_op {
    DRAWING_DRAW,   /* a shape that is done */
    DRAWING_UNDO,   /* one was taken off */
    DRAWING_CLEAR,  /* all were, or one person's */
    DRAWING_FREEZE, /* the picture stands still; */
    DRAWING_RESUME, /* and goes on */
    DRAWING_OPS,
};
/** "draw", .. */
const char *drawing_op_name(enum drawing_op op);

struct store_drawing {
    struct id case_id;
    char publisher[STORE_IDENTITY_BYTES]; /* whose picture */
    char author[STORE_IDENTITY_BYTES];
    enum drawing_op op;
    uint64_t began_us,
        at_us; /* wall clock, of the picture that was looked at; the same but for a shape */
    /** DRAW: board_shape_json() of it; UNDO: {"shape"}; CLEAR: {"whose"?}; FREEZE: {"still"?}; RESUME: {}. */
    json_t *data;
};

/** `d` stays the caller's. ER_FULL: LIMIT_DRAWINGS or LIMIT_DRAWING_BYTES of the case; ER_NOT_FOUND: no such case. */
int store_drawing_add(struct store *s, const struct store_drawing *d);
/** The process before this one has ended: what it showed is not there any more. */
int store_drawings_restart(struct store *s, uint64_t now_us);
/** The case's room is closed: what is on no clip, and on none that may still come, goes. */
int store_drawings_settle(struct store *s, const struct id *case_id);
/** What is to be seen over a clip: an array of {"op", "by", "began_ms", "at_ms", ..data} in the order of time, which
 *  is counted from the clip's begin. What was there already when it began is at 0. The caller's; ER_NOMEM. */
int store_drawings_of_clip(struct store *s, const struct store_clip *clip, json_t **ret);

#endif
