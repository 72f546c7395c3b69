// SPDX-License-Identifier: Apache-2.0
/* A sorted array. */
#include "tests/sim/wants.h"

#include <string.h>

#include "base/heap.h"

#define LOOK_US 20000u

static bool forget(struct wants *w, int64_t seq)
{
    for (size_t i = w->count; i-- > 0;) {
        if (w->items[i].seq != seq)
            continue;
        memmove(&w->items[i], &w->items[i + 1], (--w->count - i) * sizeof w->items[0]);
        return true;
    }
    return false;
}

void wants_forget_below(struct wants *w, int64_t seq)
{
    size_t n = 0;
    while (n < w->count && w->items[n].seq < seq)
        n++;
    memmove(w->items, w->items + n, (w->count - n) * sizeof w->items[0]);
    w->count -= n;
}

void wants_see(struct wants *w, uint64_t now_us, int64_t seq, bool again)
{
    if (w->newest == 0) {
        w->newest = seq;
        return;
    }
    if (seq <= w->newest) {
        if (!again && forget(w, seq))
            w->reorder += ((double)(w->newest - seq) - w->reorder) / 8;
        else
            forget(w, seq);
        return;
    }
    if (seq - w->newest - 1 > WANTS_MAX - (int64_t)w->count) {
        w->overflow = true;
        w->count = 0;
        w->newest = seq;
        return;
    }
    for (int64_t s = w->newest + 1; s < seq; s++)
        w->items[w->count++] = (struct wants_item){.seq = s,
                                                   .ask_from_seq = s + (int64_t)w->reorder};
    w->fresh = w->count > 0;
    w->newest = seq;
    if (w->count && !w->look_us)
        w->look_us = now_us + LOOK_US;
}

size_t wants_collect(struct wants *w, uint64_t now_us, uint64_t rtt_us, uint16_t *ret_seqs,
                     size_t size)
{
    size_t asked = 0, kept = 0;
    bool look = w->look_us && now_us >= w->look_us;
    for (size_t i = 0; i < w->count; i++) {
        struct wants_item item = w->items[i];
        bool first = !item.asked_us && (look || w->newest >= item.ask_from_seq);
        bool again = item.asked_us && look && now_us - item.asked_us >= rtt_us;
        if ((first || again) && asked < size) {
            ret_seqs[asked++] = (uint16_t)item.seq;
            item.asked_us = now_us;
            item.tries++;
        }
        if (item.tries >= WANTS_TRIES && asked && ret_seqs[asked - 1] == (uint16_t)item.seq) {
            w->given_up++; /* asked for the last time */
            continue;
        }
        w->items[kept++] = item;
    }
    w->count = kept;
    w->fresh = false;
    if (look || !kept)
        w->look_us = kept ? now_us + LOOK_US : 0;
    return asked;
}

uint64_t wants_deadline_us(const struct wants *w, uint64_t now_us)
{
    if (!w->count)
        return HEAP_NEVER;
    return w->fresh ? now_us : w->look_us;
}
