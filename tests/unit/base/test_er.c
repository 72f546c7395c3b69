// SPDX-License-Identifier: Apache-2.0
/* Every error has a name of its own, and no value is without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

static void names_known_errors(void **state)
{
    (void)state;
    assert_string_equal(er_name(0), "ok");
    assert_string_equal(er_name(ER_NOMEM), "nomem");
    assert_string_equal(er_name(ER_MALFORMED), "malformed");
    assert_string_equal(er_name(ER_INTERNAL), "internal");
}

static void names_differ(void **state)
{
    (void)state;
    for (int a = 0; a >= ER_INTERNAL; a--) {
        assert_non_null(er_name(a));
        assert_string_not_equal(er_name(a), "unknown");
        for (int b = 0; b > a; b--)
            assert_string_not_equal(er_name(a), er_name(b));
    }
}

static void other_values_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(er_name(1), "unknown");
    assert_string_equal(er_name(ER_INTERNAL - 1), "unknown");
    assert_string_equal(er_name(INT32_MIN), "unknown");
    assert_string_equal(er_name(INT32_MAX), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_known_errors),
        cmocka_unit_test(names_differ),
        cmocka_unit_test(other_values_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
