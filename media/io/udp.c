// SPDX-License-Identifier: Apache-2.0
/* The worker's socket. Outgoing datagrams are written one behind the other into an arena; what the
 * socket does not take stays there, in order, until it is writable again. Where the kernel refuses to
 * cut a message (a device or path that cannot), its datagrams are sent one by one. */
#include "media/io/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/limits.h"

#define TX_BATCH 64
#define BUFFER_BYTES 2048  /* of one datagram */
#define FLUSH_BYTES 196608 /* so much is sent before the turn's end: it is in the cache still */
#define MESSAGES 1024
#define SEGMENTS_MAX 64 /* the kernel's bound */
#define MESSAGE_MAX 65000
#define REFUSALS_MAX 16 /* messages in a row not cut: then none are made any more */
#define SOCKET_BYTES (8 * 1024 * 1024)
#define ARRIVAL_LATE_US 1000000u /* older than this: somebody has set the wall clock */

/** Datagrams to one address, all of `segment` bytes but for the last, which may be shorter. */
struct message {
    struct addr to;
    uint32_t local;
    uint16_t segment;
    uint16_t count;
    uint32_t at; /* in the arena */
    uint32_t len;
    bool refused; /* the kernel did not cut it */
};

/** What recvmmsg and sendmmsg want, for one message each. */
struct rx_slot {
    struct iovec part;
    struct sockaddr_storage from;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec)) + UDP_LOCAL_SPACE];
};
struct tx_slot {
    struct iovec part;
    struct sockaddr_storage to;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t)) + UDP_LOCAL_SPACE];
};

struct udp {
    int fd;
    bool v6;
    bool cuts;  /* UDP_SEGMENT may be used */
    bool full;  /* the socket took not all the last time, */
    bool pause; /* for want of buffers */
    unsigned refusals;
    uint64_t last_arrival_us;
    struct addr address;
    uint8_t *arena;
    size_t used;       /* of the arena */
    size_t first;      /* message not sent yet, */
    size_t first_sent; /* but for these segments of it */
    size_t count;      /* one behind the last */
    struct addr to;    /* of the room reserved, */
    uint32_t to_local; /* and where from */
    struct udp_local local;
    struct message *messages;
    uint8_t (*rx)[BUFFER_BYTES];
    size_t rx_used; /* by the last call; the others are as they were */
    struct datagram batch[UDP_BATCH];
    struct mmsghdr rx_messages[UDP_BATCH];
    struct mmsghdr tx_messages[TX_BATCH];
    struct rx_slot rx_slots[UDP_BATCH];
    struct tx_slot tx_slots[TX_BATCH];
};

/* Open and close */

