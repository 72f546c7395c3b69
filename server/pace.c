// SPDX-License-Identifier: Apache-2.0
/* Who asks how often: names for the buckets, and which bucket is of which size. */
#include "server/pace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/er.h"
#include "base/limits.h"

struct pace {
    struct rates *rates;
    struct pace_limits limits;
    uint64_t refused;
};

int pace_new(struct pace **ret, const struct pace_limits *limits, uint64_t seed)
{
    struct pace *p = calloc(1, sizeof *p);
    int er = p ? rates_new(&p->rates, LIMIT_REQUESTS_NAMES, seed) : ER_NOMEM;
    if (er) {
        free(p);
        return er;
    }
    p->limits = *limits;
    *ret = p;
    return 0;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    rates_free(p->rates);
    free(p);
}

static uint64_t take(struct pace *p, const char *name, const struct rate_limit *limit,
                     uint64_t now_us)
{
    uint64_t wait_us = rates_take(p->rates, name, limit, now_us);
    p->refused += wait_us != 0;
    return (wait_us + 999999) / 1000000;
}

uint64_t pace_person(struct pace *p, const struct claims *who, uint64_t now_us)
{
    char name[AUTH_KEY_BYTES + LIMIT_IDENTITY + 2];
    if (!p)
        return 0;
    (void)snprintf(name, sizeof name, "%s/%s", who->key, who->identity);
    return take(p, name, who->role == ROLE_SERVICE ? &p->limits.service : &p->limits.person,
                now_us);
}

uint64_t pace_stranger(struct pace *p, const char *address, uint64_t now_us)
{
    return p && address && address[0] ? take(p, address, &p->limits.refused, now_us) : 0;
}

uint64_t pace_refused(const struct pace *p)
{
    return p ? p->refused : 0;
}
