// SPDX-License-Identifier: Apache-2.0
/* What strangers put into a request's line and head: queries, ranges and lists of tags, one in each line of
 * the input. What is taken is a text without control characters, or a piece that the file has. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/http_message.h"
#include "server/http_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_range(const char *text, uint64_t size)
{
    struct http_slice part = {0};
    int er = http_range_parse(text, size, &part);
    require(er == 0 || er == ER_MALFORMED || er == ER_NOT_FOUND);
    if (er == 0)
        require(part.len > 0 && part.first < size && part.len <= size - part.first);
}

static void check_query(char *text)
{
    static const char *const names[] = {"a", "person", "expires", "signature"};
    const struct http_request request = {.query = text};
    char value[24];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int er = http_query(&request, names[i], value, sizeof value);
        require(strlen(value) < sizeof value && (er == 0 || value[0] == '\0'));
        require(utf8_is_clean(value, strlen(value)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        static const uint64_t sizes[] = {1, 1000, UINT64_C(1) << 40, INT64_MAX};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            check_range(line, sizes[i]);
        if (http_etag_listed(line, "\"abc\"", true))
            require(http_etag_listed(line, "\"abc\"", false));
        check_query(line);
    }
    free(text);
    return 0;
}
