// SPDX-License-Identifier: Apache-2.0
/* Disputes in the store: read from a case's events, and added to by further ones, each checked and appended in one
 * transaction. Errors of what was asked come with a refusal; whoever calls clears it. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_DISPUTES_H
#define LOUPE_SERVER_STORE_DISPUTES_H

#include "server/refusal.h"
#include "server/store.h"

/** All of what dispute_tell makes of the events; *ret is the caller's. */
int store_dispute_read(struct store *s, const struct store_case *sc, json_t **ret);

/** Whoever says something in a dispute. */
struct disputant {
    const struct store_case *sc;
    const char *identity;
    enum role role;
    uint64_t now_us;
};

/** "statement_made", by a side, of cleaned text and hashes (a JSON list, or NULL). ER_FULL. */
int store_dispute_state(struct store *s, const struct disputant *who, const char *text,
                        const json_t *evidence, struct refusal *ret_why);
/** "question_asked", by the arbiter who reviews, of a side; *ret_question is its number. ER_FULL. */
int store_dispute_ask(struct store *s, const struct disputant *who, const char *to,
                      const char *text, uint64_t within_s, unsigned *ret_question,
                      struct refusal *ret_why);
/** "question_answered", by the side that was asked, in time. ER_NOT_FOUND. */
int store_dispute_answer(struct store *s, const struct disputant *who, unsigned question,
                         const char *text, const json_t *evidence, struct refusal *ret_why);
/** What the actions CASE_DISPUTE, CASE_REVIEW, CASE_RULE and CASE_APPEAL of a person ask for, of the case as it is:
 *  what is cited must be on it; only who reviews rules, and another arbiter an appeal. 0, ER_CONFLICT, ER_DENIED. */
int store_dispute_check(struct store *s, const struct store_action *a, const struct store_case *c,
                        uint64_t now_us, struct refusal *ret_why);

/** The arbiters' queue of a merchant: cases in dispute or review, of higher priority first, then those that wait
 *  longer; from the one behind `skip` others. `each` must copy what it wants to keep. */
int store_disputes_list(struct store *s, const char *merchant, uint64_t skip, size_t limit,
                        void (*each)(void *ctx, const struct store_case *c), void *ctx);

#endif
