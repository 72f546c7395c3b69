// SPDX-License-Identifier: Apache-2.0
/* Ed25519 keys: made, kept, published, used. */
#include "server/seal/keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/seal/durable.h"
#include "server/seal/merkle.h"

#define PATH_BYTES 4200
#define DOCUMENT_MAX 1048576 /* bytes of keys.json */
#define X_BYTES 44           /* 32 bytes in base64url without padding, and a NUL */
#define TIME_LEN 24          /* "2026-11-21T21:54:50.123Z" */

struct keys {
    char *folder; /* NULL: parsed */
    size_t count;
    struct key items[KEYS_MAX];
    const struct key *active;
    EVP_PKEY *private; /* of the active one */
};

void keys_free(struct keys *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->private);
    free(k->folder);
    free(k);
}

size_t keys_count(const struct keys *k)
{
    return k->count;
}

const struct key *keys_at(const struct keys *k, size_t i)
{
    return i < k->count ? &k->items[i] : NULL;
}

const struct key *keys_find(const struct keys *k, const uint8_t public[static 32])
{
    for (size_t i = 0; i < k->count; i++) {
        if (memcmp(k->items[i].public, public, 32) == 0)
            return &k->items[i];
    }
    return NULL;
}

const struct key *keys_active(const struct keys *k)
{
    return k->active;
}

/* As JSON */

static void x_encode(const uint8_t public[static 32], char ret[static X_BYTES])
{
    unsigned char text[X_BYTES + 1];
    (void)EVP_EncodeBlock(text, public, 32);
    for (size_t i = 0; i < X_BYTES - 1; i++)
        ret[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i];
    ret[X_BYTES - 1] = '\0';
}

static int x_decode(const char *text, uint8_t ret[static 32])
{
    unsigned char bytes[33];
    char back[X_BYTES], padded[X_BYTES + 1];
    if (!text || strlen(text) != X_BYTES - 1)
        return ER_MALFORMED;
    for (size_t i = 0; i < X_BYTES - 1; i++)
        padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    padded[X_BYTES - 1] = '=';
    padded[X_BYTES] = '\0';
    if (EVP_DecodeBlock(bytes, (const unsigned char *)padded, X_BYTES) != 33)
        return ER_MALFORMED;
    memcpy(ret, bytes, 32);
    x_encode(ret, back);
    return strcmp(back, text) == 0 ? 0 : ER_MALFORMED;
}

static int kid_of(const uint8_t public[static 32], char ret[static KEYS_KID_BYTES])
{
    struct merkle_hash hash;
    int er = merkle_sha256(public, 32, &hash);
    if (er == 0)
        hex_encode(ret, hash.bytes, (KEYS_KID_BYTES - 1) / 2);
    return er;
}

json_t *keys_jwk(const struct key *key)
{
    char x[X_BYTES];
    x_encode(key->public, x);
    return json_pack("{s:s,s:s,s:s,s:s}", "crv", "Ed25519", "kid", key->kid, "kty", "OKP", "x", x);
}

int keys_from_jwk(const json_t *jwk, struct key *ret)
{
    *ret = (struct key){0};
    const char *kty = json_text(jwk, "kty", 8), *crv = json_text(jwk, "crv", 16);
    const char *kid = json_text(jwk, "kid", KEYS_KID_BYTES - 1);
    if (!kty || !crv || !kid || strcmp(kty, "OKP") != 0 || strcmp(crv, "Ed25519") != 0)
        return ER_MALFORMED;
    int er = x_decode(json_text(jwk, "x", X_BYTES), ret->public);
    if (er == 0)
        er = kid_of(ret->public, ret->kid);
    return er == 0 && strcmp(ret->kid, kid) != 0 ? ER_MALFORMED : er;
}

static int time_take(const json_t *o, const char *name, char ret[static CLOCK_TEXT_BYTES])
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (!json_object_get(o, name))
        return 0;
    const char *text = json_text(o, name, TIME_LEN);
    if (!text || strlen(text) != TIME_LEN)
        return ER_MALFORMED;
    for (size_t i = 0; i < TIME_LEN; i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return ER_MALFORMED;
    }
    return str_copy(ret, CLOCK_TEXT_BYTES, text);
}

static int key_take(const json_t *o, struct key *ret)
{
    int er = keys_from_jwk(o, ret);
    if (er == 0)
        er = time_take(o, "created_at", ret->created_at);
    if (er == 0)
        er = time_take(o, "retired_at", ret->retired_at);
    if (er == 0)
        er = time_take(o, "revoked_at", ret->revoked_at);
    const char *reason = json_text(o, "reason", KEYS_REASON_BYTES - 1);
    if (er == 0 && reason)
        (void)str_copy(ret->reason, sizeof ret->reason, reason);
    return er == 0 && !ret->created_at[0] ? ER_MALFORMED : er;
}

