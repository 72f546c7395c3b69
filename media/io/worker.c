// SPDX-License-Identifier: Apache-2.0
/* The worker's loop: wait for datagrams, commands or a deadline; read what came; let the hub work;
 * send what gathered. While packets keep coming it does not wait for each (rest.h): a turn takes what
 * has gathered, and a burst costs few system calls. */
#include "media/io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/heap.h"
#include "base/thread.h"
#include "media/core/hub.h"
#include "media/io/beat.h"
#include "media/io/candidates.h"
#include "media/io/tcp.h"
#include "media/io/rest.h"
#include "media/io/udp.h"
#include "media/peer/icelite.h"

_Static_assert(sizeof(struct histogram) % sizeof(uint64_t) == 0, "counters are numbers alone");
#define COUNTERS (sizeof(struct media_counters) / sizeof(uint64_t))
#define RECEIVE_ROUNDS 8 /* batches taken before timers and commands get their turn */
#define LETTERS_A_TURN 1024
#define COMMANDS_A_TURN 256 /* and then media again */
#define PAUSE_US 1000       /* until sending is tried again when there were no buffers */
#define PUBLISH_US 2000     /* how old the published counters may be */

struct worker {
    struct worker_config config;
    struct udp *udp;
    struct tcp *tcp;       /* NULL: not served */
    bool reserved_for_tcp; /* the reservation that is open */
    struct msgq *commands;
    struct hub *hub;
    int epoll;
    struct beat beat;
    bool writable_wanted;
    bool commands_left;
    bool letters_left;
    bool stopping;
    uint64_t now_us;
    uint64_t oldest_us; /* when the turn's first datagram came; 0: none yet */
    bool realtime;
    struct histogram relay_delay;
    uint64_t published_us;
    pthread_t thread;
    bool started;
    atomic_uint_least64_t published[COUNTERS]; /* a copy of the hub's totals for other threads */
};

/* The hub's outside */

static uint8_t *reserve(void *ctx, const struct path *to, size_t size)
{
    struct worker *w = ctx;
    w->reserved_for_tcp = to->via >= TCP_VIA_MIN;
    if (w->reserved_for_tcp)
        return w->tcp ? tcp_reserve(w->tcp, to, size) : NULL;
    return udp_reserve(w->udp, &to->remote, to->via, size);
}

static void commit(void *ctx, size_t len)
{
    struct worker *w = ctx;
    if (w->reserved_for_tcp)
        tcp_commit(w->tcp, len);
    else
        udp_commit(w->udp, len);
}

static void release(void *ctx, const struct path *path)
{
    struct worker *w = ctx;
    if (w->tcp)
        tcp_release(w->tcp, path);
}

static void event(void *ctx, const struct media_event *e)
{
    struct worker *w = ctx;
    if (msgq_push(w->config.events, e) == 0)
        return;
    struct media_event lost = *e;
    log_event(w->config.log, LOG_ERROR, "event_lost", "type=%d", (int)e->type);
    media_event_clear(&lost);
}

static int record(void *ctx, struct record_batch *batch)
{
    struct worker *w = ctx;
    return jobs_record(w->config.jobs, batch);
}

static int still(void *ctx, struct still_batch *batch)
{
    struct worker *w = ctx;
    return jobs_still(w->config.jobs, batch);
}

static int post(void *ctx, unsigned worker, const struct mirror_message *letter)
{
    struct worker *w = ctx;
    return mail_post(w->config.mail, w->config.index, worker, letter);
}

static size_t post_room(void *ctx, unsigned worker)
{
    struct worker *w = ctx;
    return mail_room(w->config.mail, w->config.index, worker);
}

static const struct hub_io hub_io = {.post = post,
                                     .post_room = post_room,
                                     .reserve = reserve,
                                     .commit = commit,
                                     .release = release,
                                     .event = event,
                                     .record = record,
                                     .still = still};

/* Commands */

void command_clear(struct command *c)
{
    if (c->offer)
        free(c->offer->wants);
    free(c->offer);
    free(c->clip_config);
    free(c->still);
    free(c->light);
    free(c->identity);
    tcp_arrival_free(c->arrival);
}

