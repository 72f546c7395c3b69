// SPDX-License-Identifier: Apache-2.0
/* Files that hold what was recorded, plain or, with a vault that has keys, encrypted: whoever reads and
 * writes here need not know which. A file that failed once has failed for good: what the kernel dropped
 * after a failed fsync cannot be had back by another. */
#ifndef LOUPE_BASE_FILE_H
#define LOUPE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"

struct file;

/* `vault` may be NULL, outlives the file, and has no say in how a file that is there is read: by its begin
 * it is encrypted or plain. */

/** A new file, to be appended to only; its name is durable on return. Cut anywhere, it can be read as far
 *  as it goes. ER_CONFLICT: there is one; ER_IO. */
int file_create(struct file **ret, struct vault *vault, const char *path);
/** For writing, also where something was written already; what stood there goes. It can be read when
 *  file_sync ended it. ER_IO. */
int file_replace(struct file **ret, struct vault *vault, const char *path);
/** A new file as file_create makes it, written as file_replace has it. What a process that died leaves of
 *  it is for file_salvage. ER_CONFLICT, ER_IO. */
int file_create_whole(struct file **ret, struct vault *vault, const char *path);
/** One of file_create, or a new one, at whose end (file_position) writing goes on. What was left of a
 *  write that a dying process had begun goes; so does a plain file, where there are keys. ER_IO, and as
 *  file_open. */
int file_append(struct file **ret, struct vault *vault, const char *path);
/** For reading. ER_NOT_FOUND, ER_IO; of an encrypted file, ER_DENIED: its key is not here;
 *  ER_UNAUTHENTIC, ER_TRUNCATED, ER_UNSUPPORTED: it is not as it was written. */
int file_open(struct file **ret, struct vault *vault, const char *path);
/** The same, also of what was not ended: as far as it goes. */
int file_salvage(struct file **ret, struct vault *vault, const char *path);
/** Without fsync. NULL is fine. */
void file_close(struct file *f);

/** All of it at the position, handed to the kernel on return (of file_replace, when file_sync was
 *  called). ER_IO, now and ever after. Of file_create, anywhere but at the end: ER_INVALID where it is
 *  encrypted. */
int file_write(struct file *f, const void *data, size_t len);
/** *ret_len of at most `size` bytes from the position; 0 at the end. ER_IO, ER_UNAUTHENTIC, and ever
 *  after. */
int file_read(struct file *f, void *buf, size_t size, size_t *ret_len);
/** The same from `at`, without a position; fewer than `size` at the end only. One thread at a time. */
int file_read_at(struct file *f, uint64_t at, void *buf, size_t size, size_t *ret_len);
void file_seek(struct file *f, uint64_t at);
uint64_t file_position(const struct file *f);
/** Bytes in the file. ER_IO. */
int file_size(struct file *f, uint64_t *ret);
/** And those that it takes on the disk, whatever can be read of them. ER_IO. */
int file_stored(struct file *f, uint64_t *ret);
/** Gives it the mode of `as`, and its owner and group too where this process is root. ER_IO. */
int file_own_as(struct file *f, const struct file *as);
/** fsync. Of file_replace: at the end, and but once. ER_IO, now and ever after. */
int file_sync(struct file *f);
/** Of file_append: as it was when it was opened. ER_IO. */
int file_undo(struct file *f);
/** 0, or what a write, read or fsync met. */
int file_error(const struct file *f);

/** All of a file of at most `max` bytes, NUL-terminated, to free(). As file_open; ER_FULL, ER_NOMEM. */
int file_read_all(struct vault *vault, const char *path, size_t max, char **ret, size_t *ret_len);

/** `path` with `suffix` behind it, to free(); NULL without memory. */
char *file_name(const char *path, const char *suffix);
/** The names in a folder that is open are durable on return. ER_IO. */
int file_sync_folder(int folder);
/** Renames `from` over `to` and makes the folder durable. ER_IO. */
int file_commit(const char *from, const char *to);
/** Not being there is fine. ER_IO. */
int file_remove(const char *path);

#endif
