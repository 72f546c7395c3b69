// SPDX-License-Identifier: Apache-2.0
/* Up slowly near the capacity and faster far from it, down by what arrives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/aimd.h"

#define MS 1000u
#define START (1000 * MS)

static struct aimd_input calm(double arriving_bps)
{
    return (struct aimd_input){.use = PATH_NORMAL,
                               .rtt_us = 50 * MS,
                               .sent_bps = 10000000,
                               .arriving_bps = arriving_bps,
                               .recent_bps = arriving_bps};
}

/** `ms` of reports each 100 ms. */
static uint64_t run(struct aimd *a, uint64_t now_us, unsigned ms, const struct aimd_input *in)
{
    for (unsigned i = 0; i < ms / 100; i++, now_us += 100 * MS)
        aimd_update(a, now_us, in);
    return now_us;
}

static void grows_while_all_is_used(void **state)
{
    (void)state;
    struct aimd a = {.bps = 1000000};
    struct aimd_input in = calm(1000000);
    (void)run(&a, START, 3100, &in);
    assert_true(a.bps > 1300000 && a.bps <= 1520000);
    /* What is sent is less: the rate stays where it is. */
    in = calm(200000);
    double before = a.bps;
    (void)run(&a, START + 3100 * MS, 10000, &in);
    assert_true(a.bps == before);
}

static void overuse_takes_it_below_what_arrives(void **state)
{
    (void)state;
    struct aimd a = {.bps = 2000000};
    struct aimd_input in = calm(1000000);
    in.use = PATH_OVERUSE;
    in.queue_us = 40 * MS;
    aimd_update(&a, START, &in);
    assert_true(a.bps > 840000 && a.bps < 860000);
    assert_true(a.capacity_bps == 1000000);
    /* Not again before it can have been seen. */
    in.arriving_bps = 500000;
    aimd_update(&a, START + 100 * MS, &in);
    assert_true(a.bps > 840000);
    aimd_update(&a, START + 200 * MS, &in);
    assert_true(a.bps < 430000);
}

static void a_long_queue_is_drained_and_the_rate_comes_back(void **state)
{
    (void)state;
    struct aimd a = {.bps = 1000000};
    struct aimd_input in = calm(1000000);
    in.use = PATH_OVERUSE;
    in.queue_us = 600 * MS;
    aimd_update(&a, START, &in);
    assert_true(a.bps <= 450000);
    in.use = PATH_NORMAL;
    in.arriving_bps = 1000000; /* out of the queue */
    uint64_t now_us = run(&a, START + 100 * MS, 500, &in);
    assert_true(a.bps <= 450000);
    in.queue_us = 0;
    (void)run(&a, now_us, 200, &in);
    assert_true(a.bps >= 900000);
}

static void a_link_that_became_slower_is_believed(void **state)
{
    (void)state;
    struct aimd a = {.bps = 2400000};
    struct aimd_input in = calm(1800000); /* of half a second, most of it before */
    in.use = PATH_OVERUSE;
    in.queue_us = 100 * MS;
    in.recent_bps = 600000;
    aimd_update(&a, START, &in);
    assert_true(a.bps < 520000);
}

/* Of the last moments the average says little, but what waited came at the link's own rate. */
static void a_collapse_is_seen_by_the_newest_packets(void **state)
{
    (void)state;
    struct aimd_input in = calm(1900000);
    in.sent_bps = 2000000;
    in.tail_bps = 600000;
    struct aimd a = {.bps = 2000000};
    aimd_update(&a, START, &in); /* a pause of the source, for all that is known */
    assert_true(a.bps >= 2000000);
    in.leaps = true;
    aimd_update(&a, START + 100 * MS, &in);
    assert_true(a.capacity_bps == 600000 && a.bps <= 0.85 * 600000);
    struct aimd_input burst = in;
    burst.leaps = false;
    burst.stretches = true;
    struct aimd other = {.bps = 2000000};
    aimd_update(&other, START + 100 * MS, &burst);
    assert_true(other.capacity_bps == 600000 && other.bps == a.bps);
    double before = a.bps;
    aimd_update(&a, START + 200 * MS, &in); /* no queue seen yet, but there is one */
    assert_true(a.bps == before);
    /* One that comes sooner after a decrease than what was decided can be seen. */
    a = (struct aimd){.bps = 2000000, .decreased_us = START + 250 * MS};
    aimd_update(&a, START + 300 * MS, &in);
    assert_true(a.bps <= 0.85 * 600000);
    /* Where delays sway as much anyway it is none. */
    a = (struct aimd){.bps = 2000000};
    in.jitter_us = 30 * MS;
    aimd_update(&a, START + 300 * MS, &in);
    assert_true(a.bps >= 2000000);
}

/* A key frame after little: the link carries more than what arrived so far. */
static void a_burst_that_waits_tells_the_capacity(void **state)
{
    (void)state;
    struct aimd_input in = calm(300000);
    in.use = PATH_OVERUSE;
    in.queue_us = 10 * MS;
    in.sent_bps = 400000;
    in.tail_bps = 600000;
    in.leaps = true;
    struct aimd a = {.bps = 580000};
    aimd_update(&a, START, &in);
    assert_true(a.capacity_bps == 600000);
}

static void near_the_capacity_it_grows_by_packets(void **state)
{
    (void)state;
    struct aimd a = {.bps = 920000, .capacity_bps = 1000000, .deviation = 0.05};
    struct aimd_input in = calm(920000);
    (void)run(&a, START, 1100, &in);
    assert_true(a.bps > 960000 && a.bps < 1000000);
    in.hold = true;
    double before = a.bps;
    (void)run(&a, START + 1100 * MS, 2000, &in);
    assert_true(a.bps == before);
}

static void probes_raise_only(void **state)
{
    (void)state;
    struct aimd a = {.bps = 500000, .capacity_bps = 600000};
    aimd_raise(&a, START, 400000);
    assert_true(a.bps == 500000);
    aimd_raise(&a, START, 900000);
    assert_true(a.bps == 900000 && a.capacity_bps == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_while_all_is_used),
        cmocka_unit_test(overuse_takes_it_below_what_arrives),
        cmocka_unit_test(a_long_queue_is_drained_and_the_rate_comes_back),
        cmocka_unit_test(a_link_that_became_slower_is_believed),
        cmocka_unit_test(a_collapse_is_seen_by_the_newest_packets),
        cmocka_unit_test(a_burst_that_waits_tells_the_capacity),
        cmocka_unit_test(near_the_capacity_it_grows_by_packets),
        cmocka_unit_test(probes_raise_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
