// SPDX-License-Identifier: Apache-2.0
/* Slabs: blocks of memory that hold packets one behind the other. Bytes once written never change,
 * so other threads may read what was written before the slab was handed to them; the last reference
 * frees it. */
#ifndef LOUPE_MEDIA_TAPE_SLAB_H
#define LOUPE_MEDIA_TAPE_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct slab {
    atomic_uint references;
    uint32_t used; /* by the writer only */
    uint32_t size;
    uint32_t zero;
    _Alignas(16) uint8_t bytes[];
};

/** One reference, the caller's. NULL without memory. */
struct slab *slab_new(uint32_t size);
/** Any thread that holds a reference. */
static inline void slab_hold(struct slab *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
}
/** Whether the caller's reference is the only one: then its bytes may be written anew. */
static inline bool slab_is_held_once(const struct slab *s)
{
    return atomic_load_explicit(&s->references, memory_order_acquire) == 1;
}
/** NULL is fine. */
void slab_release(struct slab *s);

#endif
