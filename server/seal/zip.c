// SPDX-License-Identifier: Apache-2.0
/* ZIP: the layout of an archive, and reading any piece of it. */
#include "server/seal/zip.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "base/file.h"
#include "base/str.h"
#include "server/seal/crc32.h"

enum {
    LOCAL_BYTES = 30,
    LOCAL_ZIP64_BYTES = 20,
    CENTRAL_BYTES = 46,
    CENTRAL_ZIP64_BYTES = 28,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    HEAD_MAX = LOCAL_BYTES + ZIP_NAME_BYTES + LOCAL_ZIP64_BYTES,
    DATE_1980 = 0x21, /* the first of January: when it was made is said elsewhere */
    VERSION = 20,
    VERSION64 = 45,
    READ_BYTES = 65536,
};
#define MARK32 UINT32_MAX

struct zip {
    size_t count, size;
    struct zip_entry *entries;
    uint8_t *tail; /* directory and end */
    size_t tail_len;
    uint64_t tail_at;
    struct vault *vault;
    struct file *file; /* read last; NULL: none */
    size_t file_entry;
    uint64_t sum_at; /* of that file: read up to here, one piece after the other, */
    uint32_t sum;    /* with this CRC */
    bool broken;     /* a file has changed: no more of it goes out */
    size_t held;     /* files that are open all the time */
    struct crc32 crc;
};

/* Entries */

int zip_new(struct zip **ret, struct vault *vault)
{
    struct zip *z = calloc(1, sizeof *z);
    if (!z)
        return ER_NOMEM;
    z->vault = vault;
    crc32_init(&z->crc);
    *ret = z;
    return 0;
}

/** What an entry has, all but itself. */
static void entry_clear(struct zip *z, struct zip_entry *e)
{
    z->held -= e->held;
    file_close(e->file);
    free(e->bytes);
    free(e->path);
}

void zip_free(struct zip *z)
{
    if (!z)
        return;
    for (size_t i = 0; i < z->count; i++)
        entry_clear(z, &z->entries[i]);
    file_close(z->file);
    free(z->entries);
    free(z->tail);
    free(z);
}

static bool name_is_plain(const char *name)
{
    size_t len = strlen(name);
    for (const char *p = name; *p; p++) {
        if (*p < '!' || *p > '~' || *p == '\\' || *p == ':')
            return false;
    }
    return len && len < ZIP_NAME_BYTES && name[0] != '/' && !strstr(name, "..");
}

static int entry_add(struct zip *z, const char *name, struct zip_entry **ret)
{
    if (!name_is_plain(name) || zip_find(z, name))
        return ER_INVALID;
    if (z->count == ZIP_ENTRIES_MAX)
        return ER_FULL;
    if (z->count == z->size) {
        size_t size = z->size ? z->size * 2 : 32;
        struct zip_entry *more = reallocarray(z->entries, size, sizeof *more);
        if (!more)
            return ER_NOMEM;
        z->entries = more;
        z->size = size;
    }
    struct zip_entry *e = &z->entries[z->count++];
    *e = (struct zip_entry){0};
    *ret = e;
    return str_copy(e->name, sizeof e->name, name);
}

int zip_add_bytes(struct zip *z, const char *name, char *bytes, size_t len)
{
    struct zip_entry *e;
    int er = bytes ? entry_add(z, name, &e) : ER_NOMEM;
    if (er) {
        free(bytes);
        return er;
    }
    e->bytes = bytes;
    e->size = len;
    e->crc = crc32_add(&z->crc, 0, bytes, len);
    return merkle_sha256(bytes, len, &e->hash);
}

int zip_add_file(struct zip *z, const char *name, const char *path)
{
    struct zip_entry *e;
    struct file *file;
    uint64_t size;
    int er = file_open(&file, z->vault, path);
    if (er)
        return er;
    er = file_size(file, &size);
    file_close(file);
    char *copy = er == 0 ? strdup(path) : NULL;
    if (er == 0)
        er = copy ? entry_add(z, name, &e) : ER_NOMEM;
    if (er) {
        free(copy);
        return er;
    }
    e->path = copy;
    e->size = size;
    return 0;
}

