// SPDX-License-Identifier: Apache-2.0
/* Interrupt moderation, as network cards do it, for a thread. */
#include "media/io/rest.h"

void rest_note(struct rest *r, uint64_t now_us, bool found)
{
    if (!found) {
        r->quick = 0;
        return;
    }
    if (r->quick < REST_QUICK)
        r->quick = now_us - r->began_us < REST_US ? r->quick + 1 : 0;
    r->began_us = now_us;
}

uint64_t rest_until_us(const struct rest *r)
{
    return r->quick >= REST_QUICK ? r->began_us + REST_US : 0;
}
