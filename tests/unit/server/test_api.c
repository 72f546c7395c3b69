// SPDX-License-Identifier: Apache-2.0
/* What REST handlers share, and the handlers of the store thread called straight: rights, bodies,
 * entity tags. Over real HTTP: tests/net. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/api.h"

#define T0 UINT64_C(1795298400000000)

struct bench {
    struct entropy_seeded seeded;
    struct app app;
    struct store_case sc;
};

static void bench_start(struct bench *b)
{
    memset(b, 0, sizeof *b);
    b->app.entropy = entropy_seeded_init(&b->seeded, 5);
    (void)str_copy(b->app.base_url, sizeof b->app.base_url, "http://h");
    assert_int_equal(auth_new(&b->app.auth), 0);
    assert_int_equal(auth_add_key(b->app.auth, "k", "s", "m"), 0);
    assert_int_equal(store_open(&b->app.store, ":memory:", &b->app.entropy, NULL), 0);
    struct store_case c = {.merchant = "m", .title = "t", .buyer = "lin", .buyer_name = "Lin"};
    bool repeated;
    assert_int_equal(store_case_create(b->app.store, &c, "shop", "k", NULL, "", T0, &repeated), 0);
    b->sc = c;
}

static void bench_stop(struct bench *b)
{
    store_case_clear(&b->sc);
    store_close(b->app.store);
    auth_free(b->app.auth);
}

/** Calls a handler as `role`; the status, and the body parsed. */
static int call(struct bench *b, void (*handler)(struct store *s, struct api_call *c),
                enum role role, const char *param0, const char *param1, const char *body,
                const char *if_match, json_t **ret_body)
{
    struct http_request request = {.method = HTTP_POST, .if_match = (char *)(uintptr_t)if_match};
    struct api_call c = {.app = &b->app, .request = &request, .has_claims = true, .unix_us = T0};
    c.claims = (struct claims){.key = "k", .merchant = "m", .identity = "me", .role = role};
    c.claims.grants = role_describe(role)->grants;
    if (role == ROLE_BUYER)
        c.claims.case_id = b->sc.id;
    (void)str_copy(c.params.values[0], ROUTE_PARAM_BYTES, param0);
    (void)str_copy(c.params.values[1], ROUTE_PARAM_BYTES, param1);
    c.body = json_loads(body, 0, NULL);
    assert_non_null(c.body);
    handler(b->app.store, &c);
    int status = c.response.status;
    *ret_body = c.response.body ? json_loads(c.response.body, 0, NULL) : NULL;
    http_response_clear(&c.response);
    json_decref(c.body);
    return status;
}

static void test_encode(void **state)
{
    (void)state;
    char text[64];
    api_encode("a-Z_0.~", text, sizeof text);
    assert_string_equal(text, "a-Z_0.~");
    api_encode("a b&林", text, sizeof text);
    assert_string_equal(text, "a%20b%26%e6%9e%97");
    api_encode("aaaaaaaaaaaaaaaaaaaaaaaaaaa", text, 8);
    assert_true(strlen(text) < 8);
}

static void test_arbiters_see_what_was_disputed(void **state)
{
    (void)state;
    struct bench b;
    json_t *body;
    bench_start(&b);
    const char *id = b.sc.id.text;
    assert_int_equal(call(&b, api_case_get, ROLE_ARBITER, id, "", "{}", NULL, &body), 403);
    json_decref(body);
    assert_int_equal(
        call(&b, api_case_act, ROLE_AGENT, id, "propose", "{\"outcome\":\"refund\"}", NULL, &body),
        200);
    json_decref(body);
    assert_int_equal(
        call(&b, api_case_act, ROLE_BUYER, id, "dispute", "{\"statement\":\"no\"}", NULL, &body),
        200);
    json_decref(body);
    assert_int_equal(call(&b, api_case_get, ROLE_ARBITER, id, "", "{}", NULL, &body), 200);
    json_decref(body);
    assert_int_equal(call(&b, api_cases_list, ROLE_ARBITER, "", "", "{}", NULL, &body), 200);
    assert_int_equal(json_array_size(json_object_get(body, "items")), 1);
    json_decref(body);
    bench_stop(&b);
}

static void test_if_match(void **state)
{
    (void)state;
    struct bench b;
    json_t *body;
    bench_start(&b);
    const char *id = b.sc.id.text;
    static const char propose[] = "{\"outcome\":\"refund\"}";
    assert_int_equal(call(&b, api_case_act, ROLE_AGENT, id, "propose", propose, "\"2\"", &body),
                     412);
    json_decref(body);
    assert_int_equal(call(&b, api_case_act, ROLE_AGENT, id, "propose", propose, "W/\"1\"", &body),
                     412);
    json_decref(body);
    assert_int_equal(call(&b, api_case_act, ROLE_AGENT, id, "propose", propose, "\"1\"", &body),
                     200);
    json_decref(body);
    assert_int_equal(call(&b, api_case_act, ROLE_AGENT, id, "execute", "{}", "*", &body), 409);
    json_t *allowed = json_object_get(body, "allowed_states");
    assert_int_equal(json_array_size(allowed), 2);
    json_decref(body);
    bench_stop(&b);
}

