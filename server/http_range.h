// SPDX-License-Identifier: Apache-2.0
/* Which part of a file a request wants, and whether it has it already (RFC 9110, 13 and 14). Pure. */
#ifndef LOUPE_SERVER_HTTP_RANGE_H
#define LOUPE_SERVER_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/** `len` bytes from `first`. */
struct http_slice {
    uint64_t first;
    uint64_t len;
};

/** What a Range header asks of `size` bytes. 0 and the slice (of several ranges the first);
 *  ER_MALFORMED: no byte range that can be read, to be ignored; ER_NOT_FOUND: none of it is there
 *  (416). */
int http_range_parse(const char *range, uint64_t size, struct http_slice *ret);

/** Whether an If-None-Match or If-Match list ("*" or entity tags) holds `etag`. `strong`: weak tags
 *  never match (If-Match, If-Range). */
bool http_etag_listed(const char *list, const char *etag, bool strong);

#endif
