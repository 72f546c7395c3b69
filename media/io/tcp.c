// SPDX-License-Identifier: Apache-2.0
/* Connections in a table; `via` is the place in it and a generation, so that one that ended is never
 * taken for another. They have an epoll of their own, which the worker's waits for. Each has a buffer
 * for a packet that is not whole yet, and one that grows for what the system does not take at once. */
#include "media/io/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/er.h"
#include "base/list.h"
#include "media/wire/framing.h"

#define PLACE_BITS 13 /* of `via`; the rest is the generation */
#define PLACES (1u << PLACE_BITS)
#define EVENTS 64
#define READ_ROUNDS 16                         /* of one connection, before others get their turn */
#define OUT_BYTES 16384                        /* what a buffer for waiting bytes begins with, */
#define LARGE_OUT_BYTES (LIMIT_TCP_QUEUE / 16) /* and shrinks to when none wait */
#define SMALL_BYTES 400 /* sound, reports and checks still go where large packets are dropped */
#define LARGEST_BYTES 2048
#define UNSENT_BYTES 32768 /* kept by the system beyond what is on its way */

_Static_assert(LIMIT_TCP_CONNECTIONS <= PLACES, "each connection has a place");
_Static_assert(TCP_VIA_MIN == PLACES, "generations begin with 1");

struct connection {
    struct list dirty; /* has something for tcp_flush to do */
    struct path path;
    int fd;
    bool known;           /* its first packet was taken */
    bool ended;           /* to be closed by tcp_flush */
    bool writable_wanted; /* the system took not all */
    bool slow;            /* large packets are dropped until nothing waits */
    uint64_t mark_us;     /* when the byte before `mark` came; 0: nothing waits */
    size_t mark;          /* counted from out_begin */
    size_t out_begin, out_end, out_size;
    uint8_t *out;
    struct framing in;
};

struct tcp {
    struct tcp_ops ops;
    void *ctx;
    struct msgq *gone;
    int epoll;
    uint64_t now_us;
    size_t count;
    size_t queued; /* bytes of all buffers of what waits */
    uint64_t dropped;
    struct list dirty;
    struct connection *reserved; /* NULL: no reservation is open */
    uint32_t generation;
    size_t free_count;
    uint16_t free_places[PLACES];
    struct connection *places[PLACES];
};

void tcp_arrival_free(struct tcp_arrival *a)
{
    if (a && a->fd >= 0)
        close(a->fd);
    free(a);
}

int tcp_new(struct tcp **ret, const struct tcp_ops *ops, void *ctx, struct msgq *gone)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return ER_NOMEM;
    t->ops = *ops;
    t->ctx = ctx;
    t->gone = gone;
    list_init(&t->dirty);
    while (t->free_count < PLACES) {
        t->free_places[t->free_count] = (uint16_t)(PLACES - 1 - t->free_count);
        t->free_count++;
    }
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (t->epoll < 0) {
        tcp_free(t);
        return ER_IO;
    }
    *ret = t;
    return 0;
}

static void connection_free(struct tcp *t, struct connection *c)
{
    uint32_t place = c->path.via & (PLACES - 1);
    list_remove(&c->dirty);
    close(c->fd);
    if (t->gone)
        (void)msgq_push(t->gone, &c->path.remote);
    t->places[place] = NULL;
    t->free_places[t->free_count++] = (uint16_t)place;
    t->count--;
    t->queued -= c->out_size;
    free(c->out);
    free(c);
}

void tcp_free(struct tcp *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < PLACES; i++)
        if (t->places[i])
            connection_free(t, t->places[i]);
    if (t->epoll >= 0)
        close(t->epoll);
    free(t);
}

int tcp_fd(const struct tcp *t)
{
    return t->epoll;
}

size_t tcp_count(const struct tcp *t)
{
    return t->count;
}

size_t tcp_queued(const struct tcp *t)
{
    return t->queued;
}

uint64_t tcp_dropped(const struct tcp *t)
{
    return t->dropped;
}

