// SPDX-License-Identifier: Apache-2.0
/* Examinations in the store: read from a case's events, and added to by further ones, each checked and
 * appended in one transaction. ER_CONFLICT, ER_DENIED and ER_MALFORMED come with a refusal; whoever calls clears it.
 * Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_EXAMINATION_H
#define LOUPE_SERVER_STORE_EXAMINATION_H

#include "server/refusal.h"
#include "server/store.h"

/** All of what examination_tell makes of the events; *ret is the caller's. */
int store_examination_read(struct store *s, const struct id *case_id, json_t **ret);
/** The same, and the checklist that it goes by; ER_NOT_FOUND: none was pinned. */
int store_examination_open(struct store *s, const struct id *case_id, json_t **ret_exam,
                           json_t **ret_checklist);

/** Whoever does something to a case's examination. */
struct examiner {
    const struct store_case *sc;
    const char *identity;
    uint64_t now_us;
    const char *jti; /* of the token; NULL: not by one */
};

/** Pin a checklist, by its id (NULL: the one for the case's category and brand): "checklist_pinned". Once a point was
 *  examined only `anew`, which forgets points and opinions. ER_NOT_FOUND: there is none. */
int store_examination_pin(struct store *s, const struct examiner *who, const char *checklist,
                          bool anew, struct refusal *ret_why);
/** The goods are others than they were said to be (`before`): the checklist for them is pinned in place of the one that
 *  was for those, unless somebody had named another one, anything was examined, or the examination is over. */
int store_examination_repin(struct store *s, const struct examiner *who,
                            const struct store_case *before);
/** What is found at a point: `body` {evidence[{still|clip, sha256?}]?, judgement?, note?} over what was said
 *  of it before: "point_examined". ER_NOT_FOUND: no such point. */
int store_examination_point(struct store *s, const struct examiner *who, const char *point,
                            const json_t *body, struct refusal *ret_why);
/** Have two appraisers judge without knowing of each other: "opinions_asked". Before any judgement only. Each has
 *  `within_s` to reveal an opinion once two have committed to one; then "opinion_lapsed" (store_alarms.h). */
int store_examination_blind(struct store *s, const struct examiner *who, uint64_t within_s,
                            struct refusal *ret_why);
/** Whether whoever has the token with this jti ("", NULL: none) judges the case, gives its verdict and certifies it: 0;
 *  ER_DENIED with why. Not who came by a link of somebody on the case: who hands out such links could be all the
 *  opinions. Whom such a link names may judge with a token of the merchant's own. */
int store_may_judge(struct store *s, const char *jti, struct refusal *ret_why);
/** "opinion_committed", once each point is shown; *ret_number is the opinion's. */
int store_opinion_commit(struct store *s, const struct examiner *who, const char *commitment,
                         unsigned *ret_number, struct refusal *ret_why);
/** "opinion_revealed"; and the verdict with the one that decides (*ret_decided). */
int store_opinion_reveal(struct store *s, const struct examiner *who, const json_t *body,
                         unsigned *ret_number, bool *ret_decided, struct refusal *ret_why);
/** What the action CASE_VERDICT of a person asks for, of the case as it is: 0; ER_CONFLICT, also with what points
 *  lack. */
int store_verdict_check(struct store *s, const struct store_action *a, const struct store_case *c,
                        struct refusal *ret_why);

/** Nothing of `what` is missing (examination_lacks): 0; else ER_CONFLICT and what is, as "missing". */
int store_examination_lacks(const json_t *points, const json_t *checklist, unsigned what,
                            struct refusal *ret_why);
/** Takes out of `exam` what was deleted since it was put there. */
int store_examination_drop_deleted(struct store *s, const struct id *case_id, json_t *exam);

/** Whether each hash that the grounds (or a single {"evidence"}) cite is of a clip, a still or an event of the
 *  case: 0, or ER_CONFLICT and those that are not, as "unknown_evidence". */
int store_cited_check(struct store *s, const struct id *case_id, const json_t *grounds,
                      struct refusal *ret_why);

#endif
