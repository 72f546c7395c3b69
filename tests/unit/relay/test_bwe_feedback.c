// SPDX-License-Identifier: Apache-2.0
/* What a viewer says about its path may be anything: made up, told twice, of leaping clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/bwe.h"

#define MS 1000u
#define SECOND 1000000u
#define NOW UINT64_C(90000000)

static struct bwe *quiet(bool twcc)
{
    struct bwe *b;
    struct bwe_config config = {
        .start_bps = 1000000, .min_bps = 50000, .max_bps = 20000000, .twcc = twcc};
    assert_int_equal(bwe_new(&b, &config, NOW), 0);
    return b;
}

static uint64_t strange(const struct bwe *b)
{
    struct bwe_state s;
    bwe_get_state(b, &s);
    return s.counters.strange;
}

static void numbers_never_sent_change_nothing(void **state)
{
    (void)state;
    struct bwe *b = quiet(true);
    struct twcc_arrival a[64];
    for (uint16_t i = 0; i < 64; i++)
        a[i] = (struct twcc_arrival){
            .seq = (uint16_t)(i * 1000 + 5), .received = i % 2, .at_us = i};
    bwe_feedback(b, NOW, a, 64);
    assert_int_equal(bwe_bps(b), 1000000);
    assert_int_equal(strange(b), 64);
    uint16_t first = bwe_send(b, NOW, 1000, 0);
    for (unsigned i = 0; i < 3000; i++)
        (void)bwe_send(b, NOW + i, 1000, 0);
    a[0].seq = first; /* long overwritten */
    bwe_feedback(b, NOW + 5000, a, 1);
    assert_int_equal(strange(b), 65);
    assert_int_equal(bwe_bps(b), 1000000);
    bwe_feedback(b, NOW + 5000, NULL, 0);
    bwe_free(b);
}

static void told_twice_counts_once(void **state)
{
    (void)state;
    struct bwe *b = quiet(true);
    struct twcc_arrival a[8];
    for (unsigned i = 0; i < 8; i++)
        a[i] = (struct twcc_arrival){
            .seq = bwe_send(b, NOW + i * 10000, 1000, 0), .received = i != 3, .at_us = i * 10000};
    for (unsigned times = 0; times < 100; times++)
        bwe_feedback(b, NOW + 100000, a, 8);
    struct bwe_state s;
    bwe_get_state(b, &s);
    assert_int_equal(s.counters.received, 7);
    assert_int_equal(s.counters.lost, 1);
    assert_int_equal(s.counters.strange, 99 * 8);
    /* A packet thought lost may come yet. */
    a[3].received = true;
    a[3].at_us = 90000;
    bwe_feedback(b, NOW + 110000, &a[3], 1);
    bwe_get_state(b, &s);
    assert_int_equal(s.counters.received, 8);
    bwe_free(b);
}

/* Every other feedback packet is lost: nothing is told of its packets, ever. */
static void lost_feedback_is_no_loss(void **state)
{
    (void)state;
    struct bwe *b = quiet(true);
    struct twcc_arrival a[10];
    struct bwe_state s;
    for (unsigned i = 0; i < 100; i++) { /* 10 packets of 1,000 bytes in 100 ms: 800 kbit/s */
        uint64_t now_us = NOW + i * 100 * MS;
        for (unsigned k = 0; k < 10; k++)
            a[k] = (struct twcc_arrival){.seq = bwe_send(b, now_us + k * 10 * MS, 1000, 0),
                                         .received = true,
                                         .at_us = (int64_t)(now_us + k * 10 * MS + 20 * MS)};
        if (i % 2 == 0)
            bwe_feedback(b, now_us + 130 * MS, a, 10);
    }
    bwe_get_state(b, &s);
    assert_in_range(s.arriving_bps, 720000, 880000);
    assert_true(s.loss < 0.01);
    bwe_free(b);
}

/** A fifth is lost, in runs of that length. What is lost behind something lost. */
static double lost_behind_lost(uint16_t length)
{
    struct bwe *b = quiet(true);
    struct twcc_arrival a[20];
    struct bwe_state s;
    for (unsigned round = 0; round < 50; round++) {
        uint64_t now_us = NOW + round * 100 * MS;
        for (uint16_t i = 0; i < 20; i++)
            a[i] = (struct twcc_arrival){.seq = bwe_send(b, now_us + i * 5 * MS, 1000, 0),
                                         .received = i % (5 * length) >= length,
                                         .at_us = (int64_t)(now_us + i * 5 * MS)};
        bwe_feedback(b, now_us + 150 * MS, a, 20);
    }
    bwe_get_state(b, &s);
    bwe_free(b);
    return s.follows;
}

