// SPDX-License-Identifier: Apache-2.0
/* Sums of figures: one cell for each hour and each day, of all, of a team, of an agent, of a reason. */
#include "server/store_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/map.h"
#include "base/str.h"
#include "server/store_sql.h"

#define HOUR UINT64_C(3600)
#define DAY UINT64_C(86400)
#define SECOND_US UINT64_C(1000000)

static const uint64_t spans[] = {HOUR, DAY};

/* Adding */

/** Where `key` is one too many for its merchant: the one for the rest. */
static int key_take(struct store *s, const char *merchant, const char *dim, const char **key)
{
    int changes = 0;
    sqlite3_stmt *st;
    if (!(*key)[0])
        return 0;
    int er = sql_begin(s, &st,
                       "SELECT 1 FROM stats_keys WHERE merchant = ? AND dim = ? AND key = ?", "ttt",
                       merchant, dim, *key);
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    if (er)
        return er < 0 ? er : 0;
    er = sql_run(s, &changes,
                 "INSERT INTO stats_keys SELECT ?1, ?2, ?3 WHERE"
                 " (SELECT count(*) FROM stats_keys WHERE merchant = ?1 AND dim = ?2) < ?4",
                 "ttti", merchant, dim, *key, (int64_t)LIMIT_STATS_KEYS);
    if (!er && !changes)
        *key = STATS_OTHER;
    return er;
}

static int cell_add(struct store *s, const char *merchant, const char *dim, uint64_t span,
                    const char *key, const struct stats_delta *d)
{
    uint8_t bytes[STATS_CELL_BYTES];
    struct stats_cell sum = d->cell;
    uint64_t at_s = d->at_us / SECOND_US / span * span;
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT cell FROM stats_cells WHERE merchant = ? AND dim = ? AND span = ?"
                       " AND at_s = ? AND key = ?",
                       "ttiit", merchant, dim, (int64_t)span, (int64_t)at_s, key);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = stats_cell_read(&sum, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
    sql_end(st);
    if (er < 0)
        return er;
    size_t len = stats_cell_write(&sum, bytes);
    return sql_run(s, NULL, "INSERT OR REPLACE INTO stats_cells VALUES(?, ?, ?, ?, ?, ?)", "ttiitx",
                   merchant, dim, (int64_t)span, (int64_t)at_s, key, bytes, len);
}

static int delta_add(struct store *s, const char *merchant, const struct stats_case *c,
                     const struct stats_delta *d)
{
    const struct {
        const char *dim, *key;
    } dims[] = {{"all", ""}, {"team", c->team}, {"agent", d->agent}, {"reason", c->reason}};
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        const char *key = dims[i].key;
        int er = key_take(s, merchant, dims[i].dim, &key);
        for (size_t k = 0; !er && k < sizeof spans / sizeof spans[0]; k++)
            er = cell_add(s, merchant, dims[i].dim, spans[k], key, d);
        if (er)
            return er;
    }
    return 0;
}

/** One more event of the case; `add`: it is not in the sums yet. */
static int event_take(struct store *s, const char *merchant, struct stats_case *c, sqlite3_stmt *st,
                      bool add)
{
    struct stats_delta deltas[STATS_DELTAS];
    const char *type = (const char *)sqlite3_column_text(st, 1);
    json_t *data = sql_json(st, 3);
    size_t count = stats_case_take(c, type, sql_u64(st, 2), data, deltas);
    json_decref(data);
    int er = 0;
    for (size_t i = 0; add && !er && i < count; i++)
        er = delta_add(s, merchant, c, &deltas[i]);
    return er;
}

#define TYPE(type, take) ", '" #type "'"
#define COUNTED "type IN (''" STATS_TYPES(TYPE) ")"

