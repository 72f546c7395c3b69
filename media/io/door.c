// SPDX-License-Identifier: Apache-2.0
/* Connections that have not said whom they want stand in a list in order of arrival, so that the
 * first of it is the next to be sent away. Those delivered are only counted, until their worker tells
 * that they have ended. */
#include "media/io/door.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/er.h"
#include "base/list.h"
#include "base/map.h"
#include "base/thread.h"
#include "media/peer/icelite.h"
#include "media/wire/framing.h"

#define BACKLOG 512
#define EVENTS 64
#define ACCEPTS_A_TURN 64
#define PAUSE_US 100000u /* no descriptors left: so long nobody is accepted */

/** Someone at the door. */
struct caller {
    struct list in_line;
    int fd;
    struct addr remote;
    uint64_t since_us;
    size_t len;
    uint8_t bytes[FRAMING_HEADER + LIMIT_DATAGRAM];
};

enum { COUNT_CONNECTIONS, COUNT_ACCEPTED, COUNT_DELIVERED, COUNT_REFUSED, COUNT_DISMISSED, COUNTS };

struct door {
    struct door_config config;
    struct addr address;
    int fd, epoll;
    struct msgq *gone;
    struct map *addresses; /* what an address is counted by -> how many */
    struct list callers;
    size_t caller_count;
    size_t count;             /* with those delivered */
    uint64_t paused_until_us; /* 0: not paused */
    bool stopping;
    bool started;
    pthread_t thread;
    atomic_uint_least64_t counts[COUNTS];
};

static void count_up(struct door *d, int which)
{
    atomic_fetch_add_explicit(&d->counts[which], 1, memory_order_relaxed);
}

/* Who is counted together: an IPv4 address, or the /64 of an IPv6 one. */

static uint64_t address_key(const struct addr *a)
{
    uint64_t halves[2];
    memcpy(halves, a->ip, sizeof halves);
    return addr_is_v4(a) ? halves[1] : halves[0];
}

static size_t address_count(const struct door *d, const struct addr *a)
{
    return (size_t)(uintptr_t)map_get_u64(d->addresses, address_key(a));
}

static bool address_set(struct door *d, const struct addr *a, size_t count)
{
    (void)map_remove_u64(d->addresses, address_key(a));
    return count == 0 || map_add_u64(d->addresses, address_key(a), (void *)(uintptr_t)count) == 0;
}

static void count_change(struct door *d, int by)
{
    d->count += (size_t)by;
    atomic_store_explicit(&d->counts[COUNT_CONNECTIONS], d->count, memory_order_relaxed);
}

static void forget(struct door *d, const struct addr *remote)
{
    size_t n = address_count(d, remote);
    if (n > 0)
        (void)address_set(d, remote, n - 1);
    count_change(d, -1);
}

/* Callers */

/** `fd` goes with it unless it was given on (-1). */
static void caller_free(struct door *d, struct caller *c)
{
    list_remove(&c->in_line);
    d->caller_count--;
    if (c->fd >= 0) {
        close(c->fd);
        forget(d, &c->remote);
    }
    free(c);
}

static void dismiss(struct door *d, struct caller *c)
{
    count_up(d, COUNT_DISMISSED);
    caller_free(d, c);
}

static struct caller *first_caller(const struct door *d)
{
    return list_empty(&d->callers) ? NULL : container_of(d->callers.next, struct caller, in_line);
}

/** The worker that a first message is for, or -1. */
static int worker_of(const uint8_t *packet, size_t len)
{
    struct stun_message msg;
    if (stun_parse(packet, len, &msg) != 0 || msg.type != STUN_BINDING_REQUEST ||
        !msg.integrity_at || msg.username.len <= ICE_UFRAG_LEN ||
        msg.username.at[ICE_UFRAG_LEN] != ':')
        return -1;
    return icelite_marked(msg.username.at[0]);
}

