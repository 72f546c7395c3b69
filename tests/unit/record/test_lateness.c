// SPDX-License-Identifier: Apache-2.0
/* How long mixing waits. */
#include "media/record/lateness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIX_US UINT64_C(1700000000000000)

/** A voice's packet that was captured at `at_us` and came `late_us` later, where both clocks begin. */
static void come(struct lateness *l, uint64_t at_us, uint64_t late_us, uint16_t flags)
{
    const struct tape_packet p = {.arrival_us = at_us + late_us, .flags = flags};
    lateness_arrival(l, &p);
    lateness_voice(l, &p, UNIX_US + at_us);
}

static void waits_longer_for_whom_is_always_late(void **state)
{
    (void)state;
    struct lateness l;
    lateness_init(&l);
    come(&l, 1000000, 30000, 0);
    lateness_tick(&l, UNIX_US + 1030000);
    come(&l, 1020000, 200000, 0);
    assert_int_equal(l.delay_us, LATENESS_DELAY_US);
    come(&l, 1040000, 700000, 0);
    assert_int_equal(l.delay_us, 800000);
    come(&l, 1060000, 1200000, TAPE_RECOVERED); /* it was lost, not late */
    come(&l, 1080000, 2000000, 0);              /* and this one is as good as lost */
    assert_int_equal(l.delay_us, 800000);
}

static void knows_the_clock_between_ticks(void **state)
{
    (void)state;
    struct lateness l;
    lateness_init(&l);
    come(&l, 1000000, 30000, 0);
    assert_int_equal(l.now_us, 0);
    lateness_tick(&l, UNIX_US + 1050000); /* the packet waited for 20 ms here */
    lateness_tick(&l, UNIX_US + 1060000);
    come(&l, 3000000, 30000, 0);
    assert_int_equal(l.now_us, UNIX_US + 3050000);
    lateness_tick(&l, UNIX_US + 3031000); /* this one for 1 ms: back it does not go */
    assert_int_equal(l.now_us, UNIX_US + 3050000);
    lateness_tick(&l, UNIX_US + 3060000);
    lateness_tick(&l, UNIX_US + 1000000); /* a replay */
    assert_int_equal(l.now_us, UNIX_US + 3060000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_longer_for_whom_is_always_late),
        cmocka_unit_test(knows_the_clock_between_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
