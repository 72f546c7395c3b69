// SPDX-License-Identifier: Apache-2.0
/* How late voices come to the recorder, so that mixing waits for them: about half a second, and longer
 * for voices that always come later. Packets tell when they arrived, ticks what the server's clock says. */
#ifndef LOUPE_MEDIA_RECORD_LATENESS_H
#define LOUPE_MEDIA_RECORD_LATENESS_H

#include <stdbool.h>
#include <stdint.h>

#include "media/tape/tape.h"

#define LATENESS_DELAY_US 500000      /* sound is mixed so long after its capture */
#define LATENESS_DELAY_MAX_US 1500000 /* when somebody's packets come that late */

struct lateness {
    /* The server's clock, from ticks and, between them, from arrivals (which are on another clock). */
    uint64_t now_us;     /* 0: not known yet */
    uint64_t arrival_us; /* latest */
    bool offset_known;
    uint64_t offset_us; /* arrival + offset = server's clock, modulo 2^64 */
    uint64_t delay_us;
};

void lateness_init(struct lateness *l);
/** Any packet. */
void lateness_arrival(struct lateness *l, const struct tape_packet *packet);
/** Any packet of a voice, after lateness_arrival. */
void lateness_voice(struct lateness *l, const struct tape_packet *packet, uint64_t capture_unix_us);
/** The clock. One that goes back (a replay) tells nothing. */
void lateness_tick(struct lateness *l, uint64_t now_unix_us);

#endif
