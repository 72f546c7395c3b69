// SPDX-License-Identifier: Apache-2.0
/* A room: the lists of tracks and slots, and their timers. */
#include <stdlib.h>

#include "base/er.h"
#include "media/relay/relay.h"

int room_new(struct room **ret, const struct relay_config *config)
{
    struct room *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->config = *config;
    list_init(&r->tracks);
    list_init(&r->slots);
    *ret = r;
    return 0;
}

void room_free(struct room *r)
{
    if (!r)
        return;
    list_each_safe (s, &r->slots, struct slot, in_room)
        slot_free(s);
    list_each_safe (t, &r->tracks, struct track, in_room)
        track_free(t, 0);
    heap_clear(&r->track_timers);
    heap_clear(&r->encoding_timers);
    heap_clear(&r->slot_timers);
    heap_clear(&r->copy_timers);
    free(r);
}

size_t room_track_count(const struct room *r)
{
    return r->track_count;
}

uint64_t room_deadline_us(const struct room *r)
{
    uint64_t at = heap_next_us(&r->track_timers);
    uint64_t encodings = heap_next_us(&r->encoding_timers);
    uint64_t slots = heap_next_us(&r->slot_timers);
    uint64_t copies = heap_next_us(&r->copy_timers);
    if (encodings < at)
        at = encodings;
    if (copies < at)
        at = copies;
    return slots < at ? slots : at;
}

void relay_flush(struct list *pending, uint64_t now_us)
{
    while (!list_empty(pending))
        encoding_flush(container_of(pending->next, struct encoding, in_pending), now_us);
}

void room_expire(struct room *r, uint64_t now_us)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&r->track_timers, now_us)))
        track_expire(container_of(node, struct track, timer), now_us);
    while ((node = heap_pop_due(&r->encoding_timers, now_us)))
        encoding_expire(container_of(node, struct encoding, timer), now_us);
    while ((node = heap_pop_due(&r->slot_timers, now_us)))
        slot_catch_up(container_of(node, struct slot, timer), now_us);
    while ((node = heap_pop_due(&r->copy_timers, now_us)))
        slot_send_copies(container_of(node, struct slot, copies), now_us);
}
