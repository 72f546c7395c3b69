// SPDX-License-Identifier: Apache-2.0
/* Encrypted files read: where their records are, and any piece of their text. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/vault_file_impl.h"

static size_t length_of(const struct vault_file *f, uint64_t number)
{
    uint64_t end = number + 1 < f->count ? vault_record_start(f, number + 1) : f->size;
    return (size_t)(end - vault_record_start(f, number));
}

/** Reads `count` records from `number` on into `text`, by as few calls as can be. */
static int load(struct vault_file *f, uint64_t number, size_t count, uint8_t *text)
{
    uint8_t heads[BATCH][TEXT_AT], tags[BATCH][TAG_BYTES];
    struct iovec parts[3 * BATCH];
    size_t total = 0;
    uint8_t *to = text;
    for (size_t i = 0; i < count; i++) {
        size_t len = length_of(f, number + i);
        parts[3 * i] = (struct iovec){heads[i], TEXT_AT};
        parts[3 * i + 1] = (struct iovec){to, len};
        parts[3 * i + 2] = (struct iovec){tags[i], TAG_BYTES};
        to += len;
        total += len + VAULT_RECORD_BYTES;
    }
    ssize_t n;
    do
        n = preadv(f->fd, parts, (int)(3 * count),
                   (off_t)vault_record_place(number, vault_record_start(f, number)));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return ER_IO;
    if ((size_t)n < total)
        return ER_TRUNCATED;
    int er = 0;
    for (size_t i = 0; i < count && er == 0; i++) {
        size_t len = length_of(f, number + i);
        uint32_t generation = f->salvaged ? get_u32(heads[i] + 4)
                                          : vault_record_generation(f, number + i);
        er = vault_record_decrypt(f, number + i, generation, false, heads[i], text, len, tags[i]);
        text += len;
    }
    return er;
}

/** The copy of a record that a process died over. */
static int load_spare(struct vault_file *f, uint64_t number, uint8_t *text)
{
    uint8_t *raw = malloc(vault_record_size(f));
    if (!raw)
        return ER_NOMEM;
    int er = vault_raw_read(f, f->spare, raw, vault_record_size(f));
    if (er == 0)
        er = vault_record_decrypt(f, number, get_u32(raw + 4), false, raw, raw + TEXT_AT, f->chunk,
                                  raw + TEXT_AT + f->chunk);
    if (er == 0)
        memcpy(text, raw + TEXT_AT, f->chunk);
    free(raw);
    return er;
}

/* Reading */

/** Where a VAULT_LOG's records begin, as far as they are there whole. */
static int find_records(struct vault_file *f, uint64_t bytes)
{
    size_t room = 0;
    uint64_t place = VAULT_HEAD_BYTES;
    while (bytes >= place + VAULT_RECORD_BYTES) {
        uint8_t head[4];
        int er = vault_raw_read(f, place, head, sizeof head);
        if (er < 0)
            return er;
        uint32_t len = get_u32(head);
        if (len == 0 || len > f->chunk || bytes - place < len + VAULT_RECORD_BYTES)
            break;
        if (f->count == room) {
            room = room ? 2 * room : 64;
            uint64_t *more = realloc(f->starts, room * sizeof *more);
            if (!more)
                return ER_NOMEM;
            f->starts = more;
        }
        f->starts[f->count++] = f->size;
        f->size += len;
        place += len + VAULT_RECORD_BYTES;
    }
    return 0;
}

/** What the system had not written when the machine died may stand there with its length alone. */
static int drop_torn(struct vault_file *f)
{
    while (f->count > 0) {
        int er = load(f, f->count - 1, 1, f->page);
        if (er != ER_UNAUTHENTIC)
            return er;
        f->size = f->starts[--f->count];
    }
    return 0;
}

static int read_rewrites(struct vault_file *f, struct rd *rd, uint32_t count)
{
    if (count > LIMIT_VAULT_REWRITES || rd_left(rd) != count * REWRITE_BYTES)
        return ER_MALFORMED;
    f->rewrites = count ? calloc(count, sizeof *f->rewrites) : NULL;
    if (count && !f->rewrites)
        return ER_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        f->rewrites[i].number = rd_u32(rd);
        f->rewrites[i].generation = rd_u32(rd);
    }
    f->rewrite_count = count;
    return 0;
}

/** `len` bytes at the end of `bytes`, in `raw`, before the foot. */
static int read_end(struct vault_file *f, uint64_t bytes, uint8_t *raw, size_t len)
{
    uint64_t place = bytes - FOOT_BYTES - len;
    size_t text_len = len - VAULT_RECORD_BYTES;
    f->count = (place - VAULT_HEAD_BYTES + vault_record_size(f) - 1) / vault_record_size(f);
    int er = vault_raw_read(f, place, raw, len);
    if (er == 0)
        er = vault_record_decrypt(f, f->count, 0, true, raw, raw + TEXT_AT, text_len,
                                  raw + TEXT_AT + text_len);
    if (er < 0)
        return er;
    struct rd rd = rd_make(raw + TEXT_AT, text_len);
    f->size = rd_u64(&rd);
    uint32_t rewrites = rd_u32(&rd);
    if (rd.bad || f->size > place || vault_record_place(f->count, f->size) != place ||
        f->count != (f->size + f->chunk - 1) / f->chunk)
        return ER_MALFORMED;
    return read_rewrites(f, &rd, rewrites);
}

