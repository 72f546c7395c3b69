// SPDX-License-Identifier: Apache-2.0
/* Sleeps end when they should, in step and out of it. Real time; nothing is said about how late. */
#include "media/io/beat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define EVERY_US 200

static void it_keeps_step(void **state)
{
    (void)state;
    struct beat b;
    assert_int_equal(beat_open(&b), 0);
    uint64_t at_us = clock_now_us() + EVERY_US;
    for (int i = 0; i < 50; i++, at_us += EVERY_US) {
        beat_wait(&b, at_us, at_us + EVERY_US);
        assert_true(clock_now_us() >= at_us);
    }
    beat_close(&b);
}

static void other_times_than_foretold(void **state)
{
    (void)state;
    struct beat b;
    assert_int_equal(beat_open(&b), 0);
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t at_us = clock_now_us() + i % 5 * EVERY_US;
        beat_wait(&b, at_us, at_us + i % 3 * EVERY_US);
        assert_true(clock_now_us() >= at_us);
    }
    beat_close(&b);
}

/** A timer that was not waited for has run out; a time that was waited for comes again. */
static void what_is_past_is_not_waited_for(void **state)
{
    (void)state;
    struct beat b;
    assert_int_equal(beat_open(&b), 0);
    uint64_t at_us = clock_now_us();
    for (int i = 0; i < 10; i++)
        beat_wait(&b, at_us, at_us);
    beat_wait(&b, at_us, at_us - 1);
    beat_wait(&b, at_us - 1, at_us);
    beat_wait(&b, at_us, at_us + EVERY_US);
    uint64_t later_us = at_us + 3 * EVERY_US;
    beat_wait(&b, later_us, later_us + EVERY_US);
    assert_true(clock_now_us() >= later_us);
    beat_close(&b);
}

static void nothing_is_closed_twice(void **state)
{
    (void)state;
    struct beat b = {0};
    beat_close(&b);
    assert_int_equal(beat_open(&b), 0);
    beat_close(&b);
    beat_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_step),
        cmocka_unit_test(other_times_than_foretold),
        cmocka_unit_test(what_is_past_is_not_waited_for),
        cmocka_unit_test(nothing_is_closed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
