// SPDX-License-Identifier: Apache-2.0
/* Attachments in the store. */
#include "server/store_attachments.h"

#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_record.h"
#include "server/store_sql.h"

#define COLUMNS                                                                                    \
    "id, case_id, merchant, ready, visible, name, added_by, path, created_us, added_us, bytes,"    \
    " sha256, type"

static void attachment_read(const struct store *s, sqlite3_stmt *st, struct store_attachment *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->id = sql_id(st, 0);
    ret->case_id = sql_id(st, 1);
    sql_text(st, 2, ret->merchant, sizeof ret->merchant);
    ret->ready = sqlite3_column_int(st, 3) != 0;
    ret->visible = sqlite3_column_int(st, 4) != 0;
    sql_text(st, 5, ret->name, sizeof ret->name);
    sql_text(st, 6, ret->added_by, sizeof ret->added_by);
    sql_path(s, st, 7, ret->path, sizeof ret->path);
    ret->created_us = sql_u64(st, 8);
    ret->added_us = sql_u64(st, 9);
    ret->bytes = sql_u64(st, 10);
    sql_text(st, 11, ret->sha256, sizeof ret->sha256);
    const char *type = (const char *)sqlite3_column_text(st, 12);
    ret->type = attachment_type_of(type ? type : "");
}

/** What there is of one case, or of one person on it. */
struct amount {
    uint64_t count, bytes;
};

static bool fits(struct amount all, struct amount own, uint64_t pending, uint64_t bytes)
{
    return all.count < LIMIT_ATTACHMENTS && all.bytes + bytes <= LIMIT_ATTACHMENTS_BYTES &&
           own.count < LIMIT_ATTACHMENTS_PERSON &&
           own.bytes + bytes <= LIMIT_ATTACHMENTS_PERSON_BYTES &&
           pending < LIMIT_ATTACHMENTS_PENDING;
}

static int amounts_read(struct store *s, const struct store_attachment *a, struct amount *ret_all,
                        struct amount *ret_own, struct amount *ret_pending)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(own), 0),"
                       " coalesce(sum(bytes * own), 0), coalesce(sum(own AND NOT ready), 0),"
                       " coalesce(sum(bytes * (own AND NOT ready)), 0)"
                       " FROM (SELECT bytes, ready, added_by = ?2 AS own FROM attachments"
                       " WHERE case_id = ?1)",
                       "tt", a->case_id.text, a->added_by);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret_all = (struct amount){sql_u64(st, 0), sql_u64(st, 1)};
    *ret_own = (struct amount){sql_u64(st, 2), sql_u64(st, 3)};
    *ret_pending = (struct amount){sql_u64(st, 4), sql_u64(st, 5)};
    sql_end(st);
    return er < 0 ? er : 0;
}

/** Whether there is room on the case for one more of this person. */
static int room_check(struct store *s, const struct store_attachment *a)
{
    struct amount all, own, pending;
    struct store_attachment idle;
    int er = amounts_read(s, a, &all, &own, &pending);
    if (er || fits(all, own, pending.count, a->bytes))
        return er;
    all.count -= pending.count;
    all.bytes -= pending.bytes;
    own.count -= pending.count;
    own.bytes -= pending.bytes;
    if (!fits(all, own, 0, a->bytes))
        return ER_FULL;
    er = store_attachment_idle(s, a, a->created_us, &idle);
    return er == 0 ? ER_AGAIN : er == ER_NOT_FOUND ? ER_FULL : er;
}

int store_attachment_begin(struct store *s, struct store_attachment *a, uint64_t now_us)
{
    int changes = 0;
    if (!id_is_set(&a->id))
        a->id = id_make(now_us, &s->entropy);
    a->created_us = now_us;
    a->ready = false;
    a->type = ATTACHMENT_TYPES;
    if (!a->bytes)
        a->bytes = LIMIT_ATTACHMENT_BYTES;
    int er = store_begin(s);
    if (er)
        return er;
    er = room_check(s, a);
    if (!er)
        er = sql_run(s, &changes,
                     "INSERT INTO attachments(" COLUMNS ") SELECT ?1, id, merchant, 0, ?3, ?4, ?5,"
                     " ?6, ?7, 0, ?8, '', '' FROM cases WHERE id = ?2",
                     "ttbtttii", a->id.text, a->case_id.text, (int)a->visible, a->name, a->added_by,
                     sql_kept_path(s, a->path), (int64_t)now_us, (int64_t)a->bytes);
    if (!er && changes == 0)
        er = ER_NOT_FOUND;
    return store_end(s, er);
}

