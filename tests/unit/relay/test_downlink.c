// SPDX-License-Identifier: Apache-2.0
/* What is known of one viewer's path: by its reports, by REMB, or not at all. */
#include "tests/unit/relay/downlink_world.h"

static void a_good_path_has_no_limit_and_needs_few_probes(void **state)
{
    (void)state;
    struct world *w = world_new(3, 50000000, true);
    run(w, 5 * SECOND);
    assert_int_equal(shown(w), 2);
    forget(w);
    run(w, 30 * SECOND);
    assert_int_equal(shown(w), 2);
    assert_int_equal(w->probes, 0);
    assert_true(w->pictures >= 900);
    world_free(w);
}

static void without_reports_all_is_sent(void **state)
{
    (void)state;
    struct world *w = world_new(3, 0, false);
    run(w, 3 * SECOND);
    assert_int_equal(shown(w), 2);
    assert_int_equal(downlink_bps(w->path), 0);
    assert_int_equal(downlink_slot_bps(w->path, w->picture), UINT32_MAX);
    /* REMB alone is followed, while it comes. */
    for (unsigned i = 0; i < 3; i++) {
        downlink_remb(w->path, w->now_us, 700000);
        run(w, SECOND);
    }
    assert_int_equal(shown(w), 1);
    assert_int_equal(downlink_bps(w->path), 700000);
    for (unsigned i = 0; i < 15; i++) {
        downlink_receiver_report(w->path, w->now_us, 0, 40 * MS);
        run(w, SECOND);
    }
    assert_int_equal(shown(w), 2);
    world_free(w);
}

static void agreed_reports_that_never_come_are_no_limit(void **state)
{
    (void)state;
    struct world *w = world_new(3, 0, true);
    w->reports = false;
    run(w, SECOND);
    assert_true(downlink_bps(w->path) > 0);
    run(w, 4 * SECOND);
    assert_int_equal(downlink_bps(w->path), 0);
    assert_int_equal(shown(w), 2);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_path_has_no_limit_and_needs_few_probes),
        cmocka_unit_test(without_reports_all_is_sent),
        cmocka_unit_test(agreed_reports_that_never_come_are_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
