// SPDX-License-Identifier: Apache-2.0
/* The rows of a case against what its events say of them. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/case_words.h"
#include "server/seen_lines.h"
#include "server/store_audit_impl.h"
#include "server/store_sql.h"

/** `told` NULL: nothing is said of it. */
static void same_text(struct audit *a, const char *column, const char *is, const char *told)
{
    if (told && strcmp(is, told) != 0)
        audit_wrong(a, "%s is \"%.60s\", but the timeline says \"%.60s\"", column, is, told);
}

static void same_member(struct audit *a, const char *column, const char *is, const json_t *told,
                        const char *member)
{
    same_text(a, column, is, json_string_value(json_object_get(told, member)));
}

static void same_number(struct audit *a, const char *column, uint64_t is, const json_t *told,
                        const char *member)
{
    const json_t *value = json_object_get(told, member);
    uint64_t said = json_is_boolean(value) ? (uint64_t)json_is_true(value)
                                           : (uint64_t)json_integer_value(value);
    if (value && is != said)
        audit_wrong(a, "%s is %llu, but the timeline says %llu", column, (unsigned long long)is,
                    (unsigned long long)said);
}

static void same_us(struct audit *a, const char *column, uint64_t is, uint64_t told)
{
    if (is != told)
        audit_wrong(a, "%s is %llu, but the timeline says %llu", column, (unsigned long long)is,
                    (unsigned long long)told);
}

/* The case itself */

/** What it is found by is what it says. */
static int check_words(struct audit *a, const struct store_case *c)
{
    char words[CASE_WORDS_BYTES];
    sqlite3_stmt *st;
    int er = sql_begin(a->store, &st,
                       "SELECT words, (SELECT disputed FROM cases WHERE id = case_id)"
                       " FROM case_texts WHERE case_id = ?",
                       "t", c->id.text);
    if (er)
        return er;
    er = sql_step(a->store, st);
    case_words(c, words);
    if (er == 1 && sqlite3_column_int(st, 1) != (json_object_get(c->more, "dispute") != NULL))
        audit_wrong(a, "disputed is %d", sqlite3_column_int(st, 1));
    audit_at(a, "case_texts", c->id.text, NULL);
    if (er == 0)
        audit_wrong(a, "there is no such row");
    else if (er == 1 && strcmp((const char *)sqlite3_column_text(st, 0), words) != 0)
        audit_wrong(a, "words are not those of the case");
    sql_end(st);
    return er < 0 ? er : 0;
}

static void check_case(struct audit *a)
{
    const struct audit_tale *t = &a->tale;
    struct store_case c;
    audit_at(a, "cases", a->case_id.text, NULL);
    int er = store_case_get(a->store, &a->case_id, &c);
    if (er) {
        a->er = er == ER_NOT_FOUND ? 0 : er;
        audit_wrong(a, "there is no such row");
        return;
    }
    if (!t->began)
        audit_wrong(a, "its timeline does not begin with case_opened");
    same_member(a, "number", c.number, t->opened, "number");
    same_member(a, "kind", case_kind_name(c.kind), t->opened, "kind");
    same_text(a, "title", c.title, t->c.title);
    same_member(a, "buyer", c.buyer, t->opened, "buyer");
    same_member(a, "buyer_name", c.buyer_name, t->opened, "buyer_name");
    same_member(a, "room", c.room.text, t->opened, "room");
    same_member(a, "merchant", c.merchant, t->opened, "merchant");
    same_text(a, "language", c.language, t->c.language);
    same_us(a, "priority", (uint64_t)c.priority, (uint64_t)t->c.priority);
    same_text(a, "state", case_state_name(c.state), case_state_name(t->c.state));
    same_us(a, "version", c.version, t->c.version);
    same_us(a, "created_us", c.created_us, t->c.created_us);
    same_us(a, "changed_us", c.changed_us, t->c.changed_us);
    same_us(a, "waiting_since_us", c.waiting_since_us, t->c.waiting_since_us);
    if (!json_equal(c.more, t->c.more))
        audit_wrong(a, "more is not what the timeline says");
    er = check_words(a, &c);
    if (er)
        a->er = er;
    store_case_clear(&c);
}

