// SPDX-License-Identifier: Apache-2.0
/* The engine's face: remembers which worker has which room, and turns calls into commands. */
#include "media/media.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/msgq.h"
#include "base/str.h"
#include "media/io/mail.h"
#include "media/io/places.h"
#include "media/io/stats_merge.h"
#include "media/io/door.h"
#include "media/io/worker.h"
#include "media/peer/srtp.h"

struct media {
    struct log *log;
    struct addr *public_addresses;
    struct dtls_identity *identity;
    struct msgq *events;
    struct jobs *jobs;
    struct door *door;    /* NULL: no media over TCP */
    struct msgq *sockets; /* descriptors that the door passed on */
    struct places *places;
    struct mail *mail;
    struct stats_merge stats;
    unsigned worker_count;
    struct worker *workers[LIMIT_WORKERS];
};

/** On the door's thread. */
static int deliver(void *ctx, unsigned worker, struct tcp_arrival *arrival)
{
    struct media *m = ctx;
    const struct command c = {.type = COMMAND_CONNECTION, .arrival = arrival};
    return worker_command(m->workers[worker], &c);
}

/** On the door's thread. */
static int pass_on(void *ctx, int fd)
{
    struct media *m = ctx;
    return msgq_push(m->sockets, &fd);
}

static int make_door(struct media *m, const struct media_config *config)
{
    const struct door_config d = {.address = config->tcp,
                                  .workers = config->workers,
                                  .deliver = deliver,
                                  .pass_on = config->shares_tcp ? pass_on : NULL,
                                  .ctx = m,
                                  .log = config->log};
    if (!config->has_tcp)
        return 0;
    int er = msgq_new(&m->sockets, sizeof(int), LIMIT_TCP_PENDING);
    return er == 0 ? door_new(&m->door, &d) : er;
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
                              .lookback_us = config->lookback_seconds * UINT64_C(1000000),
                              .realtime = config->realtime,
                              .mail = m->mail,
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
    int er = srtp_pair_library_init();
    m->public_addresses = calloc(config->public_address_count + 1, sizeof *m->public_addresses);
    if (!m->public_addresses)
        return ER_NOMEM;
    if (config->public_address_count)
        memcpy(m->public_addresses, config->public_addresses,
               config->public_address_count * sizeof *m->public_addresses);
    if (er == 0)
        er = places_new(&m->places, config->workers);
    if (er == 0)
        er = mail_new(&m->mail, config->workers);
    if (er == 0)
        er = dtls_identity_new(&m->identity);
    if (er == 0)
        er = msgq_new(&m->events, sizeof(struct media_event), LIMIT_EVENT_QUEUE);
    if (er == 0)
        er = jobs_start(&m->jobs, config->jobs, m->events, config->log, config->vault);
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
    stats_merge_init(&m->stats);
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
    int fd;
    while (m->sockets && msgq_pop(m->sockets, &fd))
        close(fd);
    msgq_free(m->sockets);
    jobs_stop(m->jobs);
    while (m->events && msgq_pop(m->events, &event))
        media_event_clear(&event);
    mail_free(m->mail);
    places_free(m->places);
    stats_merge_clear(&m->stats);
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

bool media_next_socket(struct media *m, int *ret_fd)
{
    if (msgq_pop(m->sockets, ret_fd))
        return true;
    msgq_clear_wake(m->sockets);
    return msgq_pop(m->sockets, ret_fd);
}

int media_socket_fd(const struct media *m)
{
    return msgq_fd(m->sockets);
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

/** On an error what the command owns is released. */
static int command_to(struct media *m, unsigned worker, struct command *c)
{
    int er = worker_command(m->workers[worker], c);
    if (er != 0)
        command_clear(c);
    return er;
}

/** To the worker of the peer that it concerns, else to the room's home, which says that it knows of
 *  no such peer. */
static int command(struct media *m, struct command *c)
{
    unsigned worker;
    if (c->peer && places_find_peer(m->places, c->peer, &worker) == 0)
        return command_to(m, worker, c);
    int er = places_home(m->places, &c->room, &worker);
    if (er == 0)
        return command_to(m, worker, c);
    command_clear(c);
    return er;
}

int media_room_open(struct media *m, const struct id *room)
{
    struct command c = {.type = COMMAND_ROOM_OPEN, .room = *room};
    unsigned home;
    int er = places_open_room(m->places, room, &home);
    if (er != 0)
        return er;
    er = command_to(m, home, &c);
    if (er != 0)
        places_close_room(m->places, room);
    return er;
}

/** Mirrors first: until all of them have heard of it the room is there, and it can be tried again. */
int media_room_close(struct media *m, const struct id *room)
{
    struct command c = {.type = COMMAND_ROOM_CLOSE, .room = *room};
    uint64_t workers = places_workers(m->places, room);
    unsigned home;
    int er = places_home(m->places, room, &home);
    for (unsigned i = 0; er == 0 && i < m->worker_count; i++) {
        if (i == home || !(workers >> i & 1))
            continue;
        er = command_to(m, i, &c);
        if (er == 0)
            places_not_there(m->places, room, i);
    }
    if (er == 0)
        er = command(m, &c);
    if (er == 0)
        places_close_room(m->places, room);
    return er;
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

static int make_offer(struct command *c, const char *offer, size_t len,
                      const struct media_want *wants, size_t want_count)
{
    if (len > LIMIT_SDP_BYTES || want_count > LIMIT_SDP_MEDIA)
        return ER_INVALID;
    c->offer = copy_offer(offer, len, wants, want_count);
    return c->offer ? 0 : ER_NOMEM;
}

/** The worker that a new peer goes to has its room from then on. */
static int place_peer(struct media *m, const struct command *add)
{
    struct command open = {.type = COMMAND_ROOM_OPEN, .room = add->room, .flag = true};
    bool begins;
    unsigned worker;
    int er = places_add_peer(m->places, &add->room, add->peer, add->request,
                             !add->offer->config.may_publish, &worker, &begins);
    if (er == 0 && begins) {
        (void)places_home(m->places, &add->room, &open.home);
        er = command_to(m, worker, &open);
        if (er != 0)
            places_not_there(m->places, &add->room, worker);
    }
    return er;
}

int media_peer_add(struct media *m, const struct id *room, const struct media_peer_config *config,
                   uint64_t request, const char *offer, size_t len, const struct media_want *wants,
                   size_t want_count)
{
    struct command c = {
        .type = COMMAND_PEER_ADD, .room = *room, .request = request, .peer = config->peer};
    int er = make_offer(&c, offer, len, wants, want_count);
    if (er != 0)
        return er;
    c.offer->config = *config;
    er = place_peer(m, &c);
    if (er != 0)
        command_clear(&c);
    else
        er = command(m, &c);
    if (er != 0)
        places_refused(m->places, config->peer, request);
    return er;
}

int media_peer_offer(struct media *m, const struct id *room, uint64_t peer, uint64_t request,
                     const char *offer, size_t len, const struct media_want *wants,
                     size_t want_count)
{
    struct command c = {
        .type = COMMAND_PEER_OFFER, .room = *room, .request = request, .peer = peer};
    int er = make_offer(&c, offer, len, wants, want_count);
    return er == 0 ? command(m, &c) : er;
}

int media_peer_remove(struct media *m, const struct id *room, uint64_t peer)
{
    struct command c = {.type = COMMAND_PEER_REMOVE, .room = *room, .peer = peer};
    int er = command(m, &c);
    if (er == 0)
        places_remove_peer(m->places, peer);
    return er;
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

int media_mark(struct media *m, const struct id *room, const char *identity,
               enum framelog_mark mark, const char *text)
{
    struct command c = {.type = COMMAND_MARK, .room = *room, .mark = mark};
    (void)str_copy(c.text, sizeof c.text, text);
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

int media_clip_trim(struct media *m, const struct media_trim_config *config)
{
    return jobs_trim(m->jobs, config);
}

int media_still(struct media *m, const struct id *room, const struct media_still_config *config)
{
    struct command c = {.type = COMMAND_STILL, .room = *room};
    c.still = malloc(sizeof *c.still);
    if (!c.still)
        return ER_NOMEM;
    *c.still = *config;
    return command(m, &c);
}

int media_light(struct media *m, const struct id *room, const struct media_light_config *config)
{
    struct command c = {.type = COMMAND_LIGHT, .room = *room};
    c.light = malloc(sizeof *c.light);
    if (!c.light)
        return ER_NOMEM;
    *c.light = *config;
    return command(m, &c);
}

int media_light_begins(struct media *m, const struct id *room, const char *publisher)
{
    struct command c = {.type = COMMAND_LIGHT_BEGINS, .room = *room};
    c.identity = strdup(publisher);
    return c.identity ? command(m, &c) : ER_NOMEM;
}

int media_photo(struct media *m, const struct id *room, const struct media_photo_config *config)
{
    return jobs_photo(m->jobs, room, config);
}

int media_stats(struct media *m, const struct id *room, uint64_t request)
{
    struct command c = {.type = COMMAND_STATS, .room = *room, .request = request};
    uint64_t workers = places_workers(m->places, room);
    unsigned asked = 0;
    if (workers == 0)
        return ER_NOT_FOUND;
    int er = stats_merge_ask(&m->stats, request, (unsigned)__builtin_popcountll(workers));
    for (unsigned i = 0; er == 0 && i < m->worker_count; i++) {
        if (!(workers >> i & 1))
            continue;
        if (command_to(m, i, &c) == 0)
            asked++;
        else
            stats_merge_forget(&m->stats, request);
    }
    return er == 0 && asked == 0 ? ER_FULL : er;
}

/* Events */

/** What this thread itself has to know of an event. False: it is not for the caller. */
static bool note_event(struct media *m, struct media_event *e)
{
    switch (e->type) {
    case MEDIA_CLIP_FAILED:
    case MEDIA_CLIP_READY:
        /* A clip that ended by itself (a full disk) still has a reader in its room. */
        if (id_is_set(&e->room))
            (void)media_clip_stop(m, &e->room, &e->clip);
        return true;
    case MEDIA_PEER_GONE:
        places_remove_peer(m->places, e->peer);
        return true;
    case MEDIA_REFUSED:
        places_refused(m->places, e->peer, e->request);
        return true;
    case MEDIA_STATS:
        return stats_merge_answer(&m->stats, e);
    default:
        return true;
    }
}

static bool next_event(struct media *m, struct media_event *ret)
{
    if (msgq_pop(m->events, ret))
        return true;
    msgq_clear_wake(m->events);
    return msgq_pop(m->events, ret);
}

bool media_next_event(struct media *m, struct media_event *ret)
{
    while (next_event(m, ret))
        if (note_event(m, ret))
            return true;
    return false;
}
