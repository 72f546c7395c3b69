// SPDX-License-Identifier: Apache-2.0
/* Curves made by hand: those that follow pass, whatever their lag and noise; steady ones, other patterns
 * and cut ones do not. */
#include "server/light.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_US UINT64_C(1700000000000000)
#define FRAME_US 40000u

struct fixture {
    struct entropy_seeded seeded;
    struct entropy entropy;
    bool pattern[LIGHT_STEPS];
    uint64_t steps[LIGHT_STEPS + 1];
    struct media_light_curve curve;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->entropy = entropy_seeded_init(&f->seeded, 5);
    light_pattern(&f->entropy, f->pattern);
    for (size_t i = 0; i <= LIGHT_STEPS; i++)
        f->steps[i] = START_US + i * LIGHT_STEP_US;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

/** `shown` lit by `levels`, `lag_us` later, with noise of +-`noise` levels, over a drift. */
static void film(struct fixture *f, const bool shown[LIGHT_STEPS], double levels, uint64_t lag_us,
                 double noise)
{
    f->curve.count = 0;
    for (uint64_t at = 0; at < LIGHT_STEPS * LIGHT_STEP_US + LIGHT_LAG_MAX_US; at += FRAME_US) {
        bool on = at >= lag_us && at - lag_us < LIGHT_STEPS * LIGHT_STEP_US &&
                  shown[(at - lag_us) / LIGHT_STEP_US];
        double random = (double)(entropy_u64(&f->entropy) % 2001) / 1000 - 1;
        f->curve.samples[f->curve.count++] = (struct media_light_sample){
            .unix_us = START_US + at,
            .luma = 100 + (on ? levels : 0) + noise * random + (double)at / 4000000};
    }
}

static struct light_verdict judge(struct fixture *f)
{
    return light_judge(f->pattern, f->steps, &f->curve);
}

static void patterns_are_even_and_changing(void **state)
{
    struct fixture *f = *state;
    bool other[LIGHT_STEPS];
    for (unsigned n = 0; n < 200; n++) {
        unsigned on = 0, changes = 0;
        memcpy(other, f->pattern, sizeof other);
        light_pattern(&f->entropy, f->pattern);
        for (size_t i = 0; i < LIGHT_STEPS; i++) {
            on += f->pattern[i];
            changes += i > 0 && f->pattern[i] != f->pattern[i - 1];
        }
        assert_int_equal(on, LIGHT_STEPS / 2);
        assert_in_range(changes, LIGHT_STEPS / 3, LIGHT_STEPS * 3 / 4);
        assert_memory_not_equal(other, f->pattern, sizeof other);
    }
}

static void what_follows_passes(void **state)
{
    struct fixture *f = *state;
    static const uint64_t lags[] = {0, 90000, 400000, 850000};
    for (size_t i = 0; i < sizeof lags / sizeof lags[0]; i++) {
        film(f, f->pattern, 8, lags[i], 6);
        struct light_verdict v = judge(f);
        assert_true(v.passed);
        assert_true(v.contrast > 6 && v.contrast < 10);
        assert_true(v.lag_us + 150000 > lags[i] && v.lag_us < lags[i] + 150000);
    }
}

static void what_does_not_is_told(void **state)
{
    struct fixture *f = *state;
    bool inverse[LIGHT_STEPS];
    for (size_t i = 0; i < LIGHT_STEPS; i++)
        inverse[i] = !f->pattern[i];
    film(f, f->pattern, 0, 100000, 6);
    assert_false(judge(f).passed);
    film(f, f->pattern, 0, 100000, 0); /* as still as it can be, but for the drift */
    assert_false(judge(f).passed);
    film(f, f->pattern, 1, 100000, 0.1); /* too faint to be told from what a codec does */
    assert_false(judge(f).passed);
    film(f, inverse, 30, 100000, 2);
    assert_false(judge(f).passed);
    film(f, f->pattern, 30, 3000000, 2); /* much too late: somebody else's answer */
    assert_false(judge(f).passed);
    film(f, f->pattern, 30, 100000, 2);
    f->curve.count /= 2;
    assert_false(judge(f).passed);
    f->curve.count = 0;
    assert_false(judge(f).passed);
}

/** Recordings of other challenges that passed: one in a few hundred may fit by chance. */
static void recordings_of_others_fail(void **state)
{
    struct fixture *f = *state;
    unsigned passed = 0;
    for (unsigned n = 0; n < 400; n++) {
        bool other[LIGHT_STEPS];
        light_pattern(&f->entropy, other);
        film(f, other, 30, 100000, 3);
        passed += judge(f).passed;
    }
    assert_true(passed <= 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(patterns_are_even_and_changing),
        TEST(what_follows_passes),
        TEST(what_does_not_is_told),
        TEST(recordings_of_others_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
