// SPDX-License-Identifier: Apache-2.0
/* Tombstones: what stands in the place of clips, stills and attachments that were deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_attachments.h"
#include "server/store_keep.h"
#include "server/store_sql.h"

#define COLUMNS "id, case_id, object, path, document, deleted_us, cleared"

static int tomb_read(const struct store *s, sqlite3_stmt *st, struct store_tombstone *t)
{
    memset(t, 0, sizeof *t);
    t->id = sql_id(st, 0);
    t->case_id = sql_id(st, 1);
    sql_text(st, 2, t->object, sizeof t->object);
    sql_path(s, st, 3, t->path, sizeof t->path);
    const char *document = (const char *)sqlite3_column_text(st, 4);
    t->document = document ? strdup(document) : NULL;
    t->deleted_us = sql_u64(st, 5);
    t->cleared = sqlite3_column_int(st, 6) != 0;
    return t->document ? 0 : ER_NOMEM;
}

/** What a period is kept for, and since when; ER_NOT_FOUND also of what is not finished. */
static int finished(struct store *s, const struct store_tombstone *t, char ret_kind[16],
                    uint64_t *ret_created_us)
{
    struct store_clip c;
    struct store_still still;
    struct store_attachment a;
    int er;
    switch (keep_object_of(t->object)) {
    case KEPT_CLIP:
        er = store_clip_get(s, &t->id, &c);
        if (!er && c.state == CLIP_RECORDING)
            er = ER_NOT_FOUND;
        *ret_created_us = er ? 0 : c.created_us;
        return er ? er : str_copy(ret_kind, 16, c.kind);
    case KEPT_STILL:
        er = store_still_get(s, &t->id, &still);
        if (!er && !still.ready)
            er = ER_NOT_FOUND;
        *ret_created_us = er ? 0 : still.created_us;
        return er ? er : str_copy(ret_kind, 16, still.kind);
    case KEPT_ATTACHMENT:
        er = store_attachment_get(s, &t->id, &a);
        if (!er && !a.ready)
            er = ER_NOT_FOUND;
        *ret_created_us = er ? 0 : a.created_us;
        return er ? er : str_copy(ret_kind, 16, keep_kind_name(KEEP_ATTACHMENT));
    case KEPT_OBJECTS:
        break;
    }
    return ER_NOT_FOUND;
}

/** Of what is there, finished, and nothing in the way. */
static int bury_check(struct store *s, const struct store_tombstone *t, uint64_t now_us)
{
    struct store_keeping keeping;
    struct id parts[1];
    size_t count;
    uint64_t created_us = 0;
    char kind[16];
    bool clip = strcmp(t->object, "clip") == 0;
    int er = finished(s, t, kind, &created_us);
    if (!er)
        er = store_keeping_of(s, &t->case_id, kind, &t->id, created_us, now_us, &keeping);
    if (!er && store_keeping_why(&keeping))
        er = ER_CONFLICT;
    if (!er && t->due && (!keeping.until_us || keeping.until_us > now_us))
        er = ER_CONFLICT; /* the period was set anew since it was found */
    if (!er && clip)
        er = store_parts_of(s, &t->case_id, &t->id, parts, 0, &count);
    return er == ER_FULL ? 0 : er;
}

static int bury_event(struct store *s, const struct store_tombstone *t, const char *by,
                      const json_t *told, uint64_t now_us)
{
    char type[STORE_OBJECT_BYTES + 16];
    (void)snprintf(type, sizeof type, "%s_deleted", t->object);
    json_t *data = json_copy((json_t *)(uintptr_t)told); /* only read */
    int er = !data || json_object_set_new(data, t->object, json_string(t->id.text))
                 ? ER_NOMEM
                 : store_event_append(s, &t->case_id, by, type, data, now_us, NULL);
    json_decref(data);
    return er;
}

int store_bury(struct store *s, const struct store_tombstone *t, const char *by, const json_t *told,
               uint64_t now_us)
{
    static const char *const remove[KEPT_OBJECTS] = {
        [KEPT_CLIP] = "DELETE FROM clips WHERE id = ?",
        [KEPT_STILL] = "DELETE FROM stills WHERE id = ?",
        [KEPT_ATTACHMENT] = "DELETE FROM attachments WHERE id = ?"};
    enum keep_object object = keep_object_of(t->object);
    int er = object == KEPT_OBJECTS ? ER_NOT_FOUND : store_begin(s);
    if (er)
        return er;
    er = bury_check(s, t, now_us);
    if (!er)
        er = sql_run(s, NULL, "INSERT INTO tombstones(" COLUMNS ") VALUES(?, ?, ?, ?, ?, ?, 0)",
                     "ttttti", t->id.text, t->case_id.text, t->object, sql_kept_path(s, t->path),
                     t->document, (int64_t)now_us);
    if (!er)
        er = sql_run(s, NULL, remove[object], "t", t->id.text);
    if (!er)
        er = bury_event(s, t, by, told, now_us);
    return store_end(s, er);
}

int store_tombstone_cleared(struct store *s, const struct id *id)
{
    return sql_run(s, NULL, "UPDATE tombstones SET cleared = 1 WHERE id = ?", "t", id->text);
}

int store_tombstone_get(struct store *s, const struct id *id, struct store_tombstone *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM tombstones WHERE id = ?", "t", id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = tomb_read(s, st, ret);
    else if (er == 0)
        er = ER_NOT_FOUND;
    sql_end(st);
    return er;
}

static int tombs_each(struct store *s, sqlite3_stmt *st,
                      void (*each)(void *ctx, const struct store_tombstone *t), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_tombstone t;
        er = tomb_read(s, st, &t);
        if (!er)
            each(ctx, &t);
        free(t.document);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}

int store_tombstones_of_case(struct store *s, const struct id *case_id,
                             void (*each)(void *ctx, const struct store_tombstone *t), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM tombstones WHERE case_id = ? ORDER BY id",
                       "t", case_id->text);
    return er ? er : tombs_each(s, st, each, ctx);
}

int store_tombstones_left(struct store *s, const struct id *after, size_t limit,
                          void (*each)(void *ctx, const struct store_tombstone *t), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM tombstones WHERE cleared = 0 AND id > ?"
                       " ORDER BY id LIMIT ?",
                       "ti", after->text, (int64_t)limit);
    return er ? er : tombs_each(s, st, each, ctx);
}

int store_parts_of(struct store *s, const struct id *case_id, const struct id *clip, struct id *ret,
                   size_t size, size_t *ret_count)
{
    sqlite3_stmt *st;
    *ret_count = 0;
    int er = sql_begin(s, &st,
                       "SELECT c.id, c.state = 'recording' FROM events e JOIN clips c ON"
                       " c.id = json_extract(e.data, '$.clip') WHERE e.case_id = ?"
                       " AND e.type = 'clip_trimmed' AND json_extract(e.data, '$.of') = ?",
                       "tt", case_id->text, clip->text);
    bool making = false, more = false;
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        making |= sqlite3_column_int(st, 1) != 0;
        more |= *ret_count == size;
        if (*ret_count < size)
            ret[(*ret_count)++] = sql_id(st, 0);
    }
    sql_end(st);
    return er < 0 ? er : making ? ER_CONFLICT : more ? ER_FULL : 0;
}
