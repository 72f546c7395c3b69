// SPDX-License-Identifier: Apache-2.0
/* Receiver statistics, and capture times that keep sound and picture together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "media/relay/reception.h"

#define UNIX UINT64_C(1700000000000000)
#define SECOND 1000000u

static void reports_losses(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_report report;
    assert_false(reception_report(&r, 7, 0, &report));
    assert_int_equal(reception_lost(&r), 0);
    for (int64_t seq = 70000; seq < 70100; seq++)
        if (seq % 4 != 3)
            reception_note(&r, seq, seq * 960, 48000, (uint64_t)(seq - 70000) * 20000);
    assert_true(reception_report(&r, 7, 2 * SECOND, &report));
    assert_int_equal(report.ssrc, 7);
    assert_int_equal(report.highest_seq, 70098); /* with the cycles above */
    assert_int_equal(report.cumulative_lost, 24);
    assert_int_equal(report.fraction_lost, 24 * 256 / 99);
    assert_int_equal(report.last_sr, 0);
    assert_int_equal(report.delay_since_last_sr, 0);
    /* The next interval begins anew; what comes late counts against the losses. */
    for (int64_t seq = 70100; seq < 70120; seq++)
        reception_note(&r, seq, seq * 960, 48000, (uint64_t)(seq - 70000) * 20000);
    reception_note(&r, 70003, 70003 * 960, 48000, 3 * SECOND);
    assert_true(reception_report(&r, 7, 3 * SECOND, &report));
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.cumulative_lost, 24);
    assert_int_equal(reception_lost(&r), 24);
}

static void measures_jitter(void **state)
{
    (void)state;
    struct reception even = {0}, uneven = {0};
    for (int64_t i = 0; i < 500; i++) {
        uint64_t at_us = (uint64_t)i * 20000;
        reception_note(&even, 70000 + i, i * 960, 48000, at_us);
        reception_note(&uneven, 70000 + i, i * 960, 48000, at_us + (i % 2 ? 10000 : 0));
    }
    assert_int_equal(even.jitter_q4 >> 4, 0);
    assert_in_range(uneven.jitter_q4 >> 4, 440, 480); /* 10 ms are 480 ticks */
    uint32_t before = uneven.jitter_q4;
    reception_note(&uneven, 70500, INT64_C(1) << 40, 48000, 500 * 20000);
    assert_int_equal(uneven.jitter_q4, before); /* a jump of the timestamps is not jitter */
}

static void echoes_sender_reports(void **state)
{
    (void)state;
    struct reception r = {0};
    struct rtcp_report report;
    uint64_t ntp = ntp_from_unix_us(UNIX);
    reception_note(&r, 70000, 960, 48000, SECOND);
    reception_note_sr(&r, ntp, SECOND);
    assert_true(reception_report(&r, 7, SECOND + 250000, &report));
    assert_int_equal(report.last_sr, ntp_middle(ntp));
    assert_int_equal(report.delay_since_last_sr, 65536 / 4);
}

/* Two tracks of one publisher whose reports arrive late by 5..120 ms. Ten minutes long, the capture
 * times of sound and picture taken at the same moment must agree. */
static void jittery_reports_keep_lips_in_sync(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 17);
    struct sender_clock sender = {0};
    struct track_clock audio = {0}, video = {0};
    int64_t worst_us = 0, first_us = 0;
    for (int64_t second = 1; second < 600; second++) {
        uint64_t sent = UNIX + (uint64_t)second * SECOND;
        uint64_t theirs = sent - 7777 * (uint64_t)SECOND; /* their wall clock is wrong */
        uint64_t a = 5000 + entropy_u64(&e) % 115000, v = 5000 + entropy_u64(&e) % 115000;
        sender_clock_note(&sender, ntp_from_unix_us(theirs), sent + a);
        track_clock_note_sr(&audio, 1000 + second * 48000, ntp_from_unix_us(theirs));
        sender_clock_note(&sender, ntp_from_unix_us(theirs), sent + v);
        track_clock_note_sr(&video, 5000 + second * 90000, ntp_from_unix_us(theirs));
        int64_t at_a = (int64_t)track_clock_unix_us(&audio, &sender, 48000,
                                                    1000 + (second + 1) * 48000);
        int64_t at_v = (int64_t)track_clock_unix_us(&video, &sender, 90000,
                                                    5000 + (second + 1) * 90000);
        assert_in_range(llabs(at_a - at_v), 0, 30);
        /* And against our clock they stay put, within the transit times seen. */
        int64_t late_us = at_a - (int64_t)sent - SECOND;
        if (second == 30)
            first_us = late_us;
        if (second >= 30 && llabs(late_us - first_us) > worst_us)
            worst_us = llabs(late_us - first_us);
    }
    assert_in_range(first_us, 4000, 40000);
    assert_in_range(worst_us, 0, 40000);
}

static void a_slow_clock_is_followed(void **state)
{
    (void)state;
    struct sender_clock sender = {0};
    for (uint64_t second = 1; second < 1000; second++) { /* 100 ppm slow */
        uint64_t now = UNIX + second * SECOND;
        sender_clock_note(&sender, ntp_from_unix_us(now - second * 100), now + 10000);
    }
    assert_in_range(sender.offset_us, 10000 + 97000, 10000 + 100000);
}