void zip_hold(struct zip *z)
{
    struct zip_entry *e = z->count ? &z->entries[z->count - 1] : NULL;
    if (!e || !e->path || e->held || z->held == ZIP_HELD_MAX)
        return;
    e->held = true;
    z->held++;
}

static int measure(struct zip *z, struct zip_entry *e, struct file *file, EVP_MD_CTX *md,
                   uint8_t *buffer)
{
    uint64_t at = 0;
    uint32_t crc = 0;
    if (!EVP_DigestInit_ex(md, EVP_sha256(), NULL))
        return ER_NOMEM;
    for (;;) {
        size_t n;
        int er = file_read_at(file, at, buffer, READ_BYTES, &n);
        if (er)
            return er;
        if (n == 0)
            break;
        crc = crc32_add(&z->crc, crc, buffer, n);
        at += n;
        if (!EVP_DigestUpdate(md, buffer, n))
            return ER_NOMEM;
    }
    e->crc = crc;
    e->size = at;
    return EVP_DigestFinal_ex(md, e->hash.bytes, NULL) ? 0 : ER_NOMEM;
}

static int measure_file(struct zip *z, struct zip_entry *e, EVP_MD_CTX *md, uint8_t *buffer)
{
    struct file *file;
    int er = file_open(&file, z->vault, e->path);
    if (er)
        return er;
    er = measure(z, e, file, md, buffer);
    if (er == 0 && e->held)
        e->file = file;
    else
        file_close(file);
    return er;
}

static void entry_drop(struct zip *z, size_t i)
{
    entry_clear(z, &z->entries[i]);
    memmove(&z->entries[i], &z->entries[i + 1], (--z->count - i) * sizeof *z->entries);
}

int zip_measure(struct zip *z, int (*lost)(void *ctx, const struct zip_entry *e, int er), void *ctx)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t *buffer = malloc(READ_BYTES);
    int er = md && buffer ? 0 : ER_NOMEM;
    for (size_t i = 0; er == 0 && i < z->count; i++) {
        int why = z->entries[i].path ? measure_file(z, &z->entries[i], md, buffer) : 0;
        if (why == 0)
            continue;
        er = why == ER_NOMEM ? why : lost(ctx, &z->entries[i], why);
        if (er == 0)
            entry_drop(z, i--);
    }
    EVP_MD_CTX_free(md);
    free(buffer);
    return er;
}

size_t zip_count(const struct zip *z)
{
    return z->count;
}

const struct zip_entry *zip_at(const struct zip *z, size_t i)
{
    return &z->entries[i];
}

const struct zip_entry *zip_find(const struct zip *z, const char *name)
{
    for (size_t i = 0; i < z->count; i++) {
        if (strcmp(z->entries[i].name, name) == 0)
            return &z->entries[i];
    }
    return NULL;
}

/* Layout. All numbers are little-endian. */

static void put(uint8_t **at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(v >> (8 * i));
}

static bool is_large(const struct zip_entry *e)
{
    return e->size >= MARK32;
}

/** What local and central header have in common, from the flags on. */
static void put_facts(uint8_t **at, const struct zip_entry *e, bool wide)
{
    put(at, 0, 2); /* flags */
    put(at, 0, 2); /* stored */
    put(at, 0, 2);
    put(at, DATE_1980, 2);
    put(at, e->crc, 4);
    put(at, wide ? MARK32 : e->size, 4);
    put(at, wide ? MARK32 : e->size, 4);
    put(at, strlen(e->name), 2);
}

static void put_name(uint8_t **at, const struct zip_entry *e)
{
    size_t len = strlen(e->name);
    memcpy(*at, e->name, len);
    *at += len;
}

