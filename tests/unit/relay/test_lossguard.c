// SPDX-License-Identifier: Apache-2.0
/* Loss by chance is let be, by a queue or by policing it lowers the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/lossguard.h"

#define MS 1000u

/** Windows of half a second with `percent` of 100 packets lost; the rate after. */
static double run(struct lossguard *g, uint64_t *now_us, unsigned windows, int percent, double bps,
                  uint32_t queue_us)
{
    for (unsigned i = 0; i < windows; i++) {
        struct lossguard_input in = {.bps = bps,
                                     .arriving_bps = bps * (100 - percent) / 100,
                                     .queue_us = queue_us,
                                     .rtt_us = 50 * MS};
        lossguard_count(g, 100, percent);
        *now_us += 510 * MS;
        bps = lossguard_update(g, *now_us, &in);
    }
    return bps;
}

static void a_little_loss_is_nothing(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    assert_true(run(&g, &now_us, 40, 8, 1000000, 0) == 1000000);
    assert_true(g.inherent > 0.05 && g.inherent < 0.09);
}

static void loss_beside_a_queue_counts_at_once(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    (void)run(&g, &now_us, 4, 0, 1000000, 0);
    double bps = run(&g, &now_us, 2, 20, 1000000, 40 * MS);
    assert_true(bps < 800000);
}

static void chance_is_tried_once_and_then_known(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    double bps = run(&g, &now_us, 4, 30, 1000000, 0);
    assert_true(g.trial);
    assert_true(bps < 700000);
    bps = run(&g, &now_us, 4, 30, bps, 0); /* lower, and as much is lost */
    assert_false(g.trial);
    assert_true(bps == 1000000);
    assert_true(run(&g, &now_us, 60, 30, 1000000, 0) == 1000000);
    /* When it ends, it is forgotten. */
    (void)run(&g, &now_us, 20, 0, 1000000, 0);
    assert_true(g.inherent < 0.02);
}

static void policing_keeps_the_lower_rate(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    double bps = run(&g, &now_us, 4, 30, 1000000, 0);
    assert_true(g.trial);
    bps = run(&g, &now_us, 4, 0, bps, 0);
    assert_false(g.trial || lossguard_is_policed(&g, now_us));
    assert_true(bps == 1000000); /* losses may have ended just then: once more */
    bps = run(&g, &now_us, 2, 30, bps, 0);
    assert_true(g.trial);
    bps = run(&g, &now_us, 4, 0, bps, 0);
    assert_false(g.trial);
    assert_true(bps < 700000);
    assert_true(lossguard_is_policed(&g, now_us));
    assert_false(lossguard_holds(&g, now_us));
    (void)run(&g, &now_us, 1, 8, bps, 0);
    assert_true(lossguard_holds(&g, now_us));
    assert_false(lossguard_is_policed(&g, now_us + 31000 * MS));
}

/** Little is sent: losses then are not for want of rate. */
static void what_is_little_is_not_made_less(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    struct lossguard_input in = {.bps = 3000000, .arriving_bps = 60000, .rtt_us = 50 * MS};
    double bps = in.bps;
    for (unsigned i = 0; i < 3; i++) {
        lossguard_count(&g, 100, 40);
        now_us += 510 * MS;
        bps = lossguard_update(&g, now_us, &in);
    }
    assert_true(g.trial);
    assert_true(bps < 3000000 && bps >= 150000);
    g = (struct lossguard){0};
    assert_true(run(&g, &now_us, 4, 40, 100000, 0) == 100000);
}

/** Runs of losses now and then: that a trial falls between two of them says nothing. */
static void losses_in_runs_are_no_policing(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    double bps = 1000000;
    for (unsigned i = 0; i < 10; i++) {
        bps = run(&g, &now_us, 3, 25, bps, 0);
        bps = run(&g, &now_us, 14, 1, bps, 0);
        assert_false(lossguard_is_policed(&g, now_us));
        assert_true(bps == 1000000);
    }
}

static void what_a_full_queue_dropped_is_no_policing(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    (void)run(&g, &now_us, 1, 60, 1000000, 0);
    lossguard_cancel(&g, now_us); /* the delay lowers the rate; then the reports of the loss come */
    double bps = run(&g, &now_us, 2, 60, 300000, 0);
    assert_false(g.trial);
    bps = run(&g, &now_us, 2, 40, bps, 0);
    assert_true(g.trial);
    bps = run(&g, &now_us, 8, 0, bps, 0);
    assert_false(g.trial || lossguard_is_policed(&g, now_us));
    for (unsigned i = 0; i < 2; i++) { /* later it is believed */
        (void)run(&g, &now_us, 3, 30, bps, 0);
        (void)run(&g, &now_us, 4, 0, bps, 0);
    }
    assert_true(lossguard_is_policed(&g, now_us));
}

static void an_outage_teaches_nothing(void **state)
{
    (void)state;
    struct lossguard g = {0};
    uint64_t now_us = 1000 * MS;
    assert_true(run(&g, &now_us, 10, 100, 1000000, 0) == 1000000);
    assert_true(g.loss == 0 && g.inherent == 0);
}

static void what_was_late_only_is_taken_back(void **state)
{
    (void)state;
    struct lossguard g = {0};
    lossguard_count(&g, 100, 30);
    lossguard_count(&g, 0, -25);
    assert_int_equal(g.lost, 5);
    lossguard_count(&g, 0, -25);
    assert_int_equal(g.lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_little_loss_is_nothing),
        cmocka_unit_test(loss_beside_a_queue_counts_at_once),
        cmocka_unit_test(chance_is_tried_once_and_then_known),
        cmocka_unit_test(policing_keeps_the_lower_rate),
        cmocka_unit_test(what_is_little_is_not_made_less),
        cmocka_unit_test(losses_in_runs_are_no_policing),
        cmocka_unit_test(what_a_full_queue_dropped_is_no_policing),
        cmocka_unit_test(an_outage_teaches_nothing),
        cmocka_unit_test(what_was_late_only_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
