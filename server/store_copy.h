// SPDX-License-Identifier: Apache-2.0
/* A copy of the database while it is used, and what files its rows are about: for backups. Part of the store
 * (store.h). */
#ifndef LOUPE_SERVER_STORE_COPY_H
#define LOUPE_SERVER_STORE_COPY_H

#include "server/store_keep.h"

/** Copies the database as it is at one moment into a new file (what stood there goes), whoever writes to
 *  it meanwhile, durably. Paths of files become blobs/xx/ID, wherever they lie. ER_IO: also where the disk is full; ER_NOMEM. */
int store_copy(struct store *s, const char *to);

/** A clip, a still or an attachment, and what there must be of it. */
struct store_blob {
    struct id id;
    enum keep_object object;
    bool finished; /* its files change no more */
};
/** All of them, by id. `each` stops it by an error. */
int store_blobs_each(struct store *s, int (*each)(void *ctx, const struct store_blob *b),
                     void *ctx);
/** One of them; ER_NOT_FOUND. */
int store_blob_get(struct store *s, const char *id, struct store_blob *ret);

#endif
