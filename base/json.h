// SPDX-License-Identifier: Apache-2.0
/* Small helpers over jansson: bounded parsing of what comes from outside, and typed access that
 * says what was wrong. */
#ifndef LOUPE_BASE_JSON_H
#define LOUPE_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Parse one JSON object; duplicate keys, nesting over LIMIT_JSON_DEPTH, invalid UTF-8 or trailing
 *  bytes are ER_MALFORMED (`ret_why`, if not NULL, gets a static explanation). ER_NOMEM. The caller
 *  owns *ret, which is NULL after an error. The top object is depth 1. */
int json_parse(const char *text, size_t len, json_t **ret, const char **ret_why);

/** A string member, or NULL when absent, not a string, longer than `max` bytes or unclean
 *  (utf8_is_clean). */
const char *json_text(const json_t *object, const char *key, size_t max);
/** A boolean member; `otherwise` when absent or not a boolean. */
bool json_flag(const json_t *object, const char *key, bool otherwise);
/** 0; ER_NOT_FOUND when absent; ER_MALFORMED when not an integer within min..max. */
int json_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *ret);

/** The canonical form that is hashed (RFC 8785): no blanks, keys in the order of their bytes, reals
 *  with the fewest digits that are the same double again (1.0 is 1, -0.0 is 0, 1e21 is 1e+21),
 *  integers as they are. Going through json_parse() it stays the same. The caller frees it. NULL
 *  without memory. */
char *json_canonical(const json_t *value);

/** The same of an object without `count` members that it has not yet, named in order: `,"name":value` put in
 *  at its ret_at makes it that of the object with it. NULL also where it has one of them, or none before it. */
char *json_canonical_but(const json_t *object, const char *const *names, size_t count,
                         size_t *ret_at);

#endif
