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
    for (uint64_t now_us = 1000000; now_us < 1100000; now_us += REST_US) {
        rest_note(&r, now_us, true);
        assert_int_equal(rest_until_us(&r), 0);
    }
}

static void a_burst_is_served_at_once(void **state)
{
    (void)state;
    struct rest r = {0};
    for (uint64_t now_us = 1000000; now_us < 1100000; now_us += 1000) {
        rest_note(&r, now_us, true);
        assert_int_equal(rest_until_us(&r), 0);
        rest_note(&r, now_us + 30, true); /* what came while the first was served */
        assert_int_equal(rest_until_us(&r), 0);
    }
}

static void a_flow_gathers_until_it_ends(void **state)
{
    (void)state;
    struct rest r = {0};
    uint64_t now_us = 1000000;
    for (int i = 0; i < 3; i++, now_us += 40) {
        assert_int_equal(rest_until_us(&r), 0);
        rest_note(&r, now_us, true);
    }
    for (int i = 0; i < 100; i++) {
        uint64_t until_us = rest_until_us(&r);
        assert_int_equal(until_us, r.began_us + REST_US);
        now_us = until_us + 50; /* sleep is never exact */
        rest_note(&r, now_us, true);
    }
    rest_note(&r, now_us + REST_US, false);
    assert_int_equal(rest_until_us(&r), 0);
    rest_note(&r, now_us + REST_US + 10, true); /* one packet does not make a flow again */
    assert_int_equal(rest_until_us(&r), 0);
}

static void timers_are_no_flow(void **state)
{
    (void)state;
    struct rest r = {0};
    for (uint64_t now_us = 1000000; now_us < 1010000; now_us += 10) {
        rest_note(&r, now_us, false);
        assert_int_equal(rest_until_us(&r), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_packets_are_served_at_once),
        cmocka_unit_test(a_burst_is_served_at_once),
        cmocka_unit_test(a_flow_gathers_until_it_ends),
        cmocka_unit_test(timers_are_no_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
