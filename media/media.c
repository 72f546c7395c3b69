// SPDX-License-Identifier: Apache-2.0
/* The engine's face: remembers which worker has which room, and turns calls into commands. */
#include "media/media.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/map.h"
#include "base/msgq.h"
#include "base/str.h"
#include "media/io/door.h"
#include "media/io/worker.h"
#include "media/peer/srtp.h"

/** Where a room is. */
struct place {
    unsigned worker;
};

struct media {
    struct log *log;
    struct addr *public_addresses;
    struct dtls_identity *identity;
    struct msgq *events;
    struct jobs *jobs;
    struct door *door; /* NULL: no media over TCP */
    struct map *rooms; /* id text -> struct place */
    unsigned worker_count;
    struct worker *workers[LIMIT_WORKERS];
    size_t rooms_on[LIMIT_WORKERS];
};

/** On the door's thread. */
static int deliver(void *ctx, unsigned worker, struct tcp_arrival *arrival)
{
    struct media *m = ctx;
    const struct command c = {.type = COMMAND_CONNECTION, .arrival = arrival};
    return worker_command(m->workers[worker], &c);
}

static int make_door(struct media *m, const struct media_config *config)
{
    const struct door_config d = {.address = config->tcp,
                                  .workers = config->workers,
                                  .deliver = deliver,
                                  .ctx = m,
                                  .log = config->log};
    return config->has_tcp ? door_new(&m->door, &d) : 0;
}

static int start_workers(struct media *m, const struct media_config *config)
{
    struct worker_config w = {.count = config->workers,
                              .udp = config->udp,
                              .public_addresses = m->public_addresses,
                              .public_address_count = config->public_address_count,
                              .identity = m->identity,
                              .events = m->events,
                              .jobs = m->jobs,
                              .log = config->log};
    if (m->door) {
        w.tcp = door_address(m->door);
        w.tcp_gone = door_gone(m->door);
    }
    for (unsigned i = 0; i < config->workers; i++) {
        w.index = i;
        if (config->udp.port)
            w.udp.port = (uint16_t)(config->udp.port + i);
        int er = worker_start(&m->workers[i], &w);
        if (er != 0)
            return er;
        m->worker_count++;
    }
    return 0;
}

static int start(struct media *m, const struct media_config *config)
{
    struct entropy entropy = entropy_system();
    int er = srtp_pair_library_init();
    m->public_addresses = calloc(config->public_address_count + 1, sizeof *m->public_addresses);
    if (!m->public_addresses)
        return ER_NOMEM;
    if (config->public_address_count)
        memcpy(m->public_addresses, config->public_addresses,
               config->public_address_count * sizeof *m->public_addresses);
    if (er == 0)
        er = map_new(&m->rooms, (size_t)LIMIT_ROOMS * config->workers, entropy_u64(&entropy));
    if (er == 0)
        er = dtls_identity_new(&m->identity);
    if (er == 0)
        er = msgq_new(&m->events, sizeof(struct media_event), LIMIT_EVENT_QUEUE);
    if (er == 0)
        er = jobs_start(&m->jobs, config->jobs, m->events, config->log);
    if (er == 0)
        er = make_door(m, config);
    if (er == 0)
        er = start_workers(m, config);
    if (er == 0 && m->door)
        er = door_start(m->door);
    return er;
}

