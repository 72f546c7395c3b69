// SPDX-License-Identifier: Apache-2.0
/* A queue that grows is seen, jitter is not taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/trendline.h"

#define MS 1000u
#define SKEW INT64_C(-98765432101) /* the other clock */

static uint64_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

/** Packets every 10 ms; the queue grows by `growth_us` with each. How many made an overuse. */
static unsigned run(struct trendline *t, uint64_t *now_us, unsigned packets, int64_t growth_us,
                    uint64_t jitter_us, int64_t *queue_us)
{
    unsigned over = 0;
    uint64_t random = *now_us;
    for (unsigned i = 0; i < packets; i++, *now_us += 10 * MS) {
        *queue_us += growth_us;
        int64_t extra = jitter_us ? (int64_t)(draw(&random) % jitter_us) : 0;
        trendline_arrival(t, *now_us, (int64_t)*now_us + SKEW + *queue_us + extra);
        over += t->use == PATH_OVERUSE;
    }
    return over;
}

static void sees_a_queue_grow_and_shrink(void **state)
{
    (void)state;
    struct trendline t;
    uint64_t now_us = 1000 * MS;
    int64_t queue_us = 0;
    trendline_reset(&t);
    assert_int_equal(run(&t, &now_us, 200, 0, 0, &queue_us), 0);
    assert_int_equal(trendline_queue_us(&t), 0);
    /* A tenth too much: 1 ms more each 10 ms. Seen before 60 ms stand in the queue. */
    assert_true(run(&t, &now_us, 60, 1000, 0, &queue_us) > 0);
    assert_in_range(trendline_queue_us(&t), 50000, 60000);
    (void)run(&t, &now_us, 25, -2000, 0, &queue_us);
    assert_int_equal(t.use, PATH_UNDERUSE);
    (void)run(&t, &now_us, 5, -2000, 0, &queue_us);
    (void)run(&t, &now_us, 100, 0, 0, &queue_us);
    assert_int_equal(t.use, PATH_NORMAL);
    assert_true(trendline_queue_us(&t) < 3000);
}

static void jitter_is_no_queue(void **state)
{
    (void)state;
    for (uint64_t jitter_us = 5 * MS; jitter_us <= 100 * MS; jitter_us += 19 * MS) {
        struct trendline t;
        uint64_t now_us = 1000 * MS;
        int64_t queue_us = 0;
        trendline_reset(&t);
        (void)run(&t, &now_us, 300, 0, jitter_us, &queue_us); /* learns the noise */
        unsigned over = run(&t, &now_us, 3000, 0, jitter_us, &queue_us);
        assert_in_range(over, 0, 60);
        /* Yet a real queue is found within it. */
        assert_true(run(&t, &now_us, 100, 3000, jitter_us, &queue_us) > 3);
    }
}

static void a_standing_queue_is_overuse(void **state)
{
    (void)state;
    struct trendline t;
    uint64_t now_us = 1000 * MS;
    int64_t queue_us = 0;
    trendline_reset(&t);
    (void)run(&t, &now_us, 100, 0, 0, &queue_us);
    (void)run(&t, &now_us, 100, 3000, 0, &queue_us);
    assert_true(run(&t, &now_us, 200, 0, 0, &queue_us) > 150);
    /* In the end it is not a queue but a longer way. */
    assert_int_equal(run(&t, &now_us, 3000, 0, 0, &queue_us) > 2000, 0);
    assert_int_equal(t.use, PATH_NORMAL);
}

static void the_newest_delay_leaps(void **state)
{
    (void)state;
    struct trendline t;
    uint64_t now_us = 1000 * MS;
    int64_t queue_us = 0;
    trendline_reset(&t);
    assert_false(trendline_leaps(&t));
    (void)run(&t, &now_us, 300, 0, 4 * MS, &queue_us);
    assert_false(trendline_leaps(&t));
    (void)run(&t, &now_us, 2, 25 * MS, 0, &queue_us);
    assert_true(trendline_leaps(&t)); /* the least of the last delays is small yet */
    assert_true(trendline_queue_us(&t) < 10 * MS);
    queue_us = 0;
    (void)run(&t, &now_us, 1, 0, 0, &queue_us);
    assert_false(trendline_leaps(&t));
    /* Jitter has to be left behind. */
    (void)run(&t, &now_us, 300, 0, 60 * MS, &queue_us);
    (void)run(&t, &now_us, 1, 50 * MS, 0, &queue_us);
    assert_false(trendline_leaps(&t));
    /* In order it shows as falls that are small. */
    trendline_reset(&t);
    queue_us = 0;
    bool leapt = false;
    for (unsigned i = 0; i < 100; i++) {
        (void)run(&t, &now_us, 1, 80 * MS, 0, &queue_us);
        leapt = leapt || (i > 20 && trendline_leaps(&t));
        (void)run(&t, &now_us, 8, -10000, 0, &queue_us);
    }
    assert_false(leapt);
}

/** A burst of `packets` that leave within 4 ms, each that much later behind the one before. */
static void burst(struct trendline *t, uint64_t *now_us, unsigned packets, int64_t each_us)
{
    for (unsigned k = 0; k < packets; k++) {
        uint64_t sent_us = *now_us + k * 4 * MS / packets;
        trendline_arrival(t, sent_us, (int64_t)*now_us + SKEW + k * each_us);
    }
    *now_us += 33 * MS;
}

static void a_burst_that_is_stretched_tells_before_it_is_over(void **state)
{
    (void)state;
    struct trendline t;
    uint64_t now_us = 1000 * MS;
    trendline_reset(&t);
    for (unsigned i = 0; i < 100; i++) {
        burst(&t, &now_us, 5, 4 * MS);
        assert_false(trendline_stretches(&t));
    }
    burst(&t, &now_us, 3, 15 * MS);
    assert_false(trendline_stretches(&t)); /* one that waits is not enough */
    burst(&t, &now_us, 5, 15 * MS);
    assert_true(trendline_stretches(&t));
    assert_false(trendline_leaps(&t)); /* the first one found the link free */
    burst(&t, &now_us, 1, 0);
    assert_false(trendline_stretches(&t));
    /* Jitter has to be left behind. */
    for (unsigned i = 0; i < 200; i++) {
        int64_t late_us = i % 4 == 0 ? 40 * MS : 0;
        trendline_arrival(&t, now_us, (int64_t)now_us + SKEW + late_us);
        now_us += 33 * MS;
    }
    burst(&t, &now_us, 5, 15 * MS);
    assert_false(trendline_stretches(&t));
}

static void packets_that_left_together_are_one_sample(void **state)
{
    (void)state;
    struct trendline t;
    trendline_reset(&t);
    /* Bursts of eight, each packet a millisecond behind the one before: no queue is left over. */
    for (unsigned i = 0; i < 200; i++)
        for (unsigned k = 0; k < 8; k++) {
            uint64_t sent_us = 1000 * MS + i * 33 * MS + k * 100;
            trendline_arrival(&t, sent_us, (int64_t)(sent_us + k * MS));
            assert_int_not_equal(t.use, PATH_OVERUSE);
        }
    assert_true(trendline_queue_us(&t) < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_a_queue_grow_and_shrink),
        cmocka_unit_test(jitter_is_no_queue),
        cmocka_unit_test(a_standing_queue_is_overuse),
        cmocka_unit_test(the_newest_delay_leaps),
        cmocka_unit_test(a_burst_that_is_stretched_tells_before_it_is_over),
        cmocka_unit_test(packets_that_left_together_are_one_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
