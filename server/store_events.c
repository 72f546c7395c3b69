// SPDX-License-Identifier: Apache-2.0
/* The timeline of a case: events that are only ever added, each holding the hash of the one before. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_record.h"
#include "server/store_sql.h"

/** The event without its hash; `data` is taken over. */
static json_t *event_facts(const struct store_event *e, json_t *data)
{
    json_t *o = data ? json_object() : NULL;
    int bad = !o || json_object_set(o, "data", data) ||
              json_object_set_new(o, "seq", json_integer((json_int_t)e->seq)) ||
              json_set_time(o, "at", e->at_us) ||
              json_object_set_new(o, "actor", json_string(e->actor)) ||
              json_object_set_new(o, "type", json_string(e->type)) ||
              json_object_set_new(o, "prev", json_string(e->prev));
    json_decref(data);
    if (!bad)
        return o;
    json_decref(o);
    return NULL;
}

static int event_hash(const struct store_event *e, char ret_hash[STORE_HASH_BYTES])
{
    json_t *o = event_facts(e, json_loads(e->data, 0, NULL));
    if (!o)
        return ER_NOMEM;
    char *text = json_object_set_new(o, "case", json_string(e->case_id.text)) ? NULL
                                                                              : json_canonical(o);
    json_decref(o);
    if (!text)
        return ER_NOMEM;
    uint8_t hash[32];
    int good = EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
    free(text);
    if (!good)
        return ER_INTERNAL;
    hex_encode(ret_hash, hash, sizeof hash);
    return 0;
}

static int last_of(struct store *s, const struct id *case_id, uint64_t *ret_seq,
                   char ret_hash[STORE_HASH_BYTES])
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, hash FROM events WHERE case_id = ? ORDER BY seq DESC LIMIT 1",
                       "t", case_id->text);
    if (er)
        return er;
    *ret_seq = 0;
    (void)str_copy(ret_hash, STORE_HASH_BYTES, STORE_NO_HASH);
    er = sql_step(s, st);
    if (er == 1) {
        *ret_seq = sql_u64(st, 0);
        sql_text(st, 1, ret_hash, STORE_HASH_BYTES);
    }
    sql_end(st);
    return er < 0 ? er : 0;
}

static int event_insert(struct store *s, struct store_event *e)
{
    int er = last_of(s, &e->case_id, &e->seq, e->prev);
    e->seq++;
    if (!er)
        er = event_hash(e, e->hash);
    if (!er)
        er = sql_run(s, NULL, "INSERT INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?)", "tiittttt",
                     e->case_id.text, (int64_t)e->seq, (int64_t)e->at_us, e->actor, e->type,
                     e->data, e->prev, e->hash);
    if (!er)
        er = store_stats_note(s, e);
    return er ? er : store_hooks_note(s, e);
}

static int case_known(struct store *s, const struct id *case_id)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT 1 FROM cases WHERE id = ?", "t", case_id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    return er == 1 ? 0 : er ? er : ER_NOT_FOUND;
}

int store_event_append(struct store *s, const struct id *case_id, const char *actor,
                       const char *type, const json_t *data, uint64_t now_us,
                       char ret_hash[STORE_HASH_BYTES])
{
    struct store_event e = {.case_id = *case_id, .at_us = now_us};
    if (str_copy(e.actor, sizeof e.actor, actor) || !type[0] ||
        str_copy(e.type, sizeof e.type, type) || (data && !json_is_object(data)))
        return ER_INVALID;
    json_t *none = data ? NULL : json_object();
    e.data = json_canonical(data ? data : none);
    json_decref(none);
    if (!e.data)
        return ER_NOMEM;
    int er = store_begin(s);
    if (!er) {
        er = case_known(s, case_id);
        if (!er)
            er = event_insert(s, &e);
        er = store_end(s, er);
    }
    if (!er && ret_hash)
        memcpy(ret_hash, e.hash, sizeof e.hash);
    free(e.data);
    return er;
}

/** Columns 7 and 8, where there are some, are of its internal part. */
static int event_read(sqlite3_stmt *st, const struct id *case_id, struct store_event *e)
{
    memset(e, 0, sizeof *e);
    e->case_id = *case_id;
    e->seq = sql_u64(st, 0);
    e->at_us = sql_u64(st, 1);
    sql_text(st, 2, e->actor, sizeof e->actor);
    sql_text(st, 3, e->type, sizeof e->type);
    const char *data = (const char *)sqlite3_column_text(st, 4);
    sql_text(st, 5, e->prev, sizeof e->prev);
    sql_text(st, 6, e->hash, sizeof e->hash);
    e->data = data ? strdup(data) : NULL;
    const char *internal = NULL;
    if (sqlite3_column_count(st) > 8) {
        sql_text(st, 7, e->salt, sizeof e->salt);
        internal = (const char *)sqlite3_column_text(st, 8);
        e->internal = internal ? strdup(internal) : NULL;
    }
    return e->data && (e->internal || !internal) ? 0 : ER_NOMEM;
}

