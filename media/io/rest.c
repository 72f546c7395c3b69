// SPDX-License-Identifier: Apache-2.0
/* Interrupt moderation, as network cards do it, for a thread. */
#include "media/io/rest.h"

/** So that about REST_PACKETS gather, if they come on as they did; a quarter of the way each time. */
static uint64_t adapt(uint64_t rest_us, uint64_t elapsed_us, size_t found)
{
    uint64_t wanted_us = REST_PACKETS * elapsed_us / found;
    if (wanted_us < REST_US)
        wanted_us = REST_US;
    if (wanted_us > REST_MOST_US)
        wanted_us = REST_MOST_US;
    return (3 * rest_us + wanted_us) / 4;
}

void rest_note(struct rest *r, uint64_t now_us, size_t found)
{
    if (found == 0) {
        r->quick = 0;
        return;
    }
    uint64_t elapsed_us = now_us - r->began_us;
    r->began_us = now_us;
    if (r->quick == REST_QUICK) {
        r->rest_us = adapt(r->rest_us, elapsed_us, found);
        return;
    }
    r->quick = elapsed_us < REST_US ? r->quick + 1 : 0;
    r->rest_us = REST_US;
}

uint64_t rest_until_us(const struct rest *r)
{
    return r->quick == REST_QUICK ? r->began_us + r->rest_us : 0;
}
