// SPDX-License-Identifier: Apache-2.0
/* Did the light in somebody's picture follow a pattern? A pure function of what was asked for when, and of
 * how bright the pictures were. */
#ifndef LOUPE_SERVER_LIGHT_H
#define LOUPE_SERVER_LIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "media/media.h"

#define LIGHT_STEPS 20
#define LIGHT_STEP_US 400000u
#define LIGHT_LAG_MAX_US 1000000u /* round trip, torch, encoder */

/** As many on as off, and changes in at least LIGHT_STEPS / 3 places, so that no steady light, nor one
 *  that changes evenly, fits. */
void light_pattern(const struct entropy *entropy, bool ret[LIGHT_STEPS]);

struct light_verdict {
    bool passed;
    double correlation; /* of the curve with the pattern, at the best lag; -1..1 */
    double contrast;    /* between on and off there, in levels of 0..255 */
    uint64_t lag_us;
};
/** A recording of another challenge that passed comes so far in one of some 400. */
#define LIGHT_CORRELATION_MIN 0.75
#define LIGHT_CONTRAST_MIN 2.0

/** `step_unix_us`: when each step was asked for, and at the end when the last one was over. */
struct light_verdict light_judge(const bool pattern[LIGHT_STEPS],
                                 const uint64_t step_unix_us[LIGHT_STEPS + 1],
                                 const struct media_light_curve *curve);

#endif
