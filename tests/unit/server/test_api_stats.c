// SPDX-License-Identifier: Apache-2.0
/* Figures over HTTP: who gets them, by what they are grouped, tables that are safe to open, bad queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/api_bench.h"

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
    assert_int_equal(figures(b, ROLE_SERVICE, "from=2023-11-14T22:59:22Z"), 200);
    assert_int_equal(opened(b), 1); /* whole hours */
    assert_int_equal(figures(b, ROLE_SERVICE, "from=2023-11-14T23:00:00Z"), 200);
    assert_int_equal(opened(b), 0);
    assert_int_equal(figures(b, ROLE_SERVICE, "to=2023-11-14T22:00:00Z"), 200);
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
        "group=year",
        "group=",
        "format=xml",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(figures(b, ROLE_SERVICE, bad[i]), 400);
}

static void act(struct api_bench *b, enum case_action action, const char *actor, json_t *data,
                uint64_t after_s)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = b->sc.id, .action = action, .actor = actor, .role = ROLE_COUNT, .data = data};
    assert_int_equal(store_case_act(b->w.store, &a, b->unix_us + after_s * 1000000, &after), 0);
    store_case_clear(&after);
    json_decref(data);
}

/** The buyer waits 30 s, is called for two minutes, agrees and is content. */
static void settle(struct api_bench *b, const char *agent)
{
    act(b, CASE_WAIT, "lin", NULL, 0);
    act(b, CASE_START_CALL, agent, json_pack("{s:s}", "agent", agent), 30);
    act(b, CASE_END_CALL, agent, NULL, 150);
    act(b, CASE_PROPOSE, agent, json_pack("{s:s}", "outcome", "refund"), 151);
    act(b, CASE_AGREE, "lin", NULL, 160);
    act(b, CASE_RATE, "lin", json_pack("{s:i,s:b}", "score", 4, "resolved", 1), 200);
}

static void test_grouped(void **state)
{
    struct api_bench *b = *state;
    settle(b, "ann");
    assert_int_equal(figures(b, ROLE_SUPERVISOR, "group=agent"), 200);
    assert_string_equal(api_text(b, "group"), "agent");
    json_t *items = json_object_get(b->body, "items");
    assert_int_equal(json_array_size(items), 2); /* who opened, and before an agent came */
    assert_string_equal(api_text(b, "items.1.agent"), "ann");
    const json_t *ann = json_array_get(items, 1), *waits = json_object_get(ann, "waits");
    assert_int_equal(json_integer_value(json_object_get(waits, "count")), 1);
    assert_int_equal(json_integer_value(json_object_get(waits, "median_ms")), 30000);
    assert_float_equal(json_number_value(json_object_get(waits, "answer_rate_2min")), 1, 0);
    const json_t *handling = json_object_get(ann, "handling");
    assert_int_equal(json_integer_value(json_object_get(handling, "mean_ms")), 120000);
    const json_t *satisfaction = json_object_get(ann, "satisfaction");
    assert_float_equal(json_number_value(json_object_get(satisfaction, "mean")), 4, 0);
    assert_int_equal(json_integer_value(json_object_get(satisfaction, "resolved")), 1);
    assert_int_equal(json_integer_value(json_object_get(b->body, "cases_solved")), 1);
    assert_int_equal(figures(b, ROLE_SUPERVISOR, "group=hour"), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 1);
    assert_string_equal(api_text(b, "items.0.hour"), "2023-11-14T22:00:00.000Z");
    assert_int_equal(figures(b, ROLE_SUPERVISOR, "group=day"), 200);
    assert_string_equal(api_text(b, "items.0.day"), "2023-11-14T00:00:00.000Z");
}

static void test_tables(void **state)
{
    struct api_bench *b = *state;
    settle(b, "=HYPERLINK(\"http://evil\",\"x\")");
    assert_int_equal(figures(b, ROLE_SUPERVISOR, "group=agent&format=csv"), 200);
    assert_string_equal(b->response.content_type, "text/csv; charset=utf-8");
    assert_string_equal(api_header(b, "content-disposition"),
                        "attachment; filename=\"loupe-agent.csv\"");
    assert_int_equal(strncmp(b->response.body, "agent,cases_opened,", 19), 0);
    const char *row = strstr(b->response.body,
                             "\r\n\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\",");
    assert_non_null(row);
    assert_null(strstr(b->response.body, "\n="));
    size_t columns = 0, fields = 0;
    for (const char *p = b->response.body; *p != '\r'; p++)
        columns += *p == ',';
    for (const char *p = strstr(row, ")\","); *p != '\r'; p++)
        fields += *p == ',';
    assert_int_equal(fields, columns);
    assert_int_equal(figures(b, ROLE_SUPERVISOR, "format=csv"), 200);
    assert_non_null(strstr(b->response.body, "\r\n,1,0,0,1,0,1,0,1,1,0,1.0000,1.0000,30000,"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_figures), TEST(test_who_gets_figures), TEST(test_bad_times),
        TEST(test_grouped), TEST(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