static int events_each(sqlite3_stmt *st, struct store *s, const struct id *case_id,
                       void (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    int er;
    while ((er = sql_step(s, st)) == 1) {
        struct store_event e;
        er = event_read(st, case_id, &e);
        if (!er)
            each(ctx, &e);
        free(e.data);
        free(e.internal);
        if (er)
            break;
    }
    sql_end(st);
    return er;
}

int store_events_list(struct store *s, const struct id *case_id, uint64_t after_seq, size_t limit,
                      void (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, type, data, prev, hash, salt, body FROM events"
                       " LEFT JOIN internals USING(case_id, seq)"
                       " WHERE case_id = ? AND seq > ? ORDER BY seq LIMIT ?",
                       "tii", case_id->text, (int64_t)after_seq, (int64_t)limit);
    return er ? er : events_each(st, s, case_id, each, ctx);
}

int store_notes_list(struct store *s, const struct id *case_id, bool internal, uint64_t after_seq,
                     size_t limit, void (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, type, data, prev, hash, salt, body FROM events"
                       " LEFT JOIN internals USING(case_id, seq)"
                       " WHERE case_id = ? AND seq > ? AND type = 'note_added'"
                       " AND (? OR json_extract(data, '$.visible')) ORDER BY seq LIMIT ?",
                       "tibi", case_id->text, (int64_t)after_seq, (int)internal, (int64_t)limit);
    return er ? er : events_each(st, s, case_id, each, ctx);
}

int store_events_typed(struct store *s, const struct id *case_id, const char *types,
                       void (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, type, data, prev, hash FROM events"
                       " WHERE case_id = ? AND type IN (SELECT value FROM json_each(?))"
                       " ORDER BY seq",
                       "tt", case_id->text, types);
    return er ? er : events_each(st, s, case_id, each, ctx);
}

int store_accesses_list(struct store *s, const struct id *case_id, uint64_t after_seq, size_t limit,
                        void (*each)(void *ctx, const struct store_event *e), void *ctx)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT seq, at_us, actor, type, data, prev, hash FROM events"
                       " WHERE case_id = ? AND seq > ?"
                       " AND type IN ('clip_viewed', 'still_viewed',"
                       " 'attachment_viewed', 'case_exported')"
                       " ORDER BY seq LIMIT ?",
                       "tii", case_id->text, (int64_t)after_seq, (int64_t)limit);
    return er ? er : events_each(st, s, case_id, each, ctx);
}

int store_viewed_since(struct store *s, const struct id *case_id, const char *object,
                       const struct id *id, const char *what, const char *person, uint64_t since_us,
                       bool *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st,
                       "SELECT 1 FROM events WHERE case_id = ?1 AND at_us >= ?2 AND actor = ?3"
                       " AND type = ?4 || '_viewed' AND json_extract(data, '$.' || ?4) = ?5"
                       " AND json_extract(data, '$.what') = ?6 LIMIT 1",
                       "titttt", case_id->text, (int64_t)since_us, person, object, id->text, what);
    if (er)
        return er;
    er = sql_step(s, st);
    sql_end(st);
    *ret = er == 1;
    return er < 0 ? er : 0;
}

int store_event_find(struct store *s, const struct id *case_id, const char *type,
                     const json_t *data, bool *ret)
{
    sqlite3_stmt *st;
    char *text = json_canonical(data);
    int er = text ? sql_begin(s, &st,
                              "SELECT 1 FROM events WHERE case_id = ? AND type = ? AND data = ?"
                              " LIMIT 1",
                              "ttt", case_id->text, type, text)
                  : ER_NOMEM;
    if (!er) {
        er = sql_step(s, st);
        *ret = er == 1;
        sql_end(st);
    }
    free(text);
    return er < 0 ? er : 0;
}

json_t *store_event_json(const struct store_event *e)
{
    json_t *o = event_facts(e, json_loads(e->data, 0, NULL));
    if (o && json_object_set_new(o, "hash", json_string(e->hash))) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int store_chain_head(struct store *s, const struct id *case_id, uint64_t *ret_seq,
                     char ret_hash[STORE_HASH_BYTES])
{
    return last_of(s, case_id, ret_seq, ret_hash);
}

struct chain {
    uint64_t seq;
    char hash[STORE_HASH_BYTES];
    uint64_t bad_seq; /* 0: none */
    int er;
};

static void chain_link(void *ctx, const struct store_event *e)
{
    struct chain *chain = ctx;
    char hash[STORE_HASH_BYTES];
    if (chain->bad_seq || chain->er)
        return;
    chain->er = event_hash(e, hash);
    if (!chain->er && (e->seq != chain->seq + 1 || strcmp(e->prev, chain->hash) != 0 ||
                       strcmp(e->hash, hash) != 0))
        chain->bad_seq = e->seq;
    chain->seq = e->seq;
    memcpy(chain->hash, e->hash, sizeof e->hash);
}

int store_chain_verify(struct store *s, const struct id *case_id, uint64_t *ret_bad_seq)
{
    struct chain chain = {.hash = STORE_NO_HASH};
    int er = store_events_list(s, case_id, 0, (size_t)INT64_MAX, chain_link, &chain);
    *ret_bad_seq = chain.bad_seq;
    if (er || chain.er)
        return er ? er : chain.er;
    return chain.bad_seq ? ER_UNAUTHENTIC : 0;
}
