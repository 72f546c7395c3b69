// SPDX-License-Identifier: Apache-2.0
/* The rate of arrivals over a sliding window of the receiver's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/acked.h"

#define MS 1000

static void measures_the_last_moments(void **state)
{
    (void)state;
    struct acked a = {0};
    int64_t at_us = 123456789;
    for (unsigned i = 0; i < 100; i++, at_us += 10 * MS)
        acked_note(&a, at_us, 1250); /* 1 Mbit/s */
    assert_in_range(acked_bps(&a, 500000), 980000, 1060000);
    for (unsigned i = 0; i < 30; i++, at_us += 10 * MS)
        acked_note(&a, at_us, 250);
    assert_in_range(acked_bps(&a, 200000), 190000, 230000);
    assert_in_range(acked_bps(&a, 500000), 400000, 620000);
}

static void says_nothing_too_soon(void **state)
{
    (void)state;
    struct acked a = {0};
    assert_int_equal(acked_bps(&a, 500000), 0);
    acked_note(&a, 5000000, 100000);
    assert_int_equal(acked_bps(&a, 500000), 0);
    acked_note(&a, 5000000 + 90 * MS, 100000);
    assert_int_equal(acked_bps(&a, 500000), 0);
    acked_note(&a, 5000000 + 150 * MS, 1000);
    assert_true(acked_bps(&a, 500000) > 0);
}

static void takes_any_order_and_leaps(void **state)
{
    (void)state;
    struct acked a = {0};
    int64_t at_us = -2000000; /* the clock may be anything */
    for (unsigned i = 0; i < 200; i++, at_us += 10 * MS)
        acked_note(&a, at_us + (i % 3 ? 0 : 40 * MS), 1250);
    assert_in_range(acked_bps(&a, 500000), 900000, 1100000);
    acked_note(&a, at_us + (INT64_C(1) << 40), 1250);
    assert_int_equal(acked_bps(&a, 500000), 0);
    acked_note(&a, INT64_MIN / 4, 1250);
    assert_int_equal(acked_bps(&a, 500000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_the_last_moments),
        cmocka_unit_test(says_nothing_too_soon),
        cmocka_unit_test(takes_any_order_and_leaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
