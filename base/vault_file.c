// SPDX-License-Identifier: Apache-2.0
/* Records of encrypted files, and the writing of them. */
#include "base/vault_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/vault_file_impl.h"

int vault_file_make(struct vault_file **ret, struct vault *vault, int fd)
{
    struct vault_file *f = calloc(1, sizeof *f);
    if (!f)
        return ER_NOMEM;
    f->vault = vault;
    f->fd = fd;
    f->page_number = VAULT_NO_RECORD;
    f->cipher = EVP_CIPHER_CTX_new();
    if (!f->cipher) {
        vault_file_free(f);
        return ER_NOMEM;
    }
    *ret = f;
    return 0;
}

void vault_file_free(struct vault_file *f)
{
    if (!f)
        return;
    EVP_CIPHER_CTX_free(f->cipher);
    if (f->page)
        OPENSSL_cleanse(f->page, f->chunk);
    free(f->page);
    free(f->raw);
    free(f->starts);
    free(f->rewrites);
    free(f);
}

/** The key is in the cipher from here on, and nowhere else. */
int vault_file_take_key(struct vault_file *f, struct vault_file_key *key)
{
    f->kind = key->kind;
    f->chunk = 1u << key->chunk_log2;
    f->page = malloc(f->chunk);
    int ok = EVP_CipherInit_ex(f->cipher, EVP_aes_256_gcm(), NULL, key->key, NULL, 1);
    OPENSSL_cleanse(key, sizeof *key);
    return !f->page ? ER_NOMEM : ok == 1 ? 0 : ER_INTERNAL;
}

size_t vault_record_size(const struct vault_file *f)
{
    return f->chunk + VAULT_RECORD_BYTES;
}

/* System calls */

