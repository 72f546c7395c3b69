// SPDX-License-Identifier: Apache-2.0
/* Notes, tags and links in the store: what is for staff stands beside the timeline, which holds it fast all the same. */
#include "server/store_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"

#define T0 UINT64_C(1790000000000000)

struct bench {
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *s;
    struct store_case a, b;
    json_t *events; /* as read last */
};

static struct store_case add_case(struct bench *b, const char *title)
{
    struct store_case c = {.merchant = "default"};
    bool repeated;
    (void)str_copy(c.title, sizeof c.title, title);
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Lin");
    assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, T0, &repeated), 0);
    return c;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->entropy = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &b->entropy, NULL), 0);
    b->a = add_case(b, "A cup");
    b->b = add_case(b, "The cup, returned");
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_case_clear(&b->a);
    store_case_clear(&b->b);
    json_decref(b->events);
    store_close(b->s);
    free(b);
    return 0;
}

static void event_take(void *ctx, const struct store_event *e)
{
    struct bench *b = ctx;
    (void)json_array_append_new(b->events, store_event_json_internal(e));
}

/** The last event of that case. */
static json_t *last_event(struct bench *b, const struct store_case *c)
{
    json_decref(b->events);
    b->events = json_array();
    assert_int_equal(store_events_list(b->s, &c->id, 0, 100, event_take, b), 0);
    return json_array_get(b->events, json_array_size(b->events) - 1);
}

static const char *text(const json_t *o, const char *first, const char *second)
{
    const char *s = json_string_value(json_object_get(json_object_get(o, first), second));
    return s ? s : "";
}

static size_t notes(struct bench *b, bool internal)
{
    json_decref(b->events);
    b->events = json_array();
    assert_int_equal(store_notes_list(b->s, &b->a.id, internal, 0, 100, event_take, b), 0);
    return json_array_size(b->events);
}

static void test_notes(void **state)
{
    struct bench *b = *state;
    uint64_t seq, bad;
    char hash[STORE_HASH_BYTES];
    assert_int_equal(store_note_add(b->s, &b->a.id, "ann", "A difficult one", false, T0, &seq), 0);
    assert_int_equal(seq, 2);
    json_t *e = last_event(b, &b->a);
    assert_string_equal(text(e, "internal", "text"), "A difficult one");
    assert_string_equal(text(e, "data", "text"), "");
    const char *salt = json_string_value(json_object_get(e, "internal_salt"));
    assert_int_equal(strlen(salt), 32);
    assert_int_equal(store_internal_hash(json_object_get(e, "internal"), salt, hash), 0);
    assert_string_equal(text(e, "data", "internal_sha256"), hash);
    assert_int_equal(store_internal_hash(json_object_get(e, "internal"), "other", hash), 0);
    assert_string_not_equal(text(e, "data", "internal_sha256"), hash);
    assert_int_equal(store_note_add(b->s, &b->a.id, "ann", "On its way", true, T0, &seq), 0);
    e = last_event(b, &b->a);
    assert_string_equal(text(e, "data", "text"), "On its way");
    assert_null(json_object_get(e, "internal"));
    assert_int_equal(notes(b, true), 2);
    assert_int_equal(notes(b, false), 1);
    assert_int_equal(store_chain_verify(b->s, &b->a.id, &bad), 0);
    struct store_case after;
    assert_int_equal(store_case_get(b->s, &b->a.id, &after), 0);
    assert_int_equal(after.version, 1); /* the case itself says nothing of notes */
    store_case_clear(&after);
    assert_int_equal(store_note_add(b->s, &(struct id){{0}}, "ann", "x", false, T0, &seq),
                     ER_NOT_FOUND);
}

static int tag(struct bench *b, const char *add, const char *remove)
{
    json_t *on = json_loads(add, 0, NULL), *off = json_loads(remove, 0, NULL);
    assert_true(on && off);
    int er = store_tags_change(b->s, &b->a.id, "ann", on, off, T0 + 5);
    json_decref(on);
    json_decref(off);
    return er;
}

static void tags_are(struct bench *b, const char *want)
{
    json_t *is = store_tags_of(b->s, &b->a.id), *due = json_loads(want, 0, NULL);
    assert_true(json_equal(is, due));
    json_decref(is);
    json_decref(due);
}

