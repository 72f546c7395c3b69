// SPDX-License-Identifier: Apache-2.0
/* Desks whose lists may have a case are told when it has changed: together, once a second at most. A part of the
 * conductor (calls.h). */
#ifndef LOUPE_SERVER_CALLS_DESK_H
#define LOUPE_SERVER_CALLS_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/limits.h"

struct calls;

struct calls_desk {
    struct id ids[LIMIT_DESK_NOTED]; /* changed since desks were told last */
    size_t count;
    bool more;      /* than there is room for */
    bool looking;   /* the store does */
    uint64_t at_us; /* when to tell */
    uint64_t told;  /* messages */
};

/** That case has changed. */
void calls_desk_note(struct calls *c, const struct id *case_id);
void calls_run_desk(struct calls *c);
uint64_t calls_desk_deadline_us(const struct calls *c);

#endif