json_t *store_attachment_told(const struct store_attachment *a)
{
    const char *type = attachment_media_type(a->type);
    return json_pack("{s:s,s:s,s:I,s:s}", "name", a->name, "content_type", type ? type : "",
                     "bytes", (json_int_t)a->bytes, "sha256", a->sha256);
}

static int added_event(struct store *s, const struct store_attachment *a, uint64_t now_us)
{
    json_t *data = json_pack("{s:s,s:b}", "attachment", a->id.text, "visible", a->visible);
    json_t *told = store_attachment_told(a);
    int er = data && told ? 0 : ER_NOMEM;
    if (!er && a->visible)
        er = json_object_update(data, told)
                 ? ER_NOMEM
                 : store_event_append(s, &a->case_id, a->added_by, "attachment_added", data, now_us,
                                      NULL);
    else if (!er)
        er = store_event_append_internal(s, &a->case_id, a->added_by, "attachment_added", data,
                                         told, now_us);
    json_decref(data);
    json_decref(told);
    return er;
}

int store_attachment_finish(struct store *s, struct store_attachment *a, uint64_t now_us)
{
    const char *type = attachment_media_type(a->type);
    int changes = 0;
    int er = type ? store_begin(s) : ER_INVALID;
    if (er)
        return er;
    er = sql_run(s, &changes,
                 "UPDATE attachments SET ready = 1, added_us = ?, bytes = ?, sha256 = ?, type = ?"
                 " WHERE id = ? AND ready = 0",
                 "iittt", (int64_t)now_us, (int64_t)a->bytes, a->sha256, type, a->id.text);
    if (!er && changes == 0)
        er = ER_NOT_FOUND;
    if (!er)
        er = added_event(s, a, now_us);
    er = store_end(s, er);
    if (!er) {
        a->ready = true;
        a->added_us = now_us;
    }
    return er;
}

int store_attachment_drop(struct store *s, const struct id *id)
{
    return sql_run(s, NULL, "DELETE FROM attachments WHERE id = ? AND ready = 0", "t", id->text);
}

int store_attachment_get(struct store *s, const struct id *id, struct store_attachment *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM attachments WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        attachment_read(s, st, ret);
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}

int store_attachment_idle(struct store *s, const struct store_attachment *a, uint64_t now_us,
                          struct store_attachment *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM attachments WHERE case_id = ? AND added_by = ?"
                       " AND ready = 0 AND created_us + ? <= ? ORDER BY created_us, id LIMIT 1",
                       "ttii", a->case_id.text, a->added_by, (int64_t)LIMIT_ATTACHMENT_IDLE_US,
                       (int64_t)now_us);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        attachment_read(s, st, ret);
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}

static int attachments_each(struct store *s, sqlite3_stmt *st,
                            void (*each)(void *ctx, const struct store_attachment *a), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_attachment a;
        attachment_read(s, st, &a);
        each(ctx, &a);
    }
    sql_end(st);
    return er;
}

int store_attachments_of_case(struct store *s, const struct id *case_id, bool internal,
                              void (*each)(void *ctx, const struct store_attachment *a), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM attachments WHERE case_id = ? AND ready = 1"
                       " AND (visible = 1 OR ?) ORDER BY id",
                       "tb", case_id->text, (int)internal);
    return er ? er : attachments_each(s, st, each, ctx);
}

int store_attachments_unfinished(struct store *s, uint64_t before_us,
                                 void (*each)(void *ctx, const struct store_attachment *a),
                                 void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM attachments WHERE ready = 0 AND created_us < ?"
                       " ORDER BY id",
                       "i", (int64_t)before_us);
    return er ? er : attachments_each(s, st, each, ctx);
}

json_t *store_attachment_json(const struct store_attachment *a)
{
    json_t *o = a->ready ? store_attachment_told(a) : json_pack("{s:s}", "name", a->name);
    int bad = !o || json_object_set_new(o, "id", json_string(a->id.text)) ||
              json_object_set_new(o, "case", json_string(a->case_id.text)) ||
              json_object_set_new(o, "state", json_string(a->ready ? "ready" : "uploading")) ||
              json_object_set_new(o, "visible", json_boolean(a->visible)) ||
              json_object_set_new(o, "added_by", json_string(a->added_by)) ||
              json_set_time(o, "created_at", a->created_us);
    if (!bad && a->ready)
        bad = json_set_time(o, "added_at", a->added_us);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}
