// SPDX-License-Identifier: Apache-2.0
/* When the next packet may leave: the generic cell rate algorithm. */
#include "media/relay/pacer.h"

#define OWED_MAX_US 150000u  /* whoever sets a lower rate knows of what has left */
#define DEBT_MAX_US 1000000u /* packets that do not ask hold back the others for so long at most */

/** What is owed changes with the rate as the bytes behind it do. */
void pacer_set_rate(struct pacer *p, uint64_t now_us, uint32_t bps)
{
    if (bps == p->rate_bps)
        return;
    if (p->free_us > now_us && p->rate_bps && bps) {
        uint64_t owed_us = (p->free_us - now_us) * p->rate_bps / bps;
        p->free_us = now_us + (owed_us < OWED_MAX_US ? owed_us : OWED_MAX_US);
    }
    p->rate_bps = bps;
    p->byte_q16 = bps ? (UINT64_C(8000000) << 16) / bps : 0;
}

void pacer_set_burst(struct pacer *p, uint32_t burst_us)
{
    p->burst_us = burst_us;
}

uint64_t pacer_next_us(const struct pacer *p)
{
    if (p->rate_bps == 0 || p->free_us <= p->burst_us)
        return 0;
    return p->free_us - p->burst_us;
}

bool pacer_may_send(const struct pacer *p, uint64_t now_us)
{
    return pacer_next_us(p) <= now_us;
}

void pacer_sent(struct pacer *p, uint64_t now_us, uint32_t bytes)
{
    if (p->rate_bps == 0)
        return;
    if (p->free_us < now_us)
        p->free_us = now_us;
    p->free_us += bytes * p->byte_q16 >> 16;
    if (p->free_us > now_us + DEBT_MAX_US)
        p->free_us = now_us + DEBT_MAX_US;
}
