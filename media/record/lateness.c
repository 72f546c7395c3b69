// SPDX-License-Identifier: Apache-2.0
/* Arrivals held against the clock: the packet that waited least tells best how they differ. */
#include "media/record/lateness.h"

enum { MARGIN_US = 100000 };

void lateness_init(struct lateness *l)
{
    *l = (struct lateness){.delay_us = LATENESS_DELAY_US};
}

void lateness_arrival(struct lateness *l, const struct tape_packet *packet)
{
    if (packet->arrival_us <= l->arrival_us)
        return;
    l->arrival_us = packet->arrival_us;
    if (l->offset_known && l->arrival_us + l->offset_us > l->now_us)
        l->now_us = l->arrival_us + l->offset_us;
}

void lateness_voice(struct lateness *l, const struct tape_packet *packet, uint64_t capture_unix_us)
{
    if (!l->offset_known || (packet->flags & TAPE_RECOVERED))
        return;
    int64_t late_us = (int64_t)(packet->arrival_us + l->offset_us - capture_unix_us);
    if (late_us > LATENESS_DELAY_MAX_US - MARGIN_US)
        return; /* lost in any case */
    if (late_us + MARGIN_US > (int64_t)l->delay_us)
        l->delay_us = (uint64_t)late_us + MARGIN_US;
}

void lateness_tick(struct lateness *l, uint64_t now_unix_us)
{
    if (now_unix_us < l->now_us)
        return;
    l->now_us = now_unix_us;
    uint64_t offset = now_unix_us - l->arrival_us;
    if (l->arrival_us && (!l->offset_known || (int64_t)(offset - l->offset_us) < 0)) {
        l->offset_us = offset;
        l->offset_known = true;
    }
}
