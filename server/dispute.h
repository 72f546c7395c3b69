// SPDX-License-Identifier: Apache-2.0
/* A dispute, told by the events of its case: statements of both sides, the arbiter's questions and their answers,
 * rulings, the appeal. Pure. */
#ifndef LOUPE_SERVER_DISPUTE_H
#define LOUPE_SERVER_DISPUTE_H

#include <jansson.h>

#include "base/limits.h"
#include "server/refusal.h"
#include "server/store.h"

/** The events that tell it, for store_events_typed. */
#define DISPUTE_EVENTS                                                                             \
    "[\"outcome_disputed\",\"statement_made\",\"review_started\",\"question_asked\","              \
    "\"question_answered\",\"ruled\",\"appealed\",\"executed\",\"outcome_agreed\","                \
    "\"proposal_lapsed\",\"reopened\",\"question_overdue\"]"

/** "buyer" or "merchant"; NULL: of neither side. */
const char *dispute_side(enum role role);

/** What one more event says; others than those above say nothing. `dispute` begins as an empty object and becomes
 *  {statements[{side, by, at, text, evidence[]}], review{by, at}?, questions[{question, to, by, at, text, due_at,
 *  answer{by, at, text, evidence[]}?, overdue_at?}], rulings[], appeal{side, by, at}?, execution?, of "verdict"?}; without statements there is
 *  none. `buyer` is the case's. ER_NOMEM. */
int dispute_tell(json_t *dispute, const char *buyer, const struct store_event *e);

/** The numbers of the questions that were not answered in time, of which no event has told yet. How many. */
size_t dispute_overdue(const json_t *dispute, enum case_state state, uint64_t now_us,
                       unsigned ret[LIMIT_QUESTIONS]);
/** "buyer" or "merchant", as the question has it; NULL: there is none of that number. Borrowed. */
json_t *dispute_asked_of(const json_t *dispute, unsigned question);

/** It goes on: nobody has agreed to an outcome since, and nothing began anew. */
bool dispute_goes_on(const json_t *dispute);

/** It is about the verdict of an authentication. */
bool dispute_is_of_verdict(const json_t *dispute);
/** The verdict that the case has is not one that was disputed and did not stand. */
bool dispute_lets_verdict(const json_t *dispute);

/** What may be done now, by the case's state and what was told: 0, or ER_CONFLICT or ER_DENIED and why. */
/** ER_FULL: that side has made LIMIT_STATEMENTS. */
int dispute_may_state(const json_t *dispute, enum case_state state, const char *side,
                      struct refusal *ret_why);
/** A proposal, or, of an authentication, for a week the verdict: `given_at` is its time, NULL without one. */
int dispute_may_begin(const json_t *dispute, enum case_state state, const char *given_at,
                      uint64_t now_us, struct refusal *ret_why);
int dispute_may_review(const json_t *dispute, const char *by, struct refusal *ret_why);
int dispute_may_ask(const json_t *dispute, enum case_state state, const char *by,
                    struct refusal *ret_why);
/** ER_NOT_FOUND: no question of that number. */
int dispute_may_answer(const json_t *dispute, enum case_state state, unsigned question,
                       const char *side, uint64_t now_us, struct refusal *ret_why);
/** Not while a question waits for its answer and there is time for it ("open_questions"). `stands`: whether the verdict
 *  does, which is said (ER_MALFORMED) where it is about that; NULL: it is not. */
int dispute_may_rule(const json_t *dispute, const char *by, const json_t *stands, uint64_t now_us,
                     struct refusal *ret_why);
int dispute_may_appeal(const json_t *dispute, uint64_t now_us, struct refusal *ret_why);
/** A side offers something else, which leaves the dispute where it is until the other agrees. Not once it was ruled. */
int dispute_may_propose(const json_t *dispute, struct refusal *ret_why);
/** It ends by an agreement or a ruling, not by cancelling its case. */
int dispute_may_cancel(const json_t *dispute, struct refusal *ret_why);
/** To begin anew, which forgets the ruling: not while there is time for an appeal. */
int dispute_may_reopen(const json_t *dispute, uint64_t now_us, struct refusal *ret_why);

/** Adds what changes with time: "state" of each question (answered, open, overdue), and of a ruling that can still be
 *  appealed "appeal_until". ER_NOMEM. */
int dispute_date(json_t *dispute, uint64_t now_us);

#endif
