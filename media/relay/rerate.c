// SPDX-License-Identifier: Apache-2.0
/* Which encoding is to be the best one, and what those below it take. */
#include "media/relay/rerate.h"

#define ON_PERCENT 112       /* of an encoding's least: with headers */
#define ON_AGAIN_PERCENT 145 /* likewise of one that was left out, which needs a fifth more */
#define HEADERS_PERCENT 4    /* of UDP and IP, which are not measured */

/** What browsers give an encoding of VP8 or H264 by default, by size. */
struct usual {
    uint32_t pixels, least_bps, target_bps;
};

static const struct usual usual_rates[] = {
    {1920 * 1080, 800000, 4000000}, {1280 * 720, 600000, 2500000}, {960 * 540, 350000, 1200000},
    {640 * 360, 150000, 500000},    {480 * 270, 150000, 350000},   {0, 30000, 150000},
};

static const struct usual *usual_for(uint32_t pixels)
{
    const struct usual *u = usual_rates;
    while (u->pixels > pixels)
        u++;
    return u;
}

/** What has to be left for it so that browsers send it. A page may have set another rate: one that flows
 *  at less than usual may. */
static uint32_t least_of(const struct rerate_encoding *e)
{
    uint32_t usual = usual_for(e->pixels)->least_bps / 100 * ON_PERCENT;
    return e->flows && e->bps < usual ? e->bps : usual;
}

static bool is_sent_at(const struct rerate_encoding *e, uint32_t bps)
{
    if (e->flows)
        return bps >= least_of(e);
    return e->pixels && bps >= usual_for(e->pixels)->least_bps / 100 * ON_AGAIN_PERCENT;
}

static uint32_t below(const struct rerate_encoding *e, bool is_best)
{
    if (e->flows && !is_best)
        return e->bps / 100 * (100 + HEADERS_PERCENT);
    return usual_for(e->pixels)->target_bps / 100 * ON_PERCENT;
}

size_t rerate_best(const struct rerate_encoding *encodings, size_t count, uint32_t bps)
{
    size_t best = count ? count - 1 : 0;
    while (best > 0 && !is_sent_at(&encodings[best], bps))
        best--;
    return best;
}

uint32_t rerate_total(const struct rerate_encoding *encodings, size_t count, size_t best,
                      uint32_t bps)
{
    size_t highest = 0; /* that flows now */
    for (size_t i = 0; i < count; i++)
        if (encodings[i].flows)
            highest = i;
    uint64_t total = bps;
    if (best > 0 && bps < least_of(&encodings[best]))
        total = least_of(&encodings[best]);
    for (size_t i = 0; i < best; i++)
        if (encodings[i].flows || i > highest) /* else the page has switched it off */
            total += below(&encodings[i], i == highest);
    return total < UINT32_MAX ? (uint32_t)total : UINT32_MAX;
}
