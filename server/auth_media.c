// SPDX-License-Identifier: Apache-2.0
/* The signatures of media links: HMAC-SHA256 over clip, file, person and expiry. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/auth.h"

struct media_key media_key_derive(const uint8_t secret[32], const struct entropy *entropy)
{
    struct media_key key = {{0}};
    uint8_t salt[32];
    unsigned len = sizeof key.bytes;
    entropy_fill(entropy, salt, sizeof salt);
    (void)HMAC(EVP_sha256(), secret, 32, salt, sizeof salt, key.bytes, &len);
    return key;
}

void media_key_sign(const struct media_key *k, const struct id *clip, const char *file,
                    const char *identity, uint64_t expires_s,
                    char ret_signature[AUTH_SIGNATURE_BYTES])
{
    char text[ID_TEXT_BYTES + LIMIT_IDENTITY + 48];
    int len = snprintf(text, sizeof text, "%s\n%s\n%llu\n%s", clip->text, file,
                       (unsigned long long)expires_s, identity);
    uint8_t mac[32];
    unsigned mac_len = sizeof mac;
    if (len < 0 || (size_t)len >= sizeof text)
        len = 0;
    (void)HMAC(EVP_sha256(), k->bytes, sizeof k->bytes, (const uint8_t *)text, (size_t)len, mac,
               &mac_len);
    hex_encode(ret_signature, mac, sizeof mac);
}

int media_key_check(const struct media_key *k, const struct id *clip, const char *file,
                    const char *identity, uint64_t expires_s, uint64_t now_s, const char *signature)
{
    char good[AUTH_SIGNATURE_BYTES];
    if (strlen(identity) > LIMIT_IDENTITY || strlen(signature) != AUTH_SIGNATURE_BYTES - 1)
        return ER_UNAUTHENTIC;
    media_key_sign(k, clip, file, identity, expires_s, good);
    if (CRYPTO_memcmp(good, signature, AUTH_SIGNATURE_BYTES - 1) != 0)
        return ER_UNAUTHENTIC;
    return now_s < expires_s ? 0 : ER_STALE;
}