static void test_conductor_actions_are_not_for_people(void **state)
{
    (void)state;
    struct bench b;
    json_t *body;
    static const char *const names[] = {"wait", "stop_wait", "start_call", "end_call", "", "x"};
    bench_start(&b);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(
            call(&b, api_case_act, ROLE_AGENT, b.sc.id.text, names[i], "{}", NULL, &body), 404);
        json_decref(body);
    }
    bench_stop(&b);
}

static void test_invites_by_role(void **state)
{
    (void)state;
    struct bench b;
    json_t *body;
    bench_start(&b);
    /* Rows: who is invited; columns: by whom (buyer agent appraiser arbiter host viewer supervisor
     * service bot). The arbiter here sees the case only once it is disputed. */
    static const struct {
        const char *role, *by;
    } rows[] = {
        {"buyer", ".yy.y..y."},     {"viewer", ".yy.y..y."},  {"agent", ".yy.y..y."},
        {"appraiser", ".yy.y..y."}, {"arbiter", ".......y."}, {"host", "....y..y."},
        {"bot", ".......y."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned r = 0; r < ROLE_COUNT; r++) {
            char text[64];
            (void)snprintf(text, sizeof text, "{\"role\":\"%s\"}", rows[i].role);
            int status = call(&b, api_invite, (enum role)r, b.sc.id.text, "", text, NULL, &body);
            assert_int_equal(status, rows[i].by[r] == 'y' ? 201 : 403);
            if (status == 201) {
                const char *url = json_string_value(json_object_get(body, "url"));
                bool guest = i < 2;
                assert_true(
                    strncmp(url, guest ? "http://h/c/#" : "http://h/desk#", guest ? 12 : 14) == 0);
            }
            json_decref(body);
        }
    }
    bench_stop(&b);
}

/** The claims of an invite that this body makes, by an agent whose token may not record. */
static int invite(struct bench *b, const char *text, struct claims *ret)
{
    struct http_request request = {.method = HTTP_POST};
    struct api_call c = {.app = &b->app, .request = &request, .has_claims = true, .unix_us = T0};
    c.claims = (struct claims){.key = "k", .merchant = "m", .identity = "me", .role = ROLE_AGENT};
    c.claims.grants = (struct role_grants){.publish = true, .subscribe = true};
    (void)str_copy(c.params.values[0], ROUTE_PARAM_BYTES, b->sc.id.text);
    c.body = json_loads(text, 0, NULL);
    assert_non_null(c.body);
    api_invite(b->app.store, &c);
    int status = c.response.status;
    json_t *body = json_loads(c.response.body, 0, NULL);
    const char *token = json_string_value(json_object_get(body, "token"));
    const char *why;
    if (status == 201)
        assert_int_equal(auth_verify(b->app.auth, token, strlen(token), T0 / 1000000, ret, &why),
                         0);
    http_response_clear(&c.response);
    json_decref(c.body);
    json_decref(body);
    return status;
}

static void test_invites_hand_out_no_more_than_one_has(void **state)
{
    (void)state;
    struct bench b;
    struct claims claims;
    bench_start(&b);
    assert_int_equal(invite(&b, "{\"role\":\"agent\",\"grants\":{\"record\":true}}", &claims), 201);
    assert_true(claims.grants.publish);
    assert_false(claims.grants.record);
    assert_int_equal(invite(&b, "{\"role\":\"agent\",\"grants\":{\"publish\":\"no\"}}", &claims),
                     400);
    assert_int_equal(invite(&b, "{\"role\":\"buyer\",\"single_use\":\"yes\"}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"name\":\"a\\nb\"}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"identity\":\"a\\tb\"}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"ttl_seconds\":59}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"ttl_seconds\":86401}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"ttl_seconds\":\"60\"}", &claims), 400);
    /* The buyer's word, such as a consent, is the buyer's alone. */
    assert_int_equal(invite(&b, "{\"role\":\"viewer\",\"identity\":\"lin\"}", &claims), 400);
    assert_int_equal(invite(&b, "{\"role\":\"buyer\",\"identity\":\"lin\"}", &claims), 201);
    bench_stop(&b);
}

static void test_clip_addresses(void **state)
{
    (void)state;
    struct media_key key = {{1, 2, 3}};
    json_t *clip = json_pack("{s:s,s:s}", "id", "01hzzzzzzzzzzzzzzzzzzzzzz0", "state", "ready");
    assert_int_equal(api_clip_sign(&key, clip, false, "a b", 1000), 0);
    const char *url = json_string_value(json_object_get(clip, "media_url"));
    assert_non_null(strstr(url, "/api/v1/clips/01hzzzzzzzzzzzzzzzzzzzzzz0/media?person=a%20b"
                                "&expires=1600&signature="));
    assert_true(json_is_null(json_object_get(clip, "poster_url")));
    assert_true(json_is_string(json_object_get(clip, "manifest_url")));
    json_object_set_new(clip, "state", json_string("recording"));
    assert_int_equal(api_clip_sign(&key, clip, true, "a", 1000), 0);
    assert_true(json_is_null(json_object_get(clip, "media_url")));
    json_decref(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_arbiters_see_what_was_disputed),
        cmocka_unit_test(test_if_match),
        cmocka_unit_test(test_conductor_actions_are_not_for_people),
        cmocka_unit_test(test_invites_by_role),
        cmocka_unit_test(test_invites_hand_out_no_more_than_one_has),
        cmocka_unit_test(test_clip_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