static void carry_out(struct worker *w, struct command *c)
{
    struct hub *h = w->hub;
    const struct command_offer *o = c->offer;
    switch (c->type) {
    case COMMAND_ROOM_OPEN:
        if ((c->flag ? hub_room_mirror(h, &c->room, c->home) : hub_room_open(h, &c->room)) != 0)
            log_event(w->config.log, LOG_ERROR, "room_open_failed", "room=%s", c->room.text);
        break;
    case COMMAND_ROOM_CLOSE:
        (void)hub_room_close(h, w->now_us, &c->room);
        break;
    case COMMAND_PEER_ADD:
        hub_peer_add(h, w->now_us, &c->room, &o->config, c->request, o->text, o->len, o->wants,
                     o->want_count);
        break;
    case COMMAND_PEER_OFFER:
        hub_peer_offer(h, w->now_us, &c->room, c->peer, c->request, o->text, o->len, o->wants,
                       o->want_count);
        break;
    case COMMAND_PEER_REMOVE:
        hub_peer_remove(h, w->now_us, &c->room, c->peer);
        break;
    case COMMAND_VIEW:
        hub_view(h, w->now_us, &c->room, c->peer, c->mid, &c->view);
        break;
    case COMMAND_CONSENT:
        hub_consent(h, w->now_us, &c->room, c->identity, c->flag);
        break;
    case COMMAND_MARK:
        hub_mark(h, w->now_us, &c->room, c->identity, c->mark, c->text);
        break;
    case COMMAND_CLIP_START:
        hub_clip_start(h, w->now_us, &c->room, c->clip_config);
        break;
    case COMMAND_CLIP_STOP:
        hub_clip_stop(h, w->now_us, &c->room, &c->clip);
        break;
    case COMMAND_STILL:
        hub_still(h, w->now_us, &c->room, c->still);
        break;
    case COMMAND_LIGHT:
        hub_light(h, w->now_us, &c->room, c->light);
        break;
    case COMMAND_LIGHT_BEGINS:
        hub_light_begins(h, w->now_us, &c->room, c->identity);
        break;
    case COMMAND_STATS:
        hub_stats(h, w->now_us, &c->room, c->request);
        break;
    case COMMAND_CONNECTION:
        if (w->tcp)
            (void)tcp_adopt(w->tcp, w->now_us, c->arrival);
        c->arrival = w->tcp ? NULL : c->arrival;
        break;
    case COMMAND_STOP:
        hub_close_all(h, w->now_us);
        w->stopping = true;
        break;
    }
}

static void carry_out_all(struct worker *w)
{
    struct command c;
    unsigned done = 0;
    msgq_clear_wake(w->commands);
    while (!w->stopping && done < COMMANDS_A_TURN && msgq_pop(w->commands, &c)) {
        carry_out(w, &c);
        command_clear(&c);
        done++;
    }
    w->commands_left = done == COMMANDS_A_TURN;
}

/* The loop */

/** Each with its own time: publishers measure the path by the gaps between packets. Time does not run
 *  backwards for what came while the turn before was still at work. */
static void on_batch(void *ctx, const struct datagram *batch, size_t count)
{
    struct worker *w = ctx;
    if (count > 1)
        hub_foresee(w->hub, batch, count);
    if (w->oldest_us == 0 && count > 0)
        w->oldest_us = batch[0].at_us;
    for (const struct datagram *d = batch; d < batch + count; d++) {
        if (d->at_us > w->now_us)
            w->now_us = d->at_us;
        hub_datagram(w->hub, w->now_us, &d->from, d->data, d->len);
    }
}

static bool on_packet(void *ctx, const struct path *from, uint8_t *data, size_t len)
{
    struct worker *w = ctx;
    w->now_us = clock_now_us();
    hub_datagram(w->hub, w->now_us, from, data, len);
    return hub_has_path(w->hub, from);
}

static void on_connection_gone(void *ctx, const struct path *path)
{
    struct worker *w = ctx;
    hub_path_gone(w->hub, w->now_us, path);
}

static const struct tcp_ops tcp_ops = {.packet = on_packet, .gone = on_connection_gone};

static void watch_writable(struct worker *w, bool wanted)
{
    if (w->writable_wanted == wanted)
        return;
    struct epoll_event ev = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
                             .data.fd = udp_fd(w->udp)};
    (void)epoll_ctl(w->epoll, EPOLL_CTL_MOD, udp_fd(w->udp), &ev);
    w->writable_wanted = wanted;
}