/** The whole first message is there. */
static void deliver(struct door *d, struct caller *c, size_t packet_len)
{
    int worker = worker_of(c->bytes + FRAMING_HEADER, packet_len);
    if (worker < 0 || (unsigned)worker >= d->config.workers) {
        dismiss(d, c);
        return;
    }
    struct tcp_arrival *a = malloc(sizeof *a + c->len);
    if (!a) {
        dismiss(d, c);
        return;
    }
    *a = (struct tcp_arrival){.fd = c->fd, .remote = c->remote, .len = c->len};
    memcpy(a->bytes, c->bytes, c->len);
    (void)epoll_ctl(d->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    if (d->config.deliver(d->config.ctx, (unsigned)worker, a) != 0) {
        a->fd = -1;
        tcp_arrival_free(a);
        dismiss(d, c);
        return;
    }
    count_up(d, COUNT_DELIVERED);
    c->fd = -1;
    caller_free(d, c);
}

/** Whether a stream that begins so cannot be one of ours: frames are shorter than that. */
static bool is_foreign(uint8_t first)
{
    return first > LIMIT_DATAGRAM >> 8;
}

/** True when it is gone, to whoever wants it. */
static bool passed_on(struct door *d, struct caller *c)
{
    uint8_t first;
    if (c->len > 0 || !d->config.pass_on || recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1 ||
        !is_foreign(first))
        return false;
    (void)epoll_ctl(d->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    if (d->config.pass_on(d->config.ctx, c->fd) != 0) {
        dismiss(d, c);
        return true;
    }
    c->fd = -1;
    forget(d, &c->remote);
    caller_free(d, c);
    return true;
}

static void listen_to(struct door *d, struct caller *c)
{
    if (passed_on(d, c))
        return;
    ssize_t n = recv(c->fd, c->bytes + c->len, sizeof c->bytes - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        dismiss(d, c);
        return;
    }
    c->len += (size_t)n;
    if (c->len < FRAMING_HEADER)
        return;
    size_t packet_len = get_u16(c->bytes);
    if (packet_len > LIMIT_DATAGRAM || packet_len < STUN_TRANSACTION_BYTES)
        dismiss(d, c);
    else if (c->len >= FRAMING_HEADER + packet_len)
        deliver(d, c, packet_len);
}

static void pause_accepting(struct door *d, bool pause, uint64_t now_us)
{
    struct epoll_event ev = {.events = pause ? 0 : EPOLLIN, .data.ptr = d};
    (void)epoll_ctl(d->epoll, EPOLL_CTL_MOD, d->fd, &ev);
    d->paused_until_us = pause ? now_us + PAUSE_US : 0;
}

static bool admit(struct door *d, uint64_t now_us, int fd, const struct addr *remote)
{
    const struct door_limits *most = &d->config.limits;
    size_t known = address_count(d, remote);
    if (d->count >= most->connections || known >= most->per_address)
        return false;
    struct caller *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->fd = fd;
    c->remote = *remote;
    c->since_us = now_us;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (!address_set(d, remote, known + 1) || epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &ev) != 0) {
        (void)address_set(d, remote, known);
        free(c);
        return false;
    }
    count_change(d, 1);
    list_append(&d->callers, &c->in_line);
    d->caller_count++;
    return true;
}

static void accept_some(struct door *d, uint64_t now_us)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        struct addr remote;
        int fd = accept4(d->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accepting(d, true, now_us);
            return;
        }
        count_up(d, COUNT_ACCEPTED);
        if (addr_from_sockaddr((struct sockaddr *)&sa, &remote) != 0 ||
            !admit(d, now_us, fd, &remote)) {
            count_up(d, COUNT_REFUSED);
            close(fd);
        }
    }
}

/* The thread */

static int timeout_ms(const struct door *d, uint64_t now_us)
{
    const struct caller *c = first_caller(d);
    uint64_t at = c ? c->since_us + d->config.limits.hello_us : UINT64_MAX;
    if (d->paused_until_us && d->paused_until_us < at)
        at = d->paused_until_us;
    if (at == UINT64_MAX)
        return -1;
    return at <= now_us ? 0 : (int)((at - now_us + 999) / 1000);
}

static void take_notices(struct door *d)
{
    struct addr remote;
    msgq_clear_wake(d->gone);
    while (msgq_pop(d->gone, &remote)) {
        if (remote.port == 0) /* nobody's port: the call to stop */
            d->stopping = true;
        else
            forget(d, &remote);
    }
}

/** Who has been here too long, and who has been here longest when there are too many. */
static void send_away(struct door *d, uint64_t now_us)
{
    struct caller *c;
    while ((c = first_caller(d)) && (d->caller_count > d->config.limits.pending ||
                                     now_us - c->since_us >= d->config.limits.hello_us))
        dismiss(d, c);
    if (d->paused_until_us && now_us >= d->paused_until_us)
        pause_accepting(d, false, now_us);
}

