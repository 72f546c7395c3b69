// SPDX-License-Identifier: Apache-2.0
/* The hub's rooms, its timers, and the commands that concern a whole room. */
#include "media/core/hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "media/core/hub_private.h"

static int hub_init(struct hub *h, const struct hub_config *config)
{
    uint64_t seed = entropy_u64(&config->entropy);
    h->config = *config;
    h->next_track = config->first_track;
    h->kept.limit = LIMIT_LOOKBACK_BYTES;
    list_init(&h->pending);
    list_init(&h->stale_rooms);
    list_init(&h->mirrors);
    h->candidates = calloc(config->candidate_count + config->tcp_candidate_count + 1,
                           sizeof *h->candidates);
    if (!h->candidates)
        return ER_NOMEM;
    if (config->candidate_count)
        memcpy(h->candidates, config->candidates, config->candidate_count * sizeof *h->candidates);
    if (config->tcp_candidate_count)
        memcpy(h->candidates + config->candidate_count, config->tcp_candidates,
               config->tcp_candidate_count * sizeof *h->candidates);
    int er = map_new(&h->rooms, LIMIT_ROOMS, seed);
    if (er == 0)
        er = map_new(&h->ufrags, LIMIT_PEERS, seed);
    if (er == 0)
        er = map_new(&h->paths, (size_t)LIMIT_PEERS * MEMBER_PATHS, seed);
    if (er == 0)
        er = map_new(&h->mirrored, (size_t)LIMIT_PEERS * LIMIT_TRACKS_PER_PEER, seed);
    if (er == 0)
        er = map_new(&h->sources, (size_t)LIMIT_PEERS * LIMIT_TRACKS_PER_PEER, seed);
    return er;
}

int hub_new(struct hub **ret, const struct hub_config *config)
{
    struct hub *h = calloc(1, sizeof *h);
    if (!h)
        return ER_NOMEM;
    int er = hub_init(h, config);
    if (er != 0) {
        hub_free(h);
        return er;
    }
    *ret = h;
    return 0;
}

static void consents_free(struct map *consents)
{
    size_t cursor = 0;
    void *value;
    while (consents && map_next(consents, &cursor, NULL, NULL, &value))
        free(value);
    map_free(consents);
}

static void hub_room_free(struct hub_room *r, uint64_t now_us)
{
    struct hub *h = r->hub;
    tap_close_all(r, now_us);
    look_fail_all(r);
    seen_flush(r, now_us, SEEN_ALL);
    list_each (m, &r->members, struct member, in_room)
        member_drop_slots(
            m, now_us); /* else each that goes would have the others look for what to show */
    list_each (m, &r->members, struct member, in_room)
        peer_close(m->peer, now_us); /* so that clients learn of it at once */
    list_each_safe (m, &r->members, struct member, in_room)
        member_free(m, now_us);
    mirror_room_gone(r, now_us);
    heap_remove(&h->room_timers, &r->timer);
    room_free(r->relay);
    consents_free(r->consents);
    free(r->codecs_elsewhere);
    free(r);
}

void hub_close_all(struct hub *h, uint64_t now_us)
{
    size_t cursor = 0;
    void *value;
    while (map_next(h->rooms, &cursor, NULL, NULL, &value)) {
        struct hub_room *r = value;
        tap_close_all(r, now_us);
        list_each (m, &r->members, struct member, in_room)
            peer_close(m->peer, now_us);
    }
}

static uint8_t *no_room(void *ctx, const struct path *to, size_t size)
{
    (void)ctx;
    (void)to;
    (void)size;
    return NULL;
}

static void no_event(void *ctx, const struct media_event *event)
{
    struct media_event lost = *event;
    (void)ctx;
    media_event_clear(&lost);
}

static int no_record(void *ctx, struct record_batch *batch)
{
    (void)ctx;
    (void)batch;
    return ER_CLOSED;
}