int vault_raw_write(const struct vault_file *f, uint64_t at, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = pwrite(f->fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ER_IO;
        data += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/** ER_TRUNCATED: the file ends before. */
int vault_raw_read(const struct vault_file *f, uint64_t at, uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = pread(f->fd, data, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? ER_IO : ER_TRUNCATED;
        data += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* One record */

static void make_aad(uint8_t aad[static AAD_BYTES], uint64_t number, uint32_t len,
                     uint32_t generation)
{
    put_u32(aad, (uint32_t)(number >> 32));
    put_u32(aad + 4, (uint32_t)number);
    put_u32(aad + 8, len);
    put_u32(aad + 12, generation);
}

/** `text` may be where it goes to, at TEXT_AT of `ret`. */
static int encrypt(struct vault_file *f, uint64_t number, uint32_t generation, bool is_end,
                   const uint8_t *text, size_t len, uint8_t *ret)
{
    uint8_t aad[AAD_BYTES];
    uint32_t head = (uint32_t)len | (is_end ? VAULT_IS_END : 0);
    int n;
    put_u32(ret, head);
    put_u32(ret + 4, generation);
    vault_nonce(f->vault, ret + NONCE_AT, NONCE_BYTES);
    make_aad(aad, number, head, generation);
    if (EVP_CipherInit_ex(f->cipher, NULL, NULL, NULL, ret + NONCE_AT, 1) != 1 ||
        EVP_CipherUpdate(f->cipher, NULL, &n, aad, sizeof aad) != 1 ||
        EVP_CipherUpdate(f->cipher, ret + TEXT_AT, &n, text, (int)len) != 1 ||
        EVP_CipherFinal_ex(f->cipher, ret + TEXT_AT + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(f->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, ret + TEXT_AT + len) != 1)
        return ER_INTERNAL;
    vault_count(f->vault, len, 0, 0);
    return 0;
}

/** In place: `text` is what was read, and becomes what it says. ER_UNAUTHENTIC. */
int vault_record_decrypt(struct vault_file *f, uint64_t number, uint32_t generation, bool is_end,
                         const uint8_t head[static TEXT_AT], uint8_t *text, size_t len,
                         const uint8_t tag[static TAG_BYTES])
{
    uint8_t aad[AAD_BYTES], expected[TAG_BYTES];
    uint32_t length = (uint32_t)len | (is_end ? VAULT_IS_END : 0);
    int n;
    make_aad(aad, number, length, generation);
    memcpy(expected, tag, TAG_BYTES);
    if (get_u32(head) != length || get_u32(head + 4) != generation ||
        EVP_CipherInit_ex(f->cipher, NULL, NULL, NULL, head + NONCE_AT, 0) != 1 ||
        EVP_CIPHER_CTX_ctrl(f->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, expected) != 1 ||
        EVP_CipherUpdate(f->cipher, NULL, &n, aad, sizeof aad) != 1 ||
        EVP_CipherUpdate(f->cipher, text, &n, text, (int)len) != 1 ||
        EVP_CipherFinal_ex(f->cipher, text + len, &n) != 1)
        return ER_UNAUTHENTIC;
    vault_count(f->vault, 0, len, 0);
    return 0;
}

static struct vault_rewrite *rewrite_of(const struct vault_file *f, uint64_t number)
{
    for (size_t i = 0; i < f->rewrite_count; i++)
        if (f->rewrites[i].number == number)
            return &f->rewrites[i];
    return NULL;
}

uint32_t vault_record_generation(const struct vault_file *f, uint64_t number)
{
    const struct vault_rewrite *r = rewrite_of(f, number);
    return r ? r->generation : 0;
}

uint64_t vault_record_start(const struct vault_file *f, uint64_t number)
{
    return f->starts ? f->starts[number] : number * f->chunk;
}

uint64_t vault_record_place(uint64_t number, uint64_t start)
{
    return VAULT_HEAD_BYTES + start + number * VAULT_RECORD_BYTES;
}

/* Writing */

static int begin(struct vault_file *f, enum vault_kind kind)
{
    uint8_t head[VAULT_HEAD_BYTES];
    struct vault_file_key key = {.kind = kind, .chunk_log2 = VAULT_CHUNK_LOG2};
    int er = vault_make_head(f->vault, &key, head);
    if (er == 0)
        er = vault_file_take_key(f, &key);
    OPENSSL_cleanse(&key, sizeof key);
    if (er == 0)
        f->raw = malloc(BATCH * vault_record_size(f));
    if (er == 0 && !f->raw)
        er = ER_NOMEM;
    return er == 0 ? vault_raw_write(f, 0, head, sizeof head) : er;
}

int vault_file_begin(struct vault_file **ret, struct vault *vault, int fd, enum vault_kind kind)
{
    struct vault_file *f;
    int er = vault_file_make(&f, vault, fd);
    if (er < 0)
        return er;
    er = begin(f, kind);
    if (er < 0)
        vault_file_free(f);
    else
        *ret = f;
    return er;
}

/** Records of at most a chunk each, from where the file ends on. */
static int put(struct vault_file *f, uint64_t start, const uint8_t *text, size_t len)
{
    while (len > 0) {
        uint64_t place = vault_record_place(f->count, start);
        size_t raw = 0, taken = 0, count = 0;
        for (; count < BATCH && taken < len; count++) {
            size_t piece = len - taken < f->chunk ? len - taken : f->chunk;
            int er = encrypt(f, f->count + count, 0, false, text + taken, piece, f->raw + raw);
            if (er < 0)
                return er;
            raw += piece + VAULT_RECORD_BYTES;
            taken += piece;
        }
        int er = vault_raw_write(f, place, f->raw, raw);
        if (er < 0)
            return er;
        f->count += count;
        start += taken;
        text += taken;
        len -= taken;
    }
    return 0;
}

static int note_rewrite(struct vault_file *f, uint64_t number, uint32_t *ret_generation)
{
    struct vault_rewrite *r = rewrite_of(f, number);
    if (!r) {
        if (f->rewrite_count == LIMIT_VAULT_REWRITES || number > UINT32_MAX)
            return ER_FULL;
        struct vault_rewrite *more = realloc(f->rewrites, (f->rewrite_count + 1) * sizeof *more);
        if (!more)
            return ER_NOMEM;
        f->rewrites = more;
        r = &more[f->rewrite_count++];
        *r = (struct vault_rewrite){.number = (uint32_t)number};
    }
    if (r->generation == UINT32_MAX)
        return ER_FULL;
    *ret_generation = ++r->generation;
    return 0;
}

/** Something in a record that is on the disk. */
static int rewrite(struct vault_file *f, uint64_t number, size_t offset, const uint8_t *data,
                   size_t len)
{
    uint32_t generation = 0;
    uint64_t place = vault_record_place(number, vault_record_start(f, number));
    uint8_t *text = f->raw + TEXT_AT;
    int er = vault_raw_read(f, place, f->raw, vault_record_size(f));
    if (er == 0)
        er = vault_record_decrypt(f, number, vault_record_generation(f, number), false, f->raw,
                                  text, f->chunk, text + f->chunk);
    if (er == 0)
        er = note_rewrite(f, number, &generation);
    if (er < 0)
        return er;
    memcpy(text + offset, data, len);
    er = encrypt(f, number, generation, false, text, f->chunk, f->raw);
    if (er == 0) /* where the next one will come */
        er = vault_raw_write(f, vault_record_place(f->count, f->count * f->chunk), f->raw,
                             vault_record_size(f));
    return er == 0 ? vault_raw_write(f, place, f->raw, vault_record_size(f)) : er;
}

/** A piece of what is to be written that lies in one record, or fills several. */
static int write_piece(struct vault_file *f, uint64_t at, const uint8_t *data, size_t len,
                       size_t *ret_taken)
{
    uint64_t number = at / f->chunk;
    size_t offset = (size_t)(at % f->chunk);
    *ret_taken = len < f->chunk - offset ? len : f->chunk - offset;
    if (number < f->count)
        return rewrite(f, number, offset, data, *ret_taken);
    if (f->size == at && offset == 0 && len >= f->chunk) {
        *ret_taken = len - len % f->chunk;
        int er = put(f, at, data, *ret_taken);
        f->size += er == 0 ? *ret_taken : 0;
        return er;
    }
    memcpy(f->page + offset, data, *ret_taken);
    if (at + *ret_taken > f->size)
        f->size = at + *ret_taken;
    return offset + *ret_taken == f->chunk ? put(f, number * f->chunk, f->page, f->chunk) : 0;
}

int vault_file_write(struct vault_file *f, uint64_t at, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    if (!f->raw || f->ended || at > f->size || (f->kind == VAULT_LOG && at != f->size))
        return ER_INVALID;
    if (f->kind == VAULT_LOG) {
        int er = put(f, at, bytes, len);
        f->size += er == 0 ? len : 0;
        return er;
    }
    while (len > 0) {
        size_t taken;
        int er = write_piece(f, at, bytes, len, &taken);
        if (er < 0)
            return er;
        at += taken;
        bytes += taken;
        len -= taken;
    }
    return 0;
}

static int write_end(struct vault_file *f)
{
    size_t len = END_BYTES + f->rewrite_count * REWRITE_BYTES;
    uint8_t *raw = malloc(len + VAULT_RECORD_BYTES + FOOT_BYTES);
    if (!raw)
        return ER_NOMEM;
    struct wr w = wr_make(raw + TEXT_AT, len);
    wr_u64(&w, f->size);
    wr_u32(&w, (uint32_t)f->rewrite_count);
    for (size_t i = 0; i < f->rewrite_count; i++) {
        wr_u32(&w, f->rewrites[i].number);
        wr_u32(&w, f->rewrites[i].generation);
    }
    int er = encrypt(f, f->count, 0, true, raw + TEXT_AT, len, raw);
    put_u32(raw + len + VAULT_RECORD_BYTES, (uint32_t)(len + VAULT_RECORD_BYTES));
    if (er == 0)
        er = vault_raw_write(f, vault_record_place(f->count, f->size), raw,
                             len + VAULT_RECORD_BYTES + FOOT_BYTES);
    free(raw);
    return er;
}

int vault_file_end(struct vault_file *f)
{
    if (f->kind == VAULT_LOG || f->ended || !f->raw)
        return 0;
    size_t rest = (size_t)(f->size % f->chunk);
    int er = rest ? put(f, f->size - rest, f->page, rest) : 0;
    if (er == 0 && f->rewrite_count && /* what was put behind the last one goes */
        ftruncate(f->fd, (off_t)vault_record_place(f->count, f->size)) < 0)
        er = ER_IO;
    if (er == 0)
        er = write_end(f);
    f->ended = true;
    return er;
}

int vault_file_undo(struct vault_file *f)
{
    f->size = f->began_size;
    f->count = f->began_count;
    return ftruncate(f->fd, (off_t)vault_record_place(f->count, f->size)) < 0 ? ER_IO : 0;
}
