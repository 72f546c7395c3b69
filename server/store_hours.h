// SPDX-License-Identifier: Apache-2.0
/* Business hours in the store: a merchant's own, and those of its teams, which hold in their stead. Zone files are read
 * here, from TZDIR or /usr/share/zoneinfo. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_HOURS_H
#define LOUPE_SERVER_STORE_HOURS_H

#include "server/hours.h"
#include "server/store.h"

struct store_hours {
    char merchant[STORE_SHORT_BYTES];
    char team[STORE_SHORT_BYTES]; /* ASCII letters in lower case; "": the merchant's own */
    uint64_t version;             /* from 1; goes on where they were removed and made again */
    uint64_t changed_us;
    char changed_by[STORE_IDENTITY_BYTES];
    json_t *document; /* owned */
};
void store_hours_clear(struct store_hours *h);

/** The name under which a team's are kept. ER_INVALID: none, or too long. */
int store_hours_team(const char *name, char ret[static STORE_SHORT_BYTES]);
/** Those of just that team, or the merchant's own (""). ER_NOT_FOUND; cleared by the caller. */
int store_hours_get(struct store *s, const char *merchant, const char *team,
                    struct store_hours *ret);
/** In order; `merchant` NULL: of all. `each` must copy what it wants to keep. */
int store_hours_each(struct store *s, const char *merchant,
                     void (*each)(void *ctx, const struct store_hours *h), void *ctx);
/** New ones (*ret_new), or others in their place. What an answer has beside the document ("version", ..) is left out.
 *  ER_MALFORMED and *ret_why; ER_STALE: `if_version` (0: any) is not that; ER_FULL: LIMIT_HOURS. */
int store_hours_put(struct store *s, const char *merchant, const char *team, const json_t *body,
                    uint64_t if_version, const char *by, uint64_t now_us, struct store_hours *ret,
                    bool *ret_new, const char **ret_why);
/** ER_NOT_FOUND; ER_STALE. */
int store_hours_remove(struct store *s, const char *merchant, const char *team, uint64_t if_version,
                       const char *by, uint64_t now_us);

/** To be asked at moments; *ret is the caller's. ER_MALFORMED and *ret_why: the document, or its zone is not known here. */
int store_hours_make(const json_t *document, struct hours **ret, const char **ret_why);
/** Those that hold for a team ("": for who has none): its own, else the merchant's. ER_NOT_FOUND: none are set.
 *  *ret_pool (may be NULL): "" where they are the merchant's. */
int store_hours_for(struct store *s, const char *merchant, const char *team, struct hours **ret,
                    char ret_pool[STORE_SHORT_BYTES]);

#endif
