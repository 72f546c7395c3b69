// SPDX-License-Identifier: Apache-2.0
/* recvmmsg with GRO and time stamps, sendmmsg. */
#include "tests/bench/load_socket.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"

#define BATCH 16
#define BUFFER_BYTES 65536
#define CONTROL_BYTES 128
#define SOCKET_BYTES (4 * 1024 * 1024)

struct load_inbox {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    uint8_t control[BATCH][CONTROL_BYTES];
    uint8_t data[BATCH][BUFFER_BYTES];
};

struct load_outbox {
    size_t count;
    size_t refused;
    struct mmsghdr messages[LOAD_OUTBOX];
    struct iovec parts[LOAD_OUTBOX];
    uint8_t data[LOAD_OUTBOX][LOAD_PACKET_BYTES];
};

int load_socket_open(bool gro, bool stamps)
{
    int bytes = SOCKET_BYTES;
    int on = 1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (gro)
        (void)setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
    if (stamps)
        (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    return fd;
}

/* Receiving */

int load_inbox_new(struct load_inbox **ret)
{
    struct load_inbox *in = calloc(1, sizeof *in);
    if (!in)
        return ER_NOMEM;
    for (size_t i = 0; i < BATCH; i++) {
        in->parts[i] = (struct iovec){.iov_base = in->data[i], .iov_len = BUFFER_BYTES};
        in->messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &in->parts[i], .msg_iovlen = 1, .msg_control = in->control[i]};
    }
    *ret = in;
    return 0;
}

void load_inbox_free(struct load_inbox *in)
{
    free(in);
}

/** The datagrams' size when several came as one (0: one), and when. */
static size_t read_control(struct msghdr *hdr, uint64_t *ret_us)
{
    size_t segment = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            segment = size > 0 ? (size_t)size : 0;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(c), sizeof at);
            *ret_us = (uint64_t)at.tv_sec * 1000000u + (uint64_t)at.tv_nsec / 1000u;
        }
    }
    return segment;
}

size_t load_inbox_read(struct load_inbox *in, int fd, load_datagram_fn *fn, void *ctx)
{
    size_t count = 0;
    for (size_t i = 0; i < BATCH; i++)
        in->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    int n = recvmmsg(fd, in->messages, BATCH, MSG_DONTWAIT, NULL);
    uint64_t now_us = n > 0 ? clock_unix_us() : 0;
    for (int i = 0; i < n; i++) {
        uint64_t arrived_us = now_us;
        size_t len = in->messages[i].msg_len;
        size_t segment = read_control(&in->messages[i].msg_hdr, &arrived_us);
        if (segment == 0 || segment > len)
            segment = len;
        for (size_t at = 0; at < len; at += segment) {
            size_t left = len - at;
            count++;
            if (fn)
                fn(ctx, arrived_us, in->data[i] + at, left < segment ? left : segment);
        }
    }
    return count;
}

/* Sending */

int load_outbox_new(struct load_outbox **ret)
{
    struct load_outbox *out = calloc(1, sizeof *out);
    if (!out)
        return ER_NOMEM;
    for (size_t i = 0; i < LOAD_OUTBOX; i++) {
        out->parts[i].iov_base = out->data[i];
        out->messages[i].msg_hdr = (struct msghdr){.msg_iov = &out->parts[i], .msg_iovlen = 1};
    }
    *ret = out;
    return 0;
}

void load_outbox_free(struct load_outbox *out)
{
    free(out);
}

uint8_t *load_outbox_room(struct load_outbox *out, int fd)
{
    if (out->count == LOAD_OUTBOX)
        out->refused += load_outbox_flush(out, fd);
    return out->data[out->count];
}

void load_outbox_commit(struct load_outbox *out, size_t len)
{
    if (len > 0)
        out->parts[out->count++].iov_len = len;
}

size_t load_outbox_flush(struct load_outbox *out, int fd)
{
    size_t sent = 0;
    size_t refused = out->refused;
    while (sent < out->count) {
        int n = sendmmsg(fd, &out->messages[sent], (unsigned)(out->count - sent), MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
        } else if (errno != EINTR) {
            sent++;
            refused++;
        }
    }
    out->count = out->refused = 0;
    return refused;
}
