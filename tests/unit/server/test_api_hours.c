// SPDX-License-Identifier: Apache-2.0
/* Business hours over HTTP: who reads and sets them, conditions, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

#define WEEK                                                                                       \
    "{'time_zone':'Asia/Shanghai','weekly':{'wednesday':[{'opens':'09:00','closes':'18:00'}]}}"

static int put(struct api_bench *b, const char *team, const char *if_match, const char *body)
{
    return api_on_store(
        b, api_hours_put,
        (struct api_ask){
            .role = ROLE_SERVICE, .param = {team}, .if_match = if_match, .body = body});
}

static int get(struct api_bench *b, enum role role, const char *team)
{
    return api_on_store(b, api_hours_get, (struct api_ask){.role = role, .param = {team}});
}

static void test_set_and_read(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(get(b, ROLE_AGENT, NULL), 404);
    assert_int_equal(put(b, NULL, "\"1\"", WEEK), 412);
    assert_int_equal(put(b, NULL, NULL, WEEK), 201);
    assert_string_equal(b->response.etag, "\"1\"");
    assert_int_equal(put(b, "Watches", NULL, WEEK), 201);
    assert_int_equal(get(b, ROLE_AGENT, NULL), 200);
    assert_string_equal(api_text(b, "time_zone"), "Asia/Shanghai");
    assert_string_equal(api_text(b, "teams.0"), "watches");
    assert_string_equal(api_text(b, "weekly.wednesday.0.opens"), "09:00");
    /* 2023-11-14T22:13:21Z is Wednesday morning there */
    assert_string_equal(api_text(b, "now.opens_at"), "2023-11-15T01:00:00.000Z");
    assert_true(json_is_false(json_object_get(json_object_get(b->body, "now"), "open")));
    assert_int_equal(get(b, ROLE_AGENT, "WATCHES"), 200);
    assert_string_equal(api_text(b, "team"), "watches");
    assert_int_equal(get(b, ROLE_AGENT, "bags"), 404);
    char *same = json_dumps(b->body, 0); /* a problem: not to be put */
    assert_int_equal(put(b, NULL, "\"1\"", same), 400);
    free(same);
    assert_int_equal(get(b, ROLE_AGENT, NULL), 200);
    same = json_dumps(b->body, 0); /* what was read may be put */
    assert_int_equal(put(b, NULL, "\"1\"", same), 200);
    free(same);
    assert_int_equal(put(b, NULL, "\"1\"", WEEK), 412);
    assert_int_equal(put(b, NULL, "\"2\"", WEEK), 200);
}

static void test_removed(void **state)
{
    struct api_bench *b = *state;
    struct api_ask ask = {.role = ROLE_SUPERVISOR};
    assert_int_equal(api_on_store(b, api_hours_delete, ask), 404);
    assert_int_equal(put(b, NULL, NULL, WEEK), 201);
    ask.if_match = "\"7\"";
    assert_int_equal(api_on_store(b, api_hours_delete, ask), 412);
    ask.if_match = "\"1\"";
    assert_int_equal(api_on_store(b, api_hours_delete, ask), 204);
    assert_int_equal(get(b, ROLE_SERVICE, NULL), 404);
}

static void test_refused(void **state)
{
    struct api_bench *b = *state;
    static const char writes[ROLE_COUNT + 1] = "......yy.", reads[ROLE_COUNT + 1] = ".yyy..yy.";
    assert_int_equal(put(b, NULL, NULL, WEEK), 201);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        const struct api_ask ask = {.role = (enum role)r, .body = WEEK};
        assert_int_equal(api_on_store(b, api_hours_put, ask), writes[r] == 'y' ? 200 : 403);
        assert_int_equal(get(b, (enum role)r, NULL), reads[r] == 'y' ? 200 : 403);
    }
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(api_on_store(b, api_hours_get, foreign), 404);
    const struct api_ask bound = {.role = ROLE_SERVICE, .of_case = &b->sc.id, .body = WEEK};
    assert_int_equal(api_on_store(b, api_hours_put, bound), 403);
    assert_int_equal(put(b, NULL, NULL, "{'weekly':{}}"), 400);
    assert_int_equal(put(b, NULL, NULL, "{'time_zone':'Mars/Olympus','weekly':{}}"), 400);
    assert_int_equal(put(b, NULL, NULL, "{'time_zone':'UTC','weekly':{},'x':1}"), 400);
    assert_int_equal(put(b, NULL, NULL, "{'time_zone':'UTC','weekly':{'monday':1}}"), 400);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {TEST(test_set_and_read), TEST(test_removed),
                                       TEST(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