int store_stats_note(struct store *s, const struct store_event *e)
{
    struct stats_case c = {0};
    char merchant[STORE_SHORT_BYTES] = "";
    sqlite3_stmt *st;
    if (!stats_counts_type(e->type))
        return 0;
    int er = sql_begin(s, &st, "SELECT merchant FROM cases WHERE id = ?", "t", e->case_id.text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        sql_text(st, 0, merchant, sizeof merchant);
    sql_end(st);
    if (er >= 0)
        er = sql_begin(s, &st,
                       "SELECT seq, type, at_us, data FROM events WHERE case_id = ? AND " COUNTED
                       " ORDER BY seq",
                       "t", e->case_id.text);
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        er = event_take(s, merchant, &c, st, sql_u64(st, 0) == e->seq);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}

int store_stats_tell(struct store *s,
                     void (*each)(void *ctx, const char *merchant, const struct stats_case *c,
                                  const struct stats_delta *delta),
                     void *ctx)
{
    struct stats_case c = {0};
    struct id last = {{0}};
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT e.seq, e.type, e.at_us, e.data, e.case_id, c.merchant FROM events e"
                       " JOIN cases c ON c.id = e.case_id WHERE e." COUNTED
                       " ORDER BY e.case_id, e.seq",
                       "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct id id = sql_id(st, 4);
        struct stats_delta deltas[STATS_DELTAS];
        if (!id_equal(&id, &last))
            c = (struct stats_case){0};
        last = id;
        json_t *data = sql_json(st, 3);
        size_t count = stats_case_take(&c, (const char *)sqlite3_column_text(st, 1), sql_u64(st, 2),
                                       data, deltas);
        json_decref(data);
        for (size_t i = 0; i < count; i++)
            each(ctx, (const char *)sqlite3_column_text(st, 5), &c, &deltas[i]);
    }
    sql_end(st);
    return er;
}

struct filling {
    struct store *s;
    int er;
};

static void fill_one(void *ctx, const char *merchant, const struct stats_case *c,
                     const struct stats_delta *delta)
{
    struct filling *f = ctx;
    if (!f->er)
        f->er = delta_add(f->s, merchant, c, delta);
}

int store_stats_fill(struct store *s)
{
    struct filling f = {.s = s};
    int er = store_stats_tell(s, fill_one, &f);
    return er ? er : f.er;
}

/* Asking */

struct group {
    char key[STATS_KEY_BYTES];
    uint64_t at_us;
    struct stats_cell cell;
};

struct asking {
    struct store *s;
    const struct store_stats_query *q;
    const char *dim;
    uint64_t span; /* by hour, by day: of a group; else 0 */
    struct group **groups;
    size_t count, size;
    struct map *by_key;
};

static struct group *group_new(struct asking *a, const char *key, uint64_t at_s)
{
    if (a->count == a->size) {
        size_t size = a->size ? a->size * 2 : 64;
        struct group **groups = realloc(a->groups, size * sizeof *groups);
        if (!groups)
            return NULL;
        a->groups = groups;
        a->size = size;
    }
    struct group *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    (void)str_copy(g->key, sizeof g->key, key);
    g->at_us = at_s * SECOND_US;
    a->groups[a->count++] = g;
    return g;
}

/** NULL: no memory. */
static struct group *group_of(struct asking *a, const char *key, uint64_t at_s)
{
    struct group *g = a->count ? a->groups[a->count - 1] : NULL;
    if (a->span) /* rows come in order of time */
        return g && g->at_us == at_s * SECOND_US ? g : group_new(a, key, at_s);
    g = map_get_str(a->by_key, key);
    if (!g && (g = group_new(a, key, 0)) && map_add_str(a->by_key, g->key, g))
        return NULL;
    return g;
}

