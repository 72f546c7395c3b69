// SPDX-License-Identifier: Apache-2.0
/* The audit: the database and its schema, then case by case. */
#include "server/store_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_audit_impl.h"
#include "server/store_sql.h"

enum { ATTEMPTS = 20 }; /* at a case in which things are deleted while it is looked at */

void audit_at(struct audit *a, const char *table, const char *key, const char *more)
{
    a->report->row = table ? a->row : NULL;
    if (table)
        (void)snprintf(a->row, sizeof a->row, "%s %s%s%s", table, key, more ? " " : "",
                       more ? more : "");
}

void audit_wrong(struct audit *a, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    report_add(a->report, REPORT_IS_WRONG, "row", REPORT_ANYWHERE, "%s", text);
}

/* The database as such */

static int each_text(struct store *s, const char *sql,
                     void (*each)(struct audit *a, sqlite3_stmt *st), struct audit *a)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, sql, "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1)
        each(a, st);
    sql_end(st);
    return er;
}

static void say_integrity(struct audit *a, sqlite3_stmt *st)
{
    const char *text = (const char *)sqlite3_column_text(st, 0);
    if (text && strcmp(text, "ok") != 0)
        report_add(a->report, REPORT_IS_WRONG, "database", REPORT_ANYWHERE, "%s", text);
}

static void say_foreign_key(struct audit *a, sqlite3_stmt *st)
{
    report_add(a->report, REPORT_IS_WRONG, "row", REPORT_ANYWHERE,
               "a row of %s tells of one of %s that is not there",
               (const char *)sqlite3_column_text(st, 0), (const char *)sqlite3_column_text(st, 2));
}

static void say_number(struct audit *a, sqlite3_stmt *st)
{
    audit_at(a, "numbers", (const char *)sqlite3_column_text(st, 0), NULL);
    audit_wrong(a, "%lld cases were numbered, and %lld are there",
                (long long)sqlite3_column_int64(st, 1), (long long)sqlite3_column_int64(st, 2));
    audit_at(a, NULL, NULL, NULL);
}

static void schema_take(json_t *into, sqlite3_stmt *st)
{
    char name[160];
    const char *sql = (const char *)sqlite3_column_text(st, 2);
    (void)snprintf(name, sizeof name, "%s %s", (const char *)sqlite3_column_text(st, 0),
                   (const char *)sqlite3_column_text(st, 1));
    (void)json_object_set_new(into, name, json_string(sql ? sql : ""));
}

