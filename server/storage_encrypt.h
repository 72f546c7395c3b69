// SPDX-License-Identifier: Apache-2.0
/* What was recorded before there was a storage key, encrypted where it lies. Blocks on the disk. */
#ifndef LOUPE_SERVER_STORAGE_ENCRYPT_H
#define LOUPE_SERVER_STORAGE_ENCRYPT_H

#include <stdint.h>

#include "base/vault.h"

struct storage_encrypted {
    uint64_t files, bytes; /* now; their text */
    uint64_t before;       /* files that were encrypted already, under whatever key */
    uint64_t failed;       /* they lie as they lay */
};

/** Goes through `folder` and the folders in it, and encrypts the finished clips, voices and pictures that lie
 *  plain there, under the last key of `v`. Each is written beside the old one (<name>.encrypting), read back and
 *  compared, and then takes its place at once: whoever reads meanwhile has the one or the other, and a process
 *  that dies leaves nothing but such a file beside it, which the next run removes. A server that has the key may
 *  go on meanwhile; what it deletes stays deleted. What it records now it encrypts itself.
 *
 *  `tell` hears of each file that could not be encrypted. 0, also when some could not; ER_NOT_FOUND: no key, or
 *  no such folder; ER_CONFLICT: another process does the same there; ER_IO, ER_NOMEM. */
int storage_encrypt(const char *folder, struct vault *v,
                    void (*tell)(void *ctx, const char *path, int er), void *ctx,
                    struct storage_encrypted *ret);

#endif
