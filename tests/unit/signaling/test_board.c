// SPDX-License-Identifier: Apache-2.0
/* Shapes over a picture: begun, gone on with, taken off, bounded; nothing said wrongly leaves a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/board.h"

static const struct board_shape *last;
static size_t first;
static const char *why;

/** Single quotes stand for double ones. */
static json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *json = json_loads(copy, 0, NULL);
    assert_non_null(json);
    free(copy);
    return json;
}

static int draw(struct board *b, const char *by, const char *said)
{
    json_t *json = json_of(said);
    int er = board_draw(b, by, json, 5, &last, &first, &why);
    json_decref(json);
    return er;
}

static void assert_json(json_t *got, const char *wanted)
{
    json_t *json = json_of(wanted);
    char *text = json_dumps(got, JSON_COMPACT | JSON_REAL_PRECISION(5));
    if (!json_equal(got, json))
        fail_msg("%s is not %s", text, wanted);
    free(text);
    json_decref(got);
    json_decref(json);
}

static void test_a_line_grows(void **state)
{
    struct board b;
    (void)state;
    board_init(&b);
    assert_int_equal(draw(&b, "ann", "{'id':'1','kind':'line','color':2,'points':[[0,0],[0.5,1]]}"),
                     0);
    assert_int_equal(first, 0);
    assert_int_equal(last->began_us, 5);
    assert_int_equal(draw(&b, "ann", "{'id':'1','points':[[0.12344,0.2]]}"), 0);
    assert_int_equal(first, 2);
    assert_json(board_shape_json(last, first),
                "{'id':'1','kind':'line','color':2,'points':[[0.1234,0.2]],'done':false}");
    assert_int_equal(draw(&b, "ann", "{'id':'1','points':[],'done':true}"), 0);
    assert_int_equal(draw(&b, "ann", "{'id':'1','points':[[0,0]]}"), ER_CONFLICT);
    assert_int_equal(last->point_count, 3);
    /* Another one's of the same name is another one. */
    assert_int_equal(draw(&b, "bo", "{'id':'1','kind':'text','text':'here','points':[[1,1]]}"), 0);
    assert_int_equal(b.count, 2);
    assert_json(board_json(&b),
                "[{'id':'1','kind':'line','color':2,'points':[[0.0,0.0],[0.5,1.0],[0.1234,0.2]],"
                "'done':true,'by':'ann'},{'id':'1','kind':'text','color':0,'text':'here',"
                "'points':[[1.0,1.0]],'done':false,'by':'bo'}]");
    board_clear(&b);
    assert_int_equal(b.count, 0);
}

static void test_the_end_of_an_arrow_follows(void **state)
{
    struct board b;
    (void)state;
    board_init(&b);
    assert_int_equal(draw(&b, "ann", "{'id':'a','kind':'arrow','points':[[0.1,0.1]]}"), 0);
    assert_int_equal(draw(&b, "ann", "{'id':'a','points':[[0.2,0.2]]}"), 0);
    assert_int_equal(first, 1);
    assert_int_equal(draw(&b, "ann", "{'id':'a','points':[[0.3,0.3],[0.4,0.4]],'done':true}"), 0);
    assert_int_equal(first, 1);
    assert_json(board_shape_json(last, 0),
                "{'id':'a','kind':'arrow','color':0,'points':[[0.1,0.1],[0.4,0.4]],'done':true}");
    board_clear(&b);
}

static void test_taking_off(void **state)
{
    struct board b;
    char id[BOARD_ID_BYTES];
    (void)state;
    board_init(&b);
    assert_int_equal(draw(&b, "ann", "{'id':'1','kind':'circle','points':[[0,0]]}"), 0);
    assert_int_equal(draw(&b, "ann", "{'id':'2','kind':'circle','points':[[0,0]]}"), 0);
    assert_int_equal(draw(&b, "bo", "{'id':'3','kind':'circle','points':[[0,0]]}"), 0);
    assert_int_equal(board_undo(&b, "ann", NULL, id), 0);
    assert_string_equal(id, "2");
    assert_int_equal(board_undo(&b, "ann", "3", id), ER_NOT_FOUND);
    assert_int_equal(board_undo(&b, "ann", "1", id), 0);
    assert_int_equal(board_undo(&b, "ann", "", id), ER_NOT_FOUND);
    assert_int_equal(draw(&b, "ann", "{'id':'4','kind':'circle','points':[[0,0]]}"), 0);
    assert_int_equal(board_wipe(&b, "ann"), 1);
    assert_int_equal(b.count, 1);
    assert_int_equal(board_wipe(&b, NULL), 1);
}

static void test_what_is_wrong_leaves_no_trace(void **state)
{
    static const char *const bad[] = {
        "{'kind':'line','points':[[0,0]]}",
        "{'id':'','kind':'line','points':[[0,0]]}",
        "{'id':'123456789012345678901234567890123','kind':'line','points':[[0,0]]}",
        "{'id':'1','points':[[0,0]]}",
        "{'id':'1','kind':'cube','points':[[0,0]]}",
        "{'id':'1','kind':3,'points':[[0,0]]}",
        "{'id':'1','kind':'line'}",
        "{'id':'1','kind':'line','points':[]}",
        "{'id':'1','kind':'line','points':[[0]]}",
        "{'id':'1','kind':'line','points':[[0,0,0]]}",
        "{'id':'1','kind':'line','points':[[0,1.001]]}",
        "{'id':'1','kind':'line','points':[[-0.1,0]]}",
        "{'id':'1','kind':'line','points':[['0','0']]}",
        "{'id':'1','kind':'line','color':6,'points':[[0,0]]}",
        "{'id':'1','kind':'line','color':'red','points':[[0,0]]}",
        "{'id':'1','kind':'line','done':1,'points':[[0,0]]}",
        "{'id':'1','kind':'text','points':[[0,0]]}",
        "{'id':'1','kind':'text','text':'','points':[[0,0]]}",
        "{'id':'1','kind':'text','text':'\\u0007','points':[[0,0]]}",
        "{'id':'1','kind':'line','text':'x','points':[[0,0]]}",
    };
    struct board b;
    (void)state;
    board_init(&b);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why = NULL;
        if (draw(&b, "ann", bad[i]) != ER_INVALID || !why)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(b.count, 0);
    }
}

static void test_bounds(void **state)
{
    struct board b;
    char said[80];
    (void)state;
    board_init(&b);
    for (unsigned i = 0; i < LIMIT_BOARD_SHAPES; i++) {
        snprintf(said, sizeof said, "{'id':'%u','kind':'line','points':[[0,0]]}", i);
        assert_int_equal(draw(&b, "ann", said), 0);
    }
    assert_int_equal(draw(&b, "bo", "{'id':'x','kind':'line','points':[[0,0]]}"), ER_FULL);
    for (unsigned i = 1; i < LIMIT_SHAPE_POINTS; i++)
        assert_int_equal(draw(&b, "ann", "{'id':'7','points':[[1,1]]}"), 0);
    assert_int_equal(draw(&b, "ann", "{'id':'7','points':[[1,1]]}"), ER_FULL);
    assert_int_equal(last->point_count, LIMIT_SHAPE_POINTS);
    board_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_grows), cmocka_unit_test(test_the_end_of_an_arrow_follows),
        cmocka_unit_test(test_taking_off),   cmocka_unit_test(test_what_is_wrong_leaves_no_trace),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