static size_t local_header(const struct zip_entry *e, uint8_t ret[static HEAD_MAX])
{
    uint8_t *at = ret;
    put(&at, 0x04034b50, 4);
    put(&at, is_large(e) ? VERSION64 : VERSION, 2);
    put_facts(&at, e, is_large(e));
    put(&at, is_large(e) ? LOCAL_ZIP64_BYTES : 0, 2);
    put_name(&at, e);
    if (is_large(e)) {
        put(&at, 1, 2);
        put(&at, LOCAL_ZIP64_BYTES - 4, 2);
        put(&at, e->size, 8);
        put(&at, e->size, 8);
    }
    return (size_t)(at - ret);
}

static size_t header_len(const struct zip_entry *e)
{
    return LOCAL_BYTES + strlen(e->name) + (is_large(e) ? LOCAL_ZIP64_BYTES : 0);
}

static void central_header(uint8_t **at, const struct zip_entry *e)
{
    uint64_t place = e->at - header_len(e);
    bool wide = is_large(e) || place >= MARK32;
    put(at, 0x02014b50, 4);
    put(at, 3 << 8 | VERSION64, 2); /* made on Unix */
    put(at, wide ? VERSION64 : VERSION, 2);
    put_facts(at, e, wide);
    put(at, wide ? CENTRAL_ZIP64_BYTES : 0, 2);
    put(at, 0, 2); /* comment */
    put(at, 0, 2);
    put(at, 0, 2);
    put(at, (uint64_t)0100644 << 16, 4);
    put(at, wide ? MARK32 : place, 4);
    put_name(at, e);
    if (wide) {
        put(at, 1, 2);
        put(at, CENTRAL_ZIP64_BYTES - 4, 2);
        put(at, e->size, 8);
        put(at, e->size, 8);
        put(at, place, 8);
    }
}

static void put_end(uint8_t **at, const struct zip *z, uint64_t directory)
{
    bool wide = z->tail_at >= MARK32 || directory >= MARK32 || z->count >= UINT16_MAX;
    if (wide) {
        put(at, 0x06064b50, 4);
        put(at, END64_BYTES - 12, 8);
        put(at, 3 << 8 | VERSION64, 2);
        put(at, VERSION64, 2);
        put(at, 0, 8); /* disks */
        put(at, z->count, 8);
        put(at, z->count, 8);
        put(at, directory, 8);
        put(at, z->tail_at, 8);
        put(at, 0x07064b50, 4);
        put(at, 0, 4);
        put(at, z->tail_at + directory, 8);
        put(at, 1, 4);
    }
    put(at, 0x06054b50, 4);
    put(at, 0, 4);
    put(at, wide ? UINT16_MAX : z->count, 2);
    put(at, wide ? UINT16_MAX : z->count, 2);
    put(at, wide ? MARK32 : directory, 4);
    put(at, wide ? MARK32 : z->tail_at, 4);
    put(at, 0, 2);
}

int zip_layout(struct zip *z)
{
    uint64_t at = 0;
    for (size_t i = 0; i < z->count; i++) {
        z->entries[i].at = at + header_len(&z->entries[i]);
        at = z->entries[i].at + z->entries[i].size;
    }
    z->tail_at = at;
    free(z->tail);
    z->tail = malloc(z->count * (CENTRAL_BYTES + ZIP_NAME_BYTES + CENTRAL_ZIP64_BYTES) +
                     END64_BYTES + LOCATOR_BYTES + END_BYTES);
    if (!z->tail)
        return ER_NOMEM;
    uint8_t *end = z->tail;
    for (size_t i = 0; i < z->count; i++)
        central_header(&end, &z->entries[i]);
    put_end(&end, z, (uint64_t)(end - z->tail));
    z->tail_len = (size_t)(end - z->tail);
    return 0;
}

uint64_t zip_size(const struct zip *z)
{
    return z->tail_at + z->tail_len;
}

/* Reading what is laid out */

