// SPDX-License-Identifier: Apache-2.0
/* One remote party: ICE, DTLS, SRTP and the agreed lines together. It moves bytes between the wire
 * and decrypted packets and knows nothing of rooms. */
#ifndef LOUPE_MEDIA_PEER_PEER_H
#define LOUPE_MEDIA_PEER_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/entropy.h"
#include "media/peer/dtls.h"
#include "media/peer/icelite.h"
#include "media/peer/negotiate.h"
#include "media/peer/path.h"
#include "media/peer/srtp.h"
#include "media/wire/rtp.h"

enum peer_state { PEER_NEW, PEER_CONNECTING, PEER_CONNECTED, PEER_FAILED, PEER_CLOSED };

/** What a call changed; bits. */
enum peer_change {
    PEER_CHANGED_VALID_PATH =
        1,                 /* `from` is validated: DTLS and SRTP from it belong to this peer */
    PEER_CHANGED_PATH = 2, /* the selected path is another one now */
    PEER_CHANGED_STATE = 4,
};

/** Called synchronously for each datagram to send; the bytes are borrowed. */
typedef void peer_send_fn(void *ctx, const struct path *to, const uint8_t *data, size_t len);

struct peer_config {
    const struct dtls_identity *identity; /* outlives the peer */
    const struct entropy *entropy;        /* outlives the peer */
    peer_send_fn *send;
    void *send_ctx;
    const struct addr *candidates; /* outlive the peer */
    size_t candidate_count;
    const struct addr *tcp_candidates; /* passive; outlive the peer */
    size_t tcp_candidate_count;
    char ufrag_mark; /* see icelite_init */
};

/** An SSRC of the client's that authentic packets showed to belong to a line. */
struct peer_source {
    uint32_t ssrc;
    uint16_t line;
    uint8_t rid; /* among the line's; 0 without simulcast */
};
#define PEER_SOURCES 64 /* the one learnt first gives way */

/** Visible so that the packet path needs no calls; only peer.c writes, but for `srtp` use. */
struct peer {
    struct peer_config config;
    enum peer_state state;
    struct icelite ice;
    struct dtls *dtls;
    struct srtp_pair *srtp; /* NULL until connected */
    struct negotiation negotiation;
    uint64_t created_us;
    uint64_t connected_us; /* 0: not yet */
    struct path dtls_path; /* where the last DTLS datagram came from */
    size_t source_count;
    size_t source_next;
    struct peer_source sources[PEER_SOURCES];
};

int peer_new(struct peer **ret, const struct peer_config *config, uint64_t now_us);
void peer_free(struct peer *p);

/** First offer or a renegotiation. The caller frees *ret_answer. Errors as negotiate_offer; then the
 *  peer goes on as before. A changed fingerprint on a connected peer is ER_UNSUPPORTED; an ICE
 *  restart gets fresh local credentials (the caller maps the new ufrag). */
int peer_offer(struct peer *p, const struct negotiate_rules *rules, const char *offer, size_t len,
               char **ret_answer, const char **ret_why);

/** A STUN Binding request addressed to our ufrag. Returns bits of enum peer_change, or an error. */
int peer_stun(struct peer *p, uint64_t now_us, const struct path *from, const uint8_t *data,
              size_t len, const struct stun_message *msg);
/** A DTLS datagram. From a path that is not validated: ER_DENIED, ignored. */
int peer_dtls(struct peer *p, uint64_t now_us, const struct path *from, const uint8_t *data,
              size_t len);
/** Nothing can be sent on a path any more. Returns bits of enum peer_change. */
int peer_path_gone(struct peer *p, const struct path *path);
/** The earliest of connect timeout, DTLS repetition, consent. */
uint64_t peer_deadline_us(const struct peer *p);
/** Returns bits of enum peer_change (state FAILED when a timeout ran out). */
int peer_expire(struct peer *p, uint64_t now_us);
/** close_notify to the other side; state CLOSED. */
void peer_close(struct peer *p, uint64_t now_us);

/** What an incoming packet is. */
struct peer_match {
    bool rtx;    /* a retransmission (RFC 4588) */
    uint8_t rid; /* of which of the line's streams; 0 without simulcast */
    enum media_codec codec;
};
/** The line that an incoming RTP packet belongs to (index into negotiation.lines), or -1: by SSRC
 *  known before or announced, by the mid extension, by a payload type only one line has (RFC 8843,
 *  9.2). Which stream of simulcast it is, its rid or repaired rid says (RFC 8852), until its SSRC is
 *  known. Learns the SSRC, also into the line's remote_ssrc: only for packets that SRTP authenticated.
 *  -1 too for payload types that were not agreed, and for streams that cannot be told. */
int peer_match_line(struct peer *p, const struct rtp_packet *packet, struct peer_match *ret);

#endif