static void a_clock_that_is_set_is_believed(void **state)
{
    (void)state;
    struct sender_clock sender = {0};
    sender_clock_note(&sender, ntp_from_unix_us(UNIX), UNIX + 10000);
    assert_in_range(sender.offset_us, 9999, 10001);
    sender_clock_note(&sender, ntp_from_unix_us(UNIX + SECOND), UNIX + 3 * SECOND); /* only late */
    assert_in_range(sender.offset_us, 9999, 10001);
    sender_clock_note(&sender, ntp_from_unix_us(UNIX - 3600u * SECOND), UNIX + 2 * SECOND);
    assert_in_range(sender.offset_us, 3601999999, 3602000001);
    sender_clock_note(&sender, ntp_from_unix_us(UNIX + 3600u * SECOND), UNIX + 3 * SECOND);
    assert_true(sender.offset_us < -3590000000);
}

static void arrivals_serve_until_a_report_comes(void **state)
{
    (void)state;
    struct sender_clock sender = {0};
    struct track_clock c = {0};
    assert_int_equal(track_clock_unix_us(&c, &sender, 90000, 5), 0);
    track_clock_note_arrival(&c, 90000, UNIX);
    track_clock_note_arrival(&c, 99999, UNIX + 500); /* the first stays */
    assert_true(track_clock_unix_us(&c, &sender, 90000, 180000) == UNIX + SECOND);
    assert_int_equal(track_clock_timestamp(&c, &sender, 90000, UNIX + SECOND), 180000);
    sender_clock_note(&sender, ntp_from_unix_us(UNIX), UNIX + 20000);
    track_clock_note_sr(&c, 90000, ntp_from_unix_us(UNIX));
    uint64_t at = track_clock_unix_us(&c, &sender, 90000, 180000);
    assert_in_range(at - UNIX, SECOND + 19999, SECOND + 20001);
    assert_in_range(track_clock_timestamp(&c, &sender, 90000, at), 179999, 180000);
}

/* What a sender claims is no reason to overflow. */
static void recorded_times_never_jump(void **state)
{
    (void)state;
    struct steady_clock c = {0};
    const uint64_t start = 1700000000000000u;
    uint64_t last = steady_clock_unix_us(&c, 90000, 90000, start);
    assert_true(last == start);
    for (int64_t i = 1; i <= 300; i++) { /* the estimate turns out 20 ms earlier from here on */
        uint64_t target = start + (uint64_t)i * 40000u - 20000u;
        uint64_t at = steady_clock_unix_us(&c, 90000, 90000 + i * 3600, target);
        assert_in_range(at - last, 39600, 40400);
        last = at;
    }
    assert_true(last == start + 300 * 40000u - 12000u); /* and is reached to 8 ms */
    /* The same picture again, then one an hour off: the sender's clock was set. */
    assert_true(steady_clock_unix_us(&c, 90000, 90000 + 300 * 3600, last + 9) == last);
    assert_true(steady_clock_unix_us(&c, 90000, 90000 + 301 * 3600, last + 3600000000u) ==
                last + 3600000000u);
}

/** The way is half of the least round trip, forgotten when it was long ago. */
static void the_way_is_taken_off(void **state)
{
    (void)state;
    struct sender_clock sender = {0};
    struct track_clock c = {0};
    track_clock_note_arrival(&c, 90000, UNIX + 100000);
    sender_clock_note_rtt(&sender, 0, UNIX);
    sender_clock_note_rtt(&sender, 60 * SECOND, UNIX); /* nobody waits so long */
    assert_true(track_clock_unix_us(&c, &sender, 90000, 90000) == UNIX + 100000);
    sender_clock_note_rtt(&sender, 260000, UNIX);
    sender_clock_note_rtt(&sender, 200000, UNIX + SECOND);
    sender_clock_note_rtt(&sender, 900000, UNIX + 2 * SECOND);
    assert_true(track_clock_unix_us(&c, &sender, 90000, 90000) == UNIX);
    sender_clock_note(&sender, ntp_from_unix_us(UNIX - 5 * SECOND), UNIX + 100000);
    track_clock_note_sr(&c, 90000, ntp_from_unix_us(UNIX - 5 * SECOND));
    uint64_t at = track_clock_unix_us(&c, &sender, 90000, 180000);
    assert_in_range(at, UNIX + SECOND - 1, UNIX + SECOND + 1);
    for (int second = 3; second < 40; second++)
        sender_clock_note_rtt(&sender, 300000, UNIX + second * (uint64_t)SECOND);
    at = track_clock_unix_us(&c, &sender, 90000, 180000);
    assert_in_range(at, UNIX + SECOND - 50001, UNIX + SECOND - 49999);
}

static void absurd_clocks_do_no_harm(void **state)
{
    (void)state;
    static const uint64_t times[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            struct sender_clock sender = {0};
            struct track_clock c = {0};
            sender_clock_note(&sender, times[i], UNIX);
            track_clock_note_sr(&c, 5, times[k]);
            (void)track_clock_unix_us(&c, &sender, 90000, INT64_C(1) << 60);
            (void)track_clock_unix_us(&c, &sender, 48000, -(INT64_C(1) << 60));
            (void)track_clock_timestamp(&c, &sender, 90000, UNIX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_losses),
        cmocka_unit_test(measures_jitter),
        cmocka_unit_test(echoes_sender_reports),
        cmocka_unit_test(jittery_reports_keep_lips_in_sync),
        cmocka_unit_test(a_slow_clock_is_followed),
        cmocka_unit_test(a_clock_that_is_set_is_believed),
        cmocka_unit_test(arrivals_serve_until_a_report_comes),
        cmocka_unit_test(recorded_times_never_jump),
        cmocka_unit_test(the_way_is_taken_off),
        cmocka_unit_test(absurd_clocks_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