static struct connection *find(const struct tcp *t, const struct path *path)
{
    struct connection *c = t->places[path->via & (PLACES - 1)];
    return c && path_equal(&c->path, path) ? c : NULL;
}

static void make_dirty(struct tcp *t, struct connection *c)
{
    if (!list_linked(&c->dirty))
        list_append(&t->dirty, &c->dirty);
}

/** It goes when its turn in tcp_flush comes; until then nothing is read and nothing is put in. */
static void end(struct tcp *t, struct connection *c, bool tell)
{
    if (c->ended)
        return;
    c->ended = true;
    make_dirty(t, c);
    if (tell && c->known)
        t->ops.gone(t->ctx, &c->path);
}

void tcp_release(struct tcp *t, const struct path *path)
{
    struct connection *c = find(t, path);
    if (c)
        end(t, c, false);
}

/* Reading */

static void hand_out(struct tcp *t, struct connection *c)
{
    uint8_t *packet;
    size_t len;
    int got = 0;
    while (!c->ended && (got = framing_next(&c->in, &packet, &len)) == 1) {
        bool taken = t->ops.packet(t->ctx, &c->path, packet, len);
        if (!c->known && !taken)
            end(t, c, false);
        c->known = true;
    }
    if (got < 0)
        end(t, c, true);
}

static void read_some(struct tcp *t, struct connection *c)
{
    for (int round = 0; round < READ_ROUNDS && !c->ended; round++) {
        uint8_t *at;
        size_t room = framing_room(&c->in, &at);
        ssize_t n = recv(c->fd, at, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            end(t, c, true);
            return;
        }
        framing_add(&c->in, (size_t)n);
        hand_out(t, c);
        if ((size_t)n < room)
            return;
    }
}

static void set_options(int fd)
{
    int on = 1, unsent = UNSENT_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
}

static struct connection *connection_new(struct tcp *t, struct tcp_arrival *a)
{
    struct connection *c = t->free_count ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    uint32_t place = t->free_places[t->free_count - 1];
    t->generation = t->generation % ((UINT32_MAX >> PLACE_BITS) - 1) + 1; /* never 0: that is UDP */
    c->path = (struct path){.remote = a->remote, .via = t->generation << PLACE_BITS | place};
    c->fd = a->fd;
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = place};
    if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) {
        free(c);
        return NULL;
    }
    a->fd = -1;
    t->free_count--;
    t->places[place] = c;
    t->count++;
    return c;
}

int tcp_adopt(struct tcp *t, uint64_t now_us, struct tcp_arrival *a)
{
    struct connection *c = NULL;
    uint8_t *at;
    t->now_us = now_us;
    if (a->len <= LIMIT_TCP_READ)
        c = connection_new(t, a);
    if (!c) {
        if (t->gone)
            (void)msgq_push(t->gone, &a->remote);
        tcp_arrival_free(a);
        return ER_FULL;
    }
    set_options(c->fd);
    (void)framing_room(&c->in, &at);
    memcpy(at, a->bytes, a->len);
    framing_add(&c->in, a->len);
    tcp_arrival_free(a);
    hand_out(t, c);
    return c->ended ? ER_DENIED : 0;
}

void tcp_receive(struct tcp *t, uint64_t now_us)
{
    struct epoll_event events[EVENTS];
    t->now_us = now_us;
    int n = epoll_wait(t->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct connection *c = t->places[events[i].data.u32];
        if (events[i].events & EPOLLOUT)
            make_dirty(t, c);
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
            read_some(t, c);
    }
}

/* Writing */

static size_t waiting(const struct connection *c)
{
    return c->out_end - c->out_begin;
}

static void watch_writable(struct tcp *t, struct connection *c, bool wanted)
{
    struct epoll_event ev = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
                             .data.u32 = c->path.via & (PLACES - 1)};
    if (c->writable_wanted == wanted)
        return;
    (void)epoll_ctl(t->epoll, EPOLL_CTL_MOD, c->fd, &ev);
    c->writable_wanted = wanted;
}

