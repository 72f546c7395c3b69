// SPDX-License-Identifier: Apache-2.0
/* One fake client of the load generator: a real ICE, DTLS and SRTP endpoint on a socket of its own,
 * which sends synthetic media and counts what it gets. It decrypts RTCP only: RTP headers tell enough
 * to count, and the generator must cost less than the server it measures. */
#ifndef LOUPE_TESTS_BENCH_LOAD_PEER_H
#define LOUPE_TESTS_BENCH_LOAD_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/entropy.h"
#include "media/peer/dtls.h"

struct load_peer;

struct load_config {
    const char *name;
    const struct dtls_identity *identity;
    const struct entropy *entropy;
    bool publish;
    unsigned receive;   /* pairs of lines offered for receiving */
    uint32_t video_bps; /* of what it publishes */
};

/** Sums over what was counted since load_peer_reset. */
struct load_counts {
    uint64_t sent;
    uint64_t received;
    uint64_t expected; /* by sequence numbers */
    uint64_t streams;  /* that something came of */
    uint64_t nacks;    /* packets the server asked for again: lost on its way in */
};

int load_peer_new(struct load_peer **ret, const struct load_config *config);
void load_peer_free(struct load_peer *p);
int load_peer_fd(const struct load_peer *p);
const char *load_peer_name(const struct load_peer *p);
/** Text for the caller to free. */
char *load_peer_offer(struct load_peer *p);
/** The server's answer to it. */
int load_peer_answer(struct load_peer *p, uint64_t now_us, const char *sdp);
/** A server's offer; our answer for the caller to free, or NULL. */
char *load_peer_accept(struct load_peer *p, uint64_t now_us, const char *sdp);
void load_peer_readable(struct load_peer *p, uint64_t now_us);
/** Send what is due. */
void load_peer_tick(struct load_peer *p, uint64_t now_us, uint64_t unix_us);
bool load_peer_connected(const struct load_peer *p);
void load_peer_reset(struct load_peer *p);
void load_peer_count(const struct load_peer *p, struct load_counts *sum);

#endif
