// SPDX-License-Identifier: Apache-2.0
/* Files of the recorder: all its system calls on files are behind this. A file that failed once has
 * failed for good: what the kernel dropped after a failed fsync cannot be had back by another. */
#ifndef LOUPE_MEDIA_RECORD_FILE_H
#define LOUPE_MEDIA_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

/** A new file for writing; its name is durable on return. ER_CONFLICT: there is one; ER_IO. */
int file_create(struct file **ret, const char *path);
/** For writing; what stood there goes. ER_IO. */
int file_replace(struct file **ret, const char *path);
/** For reading. ER_NOT_FOUND, ER_IO. */
int file_open(struct file **ret, const char *path);
/** Without fsync. NULL is fine. */
void file_close(struct file *f);

/** All of it at the position, handed to the kernel on return. ER_IO, now and ever after. */
int file_write(struct file *f, const void *data, size_t len);
/** *ret_len of at most `size` bytes from the position; 0 at the end. ER_IO. */
int file_read(struct file *f, void *buf, size_t size, size_t *ret_len);
void file_seek(struct file *f, uint64_t at);
uint64_t file_position(const struct file *f);
/** Bytes in the file. ER_IO. */
int file_size(struct file *f, uint64_t *ret);
/** fsync. ER_IO, now and ever after. */
int file_sync(struct file *f);
/** 0, or the ER_IO that a write, read or fsync met. */
int file_error(const struct file *f);

/** `path` with `suffix` behind it, to free(); NULL without memory. */
char *file_name(const char *path, const char *suffix);
/** Renames `from` over `to` and makes the folder durable. ER_IO. */
int file_commit(const char *from, const char *to);
/** Not being there is fine. ER_IO. */
int file_remove(const char *path);

#endif
