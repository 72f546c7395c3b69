// SPDX-License-Identifier: Apache-2.0
/* The log of a merchant. */
#include "server/store_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/store_sql.h"

#define DAY_US UINT64_C(86400000000)

int store_log_add(struct store *s, const char *merchant, const char *actor, const char *action,
                  const char *subject, const json_t *data, uint64_t now_us)
{
    if (strlen(actor) >= STORE_IDENTITY_BYTES || strlen(action) >= 32 ||
        strlen(subject) >= STORE_SHORT_BYTES)
        return ER_INVALID;
    char *text = data ? json_canonical(data) : strdup("{}");
    if (!text)
        return ER_NOMEM;
    int er = sql_run(s, NULL,
                     "INSERT INTO log VALUES(?1, (SELECT coalesce(max(seq), 0) + 1 FROM log"
                     " WHERE merchant = ?1), ?2, ?3, ?4, ?5, ?6)",
                     "titttt", merchant, (int64_t)now_us, actor, action, subject, text);
    free(text);
    return er;
}

int store_log_daily(struct store *s, const char *merchant, const char *actor, const char *action,
                    const char *subject, uint64_t now_us, bool *ret_added)
{
    sqlite3_stmt *st;
    if (ret_added)
        *ret_added = false;
    int er = sql_begin(s, &st,
                       "SELECT 1 FROM log WHERE merchant = ? AND subject = ? AND actor = ?"
                       " AND action = ? AND at_us > ? LIMIT 1",
                       "tttti", merchant, subject, actor, action,
                       (int64_t)(now_us > DAY_US ? now_us - DAY_US : 0));
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    if (er)
        return er < 0 ? er : 0;
    er = store_log_add(s, merchant, actor, action, subject, NULL, now_us);
    if (ret_added)
        *ret_added = er == 0;
    return er;
}

int store_log_list(struct store *s, const char *merchant, uint64_t after_seq, size_t limit,
                   void (*each)(void *ctx, const struct store_log_entry *e), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, action, subject, data FROM log"
                       " WHERE merchant = ? AND seq > ? ORDER BY seq LIMIT ?",
                       "tii", merchant, (int64_t)after_seq, (int64_t)limit);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_log_entry e = {.seq = sql_u64(st, 0), .at_us = sql_u64(st, 1)};
        sql_text(st, 2, e.actor, sizeof e.actor);
        sql_text(st, 3, e.action, sizeof e.action);
        sql_text(st, 4, e.subject, sizeof e.subject);
        e.data = sql_json(st, 5);
        each(ctx, &e);
        json_decref(e.data);
    }
    sql_end(st);
    return er;
}