static json_t *key_json(const struct key *key)
{
    json_t *o = keys_jwk(key);
    int bad = !o || json_object_set_new(o, "created_at", json_string(key->created_at)) ||
              json_object_set_new(o, "alg", json_string("EdDSA")) ||
              json_object_set_new(o, "use", json_string("sig"));
    if (!bad && key->retired_at[0])
        bad = json_object_set_new(o, "retired_at", json_string(key->retired_at));
    if (!bad && key->revoked_at[0])
        bad = json_object_set_new(o, "revoked_at", json_string(key->revoked_at)) ||
              json_object_set_new(o, "reason", json_string(key->reason));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

json_t *keys_json(const struct keys *k)
{
    json_t *list = json_array();
    int bad = !list;
    for (size_t i = 0; !bad && i < k->count; i++)
        bad = json_array_append_new(list, key_json(&k->items[i]));
    if (!bad)
        return json_pack("{s:o}", "keys", list);
    json_decref(list);
    return NULL;
}

static int document_take(struct keys *k, const json_t *document)
{
    const json_t *list = json_object_get(document, "keys");
    if (!json_is_array(list) || json_array_size(list) > KEYS_MAX)
        return ER_MALFORMED;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int er = key_take(json_array_get(list, i), &k->items[k->count]);
        if (er == 0 && keys_find(k, k->items[k->count].public))
            er = ER_MALFORMED;
        if (er)
            return er;
        k->count++;
    }
    return 0;
}

int keys_parse(struct keys **ret, const json_t *document)
{
    struct keys *k = calloc(1, sizeof *k);
    int er = k ? document_take(k, document) : ER_NOMEM;
    if (er == 0)
        *ret = k;
    else
        keys_free(k);
    return er;
}

/* The folder */

static void path_of(const struct keys *k, const char *name, const char *suffix,
                    char ret[static PATH_BYTES])
{
    (void)snprintf(ret, PATH_BYTES, "%s/%s%s", k->folder, name, suffix);
}

static int document_write(const struct keys *k)
{
    char path[PATH_BYTES];
    json_t *document = keys_json(k);
    char *text = document ? json_canonical(document) : NULL;
    json_decref(document);
    if (!text)
        return ER_NOMEM;
    path_of(k, "keys", ".json", path);
    int er = durable_write(path, text, strlen(text), 0644);
    free(text);
    return er;
}

static int private_write(const struct keys *k, const struct key *key, EVP_PKEY *private)
{
    char path[PATH_BYTES], *text;
    BIO *memory = BIO_new(BIO_s_mem());
    int er = ER_NOMEM;
    path_of(k, key->kid, ".key", path);
    if (memory && PEM_write_bio_PrivateKey(memory, private, NULL, NULL, 0, NULL, NULL)) {
        long len = BIO_get_mem_data(memory, &text);
        er = durable_write(path, text, (size_t)len, 0600);
    }
    BIO_free(memory);
    return er;
}

static void private_remove(const struct keys *k, const char *kid)
{
    char path[PATH_BYTES];
    path_of(k, kid, ".key", path);
    (void)unlink(path);
}

/** The private half of `key`, if it is there and fits. */
static EVP_PKEY *private_read(const struct keys *k, const struct key *key)
{
    char path[PATH_BYTES], *text;
    uint8_t public[32];
    size_t len, public_len = sizeof public;
    path_of(k, key->kid, ".key", path);
    if (durable_read(path, 65536, &text, &len))
        return NULL;
    BIO *memory = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *private = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    OPENSSL_cleanse(text, len);
    free(text);
    if (private && EVP_PKEY_get_raw_public_key(private, public, &public_len) == 1 &&
        public_len == sizeof public && memcmp(public, key->public, sizeof public) == 0)
        return private;
    EVP_PKEY_free(private);
    return NULL;
}

static void activate(struct keys *k, const struct key *key, EVP_PKEY *private)
{
    EVP_PKEY_free(k->private);
    k->private = private;
    k->active = key;
}

/** A new key behind the others; it is the active one when all is on the disk. */
static int key_make(struct keys *k, const struct entropy *entropy, uint64_t unix_us)
{
    uint8_t secret[32];
    size_t len = 32;
    if (k->count == KEYS_MAX)
        return ER_FULL;
    struct key *key = &k->items[k->count];
    *key = (struct key){0};
    entropy_fill(entropy, secret, sizeof secret);
    EVP_PKEY *private = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
    OPENSSL_cleanse(secret, sizeof secret);
    if (!private || EVP_PKEY_get_raw_public_key(private, key->public, &len) != 1 ||
        kid_of(key->public, key->kid)) {
        EVP_PKEY_free(private);
        return ER_NOMEM;
    }
    clock_format(unix_us, key->created_at);
    int er = private_write(k, key, private);
    if (er == 0) {
        k->count++;
        er = document_write(k);
        if (er)
            k->count--;
    }
    if (er == 0) {
        activate(k, key, private);
        return 0;
    }
    private_remove(k, key->kid);
    EVP_PKEY_free(private);
    return er;
}