void hub_free(struct hub *h)
{
    static const struct hub_io silence = {
        .reserve = no_room, .event = no_event, .record = no_record};
    if (!h)
        return;
    h->config.io = &silence;
    size_t cursor = 0;
    void *value;
    while (h->rooms && map_next(h->rooms, &cursor, NULL, NULL, &value))
        hub_room_free(value, 0);
    tap_free_all(h);
    map_free(h->rooms);
    map_free(h->ufrags);
    map_free(h->paths);
    map_free(h->sources);
    map_free(h->mirrored);
    heap_clear(&h->room_timers);
    heap_clear(&h->member_timers);
    heap_clear(&h->tap_timers);
    heap_clear(&h->look_timers);
    free(h->candidates);
    free(h);
}

uint64_t hub_unix_us(const struct hub *h, uint64_t now_us)
{
    return now_us + h->config.unix_offset_us;
}

const struct media_counters *hub_counters(const struct hub *h)
{
    return &h->counters;
}

void hub_tell(struct hub_room *r, struct media_event *event)
{
    event->room = r->id;
    r->hub->config.io->event(r->hub->config.io_ctx, event);
}

/* Rooms */

struct hub_room *hub_find_room(struct hub *h, const struct id *room)
{
    return map_get_str(h->rooms, room->text);
}

int hub_room_open(struct hub *h, const struct id *room)
{
    struct relay_config relay = {.ops = &hub_relay_ops,
                                 .ops_ctx = h,
                                 .pending = &h->pending,
                                 .entropy = &h->config.entropy,
                                 .unix_offset_us = h->config.unix_offset_us};
    struct hub_room *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->hub = h;
    r->id = *room;
    list_init(&r->members);
    list_init(&r->taps);
    list_init(&r->looks);
    list_init(&r->mirrored);
    int er = room_new(&r->relay, &relay);
    if (er == 0)
        er = map_new(&r->consents, LIMIT_PEERS_PER_ROOM, entropy_u64(&h->config.entropy));
    if (er == 0)
        er = map_add_str(h->rooms, room->text, r);
    if (er != 0) {
        hub_room_free(r, 0);
        return er;
    }
    h->counters.rooms++;
    return 0;
}

int hub_room_close(struct hub *h, uint64_t now_us, const struct id *room)
{
    struct hub_room *r = map_remove_str(h->rooms, room->text);
    if (!r)
        return ER_NOT_FOUND;
    hub_room_free(r, now_us);
    h->counters.rooms--;
    return 0;
}

void hub_room_arm(struct hub_room *r)
{
    uint64_t at = room_deadline_us(r->relay);
    if (r->timer.place == 0 ? at != HEAP_NEVER : at != r->timer.at_us)
        heap_set(&r->hub->room_timers, &r->timer, at);
}

uint64_t hub_deadline_us(const struct hub *h)
{
    uint64_t at = heap_next_us(&h->room_timers);
    uint64_t members = heap_next_us(&h->member_timers);
    uint64_t taps = heap_next_us(&h->tap_timers);
    uint64_t looks = heap_next_us(&h->look_timers);
    if (!list_empty(&h->pending))
        return 0;
    if (members < at)
        at = members;
    if (taps < at)
        at = taps;
    if (looks < at)
        at = looks;
    uint64_t demand = mirror_deadline_us(h);
    return demand < at ? demand : at;
}

static struct hub_room *room_of(const struct track *t)
{
    const struct member_line *l = t->owner;
    return t->mirror ? mirror_room_of(t) : l->member->room;
}

/** Forward the turn's packets, and wait for what slots hold back because their path is taken. */
static void flush(struct hub *h, uint64_t now_us)
{
    struct list rooms;
    list_init(&rooms);
    list_each (e, &h->pending, struct encoding, in_pending) {
        struct hub_room *r = room_of(e->track);
        if (!list_linked(&r->in_turn))
            list_append(&rooms, &r->in_turn);
    }
    relay_flush(&h->pending, now_us);
    list_each_safe (r, &rooms, struct hub_room, in_turn) {
        list_remove(&r->in_turn);
        hub_room_arm(r);
    }
}

