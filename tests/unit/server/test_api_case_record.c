// SPDX-License-Identifier: Apache-2.0
/* A case's record over HTTP: who may change it, who comes too late and what they are told, what the timeline says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

static int change(struct api_bench *b, enum role role, const char *body, const char *if_match)
{
    return api_on_store(
        b, api_case_change,
        (struct api_ask){
            .role = role, .param = {b->sc.id.text}, .body = body, .if_match = if_match});
}

static int act(struct api_bench *b, enum role role, const char *action, const char *body)
{
    return api_on_store(
        b, api_case_act,
        (struct api_ask){.role = role, .param = {b->sc.id.text, action}, .body = body});
}

static void test_changes(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(
        change(b, ROLE_AGENT, "{'title':'Two cups','tier':'gold','order':{'number':'9'}}", "\"1\""),
        200);
    assert_string_equal(api_text(b, "title"), "Two cups");
    assert_string_equal(api_text(b, "order.number"), "9");
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_changed"), 1);
    assert_int_equal(b->app.case_changes, 1);
    /* Nothing else is nothing: no event, no version. */
    assert_int_equal(change(b, ROLE_AGENT, "{'title':'Two cups','tier':'gold'}", "\"2\""), 200);
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(change(b, ROLE_AGENT, "{}", "*"), 200);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_changed"), 1);
    assert_int_equal(change(b, ROLE_SERVICE, "{'tier':null}", "*"), 200);
    assert_string_equal(api_text(b, "tier"), "");
    assert_int_equal(api_on_store(b, api_timeline,
                                  (struct api_ask){.role = ROLE_AGENT, .param = {b->sc.id.text}}),
                     200);
    assert_string_equal(api_text(b, "items.1.data.changes.tier.to"), "gold");
    assert_string_equal(api_text(b, "items.2.data.changes.tier.from"), "gold");
    assert_string_equal(api_text(b, "items.2.data.changes.tier.to"), "");
}

static void test_the_second_is_told(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(change(b, ROLE_AGENT, "{'brand':'Loom'}", NULL), 428);
    assert_int_equal(change(b, ROLE_AGENT, "{'brand':'Loom'}", "\"1\""), 200);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "\"1\""), 412);
    assert_string_equal(b->response.content_type, "application/problem+json");
    assert_string_equal(b->response.etag, "\"2\"");
    assert_string_equal(api_text(b, "case.brand"), "Loom");
    assert_string_equal(api_text(b, "case.id"), b->sc.id.text);
    assert_int_equal(b->app.case_conflicts, 1);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "W/\"2\""), 412);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "\"7\", \"2\""), 200);
    assert_string_equal(api_text(b, "brand"), "Loom");
    assert_string_equal(api_text(b, "title"), "Mine");
}

static void test_who_may(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = ".yy.y..y."; /* agent, appraiser, host, service */
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        char body[32];
        (void)snprintf(body, sizeof body, "{'reason':'%u'}", r);
        assert_int_equal(change(b, (enum role)r, body, "*"), may[r] == 'y' ? 200 : 403);
    }
    const struct api_ask foreign = {.role = ROLE_AGENT,
                                    .foreign = true,
                                    .param = {b->sc.id.text},
                                    .body = "{'tier':'gold'}",
                                    .if_match = "*"};
    assert_int_equal(api_on_store(b, api_case_change, foreign), 403);
    assert_int_equal(change(b, ROLE_AGENT, "{'state':'closed'}", "*"), 400);
    assert_int_equal(change(b, ROLE_AGENT, "{'priority':11}", "*"), 400);
    assert_int_equal(
        api_on_store(b, api_case_change, (struct api_ask){.role = ROLE_AGENT, .param = {"x"}}),
        404);
}

static void test_what_is_over_stays(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(act(b, ROLE_AGENT, "cancel", "{}"), 200);
    assert_int_equal(change(b, ROLE_AGENT, "{'tier':'gold'}", "*"), 409);
    assert_int_equal(json_array_size(json_object_get(b->body, "allowed_states")), 9);
    assert_int_equal(act(b, ROLE_AGENT, "reopen", "{}"), 200);
    assert_int_equal(change(b, ROLE_AGENT, "{'tier':'gold'}", "*"), 200);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_changes),
        TEST(test_the_second_is_told),
        TEST(test_who_may),
        TEST(test_what_is_over_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