static void publish_counters(struct worker *w)
{
    struct media_counters all = *hub_counters(w->hub);
    uint64_t now[COUNTERS];
    all.relay_delay = w->relay_delay;
    all.realtime = w->realtime;
    if (w->tcp) {
        all.tcp_queued = tcp_queued(w->tcp);
        all.tcp_dropped = tcp_dropped(w->tcp);
    }
    memcpy(now, &all, sizeof now);
    for (size_t i = 0; i < COUNTERS; i++)
        atomic_store_explicit(&w->published[i], now[i], memory_order_relaxed);
}

static int timeout_ms(const struct worker *w)
{
    uint64_t at = hub_deadline_us(w->hub);
    uint64_t now = clock_now_us();
    if (w->commands_left || w->letters_left)
        return 0;
    if (udp_must_pause(w->udp) && at > now + PAUSE_US)
        at = now + PAUSE_US;
    if (at == HEAP_NEVER)
        return -1;
    if (at <= now)
        return 0;
    uint64_t ms = (at - now + 999) / 1000;
    return ms > 60000 ? 60000 : (int)ms;
}

/** Takes what has come; how many datagrams. */
static size_t take_in(struct worker *w)
{
    size_t taken = 0;
    uint64_t now_us = 0;
    for (int round = 0; round < RECEIVE_ROUNDS; round++) {
        size_t n = udp_receive(w->udp, on_batch, w, &now_us);
        taken += n;
        if (n < UDP_BATCH)
            break;
    }
    if (now_us > w->now_us)
        w->now_us = now_us;
    if (w->tcp)
        tcp_receive(w->tcp, w->now_us);
    return taken;
}

static size_t take_mail(struct worker *w)
{
    struct mirror_message letter;
    unsigned from;
    size_t taken = 0;
    mail_clear_wake(w->config.mail, w->config.index);
    while (taken < LETTERS_A_TURN && mail_take(w->config.mail, w->config.index, &from, &letter)) {
        hub_mirror(w->hub, w->now_us, from, &letter);
        taken++;
    }
    w->letters_left = taken == LETTERS_A_TURN;
    return taken;
}

/** The turn's media has left. */
static void note_delay(struct worker *w, uint64_t sent_before)
{
    if (w->oldest_us && hub_counters(w->hub)->packets_out > sent_before)
        histogram_add(&w->relay_delay, clock_now_us() - w->oldest_us);
    w->oldest_us = 0;
}

/** How many packets it found. */
static size_t turn(struct worker *w)
{
    uint64_t sent_before = hub_counters(w->hub)->packets_out;
    size_t found = take_in(w);
    if (w->config.count > 1)
        found += take_mail(w);
    if (w->commands_left || msgq_is_woken(w->commands))
        carry_out_all(w);
    hub_expire(w->hub, w->now_us);
    if (w->config.count > 1)
        mail_ring(w->config.mail, w->config.index);
    bool all = udp_flush(w->udp);
    watch_writable(w, !all && !udp_must_pause(w->udp));
    if (w->tcp)
        tcp_flush(w->tcp, w->now_us);
    note_delay(w, sent_before);
    if (found == 0 || w->now_us - w->published_us >= PUBLISH_US) {
        publish_counters(w);
        w->published_us = w->now_us;
    }
    return found;
}

/** The lowest of the real-time priorities is above all that has none. */
static void go_first(struct worker *w)
{
    const struct sched_param first = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    int why = pthread_setschedparam(pthread_self(), SCHED_RR, &first);
    w->realtime = why == 0;
    if (why != 0)
        log_event(w->config.log, LOG_WARN, "realtime_refused", "worker=%u errno=%d",
                  w->config.index, why);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct rest rest = {0};
    if (w->config.realtime)
        go_first(w);
    (void)prctl(PR_SET_TIMERSLACK, 1000); /* ns: so that a rest is as short as it should be */
    while (!w->stopping) {
        struct epoll_event events[4];
        uint64_t rest_us = rest_until_us(&rest);
        if (rest_us)
            beat_wait(&w->beat, rest_us, rest_then_us(&rest));
        else if (epoll_wait(w->epoll, events, 4, timeout_ms(w)) < 0 && errno != EINTR)
            break;
        size_t found = turn(w);
        rest_note(&rest, w->now_us, found);
    }
    (void)udp_flush(w->udp);
    if (w->tcp)
        tcp_flush(w->tcp, w->now_us);
    return NULL;
}