/** Of what older versions left nobody knows whether it goes on, unless the state says so. */
static int check_wait(struct audit *a)
{
    const struct store_wait *told = &a->tale.wait;
    struct store_wait w;
    audit_at(a, "waits", a->case_id.text, NULL);
    int er = store_wait_get(a->store, &a->case_id, &w);
    if (er)
        return er;
    bool there = w.waits || w.talks;
    if (!there && (a->tale.c.state == CASE_WAITING || a->tale.c.state == CASE_IN_CALL))
        audit_wrong(a, "there is no such row, but the timeline tells of it");
    if (!there)
        return 0;
    same_us(a, "waits", w.waits, told->waits);
    same_us(a, "talks", w.talks, told->talks);
    same_us(a, "since_us", w.since_us, told->since_us);
    same_us(a, "from_us", w.from_us, told->from_us);
    same_us(a, "counted_us", w.counted_us, told->counted_us);
    return 0;
}

/* People */

static void check_person(void *ctx, const struct store_person *p)
{
    struct audit *a = ctx;
    const json_t *told = json_object_get(a->tale.people, p->identity);
    audit_at(a, "people", a->case_id.text, p->identity);
    if (!told) {
        audit_wrong(a, "the timeline knows of no such person");
        return;
    }
    same_member(a, "role", role_name(p->role), told, "role");
    if (p->consent != json_is_true(json_object_get(told, "recording")))
        audit_wrong(a, "consent is %d, but the timeline says %d", p->consent, !p->consent);
    (void)json_object_set_new((json_t *)(uintptr_t)told, "there", json_true());
}

void audit_missing(struct audit *a, const char *table, json_t *told)
{
    const char *key;
    json_t *o;
    json_object_foreach(told, key, o)
    {
        if (json_is_true(json_object_get(o, "there")) || json_is_true(json_object_get(o, "gone")))
            continue;
        if (strcmp(table, "people") == 0 || strcmp(table, "tags") == 0 ||
            strcmp(table, "links") == 0)
            audit_at(a, table, a->case_id.text, key);
        else
            audit_at(a, table, key, NULL);
        audit_wrong(a, "there is no such row, but the timeline tells of it");
    }
}

/** The entry of a row; NULL: told that there is none. */
static const json_t *entry_of(struct audit *a, const char *table, const char *key, json_t *told)
{
    json_t *o = json_object_get(told, key);
    audit_at(a, table, key, NULL);
    if (!o)
        audit_wrong(a, "the timeline knows of no such row");
    else if (json_is_true(json_object_get(o, "gone")))
        audit_wrong(a, "the timeline says that it was deleted");
    (void)json_object_set_new(o, "there", json_true());
    return o;
}

/* Clips, stills */

static void check_clip(void *ctx, const struct store_clip *c)
{
    struct audit *a = ctx;
    const json_t *told = entry_of(a, "clips", c->id.text, a->tale.clips);
    a->config->clips++;
    if (!told)
        return;
    same_text(a, "room", c->room.text, json_string_value(json_object_get(a->tale.opened, "room")));
    same_member(a, "merchant", c->merchant, a->tale.opened, "merchant");
    same_member(a, "state", clip_state_name(c->state), told, "state");
    same_member(a, "kind", c->kind, told, "kind");
    same_member(a, "label", c->label, told, "label");
    same_member(a, "publisher", c->publisher, told, "publisher");
    same_member(a, "started_by", c->started_by, told, "by");
    same_number(a, "created_us", c->created_us, told, "at_us");
    if (c->state == CLIP_FAILED)
        same_member(a, "reason", c->reason, told, "reason");
    if (c->state != CLIP_READY)
        return;
    same_member(a, "sha256", c->sha256, told, "sha256");
    same_number(a, "duration_ms", c->duration_ms, told, "duration_ms");
    same_number(a, "bytes", c->bytes, told, "bytes");
    same_number(a, "repaired", c->repaired, told, "repaired");
    same_number(a, "gaps", c->gaps, told, "gaps");
    same_number(a, "gap_ms", c->gap_ms, told, "gap_ms");
    audit_clip_files(a, c, told);
}

