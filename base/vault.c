// SPDX-License-Identifier: Apache-2.0
/* Master keys, heads of files, and the keys derived from both. */
#include "base/vault.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"

/* The head: magic, version, kind, chunk, zeros; the master key's id; what tells this file from all others;
 * and what only who has the master key could have put there for the rest of it. */
enum {
    VERSION = 1,
    AT_VERSION = 8,
    AT_KIND = 9,
    AT_CHUNK = 10,
    AT_KEY_ID = 16,
    AT_FILE_ID = 24,
    AT_CHECK = 40,
    FILE_ID_BYTES = 16,
    CHECK_BYTES = VAULT_HEAD_BYTES - AT_CHECK,
    CHUNK_LOG2_MIN = 12,
    CHUNK_LOG2_MAX = 16,
};
static const uint8_t magic[AT_VERSION] = {0, 'l', 'p', 'v', 'a', 'u', 'l', 't'};
static const char context[] = "loupe-vault-1";
static const char name_context[] = "loupe-storage-key";

struct master {
    uint8_t key[VAULT_KEY_BYTES];
    uint8_t id[VAULT_KEY_ID_BYTES];
};

struct vault {
    struct entropy entropy;
    pthread_mutex_t lock; /* of the keys */
    size_t count;
    struct master keys[LIMIT_VAULT_KEYS];
    atomic_uint_fast64_t encrypted, decrypted, unauthentic, no_key;
};

int vault_new(struct vault **ret, struct entropy entropy)
{
    struct vault *v = calloc(1, sizeof *v);
    if (!v)
        return ER_NOMEM;
    if (pthread_mutex_init(&v->lock, NULL)) {
        free(v);
        return ER_NOMEM;
    }
    v->entropy = entropy;
    *ret = v;
    return 0;
}

void vault_free(struct vault *v)
{
    if (!v)
        return;
    (void)pthread_mutex_destroy(&v->lock);
    OPENSSL_cleanse(v, sizeof *v);
    free(v);
}

static void key_id(const uint8_t key[static VAULT_KEY_BYTES],
                   uint8_t ret[static VAULT_KEY_ID_BYTES])
{
    uint8_t text[sizeof name_context + VAULT_KEY_BYTES], digest[EVP_MAX_MD_SIZE];
    memcpy(text, name_context, sizeof name_context); /* its NUL included */
    memcpy(text + sizeof name_context, key, VAULT_KEY_BYTES);
    memset(ret, 0, VAULT_KEY_ID_BYTES);
    if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha256(), NULL) == 1)
        memcpy(ret, digest, VAULT_KEY_ID_BYTES);
    OPENSSL_cleanse(text, sizeof text);
}

void vault_key_name(const uint8_t key[static VAULT_KEY_BYTES],
                    char ret[static 2 * VAULT_KEY_ID_BYTES + 1])
{
    uint8_t id[VAULT_KEY_ID_BYTES];
    key_id(key, id);
    hex_encode(ret, id, sizeof id);
}

/* Keys as text */

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == ',';
}

/** The next word of a line; empty at its end or a comment. */
static struct span next_word(struct span *line)
{
    while (line->len && is_separator(line->at[0])) {
        line->at++;
        line->len--;
    }
    struct span word = {.at = line->at, .len = 0};
    if (line->len && line->at[0] == '#')
        return word;
    while (word.len < line->len && !is_separator(word.at[word.len]))
        word.len++;
    line->at += word.len;
    line->len -= word.len;
    return word;
}

static int read_keys(struct master *keys, size_t *count, struct span text, size_t *ret_line)
{
    *count = 0;
    for (*ret_line = 1; text.at; (*ret_line)++) {
        struct span line = span_cut(&text, '\n'), word;
        while ((word = next_word(&line)).len) {
            if (*count == LIMIT_VAULT_KEYS)
                return ER_FULL;
            struct master *m = &keys[*count];
            if (hex_decode(m->key, sizeof m->key, word) < 0)
                return ER_MALFORMED;
            key_id(m->key, m->id);
            (*count)++;
        }
    }
    return *count ? 0 : ER_NOT_FOUND;
}

int vault_set_keys(struct vault *v, struct span text, size_t *ret_line)
{
    struct master keys[LIMIT_VAULT_KEYS];
    size_t count;
    int er = read_keys(keys, &count, text, ret_line);
    if (er == 0) {
        (void)pthread_mutex_lock(&v->lock);
        memcpy(v->keys, keys, count * sizeof *keys);
        OPENSSL_cleanse(v->keys + count, (LIMIT_VAULT_KEYS - count) * sizeof *keys);
        v->count = count;
        (void)pthread_mutex_unlock(&v->lock);
    }
    OPENSSL_cleanse(keys, sizeof keys);
    return er;
}

bool vault_has_key(struct vault *v)
{
    if (!v)
        return false;
    (void)pthread_mutex_lock(&v->lock);
    bool has = v->count > 0;
    (void)pthread_mutex_unlock(&v->lock);
    return has;
}

size_t vault_key_names(struct vault *v, char (*ret)[2 * VAULT_KEY_ID_BYTES + 1], size_t size)
{
    if (!v)
        return 0;
    (void)pthread_mutex_lock(&v->lock);
    size_t count = v->count, told = count < size ? count : size;
    for (size_t i = 0; i < told; i++)
        hex_encode(ret[i], v->keys[count - told + i].id, VAULT_KEY_ID_BYTES);
    (void)pthread_mutex_unlock(&v->lock);
    return count;
}

/* Heads */

/** HKDF with SHA-256: 32 bytes of key, then what stands in the head. The info is the head up to there, so
 *  that nothing in it can be changed without another key coming of it. */