/** As large as the system lets us; more than its limit only for root. */
static void enlarge(int fd)
{
    int bytes = SOCKET_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int bind_socket(struct udp *u, const struct addr *address)
{
    struct sockaddr_storage sa;
    socklen_t len;
    int off = 0, on = 1;
    u->v6 = !addr_is_v4(address);
    u->fd = socket(u->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return ER_IO;
    if (u->v6)
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    (void)setsockopt(u->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    udp_local_open(&u->local, u->fd, address);
    enlarge(u->fd);
    len = addr_to_sockaddr(address, u->v6, &sa);
    if (bind(u->fd, (struct sockaddr *)&sa, len) != 0)
        return ER_IO;
    len = sizeof sa;
    if (getsockname(u->fd, (struct sockaddr *)&sa, &len) != 0)
        return ER_IO;
    return addr_from_sockaddr((struct sockaddr *)&sa, &u->address);
}

/** What recvmmsg has written over. */
static void reset(struct udp *u, size_t i)
{
    u->rx_messages[i].msg_hdr.msg_namelen = sizeof u->rx_slots[i].from;
    u->rx_messages[i].msg_hdr.msg_controllen = sizeof u->rx_slots[i].control;
}

static void prepare_batches(struct udp *u)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        struct rx_slot *s = &u->rx_slots[i];
        s->part = (struct iovec){.iov_base = u->rx[i], .iov_len = BUFFER_BYTES};
        u->rx_messages[i].msg_hdr = (struct msghdr){
            .msg_name = &s->from, .msg_iov = &s->part, .msg_iovlen = 1, .msg_control = s->control};
        reset(u, i);
    }
    for (size_t i = 0; i < TX_BATCH; i++) {
        struct tx_slot *s = &u->tx_slots[i];
        u->tx_messages[i].msg_hdr = (struct msghdr){
            .msg_name = &s->to, .msg_iov = &s->part, .msg_iovlen = 1, .msg_control = s->control};
    }
}

int udp_open(struct udp **ret, const struct addr *address)
{
    struct udp *u = calloc(1, sizeof *u);
    if (!u)
        return ER_NOMEM;
    u->fd = -1;
    u->cuts = true;
    /* Only touched as far as it is used. */
    u->rx = calloc(UDP_BATCH, BUFFER_BYTES);
    u->arena = calloc(1, LIMIT_SEND_BYTES);
    u->messages = calloc(MESSAGES, sizeof *u->messages);
    int er = u->rx && u->arena && u->messages ? bind_socket(u, address) : ER_NOMEM;
    if (er != 0) {
        udp_close(u);
        return er;
    }
    prepare_batches(u);
    *ret = u;
    return 0;
}

void udp_close(struct udp *u)
{
    if (!u)
        return;
    if (u->fd >= 0)
        close(u->fd);
    free(u->rx);
    free(u->arena);
    free(u->messages);
    free(u);
}

int udp_fd(const struct udp *u)
{
    return u->fd;
}

struct addr udp_address(const struct udp *u)
{
    return u->address;
}

/* In */

/** When a datagram came, on the monotonic clock; `now_us` where the kernel does not say. */
static uint64_t arrival(struct udp *u, struct msghdr *hdr, uint64_t now_us, uint64_t unix_now_us)
{
    uint64_t at_us = now_us;
    struct cmsghdr *c = CMSG_FIRSTHDR(hdr);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
        struct timespec ts;
        memcpy(&ts, CMSG_DATA(c), sizeof ts);
        uint64_t unix_us = (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
        if (unix_us < unix_now_us && unix_now_us - unix_us < ARRIVAL_LATE_US)
            at_us = now_us - (unix_now_us - unix_us);
    }
    if (at_us > u->last_arrival_us)
        u->last_arrival_us = at_us;
    return u->last_arrival_us;
}

size_t udp_receive(struct udp *u, udp_batch_fn *fn, void *ctx, uint64_t *ret_now_us)
{
    for (size_t i = 0; i < u->rx_used; i++)
        reset(u, i);
    int n = recvmmsg(u->fd, u->rx_messages, UDP_BATCH, MSG_DONTWAIT, NULL);
    uint64_t now_us = *ret_now_us = clock_now_us();
    u->rx_used = n > 0 ? (size_t)n : 0;
    if (n <= 0)
        return 0;
    uint64_t unix_now_us = clock_unix_us();
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        struct datagram *d = &u->batch[count];
        d->at_us = arrival(u, &u->rx_messages[i].msg_hdr, now_us, unix_now_us);
        d->from.via = udp_local_note(&u->local, &u->rx_messages[i].msg_hdr);
        d->data = u->rx[i];
        d->len = u->rx_messages[i].msg_len;
        count += addr_from_sockaddr((struct sockaddr *)&u->rx_slots[i].from, &d->from.remote) == 0;
    }
    fn(ctx, u->batch, count);
    return (size_t)n;
}

/* Out */

/** Move what still waits to the front, when that wins room worth the copying. */
static void compact(struct udp *u)
{
    if (u->first == u->count)
        return;
    uint32_t from = u->messages[u->first].at;
    if (from < LIMIT_SEND_BYTES / 4 && u->first < MESSAGES / 4)
        return;
    memmove(u->arena, u->arena + from, u->used - from);
    memmove(u->messages, &u->messages[u->first], (u->count - u->first) * sizeof *u->messages);
    u->count -= u->first;
    u->first = 0;
    u->used -= from;
    for (size_t i = 0; i < u->count; i++)
        u->messages[i].at -= from;
}

static bool has_room(const struct udp *u)
{
    return u->used + BUFFER_BYTES <= LIMIT_SEND_BYTES && u->count < MESSAGES;
}

uint8_t *udp_reserve(struct udp *u, const struct addr *to, uint32_t local, size_t size)
{
    if (size > BUFFER_BYTES)
        return NULL;
    if (u->used >= FLUSH_BYTES && !u->full)
        (void)udp_flush(u);
    if (!has_room(u)) {
        (void)udp_flush(u);
        compact(u);
        if (!has_room(u))
            return NULL;
    }
    u->to = *to;
    u->to_local = local;
    return u->arena + u->used;
}

