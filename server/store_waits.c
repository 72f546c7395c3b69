// SPDX-License-Identifier: Apache-2.0
/* Who waits and who talks now, as actions make it. */
#include "server/store_waits.h"

#include <string.h>

#include "server/store_sql.h"

bool store_wait_acted(struct store_wait *w, const struct store_action *a, enum case_state after,
                      uint64_t now_us)
{
    const struct store_wait before = *w;
    switch (a->action) {
    case CASE_WAIT:
        if (!w->waits)
            w->since_us = w->from_us = now_us;
        w->waits = true;
        json_int_t ms = json_integer_value(json_object_get(a->data, STORE_WAITED_MS));
        w->counted_us = before.waits ? w->counted_us : ms > 0 ? (uint64_t)ms * 1000 : 0;
        break;
    case CASE_START_CALL:
        w->talks = true;
        w->waits = false;
        break;
    case CASE_END_CALL:
        w->talks = false;
        break;
    case CASE_STOP_WAIT:
        w->waits = false;
        break;
    case CASE_TRANSFER:
        if (w->waits)
            w->from_us = now_us;
        break;
    default:
        break;
    }
    if (after == CASE_CLOSED || after == CASE_CANCELLED)
        w->waits = false;
    if (!w->waits)
        w->since_us = w->from_us = w->counted_us = 0;
    return w->waits != before.waits || w->talks != before.talks || w->from_us != before.from_us;
}

static void wait_read(sqlite3_stmt *st, struct store_wait *ret)
{
    *ret = (struct store_wait){.case_id = sql_id(st, 0),
                               .waits = sqlite3_column_int(st, 1),
                               .talks = sqlite3_column_int(st, 2),
                               .since_us = sql_u64(st, 3),
                               .from_us = sql_u64(st, 4),
                               .counted_us = sql_u64(st, 5)};
}

int store_wait_get(struct store *s, const struct id *case_id, struct store_wait *ret)
{
    sqlite3_stmt *st;
    *ret = (struct store_wait){.case_id = *case_id};
    int er = sql_begin(s, &st,
                       "SELECT case_id, waits, talks, since_us, from_us, counted_us FROM waits"
                       " WHERE case_id = ?",
                       "t", case_id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        wait_read(st, ret);
    sql_end(st);
    return er < 0 ? er : 0;
}

static bool may_matter(enum case_action action, enum case_state after)
{
    return action == CASE_WAIT || action == CASE_STOP_WAIT || action == CASE_START_CALL ||
           action == CASE_END_CALL || action == CASE_TRANSFER || after == CASE_CLOSED ||
           after == CASE_CANCELLED;
}

int store_wait_note(struct store *s, const struct store_action *a, enum case_state after,
                    uint64_t now_us)
{
    struct store_wait w;
    if (!may_matter(a->action, after))
        return 0;
    int er = store_wait_get(s, &a->case_id, &w);
    if (er || !store_wait_acted(&w, a, after, now_us))
        return er;
    if (!w.waits && !w.talks)
        return sql_run(s, NULL, "DELETE FROM waits WHERE case_id = ?", "t", a->case_id.text);
    return sql_run(s, NULL,
                   "INSERT INTO waits(case_id, waits, talks, since_us, from_us, counted_us)"
                   " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(case_id) DO UPDATE SET"
                   " waits = excluded.waits, talks = excluded.talks, since_us = excluded.since_us,"
                   " from_us = excluded.from_us, counted_us = excluded.counted_us",
                   "tiiiii", a->case_id.text, (int64_t)w.waits, (int64_t)w.talks,
                   (int64_t)w.since_us, (int64_t)w.from_us, (int64_t)w.counted_us);
}

int store_waits_list(struct store *s, void (*each)(void *ctx, const struct store_wait *w),
                     void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT case_id, waits, talks, since_us, from_us, counted_us FROM waits"
                       " ORDER BY since_us, n",
                       "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_wait w;
        wait_read(st, &w);
        each(ctx, &w);
    }
    sql_end(st);
    return er;
}
