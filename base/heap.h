// SPDX-License-Identifier: Apache-2.0
/* Deadlines in a binary heap: the node lives inside the thing that waits, so arming, moving and
 * disarming never allocate once the heap has grown. */
#ifndef LOUPE_BASE_HEAP_H
#define LOUPE_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_NEVER UINT64_MAX

/** Zeroed memory is a node that is not armed. */
struct heap_node {
    uint64_t at_us;
    size_t place; /* index + 1; 0: not armed */
};

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t size;
};

/** Zeroed memory is an empty heap; this frees what it grew and makes it empty again. Nodes still
 *  armed are not looked at: they may be gone already. */
void heap_clear(struct heap *h);
/** Arm or move; HEAP_NEVER disarms. 0 or ER_NOMEM (only when arming anew). */
int heap_set(struct heap *h, struct heap_node *node, uint64_t at_us);
/** Disarm; without effect when it is not armed. */
void heap_remove(struct heap *h, struct heap_node *node);
/** The earliest deadline, or HEAP_NEVER. */
uint64_t heap_next_us(const struct heap *h);
/** Take out and return the earliest node when it is due at `now_us`; else NULL. */
struct heap_node *heap_pop_due(struct heap *h, uint64_t now_us);

#endif
