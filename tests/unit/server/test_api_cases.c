// SPDX-License-Identifier: Apache-2.0
/* Cases over HTTP: what opens one and what does not, lists and their pages, actions by right and
 * version. */
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

#define CUP "'kind':'inspection','title':'A cup','buyer':{'id':'lin','name':'Lin'}"
#define PROPOSE "{'outcome':'refund'}"

static int create(struct api_bench *b, const char *body)
{
    return api_on_store(b, api_cases_create, (struct api_ask){.role = ROLE_SERVICE, .body = body});
}

static int act(struct api_bench *b, enum role role, const char *action, const char *body,
               const char *if_match)
{
    return api_on_store(
        b, api_case_act,
        (struct api_ask){
            .role = role, .param = {b->sc.id.text, action}, .body = body, .if_match = if_match});
}

static void test_opens(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(create(b,
                            "{" CUP ",'language':'zh-Hans','priority':9,'reason':'broken',"
                            "'order':{'number':'1'},'purchase_evidence':[1],'merchant':'default'}"),
                     201);
    assert_string_equal(api_text(b, "title"), "A cup");
    assert_string_equal(api_text(b, "language"), "zh-Hans");
    assert_string_equal(api_text(b, "order.number"), "1");
    assert_string_equal(b->response.etag, "\"1\"");
    char location[64];
    (void)snprintf(location, sizeof location, "/api/v1/cases/%s", api_text(b, "id"));
    assert_string_equal(api_header(b, "location"), location);
}

static void test_refuses_what_is_wrong(void **state)
{
    struct api_bench *b = *state;
    static const char *const bodies[] = {
        "{}",
        "{'kind':'party','title':'A','buyer':{'id':'l','name':'L'}}",
        "{'kind':'live','title':'','buyer':{'id':'l','name':'L'}}",
        "{'kind':'live','title':7,'buyer':{'id':'l','name':'L'}}",
        "{'kind':'live','title':'A'}",
        "{'kind':'live','title':'A','buyer':'l'}",
        "{'kind':'live','title':'A','buyer':{'id':'','name':'L'}}",
        "{'kind':'live','title':'A','buyer':{'id':'l\\n','name':'L'}}",
        "{'kind':'live','title':'A','buyer':{'id':'l','name':'\\u0007'}}",
        "{" CUP ",'language':''}",
        "{" CUP ",'language':'en_GB'}",
        "{" CUP ",'language':'abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz'}",
        "{" CUP ",'priority':10}",
        "{" CUP ",'priority':'1'}",
        "{" CUP ",'reason':{}}",
        "{" CUP ",'tier':'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg'}",
        "{" CUP ",'languages':'en'}",
        "{" CUP ",'languages':['en','zh','fr','de','it']}",
        "{" CUP ",'languages':['en',7]}",
        "{" CUP ",'languages':['']}",
        "{" CUP ",'certificate_level':10}",
        "{" CUP ",'team':{}}",
        "{" CUP ",'preferred_agent':1}",
        "{" CUP ",'order':[]}",
        "{" CUP ",'purchase_evidence':{}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        assert_int_equal(create(b, bodies[i]), 400);
        assert_true(api_text(b, "detail")[0] == '`');
    }
    /* A bag of 64 KiB is too large with its brackets. */
    char *large = malloc(70000);
    assert_non_null(large);
    int len = snprintf(large, 200, "{" CUP ",'order':{'a':'");
    memset(large + len, 'x', 65536);
    (void)snprintf(large + len + 65536, 8, "'}}");
    assert_int_equal(create(b, large), 400);
    free(large);
}

static void test_who_may_open(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = ".y..y..y."; /* agent, host, service */
    for (unsigned r = 0; r < ROLE_COUNT; r++)
        assert_int_equal(api_on_store(b, api_cases_create,
                                      (struct api_ask){.role = (enum role)r, .body = "{" CUP "}"}),
                         may[r] == 'y' ? 201 : 403);
    assert_int_equal(
        api_on_store(
            b, api_cases_create,
            (struct api_ask){.role = ROLE_AGENT, .of_case = &b->sc.id, .body = "{" CUP "}"}),
        403);
    assert_int_equal(create(b, "{" CUP ",'merchant':'elsewhere'}"), 403);
    assert_int_equal(create(b, "{" CUP ",'merchant':7}"), 403);
}

