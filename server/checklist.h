// SPDX-License-Identifier: Apache-2.0
/* Checklists of what an appraiser looks at, by category and brand of the goods: their form, the ones that
 * come with the program, which one fits a case. Pure. */
#ifndef LOUPE_SERVER_CHECKLIST_H
#define LOUPE_SERVER_CHECKLIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CHECKLIST_ID_BYTES 33
#define CHECKLIST_HASH_BYTES 65

/** What a point wants to be shown by. */
enum checklist_evidence { CHECKLIST_STILL, CHECKLIST_CLIP, CHECKLIST_ANY };

/** Letters in lower case, digits and hyphens, 1 to 32. */
bool checklist_id_ok(const char *id);

/** A checklist as it is kept: {id, version, name, categories, brands, points[{id, title, hint?, evidence,
 *  optional?}]}, texts as {en, zh?}, of `body`, which lacks id and version or has just these. The new document
 *  in *ret. ER_MALFORMED and *ret_why, a static text; ER_NOMEM. */
int checklist_make(const json_t *body, const char *id, unsigned version, json_t **ret,
                   const char **ret_why);
/** SHA-256 of the canonical document. ER_NOMEM. */
int checklist_hash(const json_t *document, char ret[CHECKLIST_HASH_BYTES]);

/** How well it fits goods: 0 not at all, 1 by category alone, 2 by category and brand. Letters are compared
 *  without case; texts may be NULL. */
unsigned checklist_fits(const json_t *document, const char *category, const char *brand);

/** NULL: it has no such point. */
const json_t *checklist_point(const json_t *document, const char *point);
enum checklist_evidence checklist_point_evidence(const json_t *point);

/** How many come with the program, and the one of a number: *ret is a new document. ER_NOMEM, ER_MALFORMED
 *  (which the tests rule out). */
size_t checklist_shipped_count(void);
int checklist_shipped(size_t number, json_t **ret);

#endif
