// SPDX-License-Identifier: Apache-2.0
// Any JSON as business hours in any zone: whatever is taken answers of moments what agrees with itself. The bytes up to the
// first brace are the rule of the zone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/hours.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t block(uint8_t *at)
{
    memset(at, 0, 54);
    memcpy(at, "TZif2", 5);
    at[39] = 1;
    at[43] = 4;
    return 54;
}

static int zone(struct tz **ret, const char *rule, size_t len)
{
    uint8_t file[256];
    size_t at = block(file);
    at += block(file + at);
    file[at++] = '\n';
    len = len < 100 ? len : 100;
    memcpy(file + at, rule, len);
    file[at + len] = '\n';
    return tz_parse(ret, file, at + len + 1);
}

static void ask(const struct hours *h, int64_t at_s)
{
    struct hours_state now;
    int64_t from_s, to_s;
    hours_at(h, at_s, &now);
    require(now.open == hours_open(h, at_s) && now.until_s > at_s);
    if (now.until_s != HOURS_NEVER)
        require(hours_open(h, now.until_s) != now.open &&
                hours_open(h, now.until_s - 1) == now.open);
    if (now.since_s)
        require(!now.open && now.since_s <= at_s && !hours_open(h, now.since_s) &&
                hours_open(h, now.since_s - 1));
    if (hours_next(h, at_s, at_s + 700000, at_s + 1400000, &from_s, &to_s))
        require(from_s >= at_s && to_s > from_s && hours_open(h, from_s) &&
                hours_open(h, to_s == HOURS_NEVER ? from_s : to_s - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *brace = len ? memchr(data, '{', len) : NULL;
    struct tz *tz;
    struct hours *h;
    json_t *body = NULL;
    const char *why;
    size_t rule = brace ? (size_t)(brace - data) : 0;
    if (!brace || zone(&tz, (const char *)data, rule))
        return 0;
    int er = json_parse((const char *)brace, len - rule, &body, &why);
    if (er) {
        tz_free(tz);
        return 0;
    }
    er = hours_new(&h, body, tz, &why);
    require(er == 0 || (er == ER_MALFORMED && !h && why[0]));
    for (int64_t i = 0; !er && i < 24; i++)
        ask(h, INT64_C(1774700000) + i * 30011 * (i & 1 ? 1 : 199));
    if (!er)
        hours_free(h);
    json_decref(body);
    return 0;
}
