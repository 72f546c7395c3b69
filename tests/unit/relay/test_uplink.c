// SPDX-License-Identifier: Apache-2.0
/* What publishers are told of their losses: nothing of chance, all of policing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/uplink.h"

#define MS 1000u
#define PACKET_BYTES 1000u

/** Somebody who sends a packet every 10 ms, and is told every 100 ms. */
struct sender {
    struct uplink uplink;
    uint64_t now_us;
    uint16_t number;
    unsigned told_lost, told_received, feedbacks;
    unsigned caps; /* how often the cap changed */
};

static void read_feedback(struct sender *s, struct wr *w)
{
    struct twcc_arrival arrivals[TWCC_WINDOW];
    struct rtcp_packet p;
    struct rd r = rd_make(w->start, wr_len(w));
    int64_t reference_us;
    size_t count;
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(twcc_parse(&p, &reference_us, arrivals, TWCC_WINDOW, &count), 0);
    s->feedbacks++;
    for (size_t i = 0; i < count; i++) {
        s->told_lost += !arrivals[i].received;
        s->told_received += arrivals[i].received;
    }
}

static void report(struct sender *s)
{
    uint8_t bytes[1200];
    s->caps += uplink_judge(&s->uplink, s->now_us, 40 * MS);
    while (twcc_pending(&s->uplink.twcc)) {
        struct wr w = wr_make(bytes, sizeof bytes);
        twcc_write(&s->uplink.twcc, &w, 1, 2);
        assert_false(w.bad);
        read_feedback(s, &w);
    }
}

/** For so long; of ten packets `lost` do not come. */
static void run(struct sender *s, unsigned ms, unsigned lost)
{
    for (unsigned i = 0; i < ms / 10; i++) {
        s->now_us += 10 * MS;
        uint16_t number = s->number++;
        if (i % 10 >= lost)
            uplink_note(&s->uplink, s->now_us, number, PACKET_BYTES);
        if (i % 10 == 9)
            report(s);
    }
}

static struct sender fresh(void)
{
    return (struct sender){.now_us = 1000 * MS, .number = 65000};
}

static void everything_is_told_once(void **state)
{
    (void)state;
    struct sender s = fresh();
    run(&s, 10000, 0);
    assert_int_equal(s.told_received, 1000);
    assert_int_equal(s.feedbacks, 100);
    assert_int_equal(s.caps, 0);
    assert_false(uplink_is_lossy(&s.uplink));
    assert_in_range(s.uplink.bps, 780000, 820000);
}

static void chance_is_not_told_of(void **state)
{
    (void)state;
    struct sender s = fresh();
    run(&s, 20000, 1);
    assert_int_equal(s.told_lost, 0);
    assert_int_equal(s.told_received, 1800);
    assert_true(uplink_is_lossy(&s.uplink));
}

/** Whatever the rate, three of ten are lost: that is tried once. */
static void much_is_tried(void **state)
{
    (void)state;
    struct sender s = fresh();
    run(&s, 1500, 3);
    assert_int_equal(s.caps, 1);
    assert_in_range(s.uplink.cap_bps, 400000, 700000);
    run(&s, 2000, 3);
    assert_int_equal(s.caps, 2);
    assert_in_range(s.uplink.cap_bps, 240000, 300000); /* what is left then */
    run(&s, 20000, 3);
    assert_in_range(s.caps, 2, 4);
    assert_in_range(s.uplink.cap_bps, 240000, 300000);
    assert_int_equal(s.told_lost, 0);
    run(&s, 10000, 0);
    assert_int_equal(s.uplink.cap_bps, 0);
    assert_true(s.uplink.was_capped); /* so this is told */
}

/** At a lower rate nothing is lost: from then on the publisher hears of every loss. */
static void policing_is_told_of(void **state)
{
    (void)state;
    struct sender s = fresh();
    run(&s, 1500, 3);
    assert_true(s.uplink.cap_bps > 0);
    run(&s, 2000, 0);
    assert_int_equal(s.uplink.cap_bps, 0);
    run(&s, 1500, 3); /* once may be chance */
    assert_true(s.uplink.cap_bps > 0);
    run(&s, 2000, 0);
    assert_int_equal(s.uplink.cap_bps, 0);
    assert_int_equal(s.told_lost, 0);
    run(&s, 1000, 3);
    assert_in_range(s.told_lost, 27, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_told_once),
        cmocka_unit_test(chance_is_not_told_of),
        cmocka_unit_test(much_is_tried),
        cmocka_unit_test(policing_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