void hub_expire(struct hub *h, uint64_t now_us)
{
    struct heap_node *node;
    flush(h, now_us);
    mirror_tell_stale(h, now_us);
    mirror_tell_demand(h, now_us);
    while ((node = heap_pop_due(&h->room_timers, now_us))) {
        struct hub_room *r = container_of(node, struct hub_room, timer);
        room_expire(r->relay, now_us);
        hub_room_arm(r);
    }
    while ((node = heap_pop_due(&h->member_timers, now_us)))
        member_expire(container_of(node, struct member, timer), now_us);
    tap_expire_due(h, now_us);
    look_expire_due(h, now_us);
}

/* Peers */

static void refuse(struct hub *h, const struct id *room, uint64_t peer, uint64_t request, int er,
                   const char *why)
{
    struct media_event event = {.type = MEDIA_REFUSED,
                                .room = *room,
                                .peer = peer,
                                .request = request,
                                .er = er,
                                .why = why};
    h->config.io->event(h->config.io_ctx, &event);
}

void hub_peer_add(struct hub *h, uint64_t now_us, const struct id *room,
                  const struct media_peer_config *config, uint64_t request, const char *offer,
                  size_t len, const struct media_want *wants, size_t want_count)
{
    struct hub_room *r = hub_find_room(h, room);
    struct member *m = NULL;
    if (!r) {
        refuse(h, room, config->peer, request, ER_NOT_FOUND, "the room is closed");
        return;
    }
    if (r->member_count >= LIMIT_PEERS_PER_ROOM || h->member_count >= LIMIT_PEERS) {
        refuse(h, room, config->peer, request, ER_FULL, "the room or the server is full");
        return;
    }
    int er = member_new(&m, r, config, now_us);
    if (er != 0) {
        refuse(h, room, config->peer, request, er, "no memory for another peer");
        return;
    }
    if (member_offer(m, now_us, request, offer, len, wants, want_count) != 0)
        member_free(m, now_us);
}

void hub_peer_offer(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer,
                    uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                    size_t want_count)
{
    struct hub_room *r = hub_find_room(h, room);
    struct member *m = r ? member_find(r, peer) : NULL;
    if (!m) {
        refuse(h, room, peer, request, ER_NOT_FOUND,
               "the peer connection is gone: start a new one");
        return;
    }
    (void)member_offer(m, now_us, request, offer, len, wants, want_count);
    hub_room_arm(r);
}

void hub_peer_remove(struct hub *h, uint64_t now_us, const struct id *room, uint64_t peer)
{
    struct hub_room *r = hub_find_room(h, room);
    struct member *m = r ? member_find(r, peer) : NULL;
    if (!m)
        return;
    peer_close(m->peer, now_us);
    member_free(m, now_us);
    hub_room_arm(r);
}

/** False: it was there before, or there is no memory. */
static bool consent_add(struct map *consents, const char *identity, uint64_t now_us)
{
    struct consent *consent = calloc(1, sizeof *consent);
    if (!consent)
        return false;
    consent->since_us = now_us;
    bool added = map_add_str(consents, identity, consent) == 0;
    if (!added)
        free(consent);
    return added;
}

void hub_consent(struct hub *h, uint64_t now_us, const struct id *room, const char *identity,
                 bool recording)
{
    struct hub_room *r = hub_find_room(h, room);
    if (!r)
        return;
    if (!recording) {
        struct consent *was = map_remove_str(r->consents, identity);
        if (!was)
            return;
        free(was);
        look_consent_withdrawn(r, identity);
    } else if (!consent_add(r->consents, identity, now_us)) {
        return;
    }
    tap_consent_changed(r, now_us, identity, recording);
}
