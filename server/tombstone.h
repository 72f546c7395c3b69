// SPDX-License-Identifier: Apache-2.0
/* What a tombstone says: which clip, still or attachment there was, what its seal was, who had it deleted and why. No
 * picture, no sound, no label. */
#ifndef LOUPE_SERVER_TOMBSTONE_H
#define LOUPE_SERVER_TOMBSTONE_H

#include "server/sealer.h"
#include "server/store_attachments.h"

struct tombstone_cause {
    const char *by;    /* an identity; "system" */
    const char *cause; /* "asked", "retention" */
    const char *reason;
};

/** What is told of a clip or a still, without how it was sealed; NULL without memory. */
json_t *tombstone_of_clip(const struct store_clip *c);
json_t *tombstone_of_still(const struct store_still *s);
json_t *tombstone_of_attachment(const struct store_attachment *a);

/** On a sealing thread: adds to `facts` (taken over) what stands in the files at `path`, and the cause, and
 *  signs it. *ret is the document, canonical, to free(); ret_sha256 its hash. ER_IO, ER_NOMEM. */
int tombstone_make(struct sealer *s, json_t *facts, const char *path,
                   const struct tombstone_cause *cause, uint64_t unix_us, char **ret,
                   char ret_sha256[static SEALER_HASH_BYTES]);

#endif
