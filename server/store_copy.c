// SPDX-License-Identifier: Apache-2.0
/* Copies by SQLite's backup API, within a snapshot, so that nothing makes it begin anew. */
#include "server/store_copy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/er.h"
#include "server/store_sql.h"

enum { PAGES = 512 };

static int copy_pages(struct store *s, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", s->db, "main");
    int rc = SQLITE_OK;
    if (!b)
        return ER_IO;
    do
        rc = sqlite3_backup_step(b, PAGES);
    while (rc == SQLITE_OK);
    int end = sqlite3_backup_finish(b);
    return rc == SQLITE_DONE && end == SQLITE_OK ? 0 : rc == SQLITE_NOMEM ? ER_NOMEM : ER_IO;
}

/** A database in one file, whose paths are those of a folder that it lies in. */
static int settle(sqlite3 *db)
{
    static const char *const changes[] = {
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = FULL",
        "UPDATE clips SET path = 'blobs/' || substr(id, 1, 2) || '/' || id WHERE path <> ''",
        "UPDATE stills SET path = 'blobs/' || substr(id, 1, 2) || '/' || id WHERE path <> ''",
        "UPDATE attachments SET path = 'blobs/' || substr(id, 1, 2) || '/' || id WHERE path <> ''",
        "UPDATE tombstones SET path = 'blobs/' || substr(id, 1, 2) || '/' || id WHERE path <> ''",
        "DELETE FROM settings WHERE name = 'probed_us'",
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof changes / sizeof changes[0]; i++)
        rc = sqlite3_exec(db, changes[i], NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : rc == SQLITE_NOMEM ? ER_NOMEM : ER_IO;
}

int store_copy(struct store *s, const char *to)
{
    sqlite3 *db = NULL;
    if (unlink(to) && errno != ENOENT)
        return ER_IO;
    int rc = sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    int er = rc == SQLITE_OK ? 0 : ER_IO;
    if (!er)
        er = sql_run(s, NULL, "BEGIN", "");
    if (!er) {
        sqlite3_stmt *st;
        er = sql_begin(s, &st, "SELECT count(*) FROM sqlite_schema", ""); /* the snapshot begins */
        if (!er) {
            er = sql_step(s, st) == 1 ? 0 : ER_IO;
            sql_end(st);
        }
        if (!er)
            er = copy_pages(s, db);
        (void)sql_run(s, NULL, "COMMIT", "");
    }
    if (!er)
        er = settle(db);
    if (sqlite3_close(db) != SQLITE_OK && !er)
        er = ER_IO;
    return er;
}

static void blob_read(sqlite3_stmt *st, struct store_blob *b)
{
    b->id = sql_id(st, 0);
    b->object = (enum keep_object)sqlite3_column_int(st, 1);
    b->finished = sqlite3_column_int(st, 2) != 0;
}

int store_blobs_each(struct store *s, int (*each)(void *ctx, const struct store_blob *b), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT id, 0, state = 'ready' FROM clips WHERE state <> 'failed' UNION ALL"
                       " SELECT id, 1, ready FROM stills UNION ALL"
                       " SELECT id, 2, ready FROM attachments ORDER BY 1",
                       "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_blob b;
        blob_read(st, &b);
        er = each(ctx, &b);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}

int store_blob_get(struct store *s, const char *id, struct store_blob *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT id, 0, state = 'ready' FROM clips WHERE id = ?1 UNION ALL"
                       " SELECT id, 1, ready FROM stills WHERE id = ?1 UNION ALL"
                       " SELECT id, 2, ready FROM attachments WHERE id = ?1",
                       "t", id);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        blob_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er == 0 ? ER_NOT_FOUND : er;
}
