// SPDX-License-Identifier: Apache-2.0
/* Logs of what viewers were shown, in the store: kept as they come, with the case. */
#include "base/er.h"
#include "server/seen_lines.h"
#include "server/store_sql.h"

int store_seen_add(struct store *s, const struct id *room, const void *log, size_t len,
                   uint64_t now_us)
{
    uint32_t from, to;
    int changes = 0;
    int er = seen_span(log, len, &from, &to);
    if (er)
        return er;
    er = sql_run(s, &changes,
                 "INSERT INTO seen(case_id, at_us, from_s, to_s, log) SELECT id, ?2, ?3, ?4, ?5"
                 " FROM cases WHERE room = ?1 AND (SELECT coalesce(sum(length(log)), 0) FROM seen"
                 " WHERE case_id = cases.id) < ?6",
                 "tiiixi", room->text, (int64_t)now_us, (int64_t)from, (int64_t)to, log, len,
                 (int64_t)LIMIT_SEEN_BYTES);
    return er ? er : changes ? 0 : ER_FULL;
}

int store_seen_between(struct store *s, const struct id *case_id, uint64_t from_us, uint64_t to_us,
                       json_t **ret)
{
    struct seen *seen = NULL;
    sqlite3_stmt *st;
    int er = seen_new(&seen, from_us, to_us);
    if (!er)
        er = sql_begin(s, &st,
                       "SELECT log FROM seen WHERE case_id = ? AND to_s >= ? AND from_s <= ?"
                       " ORDER BY id",
                       "tii", case_id->text, (int64_t)(from_us / 1000000),
                       (int64_t)(to_us / 1000000 + 1));
    if (er) {
        seen_free(seen);
        return er;
    }
    while ((er = sql_step(s, st)) == 1) {
        er = seen_add(seen, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        if (er && er != ER_MALFORMED)
            break;
    }
    sql_end(st);
    if (!er)
        *ret = seen_json(seen);
    seen_free(seen);
    return er ? er : *ret ? 0 : ER_NOMEM;
}

int store_clip_seen(struct store *s, const struct store_clip *c, uint64_t now_us, json_t **ret)
{
    uint64_t to_us = c->started_us + c->duration_ms * 1000;
    if (c->started_us == 0) { /* it has not begun */
        *ret = json_array();
        return *ret ? 0 : ER_NOMEM;
    }
    if (c->state == CLIP_RECORDING && c->duration_ms == 0 && now_us > to_us)
        to_us = now_us;
    return store_seen_between(s, &c->case_id, c->started_us, to_us, ret);
}

int store_clip_seen_document(struct store *s, const struct store_clip *c, uint64_t now_us,
                             json_t **ret)
{
    json_t *items;
    int er = store_clip_seen(s, c, now_us, &items);
    if (er)
        return er;
    *ret = json_pack("{s:s,s:I,s:o}", "clip", c->id.text, "duration_ms", (json_int_t)c->duration_ms,
                     "items", items);
    if (*ret && c->started_us && json_set_time(*ret, "started_at", c->started_us)) {
        json_decref(*ret);
        *ret = NULL;
    }
    return *ret ? 0 : ER_NOMEM;
}
