// SPDX-License-Identifier: Apache-2.0
/* Secrets in the store: those of API keys and of webhooks must be known to sign and to check, so they are kept, but
 * encrypted (base/vault_text.h), under a key that is in a file beside the database. A store that was not told of the
 * file keeps them as they are: tests. */
#ifndef LOUPE_SERVER_STORE_SECRETS_H
#define LOUPE_SERVER_STORE_SECRETS_H

#include "server/store.h"

#define SECRETS_KEY_FILE "keys/secrets.key" /* in the data folder */

/** From here on. The file is made, with a key, where there is none; what still stands plain is encrypted. ER_IO, ER_NOMEM;
 *  ER_INVALID: the file cannot be read, or has no key. */
int store_use_secrets(struct store *s, const char *key_file);

/** Erases old secrets of API keys and of webhooks that are good no longer. */
int store_secrets_tidy(struct store *s, uint64_t now_us);

#endif
