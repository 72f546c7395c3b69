// SPDX-License-Identifier: Apache-2.0
/* The rate by what the delay detector says: additive increase near the link's known capacity,
 * multiplicative increase far from it, multiplicative decrease on overuse
 * (draft-ietf-rmcat-gcc-02, 5.5). */
#ifndef LOUPE_MEDIA_RELAY_AIMD_H
#define LOUPE_MEDIA_RELAY_AIMD_H

#include <stdbool.h>
#include <stdint.h>

#include "media/relay/trendline.h"

/** Zeroed memory, then `bps` set to where it begins. */
struct aimd {
    double bps;
    double capacity_bps; /* the link's as seen at overuse; 0: unknown */
    double deviation;    /* of it, relative */
    uint64_t updated_us;
    uint64_t decreased_us;  /* 0: never */
    uint64_t calm_since_us; /* no overuse since; 0: overuse now */
    bool draining;          /* what queued up before the last decrease is not gone yet */
};

/** What one feedback said. */
struct aimd_input {
    enum path_use use;
    uint32_t queue_us, jitter_us;
    uint64_t rtt_us;
    uint64_t behind_us;  /* how long ago the newest packet told of was sent */
    double sent_bps;     /* by the source of late */
    double arriving_bps; /* that packets arrive at; 0: unknown */
    double recent_bps;   /* the same over the last moments only, */
    double peak_bps;     /* over the busiest ones, */
    double tail_bps;     /* and of the last packets alone; 0: unknown */
    bool leaps;          /* the newest packets waited long, */
    bool stretches;      /* or ever longer, within one burst */
    bool hold;           /* no increase now */
};

void aimd_update(struct aimd *a, uint64_t now_us, const struct aimd_input *in);
/** A probe has shown that the link takes so much. */
void aimd_raise(struct aimd *a, uint64_t now_us, double bps);

#endif
