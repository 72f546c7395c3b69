// SPDX-License-Identifier: Apache-2.0
/* AEAD_AES_128_GCM and AEAD_AES_256_GCM for SRTP and SRTCP (RFC 3711, 7714), one direction of one
 * peer, over OpenSSL's cipher. What is sent is encrypted from where it lies into where it leaves
 * from: no copy besides the one that encryption makes. */
#ifndef LOUPE_MEDIA_PEER_SRTP_GCM_H
#define LOUPE_MEDIA_PEER_SRTP_GCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define SRTP_GCM_SALT 12
#define SRTP_GCM_TAG 16

struct srtp_gcm;

/** What follows a packet's header: `head` (a rewritten descriptor, the original number of RFC 4588),
 *  then `body`; both borrowed. */
struct srtp_payload {
    const uint8_t *head;
    size_t head_len;
    const uint8_t *body;
    size_t body_len;
};

/** `key` of 16 or 32 bytes with the salt behind it; `len` counts both. ER_INVALID, ER_NOMEM. */
int srtp_gcm_new(struct srtp_gcm **ret, const uint8_t *key, size_t len, bool outbound);
/** NULL is fine. */
void srtp_gcm_free(struct srtp_gcm *g);

/* Sending. One SSRC's sequence numbers begin below 32768; the roll-over is counted here, and a number
 * belongs to the round nearest to the highest sent so far. The same number twice must be the same
 * packet to the bit. */

/** An RTP header's length with its CSRCs and extensions; 0: it is none, or cut short. */
size_t srtp_gcm_header_length(const uint8_t *packet, size_t len);
/** The header of `header_len` bytes stands at the beginning of `packet`; the payload is encrypted
 *  behind it (`body` may be there already), the tag behind that. ER_NOMEM: state for a new SSRC. */
int srtp_gcm_seal_rtp(struct srtp_gcm *g, uint8_t *packet, size_t header_len,
                      const struct srtp_payload *payload, size_t *ret_len);
/** A packet of this number was never to leave: later ones are counted on from it, or the same number of
 *  another round would be taken for it. */
void srtp_gcm_skip_rtp(struct srtp_gcm *g, uint32_t ssrc, uint16_t seq);
/** In place; grows by 20 bytes. ER_FULL: 2^31 packets were sent under this key. */
int srtp_gcm_seal_rtcp(struct srtp_gcm *g, uint8_t *packet, size_t *len);
/** Drop what is kept for an SSRC: nothing more is sent under it. ER_NOT_FOUND. */
int srtp_gcm_forget(struct srtp_gcm *g, uint32_t ssrc);

/* Receiving, in place; *len shrinks. ER_MALFORMED, ER_UNAUTHENTIC, ER_STALE (replayed, or too old to
 * know: window of SRTP_GCM_WINDOW), ER_FULL (more than LIMIT_SRTP_SOURCES authentic SSRCs), ER_NOMEM;
 * then nothing has changed but the bytes, which are worthless. A stream of which some 200,000 packets in a
 * row were lost is found again after a few. */
#define SRTP_GCM_WINDOW LIMIT_SRTP_WINDOW
int srtp_gcm_open_rtp(struct srtp_gcm *g, uint8_t *packet, size_t *len);
int srtp_gcm_open_rtcp(struct srtp_gcm *g, uint8_t *packet, size_t *len);

/** See srtp_pair_fetch; steps from 0 on. */
void srtp_gcm_fetch(const struct srtp_gcm *g, unsigned step);

#endif
