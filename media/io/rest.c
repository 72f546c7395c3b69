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

/** Turns are evenly spaced, however long one takes, as far as that can be. */
static void go_on(struct rest *r, uint64_t now_us)
{
    r->next_us = r->then_us > now_us ? r->then_us : now_us;
    r->then_us = r->next_us + r->rest_us;
}

static void stop(struct rest *r)
{
    r->quick = 0;
    r->next_us = 0;
}

static void begin_if_quick(struct rest *r, uint64_t now_us, uint64_t elapsed_us)
{
    r->quick = elapsed_us < REST_SOON_US ? r->quick + 1 : 0;
    r->rest_us = REST_US;
    if (r->quick < REST_QUICK)
        return;
    r->next_us = now_us + REST_US;
    r->then_us = r->next_us + REST_US;
}

void rest_note(struct rest *r, uint64_t now_us, size_t found)
{
    if (found == 0) {
        if (r->next_us == 0 || ++r->empty == REST_EMPTY)
            stop(r);
        else
            go_on(r, now_us);
        return;
    }
    uint64_t elapsed_us = now_us - r->began_us;
    r->began_us = now_us;
    r->empty = 0;
    if (r->next_us == 0) {
        begin_if_quick(r, now_us, elapsed_us);
        return;
    }
    r->rest_us = adapt(r->rest_us, elapsed_us, found);
    go_on(r, now_us);
}
