// SPDX-License-Identifier: Apache-2.0
/* HMAC-SHA256 over "<id>.<timestamp>.<body>", in base64. */
#include "server/hook_sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"

#define PREFIX "whsec_"
#define KEY_BYTES 32
#define KEY_TEXT 44 /* in base64 */

void hook_secret_make(const struct entropy *entropy, char ret[static HOOK_SECRET_BYTES])
{
    uint8_t key[KEY_BYTES];
    entropy_fill(entropy, key, sizeof key);
    memcpy(ret, PREFIX, sizeof PREFIX);
    (void)EVP_EncodeBlock((unsigned char *)ret + sizeof PREFIX - 1, key, sizeof key);
    explicit_bzero(key, sizeof key);
}

static int key_of(const char *secret, uint8_t ret[static KEY_BYTES])
{
    uint8_t bytes[KEY_BYTES + 2]; /* with what the padding stands for */
    size_t len = strlen(secret);
    if (len != HOOK_SECRET_BYTES - 1 || strncmp(secret, PREFIX, sizeof PREFIX - 1) != 0)
        return ER_INVALID;
    const unsigned char *text = (const unsigned char *)secret + sizeof PREFIX - 1;
    if (EVP_DecodeBlock(bytes, text, KEY_TEXT) < KEY_BYTES)
        return ER_INVALID;
    memcpy(ret, bytes, KEY_BYTES);
    explicit_bzero(bytes, sizeof bytes);
    return 0;
}

/** "v1,<base64>" at `ret`. */
static int sign_one(const char *secret, const char *text, size_t len, char *ret)
{
    uint8_t key[KEY_BYTES], mac[32];
    unsigned mac_len = sizeof mac;
    int er = key_of(secret, key);
    if (er)
        return er;
    const uint8_t *done = HMAC(EVP_sha256(), key, sizeof key, (const unsigned char *)text, len, mac,
                               &mac_len);
    explicit_bzero(key, sizeof key);
    if (!done)
        return ER_INTERNAL;
    memcpy(ret, "v1,", 3);
    (void)EVP_EncodeBlock((unsigned char *)ret + 3, mac, sizeof mac);
    return 0;
}

int hook_sign(const char *secret, const char *old, const char *id, uint64_t unix_s,
              const char *body, size_t len, char ret[static HOOK_SIGNATURES_BYTES])
{
    char head[160];
    int head_len = snprintf(head, sizeof head, "%s.%llu.", id, (unsigned long long)unix_s);
    if (head_len < 0 || (size_t)head_len >= sizeof head || strchr(id, '.'))
        return ER_INVALID;
    char *text = malloc((size_t)head_len + len + 1);
    if (!text)
        return ER_NOMEM;
    memcpy(text, head, (size_t)head_len);
    memcpy(text + head_len, body, len);
    size_t all = (size_t)head_len + len;
    int er = sign_one(secret, text, all, ret);
    size_t at = er ? 0 : strlen(ret);
    if (!er && old[0]) {
        ret[at] = ' ';
        er = sign_one(old, text, all, ret + at + 1);
    }
    free(text);
    return er;
}
