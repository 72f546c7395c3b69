// SPDX-License-Identifier: Apache-2.0
/* Two counters that only rise: what was pushed and what was popped. Each is written by one thread, on
 * a cache line of its own, and each thread keeps a copy of the other's, read anew only when the copy
 * says full or empty. */
#include "base/ring.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"

#define CACHE_LINE 64

struct ring {
    size_t message_bytes;
    size_t mask;
    unsigned char *messages;
    _Alignas(CACHE_LINE) atomic_size_t pushed;
    size_t popped_seen; /* the producer's copy */
    _Alignas(CACHE_LINE) atomic_size_t popped;
    size_t pushed_seen; /* the consumer's copy */
};

int ring_new(struct ring **ret, size_t message_bytes, size_t limit)
{
    if (message_bytes == 0 || limit == 0 || (limit & (limit - 1)) ||
        limit > SIZE_MAX / 2 / message_bytes)
        return ER_INVALID;
    struct ring *r = aligned_alloc(CACHE_LINE, sizeof *r);
    if (!r)
        return ER_NOMEM;
    memset(r, 0, sizeof *r);
    r->message_bytes = message_bytes;
    r->mask = limit - 1;
    r->messages = malloc(message_bytes * limit);
    if (!r->messages) {
        ring_free(r);
        return ER_NOMEM;
    }
    *ret = r;
    return 0;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    free(r->messages);
    free(r);
}

int ring_push(struct ring *r, const void *message)
{
    size_t at = atomic_load_explicit(&r->pushed, memory_order_relaxed);
    if (at - r->popped_seen > r->mask) {
        r->popped_seen = atomic_load_explicit(&r->popped, memory_order_acquire);
        if (at - r->popped_seen > r->mask)
            return ER_FULL;
    }
    memcpy(r->messages + (at & r->mask) * r->message_bytes, message, r->message_bytes);
    atomic_store_explicit(&r->pushed, at + 1, memory_order_release);
    return 0;
}

size_t ring_room(struct ring *r)
{
    r->popped_seen = atomic_load_explicit(&r->popped, memory_order_acquire);
    return r->mask + 1 - (atomic_load_explicit(&r->pushed, memory_order_relaxed) - r->popped_seen);
}

bool ring_pop(struct ring *r, void *ret_message)
{
    size_t at = atomic_load_explicit(&r->popped, memory_order_relaxed);
    if (at == r->pushed_seen) {
        r->pushed_seen = atomic_load_explicit(&r->pushed, memory_order_acquire);
        if (at == r->pushed_seen)
            return false;
    }
    memcpy(ret_message, r->messages + (at & r->mask) * r->message_bytes, r->message_bytes);
    atomic_store_explicit(&r->popped, at + 1, memory_order_release);
    return true;
}
