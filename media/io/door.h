// SPDX-License-Identifier: Apache-2.0
/* The door for media over TCP: one port for all workers, which HTTP may share. A thread of its own
 * accepts connections, reads the first message of each, and hands the socket to the worker that the
 * message's ICE ufrag names (see icelite_mark). Those who say nothing get no further than here. */
#ifndef LOUPE_MEDIA_IO_DOOR_H
#define LOUPE_MEDIA_IO_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/msgq.h"
#include "media/io/tcp.h"

struct door;

/** The door's thread. 0: the worker has it now; an error: the door closes it. */
typedef int door_deliver_fn(void *ctx, unsigned worker, struct tcp_arrival *arrival);

/** The door's thread. A connection that begins as no frame of media does (a TLS or HTTP client's), with
 *  nothing read from it. 0: taken over; an error: the door closes it. */
typedef int door_pass_on_fn(void *ctx, int fd);

/** Bounds of limits.h, smaller ones for tests; zero takes those. */
struct door_limits {
    size_t connections, per_address, pending;
    uint64_t hello_us;
};

struct door_config {
    struct addr address; /* IPv6 ones take both families; port 0: a free one */
    unsigned workers;
    door_deliver_fn *deliver;
    door_pass_on_fn *pass_on; /* NULL: the port is media's alone */
    void *ctx;
    struct log *log; /* may be NULL */
    struct door_limits limits;
};

/** Binds and listens; nobody is let in before door_start. ER_IO, ER_NOMEM. */
int door_new(struct door **ret, const struct door_config *config);
struct addr door_address(const struct door *d);
/** Where a worker tells the address of a connection that has ended (tcp_new's `gone`). */
struct msgq *door_gone(const struct door *d);
int door_start(struct door *d);
/** Lets nobody in any more. To be called before the workers end; the queue of door_gone goes on. */
void door_stop(struct door *d);
/** NULL is fine. */
void door_free(struct door *d);

/** Any thread. */
struct door_counters {
    uint64_t connections; /* now, with those that workers have */
    uint64_t accepted, delivered;
    uint64_t refused;   /* over a bound */
    uint64_t dismissed; /* said nothing in time, or nothing that fits */
};
void door_read_counters(const struct door *d, struct door_counters *ret);

#endif
