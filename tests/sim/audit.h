// SPDX-License-Identifier: Apache-2.0
/* What a viewer saw of what a publisher sent: the verdict of a simulation. */
#ifndef LOUPE_TESTS_SIM_AUDIT_H
#define LOUPE_TESTS_SIM_AUDIT_H

#include <stdint.h>

#include "tests/sim/receiver.h"
#include "tests/sim/sender.h"

struct audit {
    uint64_t frames;   /* captured in the interval */
    uint64_t complete; /* of those, whole at the viewer in time */
    uint64_t decoded;  /* and all they depend on, in time */
    uint64_t worst_us; /* from capture to whole, of those that ever were */
    uint64_t first_us; /* when the first frame of all was decoded; 0: never */
    uint64_t misdated; /* frames that claim another capture time than the publisher's */
    uint64_t skewed;   /* frames whose RTP timestamp is more than 1 ms off their capture */
};

/** Frames captured in [from_us, to_us); in time is within `within_us` of the capture. `to_us` must
 *  lie `within_us` in the past. A viewer that shows another stream has seen none of it. */
struct audit audit_frames(const struct sender *sender, const struct receiver *receiver,
                          uint64_t from_us, uint64_t to_us, uint64_t within_us);

#endif
