// SPDX-License-Identifier: Apache-2.0
/* Slabs are plain heap blocks with a reference count that threads may share. */
#include "media/tape/slab.h"

#include <stdlib.h>

struct slab *slab_new(uint32_t size)
{
    struct slab *s = aligned_alloc(16, (sizeof *s + size + 15u) & ~(size_t)15u);
    if (!s)
        return NULL;
    atomic_init(&s->references, 1);
    s->used = 0;
    s->size = size;
    s->zero = 0;
    return s;
}

void slab_release(struct slab *s)
{
    if (s && atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) == 1)
        free(s);
}
