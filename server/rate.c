// SPDX-License-Identifier: Apache-2.0
/* Buckets of tokens, in millionths, filled up when they are looked at. */
#include "server/rate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/map.h"
#include "base/str.h"

#define TOKEN UINT64_C(1000000)
#define RATE_MAX 1000000

struct bucket {
    uint64_t tokens;  /* millionths */
    uint64_t at_us;   /* as of then */
    uint64_t full_us; /* when it is full again */
};

struct rates {
    struct map *buckets;
    size_t names;
    uint64_t swept_us;
};

int rate_limit_parse(const char *text, struct rate_limit *ret)
{
    uint64_t n, burst;
    struct span rest = span_of(text), first = span_cut(&rest, '/');
    if (span_u64(first, RATE_MAX, &n) || n == 0)
        return ER_MALFORMED;
    burst = 2 * n;
    if (rest.at && (span_u64(rest, RATE_MAX, &burst) || burst == 0))
        return ER_MALFORMED;
    *ret = (struct rate_limit){(uint32_t)n, (uint32_t)burst};
    return 0;
}

int rates_new(struct rates **ret, size_t names, uint64_t seed)
{
    struct rates *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->names = names;
    int er = map_new(&r->buckets, names, seed);
    if (er) {
        free(r);
        return er;
    }
    *ret = r;
    return 0;
}

static void sweep(struct rates *r, uint64_t now_us, bool all)
{
    size_t cursor = 0, len;
    const void *key;
    void *value;
    while (map_next(r->buckets, &cursor, &key, &len, &value)) {
        struct bucket *b = value;
        if (!all && b->full_us > now_us)
            continue;
        (void)map_remove(r->buckets, key, len);
        free(b);
    }
    r->swept_us = now_us;
}

void rates_free(struct rates *r)
{
    if (!r)
        return;
    sweep(r, 0, true);
    map_free(r->buckets);
    free(r);
}

/** NULL: there is no room. */
static struct bucket *bucket_of(struct rates *r, const char *name, const struct rate_limit *limit,
                                uint64_t now_us)
{
    struct bucket *b = map_get_str(r->buckets, name);
    if (b)
        return b;
    /* At most once a second, so that a flood of names costs no more. */
    if (map_count(r->buckets) == r->names && now_us - r->swept_us >= TOKEN)
        sweep(r, now_us, false);
    b = map_count(r->buckets) < r->names ? calloc(1, sizeof *b) : NULL;
    if (!b)
        return NULL;
    *b = (struct bucket){.tokens = limit->burst * TOKEN, .at_us = now_us, .full_us = now_us};
    if (map_add_str(r->buckets, name, b) == 0)
        return b;
    free(b);
    return NULL;
}

uint64_t rates_take(struct rates *r, const char *name, const struct rate_limit *limit,
                    uint64_t now_us)
{
    struct bucket *b = bucket_of(r, name, limit, now_us);
    if (!b)
        return 0;
    uint64_t most = limit->burst * TOKEN, passed_us = now_us - b->at_us;
    uint64_t gained = passed_us > most / limit->per_second ? most : passed_us * limit->per_second;
    b->tokens = b->tokens + gained > most ? most : b->tokens + gained;
    b->at_us = now_us;
    bool good = b->tokens >= TOKEN;
    if (good)
        b->tokens -= TOKEN;
    b->full_us = now_us + (most - b->tokens) / limit->per_second;
    return good ? 0 : (TOKEN - b->tokens + limit->per_second - 1) / limit->per_second;
}
