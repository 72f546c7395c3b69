// SPDX-License-Identifier: Apache-2.0
/* Who gets which layers. */
#include "media/relay/allocate.h"

#include <stdbool.h>

static uint32_t cost(const struct allocate_want *w, size_t level)
{
    return level ? w->bps[level - 1] : 0;
}

static bool steps_before(const struct allocate_want *a, const struct allocate_want *b)
{
    if ((a->ret_level == 0) != (b->ret_level == 0))
        return a->ret_level == 0;
    if (a->ret_level == 0)
        return a->weight > b->weight;
    return (uint64_t)cost(a, a->ret_level) * b->weight <
           (uint64_t)cost(b, b->ret_level) * a->weight;
}

uint64_t allocate_layers(struct allocate_want *wants, size_t count, uint64_t bps)
{
    uint64_t used = 0;
    for (size_t i = 0; i < count; i++)
        wants[i].ret_level = 0;
    for (;;) {
        struct allocate_want *next = NULL;
        for (size_t i = 0; i < count; i++) {
            struct allocate_want *w = &wants[i];
            if (w->ret_level == w->count)
                continue;
            uint64_t more = (uint64_t)w->bps[w->ret_level] - cost(w, w->ret_level);
            if (used + more <= bps && (!next || steps_before(w, next)))
                next = w;
        }
        if (!next)
            return used;
        used += next->bps[next->ret_level] - cost(next, next->ret_level);
        next->ret_level++;
    }
}
