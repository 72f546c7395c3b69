// SPDX-License-Identifier: Apache-2.0
/* Demand is a maximum, a minimum and a few flags, so that what workers say of theirs can be joined. */
#include "media/core/demand.h"

#include <stdlib.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "media/relay/downlink.h"

#define WORTH_TELLING 32 /* part of a rate */

static struct demand of_slot(const struct slot *s)
{
    enum downlink_state state = s->downlink ? downlink_slot_state(s->downlink, s) : DOWNLINK_VIDEO;
    uint32_t bps = s->downlink ? downlink_slot_bps(s->downlink, s) : UINT32_MAX;
    const struct member_line *viewer = s->owner;
    if (state == DOWNLINK_PAUSED)
        return (struct demand){0};
    return (struct demand){.viewers = 1,
                           .unlimited = bps == UINT32_MAX,
                           .pinned = viewer->view.layer != MEDIA_LAYER_AUTO,
                           .moving = state != DOWNLINK_SLIDESHOW,
                           .bps = bps,
                           .least_bps = bps};
}

struct demand demand_join(const struct demand *a, const struct demand *b)
{
    if (a->viewers == 0)
        return *b;
    if (b->viewers == 0)
        return *a;
    return (struct demand){.viewers = a->viewers + b->viewers,
                           .unlimited = a->unlimited || b->unlimited,
                           .pinned = a->pinned || b->pinned,
                           .moving = a->moving || b->moving,
                           .bps = a->bps > b->bps ? a->bps : b->bps,
                           .least_bps = a->least_bps < b->least_bps ? a->least_bps : b->least_bps};
}

struct demand demand_here(const struct track *t)
{
    struct demand sum = {0};
    list_each (s, &t->slots, struct slot, in_track) {
        struct demand one = of_slot(s);
        sum = demand_join(&sum, &one);
    }
    return sum;
}

static bool is_another(uint32_t a, uint32_t b)
{
    uint32_t away = a > b ? a - b : b - a;
    return away > a / WORTH_TELLING;
}

bool demand_differs(const struct demand *a, const struct demand *b)
{
    return a->viewers != b->viewers || a->unlimited != b->unlimited || a->pinned != b->pinned ||
           a->moving != b->moving || is_another(a->bps, b->bps) ||
           is_another(a->least_bps, b->least_bps);
}

/* Elsewhere */

static struct demand_of_worker *find(const struct demand_elsewhere *e, unsigned worker)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->of[i].worker == worker)
            return &e->of[i];
    return NULL;
}

int demand_note(struct demand_elsewhere *e, unsigned worker, const struct demand *d)
{
    struct demand_of_worker *w = find(e, worker);
    if (!w) {
        struct demand_of_worker *of = realloc(e->of, (e->count + 1) * sizeof *of);
        if (!of)
            return ER_NOMEM;
        e->of = of;
        w = &of[e->count++];
    }
    *w = (struct demand_of_worker){.worker = worker, .demand = *d};
    return 0;
}

void demand_forget(struct demand_elsewhere *e, unsigned worker)
{
    struct demand_of_worker *w = find(e, worker);
    if (w)
        *w = e->of[--e->count];
}

bool demand_add(const struct demand_elsewhere *e, uint64_t workers, struct demand *sum)
{
    for (size_t i = 0; i < e->count; i++) {
        if (!(workers >> e->of[i].worker & 1))
            continue;
        *sum = demand_join(sum, &e->of[i].demand);
        workers &= ~((uint64_t)1 << e->of[i].worker);
    }
    return workers == 0;
}

void demand_clear(struct demand_elsewhere *e)
{
    free(e->of);
    *e = (struct demand_elsewhere){0};
}