int media_start(struct media **ret, const struct media_config *config)
{
    sigset_t all, before;
    if (config->workers < 1 || config->workers > LIMIT_WORKERS || config->jobs < 1 ||
        config->jobs > 8 || config->udp.port + config->workers > 65536)
        return ER_INVALID;
    struct media *m = calloc(1, sizeof *m);
    if (!m)
        return ER_NOMEM;
    m->log = config->log;
    /* Signals are the main thread's: what is started here inherits a full mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int er = start(m, config);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (er != 0) {
        media_stop(m);
        return er;
    }
    *ret = m;
    return 0;
}

void media_stop(struct media *m)
{
    struct media_event event;
    if (!m)
        return;
    door_stop(m->door);
    for (unsigned i = 0; i < m->worker_count; i++)
        worker_stop(m->workers[i]);
    door_free(m->door);
    jobs_stop(m->jobs);
    while (m->events && msgq_pop(m->events, &event))
        media_event_clear(&event);
    size_t cursor = 0;
    void *place;
    while (m->rooms && map_next(m->rooms, &cursor, NULL, NULL, &place))
        free(place);
    map_free(m->rooms);
    msgq_free(m->events);
    dtls_identity_free(m->identity);
    free(m->public_addresses);
    free(m);
}

struct addr media_worker_address(const struct media *m, unsigned i)
{
    return worker_address(m->workers[i]);
}

struct addr media_tcp_address(const struct media *m)
{
    return m->door ? door_address(m->door) : (struct addr){0};
}

int media_event_fd(const struct media *m)
{
    return msgq_fd(m->events);
}

void media_read_counters(const struct media *m, struct media_counters *ret)
{
    *ret = (struct media_counters){0};
    for (unsigned i = 0; i < m->worker_count; i++)
        worker_add_counters(m->workers[i], ret);
    if (!m->door)
        return;
    struct door_counters n;
    door_read_counters(m->door, &n);
    ret->tcp_connections = n.connections;
    ret->tcp_delivered = n.delivered;
    ret->tcp_refused = n.refused;
    ret->tcp_dismissed = n.dismissed;
}

/* Commands */

/** Sends a command to the room's worker; on an error what the command owns is released. */
static int command(struct media *m, struct command *c)
{
    const struct place *place = map_get_str(m->rooms, c->room.text);
    int er = place ? worker_command(m->workers[place->worker], c) : ER_NOT_FOUND;
    if (er != 0)
        command_clear(c);
    return er;
}

static unsigned least_used(const struct media *m)
{
    unsigned best = 0;
    for (unsigned i = 1; i < m->worker_count; i++)
        if (m->rooms_on[i] < m->rooms_on[best])
            best = i;
    return best;
}

int media_room_open(struct media *m, const struct id *room)
{
    struct command c = {.type = COMMAND_ROOM_OPEN, .room = *room};
    struct place *place = calloc(1, sizeof *place);
    if (!place)
        return ER_NOMEM;
    place->worker = least_used(m);
    if (m->rooms_on[place->worker] >= LIMIT_ROOMS) {
        free(place);
        return ER_FULL;
    }
    int er = map_add_str(m->rooms, room->text, place);
    if (er != 0) {
        free(place);
        return er;
    }
    er = command(m, &c);
    if (er != 0) {
        free(map_remove_str(m->rooms, room->text));
        return er;
    }
    m->rooms_on[place->worker]++;
    return 0;
}

int media_room_close(struct media *m, const struct id *room)
{
    struct command c = {.type = COMMAND_ROOM_CLOSE, .room = *room};
    int er = command(m, &c);
    if (er != 0)
        return er;
    struct place *place = map_remove_str(m->rooms, room->text);
    m->rooms_on[place->worker]--;
    free(place);
    return 0;
}

static struct command_offer *copy_offer(const char *offer, size_t len,
                                        const struct media_want *wants, size_t want_count)
{
    struct command_offer *o = calloc(1, sizeof *o + len + 1);
    if (!o)
        return NULL;
    memcpy(o->text, offer, len);
    o->len = len;
    if (want_count == 0)
        return o;
    o->wants = calloc(want_count, sizeof *o->wants);
    if (!o->wants) {
        free(o);
        return NULL;
    }
    memcpy(o->wants, wants, want_count * sizeof *wants);
    o->want_count = want_count;
    return o;
}

static int offer_command(struct media *m, struct command *c, const struct media_peer_config *config,
                         const char *offer, size_t len, const struct media_want *wants,
                         size_t want_count)
{
    if (len > LIMIT_SDP_BYTES || want_count > LIMIT_SDP_MEDIA)
        return ER_INVALID;
    c->offer = copy_offer(offer, len, wants, want_count);
    if (!c->offer)
        return ER_NOMEM;
    if (config)
        c->offer->config = *config;
    return command(m, c);
}

int media_peer_add(struct media *m, const struct id *room, const struct media_peer_config *config,
                   uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                   size_t want_count)
{
    struct command c = {.type = COMMAND_PEER_ADD, .room = *room, .request = request};
    c.peer = config->peer;
    return offer_command(m, &c, config, offer, len, wants, want_count);
}

int media_peer_offer(struct media *m, const struct id *room, uint64_t peer, uint64_t request,
                     const char *offer, size_t len, const struct media_want *wants,
                     size_t want_count)
{
    struct command c = {.type = COMMAND_PEER_OFFER, .room = *room, .request = request};
    c.peer = peer;
    return offer_command(m, &c, NULL, offer, len, wants, want_count);
}

int media_peer_remove(struct media *m, const struct id *room, uint64_t peer)
{
    struct command c = {.type = COMMAND_PEER_REMOVE, .room = *room, .peer = peer};
    return command(m, &c);
}

int media_view(struct media *m, const struct id *room, uint64_t peer, const char *mid,
               const struct media_view *view)
{
    struct command c = {.type = COMMAND_VIEW, .room = *room, .peer = peer, .view = *view};
    return str_copy(c.mid, sizeof c.mid, mid) == 0 ? command(m, &c)
                                                   : 0; /* too long: no such line */
}

int media_consent(struct media *m, const struct id *room, const char *identity, bool recording)
{
    struct command c = {.type = COMMAND_CONSENT, .room = *room, .flag = recording};
    c.identity = strdup(identity);
    return c.identity ? command(m, &c) : ER_NOMEM;
}

int media_clip_start(struct media *m, const struct id *room, const struct media_clip_config *config)
{
    struct command c = {.type = COMMAND_CLIP_START, .room = *room};
    c.clip_config = malloc(sizeof *c.clip_config);
    if (!c.clip_config)
        return ER_NOMEM;
    *c.clip_config = *config;
    return command(m, &c);
}

int media_clip_stop(struct media *m, const struct id *room, const struct id *clip)
{
    struct command c = {.type = COMMAND_CLIP_STOP, .room = *room, .clip = *clip};
    return command(m, &c);
}

int media_clip_repair(struct media *m, const struct id *clip, const char *path)
{
    return jobs_repair(m->jobs, clip, path);
}

int media_stats(struct media *m, const struct id *room, uint64_t request)
{
    struct command c = {.type = COMMAND_STATS, .room = *room, .request = request};
    return command(m, &c);
}

/* Events */

bool media_next_event(struct media *m, struct media_event *ret)
{
    if (!msgq_pop(m->events, ret)) {
        msgq_clear_wake(m->events);
        if (!msgq_pop(m->events, ret))
            return false;
    }
    /* A clip that ended by itself (a full disk) still has a reader in its room. */
    bool ended = ret->type == MEDIA_CLIP_FAILED || ret->type == MEDIA_CLIP_READY;
    if (ended && id_is_set(&ret->room))
        (void)media_clip_stop(m, &ret->room, &ret->clip);
    return true;
}
