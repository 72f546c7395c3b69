// SPDX-License-Identifier: Apache-2.0
/* What viewers can take, joined over workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/core/demand.h"

static const struct demand none = {0};
static const struct demand fast = {
    .viewers = 1, .moving = true, .bps = 2000000, .least_bps = 2000000};
static const struct demand slow = {.viewers = 2, .pinned = true, .bps = 90000, .least_bps = 50000};
static const struct demand open = {
    .viewers = 1, .unlimited = true, .moving = true, .bps = UINT32_MAX, .least_bps = UINT32_MAX};

static void the_best_and_the_worst_count(void **state)
{
    (void)state;
    struct demand d = demand_join(&fast, &slow);
    assert_int_equal(d.viewers, 3);
    assert_true(d.moving && d.pinned && !d.unlimited);
    assert_int_equal(d.bps, 2000000);
    assert_int_equal(d.least_bps, 50000);
    d = demand_join(&d, &open);
    assert_true(d.unlimited && d.bps == UINT32_MAX && d.least_bps == 50000);
    d = demand_join(&none, &slow); /* nobody is not the worst */
    assert_false(demand_differs(&d, &slow));
    d = demand_join(&slow, &none);
    assert_false(demand_differs(&d, &slow));
}

static void small_changes_are_not_worth_telling(void **state)
{
    (void)state;
    struct demand d = fast;
    d.bps += 20000;
    assert_false(demand_differs(&fast, &d));
    d.bps += 200000;
    assert_true(demand_differs(&fast, &d));
    d = fast;
    d.least_bps = 1000000;
    assert_true(demand_differs(&fast, &d));
    d = fast;
    d.pinned = true;
    assert_true(demand_differs(&fast, &d));
    assert_true(demand_differs(&fast, &none));
}

static void all_workers_have_to_tell(void **state)
{
    (void)state;
    struct demand_elsewhere e = {0};
    struct demand sum = fast;
    assert_true(demand_add(&e, 0, &sum));
    assert_false(demand_add(&e, 0x22, &sum));
    assert_int_equal(demand_note(&e, 1, &none), 0);
    assert_int_equal(demand_note(&e, 9, &open), 0); /* has gone since */
    assert_false(demand_add(&e, 0x22, &sum));
    assert_int_equal(demand_note(&e, 5, &open), 0);
    assert_int_equal(demand_note(&e, 5, &slow), 0); /* the last word */
    sum = fast;
    assert_true(demand_add(&e, 0x22, &sum));
    assert_int_equal(sum.viewers, 3);
    assert_false(sum.unlimited);
    demand_forget(&e, 1);
    demand_forget(&e, 1);
    sum = none;
    assert_false(demand_add(&e, 0x22, &sum));
    assert_int_equal(sum.viewers, 2);
    demand_clear(&e);
    assert_int_equal(e.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_and_the_worst_count),
        cmocka_unit_test(small_changes_are_not_worth_telling),
        cmocka_unit_test(all_workers_have_to_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
