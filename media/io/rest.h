// SPDX-License-Identifier: Apache-2.0
/* When a worker lets packets gather. Waking and sleeping cost more than a packet does, so where
 * packets keep coming it looks for them now and then instead of being woken by each. */
#ifndef LOUPE_MEDIA_IO_REST_H
#define LOUPE_MEDIA_IO_REST_H

#include <stddef.h>
#include <stdint.h>

#define REST_QUICK 2 /* turns soon after the ones before: then packets keep coming, */
#define REST_SOON_US 300
#define REST_US 120      /* and so far apart are turns then: enough for some packets, */
#define REST_MOST_US 200 /* but no further apart than this, */
#define REST_PACKETS 8
#define REST_EMPTY 3 /* until so many in a row have found nothing */

/** Zeroed memory is one that has seen nothing. */
struct rest {
    uint64_t began_us; /* the last turn that found something */
    uint64_t rest_us;
    uint64_t next_us; /* when the next turn is due; 0: when something comes */
    uint64_t then_us; /* and the one behind it */
    unsigned quick;
    unsigned empty;
};

/** A turn began at `now_us` and found so many packets. */
void rest_note(struct rest *r, uint64_t now_us, size_t found);
/** When the next turn begins; 0: when something comes. What comes after a silence, or in one burst
 *  after it, is not kept waiting. */
static inline uint64_t rest_until_us(const struct rest *r)
{
    return r->next_us;
}
/** When the one after that will begin, if packets keep coming. */
static inline uint64_t rest_then_us(const struct rest *r)
{
    return r->then_us;
}

#endif
