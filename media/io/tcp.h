// SPDX-License-Identifier: Apache-2.0
/* A worker's media connections over TCP (RFC 6544, RFC 4571): taken over from the door, told apart by
 * `via` of their path, read and written without waiting. What a slow viewer does not take is kept
 * within bounds and then dropped. */
#ifndef LOUPE_MEDIA_IO_TCP_H
#define LOUPE_MEDIA_IO_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msgq.h"
#include "media/peer/path.h"

struct tcp;

#define TCP_VIA_MIN 8192 /* smaller ones are UDP's */

/** A socket on its way from the door to a worker, with what was read from it. Owned by whoever has
 *  it; free with tcp_arrival_free. */
struct tcp_arrival {
    int fd; /* -1: given on */
    struct addr remote;
    size_t len;
    uint8_t bytes[];
};
/** Closes the socket, unless it was given on. NULL is fine. */
void tcp_arrival_free(struct tcp_arrival *a);

struct tcp_ops {
    /** A packet, to be worked on in place. The first one of a connection decides: false closes it. */
    bool (*packet)(void *ctx, const struct path *from, uint8_t *data, size_t len);
    /** The connection has ended by itself; nothing can be sent there any more. */
    void (*gone)(void *ctx, const struct path *path);
};

/** `gone` (may be NULL) is told the remote address of each connection that has ended, however it
 *  did; it outlives this. */
int tcp_new(struct tcp **ret, const struct tcp_ops *ops, void *ctx, struct msgq *gone);
/** Closes all. NULL is fine. */
void tcp_free(struct tcp *t);
/** Readable when tcp_receive has work. */
int tcp_fd(const struct tcp *t);
/** Takes the arrival's socket over, and in the end frees the arrival. ER_FULL, ER_IO, ER_NOMEM, or
 *  ER_DENIED when its first packet was refused. */
int tcp_adopt(struct tcp *t, uint64_t now_us, struct tcp_arrival *a);
/** Reads what has come and writes what could not be written before. */
void tcp_receive(struct tcp *t, uint64_t now_us);

/** As udp_reserve; NULL when the connection is gone or too much waits for it. */
uint8_t *tcp_reserve(struct tcp *t, const struct path *to, size_t size);
void tcp_commit(struct tcp *t, size_t len);
/** Hands what was committed to the system, and closes what was released. */
void tcp_flush(struct tcp *t, uint64_t now_us);
/** Nobody wants this connection any more: it is closed by the next tcp_flush. `gone` of the
 *  operations is not called. Unknown ones are ignored. */
void tcp_release(struct tcp *t, const struct path *path);

size_t tcp_count(const struct tcp *t);
/** Bytes of memory for what waits now. */
size_t tcp_queued(const struct tcp *t);
/** Packets so far for which tcp_reserve had no room. */
uint64_t tcp_dropped(const struct tcp *t);

#endif