/** The last message, if another datagram of this length may join it. */
static struct message *joinable(struct udp *u, size_t len)
{
    struct message *m = u->count > u->first ? &u->messages[u->count - 1] : NULL;
    if (!m || !u->cuts || m->count == SEGMENTS_MAX || len > m->segment ||
        m->len != (uint32_t)m->segment * m->count || m->len + len > MESSAGE_MAX ||
        m->local != u->to_local || !addr_equal(&m->to, &u->to) ||
        (u->count - 1 == u->first && u->first_sent > 0) || m->refused)
        return NULL;
    return m;
}

void udp_commit(struct udp *u, size_t len)
{
    if (len == 0)
        return;
    struct message *m = joinable(u, len);
    if (m) {
        m->count++;
        m->len += (uint32_t)len;
    } else {
        u->messages[u->count++] = (struct message){.to = u->to,
                                                   .local = u->to_local,
                                                   .segment = (uint16_t)len,
                                                   .count = 1,
                                                   .at = (uint32_t)u->used,
                                                   .len = (uint32_t)len};
    }
    u->used += len;
}

static bool goes_whole(const struct udp *u, const struct message *m)
{
    return m->count == 1 || (u->cuts && !m->refused);
}

/** Has the kernel cut a message; how many bytes say so. */
static size_t write_segment(struct cmsghdr *at, uint16_t segment)
{
    *at = (struct cmsghdr){
        .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof segment)};
    memcpy(CMSG_DATA(at), &segment, sizeof segment);
    return CMSG_SPACE(sizeof segment);
}

/** Describe the next ones to sendmmsg; how many. */
static unsigned fill_batch(struct udp *u)
{
    unsigned n = 0;
    size_t i = u->first, sent = u->first_sent;
    while (n < TX_BATCH && i < u->count) {
        const struct message *m = &u->messages[i];
        bool whole = goes_whole(u, m);
        struct tx_slot *s = &u->tx_slots[n];
        struct msghdr *hdr = &u->tx_messages[n++].msg_hdr;
        size_t skip = sent * m->segment, left = m->len - skip;
        hdr->msg_namelen = addr_to_sockaddr(&m->to, u->v6, &s->to);
        s->part.iov_base = u->arena + m->at + skip;
        s->part.iov_len = whole || left < m->segment ? left : m->segment;
        hdr->msg_controllen = 0;
        if (whole && m->count > 1)
            hdr->msg_controllen = write_segment((struct cmsghdr *)s->control, m->segment);
        hdr->msg_controllen += udp_local_write(
            &u->local, m->local, u->v6, (struct cmsghdr *)(s->control + hdr->msg_controllen));
        if (whole || ++sent == m->count) {
            sent = 0;
            i++;
        }
    }
    return n;
}

/** The first `n` of the batch are done with. */
static void advance(struct udp *u, unsigned n)
{
    for (; n > 0; n--) {
        const struct message *m = &u->messages[u->first];
        bool whole = goes_whole(u, m);
        if (whole && m->count > 1)
            u->refusals = 0;
        if (whole || ++u->first_sent == m->count) {
            u->first_sent = 0;
            u->first++;
        }
    }
}

/** The first of the batch was refused. One that should have been cut gets another chance in pieces;
 *  anything else cannot be sent (unreachable, not allowed) and is passed over. */
static void refuse(struct udp *u, int why)
{
    struct message *m = &u->messages[u->first];
    if (m->count > 1 && goes_whole(u, m) && (why == EINVAL || why == EIO)) {
        m->refused = true;
        if (++u->refusals >= REFUSALS_MAX)
            u->cuts = false;
        return;
    }
    advance(u, 1);
}

bool udp_flush(struct udp *u)
{
    u->full = u->pause = false;
    while (u->first < u->count) {
        unsigned n = fill_batch(u);
        int sent = sendmmsg(u->fd, u->tx_messages, n, MSG_DONTWAIT);
        if (sent > 0) {
            advance(u, (unsigned)sent);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            u->full = true;
            u->pause = errno == ENOBUFS;
            return false;
        }
        if (errno != EINTR)
            refuse(u, errno);
    }
    u->first = u->first_sent = u->count = u->used = 0;
    return true;
}

bool udp_must_pause(const struct udp *u)
{
    return u->pause;
}