static int folder_read(struct keys *k)
{
    char path[PATH_BYTES], *text;
    size_t len;
    json_t *document = NULL;
    path_of(k, "keys", ".json", path);
    int er = durable_read(path, DOCUMENT_MAX, &text, &len);
    if (er)
        return er == ER_NOT_FOUND ? 0 : er;
    er = json_parse(text, len, &document, NULL);
    free(text);
    if (er == 0)
        er = document_take(k, document);
    json_decref(document);
    for (size_t i = k->count; er == 0 && i-- > 0 && !k->active;) {
        const struct key *key = &k->items[i];
        EVP_PKEY *private = key->retired_at[0] || key->revoked_at[0] ? NULL : private_read(k, key);
        if (private)
            activate(k, key, private);
    }
    return er;
}

int keys_open(struct keys **ret, const char *folder, const struct entropy *entropy,
              uint64_t unix_us)
{
    struct keys *k = calloc(1, sizeof *k);
    if (!k)
        return ER_NOMEM;
    k->folder = strdup(folder);
    int er = !k->folder                               ? ER_NOMEM
             : strlen(folder) > PATH_BYTES - 64       ? ER_INVALID
             : mkdir(folder, 0700) && errno != EEXIST ? ER_IO
                                                      : folder_read(k);
    if (er == 0 && !k->active)
        er = key_make(k, entropy, unix_us);
    if (er == 0)
        *ret = k;
    else
        keys_free(k);
    return er;
}

int keys_rotate(struct keys *k, const struct entropy *entropy, uint64_t unix_us)
{
    struct key *old = k->active ? &k->items[k->active - k->items] : NULL;
    if (!k->folder)
        return ER_INVALID;
    if (old)
        clock_format(unix_us, old->retired_at);
    int er = key_make(k, entropy, unix_us);
    if (er && old)
        old->retired_at[0] = '\0';
    if (er == 0 && old)
        private_remove(k, old->kid);
    return er;
}

int keys_revoke(struct keys *k, const char *kid, const char *reason, const struct entropy *entropy,
                uint64_t unix_us)
{
    struct key *key = NULL;
    for (size_t i = 0; i < k->count; i++) {
        if (strcmp(k->items[i].kid, kid) == 0)
            key = &k->items[i];
    }
    if (!key || !k->folder)
        return key ? ER_INVALID : ER_NOT_FOUND;
    if (key->revoked_at[0])
        return ER_CONFLICT;
    clock_format(unix_us, key->revoked_at);
    (void)str_copy(key->reason, sizeof key->reason, reason);
    int er = k->active == key ? key_make(k, entropy, unix_us) : document_write(k);
    if (er)
        key->revoked_at[0] = key->reason[0] = '\0';
    else
        private_remove(k, kid);
    return er;
}

/* Use */

/** What is signed: the context with its NUL, then the data. To free(). */
static uint8_t *message_of(const char *context, const void *data, size_t len, size_t *ret_len)
{
    size_t head = strlen(context) + 1;
    uint8_t *message = malloc(head + len);
    if (!message)
        return NULL;
    memcpy(message, context, head);
    if (len)
        memcpy(message + head, data, len);
    *ret_len = head + len;
    return message;
}

int keys_sign_message(const struct keys *k, const void *message, size_t len,
                      uint8_t ret[static KEYS_SIGNATURE_BYTES])
{
    if (!k->private)
        return ER_CONFLICT;
    size_t size = KEYS_SIGNATURE_BYTES;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md && EVP_DigestSignInit(md, NULL, NULL, NULL, k->private) == 1 &&
                EVP_DigestSign(md, ret, &size, message, len) == 1;
    EVP_MD_CTX_free(md);
    return good ? 0 : ER_NOMEM;
}

int keys_sign(const struct keys *k, const char *context, const void *data, size_t len,
              uint8_t ret[static KEYS_SIGNATURE_BYTES])
{
    size_t message_len;
    uint8_t *message = message_of(context, data, len, &message_len);
    int er = message ? keys_sign_message(k, message, message_len, ret) : ER_NOMEM;
    free(message);
    return er;
}

int keys_check(const uint8_t public[static 32], const char *context, const void *data, size_t len,
               const uint8_t signature[static KEYS_SIGNATURE_BYTES])
{
    size_t message_len;
    uint8_t *message = message_of(context, data, len, &message_len);
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, 32);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = message && key && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(md, signature, KEYS_SIGNATURE_BYTES, message, message_len) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    free(message);
    return good ? 0 : ER_UNAUTHENTIC;
}
