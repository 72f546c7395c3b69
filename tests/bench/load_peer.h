// SPDX-License-Identifier: Apache-2.0
/* One fake client of the load generator: a real ICE, DTLS and SRTP endpoint on a socket of its own,
 * which sends synthetic media and counts what it gets. It decrypts RTCP and a sample of the media: RTP
 * headers tell enough to count, and the generator must cost less than the server it measures. */
#ifndef LOUPE_TESTS_BENCH_LOAD_PEER_H
#define LOUPE_TESTS_BENCH_LOAD_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/entropy.h"
#include "base/heap.h"
#include "media/peer/dtls.h"
#include "tests/bench/load_film.h"
#include "tests/bench/load_meter.h"
#include "tests/bench/load_sink.h"
#include "tests/bench/load_socket.h"

struct load_peer;

/** What all peers of a generator share. */
struct load_world {
    struct dtls_identity *identity;
    struct entropy entropy;
    struct load_inbox *inbox;
    struct load_outbox *outbox;
    struct load_meter *meter;
    struct heap timers; /* of load_peer_timer */
    bool transport_cc;
    bool gro;
};

struct load_config {
    struct load_world *world; /* outlives the peer */
    const char *name;
    bool publish;
    unsigned receive;             /* pairs of lines offered for receiving */
    uint32_t video_bps;           /* of what it publishes, unless that is: */
    const struct load_film *film; /* NULL, or outlives the peer */
};

int load_peer_new(struct load_peer **ret, const struct load_config *config);
/** Says good-bye when it is connected. */
void load_peer_free(struct load_peer *p);
int load_peer_fd(const struct load_peer *p);
const char *load_peer_name(const struct load_peer *p);
/** Text for the caller to free. */
char *load_peer_offer(struct load_peer *p);
/** The server's answer to it. */
int load_peer_answer(struct load_peer *p, uint64_t now_us, const char *sdp);
/** A server's offer; our answer for the caller to free, or NULL. */
char *load_peer_accept(struct load_peer *p, uint64_t now_us, const char *sdp);
void load_peer_readable(struct load_peer *p);
/** Whose node of world.timers this is. */
struct load_peer *load_peer_of_timer(struct heap_node *node);
/** Do what is due. */
void load_peer_expire(struct load_peer *p, uint64_t now_us);
bool load_peer_connected(const struct load_peer *p);
/** Whether it receives, and every stream it asked for has begun. */
bool load_peer_watching(const struct load_peer *p);
/** The server's port. */
uint16_t load_peer_port(const struct load_peer *p);
const struct load_sink *load_peer_sink(const struct load_peer *p);
void load_peer_reset(struct load_peer *p);
void load_peer_count(const struct load_peer *p, struct load_counts *sum);

#endif
