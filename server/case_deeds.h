// SPDX-License-Identifier: Apache-2.0
/* What may be done to a case beside taking it from state to state: one table of who may, and in which states. Pure. */
#ifndef LOUPE_SERVER_CASE_DEEDS_H
#define LOUPE_SERVER_CASE_DEEDS_H

#include <jansson.h>
#include <stdbool.h>

#include "signaling/role.h"

enum case_deed {
    CASE_CHANGE_FACTS, /* PATCH /cases/{id} */
    CASE_NOTE,         /* for staff to read */
    CASE_NOTE_VISIBLE, /* for the buyer, too */
    CASE_TAG,
    CASE_LINK,
    CASE_ATTACH,         /* a file for staff */
    CASE_ATTACH_VISIBLE, /* for the buyer, too */
    CASE_WRAP_UP,        /* what the agent's own call came to; a supervisor may do it for them */
    CASE_BOOK,           /* a call-back, an appointment, a message */
    CASE_DEEDS,          /* how many */
};

bool case_role_may_do(enum case_deed deed, enum role role);
/** Bits (1u << state) of the states in which it is done. */
unsigned case_states_of_deed(enum case_deed deed);

/** Whether they are shown what is for staff: internal notes, tags, links. */
bool case_role_sees_internal(enum role role);
/** What somebody of that role may know of a case, of which `whole` (borrowed) is all: a viewer what it is about, and
 *  nothing of people. A new reference; NULL without memory. */
json_t *case_json_for(enum role role, json_t *whole);

#endif
