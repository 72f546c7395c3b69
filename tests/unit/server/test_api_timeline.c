// SPDX-License-Identifier: Apache-2.0
/* The timeline in pages, and bad queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/api_bench.h"

static int timeline(struct api_bench *b, const char *query)
{
    return api_on_store(
        b, api_timeline,
        (struct api_ask){.role = ROLE_AGENT, .param = {b->sc.id.text}, .query = query});
}

static size_t items(const struct api_bench *b)
{
    return json_array_size(json_object_get(b->body, "items"));
}

static void test_pages(void **state)
{
    struct api_bench *b = *state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            store_event_append(b->w.store, &b->sc.id, "me", "note", NULL, b->unix_us, NULL), 0);
    assert_int_equal(timeline(b, NULL), 200);
    assert_int_equal(items(b), 5);
    assert_string_equal(api_text(b, "items.0.type"), "case_opened");
    assert_string_equal(api_text(b, "next_cursor"), "");
    assert_int_equal(timeline(b, "limit=2"), 200);
    assert_int_equal(items(b), 2);
    assert_string_equal(api_text(b, "next_cursor"), "2");
    assert_int_equal(timeline(b, "limit=3&cursor=2"), 200);
    assert_int_equal(items(b), 3);
    assert_string_equal(api_text(b, "next_cursor"), "");
    assert_int_equal(timeline(b, "cursor=5"), 200);
    assert_int_equal(items(b), 0);
}

static void test_bad_pages(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {
        "limit=0",  "limit=-1",  "limit=",     "limit=x",
        "cursor=x", "cursor=-1", "cursor=1.5", "cursor=99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(timeline(b, bad[i]), 400);
    struct store_case other = world_case(&b->w, "bo");
    const struct api_ask stranger = {
        .role = ROLE_BUYER, .of_case = &other.id, .param = {b->sc.id.text}};
    assert_int_equal(api_on_store(b, api_timeline, stranger), 403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pages),
        TEST(test_bad_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
