// SPDX-License-Identifier: Apache-2.0
/* The pictures of the last seconds of somebody who has consented, from the tape, to see how bright they
 * were: from the key frame before the asked moment to what came last, holes left out. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"

/** The last key frame's first packet that was captured at that time or before; 0: there is none. */
static int64_t find_key(const struct encoding *e, uint64_t unix_us)
{
    int64_t last = tape_head(e->tape), tail = tape_tail(e->tape);
    for (int64_t seq = last; seq >= tail && seq > 0 && last - seq < LIMIT_LIGHT_PACKETS; seq--) {
        const struct tape_packet *p = tape_find(e->tape, seq);
        if (p && p->flags & TAPE_KEY_FRAME && p->flags & TAPE_FRAME_START &&
            encoding_capture_unix_us(e, p) <= unix_us)
            return seq;
    }
    return 0;
}

static struct still_batch *batch_new(size_t room)
{
    struct still_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->packets = calloc(room, sizeof(*b->packets));
    b->slabs = calloc(room, sizeof *b->slabs);
    b->captures = calloc(room, sizeof *b->captures);
    if (b->packets && b->slabs && b->captures)
        return b;
    still_batch_free(b);
    return NULL;
}

static int gather(struct hub_room *r, const struct media_light_config *config,
                  struct still_batch **ret)
{
    struct track *t = room_video_of(r, config->publisher);
    struct encoding *e = t ? track_best(t) : NULL;
    if (!e)
        return ER_NOT_FOUND;
    int64_t first = find_key(e, config->from_unix_us), last = tape_head(e->tape);
    if (first == 0)
        return ER_STALE;
    struct still_batch *b = batch_new((size_t)(last - first + 1));
    if (!b)
        return ER_NOMEM;
    b->room = r->id;
    b->still = config->light;
    b->track = t->id;
    b->from_unix_us = config->from_unix_us;
    for (int64_t seq = first; seq <= last; seq++) {
        b->packets[b->count] = tape_find_hold(e->tape, seq, &b->slabs[b->count]);
        if (!b->packets[b->count])
            continue;
        b->captures[b->count] = encoding_capture_unix_us(e, b->packets[b->count]);
        b->count++;
    }
    *ret = b;
    return 0;
}

void hub_light(struct hub *h, uint64_t now_us, const struct id *room,
               const struct media_light_config *config)
{
    (void)now_us;
    struct hub_room *r = hub_find_room(h, room);
    struct still_batch *b = NULL;
    int er = r ? 0 : ER_NOT_FOUND;
    if (er == 0 && !map_get_str(r->consents, config->publisher))
        er = ER_DENIED;
    if (er == 0)
        er = gather(r, config, &b);
    if (er == 0)
        er = h->config.io->still ? h->config.io->still(h->config.io_ctx, b) : ER_UNSUPPORTED;
    if (er == 0)
        return;
    still_batch_free(b);
    struct media_event event = {
        .type = MEDIA_LIGHT, .room = *room, .clip = config->light, .er = er};
    h->config.io->event(h->config.io_ctx, &event);
}

void hub_light_begins(struct hub *h, uint64_t now_us, const struct id *room, const char *publisher)
{
    struct hub_room *r = hub_find_room(h, room);
    struct track *t = r ? room_video_of(r, publisher) : NULL;
    struct encoding *e = t ? track_best(t) : NULL;
    if (e)
        encoding_want_key_frame(e, now_us);
    if (r)
        hub_room_arm(r);
}
