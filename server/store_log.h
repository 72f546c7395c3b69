// SPDX-License-Identifier: Apache-2.0
/* A merchant's log: who changed what of its settings (webhooks, API keys), and who read which case. What happens to a case
 * itself stands on its timeline. Entries are never changed and never go. Part of the store. */
#ifndef LOUPE_SERVER_STORE_LOG_H
#define LOUPE_SERVER_STORE_LOG_H

#include "server/store.h"

struct store_log_entry {
    uint64_t seq; /* from 1 for each merchant */
    uint64_t at_us;
    char actor[STORE_IDENTITY_BYTES]; /* an identity; "operator": loupectl */
    char action[32];                  /* "webhook_changed", "case_read", .. */
    char subject[STORE_SHORT_BYTES];  /* an id */
    json_t *data;                     /* an object; borrowed */
};

/** In the transaction that is under way, else durable on return. ER_INVALID: something is too long. `data` may be NULL. */
int store_log_add(struct store *s, const char *merchant, const char *actor, const char *action,
                  const char *subject, const json_t *data, uint64_t now_us);
/** The same, unless there is such an entry of the last day. *ret_added (may be NULL) says so. */
int store_log_daily(struct store *s, const char *merchant, const char *actor, const char *action,
                    const char *subject, uint64_t now_us, bool *ret_added);
/** In order, from after `seq`. */
int store_log_list(struct store *s, const char *merchant, uint64_t after_seq, size_t limit,
                   void (*each)(void *ctx, const struct store_log_entry *e), void *ctx);

#endif
