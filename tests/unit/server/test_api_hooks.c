// SPDX-License-Identifier: Apache-2.0
/* Webhooks over HTTP: who may, what is refused, secrets shown once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store_hooks.h"
#include "tests/unit/support/api_bench.h"

#define URL "'url':'https://shop.example/hooks'"

static int create(struct api_bench *b, const char *body)
{
    return api_on_store(b, api_hook_create,
                        (struct api_ask){.role = ROLE_SERVICE, .method = HTTP_POST, .body = body});
}

static int ask(struct api_bench *b, void (*handler)(struct store *s, struct api_call *c),
               const char *id, const char *body)
{
    return api_on_store(b, handler,
                        (struct api_ask){.role = ROLE_SERVICE, .param = {id}, .body = body});
}

static void keep_id(struct api_bench *b, char ret[ID_TEXT_BYTES])
{
    (void)snprintf(ret, ID_TEXT_BYTES, "%s", api_text(b, "id"));
}

static void test_who_may(void **state)
{
    struct api_bench *b = *state;
    char id[ID_TEXT_BYTES];
    assert_int_equal(create(b, "{" URL "}"), 201);
    keep_id(b, id);
    static void (*const handlers[])(struct store * s, struct api_call * c) = {
        api_hooks_list,      api_hook_get,      api_hook_change,          api_hook_rotate,
        api_hook_deliveries, api_hook_delivery, api_hook_delivery_replay, api_hook_replay,
        api_hook_test,       api_hook_delete};
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool may = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
            struct api_ask a = {.role = role, .param = {id, "1"}, .body = "{}"};
            int status = api_on_store(b, handlers[i], a);
            if (may)
                assert_int_not_equal(status, 403);
            else
                assert_int_equal(status, 403);
            a.of_case = &b->sc.id; /* a token for one case */
            assert_int_equal(api_on_store(b, handlers[i], a), 403);
            a.of_case = NULL;
            a.foreign = true;
            status = api_on_store(b, handlers[i], a);
            assert_int_equal(status, !may ? 403 : handlers[i] == api_hooks_list ? 200 : 404);
        }
        if (may) { /* it was deleted */
            assert_int_equal(create(b, "{" URL "}"), 201);
            keep_id(b, id);
        }
    }
}

static void test_what_is_refused(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {
        "{}",
        "{'url':7}",
        "{'url':'http://shop.example/'}",
        "{'url':'https://127.0.0.1/'}",
        "{'url':'https://169.254.169.254/latest'}",
        "{'url':'https://me:pw@shop.example/'}",
        "{" URL ",'event_types':'closed'}",
        "{" URL ",'event_types':[7]}",
        "{" URL ",'event_types':['']}",
        "{" URL ",'event_types':['a,b']}",
        "{" URL ",'event_types':['Closed']}",
        "{" URL ",'description':7}",
        "{" URL ",'enabled':1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (create(b, bad[i]) != 400)
            fail_msg("taken: %s", bad[i]);
    }
    for (int i = 0; i < LIMIT_HOOKS; i++)
        assert_int_equal(create(b, "{" URL "}"), 201);
    assert_int_equal(create(b, "{" URL "}"), 429);
}

