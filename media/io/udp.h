// SPDX-License-Identifier: Apache-2.0
/* One UDP port with batches in both directions (recvmmsg, sendmmsg). */
#ifndef LOUPE_MEDIA_IO_UDP_H
#define LOUPE_MEDIA_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct udp;

/** Binds; IPv6 addresses give a dual-stack socket. Port 0 picks a free one. ER_IO, ER_NOMEM. */
int udp_open(struct udp **ret, const struct addr *address);
/** NULL is fine. */
void udp_close(struct udp *u);
int udp_fd(const struct udp *u);
struct addr udp_address(const struct udp *u);

/** Called for each datagram received; the bytes may be worked on in place. */
typedef void udp_datagram_fn(void *ctx, const struct addr *from, uint8_t *data, size_t len);
/** Takes one batch off the socket; true when there may be more. */
bool udp_receive(struct udp *u, udp_datagram_fn *fn, void *ctx);

/** Room for one datagram in the outgoing batch, or NULL when the socket takes no more and the batch
 *  is full. udp_commit ends it; length 0 gives the room back. */
uint8_t *udp_reserve(struct udp *u, const struct addr *to, size_t size);
void udp_commit(struct udp *u, size_t len);
/** Sends what is batched. False when the socket took not all: call again when it is writable. */
bool udp_flush(struct udp *u);

#endif
