// SPDX-License-Identifier: Apache-2.0
/* DTLS 1.2 for SRTP keying (RFC 6347, 5763, 5764) over OpenSSL, without a socket and without
 * OpenSSL's clock: datagrams in, datagrams out, and a deadline at which the last flight goes again. */
#ifndef LOUPE_MEDIA_PEER_DTLS_H
#define LOUPE_MEDIA_PEER_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/** "AA:BB:..", SHA-256, and NUL. */
#define DTLS_FINGERPRINT_BYTES 96

/** A self-signed ECDSA P-256 certificate and what OpenSSL needs to use it. Made once at start; used
 *  by any number of threads (it is never changed). Outlives the associations made with it. */
struct dtls_identity;
/** 0, ER_NOMEM or ER_INTERNAL. */
int dtls_identity_new(struct dtls_identity **ret);
void dtls_identity_free(struct dtls_identity *id);
const char *dtls_identity_fingerprint(const struct dtls_identity *id);

enum srtp_profile {
    SRTP_PROFILE_NONE = 0,
    SRTP_PROFILE_AES128_CM_SHA1_80 = 0x0001, /* RFC 5764, 4.1.2 */
    SRTP_PROFILE_AEAD_AES_128_GCM = 0x0007,  /* RFC 7714, 14.2 */
    SRTP_PROFILE_AEAD_AES_256_GCM = 0x0008,
};

/** Master keys with their salts appended, as libsrtp wants them. */
struct srtp_keys {
    enum srtp_profile profile;
    size_t len; /* key + salt */
    uint8_t client[48];
    uint8_t server[48];
};

enum dtls_state { DTLS_HANDSHAKE, DTLS_CONNECTED, DTLS_CLOSED, DTLS_FAILED };

struct dtls;
struct ssl_st;

/** One association. `server`: passive (the only role of the server; clients are for tests, bench
 *  and cascades). `fingerprint_algorithm`/`fingerprint` are the remote's from its SDP ("sha-256",
 *  also 384 and 512); the certificate must match before the state becomes DTLS_CONNECTED.
 *  ER_UNSUPPORTED for another algorithm, ER_MALFORMED for a fingerprint that is none, ER_NOMEM. */
int dtls_new(struct dtls **ret, const struct dtls_identity *id, bool server,
             struct span fingerprint_algorithm, struct span fingerprint);
void dtls_free(struct dtls *d);

/** A client's first flight. */
int dtls_start(struct dtls *d, uint64_t now_us);
/** One datagram from a validated address. ER_CLOSED when the association is over; ER_MALFORMED and
 *  ER_UNAUTHENTIC (fingerprint) are for counting; the state tells how things stand. ClientHello
 *  fragments may come in several datagrams, in any order, lost and repeated. */
int dtls_input(struct dtls *d, uint64_t now_us, const uint8_t *data, size_t len);
/** The next datagram to send (at most LIMIT_DTLS_MTU), borrowed until the next call on `d`; false
 *  when there is none. Call after every input, start and expire until false. */
bool dtls_output(struct dtls *d, const uint8_t **ret_data, size_t *ret_len);
/** When dtls_expire wants to be called; HEAP_NEVER (UINT64_MAX) when not. First repetition after
 *  100 ms, doubling to 2 s; given up after 20 s: DTLS_FAILED. */
uint64_t dtls_deadline_us(const struct dtls *d);
/** Without effect before the deadline. */
void dtls_expire(struct dtls *d, uint64_t now_us);

enum dtls_state dtls_get_state(const struct dtls *d);
/** Keys once DTLS_CONNECTED; ER_CONFLICT before. */
int dtls_export(struct dtls *d, struct srtp_keys *ret);
/** Queue close_notify (fetch it by dtls_output). */
void dtls_close(struct dtls *d);

/** OpenSSL's own object (SSL *), so that tests can change what a client offers before it starts. NULL
 *  for a server whose handshake is done: it needs OpenSSL no more. */
struct ssl_st *dtls_openssl(struct dtls *d);

#endif
