// SPDX-License-Identifier: Apache-2.0
/* Timers over HTTP: who reads and sets them, what is refused, and what a case says of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

static int put(struct api_bench *b, enum role role, const char *body)
{
    return api_on_store(b, api_timers_put, (struct api_ask){.role = role, .body = body});
}

static void test_timers(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(put(b, ROLE_SERVICE, "{'open':3600,'agreed':null}"), 200);
    assert_int_equal(api_on_store(b, api_timers_get, (struct api_ask){.role = ROLE_SUPERVISOR}),
                     200);
    const json_t *items = json_object_get(b->body, "items");
    assert_int_equal(json_array_size(items), 7);
    assert_string_equal(api_text(b, "items.0.state"), "open");
    assert_string_equal(api_text(b, "items.0.then"), "expired");
    const json_t *open = json_array_get(items, 0);
    assert_int_equal(json_integer_value(json_object_get(open, "seconds")), 3600);
    assert_true(json_is_null(json_object_get(json_array_get(items, 2), "seconds")));
    const struct api_ask make = {
        .role = ROLE_SERVICE,
        .body = "{'kind':'live','title':'A','buyer':{'id':'lin','name':'Lin'}}"};
    assert_int_equal(api_on_store(b, api_cases_create, make), 201);
    assert_string_not_equal(api_text(b, "due_at"), "");
}

static void test_refused(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = "......yy."; /* supervisor, service */
    for (unsigned r = 0; r < ROLE_COUNT; r++)
        assert_int_equal(put(b, (enum role)r, "{}"), may[r] == 'y' ? 200 : 403);
    static const char *const bad[] = {"{'open':0}",     "{'open':-1}",          "{'open':'1'}",
                                      "{'waiting':60}", "{'closed':60}",        "{'x':1}",
                                      "{'open':1.5}",   "{'open':999999999999}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(put(b, ROLE_SERVICE, bad[i]), 400);
    assert_int_equal(put(b, ROLE_SERVICE, "{'agreed':5,'x':1}"), 400); /* all or nothing */
    assert_int_equal(api_on_store(b, api_timers_get, (struct api_ask){.role = ROLE_SERVICE}), 200);
    const json_t *agreed = json_array_get(json_object_get(b->body, "items"), 2);
    assert_int_equal(json_integer_value(json_object_get(agreed, "seconds")), 7 * 86400);
    const struct api_ask bound = {.role = ROLE_SERVICE, .of_case = &b->sc.id, .body = "{'open':1}"};
    assert_int_equal(api_on_store(b, api_timers_put, bound), 403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {TEST(test_timers), TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
