// SPDX-License-Identifier: Apache-2.0
/* What the DTLS module's own files share about an identity; others use dtls.h. */
#ifndef LOUPE_MEDIA_PEER_DTLS_IDENTITY_H
#define LOUPE_MEDIA_PEER_DTLS_IDENTITY_H

#include <openssl/ssl.h>

#include "media/peer/dtls.h"

struct dtls_identity {
    SSL_CTX *context; /* for servers and clients alike */
    EVP_PKEY *key;
    X509 *certificate;
    BIO_METHOD *bio_method;
    char fingerprint[DTLS_FINGERPRINT_BYTES];
};

/** The BIO of an association: one datagram in, datagrams out. NULL without memory. */
BIO_METHOD *dtls_bio_method_new(void);
/** Called by OpenSSL for the other side's certificate: 1 when its fingerprint is the expected one.
 *  Both live in dtls.c, since they work on the association. */
int dtls_verify_certificate(X509_STORE_CTX *store, void *unused);

#endif
