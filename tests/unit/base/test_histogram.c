// SPDX-License-Identifier: Apache-2.0
/* Values land at their bound, inclusive, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/histogram.h"

static void bounds_rise_and_include_themselves(void **state)
{
    (void)state;
    struct histogram h = {0};
    for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
        assert_true(i == 0 || histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
        histogram_add(&h, histogram_bounds_us[i]);
        assert_int_equal(h.counts[i], 1);
    }
    histogram_add(&h, 0);
    assert_int_equal(h.counts[0], 2);
    histogram_add(&h, histogram_bounds_us[0] + 1);
    assert_int_equal(h.counts[1], 2);
    histogram_add(&h, UINT32_MAX);
    assert_int_equal(h.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(histogram_total(&h), HISTOGRAM_BOUNDS + 3);
}

static void the_sum_is_kept(void **state)
{
    (void)state;
    struct histogram h = {0};
    histogram_add(&h, 70);
    histogram_add(&h, 1000000);
    assert_int_equal(h.sum_us, 1000070);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_rise_and_include_themselves),
        cmocka_unit_test(the_sum_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
