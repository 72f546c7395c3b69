// SPDX-License-Identifier: Apache-2.0
/* A part of the grid of impaired networks, held to what a viewer may expect there. The whole grid is
 * `./dev bench loss`; docs/LOSS.md holds its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/grid.h"

/** The worst of several seeds. */
struct worst {
    double fps, kbps, concealed;
    uint32_t long_freezes, frozen_ms, silent_ms, recovery_ms;
    struct grid_step steps[GRID_STEPS];
};

static uint64_t seeds(uint64_t many)
{
    return getenv("LOUPE_VALGRIND") ? 1 : many;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static struct worst run(const char *name, uint64_t many)
{
    struct grid_case c;
    struct worst w = {.fps = 1000, .kbps = 1e9};
    size_t i = 0;
    bool found;
    while ((found = grid_at(i, &c)) && strcmp(c.name, name) != 0)
        i++;
    assert_true(found);
    for (uint64_t seed = 1; seed <= seeds(many); seed++) {
        struct grid_result r;
        assert_int_equal(grid_run(&c, seed, &r), 0);
        assert_int_equal(r.corrupt, 0);
        w.fps = r.fps < w.fps ? r.fps : w.fps;
        w.kbps = r.kbps < w.kbps ? r.kbps : w.kbps;
        w.concealed = r.concealed > w.concealed ? r.concealed : w.concealed;
        w.long_freezes = larger(w.long_freezes, r.long_freezes);
        w.frozen_ms = larger(w.frozen_ms, r.frozen_ms);
        w.silent_ms = larger(w.silent_ms, r.silent_ms);
        w.recovery_ms = larger(w.recovery_ms, r.recovery_ms);
        for (size_t k = 0; k < r.step_count; k++) {
            struct grid_step *s = &w.steps[k];
            s->used = s->used == 0 || r.steps[k].used < s->used ? r.steps[k].used : s->used;
            s->wait_ms = larger(s->wait_ms, r.steps[k].wait_ms);
            s->worst_ms = larger(s->worst_ms, r.steps[k].worst_ms);
            s->settled_ms = larger(s->settled_ms, r.steps[k].settled_ms);
            s->after_ms = larger(s->after_ms, r.steps[k].after_ms);
            s->changed_ms = larger(s->changed_ms, r.steps[k].changed_ms);
            s->reached_ms = larger(s->reached_ms, r.steps[k].reached_ms);
            s->width = r.steps[k].width;
        }
    }
    print_message("%s: >= %.1f fps, %u freezes over 500 ms, %.2f%% of the sound concealed, at most "
                  "%u ms at a stretch, recovered within %u ms\n",
                  name, w.fps, w.long_freezes, w.concealed, w.silent_ms, w.recovery_ms);
    return w;
}

static void test_little_loss_freezes_nothing(void **state)
{
    (void)state;
    assert_int_equal(run("loss 1% x1, 20 ms", 3).long_freezes, 0);
    assert_int_equal(run("loss 3% x1, 20 ms", 3).long_freezes, 0);
    struct worst w = run("loss 5% x1, 20 ms", 3);
    assert_int_equal(w.long_freezes, 0);
    assert_true(w.concealed <= 1.5);
    assert_true(run("loss 5% x1, 100 ms", 3).long_freezes <= 1);
    assert_int_equal(run("loss 3% x3, 20 ms", 3).long_freezes, 0);
    assert_int_equal(run("loss 5% x3, 20 ms", 3).long_freezes, 0);
}

static void test_ten_percent_still_moves(void **state)
{
    (void)state;
    struct worst near = run("loss 10% x1, 20 ms", 3);
    struct worst far = run("loss 10% x1, 100 ms", 3);
    assert_true(near.fps >= 20 && far.fps >= 20);
    assert_true(near.concealed <= 4);
    assert_true(near.kbps >= 900); /* chance is no reason to send less, */
    struct worst runs = run("loss 10% x8, 100 ms", 2);
    assert_true(runs.fps >= 20);
    assert_true(runs.kbps >= 900); /* nor are runs of losses */
}

static void test_heavy_loss_is_outlived(void **state)
{
    (void)state;
    static const char *const names[] = {"loss 20% x1, 20 ms", "loss 20% x1, 100 ms",
                                        "loss 30% x1, 20 ms", "loss 30% x1, 100 ms"};
    for (size_t i = 0; i < 4; i++) {
        struct worst w = run(names[i], 3);
        assert_true(w.recovery_ms <= 2000);
        assert_true(w.silent_ms <= 500);
        if (i == 0)
            assert_true(w.concealed <= 12 && w.fps >= 25 && w.kbps >= 400 && w.frozen_ms <= 4000);
        if (i == 2)
            assert_true(w.fps >= 20 && w.frozen_ms <= 12000);
        if (i == 3)
            assert_true(w.fps >= 8);
    }
    struct worst runs = run("loss 30% x8, 20 ms", 3);
    assert_true(runs.fps >= 16 && runs.recovery_ms <= 2000);
}

static void test_sound_outlives_half(void **state)
{
    (void)state;
    struct worst w = run("loss 50% x1, 20 ms", 2);
    assert_true(w.silent_ms <= 1000);
    assert_true(w.concealed <= 35);
}

static void test_blackouts_leave_nothing_behind(void **state)
{
    (void)state;
    assert_true(run("blackout 5 s, 20 ms", 2).recovery_ms <= 300);
    assert_true(run("blackout 5 s, 100 ms", 2).recovery_ms <= 1000);
}

static void test_jitter(void **state)
{
    (void)state;
    assert_true(run("jitter 30 ms", 1).fps >= 29);
    struct worst w = run("jitter 100 ms", 1);
    assert_true(w.fps >= 29 && w.concealed <= 1.5);
    assert_true(run("jitter 30 ms, reordering", 1).fps >= 29);
    assert_true(run("jitter 100 ms, reordering", 2).fps >= 25);
}

/* 1.0, 2.5, 0.6, 1.0 Mbit/s. */
static void expect_steps_followed(const char *name)
{
    struct worst w = run(name, 3);
    for (size_t i = 0; i < 4; i++) {
        const struct grid_step *s = &w.steps[i];
        print_message("step %zu: %.0f%% used, settled within %u ms, %u ms of queue, then %u ms\n",
                      i, s->used, s->settled_ms, s->wait_ms, s->after_ms);
        assert_true(s->used >= 70);
        assert_true(s->settled_ms <= (i == 1 || i == 3 ? 10000 : 5000));
        assert_true(s->wait_ms < 200); /* the moments before anybody could know included */
        assert_true(s->worst_ms < 600);
        assert_true(s->after_ms < 200);
    }
}

/* A lone publisher sends what the viewer can take, one of three encodings what makes the best of them fit. */
static void test_steps_are_followed(void **state)
{
    (void)state;
    expect_steps_followed("steps");
    expect_steps_followed("steps, simulcast");
}

static void test_layers_fall_and_return(void **state)
{
    (void)state;
    struct worst w = run("300k and back, simulcast", 3);
    print_message("smaller within %u ms, back within %u ms\n", w.steps[1].changed_ms,
                  w.steps[2].reached_ms);
    assert_in_range(w.steps[1].width, 320, 640);
    assert_int_equal(w.steps[2].width, 1280);
    assert_true(w.steps[1].changed_ms <= 1200);
    assert_true(w.steps[2].reached_ms <= 5000);
}

static void test_narrow_paths_carry_pictures(void **state)
{
    (void)state;
    assert_true(run("down 500k, queue 10", 2).fps >= 20);
    assert_true(run("down 500k, queue 50", 2).fps >= 20);
    assert_true(run("down 2000k, queue 10", 2).fps >= 28);
    static const char *const ups[] = {"up 250k, queue 50", "up 500k, queue 10",
                                      "up 500k, queue 50"};
    for (size_t i = 0; i < 3; i++) {
        struct worst up = run(ups[i], 2);
        assert_true(up.fps >= 20);
        assert_true(up.steps[0].used >= 70 && up.steps[0].settled_ms <= 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_loss_freezes_nothing),
        cmocka_unit_test(test_ten_percent_still_moves),
        cmocka_unit_test(test_heavy_loss_is_outlived),
        cmocka_unit_test(test_sound_outlives_half),
        cmocka_unit_test(test_blackouts_leave_nothing_behind),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_steps_are_followed),
        cmocka_unit_test(test_layers_fall_and_return),
        cmocka_unit_test(test_narrow_paths_carry_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