static void *run(void *arg)
{
    struct door *d = arg;
    while (!d->stopping) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(d->epoll, events, EVENTS, timeout_ms(d, clock_now_us()));
        if (n < 0 && errno != EINTR)
            break;
        uint64_t now_us = clock_now_us();
        bool knocked = false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == d)
                knocked = true;
            else if (events[i].data.ptr != d->gone)
                listen_to(d, events[i].data.ptr); /* it may go; there is one event of each */
        }
        take_notices(d);
        if (knocked)
            accept_some(d, now_us);
        send_away(d, now_us);
    }
    while (first_caller(d))
        caller_free(d, first_caller(d));
    return NULL;
}

/* Start and stop */

static int bind_socket(struct door *d)
{
    struct sockaddr_storage sa;
    int on = 1, off = 0;
    bool v6 = !addr_is_v4(&d->config.address);
    d->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0)
        return ER_IO;
    (void)setsockopt(d->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (v6)
        (void)setsockopt(d->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    socklen_t len = addr_to_sockaddr(&d->config.address, v6, &sa);
    if (bind(d->fd, (struct sockaddr *)&sa, len) != 0 || listen(d->fd, BACKLOG) != 0)
        return ER_IO;
    len = sizeof sa;
    if (getsockname(d->fd, (struct sockaddr *)&sa, &len) != 0)
        return ER_IO;
    return addr_from_sockaddr((struct sockaddr *)&sa, &d->address);
}

static int make_epoll(struct door *d)
{
    struct epoll_event listener = {.events = EPOLLIN, .data.ptr = d};
    struct epoll_event notices = {.events = EPOLLIN, .data.ptr = d->gone};
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (d->epoll < 0 || epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->fd, &listener) != 0 ||
        epoll_ctl(d->epoll, EPOLL_CTL_ADD, msgq_fd(d->gone), &notices) != 0)
        return ER_IO;
    return 0;
}

static void fill_in_limits(struct door_limits *l)
{
    struct rlimit files;
    if (!l->connections) {
        l->connections = LIMIT_TCP_CONNECTIONS;
        if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 8 < l->connections)
            l->connections = files.rlim_cur / 8;
    }
    if (!l->per_address)
        l->per_address = LIMIT_TCP_PER_ADDRESS;
    if (!l->pending)
        l->pending = LIMIT_TCP_PENDING;
    if (!l->hello_us)
        l->hello_us = LIMIT_TCP_HELLO_US;
}

static int open_door(struct door *d)
{
    struct entropy entropy = entropy_system();
    int er = bind_socket(d);
    /* A notice for each connection there can be, and the call to stop. */
    if (er == 0)
        er = msgq_new(&d->gone, sizeof(struct addr), d->config.limits.connections + 1);
    if (er == 0)
        er = map_new(&d->addresses, d->config.limits.connections + 1, entropy_u64(&entropy));
    return er == 0 ? make_epoll(d) : er;
}

int door_new(struct door **ret, const struct door_config *config)
{
    struct door *d = calloc(1, sizeof *d);
    if (!d)
        return ER_NOMEM;
    d->config = *config;
    d->fd = d->epoll = -1;
    list_init(&d->callers);
    fill_in_limits(&d->config.limits);
    int er = open_door(d);
    if (er != 0) {
        door_free(d);
        return er;
    }
    *ret = d;
    return 0;
}

struct addr door_address(const struct door *d)
{
    return d->address;
}

struct msgq *door_gone(const struct door *d)
{
    return d->gone;
}

int door_start(struct door *d)
{
    int er = thread_start(&d->thread, "door", run, d);
    d->started = er == 0;
    return er;
}

void door_stop(struct door *d)
{
    static const struct addr stop;
    if (!d || !d->started)
        return;
    while (msgq_push(d->gone, &stop) == ER_FULL)
        sched_yield();
    pthread_join(d->thread, NULL);
    d->started = false;
}

void door_free(struct door *d)
{
    if (!d)
        return;
    door_stop(d);
    if (d->fd >= 0)
        close(d->fd);
    if (d->epoll >= 0)
        close(d->epoll);
    map_free(d->addresses);
    msgq_free(d->gone);
    free(d);
}

void door_read_counters(const struct door *d, struct door_counters *ret)
{
    uint64_t n[COUNTS];
    for (int i = 0; i < COUNTS; i++)
        n[i] = atomic_load_explicit(&d->counts[i], memory_order_relaxed);
    *ret = (struct door_counters){.connections = n[COUNT_CONNECTIONS],
                                  .accepted = n[COUNT_ACCEPTED],
                                  .delivered = n[COUNT_DELIVERED],
                                  .refused = n[COUNT_REFUSED],
                                  .dismissed = n[COUNT_DISMISSED]};
}
