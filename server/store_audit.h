// SPDX-License-Identifier: Apache-2.0
/* Whether the whole store is as it was written: the database and its schema, each case's chain of events,
 * every row against what the events say of it, every file against its row, its seal and the events. Part of
 * the store (store.h), but may run in a process of its own, beside a server that goes on. */
#ifndef LOUPE_SERVER_STORE_AUDIT_H
#define LOUPE_SERVER_STORE_AUDIT_H

#include "base/vault.h"
#include "server/seal/verify.h"
#include "server/store.h"

struct store_audit {
    struct verify_trust trust; /* without keys it cannot be told whose the seals are */
    struct vault *vault;       /* may be NULL: what lies encrypted cannot be looked into */
    struct id only;            /* this case alone; zeroed: everything */
    uint64_t cases, events, clips, stills, attachments,
        tombstones; /* out: how many were looked at */
};

/** Everything that is wrong goes into `r`, by row ("table key"), file and event. Each case is looked at in
 *  a snapshot of its own, and again if something was wrong with it and it has grown since, because files go
 *  and come beside the database. 0 whatever was found; ER_IO, ER_NOMEM: it could not be looked at. */
int store_audit(struct store *s, struct store_audit *audit, struct report *r);

#endif