static int derive(const uint8_t master[static VAULT_KEY_BYTES],
                  const uint8_t head[static VAULT_HEAD_BYTES], uint8_t ret_key[static 32],
                  uint8_t ret_check[static 32])
{
    uint8_t prk[32], block[32 + sizeof context + AT_CHECK + 1];
    uint8_t *info = block + 32, *number = info + sizeof context + AT_CHECK;
    memcpy(info, context, sizeof context);
    memcpy(info + sizeof context, head, AT_CHECK);
    bool ok = HMAC(EVP_sha256(), head + AT_FILE_ID, FILE_ID_BYTES, master, VAULT_KEY_BYTES, prk,
                   NULL) != NULL;
    *number = 1;
    ok = ok &&
         HMAC(EVP_sha256(), prk, sizeof prk, info, (size_t)(number - info) + 1, ret_key, NULL);
    *number = 2;
    if (ok)
        memcpy(block, ret_key, 32);
    ok = ok && HMAC(EVP_sha256(), prk, sizeof prk, block, sizeof block, ret_check, NULL);
    OPENSSL_cleanse(prk, sizeof prk);
    OPENSSL_cleanse(block, sizeof block);
    return ok ? 0 : ER_INTERNAL;
}

bool vault_is_head(const void *bytes, size_t len)
{
    return len >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/** The master key of this id, or, without one, that which writes. */
static int find_key(struct vault *v, const uint8_t *id, struct master *ret)
{
    int er = ER_NOT_FOUND;
    if (!v)
        return er;
    (void)pthread_mutex_lock(&v->lock);
    for (size_t i = v->count; i > 0 && er < 0; i--) {
        if (id && memcmp(v->keys[i - 1].id, id, VAULT_KEY_ID_BYTES) != 0)
            continue;
        *ret = v->keys[i - 1];
        er = 0;
    }
    (void)pthread_mutex_unlock(&v->lock);
    return er;
}

int vault_make_head(struct vault *v, struct vault_file_key *key,
                    uint8_t ret_head[static VAULT_HEAD_BYTES])
{
    struct master master;
    uint8_t check[32];
    int er = find_key(v, NULL, &master);
    if (er < 0)
        return er;
    memset(ret_head, 0, VAULT_HEAD_BYTES);
    memcpy(ret_head, magic, sizeof magic);
    ret_head[AT_VERSION] = VERSION;
    ret_head[AT_KIND] = (uint8_t)key->kind;
    ret_head[AT_CHUNK] = (uint8_t)key->chunk_log2;
    memcpy(ret_head + AT_KEY_ID, master.id, sizeof master.id);
    entropy_fill(&v->entropy, ret_head + AT_FILE_ID, FILE_ID_BYTES);
    er = derive(master.key, ret_head, key->key, check);
    memcpy(ret_head + AT_CHECK, check, CHECK_BYTES);
    OPENSSL_cleanse(&master, sizeof master);
    return er;
}

int vault_read_head(struct vault *v, const uint8_t head[static VAULT_HEAD_BYTES],
                    struct vault_file_key *ret)
{
    struct master master;
    uint8_t check[32];
    if (!vault_is_head(head, VAULT_HEAD_BYTES))
        return ER_MALFORMED;
    if (head[AT_VERSION] != VERSION)
        return ER_UNSUPPORTED;
    if (find_key(v, head + AT_KEY_ID, &master) < 0) {
        if (v)
            atomic_fetch_add_explicit(&v->no_key, 1, memory_order_relaxed);
        return ER_DENIED;
    }
    int er = derive(master.key, head, ret->key, check);
    OPENSSL_cleanse(&master, sizeof master);
    if (er < 0)
        return er;
    ret->kind = head[AT_KIND] == VAULT_LOG ? VAULT_LOG : VAULT_WHOLE;
    ret->chunk_log2 = head[AT_CHUNK];
    if (CRYPTO_memcmp(check, head + AT_CHECK, CHECK_BYTES) == 0 &&
        head[AT_KIND] == (uint8_t)ret->kind && ret->chunk_log2 >= CHUNK_LOG2_MIN &&
        ret->chunk_log2 <= CHUNK_LOG2_MAX)
        return 0;
    OPENSSL_cleanse(ret, sizeof *ret);
    vault_count(v, 0, 0, 1);
    return ER_UNAUTHENTIC;
}

/* Figures */

void vault_read_counters(struct vault *v, struct vault_counters *ret)
{
    *ret = (struct vault_counters){0};
    if (!v)
        return;
    ret->bytes_encrypted = atomic_load_explicit(&v->encrypted, memory_order_relaxed);
    ret->bytes_decrypted = atomic_load_explicit(&v->decrypted, memory_order_relaxed);
    ret->unauthentic = atomic_load_explicit(&v->unauthentic, memory_order_relaxed);
    ret->no_key = atomic_load_explicit(&v->no_key, memory_order_relaxed);
}

void vault_count(struct vault *v, uint64_t encrypted, uint64_t decrypted, uint64_t unauthentic)
{
    if (!v)
        return;
    if (encrypted)
        atomic_fetch_add_explicit(&v->encrypted, encrypted, memory_order_relaxed);
    if (decrypted)
        atomic_fetch_add_explicit(&v->decrypted, decrypted, memory_order_relaxed);
    if (unauthentic)
        atomic_fetch_add_explicit(&v->unauthentic, unauthentic, memory_order_relaxed);
}

void vault_nonce(struct vault *v, uint8_t *ret, size_t len)
{
    entropy_fill(&v->entropy, ret, len);
}
