// SPDX-License-Identifier: Apache-2.0
/* Why something cannot be done as things stand, in words and in members for who asked. */
#ifndef LOUPE_SERVER_REFUSAL_H
#define LOUPE_SERVER_REFUSAL_H

#include <jansson.h>

/** Filled in where a function says ER_CONFLICT, ER_DENIED, ER_MALFORMED or ER_FULL of what was asked. Zeroed
 *  before; refusal_clear frees what it owns. */
struct refusal {
    const char *why; /* static, fit for who asked; NULL: nothing to say */
    json_t *more;    /* an object: further members of the problem document; or NULL; owned */
};

/** Notes why, and gives `er` back. */
static inline int refusal_set(struct refusal *r, int er, const char *why)
{
    r->why = why;
    return er;
}

static inline void refusal_clear(struct refusal *r)
{
    json_decref(r->more);
    *r = (struct refusal){0};
}

#endif
