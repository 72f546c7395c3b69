// SPDX-License-Identifier: Apache-2.0
/* Range and entity tags. */
#include "server/http_range.h"

#include <string.h>

#include "base/er.h"
#include "base/str.h"

/** "a-b", "a-" or "-n". */
static int spec_parse(struct span spec, uint64_t size, struct http_slice *ret)
{
    struct span last_text = span_trim(spec);
    struct span first_text = span_cut(&last_text, '-');
    if (!last_text.at || memchr(last_text.at, '-', last_text.len))
        return ER_MALFORMED;
    uint64_t first, last;
    if (first_text.len == 0) {
        uint64_t tail;
        if (span_u64(last_text, UINT64_MAX / 2, &tail))
            return ER_MALFORMED;
        if (tail == 0 || size == 0)
            return ER_NOT_FOUND;
        first = tail < size ? size - tail : 0;
        last = size - 1;
    } else {
        if (span_u64(first_text, UINT64_MAX / 2, &first))
            return ER_MALFORMED;
        last = UINT64_MAX / 2;
        if (last_text.len && (span_u64(last_text, UINT64_MAX / 2, &last) || last < first))
            return ER_MALFORMED;
        if (first >= size)
            return ER_NOT_FOUND;
        if (last > size - 1)
            last = size - 1;
    }
    *ret = (struct http_slice){.first = first, .len = last - first + 1};
    return 0;
}

int http_range_parse(const char *range, uint64_t size, struct http_slice *ret)
{
    struct span rest = span_trim(span_of(range));
    struct span unit = span_cut(&rest, '=');
    if (!rest.at || !span_equal_nocase(span_trim(unit), "bytes"))
        return ER_MALFORMED;
    int found = ER_MALFORMED;
    while (rest.at) {
        struct http_slice slice;
        int er = spec_parse(span_cut(&rest, ','), size, &slice);
        if (er == ER_MALFORMED)
            return er;
        if (er == 0 && found != 0) {
            *ret = slice;
            found = 0;
        } else if (found == ER_MALFORMED) {
            found = ER_NOT_FOUND;
        }
    }
    return found;
}

bool http_etag_listed(const char *list, const char *etag, bool strong)
{
    struct span rest = span_trim(span_of(list));
    if (span_equal(rest, "*"))
        return true;
    if (!etag[0])
        return false;
    if (strong && strncmp(etag, "W/", 2) == 0)
        return false;
    const char *bare = strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
    while (rest.at) {
        struct span one = span_trim(span_cut(&rest, ','));
        if (!strong && span_starts(one, "W/")) {
            one.at += 2;
            one.len -= 2;
        }
        if (span_equal(one, bare))
            return true;
    }
    return false;
}
