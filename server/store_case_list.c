// SPDX-License-Identifier: Apache-2.0
/* Finding cases: by the index that leaves the fewest to look at, newest first, and never more than a bounded number of them
 * for one page, however many there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/siphash.h"
#include "base/str.h"
#include "server/case_words.h"
#include "server/store_case_impl.h"

#define SCANNED_MAX 1000 /* cases looked at for a page: it may end early, and goes on from there */
#define RARE_MAX 1000    /* a state of so few cases is gone through rather than the words */

/* The index of words */

/** A word that all of a merchant's cases have, and no others. */
static void scope_of(const char *merchant, char ret[24])
{
    static const uint64_t key[2] = {0x6c6f757065, 0x63617365};
    (void)snprintf(ret, 24, "m%016llx",
                   (unsigned long long)siphash13(key, merchant, strlen(merchant)));
}

static int index_put(struct store *s, int64_t n, const char *scope, const char *words)
{
    return sql_run(s, NULL, "INSERT INTO case_index(rowid, scope, words) VALUES(?, ?, ?)", "itt", n,
                   scope, words);
}

static int index_new(struct store *s, const struct store_case *c, const char *words)
{
    char scope[24];
    scope_of(c->merchant, scope);
    int er = sql_run(s, NULL, "INSERT INTO case_texts(case_id, scope, words) VALUES(?, ?, ?)",
                     "ttt", c->id.text, scope, words);
    return er ? er : index_put(s, sqlite3_last_insert_rowid(s->db), scope, words);
}

static int index_again(struct store *s, int64_t n, const char *scope, const char *before,
                       const char *words)
{
    int er = sql_run(s, NULL,
                     "INSERT INTO case_index(case_index, rowid, scope, words)"
                     " VALUES('delete', ?, ?, ?)",
                     "itt", n, scope, before);
    if (!er)
        er = sql_run(s, NULL, "UPDATE case_texts SET words = ? WHERE n = ?", "ti", words, n);
    return er ? er : index_put(s, n, scope, words);
}

int store_case_index(struct store *s, const struct store_case *c)
{
    char words[CASE_WORDS_BYTES], before[CASE_WORDS_BYTES], scope[24];
    sqlite3_stmt *st;
    case_words(c, words);
    int er = sql_begin(s, &st, "SELECT n, scope, words FROM case_texts WHERE case_id = ?", "t",
                       c->id.text);
    if (er)
        return er;
    er = sql_step(s, st);
    int64_t n = er == 1 ? sqlite3_column_int64(st, 0) : 0;
    sql_text(st, 1, scope, sizeof scope);
    sql_text(st, 2, before, sizeof before);
    sql_end(st);
    if (er < 0)
        return er;
    if (er == 0)
        return index_new(s, c, words);
    return strcmp(words, before) == 0 ? 0 : index_again(s, n, scope, before, words);
}

static int fill(struct store *s)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT " CASE_COLUMNS " FROM cases ORDER BY id", "");
    if (er)
        return er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_case c;
        er = store_case_read(st, &c);
        if (!er)
            er = store_case_index(s, &c);
        store_case_clear(&c);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}

int store_case_index_all(struct store *s)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT 1 FROM settings WHERE name = 'case_words'", "");
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    if (er)
        return er == 1 ? 0 : er;
    er = store_begin(s);
    if (er)
        return er;
    er = fill(s);
    if (!er)
        er = sql_run(s, NULL, "INSERT INTO settings VALUES('case_words', '1')", "");
    return store_end(s, er);
}

/* Lists */

/* What they all have in common, from indices alone where that is enough: the case, whether it is one that is wanted, its words if they are to be compared.
 * ?1 merchant, ?2 state, ?3 kind, ?4 tag, ?5 disputed, ?6 before this id, ?7 with words. */
#define WANTED                                                                                     \
    "SELECT cases.id, (?1 IS NULL OR cases.merchant = ?1) AND (?2 IS NULL OR state = ?2)"          \
    " AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR EXISTS(SELECT 1 FROM tags AS t WHERE"       \
    " t.merchant = cases.merchant AND t.tag = ?4 AND t.case_id = cases.id))"                       \
    " AND (NOT ?5 OR disputed = 1),"                                                               \
    " CASE WHEN ?7 AND (?2 IS NULL OR state = ?2) THEN"                                            \
    " (SELECT words FROM case_texts WHERE case_id = cases.id) END "

enum way {
    WAY_ANY,
    WAY_LIVE,
    WAY_ONLY,
    WAY_ROOM,
    WAY_ALL,
    WAY_STATE,
    WAY_KIND,
    WAY_TAG,
    WAY_DISPUTED,
    WAY_WORDS
};

