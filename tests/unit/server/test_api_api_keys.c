// SPDX-License-Identifier: Apache-2.0
/* API keys over HTTP: made with less right than one's own, a new secret, gone; and nobody else's. */
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

static int create(struct api_bench *b, const char *body)
{
    return api_on_store(b, api_key_create, (struct api_ask){.role = ROLE_SERVICE, .body = body});
}

static int rotate(struct api_bench *b, const char *id, const char *body)
{
    return api_on_store(b, api_key_rotate,
                        (struct api_ask){.role = ROLE_SERVICE, .param = {id}, .body = body});
}

static void test_made(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(create(b, "{'id':'till','roles':['agent','buyer'],'scopes':['read','call']}"),
                     201);
    assert_string_equal(api_text(b, "id"), "till");
    assert_int_equal(strlen(api_text(b, "secret")), 64);
    assert_string_equal(api_text(b, "scopes.1"), "call");
    assert_true(auth_knows_key(b->app.auth, "till"));
    assert_int_equal(create(b, "{'id':'till'}"), 409);
    assert_int_equal(create(b, "{'id':'demo'}"), 409); /* of the settings */
    assert_int_equal(create(b, "{}"), 201);
    assert_int_equal(strlen(api_text(b, "id")), 26);
    assert_int_equal(api_on_store(b, api_keys_list, (struct api_ask){.role = ROLE_SERVICE}), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 2);
    assert_string_equal(api_text(b, "items.1.roles.0"), "agent");
    assert_string_equal(api_text(b, "items.1.secret"), "");
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(api_on_store(b, api_keys_list, foreign), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
}

static void test_refused(void **state)
{
    struct api_bench *b = *state;
    static const char *const bad[] = {
        "{'id':'a b'}", "{'id':7}",           "{'roles':['king']}", "{'roles':'agent'}",
        "{'roles':[]}", "{'scopes':['all']}", "{'scopes':[7]}",     "{'scopes':['read,write']}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(create(b, bad[i]), i == 7 ? 201 : 400);
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        const struct api_ask ask = {.role = (enum role)r, .body = "{}"};
        assert_int_equal(api_on_store(b, api_key_create, ask), r == ROLE_SERVICE ? 201 : 403);
        assert_int_equal(api_on_store(b, api_keys_list, ask), r == ROLE_SERVICE ? 200 : 403);
        const struct api_ask bound = {.role = (enum role)r, .body = "{}", .of_case = &b->sc.id};
        assert_int_equal(api_on_store(b, api_key_create, bound), 403);
    }
    unsigned made = 0;
    int status;
    while ((status = create(b, "{}")) == 201)
        made++;
    assert_int_equal(status, 429);
    assert_int_equal(made, LIMIT_API_KEYS_MERCHANT - 2);
}

/** Nothing is kept of a key for which the server has no room: it would be one too many at the next start. */
static void test_no_room(void **state)
{
    struct api_bench *b = *state;
    char id[16];
    for (unsigned i = 0; !auth_is_full(b->app.auth); i++) {
        (void)snprintf(id, sizeof id, "k%u", i);
        assert_int_equal(auth_add_key(b->app.auth, id, "s", "elsewhere"), 0);
    }
    assert_int_equal(create(b, "{'id':'till'}"), 429);
    assert_int_equal(api_on_store(b, api_keys_list, (struct api_ask){.role = ROLE_SERVICE}), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
}

static void test_a_new_secret(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(create(b, "{'id':'till'}"), 201);
    assert_int_equal(rotate(b, "till", "{'overlap_seconds':60}"), 200);
    assert_int_equal(strlen(api_text(b, "secret")), 64);
    assert_string_not_equal(api_text(b, "old_secret_until"), "");
    assert_int_equal(rotate(b, "till", "{'overlap_seconds':0}"), 200);
    assert_string_equal(api_text(b, "old_secret_until"), "");
    assert_int_equal(rotate(b, "till", "{'overlap_seconds':604801}"), 400);
    assert_int_equal(rotate(b, "none", "{}"), 404);
    const struct api_ask foreign = {
        .role = ROLE_SERVICE, .foreign = true, .param = {"till"}, .body = "{}"};
    assert_int_equal(api_on_store(b, api_key_rotate, foreign), 404);
    assert_int_equal(api_on_store(b, api_key_delete, foreign), 404);
    const struct api_ask mine = {.role = ROLE_SERVICE, .param = {"till"}};
    assert_int_equal(api_on_store(b, api_key_delete, mine), 204);
    assert_false(auth_knows_key(b->app.auth, "till"));
    assert_int_equal(api_on_store(b, api_key_delete, mine), 404);
}

/** Whoever gets a key's secret can do what it can: never more than with one's own. */
static void test_no_more_than_ones_own(void **state)
{
    struct api_bench *b = *state;
    struct api_ask narrow = {.role = ROLE_SERVICE,
                             .roles = 1u << ROLE_SERVICE | 1u << ROLE_BUYER,
                             .scopes = AUTH_READ | AUTH_MANAGE};
    static const struct {
        const char *key;
        bool within;
    } rows[] = {
        {"{'id':'a'}", false},
        {"{'id':'b','roles':['service']}", false},
        {"{'id':'c','scopes':['manage']}", false},
        {"{'id':'d','roles':['agent'],'scopes':['read']}", false},
        {"{'id':'e','roles':['buyer'],'scopes':['write']}", false},
        {"{'id':'f','roles':['buyer','service'],'scopes':['read','manage']}", true},
    };
    char id[] = "?";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        narrow.body = rows[i].key;
        assert_int_equal(api_on_store(b, api_key_create, narrow), rows[i].within ? 201 : 400);
        assert_int_equal(create(b, rows[i].key), rows[i].within ? 409 : 201);
        id[0] = (char)('a' + i);
        narrow.param[0] = id;
        narrow.body = "{}";
        assert_int_equal(api_on_store(b, api_key_rotate, narrow), rows[i].within ? 200 : 403);
        assert_int_equal(strlen(api_text(b, "secret")), rows[i].within ? 64 : 0);
        assert_int_equal(rotate(b, narrow.param[0], "{}"), 200); /* who has all may */
        assert_int_equal(api_on_store(b, api_key_delete, narrow), rows[i].within ? 204 : 403);
        assert_int_equal(auth_knows_key(b->app.auth, id), !rows[i].within);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_made),
        TEST(test_refused),
        TEST(test_no_room),
        TEST(test_a_new_secret),
        TEST(test_no_more_than_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
