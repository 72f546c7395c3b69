// SPDX-License-Identifier: Apache-2.0
/* Who works for merchants: the register that links and calls go by. */
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define COLUMNS                                                                                    \
    "merchant, identity, name, role, created_us, team, skills, languages, capacity, active,"       \
    " changed_us"

static int room_for(struct store *s, const struct store_worker *w)
{
    sqlite3_stmt *st;
    uint64_t others = 0;
    int er = sql_begin(s, &st, "SELECT count(*) FROM workers WHERE merchant = ? AND identity <> ?",
                       "tt", w->merchant, w->identity);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        others = sql_u64(st, 0);
    sql_end(st);
    return er < 0 ? er : others >= LIMIT_WORKING_PEOPLE ? ER_FULL : 0;
}

int store_worker_put(struct store *s, const struct store_worker *w, uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    er = store_merchant_put(s, w->merchant, NULL, now_us);
    if (!er)
        er = room_for(s, w);
    if (!er)
        er = sql_run(s, NULL,
                     "INSERT INTO workers(" COLUMNS ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                     " ?10, ?5) ON CONFLICT(merchant, identity) DO UPDATE SET"
                     " name = excluded.name, role = excluded.role, team = excluded.team,"
                     " skills = excluded.skills, languages = excluded.languages,"
                     " capacity = excluded.capacity, active = excluded.active,"
                     " changed_us = excluded.changed_us",
                     "ttttitttbb", w->merchant, w->identity, w->name, role_name(w->role),
                     (int64_t)now_us, w->team, w->skills[0] ? w->skills : "[]",
                     w->languages[0] ? w->languages : "[]", w->capacity ? (int)w->capacity : 1,
                     (int)!w->inactive);
    return store_end(s, er);
}

static int worker_read(sqlite3_stmt *st, struct store_worker *w)
{
    memset(w, 0, sizeof *w);
    sql_text(st, 0, w->merchant, sizeof w->merchant);
    sql_text(st, 1, w->identity, sizeof w->identity);
    sql_text(st, 2, w->name, sizeof w->name);
    w->created_us = sql_u64(st, 4);
    sql_text(st, 5, w->team, sizeof w->team);
    sql_text(st, 6, w->skills, sizeof w->skills);
    sql_text(st, 7, w->languages, sizeof w->languages);
    w->capacity = (unsigned)sqlite3_column_int(st, 8);
    w->inactive = sqlite3_column_int(st, 9) == 0;
    w->changed_us = sql_u64(st, 10);
    return role_parse((const char *)sqlite3_column_text(st, 3), &w->role) ? ER_INTERNAL : 0;
}

int store_worker_get(struct store *s, const char *merchant, const char *identity,
                     struct store_worker *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM workers WHERE merchant = ? AND identity = ?", "tt",
                       merchant, identity);
    if (er)
        return er;
    er = sql_step(s, st);
    er = er == 1 ? worker_read(st, ret) : er ? er : ER_NOT_FOUND;
    sql_end(st);
    return er;
}

int store_worker_remove(struct store *s, const char *merchant, const char *identity)
{
    int changes = 0;
    int er = sql_run(s, &changes, "DELETE FROM workers WHERE merchant = ? AND identity = ?", "tt",
                     merchant, identity);
    return er ? er : changes ? 0 : ER_NOT_FOUND;
}

static int each_of(struct store *s, sqlite3_stmt *st,
                   void (*each)(void *ctx, const struct store_worker *w), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_worker w;
        er = worker_read(st, &w);
        if (er)
            break;
        each(ctx, &w);
    }
    sql_end(st);
    return er;
}

int store_workers_each(struct store *s, const char *merchant,
                       void (*each)(void *ctx, const struct store_worker *w), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM workers WHERE ?1 IS NULL OR merchant = ?1"
                       " ORDER BY merchant, identity",
                       "t", merchant);
    return er ? er : each_of(s, st, each, ctx);
}

int store_workers_page(struct store *s, const char *merchant, const char *after, size_t limit,
                       void (*each)(void *ctx, const struct store_worker *w), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM workers WHERE merchant = ? AND identity > ?"
                       " ORDER BY identity LIMIT ?",
                       "tti", merchant, after, (int64_t)limit);
    return er ? er : each_of(s, st, each, ctx);
}
