// SPDX-License-Identifier: Apache-2.0
/* What a publisher of several encodings is to send in all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/relay/rerate.h"

#define LOW (320 * 180)
#define MIDDLE (640 * 360)
#define HIGH (1280 * 720)

static const struct rerate_encoding all[] = {
    {true, LOW, 150000}, {true, MIDDLE, 500000}, {true, HIGH, 1800000}};
static const struct rerate_encoding two[] = {
    {true, LOW, 150000}, {true, MIDDLE, 600000}, {false, HIGH, 0}};
static const struct rerate_encoding one[] = {
    {true, LOW, 100000}, {false, MIDDLE, 0}, {false, 0, 0}};
/* A page has its say: the lower two are off, or the best one is small. */
static const struct rerate_encoding alone[] = {
    {false, LOW, 0}, {false, MIDDLE, 0}, {true, HIGH, 1000000}};
static const struct rerate_encoding small[] = {
    {true, LOW, 150000}, {true, MIDDLE, 300000}, {true, HIGH, 400000}};

static void the_best_is_what_fits(void **state)
{
    (void)state;
    assert_int_equal(rerate_best(all, 3, 5000000), 2);
    assert_int_equal(rerate_best(all, 3, 700000), 2); /* it can be of so little */
    assert_int_equal(rerate_best(all, 3, 640000), 1);
    assert_int_equal(rerate_best(all, 3, 160000), 0);
    assert_int_equal(rerate_best(all, 3, 0), 0);
    assert_int_equal(rerate_best(two, 3, 800000), 1); /* more is needed to be sent again */
    assert_int_equal(rerate_best(two, 3, 900000), 2);
    assert_int_equal(rerate_best(one, 3, 200000), 0);
    assert_int_equal(rerate_best(one, 3, 250000), 1);
    assert_int_equal(rerate_best(one, 3, 5000000), 1); /* of a third nothing is known */
    assert_int_equal(rerate_best(alone, 3, 700000), 2);
    assert_int_equal(rerate_best(small, 3, 400000), 2);
    assert_int_equal(rerate_best(small, 3, 390000), 1);
    assert_int_equal(rerate_best(NULL, 0, 1), 0);
}

static void those_below_have_theirs(void **state)
{
    (void)state;
    assert_int_equal(rerate_total(all, 3, 2, 900000), 156000 + 520000 + 900000);
    assert_int_equal(rerate_total(all, 3, 1, 540000), 156000 + 540000);
    assert_int_equal(rerate_total(all, 3, 0, 100000), 100000);
    /* Never less than that at which the best one is left out. */
    assert_int_equal(rerate_total(all, 3, 2, 600000), 156000 + 520000 + 672000);
    /* The middle one will have what is usual when it is no longer the best. */
    assert_int_equal(rerate_total(two, 3, 2, 900000), 156000 + 560000 + 900000);
    assert_int_equal(rerate_total(one, 3, 1, 250000), 168000 + 250000);
    assert_int_equal(rerate_total(alone, 3, 2, 900000), 900000);
    assert_int_equal(rerate_total(small, 3, 2, 450000), 156000 + 312000 + 450000);
    assert_true(rerate_total(all, 3, 2, UINT32_MAX) == UINT32_MAX);
    assert_int_equal(rerate_total(NULL, 0, 0, 7), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_what_fits),
        cmocka_unit_test(those_below_have_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
