// SPDX-License-Identifier: Apache-2.0
/* Buyers who waited when the process ended: they come back to the places they had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/calls_world.h"

static json_int_t place(struct client *buyer)
{
    return json_integer_value(json_object_get(client_expect(buyer, "waiting"), "position"));
}

/** bo, then di, a minute apart; then the process is another one. */
static void restarted(struct world *w, struct store_case *bo, struct store_case *di)
{
    struct client a, b;
    world_start(w);
    *bo = world_case(w, "bo");
    *di = world_case(w, "di");
    client_hello(&a, w, "bo", ROLE_BUYER, &bo->id);
    client_say(&a, "{'type':'wait'}");
    world_pass(w, 10000);
    client_hello(&b, w, "di", ROLE_BUYER, &di->id);
    client_say(&b, "{'type':'wait'}");
    world_settle(w);
    a.link = b.link = NULL;
    json_decref(a.inbox);
    json_decref(b.inbox);
    world_restart(w);
    assert_int_equal(world_events(w, &bo->id, "waiting_stopped"), 1);
}

static void test_places_are_kept(void **state)
{
    (void)state;
    struct world w;
    struct store_case bo, di;
    struct client a, b;
    restarted(&w, &bo, &di);
    client_hello(&b, &w, "di", ROLE_BUYER, &di.id);
    client_say(&b, "{'type':'wait'}");
    assert_int_equal(place(&b), 1);
    world_pass(&w, 5000);
    client_hello(&a, &w, "bo", ROLE_BUYER, &bo.id);
    client_say(&a, "{'type':'wait'}");
    assert_int_equal(place(&a), 1);
    assert_int_equal(place(&b), 2);
    client_free(&a);
    client_free(&b);
    world_stop(&w);
}

static void test_not_for_ever(void **state)
{
    (void)state;
    struct world w;
    struct store_case bo, di;
    struct client a, b;
    restarted(&w, &bo, &di);
    world_pass(&w, 301000);
    client_hello(&b, &w, "di", ROLE_BUYER, &di.id);
    client_say(&b, "{'type':'wait'}");
    assert_int_equal(place(&b), 1);
    world_pass(&w, 1000);
    client_hello(&a, &w, "bo", ROLE_BUYER, &bo.id);
    client_say(&a, "{'type':'wait'}");
    assert_int_equal(place(&a), 2);
    client_free(&a);
    client_free(&b);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_kept),
        cmocka_unit_test(test_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
