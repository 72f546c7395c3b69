// SPDX-License-Identifier: Apache-2.0
/* What the parts of the SQLite store share: the handle, statements kept prepared, small helpers.
 * Nobody else includes this. */
#ifndef LOUPE_SERVER_STORE_SQL_H
#define LOUPE_SERVER_STORE_SQL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/vault_text.h"
#include "server/store.h"

#define STORE_STATEMENTS 512 /* beyond the number of places that have one: they are kept prepared */
#define STORE_NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

struct store {
    sqlite3 *db;
    struct entropy entropy;
    struct log *log;
    struct vault *secrets;         /* store_secrets.h; NULL: they are kept plain */
    char folder[STORE_PATH_BYTES]; /* of store_set_folder; "": none */
    unsigned depth;                /* of store_begin */
    int failed;                    /* the first error inside the transaction */
    struct store_unsaved *unsaved; /* finished clips that could not be written */
    atomic_ulong hook_news;        /* counts events that webhooks wait for */
    uint64_t probed_us; /* when it was last tried whether it can be written to; 0: never */
    int probed;         /* what came of it */
    size_t statement_count;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STORE_STATEMENTS];
};

/** What makes each version of the schema of the one before, and how many there are. */
extern const char *const store_migrations[];
extern const int store_schema_version;

/** Forgets what could not be written. */
void store_unsaved_clear(struct store *s);

/** SQLite's answer as one of ours; what points to the disk is logged as an error. */
int sql_er(struct store *s, int rc, const char *what);
/** A statement with its parameters bound: `types` has a letter each: t text (NULL: null), i int64_t,
 *  b bool (int), x bytes (const void *, size_t). Texts must live until sql_end. `sql` must be a constant (its address is the key). */
int sql_begin(struct store *s, sqlite3_stmt **ret, const char *sql, const char *types, ...);
/** 1: there is a row; 0: no more; or an error. */
int sql_step(struct store *s, sqlite3_stmt *statement);
void sql_end(sqlite3_stmt *statement);
/** All at once, for what gives no rows. `ret_changes` (rows touched) may be NULL. */
int sql_run(struct store *s, int *ret_changes, const char *sql, const char *types, ...);

/** A text column into a buffer; null is "". */
void sql_text(sqlite3_stmt *statement, int column, char *ret, size_t size);
/** A column with a path: absolute, whatever is kept. */
void sql_path(const struct store *s, sqlite3_stmt *statement, int column, char *ret, size_t size);
/** What of an absolute path is kept. */
const char *sql_kept_path(const struct store *s, const char *path);
uint64_t sql_u64(sqlite3_stmt *statement, int column);
/** An id column; null or nonsense: zeroed. */
struct id sql_id(sqlite3_stmt *statement, int column);
/** A JSON column: a new object, or NULL. */
json_t *sql_json(sqlite3_stmt *statement, int column);

/** An event is on the timeline: in the same transaction it is put down for the webhooks that want it. */
int store_hooks_note(struct store *s, const struct store_event *e);

/** The same for the figures. */
int store_stats_note(struct store *s, const struct store_event *e);
/** The figures of all events that there are, where none have been summed up yet. */
int store_stats_fill(struct store *s);

/** A secret on its way into a column, bound to that and to its row. ER_INVALID: it is too long. */
int sql_secret_seal(struct store *s, const char *column, const char *id, const char *secret,
                    char ret[static VAULT_TEXT_BYTES]);
/** And out of it; "" where it cannot be read, which is logged. `kept` may be NULL. */
void sql_secret_open(struct store *s, const char *column, const char *id, const char *kept,
                     char *ret, size_t size);

/** Sets `name` to the time as RFC 3339; 0 or ER_NOMEM. */
int json_set_time(json_t *object, const char *name, uint64_t at_us);

#endif
