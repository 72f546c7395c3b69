// SPDX-License-Identifier: Apache-2.0
/* See zone_file.h. */
#include "tests/unit/support/zone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t block(uint8_t *at)
{
    memset(at, 0, 44 + 6 + 4);
    memcpy(at, "TZif2", 5);
    at[20 + 19] = 1; /* types */
    at[20 + 23] = 4; /* bytes of names */
    memcpy(at + 50, "LMT", 4);
    return 54;
}

size_t zone_file(uint8_t *ret, size_t size, const char *rule)
{
    size_t len = block(ret);
    len += block(ret + len);
    int more = snprintf((char *)ret + len, size - len, "\n%s\n", rule);
    return len + (size_t)more;
}

struct tz *zone_of(const char *rule)
{
    uint8_t file[512];
    struct tz *tz;
    if (tz_parse(&tz, file, zone_file(file, sizeof file, rule)))
        abort();
    return tz;
}

int64_t zone_utc(const char *text)
{
    char date[11];
    int64_t day;
    int hour = 0, minute = 0;
    (void)snprintf(date, sizeof date, "%.10s", text);
    if (strlen(text) != 16 || tz_day_parse(date, &day) ||
        sscanf(text + 11, "%2d:%2d", &hour, &minute) != 2)
        abort();
    return day * 86400 + hour * 3600 + minute * 60;
}