/** The entry that `at` lies in, its header included. */
static size_t entry_at(const struct zip *z, uint64_t at)
{
    size_t low = 0, high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->entries[middle].at - header_len(&z->entries[middle]) <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static size_t copy_from(const void *bytes, uint64_t len, uint64_t at, void *ret, size_t size)
{
    size_t n = len - at < size ? (size_t)(len - at) : size;
    memcpy(ret, (const uint8_t *)bytes + at, n);
    return n;
}

/** The end of a file that is another one than was measured does not go out. */
static void check_piece(struct zip *z, const struct zip_entry *e, uint64_t at, const void *bytes,
                        size_t len)
{
    if (at == 0)
        z->sum_at = z->sum = 0;
    if (at != z->sum_at)
        return;
    z->sum = crc32_add(&z->crc, z->sum, bytes, len);
    z->sum_at += len;
    z->broken = z->sum_at == e->size && z->sum != e->crc;
}

/** The entry's file: open all the time, or the one that was read last. NULL: it cannot be opened. */
static struct file *file_of(struct zip *z, size_t i)
{
    const struct zip_entry *e = &z->entries[i];
    if (e->file)
        return e->file;
    if (!z->file || z->file_entry != i) {
        file_close(z->file);
        z->file = NULL;
        z->file_entry = i;
        if (!e->path || file_open(&z->file, z->vault, e->path) < 0)
            return NULL;
    }
    return z->file;
}

static size_t file_piece(struct zip *z, size_t i, uint64_t at, void *ret, size_t size)
{
    const struct zip_entry *e = &z->entries[i];
    struct file *file = file_of(z, i);
    size_t wanted = e->size - at < size ? (size_t)(e->size - at) : size, len;
    if (!file || z->broken || file_read_at(file, at, ret, wanted, &len) < 0)
        return 0;
    check_piece(z, e, at, ret, len);
    return z->broken ? 0 : len;
}

static size_t piece(struct zip *z, uint64_t at, void *ret, size_t size)
{
    uint8_t head[HEAD_MAX];
    if (at >= z->tail_at)
        return copy_from(z->tail, z->tail_len, at - z->tail_at, ret, size);
    size_t i = entry_at(z, at);
    const struct zip_entry *e = &z->entries[i];
    if (at < e->at) {
        size_t len = local_header(e, head);
        return copy_from(head, len, at - (e->at - len), ret, size);
    }
    return e->bytes ? copy_from(e->bytes, e->size, at - e->at, ret, size)
                    : file_piece(z, i, at - e->at, ret, size);
}

size_t zip_read(struct zip *z, uint64_t at, void *ret_bytes, size_t size)
{
    size_t len = 0;
    while (len < size && at + len < zip_size(z)) {
        size_t n = piece(z, at + len, (uint8_t *)ret_bytes + len, size - len);
        if (n == 0)
            break;
        len += n;
    }
    return len;
}

/* Reading another's */

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

static int read_exact(const struct matroska_source *source, uint64_t at, void *ret, size_t size)
{
    size_t done = 0, n = 1;
    int er = 0;
    while (er == 0 && done < size && n) {
        er = source->read(source->ctx, at + done, (uint8_t *)ret + done, size - done, &n);
        done += n;
    }
    return er ? er : done == size ? 0 : ER_UNSUPPORTED;
}

/** Where the directory begins, and how many it tells of. */
static int find_directory(const struct matroska_source *source, uint64_t size, uint64_t *ret_at,
                          uint64_t *ret_count)
{
    uint8_t end[END64_BYTES + LOCATOR_BYTES + END_BYTES];
    if (size < END_BYTES)
        return ER_UNSUPPORTED;
    int er = read_exact(source, size - END_BYTES, end, END_BYTES);
    if (er || get(end, 4) != 0x06054b50)
        return er ? er : ER_UNSUPPORTED;
    *ret_count = get(end + 10, 2);
    *ret_at = get(end + 16, 4);
    if (*ret_at != MARK32)
        return 0;
    if (size < sizeof end)
        return ER_UNSUPPORTED;
    er = read_exact(source, size - sizeof end, end, sizeof end);
    if (er || get(end, 4) != 0x06064b50)
        return er ? er : ER_UNSUPPORTED;
    *ret_count = get(end + 32, 8);
    *ret_at = get(end + 48, 8);
    return 0;
}

static int take_entry(struct zip *z, const struct matroska_source *source, uint64_t *at)
{
    uint8_t head[CENTRAL_BYTES + ZIP_NAME_BYTES + CENTRAL_ZIP64_BYTES];
    char name[ZIP_NAME_BYTES] = "";
    struct zip_entry *e;
    int er = read_exact(source, *at, head, CENTRAL_BYTES);
    if (er)
        return er;
    size_t name_len = (size_t)get(head + 28, 2), extra = (size_t)get(head + 30, 2);
    if (get(head, 4) != 0x02014b50 || name_len == 0 || name_len >= ZIP_NAME_BYTES ||
        (extra && extra != CENTRAL_ZIP64_BYTES))
        return ER_UNSUPPORTED;
    er = read_exact(source, *at + CENTRAL_BYTES, head + CENTRAL_BYTES, name_len + extra);
    if (er)
        return er;
    memcpy(name, head + CENTRAL_BYTES, name_len);
    er = strlen(name) == name_len ? entry_add(z, name, &e) : ER_UNSUPPORTED;
    if (er)
        return er == ER_NOMEM ? er : ER_UNSUPPORTED;
    e->crc = (uint32_t)get(head + 16, 4);
    e->size = get(head + 24, 4);
    if (extra)
        e->size = get(head + CENTRAL_BYTES + name_len + 4, 8);
    *at += CENTRAL_BYTES + name_len + extra;
    return e->size > INT64_MAX / 2 ? ER_UNSUPPORTED : 0;
}

/** Compares `len` bytes of the archive with what they are to be. */
static int same(const struct matroska_source *source, uint64_t at, const uint8_t *expected,
                size_t len, uint64_t *ret_at)
{
    uint8_t bytes[512];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < sizeof bytes ? len - done : sizeof bytes;
        *ret_at = at + done;
        int er = read_exact(source, at + done, bytes, n);
        if (er)
            return er;
        for (size_t i = 0; i < n; i++) {
            *ret_at = at + done + i;
            if (bytes[i] != expected[done + i])
                return ER_UNSUPPORTED;
        }
        done += n;
    }
    return 0;
}

