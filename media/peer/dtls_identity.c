// SPDX-License-Identifier: Apache-2.0
/* The self-signed certificate (RFC 8827, 6.5: ECDSA on P-256) and the OpenSSL context with all the
 * choices that hold for every association: version, ciphers, SRTP profiles, no resumption. */
#include "media/peer/dtls_identity.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/er.h"

/* In our order: the server picks the first that the client has too. */
#define DTLS_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
#define DTLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define DTLS_GROUPS "X25519:P-256:P-384"

static int identity_name(X509 *x)
{
    X509_NAME *name = X509_get_subject_name(x);
    return name &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"loupe", -1,
                                      -1, 0) &&
           X509_set_issuer_name(x, name);
}

/* Nobody checks the dates of a WebRTC certificate (its fingerprint is what counts), so they are
 * wide and fixed: no clock is needed. */
static int identity_dates(X509 *x)
{
    return ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "20200101000000Z") &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "20491231235959Z");
}

/* The serial number is drawn from the key, which is random already. */
static int identity_serial(X509 *x)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!X509_pubkey_digest(x, EVP_sha256(), digest, &len) || len < 4)
        return 0;
    struct rd r = rd_make(digest, 4);
    uint32_t serial = rd_u32(&r);
    return ASN1_INTEGER_set(X509_get_serialNumber(x), (long)(serial >> 1) + 1);
}

static int identity_certify(struct dtls_identity *id)
{
    id->key = EVP_EC_gen("P-256");
    id->certificate = X509_new();
    if (!id->key || !id->certificate)
        return ER_NOMEM;
    X509 *x = id->certificate;
    if (!X509_set_version(x, 2) || !X509_set_pubkey(x, id->key) || !identity_serial(x) ||
        !identity_name(x) || !identity_dates(x) || !X509_sign(x, id->key, EVP_sha256()))
        return ER_INTERNAL;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!X509_digest(x, EVP_sha256(), digest, &len) || len != 32)
        return ER_INTERNAL;
    for (unsigned i = 0; i < len; i++)
        snprintf(id->fingerprint + (size_t)i * 3, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    return 0;
}

static int identity_context(struct dtls_identity *id)
{
    id->bio_method = dtls_bio_method_new();
    SSL_CTX *c = id->context = SSL_CTX_new(DTLS_method());
    if (!c || !id->bio_method)
        return ER_NOMEM;
    SSL_CTX_set_options(c, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(c, dtls_verify_certificate, NULL);
    SSL_CTX_set_read_ahead(c, 1);
    static const unsigned char session_context[] = "loupe";
    if (!SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) ||
        !SSL_CTX_set_cipher_list(c, DTLS_CIPHERS) || !SSL_CTX_set1_groups_list(c, DTLS_GROUPS) ||
        SSL_CTX_set_tlsext_use_srtp(c, DTLS_PROFILES) != 0 ||
        !SSL_CTX_set_session_id_context(c, session_context, sizeof session_context - 1) ||
        !SSL_CTX_use_certificate(c, id->certificate) || !SSL_CTX_use_PrivateKey(c, id->key))
        return ER_INTERNAL;
    return 0;
}

int dtls_identity_new(struct dtls_identity **ret)
{
    *ret = NULL;
    struct dtls_identity *id = calloc(1, sizeof *id);
    if (!id)
        return ER_NOMEM;
    int er = identity_certify(id);
    if (!er)
        er = identity_context(id);
    ERR_clear_error();
    if (er) {
        dtls_identity_free(id);
        return er;
    }
    *ret = id;
    return 0;
}

void dtls_identity_free(struct dtls_identity *id)
{
    if (!id)
        return;
    SSL_CTX_free(id->context);
    BIO_meth_free(id->bio_method);
    X509_free(id->certificate);
    EVP_PKEY_free(id->key);
    free(id);
}

const char *dtls_identity_fingerprint(const struct dtls_identity *id)
{
    return id->fingerprint;
}
