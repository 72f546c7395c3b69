// SPDX-License-Identifier: Apache-2.0
/* Checklists in the store: a merchant's own, version by version, over those that come with the program; and
 * those that examinations were begun with, by their hash, for good. Part of the store (store.h). */
#ifndef LOUPE_SERVER_STORE_CHECKLISTS_H
#define LOUPE_SERVER_STORE_CHECKLISTS_H

#include "server/checklist.h"
#include "server/store.h"

/** One version. Owns its document; checklist_clear. */
struct store_checklist {
    char id[CHECKLIST_ID_BYTES];
    unsigned version;
    char sha256[STORE_HASH_BYTES];
    bool shipped;                       /* with the program; made_by and made_us are empty */
    char made_by[STORE_IDENTITY_BYTES]; /* an identity */
    uint64_t made_us;
    json_t *document; /* NULL: with this version the merchant took its own back */
};
void store_checklist_clear(struct store_checklist *c);
/** As the API gives it: the document, and beside it what is known of the version. NULL without memory. */
json_t *store_checklist_json(const struct store_checklist *c);

/** A merchant's checklist of that id (0: the newest version that holds): its own, else the one that came with the
 *  program. ER_NOT_FOUND; cleared by the caller. */
int store_checklist_get(struct store *s, const char *merchant, const char *id, unsigned version,
                        struct store_checklist *ret);
/** The newest of each id that holds, in order of ids. `each` must copy what it wants to keep. */
int store_checklists_each(struct store *s, const char *merchant,
                          void (*each)(void *ctx, const struct store_checklist *c), void *ctx);
/** The one for such goods: of a brand over one of any, the merchant's own over one that came with the program.
 *  ER_NOT_FOUND. */
int store_checklist_choose(struct store *s, const char *merchant, const char *category,
                           const char *brand, struct store_checklist *ret);

/** A new version of the merchant's own, of `body` (see checklist_make). What is the same as the newest makes no
 *  new one (*ret_new false). ER_MALFORMED and *ret_why; ER_FULL: LIMIT_CHECKLISTS. */
int store_checklist_put(struct store *s, const char *merchant, const char *id, const json_t *body,
                        const char *by, uint64_t now_us, struct store_checklist *ret, bool *ret_new,
                        const char **ret_why);
/** The merchant's own of that id is no longer offered; what came with the program is again. ER_NOT_FOUND. */
int store_checklist_retire(struct store *s, const char *merchant, const char *id, const char *by,
                           uint64_t now_us);

/** Keep it under its hash for as long as there are cases. */
int store_checklist_keep(struct store *s, const struct store_checklist *c);
/** The one that was kept; *ret is the caller's. ER_NOT_FOUND. */
int store_checklist_kept(struct store *s, const char *sha256, json_t **ret);

#endif
