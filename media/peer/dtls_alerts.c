// SPDX-License-Identifier: Apache-2.0
/* Encrypted alerts (RFC 6347, 4.1; RFC 5246, 7.2; RFC 5288, 3). Replays are not looked for: what ends
 * an association ends it the first time. */
#include "media/peer/dtls_alerts.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/buf.h"
#include "base/er.h"

#define IV_BYTES 4
#define NONCE_BYTES 8 /* explicit, in each record */
#define TAG_BYTES 16
#define RECORD_HEADER 13
#define ALERT_BYTES 2
#define EPOCH 1 /* there is no renegotiation */
enum { RECORD_ALERT = 21, ALERT_FATAL = 2, CLOSE_NOTIFY = 0 };

static int expand(const EVP_MD *digest, const uint8_t *secret, size_t secret_len,
                  const uint8_t *seed, size_t seed_len, uint8_t *ret, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)EVP_MD_get0_name(digest),
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)secret, secret_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)seed, seed_len),
        OSSL_PARAM_construct_end(),
    };
    int er = ctx && EVP_KDF_derive(ctx, ret, len, params) == 1 ? 0 : ER_INTERNAL;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return er;
}

int dtls_alerts_init(struct dtls_alerts *ret, SSL *ssl)
{
    static const char label[] = "key expansion";
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    int nid = cipher ? SSL_CIPHER_get_cipher_nid(cipher) : 0;
    memset(ret, 0, sizeof *ret);
    if (SSL_version(ssl) != DTLS1_2_VERSION || (nid != NID_aes_128_gcm && nid != NID_aes_256_gcm))
        return ER_UNSUPPORTED;
    uint8_t secret[SSL_MAX_MASTER_KEY_LENGTH], seed[sizeof label - 1 + 2 * SSL3_RANDOM_SIZE];
    uint8_t block[2 * sizeof ret->key + 2 * IV_BYTES];
    size_t secret_len = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof secret);
    uint8_t *at = seed + sizeof label - 1;
    memcpy(seed, label, sizeof label - 1);
    at += SSL_get_server_random(ssl, at, SSL3_RANDOM_SIZE);
    at += SSL_get_client_random(ssl, at, SSL3_RANDOM_SIZE);
    ret->key_len = nid == NID_aes_128_gcm ? 16 : 32;
    /* client key, server key, client IV, server IV */
    int er = expand(SSL_CIPHER_get_handshake_digest(cipher), secret, secret_len, seed,
                    (size_t)(at - seed), block, 2 * ret->key_len + 2 * IV_BYTES);
    if (!er) {
        memcpy(ret->key, block, ret->key_len);
        memcpy(ret->iv, block + 2 * ret->key_len, IV_BYTES);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(block, sizeof block);
    ERR_clear_error();
    return er;
}

/** `body` is an alert's nonce, ciphertext and tag. */
static bool decrypt(const struct dtls_alerts *a, const uint8_t *header, const uint8_t *body,
                    uint8_t *ret_alert)
{
    uint8_t iv[IV_BYTES + NONCE_BYTES], aad[RECORD_HEADER];
    int n;
    memcpy(iv, a->iv, IV_BYTES);
    memcpy(iv + IV_BYTES, body, NONCE_BYTES);
    memcpy(aad, header + 3, 8);     /* epoch and number, */
    memcpy(aad + 8, header, 3);     /* type and version, */
    put_u16(aad + 11, ALERT_BYTES); /* length in the clear */
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx &&
              EVP_DecryptInit_ex(ctx, a->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(),
                                 NULL, a->key, iv) &&
              EVP_DecryptUpdate(ctx, NULL, &n, aad, sizeof aad) &&
              EVP_DecryptUpdate(ctx, ret_alert, &n, body + NONCE_BYTES, ALERT_BYTES) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES,
                                  (uint8_t *)body + NONCE_BYTES + ALERT_BYTES) &&
              EVP_DecryptFinal_ex(ctx, ret_alert + ALERT_BYTES, &n) > 0;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

bool dtls_alerts_end(const struct dtls_alerts *a, const uint8_t *data, size_t len)
{
    struct rd r = rd_make(data, len);
    while (!r.bad && rd_left(&r) >= RECORD_HEADER) {
        const uint8_t *header = rd_bytes(&r, RECORD_HEADER);
        size_t body_len = get_u16(header + 11);
        const uint8_t *body = rd_bytes(&r, body_len);
        uint8_t alert[ALERT_BYTES + TAG_BYTES];
        if (r.bad || header[0] != RECORD_ALERT || get_u16(header + 3) != EPOCH ||
            body_len != NONCE_BYTES + ALERT_BYTES + TAG_BYTES)
            continue;
        if (decrypt(a, header, body, alert) &&
            (alert[0] == ALERT_FATAL || alert[1] == CLOSE_NOTIFY))
            return true;
    }
    return false;
}