static int cells_read(struct asking *a, const char *dim, uint64_t span, uint64_t from_s,
                      uint64_t to_s, struct stats_cell *into)
{
    sqlite3_stmt *st;
    if (from_s >= to_s)
        return 0;
    int er = sql_begin(a->s, &st,
                       "SELECT at_s, key, cell FROM stats_cells WHERE merchant = ? AND dim = ?"
                       " AND span = ? AND at_s >= ? AND at_s < ? ORDER BY at_s, key",
                       "ttiii", a->q->merchant, dim, (int64_t)span, (int64_t)from_s, (int64_t)to_s);
    if (er)
        return er;
    while ((er = sql_step(a->s, st)) == 1) {
        const char *key = (const char *)sqlite3_column_text(st, 1);
        struct group *g = into ? NULL : group_of(a, key, sql_u64(st, 0));
        struct stats_cell *cell = into ? into : g ? &g->cell : NULL;
        er = cell ? stats_cell_read(cell, sqlite3_column_blob(st, 2),
                                    (size_t)sqlite3_column_bytes(st, 2))
                  : ER_NOMEM;
        if (er || a->count > LIMIT_STATS_ROWS)
            break;
    }
    sql_end(st);
    return er ? er : a->count > LIMIT_STATS_ROWS ? ER_FULL : 0;
}

/** Whole days as days, what is left at both sides as hours. */
static int range_read(struct asking *a, const char *dim, struct stats_cell *into)
{
    uint64_t from = a->q->from_us / SECOND_US, to = a->q->to_us / SECOND_US;
    uint64_t first = (from + DAY - 1) / DAY * DAY, last = to / DAY * DAY;
    if (!into && a->span)
        return cells_read(a, dim, a->span, from, to, NULL);
    if (first >= last)
        return cells_read(a, dim, HOUR, from, to, into);
    int er = cells_read(a, dim, HOUR, from, first, into);
    if (!er)
        er = cells_read(a, dim, DAY, first, last, into);
    return er ? er : cells_read(a, dim, HOUR, last, to, into);
}

static int group_order(const void *a, const void *b)
{
    const struct group *const *x = a, *const *y = b;
    if ((*x)->at_us != (*y)->at_us)
        return (*x)->at_us < (*y)->at_us ? -1 : 1;
    return strcmp((*x)->key, (*y)->key);
}

static void widen(struct store_stats_query *q)
{
    uint64_t step = (q->group == STATS_BY_DAY ? DAY : HOUR) * SECOND_US;
    uint64_t last = (uint64_t)INT64_MAX / step * step;
    q->from_us = q->from_us / step * step;
    q->to_us = q->to_us > last - step ? last : (q->to_us + step - 1) / step * step;
}

int store_stats(struct store *s, struct store_stats_query *q, struct stats_cell *ret_total,
                void (*each)(void *ctx, const char *key, uint64_t at_us,
                             const struct stats_cell *cell),
                void *ctx)
{
    static const char *const dims[STATS_GROUPS] = {
        [STATS_BY_NOTHING] = "all", [STATS_BY_HOUR] = "all",    [STATS_BY_DAY] = "all",
        [STATS_BY_TEAM] = "team",   [STATS_BY_AGENT] = "agent", [STATS_BY_REASON] = "reason",
    };
    struct asking a = {.s = s, .q = q, .dim = dims[q->group]};
    a.span = q->group == STATS_BY_HOUR ? HOUR : q->group == STATS_BY_DAY ? DAY : 0;
    widen(q);
    memset(ret_total, 0, sizeof *ret_total);
    int er = map_new(&a.by_key, LIMIT_STATS_ROWS + 1, 1);
    if (!er)
        er = range_read(&a, "all", ret_total);
    if (!er && each && q->group != STATS_BY_NOTHING)
        er = range_read(&a, a.dim, NULL);
    if (!er && a.count)
        qsort(a.groups, a.count, sizeof *a.groups, group_order);
    for (size_t i = 0; i < a.count; i++) {
        if (!er)
            each(ctx, a.groups[i]->key, a.groups[i]->at_us, &a.groups[i]->cell);
        free(a.groups[i]);
    }
    free(a.groups);
    map_free(a.by_key);
    return er;
}
