// SPDX-License-Identifier: Apache-2.0
/* Two maps, rooms by id and peers by number; a room counts its viewers on each worker. */
#include "media/io/places.h"

#include <stdlib.h>

#include "base/entropy.h"
#include "base/er.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"

struct place {
    unsigned home;
    uint64_t workers; /* bits */
    struct list peers;
    uint32_t viewers[]; /* on each worker */
};

struct place_of_peer {
    struct list in_room;
    struct place *room;
    uint64_t peer;
    uint64_t request; /* its first offer's */
    unsigned worker;
    bool only_views;
};

struct places {
    unsigned workers;
    struct map *rooms; /* id text -> struct place */
    struct map *peers; /* number -> struct place_of_peer */
    size_t rooms_on[LIMIT_WORKERS];
};

_Static_assert(LIMIT_WORKERS <= 64, "workers has a bit for each");

int places_new(struct places **ret, unsigned workers)
{
    struct entropy entropy = entropy_system();
    struct places *p = calloc(1, sizeof *p);
    if (!p)
        return ER_NOMEM;
    p->workers = workers;
    int er = map_new(&p->rooms, (size_t)LIMIT_ROOMS * workers, entropy_u64(&entropy));
    if (er == 0)
        er = map_new(&p->peers, (size_t)LIMIT_PEERS * workers, entropy_u64(&entropy));
    if (er != 0) {
        places_free(p);
        return er;
    }
    *ret = p;
    return 0;
}

void places_free(struct places *p)
{
    size_t cursor = 0;
    void *value;
    if (!p)
        return;
    while (p->peers && map_next(p->peers, &cursor, NULL, NULL, &value))
        free(value);
    cursor = 0;
    while (p->rooms && map_next(p->rooms, &cursor, NULL, NULL, &value))
        free(value);
    map_free(p->peers);
    map_free(p->rooms);
    free(p);
}

/* Rooms */

static struct place *find(const struct places *p, const struct id *room)
{
    return map_get_str(p->rooms, room->text);
}

static unsigned least_used(const struct places *p)
{
    unsigned best = 0;
    for (unsigned i = 1; i < p->workers; i++)
        if (p->rooms_on[i] < p->rooms_on[best])
            best = i;
    return best;
}

int places_open_room(struct places *p, const struct id *room, unsigned *ret_home)
{
    struct place *place = calloc(1, sizeof *place + p->workers * sizeof place->viewers[0]);
    if (!place)
        return ER_NOMEM;
    list_init(&place->peers);
    place->home = least_used(p);
    place->workers = (uint64_t)1 << place->home;
    int er = p->rooms_on[place->home] >= LIMIT_ROOMS ? ER_FULL
                                                     : map_add_str(p->rooms, room->text, place);
    if (er != 0) {
        free(place);
        return er;
    }
    p->rooms_on[place->home]++;
    *ret_home = place->home;
    return 0;
}

void places_close_room(struct places *p, const struct id *room)
{
    struct place *place = find(p, room);
    if (!place)
        return;
    list_each_safe (at, &place->peers, struct place_of_peer, in_room)
        places_remove_peer(p, at->peer);
    for (unsigned i = 0; i < p->workers; i++)
        p->rooms_on[i] -= place->workers >> i & 1;
    (void)map_remove_str(p->rooms, room->text);
    free(place);
}

uint64_t places_workers(const struct places *p, const struct id *room)
{
    const struct place *place = find(p, room);
    return place ? place->workers : 0;
}

int places_home(const struct places *p, const struct id *room, unsigned *ret_home)
{
    const struct place *place = find(p, room);
    if (!place)
        return ER_NOT_FOUND;
    *ret_home = place->home;
    return 0;
}

/* Peers */

static unsigned choose(const struct places *p, const struct place *place, bool only_views)
{
    unsigned best = place->home;
    if (!only_views || place->viewers[best] < LIMIT_FANOUT_FROM)
        return best;
    for (unsigned i = 0; i < p->workers; i++) {
        bool takes = (place->workers >> i & 1) || p->rooms_on[i] < LIMIT_ROOMS;
        if (takes && place->viewers[i] < place->viewers[best])
            best = i;
    }
    return best;
}

int places_add_peer(struct places *p, const struct id *room, uint64_t peer, uint64_t request,
                    bool only_views, unsigned *ret_worker, bool *ret_begins)
{
    struct place *place = find(p, room);
    if (!place)
        return ER_NOT_FOUND;
    struct place_of_peer *at = calloc(1, sizeof *at);
    if (!at)
        return ER_NOMEM;
    *at = (struct place_of_peer){
        .peer = peer, .room = place, .request = request, .only_views = only_views};
    at->worker = choose(p, place, only_views);
    int er = map_add_u64(p->peers, peer, at);
    if (er != 0) {
        free(at);
        return er;
    }
    list_append(&place->peers, &at->in_room);
    place->viewers[at->worker] += only_views;
    *ret_worker = at->worker;
    *ret_begins = !(place->workers >> at->worker & 1);
    if (*ret_begins) {
        place->workers |= (uint64_t)1 << at->worker;
        p->rooms_on[at->worker]++;
    }
    return 0;
}

void places_not_there(struct places *p, const struct id *room, unsigned worker)
{
    struct place *place = find(p, room);
    if (!place || worker == place->home || !(place->workers >> worker & 1))
        return;
    place->workers &= ~((uint64_t)1 << worker);
    p->rooms_on[worker]--;
}

int places_find_peer(const struct places *p, uint64_t peer, unsigned *ret_worker)
{
    const struct place_of_peer *at = map_get_u64(p->peers, peer);
    if (!at)
        return ER_NOT_FOUND;
    *ret_worker = at->worker;
    return 0;
}

void places_remove_peer(struct places *p, uint64_t peer)
{
    struct place_of_peer *at = map_remove_u64(p->peers, peer);
    if (!at)
        return;
    at->room->viewers[at->worker] -= at->only_views;
    list_remove(&at->in_room);
    free(at);
}

void places_refused(struct places *p, uint64_t peer, uint64_t request)
{
    const struct place_of_peer *at = map_get_u64(p->peers, peer);
    if (at && at->request == request)
        places_remove_peer(p, peer);
}
