// SPDX-License-Identifier: Apache-2.0
/* A packet that is lost once takes a round trip more, or two where requests and answers are lost, too. */
#include "media/relay/hold.h"

#define SHIFT 2
#define OUTAGE 200 /* of 256 */
#define ONCE 0.02  /* losses worth waiting for once, */
#define TWICE 0.10
#define THRICE 0.18
#define MOST_US 300000u
#define STEP_US 20000u
#define LINGER_US 8000000u

void hold_report(struct hold *h, uint8_t fraction_lost)
{
    uint32_t loss = (uint32_t)fraction_lost << 8;
    if (fraction_lost > OUTAGE)
        return; /* nothing to wait for */
    h->viewer_loss -= h->viewer_loss >> SHIFT;
    h->viewer_loss += loss >> SHIFT;
}

static uint64_t needed(const struct hold_leg *leg)
{
    if (leg->loss < ONCE)
        return 0;
    return leg->first_us + leg->again_us * ((leg->loss >= TWICE) + (leg->loss >= THRICE));
}

void hold_update(struct hold *h, uint64_t now_us, const struct hold_leg legs[HOLD_LEGS])
{
    uint64_t us = needed(&legs[0]) + needed(&legs[1]);
    us = us < MOST_US ? us / STEP_US * STEP_US : MOST_US;
    uint16_t ms = (uint16_t)(us / 1000);
    if (ms >= h->ms)
        h->needed_us = now_us;
    else if (now_us - h->needed_us < LINGER_US)
        return;
    h->ms = ms;
    h->needed_us = now_us;
    h->told = h->told || ms > 0;
}
