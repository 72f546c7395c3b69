// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups in the store: what agents owe after their calls, told by the events of the case (`call_ended` with `wrap_up`,
 * `wrap_up_extended`, `wrapped_up`, `wrap_up_lapsed`); and what merchants want of pairing. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_WRAPS_H
#define LOUPE_SERVER_STORE_WRAPS_H

#include "server/pairing_rules.h"
#include "server/store.h"

/** One that is owed: by one agent on one case one at most. */
struct store_wrap {
    struct id case_id;
    char merchant[STORE_SHORT_BYTES];
    char agent[STORE_IDENTITY_BYTES];
    char number[24], title[STORE_TEXT_BYTES]; /* of the case; of those that are read */
    uint64_t since_us;                        /* the end of the call */
    unsigned seconds;                         /* from then on: then it is overdue, or lapses */
    unsigned extensions;                      /* that were had */
    bool required;
};
uint64_t store_wrap_due_us(const struct store_wrap *w);

/** Ends the call by `a` (CASE_END_CALL; its data become the event's), and asks w->agent for a wrap-up as w->seconds and
 *  w->required say, unless an outcome was proposed or a verdict given by that agent in it: that is one. What is asked
 *  stands in `w`, *ret_asked. As store_case_act. */
int store_wrap_end_call(struct store *s, const struct store_action *a, uint64_t now_us,
                        struct store_wrap *w, struct store_case *ret, bool *ret_asked);
/** Of the call that goes on, as the timeline and the register of people have it: who has it, and what the merchant wants of
 *  them, into `w`. ER_NOT_FOUND: nobody has, or a bot, of whom nothing is asked. */
int store_wrap_of_call(struct store *s, const struct store_case *c, struct store_wrap *w);
/** It is given, with a note for staff (NULL: none). ER_NOT_FOUND: none is owed. */
int store_wrap_give(struct store *s, const struct store_wrap *w, const char *actor,
                    const char *disposition, const char *note, uint64_t now_us);
/** More time, from when it was due, or from now if that is over. ER_NOT_FOUND; ER_CONFLICT: as often as `rule` allows
 *  already. */
int store_wrap_extend(struct store *s, struct store_wrap *w, const char *actor,
                      const struct wrap_rule *rule, uint64_t now_us);
/** One that is not required has not been given in its time. ER_NOT_FOUND. */
int store_wrap_lapse(struct store *s, const struct store_wrap *w, uint64_t now_us);
/** Whose case is known: the row of w->case_id and w->agent, read into `w`. ER_NOT_FOUND. */
int store_wrap_get(struct store *s, struct store_wrap *w);
/** In order of agents; NULL: of all merchants, of all agents. */
int store_wraps_each(struct store *s, const char *merchant, const char *agent,
                     void (*each)(void *ctx, const struct store_wrap *w), void *ctx);
int store_wraps_of_case(struct store *s, const struct id *case_id,
                        void (*each)(void *ctx, const struct store_wrap *w), void *ctx);
/** The members that everybody is told; NULL without memory. */
json_t *store_wrap_json(const struct store_wrap *w, uint64_t now_us);

/** The note for staff with which the case was passed on last, in heap memory; NULL: there is none. */
int store_transfer_note(struct store *s, const struct id *case_id, char **ret);

/** What the merchant wants of pairing, pairing_rules.h; an empty object where nothing was said. *ret is the caller's. */
int store_pairing_get(struct store *s, const char *merchant, json_t **ret);
int store_pairing_put(struct store *s, const char *merchant, const json_t *rules);

#endif
