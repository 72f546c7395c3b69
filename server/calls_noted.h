// SPDX-License-Identifier: Apache-2.0
/* Transitions of a case that the conductor drives: they are noted first, and only then are people told that they
 * wait, wait no more, or talk. */
#ifndef LOUPE_SERVER_CALLS_NOTED_H
#define LOUPE_SERVER_CALLS_NOTED_H

#include "server/calls_impl.h"

/** A transition of the room's case. */
struct noting {
    enum case_action action;
    const char *actor;
    json_t *data;            /* taken over; may be NULL */
    struct store_wrap *wrap; /* the same: what the agent whose call ends is asked for */
    const struct member *asker;
    const char *re;
};
/** `asker` (may be NULL) hears as the reply to `re` when it is on the disk. */
void room_note(struct room *r, const struct noting *n);
/** Its buyer, there as `m`, has begun to wait: that is noted, and then the place is told. */
void room_note_wait(struct room *r, struct member *m, const char *actor, uint64_t credit_us);
/** The case was closed before its call was noted: there is none. */
void room_refuse_call(struct room *r);

#endif