static void test_a_life(void **state)
{
    struct api_bench *b = *state;
    char id[ID_TEXT_BYTES], secret[HOOK_SECRET_BYTES];
    assert_int_equal(
        create(b, "{" URL ",'event_types':['closed','ruled'],'description':'back end'}"), 201);
    keep_id(b, id);
    (void)snprintf(secret, sizeof secret, "%s", api_text(b, "secret"));
    assert_int_equal(strlen(secret), HOOK_SECRET_BYTES - 1);
    assert_string_equal(api_text(b, "event_types.1"), "ruled");
    assert_non_null(strstr(api_header(b, "location"), id));
    assert_int_equal(ask(b, api_hook_get, id, NULL), 200);
    assert_string_equal(api_text(b, "secret"), ""); /* shown once */
    assert_int_equal(ask(b, api_hooks_list, id, NULL), 200);
    assert_string_equal(api_text(b, "items.0.id"), id);
    assert_string_equal(api_text(b, "items.0.secret"), "");
    assert_int_equal(ask(b, api_hook_change, id, "{'event_types':[],'enabled':false}"), 200);
    assert_string_equal(api_text(b, "disabled"), "asked");
    assert_string_equal(api_text(b, "description"), "back end");
    assert_int_equal(json_array_size(json_object_get(b->body, "event_types")), 0);
    assert_int_equal(ask(b, api_hook_test, id, "{}"), 409);
    assert_int_equal(ask(b, api_hook_replay, id, "{'dead':true}"), 409);
    assert_int_equal(ask(b, api_hook_change, id, "{'enabled':true}"), 200);
    assert_int_equal(ask(b, api_hook_change, id, "{'url':'https://10.0.0.1/'}"), 400);
    assert_int_equal(ask(b, api_hook_rotate, id, "{'overlap_seconds':-1}"), 400);
    assert_int_equal(ask(b, api_hook_rotate, id, "{}"), 200);
    assert_string_not_equal(api_text(b, "secret"), secret);
    assert_string_not_equal(api_text(b, "old_secret_until"), "");
    assert_int_equal(ask(b, api_hook_delete, id, NULL), 204);
    assert_int_equal(ask(b, api_hook_get, id, NULL), 404);
    assert_int_equal(ask(b, api_hook_get, "x", NULL), 404);
}

static void test_deliveries(void **state)
{
    struct api_bench *b = *state;
    char id[ID_TEXT_BYTES], body[128], number[32];
    assert_int_equal(create(b, "{" URL "}"), 201);
    keep_id(b, id);
    assert_int_equal(ask(b, api_hook_test, id, "{}"), 202);
    assert_string_equal(api_text(b, "type"), "webhook_test");
    (void)snprintf(body, sizeof body, "{'case':'%s'}", b->sc.id.text);
    assert_int_equal(ask(b, api_hook_replay, id, body), 202);
    assert_int_not_equal(json_integer_value(json_object_get(b->body, "queued")), 0);
    assert_int_equal(ask(b, api_hook_replay, id, "{}"), 400);
    assert_int_equal(ask(b, api_hook_replay, id, "{'case':'x'}"), 400);
    assert_int_equal(ask(b, api_hook_replay, id, "{'case':'01hzzzzzzzzzzzzzzzzzzzzzz0'}"), 404);
    assert_int_equal(ask(b, api_hook_replay, id, "{'dead':true}"), 202);
    struct api_ask list = {.role = ROLE_SERVICE, .param = {id}, .query = "limit=1&state=waiting"};
    assert_int_equal(api_on_store(b, api_hook_deliveries, list), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 1);
    assert_string_not_equal(api_text(b, "next_cursor"), "");
    const json_t *first = json_array_get(json_object_get(b->body, "items"), 0);
    (void)snprintf(number, sizeof number, "%lld",
                   (long long)json_integer_value(json_object_get(first, "id")));
    list.query = "state=dead";
    assert_int_equal(api_on_store(b, api_hook_deliveries, list), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
    list.query = "state=lost";
    assert_int_equal(api_on_store(b, api_hook_deliveries, list), 400);
    struct api_ask one = {.role = ROLE_SERVICE, .param = {id, number}, .body = "{}"};
    assert_int_equal(api_on_store(b, api_hook_delivery, one), 200);
    assert_int_equal(api_on_store(b, api_hook_delivery_replay, one), 202);
    one.param[1] = "99999";
    assert_int_equal(api_on_store(b, api_hook_delivery, one), 404);
    assert_int_equal(api_on_store(b, api_hook_delivery_replay, one), 404);
    one.param[1] = "x";
    assert_int_equal(api_on_store(b, api_hook_delivery, one), 404);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_who_may),
        TEST(test_what_is_refused),
        TEST(test_a_life),
        TEST(test_deliveries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
