// SPDX-License-Identifier: Apache-2.0
/* Checklists: versions that are only added, and the search among them. */
#include "server/store_checklists.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_sql.h"

#define COLUMNS "id, version, sha256, document, made_by, made_us"

void store_checklist_clear(struct store_checklist *c)
{
    json_decref(c->document);
    c->document = NULL;
}

json_t *store_checklist_json(const struct store_checklist *c)
{
    json_t *o = json_copy(c->document);
    int bad = !o || json_object_set_new(o, "sha256", json_string(c->sha256)) ||
              json_object_set_new(o, "shipped", json_boolean(c->shipped)) ||
              (!c->shipped && (json_object_set_new(o, "made_by", json_string(c->made_by)) ||
                               json_set_time(o, "made_at", c->made_us)));
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

/* What came with the program */

static int shipped_at(size_t number, struct store_checklist *ret)
{
    *ret = (struct store_checklist){.shipped = true};
    int er = checklist_shipped(number, &ret->document);
    if (!er)
        er = checklist_hash(ret->document, ret->sha256);
    if (er) {
        store_checklist_clear(ret);
        return er;
    }
    (void)str_copy(ret->id, sizeof ret->id,
                   json_string_value(json_object_get(ret->document, "id")));
    ret->version = (unsigned)json_integer_value(json_object_get(ret->document, "version"));
    return 0;
}

static int shipped_get(const char *id, unsigned version, struct store_checklist *ret)
{
    for (size_t i = 0; i < checklist_shipped_count(); i++) {
        int er = shipped_at(i, ret);
        if (er)
            return er;
        if (strcmp(ret->id, id) == 0 && (!version || version == ret->version))
            return 0;
        store_checklist_clear(ret);
    }
    return ER_NOT_FOUND;
}

/* The merchant's own */

static void own_read(sqlite3_stmt *st, struct store_checklist *c)
{
    *c = (struct store_checklist){0};
    sql_text(st, 0, c->id, sizeof c->id);
    c->version = (unsigned)sqlite3_column_int64(st, 1);
    sql_text(st, 2, c->sha256, sizeof c->sha256);
    c->document = sql_json(st, 3);
    sql_text(st, 4, c->made_by, sizeof c->made_by);
    c->made_us = sql_u64(st, 5);
}

/** Also one by which it was taken back. */
static int own_get(struct store *s, const char *merchant, const char *id, unsigned version,
                   struct store_checklist *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM checklists WHERE merchant = ? AND id = ?"
                       " AND (?3 = 0 OR version = ?3) ORDER BY version DESC LIMIT 1",
                       "tti", merchant, id, (int64_t)version);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        own_read(st, ret);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_checklist_get(struct store *s, const char *merchant, const char *id, unsigned version,
                        struct store_checklist *ret)
{
    int er = own_get(s, merchant, id, version, ret);
    if (er == 0 && !ret->document)
        er = ER_NOT_FOUND;
    return er == ER_NOT_FOUND ? shipped_get(id, version, ret) : er;
}

int store_checklists_each(struct store *s, const char *merchant,
                          void (*each)(void *ctx, const struct store_checklist *c), void *ctx)
{
    sqlite3_stmt *st;
    size_t number = 0;
    struct store_checklist next, own;
    int er = sql_begin(s, &st,
                       "SELECT " COLUMNS " FROM checklists AS c WHERE merchant = ? AND version ="
                       " (SELECT max(version) FROM checklists WHERE merchant = c.merchant AND id ="
                       " c.id) ORDER BY id",
                       "t", merchant);
    if (er)
        return er;
    bool ships = shipped_at(number, &next) == 0;
    while ((er = sql_step(s, st)) == 1) {
        own_read(st, &own);
        for (; ships && strcmp(next.id, own.id) < 0; ships = shipped_at(++number, &next) == 0) {
            each(ctx, &next);
            store_checklist_clear(&next);
        }
        if (own.document)
            each(ctx, &own);
        if (own.document && ships && strcmp(next.id, own.id) == 0) {
            store_checklist_clear(&next);
            ships = shipped_at(++number, &next) == 0;
        }
        store_checklist_clear(&own);
    }
    sql_end(st);
    for (; ships; ships = shipped_at(++number, &next) == 0) {
        if (!er)
            each(ctx, &next);
        store_checklist_clear(&next);
    }
    return er;
}

struct choice {
    const char *category, *brand;
    struct store_checklist *best;
    unsigned fits;
};

static void choose(void *ctx, const struct store_checklist *c)
{
    struct choice *choice = ctx;
    unsigned fits = checklist_fits(c->document, choice->category, choice->brand);
    bool better = fits > choice->fits ||
                  (fits && fits == choice->fits && choice->best->shipped && !c->shipped);
    if (!better)
        return;
    store_checklist_clear(choice->best);
    *choice->best = *c;
    json_incref(c->document);
    choice->fits = fits;
}

int store_checklist_choose(struct store *s, const char *merchant, const char *category,
                           const char *brand, struct store_checklist *ret)
{
    *ret = (struct store_checklist){0};
    struct choice choice = {.category = category, .brand = brand, .best = ret};
    int er = store_checklists_each(s, merchant, choose, &choice);
    if (er)
        store_checklist_clear(ret);
    return er ? er : choice.fits ? 0 : ER_NOT_FOUND;
}

/* Changes */

static int own_count(struct store *s, const char *merchant, const char *but, size_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT count(DISTINCT id) FROM checklists WHERE merchant = ? AND id <> ?",
                       "tt", merchant, but);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? (size_t)sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

static int version_add(struct store *s, const char *merchant, const struct store_checklist *c)
{
    char *text = c->document ? json_canonical(c->document) : strdup("");
    int er = !text ? ER_NOMEM
                   : sql_run(s, NULL, "INSERT INTO checklists VALUES(?,?,?,?,?,?,?)", "ttittti",
                             merchant, c->id, (int64_t)c->version, c->sha256, text, c->made_by,
                             (int64_t)c->made_us);
    free(text);
    return er;
}

/** The highest number that any version of it has. */
static int last_version(struct store *s, const char *merchant, const char *id, unsigned *ret)
{
    struct store_checklist own, shipped;
    *ret = 0;
    int er = shipped_get(id, 0, &shipped);
    if (er == 0) {
        *ret = shipped.version;
        store_checklist_clear(&shipped);
    }
    if (er && er != ER_NOT_FOUND)
        return er;
    er = own_get(s, merchant, id, 0, &own);
    if (er == 0) {
        *ret = own.version > *ret ? own.version : *ret;
        store_checklist_clear(&own);
    }
    return er == ER_NOT_FOUND ? 0 : er;
}

static int same_as_before(struct store *s, const char *merchant, const json_t *body,
                          struct store_checklist *c, bool *ret_same, const char **ret_why)
{
    struct store_checklist before;
    *ret_same = false;
    int er = store_checklist_get(s, merchant, c->id, 0, &before);
    if (er && er != ER_NOT_FOUND)
        return er;
    bool there = er == 0;
    er = checklist_make(body, c->id, there ? before.version : c->version, &c->document, ret_why);
    *ret_same = er == 0 && there && json_equal(c->document, before.document);
    if (*ret_same) {
        store_checklist_clear(c);
        *c = before;
        return 0;
    }
    if (there)
        store_checklist_clear(&before);
    if (!er)
        er = json_object_set_new(c->document, "version", json_integer((json_int_t)c->version))
                 ? ER_NOMEM
                 : checklist_hash(c->document, c->sha256);
    return er;
}

static int put(struct store *s, const char *merchant, const json_t *body, struct store_checklist *c,
               bool *ret_new, const char **ret_why)
{
    size_t others;
    bool same = false;
    int er = last_version(s, merchant, c->id, &c->version);
    c->version++;
    if (!er)
        er = same_as_before(s, merchant, body, c, &same, ret_why);
    if (!er)
        er = own_count(s, merchant, c->id, &others);
    if (!er && !same && others >= LIMIT_CHECKLISTS)
        er = ER_FULL;
    if (!er && !same)
        er = version_add(s, merchant, c);
    *ret_new = !er && !same;
    return er;
}

int store_checklist_put(struct store *s, const char *merchant, const char *id, const json_t *body,
                        const char *by, uint64_t now_us, struct store_checklist *ret, bool *ret_new,
                        const char **ret_why)
{
    *ret_why = NULL;
    *ret_new = false;
    *ret = (struct store_checklist){.made_us = now_us};
    if (!checklist_id_ok(id) || str_copy(ret->id, sizeof ret->id, id) ||
        str_copy(ret->made_by, sizeof ret->made_by, by)) {
        *ret_why = "a checklist's id is of 1 to 32 lower-case letters, digits and hyphens";
        return ER_MALFORMED;
    }
    int er = store_begin(s);
    if (!er)
        er = store_end(s, put(s, merchant, body, ret, ret_new, ret_why));
    if (er)
        store_checklist_clear(ret);
    return er;
}

int store_checklist_retire(struct store *s, const char *merchant, const char *id, const char *by,
                           uint64_t now_us)
{
    struct store_checklist own, c = {.made_us = now_us};
    int er = store_begin(s);
    if (er)
        return er;
    er = own_get(s, merchant, id, 0, &own);
    if (!er && !own.document)
        er = ER_NOT_FOUND;
    if (!er) {
        c.version = own.version + 1;
        (void)str_copy(c.id, sizeof c.id, id);
        (void)str_copy(c.made_by, sizeof c.made_by, by);
        er = version_add(s, merchant, &c);
        store_checklist_clear(&own);
    }
    return store_end(s, er);
}

/* By hash */

int store_checklist_keep(struct store *s, const struct store_checklist *c)
{
    char *text = json_canonical(c->document);
    int er = text ? sql_run(s, NULL, "INSERT OR IGNORE INTO checklists_kept VALUES(?, ?)", "tt",
                            c->sha256, text)
                  : ER_NOMEM;
    free(text);
    return er;
}

int store_checklist_kept(struct store *s, const char *sha256, json_t **ret)
{
    sqlite3_stmt *st;
    *ret = NULL;
    int er = sql_begin(s, &st, "SELECT document FROM checklists_kept WHERE sha256 = ?", "t",
                       sha256);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        *ret = sql_json(st, 0);
    sql_end(st);
    return er == 1 ? (*ret ? 0 : ER_NOMEM) : er ? er : ER_NOT_FOUND;
}
