// SPDX-License-Identifier: Apache-2.0
/* Stills: the last whole picture of somebody who has consented, from the tape. Where its group of
 * pictures is so long that decoding it would take long, or has a hole, a key frame is asked for, and
 * what follows from that is taken as soon as it is here. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"

#define LOOK_EVERY_US 10000u
#define HOLE_PATIENCE_US 150000u /* what is asked for again may still come */

struct look {
    struct list in_room;
    struct heap_node timer;
    struct hub_room *room;
    struct media_still_config config;
    uint64_t asked_us;
};

/** A key frame and what follows it without a hole, up to the end of a picture. */
struct run {
    struct encoding *encoding;
    int64_t first, last; /* 0: there is none */
    uint64_t pixels;     /* to be decoded */
    bool to_the_end;     /* nothing has come behind it but the picture under way */
};

void still_batch_free(struct still_batch *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++)
        slab_release(b->slabs[i]);
    free(b->packets);
    free(b->slabs);
    free(b->captures);
    free(b);
}

/** At most LIMIT_STILL_PACKETS of it are looked at. */
static struct run find_run(struct encoding *e)
{
    struct run run = {.encoding = e};
    const struct tape_frame *key = tape_last_key(e->tape);
    if (!key || !key->first_seq)
        return run;
    run.first = key->first_seq;
    uint64_t picture = (uint64_t)(key->width ? key->width : e->width) *
                       (key->height ? key->height : e->height);
    int64_t seq = run.first, most = run.first + LIMIT_STILL_PACKETS;
    const struct tape_packet *p;
    for (; seq < most && (p = tape_find(e->tape, seq)); seq++) {
        if (!(p->flags & TAPE_MARKER))
            continue;
        run.last = seq;
        run.pixels += picture;
    }
    run.to_the_end = seq > tape_head(e->tape);
    return run;
}

static const struct tape_packet *last_of(const struct run *run)
{
    return run->last ? tape_find(run->encoding->tape, run->last) : NULL;
}

/** Whether the last picture of the run is one that may be kept: consented to, and of the present. */
static bool may_keep(const struct look *l, const struct run *run, uint64_t now_us)
{
    const struct tape_packet *last = last_of(run);
    const struct consent *consent = map_get_str(l->room->consents, l->config.publisher);
    return last && consent && last->arrival_us >= consent->since_us &&
           last->arrival_us + LIMIT_STILL_AGE_US > now_us;
}

/** Whether there is nothing better to wait for. */
static bool is_good(const struct run *run, uint64_t now_us)
{
    bool holds = run->to_the_end || last_of(run)->arrival_us + HOLE_PATIENCE_US > now_us;
    return holds && run->pixels <= LIMIT_STILL_PIXELS;
}

static struct still_batch *batch_of(const struct look *l, const struct run *run)
{
    size_t count = (size_t)(run->last - run->first + 1);
    struct still_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->packets = calloc(count, sizeof(*b->packets));
    b->slabs = calloc(count, sizeof *b->slabs);
    if (!b->packets || !b->slabs) {
        still_batch_free(b);
        return NULL;
    }
    b->room = l->room->id;
    b->still = l->config.still;
    memcpy(b->path, l->config.path, sizeof b->path);
    b->track = run->encoding->track->id;
    for (; b->count < count; b->count++)
        b->packets[b->count] = tape_find_hold(run->encoding->tape, run->first + (int64_t)b->count,
                                              &b->slabs[b->count]);
    b->capture_unix_us = encoding_capture_unix_us(run->encoding, b->packets[count - 1]);
    return b;
}

static int hand_over(const struct look *l, const struct run *run)
{
    const struct hub_config *config = &l->room->hub->config;
    struct still_batch *b = batch_of(l, run);
    int er = !b                  ? ER_NOMEM
             : config->io->still ? config->io->still(config->io_ctx, b)
                                 : ER_UNSUPPORTED;
    if (er != 0)
        still_batch_free(b);
    return er;
}

/** 0: handed over; ER_AGAIN: later perhaps. */
static int try_take(const struct look *l, uint64_t now_us, bool last)
{
    struct track *t = room_video_of(l->room, l->config.publisher);
    struct encoding *e = t ? track_best(t) : NULL;
    if (!t)
        return ER_NOT_FOUND;
    if (!e)
        return ER_AGAIN;
    struct run run = find_run(e);
    bool keep = may_keep(l, &run, now_us);
    if (keep && (is_good(&run, now_us) || (last && run.pixels <= LIMIT_STILL_PIXELS_LATE)))
        return hand_over(l, &run);
    encoding_want_key_frame(e, now_us);
    return ER_AGAIN;
}

static void look_free(struct look *l)
{
    heap_remove(&l->room->hub->look_timers, &l->timer);
    list_remove(&l->in_room);
    l->room->look_count--;
    free(l);
}

static void tell_failed(struct hub *h, const struct id *room, const struct id *still, int er)
{
    struct media_event event = {.type = MEDIA_STILL, .room = *room, .clip = *still, .er = er};
    h->config.io->event(h->config.io_ctx, &event);
}

static void look_fail(struct look *l, int er)
{
    tell_failed(l->room->hub, &l->room->id, &l->config.still, er);
    look_free(l);
}

/** Ends it when there is a result, or no time left. */
static void look_step(struct look *l, uint64_t now_us)
{
    bool last = now_us >= l->asked_us + LIMIT_STILL_WAIT_US;
    int er = try_take(l, now_us, last);
    if (er == ER_AGAIN && !last &&
        heap_set(&l->room->hub->look_timers, &l->timer, now_us + LOOK_EVERY_US) == 0)
        return;
    if (er == 0)
        look_free(l);
    else
        look_fail(l, er == ER_AGAIN ? ER_STALE : er);
}

static int look_new(struct hub_room *r, uint64_t now_us, const struct media_still_config *config,
                    struct look **ret)
{
    if (!map_get_str(r->consents, config->publisher))
        return ER_DENIED;
    if (!room_video_of(r, config->publisher))
        return ER_NOT_FOUND;
    if (r->look_count >= LIMIT_STILLS_PER_ROOM)
        return ER_FULL;
    struct look *l = calloc(1, sizeof *l);
    if (!l)
        return ER_NOMEM;
    l->room = r;
    l->config = *config;
    l->asked_us = now_us;
    list_append(&r->looks, &l->in_room);
    r->look_count++;
    *ret = l;
    return 0;
}

void hub_still(struct hub *h, uint64_t now_us, const struct id *room,
               const struct media_still_config *config)
{
    struct hub_room *r = hub_find_room(h, room);
    struct look *l = NULL;
    int er = r ? look_new(r, now_us, config, &l) : ER_NOT_FOUND;
    if (er != 0) {
        tell_failed(h, room, &config->still, er);
        return;
    }
    look_step(l, now_us);
    hub_room_arm(r);
}

void look_expire_due(struct hub *h, uint64_t now_us)
{
    struct heap_node *node;
    while ((node = heap_pop_due(&h->look_timers, now_us))) {
        struct look *l = container_of(node, struct look, timer);
        struct hub_room *r = l->room;
        look_step(l, now_us);
        hub_room_arm(r);
    }
}

void look_consent_withdrawn(struct hub_room *r, const char *identity)
{
    list_each_safe (l, &r->looks, struct look, in_room) {
        if (strcmp(l->config.publisher, identity) == 0)
            look_fail(l, ER_DENIED);
    }
}

void look_fail_all(struct hub_room *r)
{
    list_each_safe (l, &r->looks, struct look, in_room)
        look_fail(l, ER_CLOSED);
}
