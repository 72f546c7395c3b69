// SPDX-License-Identifier: Apache-2.0
/* What came, and whether what did not was chance. */
#include "media/relay/uplink.h"

#define MEASURE_US 500000u
#define CAP_MIN_BPS 60000u /* sound goes on, whatever is tried */
#define LOSSY 0.02
#define DEFAULT_RTT_US 100000u

void uplink_note(struct uplink *u, uint64_t now_us, uint16_t number, size_t bytes)
{
    u->bytes += bytes;
    twcc_skip_outage(&u->twcc, number, now_us);
    twcc_record(&u->twcc, number, now_us);
}

static void measure(struct uplink *u, uint64_t now_us)
{
    uint64_t past_us = now_us - u->measured_us;
    if (u->measured_us && past_us < MEASURE_US)
        return;
    if (u->measured_us)
        u->bps = (uint32_t)((u->bytes - u->measured_bytes) * 8000000u / past_us);
    u->measured_us = now_us;
    u->measured_bytes = u->bytes;
}

bool uplink_judge(struct uplink *u, uint64_t now_us, uint64_t rtt_us)
{
    size_t expected, lost;
    measure(u, now_us);
    twcc_count(&u->twcc, &expected, &lost);
    lossguard_count(&u->guard, (unsigned)expected, (int)lost);
    struct lossguard_input in = {
        .bps = u->bps, .arriving_bps = u->bps, .rtt_us = rtt_us ? rtt_us : DEFAULT_RTT_US};
    bool tried = u->guard.trial;
    double bps = lossguard_update(&u->guard, now_us, &in);
    u->twcc.arrived_only = !lossguard_is_policed(&u->guard, now_us);
    if (u->guard.trial == tried)
        return false;
    u->cap_bps = !u->guard.trial ? 0 : bps > CAP_MIN_BPS ? (uint32_t)bps : CAP_MIN_BPS;
    u->was_capped = true;
    return true;
}

bool uplink_is_lossy(const struct uplink *u)
{
    return u->guard.loss > LOSSY;
}
