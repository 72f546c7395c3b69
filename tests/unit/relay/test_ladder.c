// SPDX-License-Identifier: Apache-2.0
/* Down at once, up after a while, and slower after each regret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/ladder.h"

#define MS 1000u
#define SECOND 1000000u

static struct ladder_input carries(size_t fits, size_t fits_well, uint32_t bps)
{
    return (struct ladder_input){.fits = fits, .fits_well = fits_well, .count = 3, .bps = bps};
}

/** `us` with a look each 100 ms; when the first change came, or 0. */
static uint64_t run(struct ladder *l, uint64_t *now_us, uint64_t us, struct ladder_input in)
{
    uint64_t began_us = *now_us, changed_us = 0;
    for (; *now_us < began_us + us; *now_us += 100 * MS)
        if (ladder_update(l, *now_us, &in) && !changed_us)
            changed_us = *now_us - began_us + 1;
    return changed_us;
}

static void starts_with_what_fits(void **state)
{
    (void)state;
    struct ladder l = {0};
    struct ladder_input in = carries(2, 2, 800000);
    assert_true(ladder_update(&l, SECOND, &in));
    assert_int_equal(l.level, 2);
}

static void down_at_once_and_up_when_there_is_room(void **state)
{
    (void)state;
    struct ladder l = {.level = 3};
    uint64_t now_us = SECOND;
    assert_int_equal(run(&l, &now_us, 100 * MS, carries(1, 1, 300000)), 1);
    assert_int_equal(l.level, 1);
    assert_int_equal(run(&l, &now_us, 5 * SECOND, carries(2, 1, 600000)), 0); /* hardly */
    uint64_t up_us = run(&l, &now_us, 5 * SECOND, carries(2, 2, 700000));
    assert_in_range(up_us, 700 * MS, SECOND);
    assert_int_equal(l.level, 2);
}

static void regret_makes_it_patient(void **state)
{
    (void)state;
    struct ladder l = {.level = 1};
    uint64_t now_us = SECOND, last_us = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t up_us = run(&l, &now_us, 20 * SECOND, carries(2, 2, 700000));
        assert_true(up_us > last_us);
        last_us = up_us;
        now_us = now_us - 20 * SECOND + up_us; /* it went wrong right then */
        l.raised_us = now_us;
        (void)run(&l, &now_us, 500 * MS, carries(1, 1, 300000));
        assert_int_equal(l.level, 1);
    }
    assert_true(last_us > 6 * SECOND);
    /* A good while later all is forgotten. */
    (void)run(&l, &now_us, 40 * SECOND, carries(1, 1, 300000));
    assert_in_range(run(&l, &now_us, 20 * SECOND, carries(2, 2, 700000)), 700 * MS, SECOND);
}

static void gives_way_to_pictures_then_to_sound_and_returns(void **state)
{
    (void)state;
    struct ladder l = {.level = 1};
    uint64_t now_us = SECOND;
    uint64_t change_us = run(&l, &now_us, 3 * SECOND, carries(0, 0, 60000));
    assert_in_range(change_us, SECOND, SECOND + 200 * MS);
    assert_int_equal(l.step, LADDER_SLIDESHOW);
    (void)run(&l, &now_us, 3 * SECOND, carries(0, 0, 10000));
    assert_int_equal(l.step, LADDER_AUDIO_ONLY);
    assert_int_equal(run(&l, &now_us, 10 * SECOND, carries(0, 0, 40000)), 0);
    (void)run(&l, &now_us, 1500 * MS, carries(0, 0, 60000));
    assert_int_equal(l.step, LADDER_SLIDESHOW);
    assert_int_equal(run(&l, &now_us, 10 * SECOND, carries(1, 0, 120000)), 0);
    (void)run(&l, &now_us, 1500 * MS, carries(1, 1, 200000));
    assert_int_equal(l.step, LADDER_VIDEO);
    assert_int_equal(l.level, 1);
}

static void a_publisher_that_is_asked_has_time(void **state)
{
    (void)state;
    struct ladder l = {.level = 1};
    uint64_t now_us = SECOND;
    struct ladder_input in = {.count = 1, .bps = 600000, .can_be_asked = true};
    assert_int_equal(run(&l, &now_us, 3500 * MS, in), 0);
    in.fits = 1;
    assert_int_equal(run(&l, &now_us, 3 * SECOND, in), 0); /* it sends less */
    in.fits = 0;
    in.can_be_asked = false; /* others are better off */
    assert_in_range(run(&l, &now_us, 3 * SECOND, in), SECOND, SECOND + 200 * MS);
    assert_int_equal(l.step, LADDER_SLIDESHOW);
    /* It is too much yet, but would be made less for this viewer. */
    in.can_be_asked = true;
    assert_in_range(run(&l, &now_us, 3 * SECOND, in), 700 * MS, SECOND);
    assert_int_equal(l.step, LADDER_VIDEO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_with_what_fits),
        cmocka_unit_test(down_at_once_and_up_when_there_is_room),
        cmocka_unit_test(regret_makes_it_patient),
        cmocka_unit_test(gives_way_to_pictures_then_to_sound_and_returns),
        cmocka_unit_test(a_publisher_that_is_asked_has_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
