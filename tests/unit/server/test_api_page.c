// SPDX-License-Identifier: Apache-2.0
/* Pages: what may be asked for, how many are taken, and where the next one begins. */
#include "server/api_page.h"

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

static uint64_t there; /* entries 1, 2, .. */
static int list_er;
static size_t looked_at;

/** A list of numbers. */
static void list(struct store *s, struct api_call *c)
{
    struct api_page page;
    (void)s;
    looked_at = 0;
    if (!api_page_read(c, &page))
        return;
    for (uint64_t n = page.after + 1; n <= there && looked_at <= page.limit; n++, looked_at++)
        if (api_page_takes(&page, n))
            (void)json_array_append_new(page.items, json_integer((json_int_t)n));
    api_page_answer(c, list_er, &page);
}

static int ask(struct api_bench *b, const char *query)
{
    return api_on_store(b, list, (struct api_ask){.role = ROLE_AGENT, .query = query});
}

static void expect(struct api_bench *b, const char *query, size_t first, size_t count,
                   const char *next)
{
    assert_int_equal(ask(b, query), 200);
    const json_t *items = json_object_get(b->body, "items");
    assert_int_equal(json_array_size(items), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(json_integer_value(json_array_get(items, i)), first + i);
    assert_string_equal(api_text(b, "next_cursor"), next);
}

static void test_pages_follow_each_other(void **state)
{
    struct api_bench *b = *state;
    there = 7;
    list_er = 0;
    expect(b, "limit=3", 1, 3, "3");
    assert_int_equal(looked_at, 4); /* one more, and no further */
    expect(b, "limit=3&cursor=3", 4, 3, "6");
    expect(b, "limit=3&cursor=6", 7, 1, "");
    expect(b, "limit=3&cursor=4", 5, 3, ""); /* exactly the rest */
    expect(b, "cursor=7", 8, 0, "");
    expect(b, NULL, 1, 7, "");
}

static void test_bounds_pages(void **state)
{
    struct api_bench *b = *state;
    char next[24];
    there = LIMIT_PAGE_ITEMS + 1;
    list_er = 0;
    (void)snprintf(next, sizeof next, "%u", (unsigned)LIMIT_PAGE_ITEMS);
    expect(b, NULL, 1, LIMIT_PAGE_ITEMS, next);
    expect(b, "limit=99999999", 1, LIMIT_PAGE_ITEMS, next);
}

static void test_refuses_what_is_no_number(void **state)
{
    struct api_bench *b = *state;
    static const char *const queries[] = {
        "limit=0", "limit=-1", "limit=x", "limit=", "cursor=", "cursor=z", "cursor=1.5"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        assert_int_equal(ask(b, queries[i]), 400);
}

static void test_says_what_was_in_the_way(void **state)
{
    struct api_bench *b = *state;
    there = 3;
    list_er = ER_IO;
    assert_int_equal(ask(b, NULL), 503);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pages_follow_each_other),
        TEST(test_bounds_pages),
        TEST(test_refuses_what_is_no_number),
        TEST(test_says_what_was_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
