// SPDX-License-Identifier: Apache-2.0
/* Clocks go forward, and moments read as RFC 3339 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void goes_forward(void **state)
{
    (void)state;
    uint64_t before = clock_now_us();
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_now_us();
        assert_true(now >= before);
        before = now;
    }
}

static void knows_the_century(void **state)
{
    (void)state;
    assert_true(clock_unix_us() > 1700000000u * UINT64_C(1000000));
    assert_true(clock_unix_us() < 7000000000u * UINT64_C(1000000));
}

static void formats_known_moments(void **state)
{
    (void)state;
    static const struct {
        uint64_t unix_us;
        const char *text;
    } known[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {999, "1970-01-01T00:00:00.000Z"},
        {1795298090123456, "2026-11-21T21:54:50.123Z"},
        {951782399999999, "2000-02-28T23:59:59.999Z"},
        {951782400000000, "2000-02-29T00:00:00.000Z"},
        {4107542400000000, "2100-03-01T00:00:00.000Z"},
        {253402300799999999, "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT_BYTES];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        clock_format(known[i].unix_us, text);
        assert_string_equal(text, known[i].text);
    }
}

static void agrees_with_the_calendar(void **state)
{
    (void)state;
    // Every day of 800 years, at an odd moment of the day.
    for (time_t day = 0; day < 292200; day++) {
        char text[CLOCK_TEXT_BYTES];
        char expected[CLOCK_TEXT_BYTES];
        time_t moment = day * 86400 + day % 86400;
        struct tm tm;
        assert_non_null(gmtime_r(&moment, &tm));
        assert_true(strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.007Z", &tm) > 0);
        clock_format((uint64_t)moment * 1000000u + 7000, text);
        assert_string_equal(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_forward),
        cmocka_unit_test(knows_the_century),
        cmocka_unit_test(formats_known_moments),
        cmocka_unit_test(agrees_with_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
