// SPDX-License-Identifier: Apache-2.0
/* Clips asked of the conductor as the API asks for them, and what came of it. */
#ifndef LOUPE_TESTS_CLIP_REQUEST_H
#define LOUPE_TESTS_CLIP_REQUEST_H

#include "tests/unit/support/calls_world.h"

struct clip_request {
    int er;
    unsigned calls; /* how often it was answered */
    char clip[ID_TEXT_BYTES];
    char state[16];
};

/** A calls_done; `ctx` is a struct clip_request. */
void clip_request_answer(void *ctx, int er, const char *why, const json_t *body);
/** One is started, labelled "cup", and answered once. `publisher` may be NULL. */
struct clip_request clip_request_start(struct world *w, const struct claims *who, const char *room,
                                       const char *publisher);
/** The row, which must be there. */
struct store_clip clip_request_row(struct world *w, const char *clip);
/** "bo" agrees to be recorded and sends a picture; what came of it is forgotten. */
void clip_request_consent(struct client *buyer, const struct store_case *c);

#endif
