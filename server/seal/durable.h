// SPDX-License-Identifier: Apache-2.0
/* Small files that appear whole and durable, or not at all. */
#ifndef LOUPE_SERVER_SEAL_DURABLE_H
#define LOUPE_SERVER_SEAL_DURABLE_H

#include <stddef.h>
#include <stdint.h>

/** Written beside `path`, onto the disk, and renamed over it; on return the name is durable too. `mode`
 *  as of open(). The folder's owner gets it. ER_IO: what was there before stays. */
int durable_write(const char *path, const void *data, size_t len, unsigned mode);
/** All of a file of at most `max` bytes, NUL-terminated, to free(). ER_NOT_FOUND, ER_FULL, ER_IO,
 *  ER_NOMEM. */
int durable_read(const char *path, size_t max, char **ret, size_t *ret_len);

#endif