static int schema_of(struct store *s, json_t *into)
{
    sqlite3_stmt *st;
    int er = sql_begin(
        s, &st, "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'", "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1)
        schema_take(into, st);
    sql_end(st);
    return er;
}

/** Tables, indexes and above all triggers as this version makes them. */
static int check_schema(struct audit *a)
{
    struct store *fresh;
    json_t *is = json_object(), *due = json_object(), *value;
    const char *name;
    int er = is && due ? store_open(&fresh, ":memory:", &a->store->entropy, NULL) : ER_NOMEM;
    if (!er) {
        er = schema_of(fresh, due);
        store_close(fresh);
    }
    if (!er)
        er = schema_of(a->store, is);
    json_object_foreach(due, name, value)
    {
        const json_t *there = json_object_get(is, name);
        if (!er && !json_equal(there, value))
            report_add(a->report, REPORT_IS_WRONG, "schema", REPORT_ANYWHERE, "%s %s", name,
                       there ? "was changed" : "is missing");
    }
    json_object_foreach(is, name, value)
    {
        if (!er && !json_object_get(due, name))
            report_add(a->report, REPORT_IS_WRONG, "schema", REPORT_ANYWHERE, "%s is none of ours",
                       name);
    }
    json_decref(is);
    json_decref(due);
    return er;
}

static int check_database(struct audit *a)
{
    struct store *s = a->store;
    int er = each_text(s, "PRAGMA integrity_check(20)", say_integrity, a);
    if (!er)
        er = each_text(s, "PRAGMA foreign_key_check", say_foreign_key, a);
    if (!er)
        er = check_schema(a);
    if (!er)
        er = each_text(s,
                       "SELECT year, last, (SELECT count(*) FROM cases WHERE number >= 'C-' || year"
                       " || '-' AND number < 'C-' || year || '.') AS there FROM numbers"
                       " WHERE there <> last",
                       say_number, a);
    return er;
}

/* A case */

static void event_add(void *ctx, const struct store_event *e)
{
    struct audit *a = ctx;
    a->config->events++;
    audit_internal(a, e);
    if (!a->er)
        a->er = audit_tale_add(&a->tale, e);
}

static int check_chain(struct audit *a)
{
    char key[24];
    uint64_t seq = 0;
    int er = store_chain_verify(a->store, &a->case_id, &seq);
    if (er != ER_UNAUTHENTIC)
        return er;
    (void)snprintf(key, sizeof key, "%llu", (unsigned long long)seq);
    audit_at(a, "events", a->case_id.text, key);
    report_add(
        a->report, REPORT_IS_WRONG, "event", report_at_event(seq),
        "it is not as it was when the next one was added, or does not follow the one before");
    return 0;
}

static int look_at_case(struct audit *a)
{
    a->er = 0;
    int er = audit_tale_init(&a->tale);
    if (!er)
        er = check_chain(a);
    if (!er)
        er = store_events_list(a->store, &a->case_id, 0, (size_t)INT64_MAX, event_add, a);
    if (!er && !a->er)
        er = audit_rows(a);
    audit_tale_clear(&a->tale);
    audit_at(a, NULL, NULL, NULL);
    a->report->file = NULL;
    return er ? er : a->er;
}

/** Of what was found since; jansson has no shorter way. */
static void report_back(struct report *r, const struct report *before, size_t findings)
{
    r->wrong = before->wrong;
    r->unsure = before->unsure;
    r->notes = before->notes;
    while (json_array_size(r->findings) > findings)
        (void)json_array_remove(r->findings, json_array_size(r->findings) - 1);
}

/** Whether anything came to the case since it was looked at: then what was wrong may have been right. */
static bool has_grown(struct audit *a, uint64_t seen)
{
    uint64_t seq = 0;
    char hash[STORE_HASH_BYTES];
    return store_chain_head(a->store, &a->case_id, &seq, hash) == 0 && seq != seen;
}

static int check_case(struct audit *a)
{
    const struct report before = *a->report;
    const struct store_audit counted = *a->config;
    size_t findings = json_array_size(before.findings);
    int er = 0;
    for (int attempt = 0; !er && attempt < ATTEMPTS; attempt++) {
        if (attempt > 0 &&
            (a->report->wrong == before.wrong || !has_grown(a, a->config->events - counted.events)))
            break;
        report_back(a->report, &before, findings);
        *a->config = counted;
        er = sql_run(a->store, NULL, "BEGIN", "");
        if (er)
            return er;
        er = look_at_case(a);
        (void)sql_run(a->store, NULL, "COMMIT", "");
    }
    a->config->cases++;
    return er;
}

static int check_cases(struct audit *a)
{
    struct id after = {{0}};
    for (;;) {
        sqlite3_stmt *st;
        int er = sql_begin(a->store, &st,
                           "SELECT min(id) FROM (SELECT min(id) AS id FROM cases WHERE id > ?1"
                           " UNION ALL SELECT min(case_id) FROM events WHERE case_id > ?1)",
                           "t", after.text);
        if (er)
            return er;
        er = sql_step(a->store, st);
        const char *id = er == 1 ? (const char *)sqlite3_column_text(st, 0) : NULL;
        bool more = id && !str_copy(after.text, sizeof after.text, id);
        sql_end(st);
        if (er < 0 || !more)
            return er < 0 ? er : 0;
        a->case_id = after;
        er = check_case(a);
        if (er)
            return er;
    }
}

int store_audit(struct store *s, struct store_audit *audit, struct report *r)
{
    struct audit a = {.store = s, .config = audit, .report = r};
    if (id_is_set(&audit->only)) {
        a.case_id = audit->only;
        return check_case(&a);
    }
    int er = check_database(&a);
    if (!er)
        er = audit_stats(&a);
    return er ? er : check_cases(&a);
}
