// SPDX-License-Identifier: Apache-2.0
/* Short texts encrypted: head, nonce, ciphertext and tag, in hexadecimal. */
#include "base/vault_text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/er.h"

enum { NONCE = 12, TAG = 16, BEFORE = VAULT_HEAD_BYTES + NONCE, CHUNK_LOG2 = 16 };

bool vault_text_is_sealed(const char *text)
{
    return strncmp(text, VAULT_TEXT_PREFIX, sizeof VAULT_TEXT_PREFIX - 1) == 0;
}

/** `tag` is written when sealing, checked when opening. */
static int crypt_text(bool seal, const uint8_t *key, const uint8_t *nonce, const char *of,
                      const uint8_t *in, int len, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n, rest = 0;
    bool ok = c && EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1 &&
              EVP_CipherUpdate(c, NULL, &n, (const uint8_t *)of, (int)strlen(of)) == 1 &&
              EVP_CipherUpdate(c, out, &n, in, len) == 1 &&
              (seal || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1);
    bool good = ok && EVP_CipherFinal_ex(c, out + n, &rest) == 1;
    if (good && seal)
        good = EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;
    EVP_CIPHER_CTX_free(c);
    return good ? 0 : ok && !seal ? ER_UNAUTHENTIC : ER_INTERNAL;
}

int vault_text_seal(struct vault *v, const char *of, const char *text,
                    char ret[static VAULT_TEXT_BYTES])
{
    struct vault_file_key key = {.kind = VAULT_WHOLE, .chunk_log2 = CHUNK_LOG2};
    uint8_t bytes[BEFORE + VAULT_TEXT_MAX + TAG];
    size_t len = strlen(text);
    if (len > VAULT_TEXT_MAX)
        return ER_INVALID;
    int er = vault_make_head(v, &key, bytes);
    if (er)
        return er;
    vault_nonce(v, bytes + VAULT_HEAD_BYTES, NONCE);
    er = crypt_text(true, key.key, bytes + VAULT_HEAD_BYTES, of, (const uint8_t *)text, (int)len,
                    bytes + BEFORE, bytes + BEFORE + len);
    OPENSSL_cleanse(&key, sizeof key);
    if (er)
        return er;
    memcpy(ret, VAULT_TEXT_PREFIX, sizeof VAULT_TEXT_PREFIX);
    hex_encode(ret + sizeof VAULT_TEXT_PREFIX - 1, bytes, BEFORE + len + TAG);
    return 0;
}

int vault_text_open(struct vault *v, const char *of, const char *sealed, char *ret, size_t size)
{
    struct vault_file_key key;
    uint8_t bytes[BEFORE + VAULT_TEXT_MAX + TAG], plain[VAULT_TEXT_MAX + 1] = {0};
    ret[0] = '\0';
    if (!vault_text_is_sealed(sealed))
        return ER_MALFORMED;
    struct span hex = span_of(sealed + sizeof VAULT_TEXT_PREFIX - 1);
    size_t len = hex.len / 2;
    if (hex.len % 2 || len < BEFORE + TAG || len > sizeof bytes || hex_decode(bytes, len, hex))
        return ER_MALFORMED;
    int er = vault_read_head(v, bytes, &key);
    if (er)
        return er;
    size_t text_len = len - BEFORE - TAG;
    er = crypt_text(false, key.key, bytes + VAULT_HEAD_BYTES, of, bytes + BEFORE, (int)text_len,
                    plain, bytes + len - TAG);
    OPENSSL_cleanse(&key, sizeof key);
    if (!er)
        er = strlen((char *)plain) == text_len ? str_copy(ret, size, (char *)plain) : ER_MALFORMED;
    OPENSSL_cleanse(plain, sizeof plain);
    return er;
}
