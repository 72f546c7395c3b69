// SPDX-License-Identifier: Apache-2.0
/* An authentication's examination, told by the events of its case: the checklist that was pinned, what was
 * found at each point, opinions by commit and reveal, the verdict, certificates. Pure. */
#ifndef LOUPE_SERVER_EXAMINATION_H
#define LOUPE_SERVER_EXAMINATION_H

#include <jansson.h>

#include "base/limits.h"
#include "server/refusal.h"
#include "server/store.h"

/** The events that tell it, for store_events_typed. */
#define EXAMINATION_EVENTS                                                                         \
    "[\"checklist_pinned\",\"point_examined\",\"opinions_asked\",\"opinion_committed\","           \
    "\"opinion_revealed\",\"verdict_given\",\"certificate_issued\",\"certificate_revoked\","       \
    "\"opinion_lapsed\",\"reopened\"]"

/** What one more event says; others than those above say nothing. `exam` begins as an empty object and becomes
 *  {checklist{id, version, sha256}, points{..{evidence[], judgement?, note?, by, at}}, blind?, known?,
 *  reveal_within_seconds?, opinions[{.., blind, reveal_until?, revealed_at?, lapsed_at?}], verdict?, certificates[]}.
 *  ER_NOMEM. */
int examination_tell(json_t *exam, const struct store_event *e);

/** Somebody's judgement could be read before the opinions there are: of a point, in a verdict, or an opinion that
 *  was revealed and is no longer counted. */
bool examination_known(const json_t *exam);

bool examination_judgement_ok(
    const char *word); /* consistent, inconsistent, unclear, not_applicable */

/* What a point may lack. */
#define EXAMINATION_EVIDENCE 1u
#define EXAMINATION_JUDGEMENT 2u
#define EXAMINATION_NOTE 4u

/** The points of the checklist that lack something of `what`: [{"point", "lacks": ["evidence", ..]}]. Optional
 *  ones count once anything was said of them; what does not apply needs no evidence. `points` by id; NULL: none.
 *  NULL without memory. */
json_t *examination_lacks(const json_t *points, const json_t *checklist, unsigned what);

/** SHA-256 of the canonical {by, case, grounds, nonce, points, verdict}: what is committed to. ER_NOMEM. */
int examination_commitment(const struct id *case_id, const char *by, const json_t *opinion,
                           char ret[STORE_HASH_BYTES]);
/** An opinion as it is revealed: {verdict, grounds, points{..{judgement, note}}, nonce}. Nothing is cleaned, as it
 *  was committed to: ER_MALFORMED with why. */
int examination_opinion_check(const json_t *opinion, const json_t *checklist,
                              struct refusal *ret_why);

/** The number of the opinion that `by` may commit to now, 1 to LIMIT_OPINIONS, in the place of one that lapsed if there
 *  is such a one; or ER_CONFLICT, with why. */
int examination_may_commit(const json_t *exam, const char *by, struct refusal *ret_why);
/** The number of the opinion that `by` may reveal now; likewise. */
int examination_may_reveal(const json_t *exam, const char *by, struct refusal *ret_why);
/** How long there is to reveal an opinion, from when the other one was committed to. */
uint64_t examination_reveal_seconds(const json_t *exam);
/** The numbers of the opinions that were not revealed in time, and of which no event has told yet. How many. */
size_t examination_overdue(const json_t *exam, uint64_t now_us, unsigned ret[LIMIT_OPINIONS]);
/** Who has committed to the opinion; NULL: there is none of that number. Borrowed. */
json_t *examination_opinion_by(const json_t *exam, unsigned opinion);
/** What the opinions come to: {verdict, grounds, opinions[]} once two agree or all three are there; NULL: not
 *  yet, or without memory. */
json_t *examination_conclusion(const json_t *exam);

#endif
