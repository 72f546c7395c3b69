// SPDX-License-Identifier: Apache-2.0
/* Drawings by time: what was there when a clip began, what came while it ran, bounds, and going with their clips. */
#include "server/store_drawings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */
#define S UINT64_C(1000000)

struct scene {
    struct entropy_seeded seeded;
    struct store *store;
    struct store_case c;
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct entropy e = entropy_seeded_init(&s->seeded, 3);
    bool repeated;
    assert_int_equal(store_open(&s->store, ":memory:", &e, NULL), 0);
    s->c = (struct store_case){.kind = CASE_INSPECTION, .more = json_object()};
    (void)str_copy(s->c.merchant, sizeof s->c.merchant, "m");
    (void)str_copy(s->c.title, sizeof s->c.title, "cup");
    (void)str_copy(s->c.buyer, sizeof s->c.buyer, "lin");
    assert_int_equal(store_merchant_put(s->store, "m", NULL, T0), 0);
    assert_int_equal(store_case_create(s->store, &s->c, "shop", "k", NULL, "", T0, &repeated), 0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    store_case_clear(&s->c);
    store_close(s->store);
    free(s);
    return 0;
}

/** `data` has single quotes for double ones. */
static int add(struct scene *s, const char *publisher, const char *author, enum drawing_op op,
               uint64_t at_s, const char *data)
{
    struct store_drawing d = {.case_id = s->c.id, .op = op};
    char *copy = strdup(data);
    for (char *p = copy; *p; p++)
        *p = (char)(*p == '\'' ? '"' : *p);
    d.at_us = T0 + at_s * S;
    d.began_us = d.at_us - S / 2;
    d.data = json_loads(copy, 0, NULL);
    assert_non_null(d.data);
    free(copy);
    (void)str_copy(d.publisher, sizeof d.publisher, publisher);
    (void)str_copy(d.author, sizeof d.author, author);
    int er = store_drawing_add(s->store, &d);
    json_decref(d.data);
    return er;
}

/** {op, id, shape or still, at} of each, in one line. */
static const char *over(struct scene *s, const char *publisher, uint64_t from_s, uint64_t for_s)
{
    static char text[1000];
    struct store_clip clip = {
        .case_id = s->c.id, .started_us = T0 + from_s * S, .duration_ms = for_s * 1000};
    json_t *items, *item;
    size_t i, len = 0;
    (void)str_copy(clip.publisher, sizeof clip.publisher, publisher);
    assert_int_equal(store_drawings_of_clip(s->store, &clip, &items), 0);
    text[0] = '\0';
    json_array_foreach(items, i, item)
    {
        const char *id = json_string_value(json_object_get(item, "id"));
        const char *shape = json_string_value(json_object_get(item, "shape"));
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %s %lld; ",
                                json_string_value(json_object_get(item, "op")),
                                id      ? id
                                : shape ? shape
                                        : "-",
                                json_integer_value(json_object_get(item, "at_ms")));
    }
    json_decref(items);
    return text;
}

static void test_over_a_clip(void **state)
{
    struct scene *s = *state;
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, 1, "{'id':'a'}"), 0);
    assert_int_equal(add(s, "lin", "bo", DRAWING_DRAW, 2, "{'id':'a'}"), 0);
    assert_int_equal(add(s, "ann", "lin", DRAWING_DRAW, 3, "{'id':'z'}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_FREEZE, 4, "{}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_UNDO, 5, "{'shape':'a'}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_RESUME, 6, "{}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, 7, "{'id':'b'}"), 0);
    assert_int_equal(add(s, "lin", "bo", DRAWING_CLEAR, 8, "{'whose':'bo'}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_CLEAR, 9, "{}"), 0);
    assert_string_equal(over(s, "lin", 0, 2), "draw a 1000; draw a 2000; ");
    assert_string_equal(over(s, "lin", 3, 2), "draw a 0; draw a 0; freeze - 1000; undo a 2000; ");
    assert_string_equal(over(s, "lin", 5, 0), "draw a 0; draw a 0; freeze - 0; undo a 0; ");
    assert_string_equal(over(s, "lin", 7, 1), "draw a 0; draw b 0; clear - 1000; ");
    assert_string_equal(over(s, "lin", 8, 0), "draw a 0; draw b 0; clear - 0; ");
    assert_string_equal(over(s, "lin", 10, 5), "");
    assert_string_equal(over(s, "ann", 0, 5), "draw z 3000; ");
    assert_string_equal(over(s, "eve", 0, 5), "");
}

static void test_bounds(void **state)
{
    struct scene *s = *state;
    char big[100000];
    memset(big, 'x', sizeof big);
    memcpy(big, "{'text':'", 9);
    memcpy(big + sizeof big - 3, "'}", 3);
    unsigned fit = LIMIT_DRAWING_BYTES / (sizeof big - 1);
    for (unsigned i = 0; i < fit; i++)
        assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, i, big), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, fit, big), ER_FULL);
    assert_int_equal(add(s, "lin", "ann", DRAWING_CLEAR, fit, "{}"), 0);
}

static void test_they_go_with_the_last_clip(void **state)
{
    struct scene *s = *state;
    struct store_clip clips[2];
    for (unsigned i = 0; i < 2; i++) {
        clips[i] = (struct store_clip){
            .case_id = s->c.id, .room = s->c.room, .path = "p", .publisher = "lin"};
        assert_int_equal(store_clip_add(s->store, &clips[i], T0), 0);
        clips[i].started_us = T0 + i * 5 * S;
        clips[i].duration_ms = 10000 - i * 1000;
        clips[i].state = CLIP_READY;
        assert_int_equal(store_clip_update(s->store, &clips[i], T0), 0);
    }
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, 3, "{'id':'a'}"), 0);
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, 7, "{'id':'b'}"), 0);
    assert_int_equal(
        sql_run(s->store, NULL, "DELETE FROM clips WHERE id = ?", "t", clips[0].id.text), 0);
    /* The later clip shows what stood when it began. */
    assert_string_equal(over(s, "lin", 0, 60), "draw a 3000; draw b 7000; ");
    assert_int_equal(add(s, "lin", "ann", DRAWING_DRAW, 15, "{'id':'c'}"), 0);
    assert_int_equal(add(s, "eve", "ann", DRAWING_DRAW, 1, "{'id':'e'}"), 0);
    assert_int_equal(store_drawings_settle(s->store, &s->c.id), 0);
    assert_string_equal(over(s, "lin", 0, 60), "draw a 3000; draw b 7000; ");
    assert_string_equal(over(s, "eve", 0, 60), "");
    assert_int_equal(
        sql_run(s->store, NULL, "DELETE FROM clips WHERE id = ?", "t", clips[1].id.text), 0);
    assert_string_equal(over(s, "lin", 0, 60), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_over_a_clip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_they_go_with_the_last_clip, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
