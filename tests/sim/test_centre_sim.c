// SPDX-License-Identifier: Apache-2.0
/* Pairing over a day of a contact centre: nothing that must not be, and nobody served worse than by first
 * come, first served within each skill. Five such days: ./dev bench centre. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/centre.h"

struct pair {
    struct centre_result fifo, queue;
    double slack;
    bool brief;
};

static int setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    assert_non_null(p);
    const char *seed = getenv("LOUPE_SEED");
    struct centre_config config = {.seed = seed ? strtoull(seed, NULL, 10) : 1};
    bool brief = getenv("LOUPE_VALGRIND") != NULL;
    p->brief = brief;
    p->slack = seed ? 1.03 : 1; /* days differ */
    config.calls = brief ? 1000 : 20000;
    config.agents = brief ? 20 : 200;
    config.hours = 24;
    assert_int_equal(centre_run(&config, &p->queue), 0);
    config.fifo = true;
    assert_int_equal(centre_run(&config, &p->fifo), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void nothing_goes_wrong(const struct centre_result *r)
{
    assert_int_equal(r->doubled, 0);
    assert_int_equal(r->overloaded, 0);
    assert_int_equal(r->astray, 0);
    assert_int_equal(r->overtaken, 0);
    assert_int_equal(r->unsound, 0);
    assert_int_equal(r->all.answered + r->all.abandoned + r->all.lost, r->all.came);
    assert_true(r->declined > 0 && r->rang_out > 0 && r->withdrawn > 0 && r->all.lost > 0);
}

static void test_nobody_doubled_lost_or_overloaded(void **state)
{
    const struct pair *p = *state;
    nothing_goes_wrong(&p->queue);
    nothing_goes_wrong(&p->fifo);
    assert_true(p->queue.other_language > 0 && p->queue.other_team > 0);
}

static void test_no_worse_than_first_come_first_served(void **state)
{
    const struct pair *p = *state;
    if (p->brief)
        skip();
    assert_true(p->queue.all.in_time * p->slack >= p->fifo.all.in_time);
    assert_true(p->queue.all.p90_s <= p->fifo.all.p90_s * p->slack);
    assert_true(p->queue.tiers[0].p90_s <= 1.25 * p->fifo.tiers[0].p90_s);
    assert_true(p->queue.tiers[2].p90_s < 0.8 * p->fifo.tiers[2].p90_s * p->slack);
    assert_true(p->queue.tiers[3].p90_s < 0.7 * p->fifo.tiers[3].p90_s * p->slack);
}

static void test_nobody_past_the_ageing_bound(void **state)
{
    const struct pair *p = *state;
    struct queue_policy policy;
    queue_policy_init(&policy);
    assert_true(p->queue.all.longest_s < (double)policy.aged_us / 1e6);
}

static void test_expected_waits_come_true(void **state)
{
    const struct pair *p = *state;
    if (p->brief)
        skip();
    assert_true(p->queue.told > 100);
    assert_true(p->queue.first_error <= 0.3 * p->slack);
    assert_true(p->queue.any_error <= 0.3 * p->slack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_doubled_lost_or_overloaded),
        cmocka_unit_test(test_no_worse_than_first_come_first_served),
        cmocka_unit_test(test_nobody_past_the_ageing_bound),
        cmocka_unit_test(test_expected_waits_come_true),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