/** What the entries make when they are laid out here must be what is there. */
static int compare(struct zip *z, const struct matroska_source *source, uint64_t size,
                   uint64_t *ret_at)
{
    uint8_t head[HEAD_MAX];
    int er = zip_layout(z);
    for (size_t i = 0; er == 0 && i < z->count; i++) {
        size_t len = local_header(&z->entries[i], head);
        er = same(source, z->entries[i].at - len, head, len, ret_at);
    }
    if (er == 0)
        er = same(source, z->tail_at, z->tail, z->tail_len, ret_at);
    if (er == 0 && zip_size(z) != size) {
        *ret_at = zip_size(z);
        er = ER_UNSUPPORTED;
    }
    return er;
}

int zip_open(struct zip **ret, const struct matroska_source *source, uint64_t size,
             uint64_t *ret_at)
{
    struct zip *z;
    uint64_t at = 0, count = 0;
    *ret_at = size;
    int er = zip_new(&z, NULL);
    if (er)
        return er;
    er = find_directory(source, size, &at, &count);
    if (er == 0 && count > ZIP_ENTRIES_MAX)
        er = ER_UNSUPPORTED;
    for (uint64_t i = 0; er == 0 && i < count; i++) {
        *ret_at = at;
        er = take_entry(z, source, &at);
    }
    if (er == 0)
        er = compare(z, source, size, ret_at);
    if (*ret_at > size)
        *ret_at = size;
    if (er == 0)
        *ret = z;
    else
        zip_free(z);
    return er;
}
