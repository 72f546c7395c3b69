// SPDX-License-Identifier: Apache-2.0
/* Dividing what a viewer's path carries among the pictures shown to that viewer. */
#ifndef LOUPE_MEDIA_RELAY_ALLOCATE_H
#define LOUPE_MEDIA_RELAY_ALLOCATE_H

#include <stddef.h>
#include <stdint.h>

/** One picture: what its layers cost, and how much it is wanted. */
struct allocate_want {
    const uint32_t *bps; /* of each layer with those below it, rising */
    size_t count;
    uint32_t weight;  /* 1 at least; twice as much is given twice the rate where layers allow */
    size_t ret_level; /* so many layers fit; 0: none */
};

/** Every picture gets its lowest layer first, those of more weight before others; what is left goes
 *  step by step to the one that has least for its weight. Returns what it comes to. */
uint64_t allocate_layers(struct allocate_want *wants, size_t count, uint64_t bps);

#endif
