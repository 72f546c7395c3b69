// SPDX-License-Identifier: Apache-2.0
/* What the two halves of a viewer's path share: downlink.c (reports, pace and probes) and
 * downlink_share.c (who of its pictures gets what). */
#ifndef LOUPE_MEDIA_RELAY_DOWNLINK_IMPL_H
#define LOUPE_MEDIA_RELAY_DOWNLINK_IMPL_H

#include "base/list.h"
#include "media/relay/downlink.h"
#include "media/relay/pacer.h"
#include "media/relay/relay.h"

#define DOWNLINK_RATES 12
#define DOWNLINK_WIRE_BYTES 28 /* IP and UDP, of each packet */

struct downlink_slot {
    struct list in_downlink;
    struct slot *slot;
    bool rtx;
    bool trimmed; /* the viewer has no use for the layers above */
    bool lone;    /* its track has pictures of one size: the publisher may be asked for less */
    bool rerated; /* of several, the best one may be; and this viewer says how much */
    struct downlink_view view;
    struct ladder ladder;
    const struct track *track; /* of the last look */
    enum downlink_state told;
    uint32_t told_bps;
    uint32_t may_cost_bps; /* UINT32_MAX: no limit */
    uint64_t counted_bytes, counted_us;
    uint32_t bps;        /* measured, with headers */
    uint64_t picture_us; /* last one asked for, as slideshow */
    /* While looking: */
    size_t count, fits, fits_well, fits_amply;
    struct layer_rate rates[DOWNLINK_RATES];
    uint32_t costs[DOWNLINK_RATES];
};

struct downlink {
    struct downlink_config config;
    struct bwe *bwe; /* from the first packet on; NULL: no limit */
    struct pacer pacer;
    struct list slots; /* struct downlink_slot */
    size_t slot_count;
    uint64_t first_us; /* the first packet left; 0: none yet */
    uint64_t sent;     /* packets */
    uint64_t looked_us, look_us;
    uint64_t probe_us;   /* not before */
    bool easy;           /* all that there is is shown, and much is to spare */
    uint32_t looked_bps; /* the estimate of the last look */
    bool fitting;        /* all that is shown fits the estimate */
    bool full;           /* a queue stands on it */
    bool reported;       /* by REMB or receiver reports, at least */
};

/* downlink.c */
struct bwe_state downlink_path(const struct downlink *d);
/** Has the viewer said, or is about to say, what the path carries? */
bool downlink_is_limited(const struct downlink *d, uint64_t now_us);
/** Has the viewer said anything yet? */
bool downlink_is_told(const struct downlink *d);
uint32_t downlink_estimate(const struct downlink *d);
void downlink_set_pace(struct downlink *d, uint64_t now_us);

/* downlink_share.c */
/** Look what the path carries of what is there, and have it shown. */
void downlink_look(struct downlink *d, uint64_t now_us);
bool downlink_is_shown(const struct downlink_slot *a);
enum downlink_state downlink_state_of(const struct downlink_slot *a);

#endif