static int create_once(struct api_bench *b, const char *who, const char *key, const char *body)
{
    return api_on_store(
        b, api_cases_create,
        (struct api_ask){.role = ROLE_AGENT, .who = who, .idempotency_key = key, .body = body});
}

static void test_idempotency(void **state)
{
    struct api_bench *b = *state;
    char id[ID_TEXT_BYTES];
    assert_int_equal(create_once(b, "ann", "k1", "{" CUP "}"), 201);
    (void)snprintf(id, sizeof id, "%s", api_text(b, "id"));
    /* The same members in another order are the same request. */
    assert_int_equal(create_once(b, "ann", "k1",
                                 "{'buyer':{'name':'Lin','id':'lin'},'title':'A cup',"
                                 "'kind':'inspection'}"),
                     201);
    assert_string_equal(api_text(b, "id"), id);
    assert_int_equal(create_once(b, "ann", "k1", "{" CUP ",'priority':1}"), 422);
    /* Somebody else's key, and another key, are others. */
    assert_int_equal(create_once(b, "bea", "k1", "{" CUP "}"), 201);
    assert_string_not_equal(api_text(b, "id"), id);
    assert_int_equal(create_once(b, "ann", "k2", "{" CUP "}"), 201);
    assert_string_not_equal(api_text(b, "id"), id);
    char key[202];
    memset(key, 'k', 201);
    key[201] = '\0';
    assert_int_equal(create_once(b, "ann", key, "{" CUP "}"), 400);
    assert_int_equal(create_once(b, "ann", key + 1, "{" CUP "}"), 201);
    assert_int_equal(create_once(b, "ann", "a\x1b", "{" CUP "}"), 400);
}

static int list(struct api_bench *b, enum role role, const char *query)
{
    return api_on_store(b, api_cases_list, (struct api_ask){.role = role, .query = query});
}

static size_t items(const struct api_bench *b)
{
    return json_array_size(json_object_get(b->body, "items"));
}

static void test_lists_come_in_pages(void **state)
{
    struct api_bench *b = *state;
    for (int i = 0; i < 4; i++)
        (void)world_case(&b->w, "bo");
    char query[64], first[ID_TEXT_BYTES];
    assert_int_equal(list(b, ROLE_SERVICE, NULL), 200);
    assert_int_equal(items(b), 5);
    assert_string_equal(api_text(b, "next_cursor"), "");
    assert_int_equal(list(b, ROLE_SERVICE, "limit=2"), 200);
    assert_int_equal(items(b), 2);
    (void)snprintf(first, sizeof first, "%s", api_text(b, "items.0.id"));
    assert_string_equal(api_text(b, "next_cursor"), api_text(b, "items.1.id"));
    (void)snprintf(query, sizeof query, "limit=3&cursor=%s", api_text(b, "next_cursor"));
    assert_int_equal(list(b, ROLE_SERVICE, query), 200);
    assert_int_equal(items(b), 3);
    assert_string_equal(api_text(b, "next_cursor"), "");
    for (int i = 0; i < 3; i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "items.%d.id", i);
        assert_string_not_equal(api_text(b, path), first);
    }
}