static void test_tags(void **state)
{
    struct bench *b = *state;
    tags_are(b, "[]");
    assert_int_equal(tag(b, "[\"vip\",\"fragile\"]", "[\"gone\"]"), 0);
    tags_are(b, "[\"fragile\",\"vip\"]");
    json_t *e = last_event(b, &b->a);
    json_t *due = json_loads("{\"added\":[\"vip\",\"fragile\"],\"removed\":[]}", 0, NULL);
    assert_true(json_equal(json_object_get(e, "internal"), due));
    json_decref(due);
    struct store_case after;
    assert_int_equal(store_case_get(b->s, &b->a.id, &after), 0);
    assert_int_equal(after.version, 2);
    assert_int_equal(after.changed_us, T0 + 5);
    store_case_clear(&after);
    /* What is so already is no change. */
    assert_int_equal(tag(b, "[\"vip\"]", "[\"gone\"]"), 0);
    (void)last_event(b, &b->a);
    assert_int_equal(json_array_size(b->events), 2);
    assert_int_equal(tag(b, "[]", "[\"vip\"]"), 0);
    tags_are(b, "[\"fragile\"]");
    char many[LIMIT_TAGS * 8 + 8] = "[\"0\"";
    for (int i = 1; i < LIMIT_TAGS; i++)
        (void)snprintf(many + strlen(many), 8, ",\"%d\"", i);
    (void)snprintf(many + strlen(many), 2, "]");
    assert_int_equal(tag(b, many, "[]"), ER_FULL);
    tags_are(b, "[\"fragile\"]"); /* all or nothing */
    assert_int_equal(tag(b, many, "[\"fragile\"]"), 0);
}

static void links_are(struct bench *b, const struct store_case *c, size_t count,
                      const char *relation)
{
    json_t *is = store_links_of(b->s, &c->id);
    assert_int_equal(json_array_size(is), count);
    if (count)
        assert_string_equal(json_string_value(json_object_get(json_array_get(is, 0), "relation")),
                            relation);
    json_decref(is);
}

static void test_links(void **state)
{
    struct bench *b = *state;
    assert_int_equal(store_link_add(b->s, &b->b.id, "ann", &b->a.id, LINK_REINSPECTION_OF, T0 + 5),
                     0);
    links_are(b, &b->b, 1, "reinspection_of");
    links_are(b, &b->a, 1, "reinspected_by");
    json_t *e = last_event(b, &b->a);
    assert_string_equal(text(e, "internal", "case"), b->b.id.text);
    assert_string_equal(text(e, "internal", "number"), b->b.number);
    assert_int_equal(store_link_add(b->s, &b->b.id, "ann", &b->a.id, LINK_REINSPECTION_OF, T0 + 6),
                     ER_CONFLICT);
    assert_int_equal(store_link_add(b->s, &b->a.id, "ann", &b->b.id, LINK_RELATED, T0 + 6), 0);
    links_are(b, &b->a, 2, "reinspected_by");
    assert_int_equal(store_link_add(b->s, &b->a.id, "ann", &b->a.id, LINK_RELATED, T0), ER_INVALID);
    assert_int_equal(store_link_add(b->s, &b->a.id, "ann", &(struct id){{0}}, LINK_RELATED, T0 + 6),
                     ER_NOT_FOUND);
    assert_int_equal(store_link_remove(b->s, &b->a.id, "ann", &b->b.id, T0 + 7), 0);
    links_are(b, &b->a, 0, NULL);
    links_are(b, &b->b, 0, NULL);
    assert_int_equal(store_link_remove(b->s, &b->a.id, "ann", &b->b.id, T0 + 7), ER_NOT_FOUND);
    for (unsigned i = 0; i < LINK_RELATIONS; i++) {
        enum store_relation r = LINK_RELATIONS, back = store_relation_back((enum store_relation)i);
        assert_int_equal(store_relation_parse(store_relation_name((enum store_relation)i), &r), 0);
        assert_int_equal(r, i);
        assert_int_equal(store_relation_back(back), i);
    }
    enum store_relation r;
    assert_int_equal(store_relation_parse("cousin", &r), ER_NOT_FOUND);
    assert_int_equal(store_relation_parse(NULL, &r), ER_NOT_FOUND);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_notes), TEST(test_tags), TEST(test_links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
