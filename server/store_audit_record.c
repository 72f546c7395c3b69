// SPDX-License-Identifier: Apache-2.0
/* Tags and links against the timeline, and what stands beside its events against the hashes in them. */
#include <stdio.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "server/store_audit_impl.h"
#include "server/store_bookings.h"
#include "server/store_record.h"
#include "server/store_sql.h"
#include "server/store_wraps.h"

void audit_internal(struct audit *a, const struct store_event *e)
{
    char key[24], hash[STORE_HASH_BYTES];
    json_t *data = json_loads(e->data, 0, NULL);
    const char *told = json_string_value(json_object_get(data, "internal_sha256"));
    json_t *internal = e->internal ? json_loads(e->internal, 0, NULL) : NULL;
    (void)snprintf(key, sizeof key, "%llu", (unsigned long long)e->seq);
    audit_at(a, "internals", a->case_id.text, key);
    if (told && !e->internal)
        audit_wrong(a, "there is no such row, but the timeline tells of it");
    else if (e->internal && !told)
        audit_wrong(a, "the timeline knows of no such row");
    else if (told &&
             (!internal || store_internal_hash(internal, e->salt, hash) || strcmp(hash, told) != 0))
        audit_wrong(a, "it is not what was written, by the hash on the timeline");
    audit_at(a, NULL, NULL, NULL);
    json_decref(internal);
    json_decref(data);
}

static void found(struct audit *a, const char *table, const char *key, json_t *told)
{
    json_t *o = json_object_get(told, key);
    audit_at(a, table, a->case_id.text, key);
    if (!o)
        audit_wrong(a, "the timeline knows of no such row");
    (void)json_object_set_new(o, "there", json_true());
}

static int check_tags(struct audit *a)
{
    sqlite3_stmt *st;
    int er = sql_begin(a->store, &st,
                       "SELECT tag, merchant = (SELECT merchant FROM cases WHERE id = case_id)"
                       " FROM tags WHERE case_id = ?",
                       "t", a->case_id.text);
    if (er)
        return er;
    while ((er = sql_step(a->store, st)) == 1) {
        found(a, "tags", (const char *)sqlite3_column_text(st, 0), a->tale.tags);
        if (!sqlite3_column_int(st, 1))
            audit_wrong(a, "merchant is not the case's");
    }
    sql_end(st);
    return er;
}

static int check_links(struct audit *a)
{
    sqlite3_stmt *st;
    int er = sql_begin(a->store, &st,
                       "SELECT other || ' ' || relation FROM links WHERE case_id = ?", "t",
                       a->case_id.text);
    if (er)
        return er;
    while ((er = sql_step(a->store, st)) == 1)
        found(a, "links", (const char *)sqlite3_column_text(st, 0), a->tale.links);
    sql_end(st);
    return er;
}

static void check_wrap(void *ctx, const struct store_wrap *w)
{
    struct audit *a = ctx;
    const json_t *told = json_object_get(a->tale.wraps, w->agent);
    found(a, "wrap_ups", w->agent, a->tale.wraps);
    if (told && (json_integer_value(json_object_get(told, "since_us")) != (json_int_t)w->since_us ||
                 json_integer_value(json_object_get(told, "seconds")) != (json_int_t)w->seconds ||
                 json_integer_value(json_object_get(told, "extensions")) != w->extensions ||
                 json_is_true(json_object_get(told, "required")) != w->required))
        audit_wrong(a, "it is not what the timeline tells of it");
    const char *merchant = json_string_value(json_object_get(a->tale.opened, "merchant"));
    if (!merchant || strcmp(w->merchant, merchant) != 0)
        audit_wrong(a, "merchant is not the case's");
}

static void booking_wrong(void *ctx, const char *what)
{
    audit_wrong(ctx, "%s is not what the timeline says", what);
}

static int check_booking(struct audit *a)
{
    audit_at(a, "bookings", a->case_id.text, NULL);
    return store_booking_check(a->store, &a->case_id,
                               json_object_get(a->tale.c.more, "booking"), booking_wrong, a);
}

int audit_record(struct audit *a)
{
    int er = check_tags(a);
    if (!er)
        er = check_links(a);
    if (!er)
        er = store_wraps_of_case(a->store, &a->case_id, check_wrap, a);
    if (!er)
        er = check_booking(a);
    audit_missing(a, "wrap_ups", a->tale.wraps);
    audit_missing(a, "tags", a->tale.tags);
    audit_missing(a, "links", a->tale.links);
    return er;
}
