// SPDX-License-Identifier: Apache-2.0
/* `loupectl events`: what happens to cases, as it happens. */
#ifndef LOUPE_SERVER_CTL_EVENTS_H
#define LOUPE_SERVER_CTL_EVENTS_H

#include <stdio.h>

#include "server/store.h"

struct ctl_events;

struct ctl_events_of {
    struct id case_id;    /* zeroed: of all */
    const char *merchant; /* NULL: of all */
    const char *type;     /* NULL: any */
    uint64_t since_us;
    bool as_json; /* a line of JSON each */
};

/** `of` and what it points to outlive it. ER_NOMEM. */
int ctl_events_new(struct ctl_events **ret, struct store *s, const struct ctl_events_of *of,
                   FILE *out);
void ctl_events_free(struct ctl_events *e);
/** Prints what is new, in order of time; what comes late (it was asked for before others that were quicker) comes
 *  when it is there. How many, or ER_IO, ER_NOMEM. */
int ctl_events_step(struct ctl_events *e);

#endif
