// SPDX-License-Identifier: Apache-2.0
/* What came, and whether what did not was chance. */
#include "media/relay/uplink.h"

#define MEASURE_US 500000u
#define CAP_MIN_BPS 150000u /* sound and small pictures go on, whatever is tried */
#define CAP_CHANGE 1.15
#define LOSSY 0.02
#define MUCH 0.08 /* lost by chance: from here on the rate is bounded, */
#define MUCH_BPS 75000.0
#define MUCH_LESS 0.03 /* to 1.5 Mbit/s at first, 440 kbit/s at 20%, 280 at 30% */
#define DEFAULT_RTT_US 100000u

bool uplink_note(struct uplink *u, uint64_t now_us, uint16_t number, size_t bytes)
{
    bool outage = u->twcc.heard_us && now_us - u->twcc.heard_us >= TWCC_OUTAGE_US;
    u->bytes += bytes;
    twcc_skip_outage(&u->twcc, number, now_us);
    twcc_record(&u->twcc, number, now_us);
    return outage;
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

/** The more of a picture's packets are lost, the later the last of them is there: pictures of fewer
 *  packets are the better ones then. UINT32_MAX: no bound. */
static uint32_t bound(const struct uplink *u)
{
    double loss = u->guard.inherent;
    return loss < MUCH ? UINT32_MAX : (uint32_t)(MUCH_BPS / (loss - MUCH_LESS));
}

/** True when the publisher is to be told. */
static bool set_cap(struct uplink *u, double bps)
{
    uint32_t cap = bps < UINT32_MAX ? (uint32_t)bps : 0;
    if (cap && cap < CAP_MIN_BPS)
        cap = CAP_MIN_BPS;
    bool little = cap && u->cap_bps && cap < u->cap_bps * CAP_CHANGE &&
                  u->cap_bps < cap * CAP_CHANGE;
    if (cap == u->cap_bps || little)
        return false;
    u->cap_bps = cap;
    u->was_capped = true;
    return true;
}

bool uplink_judge(struct uplink *u, uint64_t now_us, uint64_t rtt_us)
{
    size_t expected, lost;
    measure(u, now_us);
    twcc_count(&u->twcc, &expected, &lost);
    lossguard_count(&u->guard, (unsigned)expected, (int)lost);
    struct lossguard_input in = {
        .bps = u->bps, .arriving_bps = u->bps, .rtt_us = rtt_us ? rtt_us : DEFAULT_RTT_US};
    double bps = lossguard_update(&u->guard, now_us, &in);
    u->twcc.arrived_only = !lossguard_is_policed(&u->guard, now_us);
    if (!u->guard.trial)
        u->trial_bps = 0;
    else if (u->trial_bps == 0)
        u->trial_bps = bps;
    double most = bound(u);
    return set_cap(u, u->trial_bps > 0 && u->trial_bps < most ? u->trial_bps : most);
}

bool uplink_is_lossy(const struct uplink *u)
{
    return u->guard.loss > LOSSY;
}
