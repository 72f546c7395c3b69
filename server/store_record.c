// SPDX-License-Identifier: Apache-2.0
/* Notes, tags and links in the store, and the part of events that is for staff alone. */
#include "server/store_record.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/store_sql.h"

/* The internal part of an event */

int store_internal_hash(const json_t *internal, const char *salt, char ret_hash[STORE_HASH_BYTES])
{
    uint8_t hash[32];
    json_t *o = json_pack("{s:O,s:s}", "internal", internal, "salt", salt);
    char *text = o ? json_canonical(o) : NULL;
    json_decref(o);
    if (!text)
        return ER_NOMEM;
    int good = EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL);
    free(text);
    if (!good)
        return ER_INTERNAL;
    hex_encode(ret_hash, hash, sizeof hash);
    return 0;
}

static int internal_insert(struct store *s, const struct id *case_id, const char *salt,
                           const json_t *internal)
{
    char *body = json_canonical(internal);
    if (!body)
        return ER_NOMEM;
    int er = sql_run(s, NULL,
                     "INSERT INTO internals SELECT case_id, max(seq), ?, ? FROM events"
                     " WHERE case_id = ?",
                     "ttt", salt, body, case_id->text);
    free(body);
    return er;
}

int store_event_append_internal(struct store *s, const struct id *case_id, const char *actor,
                                const char *type, json_t *data, const json_t *internal,
                                uint64_t now_us)
{
    uint8_t random[(STORE_SALT_BYTES - 1) / 2];
    char salt[STORE_SALT_BYTES], hash[STORE_HASH_BYTES];
    entropy_fill(&s->entropy, random, sizeof random);
    hex_encode(salt, random, sizeof random);
    int er = store_internal_hash(internal, salt, hash);
    if (!er && json_object_set_new(data, "internal_sha256", json_string(hash)))
        er = ER_NOMEM;
    if (!er)
        er = store_begin(s);
    if (er)
        return er;
    er = store_event_append(s, case_id, actor, type, data, now_us, NULL);
    if (!er)
        er = internal_insert(s, case_id, salt, internal);
    return store_end(s, er);
}

json_t *store_event_json_internal(const struct store_event *e)
{
    json_t *o = store_event_json(e);
    json_t *internal = e->internal ? json_loads(e->internal, 0, NULL) : NULL;
    if (o && internal &&
        (json_object_set(o, "internal", internal) ||
         json_object_set_new(o, "internal_salt", json_string(e->salt)))) {
        json_decref(o);
        o = NULL;
    }
    json_decref(internal);
    return o;
}

/* Notes */

int store_note_add(struct store *s, const struct id *case_id, const char *actor, const char *text,
                   bool visible, uint64_t now_us, uint64_t *ret_seq)
{
    char hash[STORE_HASH_BYTES];
    json_t *data = json_pack("{s:b}", "visible", visible), *note = json_pack("{s:s}", "text", text);
    int er = data && note ? store_begin(s) : ER_NOMEM;
    if (!er) {
        if (!visible)
            er = store_event_append_internal(s, case_id, actor, "note_added", data, note, now_us);
        else if (json_object_update(data, note))
            er = ER_NOMEM;
        else
            er = store_event_append(s, case_id, actor, "note_added", data, now_us, NULL);
        if (!er)
            er = store_chain_head(s, case_id, ret_seq, hash);
        er = store_end(s, er);
    }
    json_decref(data);
    json_decref(note);
    return er;
}

/* Versions */

/** The case has changed, though no row of it but the version says so. */
static int case_touch(struct store *s, const struct id *case_id, uint64_t now_us)
{
    int rows = 0;
    int er = sql_run(s, &rows,
                     "UPDATE cases SET version = version + 1, changed_us = ? WHERE id = ?", "it",
                     (int64_t)now_us, case_id->text);
    return er ? er : rows == 1 ? 0 : ER_NOT_FOUND;
}

/** With an event that has all of `internal`. */
static int touch_and_tell(struct store *s, const struct id *case_id, const char *actor,
                          const char *type, const json_t *internal, uint64_t now_us)
{
    json_t *data = json_object();
    int er = data && internal ? case_touch(s, case_id, now_us) : ER_NOMEM;
    if (!er)
        er = store_event_append_internal(s, case_id, actor, type, data, internal, now_us);
    json_decref(data);
    return er;
}

/* Tags */

