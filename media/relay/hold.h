// SPDX-License-Identifier: Apache-2.0
/* For how long a viewer is asked to hold pictures back before it shows them (the playout-delay header
 * extension), so that what is lost on the way, and asked for again, still comes in time. Left to
 * themselves browsers wait as long as most pictures take, and stand still at each one that takes
 * longer. Where little is lost they are left to themselves. */
#ifndef LOUPE_MEDIA_RELAY_HOLD_H
#define LOUPE_MEDIA_RELAY_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define HOLD_LEGS 2

/** A way that pictures take, on which they are asked for again. */
struct hold_leg {
    double loss;       /* share */
    uint64_t first_us; /* for one that is asked for at once, */
    uint64_t again_us; /* and more for each time that it is asked for again */
};

/** Zeroed memory: nothing is held back. */
struct hold {
    bool told;            /* the viewer was asked once, so it must be told of every change */
    uint16_t ms;          /* to hold back */
    uint64_t needed_us;   /* when as much as `ms` was needed last */
    uint32_t viewer_loss; /* smoothed, of 65536 */
};

/** The viewer has reported its loss, of 256. */
void hold_report(struct hold *h, uint8_t fraction_lost);
/** More at once, less when it was not needed for some seconds. */
void hold_update(struct hold *h, uint64_t now_us, const struct hold_leg legs[HOLD_LEGS]);

#endif
