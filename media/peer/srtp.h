// SPDX-License-Identifier: Apache-2.0
/* SRTP and SRTCP (RFC 3711, 7714) of one peer, both directions: GCM by srtp_gcm.h, the older profile
 * by libsrtp2. */
#ifndef LOUPE_MEDIA_PEER_SRTP_H
#define LOUPE_MEDIA_PEER_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/peer/dtls.h"
#include "media/peer/srtp_gcm.h"

#define SRTP_OVERHEAD 32 /* bytes a packet may grow by, RTP or RTCP, any profile */

struct srtp_pair;

/** Once per process, before the first pair. Safe to call again. */
int srtp_pair_library_init(void);

/** `server` tells which of the keys is ours. Replay window 1024. */
int srtp_pair_new(struct srtp_pair **ret, const struct srtp_keys *keys, bool server);
void srtp_pair_free(struct srtp_pair *p);

/* All work in place. Unprotect: *len shrinks; 0, ER_UNAUTHENTIC, ER_STALE (replay), ER_MALFORMED or
 * ER_FULL (more SSRCs than a peer may use), and then the bytes are worthless. Protect: the buffer has
 * SRTP_OVERHEAD bytes to spare. A packet may be protected again (a retransmission without RTX) only
 * if it is the same to the bit, header extensions included: anything else reuses a nonce. */
int srtp_pair_unprotect_rtp(struct srtp_pair *p, uint8_t *packet, size_t *len);
int srtp_pair_unprotect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len);
int srtp_pair_protect_rtp(struct srtp_pair *p, uint8_t *packet, size_t *len);
int srtp_pair_protect_rtcp(struct srtp_pair *p, uint8_t *packet, size_t *len);
/** As protect, for a packet whose header stands in `packet` and whose payload lies elsewhere: under
 *  GCM it is encrypted from there. The buffer holds both and SRTP_OVERHEAD. */
int srtp_pair_seal_rtp(struct srtp_pair *p, uint8_t *packet, size_t header_len,
                       const struct srtp_payload *payload, size_t *ret_len);
/** A packet of this number of ours was not protected, and never will be. Told each time, else 32768 in a
 *  row have the roll-over miscounted and nonces used again. */
void srtp_pair_skip_rtp(struct srtp_pair *p, uint32_t ssrc, uint16_t seq);
/** Nothing more is protected under this SSRC of ours, ever: under the same key it would begin anew and
 *  reuse nonces. ER_NOT_FOUND: nothing was. */
int srtp_pair_forget(struct srtp_pair *p, uint32_t ssrc);

/** Has the processor fetch what a packet will need (base/fetch.h), a step at a time: each follows pointers
 *  that the one before has fetched. The pair itself; then for a packet in its three steps from
 *  SRTP_FETCH_IN on, or for one out its two from SRTP_FETCH_OUT on. NULL is fine. */
enum { SRTP_FETCH_PAIR = 0, SRTP_FETCH_IN = 1, SRTP_FETCH_OUT = 4 };
void srtp_pair_fetch(const struct srtp_pair *p, unsigned step);

#endif