/** A row on or off; into `done` if that made a difference. */
static int tag_set(struct store *s, const struct id *case_id, const char *tag, bool on,
                   json_t *done)
{
    int rows = 0;
    int er = on ? sql_run(s, &rows,
                          "INSERT INTO tags SELECT merchant, ?, id FROM cases WHERE id = ?"
                          " ON CONFLICT DO NOTHING",
                          "tt", tag, case_id->text)
                : sql_run(s, &rows,
                          "DELETE FROM tags WHERE tag = ?1 AND case_id = ?2"
                          " AND merchant = (SELECT merchant FROM cases WHERE id = ?2)",
                          "tt", tag, case_id->text);
    if (!er && rows && json_array_append_new(done, json_string(tag)))
        er = ER_NOMEM;
    return er;
}

static int tags_set(struct store *s, const struct id *case_id, const json_t *tags, bool on,
                    json_t *done)
{
    int er = 0;
    for (size_t i = 0; !er && i < json_array_size(tags); i++)
        er = tag_set(s, case_id, json_string_value(json_array_get(tags, i)), on, done);
    return er;
}

static int number_of(struct store *s, const char *sql, const struct id *case_id, size_t *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, sql, "t", case_id->text);
    if (er)
        return er;
    er = sql_step(s, st);
    *ret = er == 1 ? (size_t)sql_u64(st, 0) : 0;
    sql_end(st);
    return er < 0 ? er : 0;
}

static int tags_changed(struct store *s, const struct id *case_id, const char *actor,
                        const json_t *done, uint64_t now_us)
{
    size_t count = 0;
    if (json_array_size(json_object_get(done, "added")) +
            json_array_size(json_object_get(done, "removed")) ==
        0)
        return 0;
    int er = number_of(s, "SELECT count(*) FROM tags WHERE case_id = ?", case_id, &count);
    if (!er && count > LIMIT_TAGS)
        er = ER_FULL;
    return er ? er : touch_and_tell(s, case_id, actor, "tags_changed", done, now_us);
}

int store_tags_change(struct store *s, const struct id *case_id, const char *actor,
                      const json_t *add, const json_t *remove, uint64_t now_us)
{
    json_t *done = json_pack("{s:[],s:[]}", "added", "removed");
    int er = done ? store_begin(s) : ER_NOMEM;
    if (!er) {
        er = tags_set(s, case_id, add, true, json_object_get(done, "added"));
        if (!er)
            er = tags_set(s, case_id, remove, false, json_object_get(done, "removed"));
        if (!er)
            er = tags_changed(s, case_id, actor, done, now_us);
        er = store_end(s, er);
    }
    json_decref(done);
    return er;
}

json_t *store_tags_of(struct store *s, const struct id *case_id)
{
    sqlite3_stmt *st;
    json_t *tags = json_array();
    int er = sql_begin(s, &st, "SELECT tag FROM tags WHERE case_id = ? ORDER BY tag", "t",
                       case_id->text);
    if (er) {
        json_decref(tags);
        return NULL;
    }
    while ((er = sql_step(s, st)) == 1)
        (void)json_array_append_new(tags, json_string((const char *)sqlite3_column_text(st, 0)));
    sql_end(st);
    if (er == 0)
        return tags;
    json_decref(tags);
    return NULL;
}

/* Links */

static const struct {
    const char *name;
    enum store_relation back;
} relations[LINK_RELATIONS] = {
    [LINK_REINSPECTION_OF] = {"reinspection_of", LINK_REINSPECTED_BY},
    [LINK_REINSPECTED_BY] = {"reinspected_by", LINK_REINSPECTION_OF},
    [LINK_FOLLOW_UP_OF] = {"follow_up_of", LINK_FOLLOWED_BY},
    [LINK_FOLLOWED_BY] = {"followed_by", LINK_FOLLOW_UP_OF},
    [LINK_DUPLICATE_OF] = {"duplicate_of", LINK_DUPLICATED_BY},
    [LINK_DUPLICATED_BY] = {"duplicated_by", LINK_DUPLICATE_OF},
    [LINK_RELATED] = {"related", LINK_RELATED},
};

const char *store_relation_name(enum store_relation relation)
{
    return (unsigned)relation < LINK_RELATIONS ? relations[relation].name : "unknown";
}

