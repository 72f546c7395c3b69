// SPDX-License-Identifier: Apache-2.0
/* What the parts of the store that read and find cases share. */
#ifndef LOUPE_SERVER_STORE_CASE_IMPL_H
#define LOUPE_SERVER_STORE_CASE_IMPL_H

#include "server/store_sql.h"

#define CASE_COLUMNS                                                                               \
    "id, room, number, merchant, kind, state, title, language, priority, buyer, buyer_name,"       \
    " created_us, changed_us, waiting_since_us, version, more, due_us"

/** From a row that begins with these columns; the caller clears it in any case. */
int store_case_read(sqlite3_stmt *st, struct store_case *c);

/** The words by which the case is found are those of `c` from now on. */
int store_case_index(struct store *s, const struct store_case *c);
/** Those of all cases, if that was not done yet (the database was an older version's). */
int store_case_index_all(struct store *s);

#endif