/** `mark` says how old the oldest byte is at most: it is set at the end of what waits, and again
 *  when that has gone. */
static void note_age(struct tcp *t, struct connection *c, size_t sent)
{
    c->mark = sent < c->mark ? c->mark - sent : 0;
    if (waiting(c) == 0) {
        c->mark_us = 0;
        c->slow = false;
    } else if (c->mark == 0) {
        c->mark = waiting(c);
        c->mark_us = t->now_us;
    }
    if (c->mark_us && t->now_us - c->mark_us > LIMIT_TCP_QUEUE_US)
        c->slow = true;
}

static void shrink(struct tcp *t, struct connection *c)
{
    c->out_begin = c->out_end = 0;
    if (c->out_size <= LARGE_OUT_BYTES && t->queued < LIMIT_TCP_QUEUES / 2)
        return;
    t->queued -= c->out_size;
    free(c->out);
    c->out = NULL;
    c->out_size = 0;
}

static void write_some(struct tcp *t, struct connection *c)
{
    size_t sent = 0;
    bool full = false;
    while (waiting(c) > 0 && !full) {
        ssize_t n = send(c->fd, c->out + c->out_begin, waiting(c), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            c->out_begin += (size_t)n;
            sent += (size_t)n;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            full = true;
        } else if (n == 0 || errno != EINTR) {
            c->out_begin = c->out_end;
            end(t, c, true);
        }
    }
    note_age(t, c, sent);
    if (waiting(c) == 0)
        shrink(t, c);
    if (!c->ended)
        watch_writable(t, c, full);
}

/** May a buffer be of `wanted` bytes, `more` than before? A few that take nothing shall not leave the
 *  others without. */
static bool may_wait(const struct tcp *t, size_t wanted, size_t more)
{
    size_t most = wanted > LARGE_OUT_BYTES ? LIMIT_TCP_QUEUES / 2 : LIMIT_TCP_QUEUES;
    return wanted <= LIMIT_TCP_QUEUE && t->queued + more <= most;
}

/** Room for `size` bytes behind what waits. */
static bool make_room(struct tcp *t, struct connection *c, size_t size)
{
    if (c->out_size - c->out_end >= size)
        return true;
    if (c->out_begin > 0) {
        memmove(c->out, c->out + c->out_begin, waiting(c));
        c->out_end -= c->out_begin;
        c->out_begin = 0;
    }
    if (c->out_size - c->out_end >= size)
        return true;
    size_t wanted = c->out_size ? c->out_size * 2 : OUT_BYTES;
    uint8_t *out = may_wait(t, wanted, wanted - c->out_size) ? realloc(c->out, wanted) : NULL;
    if (!out)
        return false;
    t->queued += wanted - c->out_size;
    c->out = out;
    c->out_size = wanted;
    return true;
}

uint8_t *tcp_reserve(struct tcp *t, const struct path *to, size_t size)
{
    struct connection *c = find(t, to);
    t->reserved = NULL;
    if (!c || c->ended || size > LARGEST_BYTES)
        return NULL;
    if ((c->slow && size > SMALL_BYTES) || !make_room(t, c, FRAMING_HEADER + size)) {
        t->dropped++;
        return NULL;
    }
    t->reserved = c;
    return c->out + c->out_end + FRAMING_HEADER;
}

void tcp_commit(struct tcp *t, size_t len)
{
    struct connection *c = t->reserved;
    t->reserved = NULL;
    if (!c || len == 0)
        return;
    framing_write_header(c->out + c->out_end, len);
    c->out_end += FRAMING_HEADER + len;
    make_dirty(t, c);
}

void tcp_flush(struct tcp *t, uint64_t now_us)
{
    t->now_us = now_us;
    while (!list_empty(&t->dirty)) {
        struct connection *c = container_of(t->dirty.next, struct connection, dirty);
        list_remove(&c->dirty);
        write_some(t, c); /* a released one too: its close_notify is still wanted */
        if (c->ended)
            connection_free(t, c);
    }
}
