// SPDX-License-Identifier: Apache-2.0
/* What the handlers of keeping and forgetting share with those of clips and stills. */
#ifndef LOUPE_SERVER_API_KEEP_H
#define LOUPE_SERVER_API_KEEP_H

#include "server/api.h"

struct api_kept {
    const struct id *case_id;
    const char *kind;
    const struct id *id;
    uint64_t made_us;
};
/** `held` and `kept_until` into a clip's or a still's JSON. */
int api_keeping_add(struct store *s, const struct api_kept *kept, json_t *object);

/** The problem for a clip or still, the route's, that is not there: 410 with its tombstone where it was deleted, for those
 *  who may see its case (or came by a link); else 404 with `why`. */
void api_not_there(struct store *s, struct api_call *c, const char *why);

/** `may`; false: 403 is set. */
bool api_role_may(struct api_call *c, bool may, const char *why);
/** Whether somebody said why; false: 400 is set. NULL is fine. */
bool api_reason_ok(struct api_call *c, const char *reason);

#endif
