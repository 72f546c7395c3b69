// SPDX-License-Identifier: Apache-2.0
/* What a publisher of several encodings is to send in all, so that its best one is of a rate that the
 * best of its viewers can take. Browsers divide a rate from the lowest encoding up, each to a target of
 * its size, and give the highest the rest; one for which too little is left is not sent (libwebrtc's
 * simulcast allocator). */
#ifndef LOUPE_MEDIA_RELAY_RERATE_H
#define LOUPE_MEDIA_RELAY_RERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One encoding, the lowest first. */
struct rerate_encoding {
    bool flows;
    uint32_t pixels; /* of a picture; 0: unknown */
    uint32_t bps;    /* measured, while it flows */
};

/** Which one is to be the best where that may cost `bps`. One that flows stays while its least fits; one
 *  that does not has to fit with something to spare. */
size_t rerate_best(const struct rerate_encoding *encodings, size_t count, uint32_t bps);
/** The total with which `best` is the best one, of `bps` or of the least at which it is sent. */
uint32_t rerate_total(const struct rerate_encoding *encodings, size_t count, size_t best,
                      uint32_t bps);

#endif
