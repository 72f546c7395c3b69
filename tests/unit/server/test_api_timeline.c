// SPDX-License-Identifier: Apache-2.0
/* The timeline in pages, and figures over a span of time: who gets them, and bad queries. */
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

static int figures(struct api_bench *b, enum role role, const char *query)
{
    return api_on_store(b, api_stats, (struct api_ask){.role = role, .query = query});
}

static long long opened(const struct api_bench *b)
{
    return json_integer_value(json_object_get(b->body, "cases_opened"));
}

static void test_figures(void **state)
{
    struct api_bench *b = *state;
    /* The case was opened on 14 November 2023, 22:13:21. */
    assert_int_equal(figures(b, ROLE_SUPERVISOR, NULL), 200);
    assert_int_equal(opened(b), 1);
    assert_true(json_is_null(json_object_get(json_object_get(b->body, "waits"), "answer_rate")));
    assert_int_equal(figures(b, ROLE_SERVICE, "from=2023-11-14&to=2023-11-15"), 200);
    assert_int_equal(opened(b), 1);
    assert_int_equal(figures(b, ROLE_SERVICE, "from=2023-11-14T22:13:22Z"), 200);
    assert_int_equal(opened(b), 0);
    assert_int_equal(figures(b, ROLE_SERVICE, "to=2023-11-14T22:13:20.5Z"), 200);
    assert_int_equal(opened(b), 0);
    assert_int_equal(figures(b, ROLE_SERVICE, "from=2024-02-29&to=2400-12-31"), 200);
    assert_int_equal(opened(b), 0);
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(api_on_store(b, api_stats, foreign), 200);
    assert_int_equal(opened(b), 0);
}

static void test_who_gets_figures(void **state)
{
    struct api_bench *b = *state;
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        bool may = r == ROLE_SUPERVISOR || r == ROLE_SERVICE;
        assert_int_equal(figures(b, (enum role)r, NULL), may ? 200 : 403);
        const struct api_ask bound = {.role = (enum role)r, .of_case = &b->sc.id};
        assert_int_equal(api_on_store(b, api_stats, bound), 403);
    }
}

static void test_bad_times(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {
        "from=",
        "from=today",
        "from=2023-13-01",
        "from=2023-00-01",
        "from=2023-01-32",
        "from=2023-01-00",
        "from=1969-12-31",
        "from=2023-1-1",
        "from=2023/01/01",
        "from=2023-01-01T",
        "to=2023-01-01T25:00:00Z",
        "to=2023-01-01T00:60:00Z",
        "to=2023-01-01T00:00:61Z",
        "to=2023-01-01T00:00:00",
        "to=2023-01-01T00:00:00%2B01:00",
        "to=2023-01-01T00:00:00.000000000000000000000000000000Z",
        "group=day",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(figures(b, ROLE_SERVICE, bad[i]), 400);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pages),     TEST(test_bad_pages), TEST(test_figures), TEST(test_who_gets_figures),
        TEST(test_bad_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
