// SPDX-License-Identifier: Apache-2.0
/* Archives in the ustar form of POSIX.1: plain files one behind the other, so that tar and this read each
 * other's. Heads alone; who uses them moves the bytes. Pure. */
#ifndef LOUPE_SERVER_TAR_H
#define LOUPE_SERVER_TAR_H

#include <stdbool.h>
#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_NAME_BYTES 101

struct tar_entry {
    char name[TAR_NAME_BYTES]; /* without "./" before it */
    uint64_t size;             /* followed by zeros up to a whole block */
    bool folder;
};

/** ER_INVALID: the name is too long. Sizes of 8 GiB and more are written in binary, as GNU tar does. */
int tar_head_write(uint8_t ret[static TAR_BLOCK], const struct tar_entry *e, uint64_t unix_s);
/** 0; ER_NOT_FOUND: a block of zeros, the archive's end; ER_MALFORMED: it is no head; ER_UNSUPPORTED: of something
 *  that is neither a plain file nor a folder, or has a name in parts. */
int tar_head_read(const uint8_t block[static TAR_BLOCK], struct tar_entry *ret);

#endif
