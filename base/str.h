// SPDX-License-Identifier: Apache-2.0
/* Small helpers for text: bounded copies, spans that need no NUL, numbers, hexadecimal, UTF-8. */
#ifndef LOUPE_BASE_STR_H
#define LOUPE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A piece of somebody else's text. */
struct span {
    const char *at;
    size_t len;
};

/** Copy `src` (may be NULL) into `dst` of `size` bytes, always NUL-terminated.
 *  0, or ER_TRUNCATED when it did not fit whole (dst then holds the beginning, cut between
 *  two characters of UTF-8). */
int str_copy(char *dst, size_t size, const char *src);
int str_copy_span(char *dst, size_t size, struct span src);

struct span span_of(const char *text);
bool span_equal(struct span s, const char *text);
/** ASCII letters compared without case. */
bool span_equal_nocase(struct span s, const char *text);
bool span_starts(struct span s, const char *prefix);
/** Cut `*rest` at the first `sep`: returns what stood before, leaves what stands behind; without a
 *  `sep` returns everything and leaves an empty span with at == NULL. */
struct span span_cut(struct span *rest, char sep);
/** Without the blanks, tabs and line ends at both sides. */
struct span span_trim(struct span s);
/** A decimal number, all of the span, at most `max`. 0 or ER_MALFORMED. */
int span_u64(struct span s, uint64_t max, uint64_t *ret);

/** Lower-case hexadecimal, NUL-terminated: `dst` holds 2 * len + 1 bytes. */
void hex_encode(char *dst, const uint8_t *data, size_t len);
/** 0 or ER_MALFORMED. `text` must have exactly 2 * len digits. */
int hex_decode(uint8_t *dst, size_t len, struct span text);

/** The length in bytes of the UTF-8 character at `text`, and its code point; 0 when there is none:
 *  overlong forms, surrogates, code points above 10FFFF, cut or stray bytes (RFC 3629). */
size_t utf8_next(const char *text, size_t len, uint32_t *ret_code);
/** C0, DEL and C1: what may not reach a terminal or a log. */
static inline bool utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}
/** Valid UTF-8 without control characters other than tab and newline. */
bool utf8_is_clean(const char *text, size_t len);

#endif
