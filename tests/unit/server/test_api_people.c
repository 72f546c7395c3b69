// SPDX-License-Identifier: Apache-2.0
/* A merchant's register over HTTP: by whom, of whom, and what it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

static int put(struct api_bench *b, const char *who, const char *body)
{
    return api_on_store(
        b, api_person_put,
        (struct api_ask){
            .role = ROLE_SUPERVISOR, .method = HTTP_PUT, .param = {who}, .body = body});
}

static int get(struct api_bench *b, const char *who)
{
    return api_on_store(b, api_person_get, (struct api_ask){.role = ROLE_SERVICE, .param = {who}});
}

static void test_registered_changed_and_gone(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(get(b, "mei"), 404);
    assert_int_equal(put(b, "mei",
                         "{'name':'Mei','role':'appraiser','team':'bags','skills':['handbag'],"
                         "'languages':['zh','en'],'capacity':2}"),
                     201);
    assert_int_equal(get(b, "mei"), 200);
    assert_string_equal(api_text(b, "name"), "Mei");
    assert_string_equal(api_text(b, "team"), "bags");
    assert_string_equal(api_text(b, "skills.0"), "handbag");
    assert_string_equal(api_text(b, "languages.1"), "en");
    assert_int_equal(json_integer_value(json_object_get(b->body, "capacity")), 2);
    assert_true(json_is_true(json_object_get(b->body, "active")));
    assert_int_equal(put(b, "mei", "{'role':'agent','active':false}"), 200);
    assert_string_equal(api_text(b, "name"), "mei");
    assert_null(json_object_get(b->body, "team"));
    assert_true(json_is_false(json_object_get(b->body, "active")));
    struct api_ask gone = {.role = ROLE_SERVICE, .method = HTTP_DELETE, .param = {"mei"}};
    assert_int_equal(api_on_store(b, api_person_delete, gone), 204);
    assert_int_equal(api_on_store(b, api_person_delete, gone), 404);
    assert_int_equal(api_on_store(b, api_log, (struct api_ask){.role = ROLE_SERVICE}), 200);
    assert_string_equal(api_text(b, "items.0.action"), "person_put");
    assert_string_equal(api_text(b, "items.2.action"), "person_removed");
}

static void test_refused(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {"{}",
                                      "{'role':'buyer'}",
                                      "{'role':'service'}",
                                      "{'role':'agent','name':''}",
                                      "{'role':'agent','name':7}",
                                      "{'role':'agent','team':''}",
                                      "{'role':'agent','skills':'handbag'}",
                                      "{'role':'agent','skills':['']}",
                                      "{'role':'agent','skills':['a\\u0001']}",
                                      "{'role':'agent','languages':[1]}",
                                      "{'role':'agent','capacity':0}",
                                      "{'role':'agent','capacity':9}",
                                      "{'role':'agent','active':'no'}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(put(b, "mei", bad[i]), 400);
    assert_int_equal(put(b, "m\nei", "{'role':'agent'}"), 400);
    char many[200] = "{'role':'agent','skills':['a'";
    for (int i = 0; i < 16; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",'a'");
    (void)snprintf(many + strlen(many), sizeof many - strlen(many), "]}");
    assert_int_equal(put(b, "mei", many), 400);
    assert_int_equal(get(b, "mei"), 404);
}

static void test_by_whom_and_of_whom(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(put(b, "ann", "{'role':'agent'}"), 201);
    assert_int_equal(put(b, "bob", "{'role':'agent'}"), 201);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool may = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        struct api_ask list = {.role = role};
        assert_int_equal(api_on_store(b, api_people_list, list), may ? 200 : 403);
        list.of_case = &b->sc.id;
        assert_int_equal(api_on_store(b, api_people_list, list), 403);
        struct api_ask one = {.role = role, .param = {"ann"}, .body = "{'role':'agent'}"};
        assert_int_equal(api_on_store(b, api_person_get, one), may ? 200 : 403);
        assert_int_equal(api_on_store(b, api_person_put, one), may ? 200 : 403);
        if (!may)
            assert_int_equal(api_on_store(b, api_person_delete, one), 403);
    }
    struct api_ask page = {.role = ROLE_SERVICE, .query = "limit=1"};
    assert_int_equal(api_on_store(b, api_people_list, page), 200);
    assert_string_equal(api_text(b, "items.0.identity"), "ann");
    assert_string_equal(api_text(b, "next_cursor"), "ann");
    page.query = "limit=1&cursor=ann";
    assert_int_equal(api_on_store(b, api_people_list, page), 200);
    assert_string_equal(api_text(b, "items.0.identity"), "bob");
    assert_null(json_object_get(b->body, "next_cursor"));
    page.query = "limit=0";
    assert_int_equal(api_on_store(b, api_people_list, page), 400);
    struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true, .param = {"ann"}};
    assert_int_equal(api_on_store(b, api_person_get, foreign), 404);
    assert_int_equal(api_on_store(b, api_person_delete, foreign), 404);
    assert_int_equal(api_on_store(b, api_people_list, foreign), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_registered_changed_and_gone),
        TEST(test_refused),
        TEST(test_by_whom_and_of_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