static void test_lists_are_filtered(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(create(b, "{'kind':'live','title':'Zebra','buyer':{'id':'z','name':'Z'}}"),
                     201);
    assert_int_equal(list(b, ROLE_SERVICE, "kind=live"), 200);
    assert_int_equal(items(b), 1);
    assert_string_equal(api_text(b, "items.0.title"), "Zebra");
    assert_int_equal(list(b, ROLE_SERVICE, "q=zeb"), 200);
    assert_int_equal(items(b), 1);
    assert_int_equal(list(b, ROLE_SERVICE, "state=open&kind=inspection"), 200);
    assert_int_equal(items(b), 1);
    assert_int_equal(list(b, ROLE_SERVICE, "state=closed"), 200);
    assert_int_equal(items(b), 0);
    static const char *const bad[] = {"state=odd", "kind=odd", "limit=0", "limit=x",
                                      "limit=-1",  "cursor=x", "cursor=", "q=%ff%zz"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(list(b, ROLE_SERVICE, bad[i]), 400);
}

static void test_who_sees_which(void **state)
{
    struct api_bench *b = *state;
    (void)world_case(&b->w, "bo");
    assert_int_equal(list(b, ROLE_BUYER, NULL), 200);
    assert_int_equal(items(b), 1);
    assert_string_equal(api_text(b, "items.0.buyer.id"), "lin");
    assert_int_equal(list(b, ROLE_VIEWER, NULL), 403);
    assert_int_equal(list(b, ROLE_ARBITER, NULL), 200);
    assert_int_equal(items(b), 0);
    const struct api_ask foreign = {.role = ROLE_SERVICE, .foreign = true};
    assert_int_equal(api_on_store(b, api_cases_list, foreign), 200);
    assert_int_equal(items(b), 0);
}

static void test_arbiters_see_what_was_disputed(void **state)
{
    struct api_bench *b = *state;
    const struct api_ask look = {.role = ROLE_ARBITER, .param = {b->sc.id.text}};
    assert_int_equal(api_on_store(b, api_case_get, look), 403);
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, NULL), 200);
    assert_int_equal(act(b, ROLE_BUYER, "dispute", "{'statement':'no'}", NULL), 200);
    assert_int_equal(api_on_store(b, api_case_get, look), 200);
    assert_int_equal(list(b, ROLE_ARBITER, NULL), 200);
    assert_int_equal(items(b), 1);
}

static void test_if_match(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, "\"2\""), 412);
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, "W/\"1\""), 412);
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, "\"1\""), 200);
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(act(b, ROLE_AGENT, "execute", "{}", "*"), 409);
    assert_int_equal(json_array_size(json_object_get(b->body, "allowed_states")), 2);
    assert_string_equal(b->response.content_type, "application/problem+json");
}

static void test_actions_by_right(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(act(b, ROLE_BUYER, "propose", PROPOSE, NULL), 403);
    assert_int_equal(act(b, ROLE_AGENT, "propose", "{}", NULL), 400);
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, NULL), 200);
    assert_string_equal(api_text(b, "state"), "proposed");
    assert_int_equal(world_events(&b->w, &b->sc.id, "outcome_proposed"), 1);
    assert_int_equal(act(b, ROLE_AGENT, "agree", "{}", NULL), 403);
    assert_int_equal(act(b, ROLE_BUYER, "agree", "{}", NULL), 200);
    assert_string_equal(api_text(b, "state"), "agreed");
}

static void test_rated_once(void **state)
{
    struct api_bench *b = *state;
    const char *good = "{'score':4,'text':'quick','resolved':true}";
    assert_int_equal(act(b, ROLE_BUYER, "rate", good, NULL), 409);
    assert_int_equal(json_array_size(json_object_get(b->body, "allowed_states")), 4);
    assert_int_equal(act(b, ROLE_AGENT, "propose", PROPOSE, NULL), 200);
    assert_int_equal(act(b, ROLE_BUYER, "agree", "{}", NULL), 200);
    assert_int_equal(act(b, ROLE_AGENT, "rate", good, NULL), 403);
    assert_int_equal(act(b, ROLE_BUYER, "rate", "{'score':6}", NULL), 400);
    assert_int_equal(act(b, ROLE_BUYER, "rate", good, NULL), 200);
    assert_string_equal(api_text(b, "state"), "agreed");
    assert_string_equal(api_text(b, "satisfaction.text"), "quick");
    assert_string_equal(api_text(b, "satisfaction.by"), "me");
    assert_int_equal(act(b, ROLE_BUYER, "rate", "{'score':1}", NULL), 409);
    assert_string_equal(api_text(b, "detail"), "this was said of the case already");
    assert_int_equal(world_events(&b->w, &b->sc.id, "rated"), 1);
}

static void test_conductor_actions_are_not_for_people(void **state)
{
    struct api_bench *b = *state;
    static const char *const names[] = {"wait", "stop_wait", "start_call", "end_call", "", "x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(act(b, ROLE_AGENT, names[i], "{}", NULL), 404);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_opens),
        TEST(test_refuses_what_is_wrong),
        TEST(test_who_may_open),
        TEST(test_idempotency),
        TEST(test_lists_come_in_pages),
        TEST(test_lists_are_filtered),
        TEST(test_who_sees_which),
        TEST(test_arbiters_see_what_was_disputed),
        TEST(test_if_match),
        TEST(test_actions_by_right),
        TEST(test_rated_once),
        TEST(test_conductor_actions_are_not_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
