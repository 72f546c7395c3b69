// SPDX-License-Identifier: Apache-2.0
/* One UDP port with batches in both directions: recvmmsg with the kernel's time of arrival; sendmmsg,
 * in which a run of equal-sized datagrams to one address is a single message that the kernel cuts
 * (UDP_SEGMENT). */
#ifndef LOUPE_MEDIA_IO_UDP_H
#define LOUPE_MEDIA_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/io/udp_local.h"
#include "media/peer/path.h"

struct udp;

/** Binds; IPv6 addresses give a dual-stack socket. Port 0 picks a free one. ER_IO, ER_NOMEM. */
int udp_open(struct udp **ret, const struct addr *address);
/** NULL is fine. */
void udp_close(struct udp *u);
int udp_fd(const struct udp *u);
struct addr udp_address(const struct udp *u);

/** Called with the datagrams received, in order. `at_us` is when the kernel took one in, on the clock of
 *  clock_now_us; never earlier than that of one before. `via` numbers the address of ours that it was
 *  sent to, at most UDP_LOCAL_MAX, when the socket is bound to "any"; else it is 0. */
typedef void udp_batch_fn(void *ctx, const struct datagram *batch, size_t count);
/** Takes one batch off the socket; how many datagrams. *ret_now_us: the time just after. */
size_t udp_receive(struct udp *u, udp_batch_fn *fn, void *ctx, uint64_t *ret_now_us);
/** As many as one call takes: there may be more. */
#define UDP_BATCH 64

/** Room for one datagram at the end of what waits to be sent, or NULL when the socket takes no more
 *  and the room is used up. Valid until udp_commit, which ends it; length 0 gives the room back.
 *  Datagrams leave in this order, from the address of ours that `local` numbers (0: the system
 *  chooses); those that follow each other to one address leave together. */
uint8_t *udp_reserve(struct udp *u, const struct addr *to, uint32_t local, size_t size);
void udp_commit(struct udp *u, size_t len);
/** Sends what waits. False when the socket took not all: call again when it is writable. */
bool udp_flush(struct udp *u);
/** It took not all because the system has no buffers now, which being writable says nothing of: call
 *  again a little later. */
bool udp_must_pause(const struct udp *u);

#endif
