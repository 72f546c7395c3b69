// SPDX-License-Identifier: Apache-2.0
/* The worker's socket. Outgoing datagrams gather in an array and leave with one system call a batch;
 * what the socket does not take stays there until it is writable again. */
#include "media/io/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/limits.h"

#define RX_BATCH 64
#define TX_BATCH 512
#define BUFFER_BYTES 2048
#define SOCKET_BYTES (8 * 1024 * 1024)

struct udp {
    int fd;
    bool v6;
    struct addr address;
    uint8_t (*rx)[BUFFER_BYTES];
    struct mmsghdr rx_messages[RX_BATCH];
    struct iovec rx_parts[RX_BATCH];
    struct sockaddr_storage rx_from[RX_BATCH];
    uint8_t (*tx)[BUFFER_BYTES];
    size_t tx_first; /* not sent yet */
    size_t tx_count; /* one behind the last */
    struct mmsghdr tx_messages[TX_BATCH];
    struct iovec tx_parts[TX_BATCH];
    struct sockaddr_storage tx_to[TX_BATCH];
};

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
    int off = 0;
    u->v6 = !addr_is_v4(address);
    u->fd = socket(u->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return ER_IO;
    if (u->v6)
        (void)setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    enlarge(u->fd);
    len = addr_to_sockaddr(address, u->v6, &sa);
    if (bind(u->fd, (struct sockaddr *)&sa, len) != 0)
        return ER_IO;
    len = sizeof sa;
    if (getsockname(u->fd, (struct sockaddr *)&sa, &len) != 0)
        return ER_IO;
    return addr_from_sockaddr((struct sockaddr *)&sa, &u->address);
}

static void prepare_batches(struct udp *u)
{
    for (size_t i = 0; i < RX_BATCH; i++) {
        u->rx_parts[i] = (struct iovec){.iov_base = u->rx[i], .iov_len = BUFFER_BYTES};
        u->rx_messages[i].msg_hdr = (struct msghdr){
            .msg_name = &u->rx_from[i], .msg_iov = &u->rx_parts[i], .msg_iovlen = 1};
    }
    for (size_t i = 0; i < TX_BATCH; i++) {
        u->tx_parts[i].iov_base = u->tx[i];
        u->tx_messages[i].msg_hdr = (struct msghdr){
            .msg_name = &u->tx_to[i], .msg_iov = &u->tx_parts[i], .msg_iovlen = 1};
    }
}

int udp_open(struct udp **ret, const struct addr *address)
{
    struct udp *u = calloc(1, sizeof *u);
    if (!u)
        return ER_NOMEM;
    u->fd = -1;
    u->rx = calloc(RX_BATCH, BUFFER_BYTES);
    u->tx = calloc(TX_BATCH, BUFFER_BYTES);
    int er = u->rx && u->tx ? bind_socket(u, address) : ER_NOMEM;
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
    free(u->tx);
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

bool udp_receive(struct udp *u, udp_datagram_fn *fn, void *ctx)
{
    for (size_t i = 0; i < RX_BATCH; i++)
        u->rx_messages[i].msg_hdr.msg_namelen = sizeof u->rx_from[i];
    int n = recvmmsg(u->fd, u->rx_messages, RX_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < n; i++) {
        struct addr from;
        if (addr_from_sockaddr((struct sockaddr *)&u->rx_from[i], &from) == 0)
            fn(ctx, &from, u->rx[i], u->rx_messages[i].msg_len);
    }
    return n == RX_BATCH;
}

uint8_t *udp_reserve(struct udp *u, const struct addr *to, size_t size)
{
    if (size > BUFFER_BYTES)
        return NULL;
    if (u->tx_count == TX_BATCH)
        (void)udp_flush(u);
    if (u->tx_count == TX_BATCH)
        return NULL;
    struct msghdr *hdr = &u->tx_messages[u->tx_count].msg_hdr;
    hdr->msg_namelen = addr_to_sockaddr(to, u->v6, &u->tx_to[u->tx_count]);
    return u->tx[u->tx_count];
}

void udp_commit(struct udp *u, size_t len)
{
    if (len == 0)
        return;
    u->tx_parts[u->tx_count].iov_len = len;
    u->tx_count++;
}

bool udp_flush(struct udp *u)
{
    while (u->tx_first < u->tx_count) {
        int n = sendmmsg(u->fd, &u->tx_messages[u->tx_first], (unsigned)(u->tx_count - u->tx_first),
                         MSG_DONTWAIT);
        if (n > 0) {
            u->tx_first += (size_t)n;
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
            return false;
        if (errno != EINTR)
            u->tx_first++; /* this one cannot be sent (unreachable, refused): pass over it */
    }
    u->tx_first = u->tx_count = 0;
    return true;
}
