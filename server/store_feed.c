// SPDX-License-Identifier: Apache-2.0
/* The events of all cases in order of time, without an index of its own: type by type, by the one that there is. */
#include "server/store_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define TYPES                                                                                      \
    "WITH RECURSIVE t(type) AS (SELECT min(type) FROM events UNION ALL"                            \
    " SELECT (SELECT min(type) FROM events WHERE type > t.type) FROM t WHERE type IS NOT NULL)"

int store_feed_first(struct store *s, uint64_t since_us, uint64_t *ret_us)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       TYPES " SELECT min((SELECT min(at_us) FROM events WHERE type = t.type"
                             " AND at_us >= ?)) FROM t",
                       "i", (int64_t)since_us);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret_us = er == 1 && sqlite3_column_type(st, 0) != SQLITE_NULL ? sql_u64(st, 0) : UINT64_MAX;
    sql_end(st);
    return er < 0 ? er : 0;
}

static int row_take(sqlite3_stmt *st,
                    void (*each)(void *ctx, const struct store_event *e, const char *number,
                                 const char *merchant),
                    void *ctx)
{
    struct store_event e = {
        .case_id = sql_id(st, 0), .seq = sql_u64(st, 1), .at_us = sql_u64(st, 2)};
    sql_text(st, 3, e.actor, sizeof e.actor);
    sql_text(st, 4, e.type, sizeof e.type);
    const char *data = (const char *)sqlite3_column_text(st, 5);
    sql_text(st, 6, e.prev, sizeof e.prev);
    sql_text(st, 7, e.hash, sizeof e.hash);
    e.data = data ? strdup(data) : NULL;
    if (!e.data)
        return ER_NOMEM;
    each(ctx, &e, (const char *)sqlite3_column_text(st, 8),
         (const char *)sqlite3_column_text(st, 9));
    free(e.data);
    return 0;
}

int store_feed(struct store *s, const struct store_feed_at *after, uint64_t until_us, size_t limit,
               void (*each)(void *ctx, const struct store_event *e, const char *number,
                            const char *merchant),
               void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(
        s, &st,
        TYPES
        " SELECT e.case_id, e.seq, e.at_us, e.actor, e.type, e.data, e.prev, e.hash, c.number,"
        " c.merchant FROM t CROSS JOIN events e INDEXED BY events_type ON e.type = t.type"
        " JOIN cases c ON c.id = e.case_id"
        " WHERE e.at_us >= ?1 AND e.at_us < ?4 AND (e.at_us, e.case_id, e.seq) > (?1, ?2, ?3)"
        " ORDER BY e.at_us, e.case_id, e.seq LIMIT ?5",
        "itiii", (int64_t)after->at_us, after->case_id.text, (int64_t)after->seq, (int64_t)until_us,
        (int64_t)limit);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        er = row_take(st, each, ctx);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}