/* ?8 the case, the room, or the words. */
static const char *const ways[] = {
    [WAY_ANY] = WANTED "FROM cases WHERE id < ?6 AND ?8 IS NULL ORDER BY id DESC",
    [WAY_LIVE] = WANTED "FROM cases WHERE state = ?2 AND state IN ('waiting', 'in_call')"
                        " AND id < ?6 AND ?8 IS NULL ORDER BY id DESC",
    [WAY_ONLY] = WANTED "FROM cases WHERE id = ?8 AND id < ?6",
    [WAY_ROOM] = WANTED "FROM cases WHERE room = ?8 AND id < ?6",
    [WAY_ALL] = WANTED "FROM cases INDEXED BY cases_merchant WHERE merchant = ?1 AND id < ?6"
                       " AND ?8 IS NULL ORDER BY id DESC",
    [WAY_STATE] = WANTED "FROM cases INDEXED BY cases_state WHERE merchant = ?1 AND state = ?2"
                         " AND id < ?6 AND ?8 IS NULL ORDER BY id DESC",
    [WAY_KIND] = WANTED "FROM cases INDEXED BY cases_kind WHERE merchant = ?1 AND kind = ?3"
                        " AND id < ?6 AND ?8 IS NULL ORDER BY id DESC",
    [WAY_TAG] = WANTED
    "FROM (SELECT case_id AS one FROM tags WHERE merchant = ?1 AND tag = ?4"
    " AND case_id < ?6) CROSS JOIN cases INDEXED BY cases_filter ON cases.id = one WHERE ?8 IS NULL"
    " ORDER BY one DESC",
    [WAY_DISPUTED] = WANTED
    "FROM cases INDEXED BY cases_disputed WHERE merchant = ?1 AND disputed = 1"
    " AND id < ?6 AND ?8 IS NULL ORDER BY id DESC",
    [WAY_WORDS] = WANTED
    "FROM case_index CROSS JOIN case_texts ON case_texts.n = case_index.rowid"
    " CROSS JOIN cases INDEXED BY cases_filter ON cases.id = case_texts.case_id WHERE case_index "
    "MATCH ?8"
    " AND case_index.rowid < coalesce((SELECT n FROM case_texts WHERE case_id = ?6),"
    " 9223372036854775807) ORDER BY case_index.rowid DESC",
};

/** Are there at most RARE_MAX of that state? */
static int is_rare(struct store *s, const struct store_case_filter *f, bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT count(*) FROM (SELECT 1 FROM cases INDEXED BY cases_state"
                       " WHERE merchant = ? AND state = ? LIMIT ?)",
                       "tti", f->merchant, case_state_name(f->state), (int64_t)RARE_MAX + 1);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 && sqlite3_column_int(st, 0) <= RARE_MAX;
    sql_end(st);
    return er < 0 ? er : 0;
}

static int way_of(struct store *s, const struct store_case_filter *f, enum way *ret)
{
    bool rare = false;
    bool live = f->by_state && (f->state == CASE_WAITING || f->state == CASE_IN_CALL);
    *ret = id_is_set(&f->only) ? WAY_ONLY : id_is_set(&f->only_room) ? WAY_ROOM : WAY_ANY;
    if (*ret != WAY_ANY)
        return 0;
    if (!f->merchant) {
        *ret = live ? WAY_LIVE : WAY_ANY;
        return 0;
    }
    int er = f->by_state ? is_rare(s, f, &rare) : 0;
    *ret = rare          ? WAY_STATE
           : f->disputed ? WAY_DISPUTED
           : f->text     ? WAY_WORDS
           : f->tag      ? WAY_TAG
           : f->by_state ? WAY_STATE
           : f->by_kind  ? WAY_KIND
                         : WAY_ALL;
    return er;
}

struct listing {
    const struct case_query *query; /* NULL: none */
    size_t limit, scan;
    struct id next; /* go on behind it; zeroed: that was all */
};

/** Whether the row is wanted. */
static bool fits(sqlite3_stmt *st, const struct case_query *query)
{
    if (!sqlite3_column_int(st, 1))
        return false;
    const char *words = (const char *)sqlite3_column_text(st, 2);
    return !query || (words && case_query_fits(query, words));
}

static int walk(struct store *s, sqlite3_stmt *st, struct listing *l,
                void (*each)(void *ctx, const struct store_case *c), void *ctx)
{
    int er;
    size_t given = 0, scanned = 0;
    struct id seen = {{0}}, last = {{0}};
    while ((er = sql_step(s, st)) == 1) {
        if (scanned++ == l->scan) {
            l->next = seen;
            return 0;
        }
        seen = sql_id(st, 0);
        if (!fits(st, l->query))
            continue;
        if (given++ == l->limit) {
            l->next = last;
            return 0;
        }
        last = seen;
        struct store_case c;
        er = store_case_get(s, &seen, &c);
        if (er)
            return er;
        each(ctx, &c);
        store_case_clear(&c);
    }
    return er;
}

int store_cases_list(struct store *s, const struct store_case_filter *f,
                     void (*each)(void *ctx, const struct store_case *c), void *ctx,
                     struct id *ret_next)
{
    struct case_query query;
    char match[CASE_MATCH_BYTES], scope[24];
    const char *with = NULL;
    enum way way;
    sqlite3_stmt *st;
    if (ret_next)
        memset(ret_next, 0, sizeof *ret_next);
    if (f->text) {
        case_query_read(&query, f->text);
        if (!query.count)
            return 0;
    }
    int er = way_of(s, f, &way);
    if (er)
        return er;
    if (way == WAY_WORDS) {
        scope_of(f->merchant, scope);
        case_query_match(&query, scope, match);
        with = match;
    } else if (way == WAY_ONLY || way == WAY_ROOM) {
        with = way == WAY_ONLY ? f->only.text : f->only_room.text;
    }
    er = sql_begin(s, &st, ways[way], "ttttbtbt", f->merchant,
                   f->by_state ? case_state_name(f->state) : NULL,
                   f->by_kind ? case_kind_name(f->kind) : NULL, f->tag, (int)f->disputed,
                   id_is_set(&f->before) ? f->before.text : "~", (int)(f->text != NULL), with);
    if (er)
        return er;
    struct listing l = {.query = f->text ? &query : NULL,
                        .limit = f->limit ? f->limit : LIMIT_PAGE_ITEMS,
                        .scan = f->merchant ? SCANNED_MAX : SIZE_MAX};
    er = walk(s, st, &l, each, ctx);
    sql_end(st);
    if (!er && ret_next)
        *ret_next = l.next;
    return er;
}
