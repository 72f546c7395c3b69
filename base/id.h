// SPDX-License-Identifier: Apache-2.0
/* 128-bit ids: 48 bits of milliseconds, 80 of randomness; unguessable, and as text they sort by the
 * time of their making. The text is 26 characters of Crockford's base 32, lower case (as ULID). */
#ifndef LOUPE_BASE_ID_H
#define LOUPE_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/entropy.h"

#define ID_TEXT_BYTES 27

/** An id in its text form, NUL-terminated. Zeroed: none. */
struct id {
    char text[ID_TEXT_BYTES];
};

struct id id_make(uint64_t unix_us, const struct entropy *entropy);
/** Exactly 26 characters; accepts upper case too, but none of i, l, o, u.
 *  0 or ER_MALFORMED (then *ret is zeroed). */
int id_parse(const char *text, struct id *ret);
static inline bool id_is_set(const struct id *id)
{
    return id->text[0] != '\0';
}
bool id_equal(const struct id *a, const struct id *b);

#endif
