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

/* One entry per version of the schema; never changed once released. user_version counts them. */
static const char *const migrations[] = {
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE merchants(id TEXT PRIMARY KEY, name TEXT NOT NULL, created_us INTEGER NOT NULL)"
    " STRICT;"
    "CREATE TABLE numbers(year TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cases("
    " id TEXT PRIMARY KEY, room TEXT NOT NULL UNIQUE, number TEXT NOT NULL UNIQUE,"
    " merchant TEXT NOT NULL REFERENCES merchants(id), kind TEXT NOT NULL, state TEXT NOT NULL,"
    " title TEXT NOT NULL, language TEXT NOT NULL, priority INTEGER NOT NULL,"
    " buyer TEXT NOT NULL, buyer_name TEXT NOT NULL, created_us INTEGER NOT NULL,"
    " changed_us INTEGER NOT NULL, waiting_since_us INTEGER NOT NULL, version INTEGER NOT NULL,"
    " more TEXT NOT NULL) STRICT;"
    "CREATE INDEX cases_merchant ON cases(merchant, id);"
    "CREATE INDEX cases_state ON cases(merchant, state, id);"
    "CREATE TABLE events("
    " case_id TEXT NOT NULL REFERENCES cases(id), seq INTEGER NOT NULL, at_us INTEGER NOT NULL,"
    " actor TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, prev TEXT NOT NULL,"
    " hash TEXT NOT NULL, PRIMARY KEY(case_id, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX events_type ON events(type, at_us);"
    "CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events never change'); END;"
    "CREATE TRIGGER events_last BEFORE DELETE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events never go'); END;"
    "CREATE TABLE people("
    " case_id TEXT NOT NULL REFERENCES cases(id), identity TEXT NOT NULL, name TEXT NOT NULL,"
    " role TEXT NOT NULL, consent INTEGER, PRIMARY KEY(case_id, identity)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE clips("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), room TEXT NOT NULL,"
    " merchant TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,"
    " publisher TEXT NOT NULL, started_by TEXT NOT NULL, path TEXT NOT NULL,"
    " reason TEXT NOT NULL, created_us INTEGER NOT NULL, started_us INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, gaps INTEGER NOT NULL,"
    " gap_ms INTEGER NOT NULL, has_video INTEGER NOT NULL, has_audio INTEGER NOT NULL,"
    " has_poster INTEGER NOT NULL, repaired INTEGER NOT NULL) STRICT;"
    "CREATE INDEX clips_case ON clips(case_id, id);"
    "CREATE INDEX clips_state ON clips(state) WHERE state = 'recording';"
    "CREATE TABLE invites("
    " jti TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), identity TEXT NOT NULL,"
    " role TEXT NOT NULL, single_use INTEGER NOT NULL, used_us INTEGER NOT NULL,"
    " expires_us INTEGER NOT NULL) STRICT;"
    "CREATE TABLE idempotency("
    " owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " case_id TEXT NOT NULL REFERENCES cases(id), at_us INTEGER NOT NULL,"
    " PRIMARY KEY(owner, key)) STRICT, WITHOUT ROWID;",
    "ALTER TABLE clips ADD COLUMN video_codec TEXT NOT NULL DEFAULT 'VP8';",
    "CREATE TABLE stills("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), room TEXT NOT NULL,"
    " merchant TEXT NOT NULL, ready INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,"
    " publisher TEXT NOT NULL, taken_by TEXT NOT NULL, path TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, at_us INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    " facts TEXT NOT NULL) STRICT;"
    "CREATE INDEX stills_case ON stills(case_id, id);"
    "CREATE INDEX stills_unfinished ON stills(ready) WHERE ready = 0;",
    "CREATE TABLE api_keys("
    " id TEXT PRIMARY KEY, merchant TEXT NOT NULL REFERENCES merchants(id), secret TEXT NOT NULL,"
    " created_us INTEGER NOT NULL) STRICT;",
    "CREATE TABLE retention("
    " merchant TEXT NOT NULL, kind TEXT NOT NULL, seconds INTEGER NOT NULL,"
    " changed_us INTEGER NOT NULL, PRIMARY KEY(merchant, kind)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE holds("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), object TEXT NOT NULL,"
    " of TEXT NOT NULL, firm INTEGER NOT NULL, reason TEXT NOT NULL, placed_by TEXT NOT NULL,"
    " placed_us INTEGER NOT NULL, lift_reason TEXT NOT NULL, lifted_by TEXT NOT NULL,"
    " lifted_us INTEGER NOT NULL) STRICT;"
    "CREATE INDEX holds_case ON holds(case_id, id);"
    "CREATE TABLE tombstones("
    " id TEXT PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id), object TEXT NOT NULL,"
    " path TEXT NOT NULL, document TEXT NOT NULL, deleted_us INTEGER NOT NULL,"
    " cleared INTEGER NOT NULL) STRICT;"
    "CREATE INDEX tombstones_case ON tombstones(case_id, id);"
    "CREATE INDEX tombstones_left ON tombstones(cleared) WHERE cleared = 0;",
    "CREATE TABLE seen("
    " id INTEGER PRIMARY KEY, case_id TEXT NOT NULL REFERENCES cases(id),"
    " at_us INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL,"
    " log BLOB NOT NULL) STRICT;"
    "CREATE INDEX seen_case ON seen(case_id, from_s);",
    "CREATE INDEX people_identity ON people(identity);"
    "CREATE INDEX invites_case ON invites(case_id, identity);",
    "ALTER TABLE clips ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX clips_unstamped ON clips(id) WHERE state = 'ready' AND stamp = 0;",
    "CREATE TABLE retention_changes("
    " merchant TEXT NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL,"
    " kind TEXT NOT NULL, from_seconds INTEGER NOT NULL, to_seconds INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, seq)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER retention_changes_stay BEFORE UPDATE ON retention_changes BEGIN"
    " SELECT RAISE(ABORT, 'what was changed stays as it was'); END;"
    "CREATE TRIGGER retention_changes_last BEFORE DELETE ON retention_changes BEGIN"
    " SELECT RAISE(ABORT, 'what was changed stays known'); END;",
    "CREATE TABLE webhooks("
    " id TEXT PRIMARY KEY, merchant TEXT NOT NULL, url TEXT NOT NULL, description TEXT NOT NULL,"
    " types TEXT NOT NULL, enabled INTEGER NOT NULL, why TEXT NOT NULL, removed INTEGER NOT NULL,"
    " secret TEXT NOT NULL, old_secret TEXT NOT NULL, old_until_us INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, changed_us INTEGER NOT NULL, waiting INTEGER NOT NULL,"
    " dead INTEGER NOT NULL) STRICT;"
    "CREATE INDEX webhooks_merchant ON webhooks(merchant, id);"
    /* case_id and seq name the event; case_id '' is a test. state: 0 waiting, 1 delivered, 2 dead */
    "CREATE TABLE hook_deliveries("
    " id INTEGER PRIMARY KEY, hook TEXT NOT NULL, case_id TEXT NOT NULL, seq INTEGER NOT NULL,"
    " type TEXT NOT NULL, case_state TEXT NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, since_us INTEGER NOT NULL, changed_us INTEGER NOT NULL,"
    " status INTEGER NOT NULL, error TEXT NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX hook_deliveries_event ON hook_deliveries(case_id, seq, hook);"
    "CREATE INDEX hook_deliveries_state ON hook_deliveries(hook, state, id);"
    "CREATE INDEX hook_deliveries_next ON hook_deliveries(hook, case_id, seq) WHERE state = 0;"
    "CREATE INDEX hook_deliveries_waiting ON hook_deliveries(since_us) WHERE state = 0;"
    "CREATE INDEX hook_deliveries_over ON hook_deliveries(state, changed_us) WHERE state > 0;"
    /* One for each webhook and case of which something waits: when its first is due. */
    "CREATE TABLE hook_lanes("
    " hook TEXT NOT NULL, case_id TEXT NOT NULL, next_us INTEGER NOT NULL,"
    " PRIMARY KEY(hook, case_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX hook_lanes_due ON hook_lanes(hook, next_us);",
    /* Of those made before it is not known by whom: they count as a service's. */
    "ALTER TABLE invites ADD COLUMN by_role TEXT NOT NULL DEFAULT 'service';",
    /* store_stats.h: dim is all, team, agent or reason; span are the seconds from at_s on. */
    "CREATE TABLE stats_keys("
    " merchant TEXT NOT NULL, dim TEXT NOT NULL, key TEXT NOT NULL,"
    " PRIMARY KEY(merchant, dim, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE stats_cells("
    " merchant TEXT NOT NULL, dim TEXT NOT NULL, span INTEGER NOT NULL, at_s INTEGER NOT NULL,"
    " key TEXT NOT NULL, cell BLOB NOT NULL,"
    " PRIMARY KEY(merchant, dim, span, at_s, key)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE internals("
    " case_id TEXT NOT NULL, seq INTEGER NOT NULL, salt TEXT NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY(case_id, seq), FOREIGN KEY(case_id, seq) REFERENCES events(case_id, seq))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE tags("
    " merchant TEXT NOT NULL, tag TEXT NOT NULL, case_id TEXT NOT NULL REFERENCES cases(id),"
    " PRIMARY KEY(merchant, tag, case_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX tags_case ON tags(case_id, tag);"
    "CREATE TABLE links("
    " case_id TEXT NOT NULL REFERENCES cases(id), other TEXT NOT NULL REFERENCES cases(id),"
    " relation TEXT NOT NULL, PRIMARY KEY(case_id, other, relation)) STRICT, WITHOUT ROWID;",
    "CREATE TABLE workers("
    " merchant TEXT NOT NULL REFERENCES merchants(id), identity TEXT NOT NULL, name TEXT NOT NULL,"
    " role TEXT NOT NULL, created_us INTEGER NOT NULL, PRIMARY KEY(merchant, identity))"
    " STRICT, WITHOUT ROWID;",
    /* What cases are found by, in step with them by store_case_index; n counts them as they came. */
    "CREATE TABLE case_texts("
    " n INTEGER PRIMARY KEY, case_id TEXT NOT NULL UNIQUE REFERENCES cases(id),"
    " scope TEXT NOT NULL, words TEXT NOT NULL) STRICT;"
    "CREATE VIRTUAL TABLE case_index USING fts5(scope, words, content='case_texts',"
    " content_rowid='n', tokenize='ascii', detail='none', columnsize=0, prefix='2 3');"
    "ALTER TABLE cases ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0;" /* ever */
    "UPDATE cases SET disputed = 1 WHERE json_type(more, '$.dispute') IS NOT NULL;"
    "CREATE INDEX cases_disputed ON cases(merchant, id) WHERE disputed = 1;"
    "CREATE INDEX cases_live ON cases(state, id) WHERE state IN ('waiting', 'in_call');",
    /* case_timers.h; what was in a state before has its time from now on. */
    "CREATE TABLE timers("
    " merchant TEXT NOT NULL, state TEXT NOT NULL, seconds INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, state)) STRICT, WITHOUT ROWID;"
    "ALTER TABLE cases ADD COLUMN due_us INTEGER NOT NULL DEFAULT 0;"
    "UPDATE cases SET due_us = (unixepoch() + 86400 * CASE state WHEN 'open' THEN 30"
    " WHEN 'proposed' THEN 3 WHEN 'disputed' THEN 2 ELSE 7 END) * 1000000"
    " WHERE state NOT IN ('waiting', 'in_call', 'closed', 'cancelled');"
    "CREATE INDEX cases_due ON cases(due_us) WHERE due_us > 0;",
    /* A version without a document takes the merchant's own back. */
    "CREATE TABLE checklists("
    " merchant TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL,"
    " document TEXT NOT NULL, made_by TEXT NOT NULL, made_us INTEGER NOT NULL,"
    " PRIMARY KEY(merchant, id, version)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER checklists_stay BEFORE UPDATE ON checklists BEGIN"
    " SELECT RAISE(ABORT, 'versions never change'); END;"
    "CREATE TRIGGER checklists_last BEFORE DELETE ON checklists BEGIN"
    " SELECT RAISE(ABORT, 'versions never go'); END;"
    "CREATE TABLE checklists_kept(sha256 TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;"
    "CREATE TRIGGER checklists_kept_stay BEFORE UPDATE ON checklists_kept BEGIN"
    " SELECT RAISE(ABORT, 'what was examined by stays'); END;"
    "CREATE TRIGGER checklists_kept_last BEFORE DELETE ON checklists_kept BEGIN"
    " SELECT RAISE(ABORT, 'what was examined by stays'); END;"
    /* seq is that of the event that issued it */
    "CREATE TABLE certificates("
    " id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE,"
    " case_id TEXT NOT NULL REFERENCES cases(id), seq INTEGER NOT NULL) STRICT;"
    "CREATE INDEX certificates_case ON certificates(case_id, id);",
    "ALTER TABLE api_keys ADD COLUMN old_secret TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE api_keys ADD COLUMN old_until_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE api_keys ADD COLUMN changed_us INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE api_keys ADD COLUMN roles TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE log("
    " merchant TEXT NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL, actor TEXT NOT NULL,"
    " action TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL,"
    " PRIMARY KEY(merchant, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX log_subject ON log(merchant, subject, actor, action, at_us);"
    "CREATE TRIGGER log_stay BEFORE UPDATE ON log BEGIN"
    " SELECT RAISE(ABORT, 'what was done stays as it was'); END;"
    "CREATE TRIGGER log_last BEFORE DELETE ON log BEGIN"
    " SELECT RAISE(ABORT, 'what was done stays known'); END;",
    /* The same with an index for every length that words are begun with: others are gathered whole. */
    "DROP TABLE case_index;"
    "CREATE VIRTUAL TABLE case_index USING fts5(scope, words, content='case_texts',"
    " content_rowid='n', tokenize='ascii', detail='none', columnsize=0, prefix='2 3 4 5 6 7 8');"
    "INSERT INTO case_index(case_index) VALUES('rebuild');"
    "CREATE INDEX cases_kind ON cases(merchant, kind, id);"
    "CREATE INDEX cases_filter ON cases(id, merchant, state, kind, disputed);", /* all in one */
};
#define VERSION ((int)(sizeof migrations / sizeof migrations[0]))

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
    return strstr(migration, "CREATE TABLE stats_cells(") ? store_stats_fill(s) : 0;
}

static int migrate(struct store *s)
{
    int version = 0;
    int er = version_read(s, &version);
    if (!er && version > VERSION)
        return ER_UNSUPPORTED;
    for (; !er && version < VERSION; version++) {
        char set[48];
        (void)snprintf(set, sizeof set, "PRAGMA user_version = %d", version + 1);
        er = store_begin(s);
        if (er)
            break;
        er = plain(s, migrations[version]);
        if (!er)
            er = fill(s, migrations[version]);
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
                      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
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
    *ret_newest = VERSION;
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
    if (!er && version != VERSION)
        er = version > VERSION ? ER_UNSUPPORTED : ER_STALE;
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
