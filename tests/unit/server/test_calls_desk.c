// SPDX-License-Identifier: Apache-2.0
/* Desks hear of changed cases wherever they are, those of their merchant alone, and not more often than once a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"

static void connect_as(struct client *c, struct world *w, const char *who, enum role role)
{
    char token[AUTH_TOKEN_BYTES];
    world_token(w, who, role, NULL, token);
    client_open(c, w);
    client_say(c, "{'type':'hello','token':'%s'}", token);
    assert_true(client_has(c, "welcome"));
}

/** How many ids there are in the next such message; 0: there is none. */
static size_t told(struct client *c, const struct id *first)
{
    if (!client_has(c, "cases_changed"))
        return 0;
    json_t *message = client_expect(c, "cases_changed");
    json_t *ids = json_object_get(message, "cases");
    assert_false(json_is_true(json_object_get(message, "more")));
    if (first)
        assert_string_equal(json_string_value(json_array_get(ids, 0)), first->text);
    return json_array_size(ids);
}

static void test_desks_hear_of_changes_by_any_door(void **state)
{
    (void)state;
    struct world w;
    struct client ann, buyer;
    struct calls_gauges n;
    world_start(&w);
    struct store_case one = world_case(&w, "lin"), other = world_case(&w, "bo");
    connect_as(&ann, &w, "ann", ROLE_AGENT);
    client_hello(&buyer, &w, "lin", ROLE_BUYER, &one.id);
    calls_case_changed(w.calls, &one.id); /* as REST does */
    world_pass(&w, 100);
    assert_int_equal(told(&ann, &one.id), 1);
    calls_case_changed(w.calls, &one.id);
    calls_case_changed(w.calls, &one.id);
    calls_case_act(w.calls, &other.id, CASE_EXPIRE, "system", NULL);
    world_pass(&w, 100);
    assert_int_equal(told(&ann, NULL), 0); /* not twice within a second */
    world_pass(&w, 1000);
    assert_int_equal(told(&ann, &one.id), 2); /* each once */
    world_pass(&w, 3000);
    assert_int_equal(told(&ann, NULL), 0);
    assert_false(client_has(&buyer, "cases_changed"));
    calls_read_gauges(w.calls, &n);
    assert_int_equal(n.desks_told, 2);
    client_free(&ann);
    client_free(&buyer);
    store_case_clear(&one);
    store_case_clear(&other);
    world_stop(&w);
}

static void test_who_hears_of_what(void **state)
{
    (void)state;
    struct world w;
    struct client sun, sue;
    world_start(&w);
    struct store_case one = world_case(&w, "lin");
    struct store_case foreign = {.merchant = "elsewhere", .title = "A cup", .buyer = "bo"};
    bool repeated;
    assert_int_equal(store_case_create(w.store, &foreign, "shop", "k", NULL, NULL,
                                       calls_unix_us(w.calls), &repeated),
                     0);
    connect_as(&sun, &w, "sun", ROLE_ARBITER);
    connect_as(&sue, &w, "sue", ROLE_SUPERVISOR);
    calls_case_changed(w.calls, &foreign.id);
    world_pass(&w, 1100);
    assert_int_equal(told(&sue, NULL) + told(&sun, NULL), 0); /* another merchant's */
    calls_case_changed(w.calls, &one.id);
    world_pass(&w, 1100);
    assert_int_equal(told(&sue, &one.id), 1);
    assert_int_equal(told(&sun, NULL), 0); /* is no case of an arbiter's */
    json_t *no = json_pack("{s:s}", "statement", "No.");
    calls_case_act(w.calls, &one.id, CASE_PROPOSE, "ann", NULL);
    calls_case_act(w.calls, &one.id, CASE_DISPUTE, "lin", no);
    world_pass(&w, 1100);
    assert_int_equal(told(&sun, &one.id), 1);
    client_free(&sun);
    client_free(&sue);
    store_case_clear(&one);
    store_case_clear(&foreign);
    world_stop(&w);
}

/** What goes on at one merchant's has nobody else's desks read their lists again. */
static void test_more_is_of_ones_own(void **state)
{
    (void)state;
    struct world w;
    struct client ann;
    bool repeated;
    world_start(&w);
    connect_as(&ann, &w, "ann", ROLE_AGENT);
    for (int i = 0; i < 2 * LIMIT_DESK_CASES; i++) {
        struct store_case c = {.merchant = "elsewhere", .title = "A cup", .buyer = "bo"};
        assert_int_equal(store_case_create(w.store, &c, "shop", "k", NULL, NULL,
                                           calls_unix_us(w.calls), &repeated),
                         0);
        calls_case_changed(w.calls, &c.id);
        store_case_clear(&c);
    }
    world_pass(&w, 1100);
    assert_false(client_has(&ann, "cases_changed"));
    struct store_case own = world_case(&w, "lin");
    calls_case_changed(w.calls, &own.id);
    for (uint64_t i = 0; i <= LIMIT_DESK_NOTED; i++) { /* beyond what is kept in mind: to all */
        struct id id = id_make(i + 1, &w.entropy);
        calls_case_changed(w.calls, &id);
    }
    world_pass(&w, 1100);
    json_t *message = client_expect(&ann, "cases_changed");
    assert_int_equal(json_array_size(json_object_get(message, "cases")), 1);
    assert_true(json_is_true(json_object_get(message, "more")));
    store_case_clear(&own);
    client_free(&ann);
    world_stop(&w);
}

static void test_many_are_more(void **state)
{
    (void)state;
    struct world w;
    struct client ann;
    world_start(&w);
    connect_as(&ann, &w, "ann", ROLE_AGENT);
    for (int i = 0; i <= LIMIT_DESK_CASES; i++) {
        struct store_case c = world_case(&w, "lin");
        calls_case_changed(w.calls, &c.id);
        store_case_clear(&c);
    }
    world_pass(&w, 1100);
    json_t *message = client_expect(&ann, "cases_changed");
    assert_int_equal(json_array_size(json_object_get(message, "cases")), LIMIT_DESK_CASES);
    assert_true(json_is_true(json_object_get(message, "more")));
    client_free(&ann);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_desks_hear_of_changes_by_any_door),
        cmocka_unit_test(test_who_hears_of_what),
        cmocka_unit_test(test_more_is_of_ones_own),
        cmocka_unit_test(test_many_are_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
