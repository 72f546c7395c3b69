// SPDX-License-Identifier: Apache-2.0
/* ZIP archives that hold everything as it is (stored), laid out so that every byte is known beforehand:
 * they are read like a file that nobody wrote, and what was made here can be told from what was changed.
 * ZIP64 where sizes or places need it. */
#ifndef LOUPE_SERVER_SEAL_ZIP_H
#define LOUPE_SERVER_SEAL_ZIP_H

#include "server/seal/matroska.h"

#define ZIP_NAME_BYTES 128
#define ZIP_ENTRIES_MAX 20000 /* one more is refused: ER_FULL */
#define ZIP_HELD_MAX 32

struct zip_entry {
    char name[ZIP_NAME_BYTES]; /* plain ASCII, with / */
    char *bytes;               /* owned; or */
    char *path;                /* owned; or neither, when it was read */
    bool held;                 /* its file, once measured, stays open: */
    struct file *file;
    uint64_t size;
    uint64_t at; /* of its bytes in the archive */
    uint32_t crc;
    struct merkle_hash hash; /* of its bytes, once measured */
};

struct zip;

/** `vault` as base/file.h has it: of files that are added; it outlives this. ER_NOMEM. */
int zip_new(struct zip **ret, struct vault *vault);
/** NULL is fine. */
void zip_free(struct zip *z);
/** `bytes` (heap memory) is taken over in any case; NULL: ER_NOMEM. ER_INVALID: the name. */
int zip_add_bytes(struct zip *z, const char *name, char *bytes, size_t len);
/** As file_open. */
int zip_add_file(struct zip *z, const char *name, const char *path);
/** The file added last stays open from when it is measured: what takes its place meanwhile is not what is
 *  read. For ZIP_HELD_MAX files; others are opened again. */
void zip_hold(struct zip *z);
/** CRC, hash and size of the files that were added; reads all of them. One that cannot be read (`er` as of
 *  file_open, file_read) is left out if `lost` returns 0 for it, else that is returned. ER_NOMEM. */
int zip_measure(struct zip *z, int (*lost)(void *ctx, const struct zip_entry *e, int er),
                void *ctx);
/** Places for all, and the directory behind them; nothing may be added after it. ER_NOMEM. */
int zip_layout(struct zip *z);

size_t zip_count(const struct zip *z);
const struct zip_entry *zip_at(const struct zip *z, size_t i);
const struct zip_entry *zip_find(const struct zip *z, const char *name);

/** Of the archive, once it is laid out. */
uint64_t zip_size(const struct zip *z);
/** Its bytes from `at` on, `size` at most; fewer only at its end, or (0) where a file cannot be read or, read
 *  one piece after the other, is not what was measured: its last piece is not given then, so that no archive
 *  comes of it that looks whole. One thread at a time. */
size_t zip_read(struct zip *z, uint64_t at, void *ret_bytes, size_t size);

/** The entries of an archive of `size` bytes, by its directory. ER_UNSUPPORTED: it is no ZIP, or not of
 *  the form that is made here; ER_IO, ER_NOMEM. *ret_at: a byte that differs. */
int zip_open(struct zip **ret, const struct matroska_source *source, uint64_t size,
             uint64_t *ret_at);

#endif
