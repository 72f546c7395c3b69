// SPDX-License-Identifier: Apache-2.0
/* What viewers were shown over some time, put together of the logs that tell of it (media/seenlog.h). */
#ifndef LOUPE_SERVER_SEEN_LINES_H
#define LOUPE_SERVER_SEEN_LINES_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define SEEN_LINES 128 /* told of at once; further ones are left out */

struct seen;

/** Of the whole seconds of the wall clock that touch [from_us, to_us), LIMIT_CLIP_SECONDS of them at most.
 *  ER_INVALID, ER_NOMEM. */
int seen_new(struct seen **ret, uint64_t from_us, uint64_t to_us);
/** NULL is fine. */
void seen_free(struct seen *s);
/** What a log tells holds over what those before it told. 0; ER_NOMEM; ER_MALFORMED: what stands before the
 *  place where it is bad was taken. */
int seen_add(struct seen *s, const void *log, size_t len);
/** Lines of viewers, each of one publisher over a stretch of seconds without a hole: an array as GET
 *  /clips/{id}/seen gives it, times in ms from `from_us` on. NULL without memory. */
json_t *seen_json(const struct seen *s);
/** From and up to which second (unix time, the latter not included) a log tells; ER_MALFORMED also when
 *  it tells nothing. */
int seen_span(const void *log, size_t len, uint32_t *ret_from, uint32_t *ret_to);

#endif
