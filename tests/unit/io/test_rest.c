// SPDX-License-Identifier: Apache-2.0
/* Silence, single packets, bursts, and a steady flow: who is served at once, and who gathers. */
#include "media/io/rest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void single_packets_are_served_at_once(void **state)
{
    (void)state;
    struct rest r = {0};
    for (uint64_t now_us = 1000000; now_us < 1100000; now_us += REST_SOON_US) {
        rest_note(&r, now_us, 1);
        assert_int_equal(rest_until_us(&r), 0);
    }
}

static void a_burst_is_served_at_once(void **state)
{
    (void)state;
    struct rest r = {0};
    for (uint64_t now_us = 1000000; now_us < 1100000; now_us += 1000) {
        rest_note(&r, now_us, 1);
        assert_int_equal(rest_until_us(&r), 0);
        rest_note(&r, now_us + 30, 1); /* what came while the first was served */
        assert_int_equal(rest_until_us(&r), 0);
    }
}

/** Three packets in quick succession. */
static uint64_t begin_flow(struct rest *r)
{
    uint64_t now_us = 1000000;
    for (int i = 0; i < 3; i++, now_us += 40) {
        assert_int_equal(rest_until_us(r), 0);
        rest_note(r, now_us, 1);
    }
    return now_us;
}

static void a_flow_gathers_until_it_ends(void **state)
{
    (void)state;
    struct rest r = {0};
    uint64_t now_us = begin_flow(&r), until_us = rest_until_us(&r);
    for (int i = 0; i < 100; i++) {
        uint64_t then_us = rest_then_us(&r);
        assert_in_range(then_us, until_us + REST_US, until_us + REST_MOST_US);
        now_us = until_us + 50; /* sleep is never exact, */
        rest_note(&r, now_us, i % 3 == 0);
        until_us = rest_until_us(&r);
        assert_int_equal(until_us, then_us); /* but turns come when it was foretold */
    }
    for (int i = 0; i < REST_EMPTY; i++) {
        now_us = rest_until_us(&r);
        assert_true(now_us > 0);
        rest_note(&r, now_us, 0);
    }
    assert_int_equal(rest_until_us(&r), 0);
    rest_note(&r, now_us + 10, 1); /* one packet does not make a flow again */
    assert_int_equal(rest_until_us(&r), 0);
}

static void who_is_late_is_not_later_for_it(void **state)
{
    (void)state;
    struct rest r = {0};
    (void)begin_flow(&r);
    uint64_t now_us = rest_then_us(&r) + 5000;
    rest_note(&r, now_us, 1);
    assert_int_equal(rest_until_us(&r), now_us);
    assert_in_range(rest_then_us(&r), now_us + REST_US, now_us + REST_MOST_US);
}

/** How far apart turns are, and how many packets each finds, of a flow with this many us a packet. */
static void settle(double every_us, uint64_t *ret_rest_us, double *ret_found)
{
    struct rest r = {0};
    double now_us = 1000000, seen = now_us;
    size_t found = 0;
    *ret_rest_us = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t until_us = rest_until_us(&r);
        *ret_rest_us = until_us ? rest_then_us(&r) - until_us : 0;
        now_us = until_us                   ? (double)until_us + 40
                 : now_us < seen + every_us ? seen + every_us
                                            : now_us + 5;
        found = (size_t)((now_us - seen) / every_us);
        seen += (double)found * every_us;
        rest_note(&r, (uint64_t)now_us, found);
    }
    *ret_found = (double)found;
}

static void turns_are_as_far_apart_as_pays(void **state)
{
    (void)state;
    uint64_t rest_us;
    double found;
    settle(4, &rest_us, &found); /* many come anyway */
    assert_int_equal(rest_us, REST_US);
    settle(20, &rest_us, &found);
    assert_in_range(rest_us, REST_US + 20, REST_MOST_US - 20);
    assert_true(found >= REST_PACKETS - 1 && found <= REST_PACKETS + 1);
    settle(60, &rest_us, &found); /* so many would take too long */
    assert_in_range(rest_us, REST_MOST_US - 4, REST_MOST_US);
    settle(1000, &rest_us, &found);
    assert_int_equal(rest_us, 0);
}

static void timers_are_no_flow(void **state)
{
    (void)state;
    struct rest r = {0};
    for (uint64_t now_us = 1000000; now_us < 1010000; now_us += 10) {
        rest_note(&r, now_us, 0);
        assert_int_equal(rest_until_us(&r), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_packets_are_served_at_once),
        cmocka_unit_test(a_burst_is_served_at_once),
        cmocka_unit_test(a_flow_gathers_until_it_ends),
        cmocka_unit_test(who_is_late_is_not_later_for_it),
        cmocka_unit_test(turns_are_as_far_apart_as_pays),
        cmocka_unit_test(timers_are_no_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