static int find_end(struct vault_file *f, uint64_t bytes)
{
    uint8_t foot[FOOT_BYTES];
    const size_t min = VAULT_RECORD_BYTES + END_BYTES;
    if (bytes < VAULT_HEAD_BYTES + min + FOOT_BYTES)
        return ER_TRUNCATED;
    int er = vault_raw_read(f, bytes - FOOT_BYTES, foot, sizeof foot);
    size_t len = get_u32(foot);
    if (er < 0)
        return er;
    if (len < min || len > min + LIMIT_VAULT_REWRITES * REWRITE_BYTES ||
        len > bytes - VAULT_HEAD_BYTES - FOOT_BYTES)
        return ER_TRUNCATED;
    uint8_t *raw = malloc(len);
    if (!raw)
        return ER_NOMEM;
    er = read_end(f, bytes, raw, len);
    free(raw);
    f->ended = true;
    /* What is cut cannot be told from what was changed, but it is by far the likelier. */
    return er == ER_UNAUTHENTIC || er == ER_MALFORMED ? ER_TRUNCATED : er;
}

/** Whole records, as many as there are; the last may be one written again that is not in its place. */
static int find_remains(struct vault_file *f, uint64_t bytes)
{
    f->salvaged = true;
    f->ended = true;
    f->rewrite_count = 0;
    f->count = (bytes - VAULT_HEAD_BYTES) / vault_record_size(f);
    f->size = f->count * f->chunk;
    int er = f->count ? load(f, f->count - 1, 1, f->page) : 0;
    if (er != ER_UNAUTHENTIC)
        return er;
    f->count--;
    f->size -= f->chunk;
    f->spare = vault_record_place(f->count, f->size);
    return 0;
}

static int prepare_append(struct vault_file *f)
{
    if (f->kind != VAULT_LOG)
        return ER_INVALID;
    free(f->starts);
    f->starts = NULL;
    f->raw = malloc(BATCH * vault_record_size(f));
    f->began_size = f->size;
    f->began_count = f->count;
    return f->raw ? vault_file_undo(f) : ER_NOMEM;
}

static int open_head(struct vault_file *f, uint64_t bytes, enum vault_use use)
{
    uint8_t head[VAULT_HEAD_BYTES];
    struct vault_file_key key;
    int er = vault_raw_read(f, 0, head, sizeof head);
    if (er == 0)
        er = vault_read_head(f->vault, head, &key);
    if (er == 0)
        er = vault_file_take_key(f, &key);
    if (er < 0)
        return er;
    if (f->kind == VAULT_WHOLE && use == VAULT_APPEND)
        return ER_INVALID;
    if (f->kind == VAULT_WHOLE) {
        er = find_end(f, bytes);
        return er == ER_TRUNCATED && use == VAULT_SALVAGE ? find_remains(f, bytes) : er;
    }
    er = find_records(f, bytes);
    if (er == 0)
        er = drop_torn(f);
    return er == 0 && use == VAULT_APPEND ? prepare_append(f) : er;
}

int vault_file_open(struct vault_file **ret, struct vault *vault, int fd, enum vault_use use)
{
    struct vault_file *f;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return ER_IO;
    int er = vault_file_make(&f, vault, fd);
    if (er < 0)
        return er;
    er = open_head(f, (uint64_t)st.st_size, use);
    if (er < 0)
        vault_file_free(f);
    else
        *ret = f;
    return er;
}

uint64_t vault_file_size(const struct vault_file *f)
{
    return f->size;
}

/** The record that holds the byte at `at`, which is before the end. */
static uint64_t record_at(const struct vault_file *f, uint64_t at)
{
    uint64_t low = 0, high = f->count;
    if (!f->starts)
        return at / f->chunk;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (f->starts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/** Whole records straight to where they are wanted; else by way of the page. */
static int read_piece(struct vault_file *f, uint64_t at, uint8_t *buf, size_t size, size_t *ret_len)
{
    uint64_t number = record_at(f, at);
    size_t offset = (size_t)(at - vault_record_start(f, number)), total = 0, count = 0;
    const size_t most = f->starts ? 1
                                  : BATCH; /* of a log, one may be bad and those before it not */
    if (offset == 0 && number != f->page_number && !f->spare)
        while (count < most && number + count < f->count &&
               total + length_of(f, number + count) <= size)
            total += length_of(f, number + count++);
    *ret_len = total;
    if (count)
        return load(f, number, count, buf);
    if (number != f->page_number) {
        f->page_number = VAULT_NO_RECORD;
        int er = load(f, number, 1, f->page);
        if (er == ER_UNAUTHENTIC && f->spare)
            er = load_spare(f, number, f->page);
        if (er < 0)
            return er;
        f->page_number = number;
    }
    size_t len = length_of(f, number) - offset;
    *ret_len = len < size ? len : size;
    memcpy(buf, f->page + offset, *ret_len);
    return 0;
}

int vault_file_read(struct vault_file *f, uint64_t at, void *buf, size_t size, size_t *ret_len)
{
    uint8_t *bytes = buf;
    *ret_len = 0;
    if (f->raw)
        return ER_INVALID;
    while (*ret_len < size && at + *ret_len < f->size) {
        size_t len;
        int er = read_piece(f, at + *ret_len, bytes + *ret_len, size - *ret_len, &len);
        if (er == ER_TRUNCATED)
            er = ER_UNAUTHENTIC;
        if (er == ER_UNAUTHENTIC)
            vault_count(f->vault, 0, 0, 1);
        if (er == ER_UNAUTHENTIC && (f->starts || f->salvaged)) {
            f->count = record_at(f, at + *ret_len);
            f->size = vault_record_start(f, f->count);
            return 0;
        }
        if (er < 0)
            return er;
        *ret_len += len;
    }
    return 0;
}
