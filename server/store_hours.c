// SPDX-License-Identifier: Apache-2.0
/* Business hours: one row for each merchant and team, whose version outlives it. */
#include "server/store_hours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/booking.h"
#include "server/store_sql.h"

#define ZONES "/usr/share/zoneinfo"
#define COLUMNS "merchant, team, version, changed_us, changed_by, document"

void store_hours_clear(struct store_hours *h)
{
    json_decref(h->document);
    h->document = NULL;
}

int store_hours_team(const char *name, char ret[static STORE_SHORT_BYTES])
{
    if (!name || !name[0] || str_copy(ret, STORE_SHORT_BYTES, name) ||
        !utf8_is_clean(name, strlen(name)))
        return ER_INVALID;
    for (char *p = ret; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    return 0;
}

/* Zones */

static int zone_read(const char *name, struct tz **ret)
{
    static const size_t size = TZ_FILE_BYTES + 1;
    char path[512];
    const char *folder = getenv("TZDIR");
    *ret = NULL;
    if (!tz_name_ok(name))
        return ER_NOT_FOUND;
    int len = snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : ZONES, name);
    FILE *f = len > 0 && (size_t)len < sizeof path ? fopen(path, "rbe") : NULL;
    uint8_t *data = f ? malloc(size) : NULL;
    size_t had = data ? fread(data, 1, size, f) : 0;
    int er = !f ? ER_NOT_FOUND : !data ? ER_NOMEM : tz_parse(ret, data, had);
    if (f)
        (void)fclose(f);
    free(data);
    return er;
}

int store_hours_make(const json_t *document, struct hours **ret, const char **ret_why)
{
    struct tz *tz;
    *ret = NULL;
    int er = zone_read(json_text(document, "time_zone", TZ_NAME_BYTES - 1), &tz);
    if (er == ER_NOMEM)
        return er;
    if (er) {
        *ret_why =
            "`time_zone` is the name of a zone that the server knows, like \"Asia/Shanghai\"";
        return ER_MALFORMED;
    }
    struct booking_policy policy;
    *ret_why = booking_policy_read(document, &policy);
    if (*ret_why) {
        tz_free(tz);
        return ER_MALFORMED;
    }
    return hours_new(ret, (json_t *)(uintptr_t)document, tz, ret_why);
}

/* Rows */

static void row_read(sqlite3_stmt *st, struct store_hours *h)
{
    memset(h, 0, sizeof *h);
    sql_text(st, 0, h->merchant, sizeof h->merchant);
    sql_text(st, 1, h->team, sizeof h->team);
    h->version = sql_u64(st, 2);
    h->changed_us = sql_u64(st, 3);
    sql_text(st, 4, h->changed_by, sizeof h->changed_by);
    h->document = sql_json(st, 5); /* NULL: removed */
}

/** Also one that was removed, whose document is NULL. */
static int row_get(struct store *s, const char *merchant, const char *team, struct store_hours *ret)
{
    sqlite3_stmt *st;
    memset(ret, 0, sizeof *ret);
    int er = sql_begin(s, &st, "SELECT " COLUMNS " FROM hours WHERE merchant = ? AND team = ?",
                       "tt", merchant, team);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        row_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_hours_get(struct store *s, const char *merchant, const char *team,
                    struct store_hours *ret)
{
    int er = row_get(s, merchant, team, ret);
    return !er && !ret->document ? ER_NOT_FOUND : er;
}

int store_hours_each(struct store *s, const char *merchant,
                     void (*each)(void *ctx, const struct store_hours *h), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM hours WHERE document <> ''"
                       " AND (?1 IS NULL OR merchant = ?1) ORDER BY merchant, team",
                       "t", merchant);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_hours h;
        row_read(st, &h);
        each(ctx, &h);
        store_hours_clear(&h);
    }
    sql_end(st);
    return er;
}

static int row_put(struct store *s, const struct store_hours *h)
{
    char *text = h->document ? json_canonical(h->document) : strdup("");
    int er = !text ? ER_NOMEM
                   : sql_run(s, NULL, "INSERT OR REPLACE INTO hours VALUES(?, ?, ?, ?, ?, ?)",
                             "ttiitt", h->merchant, h->team, (int64_t)h->version,
                             (int64_t)h->changed_us, h->changed_by, text);
    free(text);
    return er;
}

static int count_of(struct store *s, const char *merchant, uint64_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT count(*) FROM hours WHERE merchant = ? AND document <> ''",
                       "t", merchant);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

