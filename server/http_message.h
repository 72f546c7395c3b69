// SPDX-License-Identifier: Apache-2.0
/* From an answer as a value to the bytes of its head: conditions, ranges, the headers that every
 * answer has. Knows no socket. Used by server/http*.c only. */
#ifndef LOUPE_SERVER_HTTP_MESSAGE_H
#define LOUPE_SERVER_HTTP_MESSAGE_H

#include "server/http.h"
#include "server/http_range.h"

/** What of a request its answer depends on; texts may be NULL. */
struct http_asked {
    enum http_method method;
    const char *if_none_match, *range, *if_range;
    const char *allowed_origin; /* to be let in by CORS */
    bool close;                 /* the connection ends with this answer */
    uint64_t unix_us;           /* for Date */
};

/** Settles status and body by the conditions of `asked` (304, 206, 416) and says which part of the
 *  body or file goes out (for HEAD: would go out). */
void http_settle(struct http_response *r, const struct http_asked *asked,
                 struct http_slice *ret_slice);
/** The head, after http_settle, of an answer of `length` bytes (counted for HEAD too); the caller
 *  frees it. NULL without memory. */
char *http_head(const struct http_response *r, const struct http_asked *asked, uint64_t length,
                size_t *ret_len);

#endif