static void runs_of_losses_are_told_from_single_ones(void **state)
{
    (void)state;
    assert_true(lost_behind_lost(1) < 0.1);
    assert_true(lost_behind_lost(4) > 0.6 && lost_behind_lost(4) < 0.9);
}

static void leaping_clocks_do_no_harm(void **state)
{
    (void)state;
    struct bwe *b = quiet(true);
    uint64_t random = 1;
    for (uint64_t now_us = NOW; now_us < NOW + 60 * SECOND; now_us += 20 * MS) {
        struct twcc_arrival a[4];
        for (unsigned i = 0; i < 4; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            a[i] = (struct twcc_arrival){.seq = bwe_send(b, now_us, 1000, 0),
                                         .received = random >> 60,
                                         .at_us = (int64_t)(random >> 24)};
            if (random >> 62 == 3)
                a[i].at_us = -a[i].at_us;
        }
        bwe_feedback(b, now_us, a, 4);
        assert_in_range(bwe_bps(b), 50000, 20000000);
        struct bwe_probe probe;
        for (unsigned i = 0; bwe_probe(b, now_us, &probe); i++) {
            assert_true(i < 100);
            (void)bwe_send(b, now_us, probe.bytes, probe.id);
        }
    }
    bwe_free(b);
}

static void time_may_wrap(void **state)
{
    (void)state;
    struct bwe *b = quiet(true);
    const int64_t wrap = INT64_C(64000) << 24;
    for (unsigned i = 0; i < 600; i++) {
        uint64_t now_us = NOW + i * 10 * MS;
        struct twcc_arrival a = {.seq = bwe_send(b, now_us, 1000, 0),
                                 .received = true,
                                 .at_us = (wrap - 3 * (int64_t)SECOND + i * 10000) % wrap};
        bwe_feedback(b, now_us + 20 * MS, &a, 1);
    }
    assert_int_equal(strange(b), 0);
    assert_true(bwe_bps(b) >= 1000000);
    bwe_free(b);
}

static void remb_is_a_cap_or_all_there_is(void **state)
{
    (void)state;
    struct bwe *b = quiet(false);
    assert_int_equal(bwe_bps(b), 20000000);
    bwe_remb(b, NOW, 700000);
    assert_int_equal(bwe_bps(b), 700000);
    bwe_remb(b, NOW, 0);
    assert_int_equal(bwe_bps(b), 50000);
    bwe_remb(b, NOW, UINT32_MAX);
    assert_int_equal(bwe_bps(b), 20000000);
    bwe_remb(b, NOW, 700000);
    bwe_receiver_report(b, NOW + 11 * SECOND, 0, 0);
    assert_int_equal(bwe_bps(b), 20000000);
    bwe_free(b);
    b = quiet(true);
    struct twcc_arrival a = {.seq = bwe_send(b, NOW, 1000, 0), .received = true};
    bwe_feedback(b, NOW + 50 * MS, &a, 1);
    bwe_remb(b, NOW, 5000000);
    assert_int_equal(bwe_bps(b), 1000000);
    bwe_remb(b, NOW, 400000);
    assert_int_equal(bwe_bps(b), 400000);
    bwe_free(b);
}

static void reports_alone_lower_it_when_the_way_grows_longer(void **state)
{
    (void)state;
    struct bwe *b = quiet(false);
    for (unsigned i = 1; i <= 30; i++)
        bwe_receiver_report(b, NOW + i * SECOND, 80, 50 * MS); /* 30% by chance */
    assert_int_equal(bwe_bps(b), 20000000);
    for (unsigned i = 31; i <= 60; i++)
        bwe_receiver_report(b, NOW + i * SECOND, 80, 400 * MS);
    uint32_t low = bwe_bps(b);
    assert_true(low < 1000000);
    for (unsigned i = 61; i <= 80; i++)
        bwe_receiver_report(b, NOW + i * SECOND, 0, 60 * MS);
    assert_true(bwe_bps(b) > 2 * low);
    /* Many blocks of one report are one report. */
    low = bwe_bps(b);
    for (unsigned i = 0; i < 1000; i++)
        bwe_receiver_report(b, NOW + 81 * SECOND, 255, 5 * SECOND);
    assert_true(bwe_bps(b) >= low / 2);
    bwe_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_never_sent_change_nothing),
        cmocka_unit_test(told_twice_counts_once),
        cmocka_unit_test(lost_feedback_is_no_loss),
        cmocka_unit_test(runs_of_losses_are_told_from_single_ones),
        cmocka_unit_test(leaping_clocks_do_no_harm),
        cmocka_unit_test(time_may_wrap),
        cmocka_unit_test(remb_is_a_cap_or_all_there_is),
        cmocka_unit_test(reports_alone_lower_it_when_the_way_grows_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
