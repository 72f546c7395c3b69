// SPDX-License-Identifier: Apache-2.0
/* The store on SQLite: opening, migrations, transactions, statements. WAL with synchronous=FULL, so
 * that every acknowledged commit outlives the power. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_case_impl.h"

int sql_er(struct store *s, int rc, const char *what)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return ER_NOMEM;
    case SQLITE_CONSTRAINT:
        return ER_CONFLICT;
    default:
        break;
    }
    char text[300];
    log_event(s->log, LOG_ERROR, "store_failed", "what=%s code=%d message=%s", what, rc,
              log_quote(text, sizeof text, s->db ? sqlite3_errmsg(s->db) : ""));
    return ER_IO;
}

static int prepared(struct store *s, const char *sql, sqlite3_stmt **ret)
{
    for (size_t i = 0; i < s->statement_count; i++) {
        if (s->statements[i].sql == sql) {
            *ret = s->statements[i].statement;
            return 0;
        }
    }
    if (s->statement_count == STORE_STATEMENTS)
        return ER_INTERNAL;
    int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
    if (rc != SQLITE_OK)
        return sql_er(s, rc, "prepare");
    s->statements[s->statement_count].sql = sql;
    s->statements[s->statement_count++].statement = *ret;
    return 0;
}

static int bind_all(struct store *s, sqlite3_stmt *st, const char *types, va_list args)
{
    int rc = SQLITE_OK;
    for (int i = 1; *types && rc == SQLITE_OK; i++, types++) {
        switch (*types) {
        case 't':
            rc = sqlite3_bind_text(st, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'i':
            rc = sqlite3_bind_int64(st, i, va_arg(args, int64_t));
            break;
        case 'x': {
            const void *bytes = va_arg(args, const void *);
            rc = sqlite3_bind_blob64(st, i, bytes, va_arg(args, size_t), SQLITE_STATIC);
            break;
        }
        default:
            rc = sqlite3_bind_int(st, i, va_arg(args, int));
            break;
        }
    }
    return sql_er(s, rc, "bind");
}

static int begin_args(struct store *s, sqlite3_stmt **ret, const char *sql, const char *types,
                      va_list args)
{
    int er = prepared(s, sql, ret);
    if (er)
        return er;
    er = bind_all(s, *ret, types, args);
    if (er)
        sql_end(*ret);
    return er;
}

int sql_begin(struct store *s, sqlite3_stmt **ret, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    int er = begin_args(s, ret, sql, types, args);
    va_end(args);
    return er;
}

int sql_step(struct store *s, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    return sql_er(s, rc, "step");
}

void sql_end(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

int sql_run(struct store *s, int *ret_changes, const char *sql, const char *types, ...)
{
    sqlite3_stmt *st;
    va_list args;
    va_start(args, types);
    int er = begin_args(s, &st, sql, types, args);
    va_end(args);
    if (er)
        return er;
    er = sql_step(s, st);
    if (ret_changes)
        *ret_changes = sqlite3_changes(s->db);
    sql_end(st);
    return er < 0 ? er : 0;
}

void sql_text(sqlite3_stmt *statement, int column, char *ret, size_t size)
{
    (void)str_copy(ret, size, (const char *)sqlite3_column_text(statement, column));
}

void sql_path(const struct store *s, sqlite3_stmt *statement, int column, char *ret, size_t size)
{
    sql_text(statement, column, ret, size);
    if (ret[0] == '\0' || ret[0] == '/' || s->folder[0] == '\0')
        return;
    char kept[STORE_PATH_BYTES];
    (void)str_copy(kept, sizeof kept, ret);
    int len = snprintf(ret, size, "%s/%s", s->folder, kept);
    if (len < 0 || (size_t)len >= size)
        ret[0] = '\0';
}

const char *sql_kept_path(const struct store *s, const char *path)
{
    size_t len = strlen(s->folder);
    bool within = len && strncmp(path, s->folder, len) == 0 && path[len] == '/';
    return within ? path + len + 1 : path;
}

uint64_t sql_u64(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

struct id sql_id(sqlite3_stmt *statement, int column)
{
    struct id id;
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (!text || id_parse(text, &id))
        memset(&id, 0, sizeof id);
    return id;
}

json_t *sql_json(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? json_loads(text, 0, NULL) : NULL;
}

int json_set_time(json_t *object, const char *name, uint64_t at_us)
{
    char text[CLOCK_TEXT_BYTES];
    clock_format(at_us, text);
    return json_object_set_new(object, name, json_string(text)) ? ER_NOMEM : 0;
}

/* Opening */

static int plain(struct store *s, const char *sql)
{
    return sql_er(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL), "exec");
}

static int version_read(struct store *s, int *ret)
{
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);
    if (rc != SQLITE_OK)
        return sql_er(s, rc, "prepare");
    int er = sql_step(s, st);
    if (er == 1)
        *ret = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return er == 1 ? 0 : er < 0 ? er : ER_IO;
}

/** What a version needs beside its statements. */
static int fill(struct store *s, const char *migration)
{
    bool sums = strstr(migration, "CREATE TABLE stats_cells(") ||
                strstr(migration, "DELETE FROM stats_cells;");
    return sums ? store_stats_fill(s) : 0;
}