/* Start and stop */

static int make_hub(struct worker *w)
{
    const struct worker_config *c = &w->config;
    struct addr udp[CANDIDATES_MAX], tcp[CANDIDATES_MAX], bound = udp_address(w->udp);
    size_t udp_count = candidates_find(&bound, c->public_addresses, c->public_address_count, udp);
    size_t tcp_count = 0;
    if (w->tcp)
        tcp_count = candidates_find(&c->tcp, c->public_addresses, c->public_address_count, tcp);
    struct hub_config config = {.io = &hub_io,
                                .io_ctx = w,
                                .entropy = entropy_system(),
                                .identity = w->config.identity,
                                .candidates = udp,
                                .candidate_count = udp_count,
                                .tcp_candidates = tcp,
                                .tcp_candidate_count = tcp_count,
                                .ufrag_mark = icelite_mark(w->config.index),
                                .unix_offset_us = clock_unix_us() - clock_now_us(),
                                .lookback_us = w->config.lookback_us,
                                .first_track = 1 + w->config.index,
                                .track_step = w->config.count};
    return hub_new(&w->hub, &config);
}

static int make_epoll(struct worker *w)
{
    struct epoll_event udp = {.events = EPOLLIN, .data.fd = udp_fd(w->udp)};
    struct epoll_event commands = {.events = EPOLLIN, .data.fd = msgq_fd(w->commands)};
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, udp.data.fd, &udp) != 0 ||
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, commands.data.fd, &commands) != 0)
        return ER_IO;
    struct epoll_event mail = {.events = EPOLLIN, .data.fd = -1};
    if (w->config.count > 1) {
        mail.data.fd = mail_fd(w->config.mail, w->config.index);
        if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, mail.data.fd, &mail) != 0)
            return ER_IO;
    }
    if (!w->tcp)
        return 0;
    struct epoll_event tcp = {.events = EPOLLIN, .data.fd = tcp_fd(w->tcp)};
    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, tcp.data.fd, &tcp) != 0 ? ER_IO : 0;
}

static int start(struct worker *w)
{
    int er = udp_open(&w->udp, &w->config.udp);
    if (er == 0)
        er = msgq_new(&w->commands, sizeof(struct command), LIMIT_COMMAND_QUEUE);
    if (er == 0 && w->config.tcp.port)
        er = tcp_new(&w->tcp, &tcp_ops, w, w->config.tcp_gone);
    if (er == 0)
        er = make_epoll(w);
    if (er == 0)
        er = beat_open(&w->beat);
    if (er == 0)
        er = make_hub(w);
    char name[THREAD_NAME_BYTES];
    (void)snprintf(name, sizeof name, "worker %u", w->config.index);
    if (er == 0)
        er = thread_start(&w->thread, name, run, w);
    w->started = er == 0;
    return er;
}

int worker_start(struct worker **ret, const struct worker_config *config)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w)
        return ER_NOMEM;
    w->config = *config;
    w->epoll = -1;
    int er = start(w);
    if (er != 0) {
        worker_stop(w);
        return er;
    }
    *ret = w;
    return 0;
}

void worker_stop(struct worker *w)
{
    struct command c = {.type = COMMAND_STOP};
    if (!w)
        return;
    if (w->started) {
        while (msgq_push(w->commands, &c) == ER_FULL)
            sched_yield();
        pthread_join(w->thread, NULL);
    }
    while (w->commands && msgq_pop(w->commands, &c))
        command_clear(&c);
    hub_free(w->hub);
    msgq_free(w->commands);
    tcp_free(w->tcp);
    udp_close(w->udp);
    beat_close(&w->beat);
    if (w->epoll >= 0)
        close(w->epoll);
    free(w);
}

struct addr worker_address(const struct worker *w)
{
    return udp_address(w->udp);
}

int worker_command(struct worker *w, const struct command *c)
{
    return msgq_push(w->commands, c);
}

void worker_add_counters(const struct worker *w, struct media_counters *sum)
{
    uint64_t total[COUNTERS];
    memcpy(total, sum, sizeof total);
    for (size_t i = 0; i < COUNTERS; i++)
        total[i] += atomic_load_explicit(&w->published[i], memory_order_relaxed);
    memcpy(sum, total, sizeof total);
}
