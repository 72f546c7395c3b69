// SPDX-License-Identifier: Apache-2.0
/* Periods and holds over HTTP: who may say what, and what is told of clips and stills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store_keep.h"
#include "tests/unit/support/api_bench.h"

static int hold(struct api_bench *b, enum role role, const char *body)
{
    return api_on_store(b, api_hold_place,
                        (struct api_ask){.role = role,
                                         .of_case = &b->sc.id,
                                         .method = HTTP_POST,
                                         .param = {b->sc.id.text},
                                         .body = body});
}

static int lift(struct api_bench *b, enum role role, const char *id, const char *body)
{
    return api_on_store(
        b, api_hold_lift,
        (struct api_ask){.role = role, .of_case = &b->sc.id, .param = {id}, .body = body});
}

static int put(struct api_bench *b, enum role role, const char *body)
{
    return api_on_store(b, api_retention_put,
                        (struct api_ask){.role = role, .method = HTTP_PUT, .body = body});
}

static void test_who_may(void **state)
{
    struct api_bench *b = *state;
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool forgets = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        bool holds = forgets || role == ROLE_ARBITER;
        char id[ID_TEXT_BYTES] = "01hzzzzzzzzzzzzzzzzzzzzzz0";
        assert_int_equal(put(b, role, "{'clip_seconds':7}"), forgets ? 200 : 403);
        assert_int_equal(api_on_store(b, api_retention_get, (struct api_ask){.role = role}),
                         forgets ? 200 : 403);
        assert_int_equal(hold(b, role, "{'reason':'court'}"), holds ? 201 : 403);
        if (holds)
            (void)snprintf(id, sizeof id, "%s", api_text(b, "id"));
        assert_int_equal(
            api_on_store(
                b, api_holds_list,
                (struct api_ask){.role = role, .of_case = &b->sc.id, .param = {b->sc.id.text}}),
            role == ROLE_VIEWER ? 403 : 200);
        assert_int_equal(lift(b, role, id, "{'reason':'over'}"), holds ? 200 : 403);
    }
    struct store_case other = world_case(&b->w, "bo");
    const struct api_ask stranger = {.role = ROLE_SUPERVISOR,
                                     .of_case = &other.id,
                                     .param = {b->sc.id.text},
                                     .body = "{'reason':'x'}"};
    assert_int_equal(api_on_store(b, api_hold_place, stranger), 403);
    assert_int_equal(api_on_store(b, api_holds_list, stranger), 403);
}

static void test_periods(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(put(b, ROLE_SERVICE, "{'clip_seconds':7,'photo_seconds':9}"), 200);
    assert_int_equal(put(b, ROLE_SERVICE, "{'photo_seconds':null}"), 200);
    assert_int_equal(json_integer_value(json_object_get(b->body, "clip_seconds")), 7);
    assert_true(json_is_null(json_object_get(b->body, "photo_seconds")));
    assert_int_equal(json_object_size(b->body), KEEP_KINDS);
    static const char *const bad[] = {"{'clip_seconds':0}", "{'clip_seconds':-1}",
                                      "{'clip_seconds':'7'}", "{'clip_seconds':3155760001}",
                                      "{'chat_seconds':7}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(put(b, ROLE_SERVICE, bad[i]), 400);
    struct store_retention r; /* of the token's merchant alone */
    assert_int_equal(store_retention_get(b->w.store, b->sc.merchant, &r), 0);
    assert_int_equal(r.seconds[KEEP_CLIP], 7);
    assert_int_equal(store_retention_get(b->w.store, "another", &r), 0);
    assert_int_equal(r.seconds[KEEP_CLIP], 0);
}

/** Who may do anything in one case does not so decide what becomes of the others'. */
static void test_a_token_for_one_case_sets_no_periods(void **state)
{
    struct api_bench *b = *state;
    static const enum role roles[] = {ROLE_SERVICE, ROLE_SUPERVISOR};
    for (size_t i = 0; i < 2; i++) {
        const struct api_ask bound = {.role = roles[i],
                                      .of_case = &b->sc.id,
                                      .method = HTTP_PUT,
                                      .body = "{'clip_seconds':1}"};
        assert_int_equal(api_on_store(b, api_retention_put, bound), 403);
        assert_int_equal(api_on_store(b, api_retention_get, bound), 403);
    }
    struct store_retention r;
    assert_int_equal(store_retention_get(b->w.store, b->sc.merchant, &r), 0);
    assert_int_equal(r.seconds[KEEP_CLIP], 0);
}