static int migrate(struct store *s)
{
    int version = 0;
    int er = version_read(s, &version);
    if (!er && version > store_schema_version)
        return ER_UNSUPPORTED;
    for (; !er && version < store_schema_version; version++) {
        char set[48];
        (void)snprintf(set, sizeof set, "PRAGMA user_version = %d", version + 1);
        er = store_begin(s);
        if (er)
            break;
        er = plain(s, store_migrations[version]);
        if (!er)
            er = fill(s, store_migrations[version]);
        if (!er)
            er = plain(s, set);
        er = store_end(s, er);
        log_event(s->log, er ? LOG_ERROR : LOG_INFO, "store_migrated", "version=%d er=%s",
                  version + 1, er_name(er));
    }
    return er;
}

/** The database as it is; `flags` beside SQLite's usual ones. */
static int connect_to(struct store **ret, const char *path, int flags,
                      const struct entropy *entropy, struct log *log)
{
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return ER_NOMEM;
    s->entropy = *entropy;
    s->log = log;
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int er = sql_er(s, sqlite3_open_v2(path, &s->db, flags, NULL), "open");
    if (!er)
        er = plain(s, "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL;"
                      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
                      "PRAGMA cache_size = -65536"); /* KiB: what lists look through stays here */
    if (er) {
        store_close(s);
        return er;
    }
    *ret = s;
    return 0;
}

int store_open(struct store **ret, const char *path, const struct entropy *entropy, struct log *log)
{
    struct store *s;
    int er = connect_to(&s, path, SQLITE_OPEN_CREATE, entropy, log);
    if (er)
        return er;
    er = plain(s, "PRAGMA journal_mode = WAL");
    if (!er)
        er = migrate(s);
    if (!er)
        er = store_case_index_all(s);
    if (er) {
        store_close(s);
        return er;
    }
    *ret = s;
    return 0;
}

int store_schema(struct store *s, int *ret_version, int *ret_newest)
{
    *ret_newest = store_schema_version;
    return version_read(s, ret_version);
}

int store_look(struct store **ret, const char *path, const char *folder,
               const struct entropy *entropy)
{
    struct store *s;
    int version = 0;
    int er = connect_to(&s, path, 0, entropy, NULL);
    if (er)
        return er;
    er = plain(s, "PRAGMA query_only = ON");
    if (!er)
        er = version_read(s, &version);
    if (!er && version != store_schema_version)
        er = version > store_schema_version ? ER_UNSUPPORTED : ER_STALE;
    if (!er && str_copy(s->folder, sizeof s->folder, folder) < 0)
        er = ER_INVALID;
    if (er && er != ER_STALE && er != ER_UNSUPPORTED) {
        store_close(s);
        return er;
    }
    *ret = s;
    return er;
}

/** What was noted before the folder was known, or by a version that kept absolute paths. */
static int shorten_paths(struct store *s)
{
    static const char *const changes[] = {
        "UPDATE clips SET path = substr(path, length(?1) + 2)"
        " WHERE substr(path, 1, length(?1) + 1) = ?1 || '/'",
        "UPDATE stills SET path = substr(path, length(?1) + 2)"
        " WHERE substr(path, 1, length(?1) + 1) = ?1 || '/'",
        "UPDATE attachments SET path = substr(path, length(?1) + 2)"
        " WHERE substr(path, 1, length(?1) + 1) = ?1 || '/'",
        "UPDATE tombstones SET path = substr(path, length(?1) + 2)"
        " WHERE substr(path, 1, length(?1) + 1) = ?1 || '/'",
    };
    int er = store_begin(s);
    if (er)
        return er;
    for (size_t i = 0; !er && i < sizeof changes / sizeof changes[0]; i++)
        er = sql_run(s, NULL, changes[i], "t", s->folder);
    return store_end(s, er);
}

int store_set_folder(struct store *s, const char *folder)
{
    if (str_copy(s->folder, sizeof s->folder, folder) < 0) {
        s->folder[0] = '\0';
        return ER_INVALID;
    }
    return shorten_paths(s);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->statement_count; i++)
        sqlite3_finalize(s->statements[i].statement);
    store_unsaved_clear(s);
    vault_free(s->secrets);
    if (sqlite3_close(s->db) != SQLITE_OK)
        log_event(s->log, LOG_ERROR, "store_close_failed", NULL);
    free(s);
}

int store_begin(struct store *s)
{
    if (s->depth == 0) {
        int er = sql_run(s, NULL, "BEGIN IMMEDIATE", "");
        if (er)
            return er;
        s->failed = 0;
    }
    s->depth++;
    return 0;
}

int store_end(struct store *s, int er)
{
    if (er && !s->failed)
        s->failed = er;
    if (--s->depth > 0)
        return er;
    er = s->failed;
    if (!er)
        er = sql_run(s, NULL, "COMMIT", "");
    /* Some errors of the disk have rolled back already. */
    if (er && !sqlite3_get_autocommit(s->db))
        (void)sql_run(s, NULL, "ROLLBACK", "");
    return er;
}

int store_check(struct store *s, char *ret_why, size_t size)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "PRAGMA integrity_check(1)", "");
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1) {
        sql_text(st, 0, ret_why, size);
        er = strcmp(ret_why, "ok") == 0 ? 0 : ER_MALFORMED;
    }
    sql_end(st);
    return er;
}

#define PROBE_US UINT64_C(2000000)

int store_ping(struct store *s, uint64_t now_us)
{
    if (!s->probed_us || now_us - s->probed_us >= PROBE_US) {
        s->probed = sql_run(s, NULL,
                            "INSERT INTO settings VALUES('probed_us', ?) ON CONFLICT(name)"
                            " DO UPDATE SET value = excluded.value",
                            "i", (int64_t)now_us);
        s->probed_us = now_us;
    }
    return s->probed || s->unsaved ? ER_IO : 0;
}
