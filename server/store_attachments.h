// SPDX-License-Identifier: Apache-2.0
/* Files that people put to a case. A row before the first byte comes, finished when all of it was looked at, gone when it is
 * deleted. Part of the store (store.h): on the store thread, durable on return. */
#ifndef LOUPE_SERVER_STORE_ATTACHMENTS_H
#define LOUPE_SERVER_STORE_ATTACHMENTS_H

#include "server/attachment_type.h"
#include "server/store.h"

#define STORE_ATTACHMENT_SUFFIX ".attachment" /* behind `path`, whatever is in it */
#define STORE_ATTACHMENT_UPLOAD ".upload"     /* while it comes */

struct store_attachment {
    struct id id;
    struct id case_id;
    char merchant[STORE_SHORT_BYTES];
    bool ready;
    bool visible; /* to the buyer, too; else it is for staff */
    char name[STORE_TEXT_BYTES];
    char added_by[STORE_IDENTITY_BYTES];
    char path[STORE_PATH_BYTES]; /* without suffix */
    uint64_t created_us;         /* when its upload began */
    uint64_t added_us;
    uint64_t bytes; /* until it is ready: as many as may come */
    char sha256[STORE_HASH_BYTES];
    enum attachment_type type;
};

/** A row for what is to come; nobody but who sends it sees it. Fills in time, merchant and, where it is not set, id. a->bytes
 *  are kept free for it (0: LIMIT_ATTACHMENT_BYTES). ER_NOT_FOUND: no such case; ER_FULL: the case, or that person on it, has
 *  as many, or as much, as there may be; ER_AGAIN: it has not when what store_attachment_idle finds is dropped. */
int store_attachment_begin(struct store *s, struct store_attachment *a, uint64_t now_us);
/** The oldest of what comes from the person of `a` for its case, if it began LIMIT_ATTACHMENT_IDLE_US ago. ER_NOT_FOUND. */
int store_attachment_idle(struct store *s, const struct store_attachment *a, uint64_t now_us,
                          struct store_attachment *ret);
/** It is there: writes bytes, hash and type, with the event "attachment_added" by who sent it; of one that is not visible
 *  what it is called and is stands beside the event, for staff alone. ER_NOT_FOUND: no such unfinished one. */
int store_attachment_finish(struct store *s, struct store_attachment *a, uint64_t now_us);
/** Forget one that did not come about. */
int store_attachment_drop(struct store *s, const struct id *id);
/** ER_NOT_FOUND. */
int store_attachment_get(struct store *s, const struct id *id, struct store_attachment *ret);
/** Those that are ready, oldest first; those for staff with `internal` only. */
int store_attachments_of_case(struct store *s, const struct id *case_id, bool internal,
                              void (*each)(void *ctx, const struct store_attachment *a), void *ctx);
/** What has been coming since before `before_us`, of all cases. `each` may drop the one it is given. */
int store_attachments_unfinished(struct store *s, uint64_t before_us,
                                 void (*each)(void *ctx, const struct store_attachment *a),
                                 void *ctx);
/** What "attachment_added" says of it, in its part for staff where it is not visible; NULL without memory. */
json_t *store_attachment_told(const struct store_attachment *a);
/** As GET /attachments/{id} gives it, without the signed address; NULL without memory. */
json_t *store_attachment_json(const struct store_attachment *a);

#endif
