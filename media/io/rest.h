// SPDX-License-Identifier: Apache-2.0
/* When a worker lets packets gather. Waking and sleeping cost more than a packet does, so where
 * packets keep coming it looks for them now and then instead of being woken by each. */
#ifndef LOUPE_MEDIA_IO_REST_H
#define LOUPE_MEDIA_IO_REST_H

#include <stdbool.h>
#include <stdint.h>

#define REST_US 120  /* from one turn to the next while packets keep coming */
#define REST_QUICK 2 /* turns so close to the ones before: then they do */

/** Zeroed memory is one that has seen nothing. */
struct rest {
    uint64_t began_us; /* the last turn that found something */
    unsigned quick;
};

/** A turn began at `now_us` and found packets, or none. */
void rest_note(struct rest *r, uint64_t now_us, bool found);
/** When the next turn begins; 0: when something comes. What comes after a silence, or in one burst
 *  after it, is not kept waiting. */
uint64_t rest_until_us(const struct rest *r);

#endif
