// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups and the wishes for pairing over HTTP: who may, what is refused, what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/store_wraps.h"
#include "tests/unit/support/api_bench.h"

/** Ann's call on the bench's case has ended. */
static void call(struct api_bench *b)
{
    struct store_case after;
    struct store_wrap w = {.case_id = b->sc.id, .agent = "ann", .seconds = 60, .required = true};
    json_t *data = json_pack("{s:s}", "agent", "ann");
    bool asked;
    struct store_action a = {.case_id = b->sc.id,
                             .action = CASE_START_CALL,
                             .actor = "ann",
                             .role = ROLE_COUNT,
                             .data = data};
    assert_int_equal(store_case_act(b->w.store, &a, b->unix_us, &after), 0);
    store_case_clear(&after);
    a.action = CASE_END_CALL;
    a.data = NULL;
    json_decref(data);
    data = json_pack("{s:s}", "reason", "left");
    a.data = data;
    assert_int_equal(store_wrap_end_call(b->w.store, &a, b->unix_us, &w, &after, &asked), 0);
    assert_true(asked);
    store_case_clear(&after);
    json_decref(data);
}

static int give(struct api_bench *b, enum role role, const char *who, const char *body)
{
    return api_on_loop(
        b, api_wrap_give,
        (struct api_ask){
            .role = role, .who = who, .method = HTTP_POST, .param = {b->sc.id.text}, .body = body});
}

static int list(struct api_bench *b, enum role role, const char *who)
{
    return api_on_store(b, api_wraps_list, (struct api_ask){.role = role, .who = who});
}

static void test_who_gives_it(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = ".yy...y..";
    static const char one[] = "{'disposition':'solved','note':'It was upside down.'}";
    static const char theirs[] = "{'disposition':'solved','agent':'ann'}";
    assert_int_equal(give(b, ROLE_AGENT, "ann", one), 404); /* there was no call */
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        call(b);
        bool own = may[r] == 'y' && r != ROLE_SUPERVISOR;
        if (!own)
            assert_int_equal(give(b, (enum role)r, "ann", one), r == ROLE_SUPERVISOR ? 200 : 403);
        else
            assert_int_equal(give(b, (enum role)r, "ann", one), 200);
    }
    call(b);
    assert_int_equal(give(b, ROLE_AGENT, "abe", one), 404);
    assert_int_equal(give(b, ROLE_AGENT, "abe", theirs), 403);
    assert_int_equal(give(b, ROLE_SUPERVISOR, "sue", theirs), 200);
    assert_string_equal(api_text(b, "disposition"), "solved");
    assert_string_equal(api_text(b, "agent"), "ann");
    call(b);
    struct api_ask foreign = {.role = ROLE_AGENT,
                              .who = "ann",
                              .foreign = true,
                              .method = HTTP_POST,
                              .param = {b->sc.id.text},
                              .body = one};
    assert_int_equal(api_on_loop(b, api_wrap_give, foreign), 404);
    foreign.body = "{}";
    assert_int_equal(api_on_loop(b, api_wrap_extend, foreign), 404);
}

static void test_what_is_refused(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {
        "{}",
        "{'disposition':'great'}",
        "{'disposition':1}",
        "{'disposition':'solved','note':1}",
        "{'disposition':'solved','note':''}",
        "{'disposition':'solved','agent':7}",
    };
    call(b);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(give(b, ROLE_AGENT, "ann", bad[i]),
                         strstr(bad[i], "'note':''") ? 200 : 400);
}

static void test_lists_and_more_time(void **state)
{
    struct api_bench *b = *state;
    static const char all[ROLE_COUNT + 1] = ".oo...aa."; /* own, all */
    call(b);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        assert_int_equal(list(b, (enum role)r, "abe"), all[r] == '.' ? 403 : 200);
        if (all[r] != '.')
            assert_int_equal(json_array_size(json_object_get(b->body, "items")), all[r] == 'a');
    }
    assert_int_equal(list(b, ROLE_AGENT, "ann"), 200);
    assert_string_equal(api_text(b, "items.0.case"), b->sc.id.text);
    const struct api_ask more = {.role = ROLE_AGENT,
                                 .who = "ann",
                                 .method = HTTP_POST,
                                 .param = {b->sc.id.text},
                                 .body = "{}"};
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(api_on_loop(b, api_wrap_extend, more), i < 4 ? 200 : 409);
        if (i < 4)
            assert_int_equal(json_integer_value(json_object_get(b->body, "extensions")), i);
    }
}

static void test_pairing(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = "......yy.";
    struct api_ask put = {.role = ROLE_SERVICE,
                          .method = HTTP_PUT,
                          .body = "{'wrap_up':{'seconds':30},'first_line':[{'kind':'live'}]}"};
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        put.role = (enum role)r;
        assert_int_equal(api_on_store(b, api_pairing_put, put), may[r] == 'y' ? 200 : 403);
        assert_int_equal(api_on_store(b, api_pairing_get, put), may[r] == 'y' ? 200 : 403);
    }
    put.role = ROLE_SUPERVISOR;
    assert_int_equal(api_on_store(b, api_pairing_get, put), 200);
    assert_string_equal(api_text(b, "first_line.0.kind"), "live");
    assert_true(json_is_true(
        json_object_get(json_object_get(b->body, "wrap_up"), "required"))); /* as usual */
    put.foreign = true;
    assert_int_equal(api_on_store(b, api_pairing_get, put), 200);
    assert_string_equal(api_text(b, "first_line.0.kind"), "");
    put.foreign = false;
    put.body = "{'wrap_up':{'seconds':0}}";
    assert_int_equal(api_on_store(b, api_pairing_put, put), 400);
    put.of_case = &b->sc.id;
    assert_int_equal(api_on_store(b, api_pairing_get, put), 403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_who_gives_it),
        TEST(test_what_is_refused),
        TEST(test_lists_and_more_time),
        TEST(test_pairing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
