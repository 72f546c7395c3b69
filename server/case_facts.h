// SPDX-License-Identifier: Apache-2.0
/* The facts of a case: what its opener says of it, and staff may put right later, with what each may hold. Pure: no
 * database, no clock. */
#ifndef LOUPE_SERVER_CASE_FACTS_H
#define LOUPE_SERVER_CASE_FACTS_H

#include <jansson.h>

struct store_case;

/** Those of a new case, from what was asked for: title, language and priority into its members, the others into
 *  `more`, which is made here. NULL, or what is wrong. */
const char *case_facts_read(const json_t *body, struct store_case *sc);
/** A merge patch (RFC 7396, but what is inside of a fact is replaced with it; null: no longer known) against the case as
 *  it is: *ret has {"from"?, "to"?} for each fact that becomes another one, and is the caller's. NULL, or
 *  what is wrong; "" without memory. */
const char *case_facts_diff(const struct store_case *sc, const json_t *patch, json_t **ret);
/** Carries out what case_facts_diff gave, or an event told. Members that are no facts are left out. 0 or ER_NOMEM. */
int case_facts_apply(struct store_case *sc, const json_t *changes);

#endif