static void check_still(void *ctx, const struct store_still *s)
{
    struct audit *a = ctx;
    const json_t *told = entry_of(a, "stills", s->id.text, a->tale.stills);
    a->config->stills++;
    if (!told)
        return;
    same_member(a, "room", s->room.text, a->tale.opened, "room");
    same_member(a, "merchant", s->merchant, a->tale.opened, "merchant");
    same_member(a, "taken_by", s->taken_by, told, "by");
    json_t *is = store_still_told(s), *value;
    const json_t *data = json_object_get(told, "data");
    const char *member;
    json_object_foreach(is, member, value)
    {
        if (!json_equal(value, json_object_get(data, member)))
            audit_wrong(a, "%s is not what the timeline says", member);
    }
    json_object_foreach((json_t *)(uintptr_t)data, member, value)
    {
        if (!json_object_get(is, member))
            audit_wrong(a, "%s is missing, but the timeline tells of it", member);
    }
    json_decref(is);
    audit_still_files(a, s);
}

/* Keeping */

static void check_hold(void *ctx, const struct store_hold *h)
{
    struct audit *a = ctx;
    const json_t *told = entry_of(a, "holds", h->id.text, a->tale.holds);
    if (!told)
        return;
    const char *of = json_string_value(json_object_get(told, "clip"));
    const char *object = of ? "clip" : "case";
    for (unsigned i = 0; !of && i < KEPT_OBJECTS; i++) {
        object = keep_object_name((enum keep_object)i);
        of = json_string_value(json_object_get(told, object));
    }
    same_text(a, "object", h->object, of ? object : "case");
    same_text(a, "of", h->of.text, of ? of : "");
    same_member(a, "reason", h->reason, told, "reason");
    same_member(a, "placed_by", h->placed_by, told, "by");
    same_number(a, "placed_us", h->placed_us, told, "at_us");
    same_number(a, "firm", h->firm, told, "firm");
    same_member(a, "lift_reason", h->lift_reason, told, "lift_reason");
    same_member(a, "lifted_by", h->lifted_by, told, "lifted_by");
    const json_t *lifted = json_object_get(told, "lifted_us");
    same_us(a, "lifted_us", h->lifted_us, (uint64_t)json_integer_value(lifted));
}

static void check_tombstone(void *ctx, const struct store_tombstone *t)
{
    struct audit *a = ctx;
    const json_t *told = entry_of(a, "tombstones", t->id.text, a->tale.tombstones);
    a->config->tombstones++;
    if (!told)
        return;
    same_member(a, "object", t->object, told, "object");
    audit_tombstone(a, t);
}

/* What they saw */

static int check_seen(struct audit *a)
{
    sqlite3_stmt *st;
    char key[24];
    int er = sql_begin(a->store, &st, "SELECT id, from_s, to_s, log FROM seen WHERE case_id = ?",
                       "t", a->case_id.text);
    if (er)
        return er;
    while ((er = sql_step(a->store, st)) == 1) {
        uint32_t from = 0, to = 0;
        size_t len = (size_t)sqlite3_column_bytes(st, 3);
        (void)snprintf(key, sizeof key, "%lld", (long long)sqlite3_column_int64(st, 0));
        audit_at(a, "seen", key, NULL);
        if (seen_span(sqlite3_column_blob(st, 3), len, &from, &to))
            audit_wrong(a, "log cannot be read");
        else if (from != sql_u64(st, 1) || to != sql_u64(st, 2))
            audit_wrong(a, "from_s or to_s is not what its log says");
    }
    sql_end(st);
    return er;
}

int audit_rows(struct audit *a)
{
    const struct id *id = &a->case_id;
    check_case(a);
    int er = check_wait(a);
    if (!er)
        er = store_people_list(a->store, id, check_person, a);
    if (!er)
        er = store_clips_of_case(a->store, id, check_clip, a);
    if (!er)
        er = store_stills_of_case(a->store, id, check_still, a);
    if (!er)
        er = store_holds_of_case(a->store, id, check_hold, a);
    if (!er)
        er = store_tombstones_of_case(a->store, id, check_tombstone, a);
    if (!er)
        er = audit_attachments(a);
    if (!er)
        er = audit_record(a);
    if (!er)
        er = check_seen(a);
    if (!er)
        er = audit_judged(a);
    audit_missing(a, "people", a->tale.people);
    audit_missing(a, "clips", a->tale.clips);
    audit_missing(a, "stills", a->tale.stills);
    audit_missing(a, "holds", a->tale.holds);
    audit_missing(a, "tombstones", a->tale.tombstones);
    return er ? er : a->er;
}
