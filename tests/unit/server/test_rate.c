// SPDX-License-Identifier: Apache-2.0
/* Buckets: what is let through at once and over time, names beside each other, and floods of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/rate.h"

#define S UINT64_C(1000000)
#define T0 (1000 * S)

static const struct rate_limit limit = {.per_second = 10, .burst = 30};

static unsigned taken(struct rates *r, const char *name, unsigned tries, uint64_t now_us)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++)
        n += rates_take(r, name, &limit, now_us) == 0;
    return n;
}

static void test_over_time(void **state)
{
    (void)state;
    struct rates *r;
    assert_int_equal(rates_new(&r, 8, 1), 0);
    assert_int_equal(taken(r, "a", 100, T0), 30);
    assert_int_equal(rates_take(r, "a", &limit, T0), S / 10);
    assert_int_equal(taken(r, "b", 100, T0), 30); /* is another one */
    assert_int_equal(taken(r, "a", 100, T0 + S / 10), 1);
    assert_int_equal(taken(r, "a", 100, T0 + S / 10 + S / 20), 0);
    assert_int_equal(rates_take(r, "a", &limit, T0 + S / 10 + S / 20), S / 20);
    unsigned n = 0;
    for (unsigned i = 0; i < 1000; i++) /* a hundred a second for ten seconds */
        n += taken(r, "a", 1, T0 + S + i * S / 100);
    assert_in_range(n, 100, 112);
    assert_int_equal(taken(r, "a", 100, T0 + 1000000 * S), 30);
    rates_free(r);
}

static void test_a_flood_of_names(void **state)
{
    (void)state;
    struct rates *r;
    char name[16];
    assert_int_equal(rates_new(&r, 8, 1), 0);
    assert_int_equal(taken(r, "a", 30, T0), 30);
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(taken(r, name, 31, T0),
                         i < 7 ? 30 : 31); /* beyond, they are not counted */
    }
    assert_int_equal(taken(r, "a", 1, T0), 0); /* and nobody is forgotten for it */
    assert_int_equal(taken(r, "late", 40, T0 + 4 * S), 30);
    assert_int_equal(taken(r, "a", 40, T0 + 4 * S), 30);
    rates_free(r);
}

static void reads(const char *text, unsigned per_second, unsigned burst)
{
    struct rate_limit l = {0};
    assert_int_equal(rate_limit_parse(text, &l), per_second ? 0 : ER_MALFORMED);
    assert_int_equal(l.per_second, per_second);
    assert_int_equal(l.burst, burst);
}

static void test_limits_as_they_are_written(void **state)
{
    (void)state;
    reads("20/200", 20, 200);
    reads("20", 20, 40);
    reads("1000000/1", 1000000, 1);
    static const char *const bad[] = {"",   "0",     "/",  "1/",      "1/0",
                                      "/1", "1/2/3", "-1", "1000001", "a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        reads(bad[i], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_time),
        cmocka_unit_test(test_limits_as_they_are_written),
        cmocka_unit_test(test_a_flood_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
