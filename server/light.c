// SPDX-License-Identifier: Apache-2.0
/* Correlation of the curve with the pattern, for every lag there may be. */
#include "server/light.h"

#include <math.h>
#include <stddef.h>

#define LAG_STEP_US 20000u
#define SETTLE_US 80000u /* of each step nothing is said while the light changes */

static unsigned changes(const bool pattern[LIGHT_STEPS])
{
    unsigned count = 0;
    for (size_t i = 1; i < LIGHT_STEPS; i++)
        count += pattern[i] != pattern[i - 1];
    return count;
}

void light_pattern(const struct entropy *entropy, bool ret[LIGHT_STEPS])
{
    do {
        for (size_t i = 0; i < LIGHT_STEPS; i++)
            ret[i] = i % 2;
        for (size_t i = LIGHT_STEPS; i-- > 1;) {
            size_t other = entropy_u64(entropy) % (i + 1);
            bool swapped = ret[i];
            ret[i] = ret[other];
            ret[other] = swapped;
        }
    } while (changes(ret) < LIGHT_STEPS / 3 || changes(ret) > LIGHT_STEPS * 3 / 4);
}

/** The step at that time, or -1: between two, or outside. */
static int step_at(const uint64_t step_unix_us[LIGHT_STEPS + 1], uint64_t at_us)
{
    for (int i = 0; i < LIGHT_STEPS; i++)
        if (at_us >= step_unix_us[i] + SETTLE_US && at_us < step_unix_us[i + 1])
            return i;
    return -1;
}

/** How bright each step was, seen so much later; NAN: nothing of it was. What moves in the picture from one
 *  frame to the next evens out. */
static void step_means(const uint64_t step_unix_us[LIGHT_STEPS + 1],
                       const struct media_light_curve *curve, uint64_t lag_us,
                       double ret[LIGHT_STEPS])
{
    double sums[LIGHT_STEPS] = {0}, counts[LIGHT_STEPS] = {0};
    for (size_t i = 0; i < curve->count; i++) {
        int step = step_at(step_unix_us, curve->samples[i].unix_us - lag_us);
        if (step < 0)
            continue;
        sums[step] += curve->samples[i].luma;
        counts[step]++;
    }
    for (size_t i = 0; i < LIGHT_STEPS; i++)
        ret[i] = counts[i] > 0 ? sums[i] / counts[i] : NAN;
}

static struct light_verdict judge_at(const bool pattern[LIGHT_STEPS],
                                     const uint64_t step_unix_us[LIGHT_STEPS + 1],
                                     const struct media_light_curve *curve, uint64_t lag_us)
{
    struct light_verdict v = {.lag_us = lag_us, .correlation = -1};
    double means[LIGHT_STEPS], n = 0, on = 0, y = 0, yy = 0, on_y = 0;
    step_means(step_unix_us, curve, lag_us, means);
    for (size_t i = 0; i < LIGHT_STEPS; i++) {
        if (isnan(means[i]))
            continue;
        n++;
        on += pattern[i];
        y += means[i];
        yy += means[i] * means[i];
        on_y += pattern[i] * means[i];
    }
    double spread = (n * on - on * on) * (n * yy - y * y);
    if (n < LIGHT_STEPS * 3.0 / 4 || spread <= 0)
        return v; /* too little of it was seen, or all the same */
    v.correlation = (n * on_y - on * y) / sqrt(spread);
    v.contrast = on_y / on - (y - on_y) / (n - on);
    return v;
}

struct light_verdict light_judge(const bool pattern[LIGHT_STEPS],
                                 const uint64_t step_unix_us[LIGHT_STEPS + 1],
                                 const struct media_light_curve *curve)
{
    struct light_verdict best = {.correlation = -1};
    for (uint64_t lag_us = 0; lag_us <= LIGHT_LAG_MAX_US; lag_us += LAG_STEP_US) {
        struct light_verdict v = judge_at(pattern, step_unix_us, curve, lag_us);
        if (v.correlation > best.correlation)
            best = v;
    }
    best.passed = best.correlation >= LIGHT_CORRELATION_MIN && best.contrast >= LIGHT_CONTRAST_MIN;
    return best;
}
