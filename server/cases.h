// SPDX-License-Identifier: Apache-2.0
/* The life of a case: its states, and one table of who may take it from which state to which.
 * Pure: no database, no clock. */
#ifndef LOUPE_SERVER_CASES_H
#define LOUPE_SERVER_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "signaling/role.h"

enum case_state {
    CASE_OPEN,
    CASE_WAITING, /* the buyer is in the queue */
    CASE_IN_CALL,
    CASE_PROPOSED,
    CASE_AGREED,
    CASE_DISPUTED,
    CASE_IN_REVIEW,
    CASE_RULED,
    CASE_EXECUTED,
    CASE_CLOSED,
    CASE_CANCELLED,
    CASE_STATES, /* how many */
};

enum case_kind { CASE_INSPECTION, CASE_AUTHENTICATION, CASE_LIVE, CASE_KINDS };

enum case_action {
    /* asked for by people, POST /cases/{id}/actions/{action} */
    CASE_PROPOSE,
    CASE_AGREE,
    CASE_DISPUTE,
    CASE_REVIEW,
    CASE_RULE,
    CASE_EXECUTE,
    CASE_CLOSE,
    CASE_CANCEL,
    CASE_REOPEN,
    CASE_RATE,     /* what the buyer says of how it went, once; moves nothing */
    CASE_APPEAL,   /* against a ruling; what else it needs is dispute.h's */
    CASE_VERDICT,  /* of an authentication; what else it needs is examination.h's */
    CASE_TRANSFER, /* to another agent or team: the state stays, the conductor does the rest */
    /* driven by the conductor, not by requests */
    CASE_WAIT,       /* the buyer waits: open -> waiting */
    CASE_STOP_WAIT,  /* gave up, or lost the place: waiting -> open */
    CASE_START_CALL, /* open or waiting -> in_call */
    CASE_END_CALL,   /* in_call -> open */
    CASE_TAKE_CALL, /* another agent has it now; these five leave a case that is being settled as it is */
    /* driven by timers */
    CASE_EXPIRE,  /* nothing came of it: open -> cancelled */
    CASE_LAPSE,   /* nobody answered the proposal: proposed -> open */
    CASE_OVERDUE, /* it should have been done by now; moves nothing */
    CASE_ACTIONS, /* how many */
};

const char *case_state_name(enum case_state state);           /* "open", "in_call", ..; "unknown" */
int case_state_parse(const char *name, enum case_state *ret); /* 0 or ER_NOT_FOUND */
const char *case_kind_name(enum case_kind kind);
int case_kind_parse(const char *name, enum case_kind *ret);
const char *case_action_name(enum case_action action); /* "propose", .., "start_call" */
/** Only what people may ask for. 0 or ER_NOT_FOUND. */
int case_action_parse(const char *name, enum case_action *ret);
/** The type of the event that the action leaves on the timeline: "outcome_proposed", .. */
const char *case_action_event(enum case_action action);

/** May anyone of this role ever take this action? The conductor's own: nobody. */
bool case_role_may(enum case_action action, enum role role);
/** The state after `action` in `from`: 0, or ER_CONFLICT when it is not for this state. */
int case_next(enum case_action action, enum case_state from, enum case_state *ret);
/** Bits (1u << state) of the states that allow `action`, be it that it moves nothing. */
unsigned case_states_for(enum case_action action);
/** A verdict of an authentication: genuine, counterfeit, inconclusive. */
bool case_verdict_ok(const char *word);
/** Check what came with an action (a JSON object, or NULL) and give the part that belongs on the
 *  timeline, cleaned, as a new object. 0; ER_MALFORMED and *ret_why; ER_NOMEM. */
int case_action_data(enum case_action action, const json_t *body, json_t **ret,
                     const char **ret_why);

#endif
