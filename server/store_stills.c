// SPDX-License-Identifier: Apache-2.0
/* Stills in the store: a row before the picture is taken, finished or gone afterwards. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_sql.h"

#define COLUMNS                                                                                    \
    "id, case_id, room, merchant, ready, kind, label, publisher, taken_by, path, created_us,"      \
    " at_us, bytes, sha256, width, height, facts"

static void still_read(const struct store *s, sqlite3_stmt *st, struct store_still *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->id = sql_id(st, 0);
    ret->case_id = sql_id(st, 1);
    ret->room = sql_id(st, 2);
    sql_text(st, 3, ret->merchant, sizeof ret->merchant);
    ret->ready = sqlite3_column_int(st, 4) != 0;
    sql_text(st, 5, ret->kind, sizeof ret->kind);
    sql_text(st, 6, ret->label, sizeof ret->label);
    sql_text(st, 7, ret->publisher, sizeof ret->publisher);
    sql_text(st, 8, ret->taken_by, sizeof ret->taken_by);
    sql_path(s, st, 9, ret->path, sizeof ret->path);
    ret->created_us = sql_u64(st, 10);
    ret->at_us = sql_u64(st, 11);
    ret->bytes = sql_u64(st, 12);
    sql_text(st, 13, ret->sha256, sizeof ret->sha256);
    ret->width = (unsigned)sqlite3_column_int(st, 14);
    ret->height = (unsigned)sqlite3_column_int(st, 15);
    sql_text(st, 16, ret->facts, sizeof ret->facts);
}

int store_still_add(struct store *s, struct store_still *still, uint64_t now_us)
{
    if (!id_is_set(&still->id))
        still->id = id_make(now_us, &s->entropy);
    still->created_us = now_us;
    still->ready = false;
    int er = store_begin(s);
    if (er)
        return er;
    int changes = 0;
    er = sql_run(s, &changes,
                 "INSERT INTO stills(" COLUMNS ") SELECT ?1, id, ?3, merchant, 0, ?4, ?5, ?6, ?7,"
                 " ?8, ?9, 0, 0, '', 0, 0, '{}' FROM cases WHERE id = ?2",
                 "tttttttti", still->id.text, still->case_id.text, still->room.text, still->kind,
                 still->label, still->publisher, still->taken_by, sql_kept_path(s, still->path),
                 (int64_t)now_us);
    if (!er && changes == 0)
        er = ER_NOT_FOUND;
    return store_end(s, er);
}

json_t *store_still_told(const struct store_still *still)
{
    json_t *data = store_still_json(still);
    if (!data)
        return NULL;
    int bad = json_object_set_new(data, "still", json_string(still->id.text)) |
              json_object_del(data, "id") | json_object_del(data, "case") |
              json_object_del(data, "room") | json_object_del(data, "created_at") |
              json_object_del(data, "taken_by");
    if (json_object_del(data, "place") == 0)
        bad |= json_object_set_new(data, "place_kept", json_true());
    if (!bad)
        return data;
    json_decref(data);
    return NULL;
}

static int taken_event(struct store *s, const struct store_still *still, uint64_t now_us)
{
    json_t *data = store_still_told(still);
    int er = !data ? ER_NOMEM
                   : store_event_append(s, &still->case_id, still->taken_by, "still_taken", data,
                                        now_us, NULL);
    json_decref(data);
    return er;
}

int store_still_finish(struct store *s, struct store_still *still, uint64_t now_us)
{
    int er = store_begin(s);
    if (er)
        return er;
    int changes = 0;
    er = sql_run(s, &changes,
                 "UPDATE stills SET ready = 1, at_us = ?, bytes = ?, sha256 = ?, width = ?,"
                 " height = ?, facts = ? WHERE id = ? AND ready = 0",
                 "iitiitt", (int64_t)still->at_us, (int64_t)still->bytes, still->sha256,
                 (int64_t)still->width, (int64_t)still->height, still->facts, still->id.text);
    if (!er && changes == 0)
        er = ER_NOT_FOUND;
    still->ready = true;
    if (!er)
        er = taken_event(s, still, now_us);
    return store_end(s, er);
}

int store_still_drop(struct store *s, const struct id *id)
{
    return sql_run(s, NULL, "DELETE FROM stills WHERE id = ? AND ready = 0", "t", id->text);
}

int store_still_get(struct store *s, const struct id *id, struct store_still *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM stills WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        still_read(s, st, ret);
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}

static int stills_each(struct store *s, sqlite3_stmt *st,
                       void (*each)(void *ctx, const struct store_still *still), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_still still;
        still_read(s, st, &still);
        each(ctx, &still);
    }
    sql_end(st);
    return er;
}

int store_stills_of_case(struct store *s, const struct id *case_id,
                         void (*each)(void *ctx, const struct store_still *still), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM stills WHERE case_id = ? AND ready = 1 ORDER BY id",
                       "t", case_id->text);
    return er ? er : stills_each(s, st, each, ctx);
}

int store_photos(struct store *s, void (*each)(void *ctx, const struct store_still *still),
                 void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM stills WHERE kind = 'photo' AND ready = 1",
                       "");
    return er ? er : stills_each(s, st, each, ctx);
}

int store_stills_unfinished(struct store *s, const struct id *case_id, const char *kind,
                            void (*each)(void *ctx, const struct store_still *still), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM stills WHERE ready = 0 AND kind = ?1"
                       " AND (?2 IS NULL OR case_id = ?2) ORDER BY id",
                       "tt", kind, case_id ? case_id->text : NULL);
    return er ? er : stills_each(s, st, each, ctx);
}

json_t *store_still_json(const struct store_still *still)
{
    json_t *facts = NULL;
    const char *why;
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:i,s:i}", "id", still->id.text,
                          "case", still->case_id.text, "room", still->room.text, "kind",
                          still->kind, "label", still->label, "publisher", still->publisher,
                          "taken_by", still->taken_by, "bytes", (json_int_t)still->bytes, "sha256",
                          still->sha256, "width", (int)still->width, "height", (int)still->height);
    int bad = !o || json_set_time(o, "created_at", still->created_us) |
                        json_set_time(o, "at", still->at_us ? still->at_us : still->created_us);
    if (!bad && json_parse(still->facts, strlen(still->facts), &facts, &why) == 0)
        bad = json_object_update(o, facts);
    json_decref(facts);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}
