// SPDX-License-Identifier: Apache-2.0
/* The generator's sockets: batches in both directions. Runs of datagrams that the kernel kept together
 * (UDP_GRO) are cut apart here, and each comes with the kernel's time of arrival, so that what is
 * measured as delay does not hold the generator's own waiting. */
#ifndef LOUPE_TESTS_BENCH_LOAD_SOCKET_H
#define LOUPE_TESTS_BENCH_LOAD_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define LOAD_PACKET_BYTES 1536
#define LOAD_OUTBOX 64

/** A non-blocking UDP socket with a large buffer; `gro` and `stamps` as above. -1 on failure. */
int load_socket_open(bool gro, bool stamps);

/** Buffers for receiving, shared by all sockets of a thread. */
struct load_inbox;
int load_inbox_new(struct load_inbox **ret);
void load_inbox_free(struct load_inbox *in);

/** `arrived_us`: wall clock, microseconds since 1970. The bytes may be worked on in place. */
typedef void load_datagram_fn(void *ctx, uint64_t arrived_us, uint8_t *data, size_t len);
/** Reads one batch; the number of datagrams. `fn` may be NULL: only count. */
size_t load_inbox_read(struct load_inbox *in, int fd, load_datagram_fn *fn, void *ctx);

/** Datagrams to one connected socket, sent with one call. */
struct load_outbox;
int load_outbox_new(struct load_outbox **ret);
void load_outbox_free(struct load_outbox *out);
/** Room for LOAD_PACKET_BYTES; load_outbox_commit keeps the first `len` of them. Full ones go first
 *  by load_outbox_flush(out, fd). */
uint8_t *load_outbox_room(struct load_outbox *out, int fd);
void load_outbox_commit(struct load_outbox *out, size_t len);
/** The number of datagrams the kernel did not take. */
size_t load_outbox_flush(struct load_outbox *out, int fd);

#endif
