// SPDX-License-Identifier: Apache-2.0
/* Timers: each state has one or is left by itself otherwise, and what happens then is what the state allows. */
#include "server/case_timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_every_state(void **state)
{
    (void)state;
    /* Whom a queue or a call has the conductor looks after; the last two are the end. */
    const unsigned without = 1u << CASE_WAITING | 1u << CASE_IN_CALL | 1u << CASE_CLOSED |
                             1u << CASE_CANCELLED;
    for (unsigned i = 0; i < CASE_STATES; i++) {
        enum case_action then = CASE_ACTIONS;
        enum case_state to;
        bool has = case_timer_then((enum case_state)i, &then);
        assert_int_equal(has, !(without & 1u << i));
        assert_int_equal(case_timer_seconds((enum case_state)i) > 0, has);
        if (has)
            assert_int_equal(case_next(then, (enum case_state)i, &to), 0);
    }
    enum case_action then;
    assert_false(case_timer_then(CASE_STATES, &then));
    assert_int_equal(case_timer_seconds(CASE_STATES), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
