// SPDX-License-Identifier: Apache-2.0
/* What is kept of a DTLS association after its handshake to understand the other side's alerts: a key
 * instead of OpenSSL's buffers, which are some 70 KiB. For files of the DTLS module. */
#ifndef LOUPE_MEDIA_PEER_DTLS_ALERTS_H
#define LOUPE_MEDIA_PEER_DTLS_ALERTS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dtls_alerts {
    size_t key_len; /* AES-GCM: 16 or 32 */
    uint8_t key[32];
    uint8_t iv[4];
};

/** The client's write key of an association that `ssl` serves, derived anew (RFC 5246, 6.3; RFC 5288).
 *  ER_UNSUPPORTED unless it is DTLS 1.2 with AES-GCM; ER_INTERNAL. */
int dtls_alerts_init(struct dtls_alerts *ret, SSL *ssl);
/** Does an authentic record of this datagram end the association: close_notify or a fatal alert? */
bool dtls_alerts_end(const struct dtls_alerts *a, const uint8_t *data, size_t len);

#endif