/** What of a body is the document; NULL and why not. */
static json_t *document_of(const json_t *body, const char **ret_why)
{
    static const char *const known[] = {"time_zone", "weekly", "closures", "grace_minutes",
                                        "bookings"};
    static const char *const told[] = {"team",       "version", "changed_at",
                                       "changed_by", "now",     "teams"};
    json_t *o = json_object();
    size_t members = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        json_t *v = json_object_get(body, known[i]);
        members += v != NULL;
        if (v && json_object_set(o, known[i], v))
            members = SIZE_MAX;
    }
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        members += json_object_get(body, told[i]) != NULL;
    if (members == json_object_size(body))
        return o;
    *ret_why = "members are `time_zone`, `weekly`, `closures`, `grace_minutes`, `bookings`";
    json_decref(o);
    return NULL;
}

/** Who made it so, and when: the next version of a row. */
static int next_version(struct store *s, const char *merchant, const char *team,
                        uint64_t if_version, struct store_hours *ret, bool *ret_new)
{
    int er = row_get(s, merchant, team, ret);
    if (er && er != ER_NOT_FOUND)
        return er;
    *ret_new = !ret->document;
    bool stale = if_version && (*ret_new || ret->version != if_version);
    store_hours_clear(ret);
    ret->version++;
    return str_copy(ret->merchant, sizeof ret->merchant, merchant) ||
                   str_copy(ret->team, sizeof ret->team, team)
               ? ER_INVALID
           : stale ? ER_STALE
                   : 0;
}

static int put(struct store *s, const char *merchant, const char *team, const json_t *document,
               uint64_t if_version, const char *by, uint64_t now_us, struct store_hours *ret,
               bool *ret_new)
{
    uint64_t count = 0;
    int er = next_version(s, merchant, team, if_version, ret, ret_new);
    if (!er && *ret_new)
        er = count_of(s, merchant, &count);
    if (!er && count >= LIMIT_HOURS)
        er = ER_FULL;
    if (!er)
        er = store_merchant_put(s, merchant, NULL, now_us);
    if (er)
        return er;
    ret->document = json_incref((json_t *)(uintptr_t)document);
    ret->changed_us = now_us;
    (void)str_copy(ret->changed_by, sizeof ret->changed_by, by);
    return row_put(s, ret);
}

int store_hours_put(struct store *s, const char *merchant, const char *team, const json_t *body,
                    uint64_t if_version, const char *by, uint64_t now_us, struct store_hours *ret,
                    bool *ret_new, const char **ret_why)
{
    struct hours *tried;
    *ret_why = NULL;
    memset(ret, 0, sizeof *ret);
    json_t *document = document_of(body, ret_why);
    int er = document ? store_hours_make(document, &tried, ret_why) : ER_MALFORMED;
    if (!er) {
        hours_free(tried);
        er = store_begin(s);
        if (!er)
            er = store_end(s,
                           put(s, merchant, team, document, if_version, by, now_us, ret, ret_new));
    }
    json_decref(document);
    if (er)
        store_hours_clear(ret);
    return er;
}

int store_hours_remove(struct store *s, const char *merchant, const char *team, uint64_t if_version,
                       const char *by, uint64_t now_us)
{
    struct store_hours row;
    bool none = true;
    int er = store_begin(s);
    if (er)
        return er;
    er = next_version(s, merchant, team, if_version, &row, &none);
    if (!er && none)
        er = ER_NOT_FOUND;
    row.changed_us = now_us;
    (void)str_copy(row.changed_by, sizeof row.changed_by, by);
    if (!er)
        er = row_put(s, &row);
    return store_end(s, er);
}

int store_hours_for(struct store *s, const char *merchant, const char *team, struct hours **ret,
                    char ret_pool[STORE_SHORT_BYTES])
{
    struct store_hours found;
    char name[STORE_SHORT_BYTES];
    const char *why;
    *ret = NULL;
    int er = store_hours_team(team, name) ? ER_NOT_FOUND
                                          : store_hours_get(s, merchant, name, &found);
    if (er == ER_NOT_FOUND)
        er = store_hours_get(s, merchant, "", &found);
    if (er)
        return er;
    er = store_hours_make(found.document, ret, &why);
    if (ret_pool)
        (void)str_copy(ret_pool, STORE_SHORT_BYTES, found.team);
    store_hours_clear(&found);
    return er;
}
