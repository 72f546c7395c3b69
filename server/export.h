// SPDX-License-Identifier: Apache-2.0
/* A whole case in one archive: gathered from the store, measured and signed on the sealing thread, then
 * read piece by piece as it goes out. docs/EVIDENCE.md says what is in it. */
#ifndef LOUPE_SERVER_EXPORT_H
#define LOUPE_SERVER_EXPORT_H

#include "server/http.h"
#include "server/sealer.h"
#include "server/store.h"

struct export;

/** Store thread: what is to go into it, as it is now. ER_NOMEM, ER_IO, .. */
int export_gather(struct export **ret, struct vault *vault, struct store *s,
                  const struct store_case *sc, const char *by, uint64_t unix_us);
/** Sealing thread: reads all files, and signs the list of what is in it, and of those that could not be read:
 *  they are left out. ER_DENIED: one is encrypted with a key that is not here; ER_IO, ER_NOMEM. */
int export_finish(struct export *e, struct sealer *sealer, uint64_t unix_us);
/** NULL is fine. */
void export_free(struct export *e);

/** Once it is finished: */
/** How many files of the case are not in it. */
size_t export_missing(const struct export *e);
uint64_t export_size(const struct export *e);
/** Takes `e` over. */
struct http_source export_source(struct export *e);

#endif
