// SPDX-License-Identifier: Apache-2.0
/* Who changed what, and who read which case: told, in pages, to whom it concerns; and never changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_sql.h"
#include "tests/unit/support/api_bench.h"

static int log_of(struct api_bench *b, const char *query)
{
    return api_on_store(b, api_log, (struct api_ask){.role = ROLE_SUPERVISOR, .query = query});
}

static size_t entries(struct api_bench *b)
{
    return json_array_size(json_object_get(b->body, "items"));
}

static void test_changes(void **state)
{
    struct api_bench *b = *state;
    char id[64];
    const struct api_ask make = {
        .role = ROLE_SERVICE, .who = "shop", .body = "{'url':'https://a.example/x'}"};
    assert_int_equal(api_on_store(b, api_hook_create, make), 201);
    (void)snprintf(id, sizeof id, "%s", api_text(b, "id"));
    const struct api_ask move = {.role = ROLE_SUPERVISOR,
                                 .who = "zhao",
                                 .param = {id},
                                 .body = "{'url':'https://b.example/','enabled':false}"};
    assert_int_equal(api_on_store(b, api_hook_change, move), 200);
    assert_int_equal(
        api_on_store(b, api_hook_rotate,
                     (struct api_ask){.role = ROLE_SERVICE, .param = {id}, .body = "{}"}),
        200);
    assert_int_equal(
        api_on_store(b, api_hook_delete, (struct api_ask){.role = ROLE_SERVICE, .param = {id}}),
        204);
    assert_int_equal(
        api_on_store(b, api_hook_delete, (struct api_ask){.role = ROLE_SERVICE, .param = {id}}),
        404);
    assert_int_equal(api_on_store(b, api_key_create,
                                  (struct api_ask){.role = ROLE_SERVICE, .body = "{'id':'till'}"}),
                     201);
    const struct api_ask timers = {.role = ROLE_SUPERVISOR, .body = "{'open':3600}"};
    assert_int_equal(api_on_store(b, api_timers_put, timers), 200);
    assert_int_equal(log_of(b, NULL), 200);
    assert_int_equal(entries(b), 6);
    assert_string_equal(api_text(b, "items.5.action"), "timers_changed");
    assert_string_equal(api_text(b, "items.0.action"), "webhook_created");
    assert_string_equal(api_text(b, "items.0.actor"), "shop");
    assert_string_equal(api_text(b, "items.1.actor"), "zhao");
    assert_string_equal(api_text(b, "items.1.subject"), id);
    assert_string_equal(api_text(b, "items.1.data.url"), "https://b.example/");
    assert_string_equal(api_text(b, "items.2.action"), "webhook_rotated");
    assert_string_equal(api_text(b, "items.3.action"), "webhook_removed");
    assert_string_equal(api_text(b, "items.4.action"), "api_key_created");
    assert_int_equal(log_of(b, "limit=2&cursor=1"), 200);
    assert_int_equal(entries(b), 2);
    assert_string_equal(api_text(b, "next_cursor"), "3");
    assert_int_equal(sql_run(b->w.store, NULL, "UPDATE log SET actor = 'nobody'", ""), ER_CONFLICT);
    assert_int_equal(sql_run(b->w.store, NULL, "DELETE FROM log", ""), ER_CONFLICT);
}

static void test_reads(void **state)
{
    struct api_bench *b = *state;
    const struct api_ask ann = {.role = ROLE_AGENT, .who = "ann", .param = {b->sc.id.text}};
    const struct api_ask abe = {.role = ROLE_AGENT, .who = "abe", .param = {b->sc.id.text}};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(api_on_store(b, api_case_get, ann), 200);
    assert_int_equal(api_on_store(b, api_timeline, ann), 200);
    assert_int_equal(api_on_store(b, api_timeline, abe), 200);
    const struct api_ask foreign = {.role = ROLE_AGENT, .foreign = true, .param = {b->sc.id.text}};
    assert_int_equal(api_on_store(b, api_case_get, foreign), 403);
    assert_int_equal(log_of(b, NULL), 200);
    assert_int_equal(entries(b), 2);
    assert_string_equal(api_text(b, "items.0.action"), "case_read");
    assert_string_equal(api_text(b, "items.0.actor"), "ann");
    assert_string_equal(api_text(b, "items.0.subject"), b->sc.id.text);
    b->unix_us += UINT64_C(86400000001);
    assert_int_equal(api_on_store(b, api_case_get, ann), 200);
    assert_int_equal(log_of(b, NULL), 200);
    assert_int_equal(entries(b), 3);
}

static void test_who_reads_it(void **state)
{
    struct api_bench *b = *state;
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        bool may = r == ROLE_SUPERVISOR || r == ROLE_SERVICE;
        const struct api_ask ask = {.role = (enum role)r},
                             bound = {.role = (enum role)r, .of_case = &b->sc.id};
        assert_int_equal(api_on_store(b, api_log, ask), may ? 200 : 403);
        assert_int_equal(api_on_store(b, api_log, bound), 403);
    }
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(api_on_store(b, api_case_get,
                                  (struct api_ask){.role = ROLE_AGENT, .param = {b->sc.id.text}}),
                     200);
    assert_int_equal(api_on_store(b, api_log, foreign), 200);
    assert_int_equal(entries(b), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_changes),
        TEST(test_reads),
        TEST(test_who_reads_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
