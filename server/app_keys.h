// SPDX-License-Identifier: Apache-2.0
/* The API keys that are good: those of the settings, which are the default merchant's, and those that
 * loupectl put into the store, each its merchant's. */
#ifndef LOUPE_SERVER_APP_KEYS_H
#define LOUPE_SERVER_APP_KEYS_H

#include "base/log.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/store.h"

/** One of the store's into `auth`. As auth_put_key. */
int app_key_put(struct auth *auth, const struct store_api_key *key);
/** All keys into `auth`, the settings' above the store's; those that are no longer there are forgotten. Of the store's
 *  those are left out, and logged, for which there is no room. On the store thread, or before there is one. After ER_FULL
 *  (of the settings'), ER_IO or ER_NOMEM nothing is forgotten. */
int app_keys_take(struct auth *auth, struct store *s, const struct config *config, struct log *log);

#endif
