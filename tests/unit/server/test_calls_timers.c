// SPDX-License-Identifier: Apache-2.0
/* Timers in a running server, in virtual time: they run out by themselves, and who is in the room is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/calls_impl.h"
#include "server/store_timers.h"
#include "tests/unit/support/calls_world.h"

static void test_many_run_out(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    struct calls_gauges n;
    world_start(&w);
    assert_int_equal(store_timer_set(w.store, "default", CASE_OPEN, 2), 0);
    struct store_case first = world_case(&w, "bo");
    for (int i = 0; i < 99; i++) {
        struct store_case more = world_case(&w, "lin");
        store_case_clear(&more);
    }
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &first.id);
    world_pass(&w, 1000);
    calls_read_gauges(w.calls, &n);
    assert_int_equal(n.timers_run, 0);
    world_pass(&w, 13000);
    calls_read_gauges(w.calls, &n);
    assert_int_equal(n.timers_run, 100);
    assert_int_equal(world_events(&w, &first.id, "expired"), 1);
    json_t *told = NULL;
    while (!told || strcmp(text_at(told, "case.state"), "cancelled") != 0)
        told = client_expect(&buyer, "case");
    client_free(&buyer);
    store_case_clear(&first);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