static void test_who_changed_a_period_is_told(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(put(b, ROLE_SERVICE, "{'clip_seconds':7,'photo_seconds':9}"), 200);
    assert_int_equal(b->app.retention_changes, 2);
    assert_int_equal(put(b, ROLE_SERVICE, "{'clip_seconds':7,'trim_seconds':0}"), 400);
    assert_int_equal(put(b, ROLE_SERVICE, "{'clip_seconds':7}"), 200);
    assert_int_equal(b->app.retention_changes, 2);
    struct api_ask sue = {
        .role = ROLE_SUPERVISOR, .who = "sue", .method = HTTP_PUT, .body = "{'clip_seconds':null}"};
    assert_int_equal(api_on_store(b, api_retention_put, sue), 200);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool may = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        struct api_ask ask = {.role = role, .query = "cursor=1&limit=2"};
        assert_int_equal(api_on_store(b, api_retention_changes, ask), may ? 200 : 403);
        ask.of_case = &b->sc.id;
        assert_int_equal(api_on_store(b, api_retention_changes, ask), 403);
    }
    assert_int_equal(
        api_on_store(b, api_retention_changes,
                     (struct api_ask){.role = ROLE_SUPERVISOR, .query = "cursor=1&limit=2"}),
        200);
    const json_t *items = json_object_get(b->body, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_string_equal(api_text(b, "items.0.kind"), "photo");
    assert_string_equal(api_text(b, "items.0.actor"), "me");
    assert_string_equal(api_text(b, "items.1.actor"), "sue");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(items, 1), "from_seconds")),
                     7);
    assert_true(json_is_null(json_object_get(json_array_get(items, 1), "to_seconds")));
    assert_string_equal(api_text(b, "next_cursor"), "");
    assert_int_equal(api_on_store(b, api_retention_changes,
                                  (struct api_ask){.role = ROLE_SERVICE, .query = "limit=1"}),
                     200);
    assert_string_equal(api_text(b, "next_cursor"), "1");
    assert_int_equal(api_on_store(b, api_retention_changes,
                                  (struct api_ask){.role = ROLE_SERVICE, .foreign = true}),
                     200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
}

static void test_only_an_arbiter_lifts_an_arbiters(void **state)
{
    struct api_bench *b = *state;
    char id[ID_TEXT_BYTES];
    assert_int_equal(hold(b, ROLE_ARBITER, "{'reason':'dispute 7'}"), 201);
    (void)snprintf(id, sizeof id, "%s", api_text(b, "id"));
    assert_int_equal(lift(b, ROLE_SERVICE, id, "{'reason':'cheaper'}"), 403);
    assert_int_equal(lift(b, ROLE_ARBITER, id, "{}"), 400);
    assert_int_equal(lift(b, ROLE_ARBITER, id, "{'reason':'settled'}"), 200);
    assert_string_equal(api_text(b, "lift_reason"), "settled");
    assert_int_equal(lift(b, ROLE_ARBITER, id, "{'reason':'settled'}"), 409);
    assert_int_equal(world_events(&b->w, &b->sc.id, "hold_placed"), 1);
    assert_int_equal(world_events(&b->w, &b->sc.id, "hold_lifted"), 1);
}

static void test_what_can_be_held(void **state)
{
    struct api_bench *b = *state;
    struct store_clip c = {.case_id = b->sc.id, .room = b->sc.room, .kind = "clip", .path = "p"};
    char body[128];
    assert_int_equal(store_clip_add(b->w.store, &c, b->unix_us), 0);
    assert_int_equal(put(b, ROLE_SERVICE, "{'clip_seconds':60}"), 200);
    const struct api_ask look = {.role = ROLE_AGENT, .param = {c.id.text}};
    assert_int_equal(api_on_store(b, api_clip_get, look), 200);
    assert_true(json_is_false(json_object_get(b->body, "held")));
    assert_true(json_is_string(json_object_get(b->body, "kept_until")));
    (void)snprintf(body, sizeof body, "{'reason':'r','clip':'%s'}", c.id.text);
    assert_int_equal(hold(b, ROLE_SERVICE, body), 201);
    assert_string_equal(api_text(b, "clip"), c.id.text);
    assert_int_equal(api_on_store(b, api_clip_get, look), 200);
    assert_true(json_is_true(json_object_get(b->body, "held")));
    static const char *const bad[] = {"{}", "{'reason':''}", "{'reason':7}",
                                      "{'reason':'r','clip':'x'}", "{'reason':'r','still':7}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hold(b, ROLE_SERVICE, bad[i]), 400);
    assert_int_equal(hold(b, ROLE_SERVICE, "{'reason':'r','still':'01hzzzzzzzzzzzzzzzzzzzzzz0'}"),
                     404);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_who_may),
        TEST(test_periods),
        TEST(test_a_token_for_one_case_sets_no_periods),
        TEST(test_who_changed_a_period_is_told),
        TEST(test_only_an_arbiter_lifts_an_arbiters),
        TEST(test_what_can_be_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
