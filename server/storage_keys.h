// SPDX-License-Identifier: Apache-2.0
/* The keys under which recorded files lie encrypted, from where the settings say: a file that is its
 * owner's alone, or the environment. */
#ifndef LOUPE_SERVER_STORAGE_KEYS_H
#define LOUPE_SERVER_STORAGE_KEYS_H

#include "base/vault.h"
#include "server/config.h"

/** Takes them into `v`; without the settings 0 and nothing. ER_INVALID with *ret_name, the setting that is
 *  wrong, and `ret_why`; what `v` had stays then. */
int storage_keys_take(struct vault *v, const struct config *c, const char **ret_name, char *ret_why,
                      size_t size);

/** Writes a new key behind those in a file (made, 0600, if need be), durably; it encrypts from when the
 *  server takes it up. ER_INVALID with `ret_why`; ER_IO. */
int storage_keys_add(const char *path, const struct entropy *entropy, char *ret_why, size_t size);

#endif
