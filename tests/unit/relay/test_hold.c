// SPDX-License-Identifier: Apache-2.0
/* How long viewers are to hold pictures back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/hold.h"

#define MS 1000u

static struct hold_leg leg(double loss)
{
    return (struct hold_leg){.loss = loss, .first_us = 75 * MS, .again_us = 40 * MS};
}

static uint16_t after(struct hold *h, uint64_t now_us, double up, double down)
{
    const struct hold_leg legs[HOLD_LEGS] = {leg(up), leg(down)};
    hold_update(h, now_us, legs);
    return h->ms;
}

static void clean_paths_are_let_be(void **state)
{
    (void)state;
    struct hold h = {0};
    for (uint64_t now_us = MS; now_us < 10000 * MS; now_us += 1000 * MS)
        assert_int_equal(after(&h, now_us, 0.005, 0.01), 0);
    assert_false(h.told);
}

static void each_leg_adds_its_round_trips(void **state)
{
    (void)state;
    struct hold a = {0}, b = {0}, c = {0}, d = {0};
    assert_int_equal(after(&a, MS, 0.05, 0), 60); /* in steps of 20 ms */
    assert_int_equal(after(&b, MS, 0.05, 0.05), 140);
    assert_int_equal(after(&c, MS, 0.05, 0.12), 180);
    assert_int_equal(after(&d, MS, 0.3, 0.3), 300); /* no more, whatever is lost */
    assert_true(a.told);
}

static void more_at_once_less_later(void **state)
{
    (void)state;
    struct hold h = {0};
    assert_int_equal(after(&h, 1000 * MS, 0.05, 0), 60);
    assert_int_equal(after(&h, 2000 * MS, 0.05, 0.05), 140);
    assert_int_equal(after(&h, 6000 * MS, 0, 0), 140);
    assert_int_equal(after(&h, 9000 * MS, 0.05, 0.05), 140); /* needed again */
    assert_int_equal(after(&h, 16000 * MS, 0, 0), 140);
    assert_int_equal(after(&h, 17100 * MS, 0, 0), 0);
    assert_true(h.told); /* and it must be told that, too */
}

static void reports_are_smoothed(void **state)
{
    (void)state;
    struct hold h = {0};
    hold_report(&h, 26);
    assert_in_range(h.viewer_loss, 1000, 2000);
    for (int i = 0; i < 40; i++)
        hold_report(&h, 26);
    assert_in_range(h.viewer_loss, 6600, 6670);
    for (int i = 0; i < 40; i++)
        hold_report(&h, 0);
    assert_true(h.viewer_loss < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_paths_are_let_be),
        cmocka_unit_test(each_leg_adds_its_round_trips),
        cmocka_unit_test(more_at_once_less_later),
        cmocka_unit_test(reports_are_smoothed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