int store_relation_parse(const char *name, enum store_relation *ret)
{
    for (unsigned i = 0; name && i < LINK_RELATIONS; i++) {
        if (strcmp(relations[i].name, name) == 0) {
            *ret = (enum store_relation)i;
            return 0;
        }
    }
    return ER_NOT_FOUND;
}

enum store_relation store_relation_back(enum store_relation relation)
{
    return (unsigned)relation < LINK_RELATIONS ? relations[relation].back : relation;
}

/** One end of a link, made or unmade. */
static int link_end(struct store *s, const struct id *from, const struct id *to,
                    const char *relation, const char *actor, bool on, uint64_t now_us)
{
    struct store_case other;
    size_t count = 0;
    int er = store_case_get(s, to, &other);
    if (!er)
        er = on ? sql_run(s, NULL, "INSERT INTO links VALUES(?, ?, ?)", "ttt", from->text, to->text,
                          relation)
                : sql_run(s, NULL,
                          "DELETE FROM links WHERE case_id = ? AND other = ? AND relation = ?",
                          "ttt", from->text, to->text, relation);
    if (!er && on)
        er = number_of(s, "SELECT count(*) FROM links WHERE case_id = ?", from, &count);
    if (!er && count > LIMIT_LINKS)
        er = ER_FULL;
    if (!er) {
        json_t *internal = json_pack("{s:s,s:s,s:s}", "case", to->text, "number", other.number,
                                     "relation", relation);
        er = touch_and_tell(s, from, actor, on ? "case_linked" : "case_unlinked", internal, now_us);
        json_decref(internal);
    }
    store_case_clear(&other);
    return er;
}

static int link_both(struct store *s, const struct id *from, const struct id *to,
                     enum store_relation relation, const char *actor, bool on, uint64_t now_us)
{
    int er = link_end(s, from, to, store_relation_name(relation), actor, on, now_us);
    return er ? er
              : link_end(s, to, from, store_relation_name(store_relation_back(relation)), actor, on,
                         now_us);
}

int store_link_add(struct store *s, const struct id *case_id, const char *actor,
                   const struct id *other, enum store_relation relation, uint64_t now_us)
{
    if (id_equal(case_id, other))
        return ER_INVALID;
    int er = store_begin(s);
    if (er)
        return er;
    return store_end(s, link_both(s, case_id, other, relation, actor, true, now_us));
}

/** One that is there between the two; ER_NOT_FOUND. */
static int link_find(struct store *s, const struct id *case_id, const struct id *other,
                     enum store_relation *ret)
{
    sqlite3_stmt *st;
    int er = sql_begin(s, &st, "SELECT relation FROM links WHERE case_id = ? AND other = ? LIMIT 1",
                       "tt", case_id->text, other->text);
    if (er)
        return er;
    er = sql_step(s, st);
    if (er == 1)
        er = store_relation_parse((const char *)sqlite3_column_text(st, 0), ret);
    else if (er == 0)
        er = ER_NOT_FOUND;
    sql_end(st);
    return er;
}

int store_link_remove(struct store *s, const struct id *case_id, const char *actor,
                      const struct id *other, uint64_t now_us)
{
    enum store_relation relation;
    int er = store_begin(s);
    if (er)
        return er;
    er = link_find(s, case_id, other, &relation);
    bool found = er == 0;
    while (!er) {
        er = link_both(s, case_id, other, relation, actor, false, now_us);
        if (!er)
            er = link_find(s, case_id, other, &relation);
    }
    return store_end(s, found && er == ER_NOT_FOUND ? 0 : er);
}

json_t *store_links_of(struct store *s, const struct id *case_id)
{
    sqlite3_stmt *st;
    json_t *links = json_array();
    int er = sql_begin(
        s, &st,
        "SELECT c.id, c.number, c.title, c.state, l.relation FROM links l"
        " JOIN cases c ON c.id = l.other WHERE l.case_id = ? ORDER BY c.id, l.relation",
        "t", case_id->text);
    if (er) {
        json_decref(links);
        return NULL;
    }
    while ((er = sql_step(s, st)) == 1) {
        const char *text[5];
        for (int i = 0; i < 5; i++)
            text[i] = (const char *)sqlite3_column_text(st, i);
        (void)json_array_append_new(links, json_pack("{s:s,s:s,s:s,s:s,s:s}", "case", text[0],
                                                     "number", text[1], "title", text[2], "state",
                                                     text[3], "relation", text[4]));
    }
    sql_end(st);
    if (er == 0)
        return links;
    json_decref(links);
    return NULL;
}
