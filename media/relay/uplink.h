// SPDX-License-Identifier: Apache-2.0
/* The path from one publisher: what came of what it numbered, and what it is told of that. Browsers lower
 * their rate for every loss that transport-wide feedback tells of, also where no rate would be spared it.
 * So what is lost by chance is not told: neither as lost nor as arrived. Chance is what a trial showed
 * not to depend on the rate (lossguard.h); until it has, the publisher has the benefit of the doubt. A
 * queue that grows it sees in the times of what arrived. Where very much is lost by chance the rate is
 * bounded, too, but not as low as browsers would go. */
#ifndef LOUPE_MEDIA_RELAY_UPLINK_H
#define LOUPE_MEDIA_RELAY_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/relay/lossguard.h"
#include "media/wire/twcc.h"

/** Zeroed memory is a fresh one. */
struct uplink {
    struct twcc_recorder twcc;
    struct lossguard guard;
    uint64_t bytes, measured_bytes, measured_us;
    uint32_t bps;     /* what arrives */
    double trial_bps; /* 0: no trial is on */
    uint32_t cap_bps; /* the publisher is to send this at most; 0: no limit */
    bool was_capped;  /* so it must be told when there is no limit any more */
};

/** A packet with a transport-wide number came; `bytes` with headers. True when it is the first behind an
 *  outage: its sender should be told at once. */
bool uplink_note(struct uplink *u, uint64_t now_us, uint16_t number, size_t bytes);
/** Before each report: judge what was lost since the last. True when cap_bps has changed. */
bool uplink_judge(struct uplink *u, uint64_t now_us, uint64_t rtt_us);
/** Feedback is lost as well on this path: worth sending twice. */
bool uplink_is_lossy(const struct uplink *u);

#endif
