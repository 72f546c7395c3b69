// SPDX-License-Identifier: Apache-2.0
/* What becomes of a line at its viewer: pictures that are whole and decodable, seconds that settle,
 * pictures that stand still, packets that never arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/relay/viewing.h"

#define START_US 1700000000000000u
#define SECOND_US 1000000u
#define FRAME_US 40000u /* 25 a second */
#define DELAY_US 20000u
#define PACKETS 3 /* of a picture */

struct world {
    struct viewing *v;
    uint64_t unix_us;
    uint16_t seq;
    uint32_t timestamp;
};

static int world_open(void **state)
{
    static struct world w;
    w = (struct world){.unix_us = START_US, .seq = 65500, .timestamp = 0xfffff000u};
    assert_int_equal(viewing_new(&w.v, MEDIA_VIDEO, START_US), 0);
    viewing_layer(w.v, &(struct seenlog_layer){.encoding = 1, .width = 640, .height = 360});
    *state = &w;
    return 0;
}

static int world_close(void **state)
{
    viewing_free(((struct world *)*state)->v);
    return 0;
}

/** A picture leaves; its first number. */
static uint16_t send_one(struct world *w, bool key, unsigned temporal)
{
    uint16_t first = w->seq;
    for (unsigned i = 0; i < PACKETS; i++) {
        const struct viewing_packet p = {.seq = w->seq++,
                                         .timestamp = w->timestamp,
                                         .numbered = true,
                                         .starts = i == 0,
                                         .ends = i == PACKETS - 1,
                                         .key = key,
                                         .reference = temporal < 2,
                                         .temporal = (uint8_t)temporal};
        viewing_sent(w->v, w->unix_us, &p);
    }
    w->timestamp += 90 * FRAME_US / 1000;
    w->unix_us += FRAME_US;
    return first;
}

static void arrive(struct world *w, uint16_t first)
{
    for (uint16_t i = 0; i < PACKETS; i++)
        viewing_arrived(w->v, w->unix_us - FRAME_US + DELAY_US, (uint16_t)(first + i));
}

static void stream(struct world *w, unsigned count)
{
    while (count-- > 0)
        arrive(w, send_one(w, false, 0));
}

static struct seenlog_second take(struct world *w)
{
    struct seenlog_second s = {0};
    uint32_t at;
    assert_true(viewing_take(w->v, w->unix_us, false, true, &at, &s));
    return s;
}

static void a_good_second_is_whole_and_settles_later(void **state)
{
    struct world *w = *state;
    struct seenlog_second s;
    uint32_t at;
    arrive(w, send_one(w, true, 0));
    stream(w, 74);
    assert_false(viewing_take(w->v, w->unix_us - 1, false, true, &at, &s));
    assert_true(viewing_peek(w->v, w->unix_us, 1, true, &at, &s));
    assert_int_equal(at, START_US / SECOND_US + 1);
    assert_int_equal(s.arrived, 25);
    assert_true(viewing_take(w->v, w->unix_us, false, true, &at, &s));
    assert_int_equal(at, START_US / SECOND_US);
    assert_int_equal(s.sent, 25);
    assert_int_equal(s.arrived, 25);
    assert_int_equal(s.frozen_ms, 0);
    assert_int_equal(s.lost, 0);
    assert_int_equal(s.layer.width, 640);
    assert_false(viewing_take(w->v, w->unix_us, false, true, &at, &s));
    assert_true(viewing_take(w->v, w->unix_us, true, true, &at, &s)); /* all that there is */
    assert_true(viewing_take(w->v, w->unix_us, true, true, &at, &s));
    assert_true(viewing_take(w->v, w->unix_us, true, true, &at, &s)); /* the one just begun */
    assert_int_equal(s.sent, 0);
    assert_false(viewing_take(w->v, w->unix_us, true, true, &at, &s));
}

static void without_reports_nothing_is_known_of_arrivals(void **state)
{
    struct world *w = *state;
    struct seenlog_second s;
    uint32_t at;
    stream(w, 80);
    assert_true(viewing_take(w->v, w->unix_us, false, false, &at, &s));
    assert_int_equal(s.sent, 25);
    assert_int_equal(s.arrived, SEENLOG_UNKNOWN);
    assert_int_equal(s.frozen_ms, SEENLOG_UNKNOWN);
    assert_int_equal(s.lost, SEENLOG_UNKNOWN);
}

/** What is sent again arrives 200 ms later: pictures wait for it, and are all shown. */
static void a_picture_that_is_mended_holds_up_those_behind_it(void **state)
{
    struct world *w = *state;
    arrive(w, send_one(w, true, 0));
    stream(w, 4);
    uint16_t first = send_one(w, false, 0);
    viewing_arrived(w->v, w->unix_us, first);
    viewing_arrived(w->v, w->unix_us, (uint16_t)(first + 2));
    stream(w, 5);
    const struct viewing_packet again = {
        .seq = (uint16_t)(first + 1), .timestamp = w->timestamp, .numbered = true, .again = true};
    viewing_nacked(w->v, w->unix_us, 0, (uint16_t)(first + 1));
    viewing_sent(w->v, w->unix_us, &again);
    viewing_arrived(w->v, w->unix_us, (uint16_t)(first + 1));
    stream(w, 64);
    struct seenlog_second s = take(w);
    assert_int_equal(s.sent, 25);
    assert_int_equal(s.arrived, 25);
    assert_int_equal(s.lost, 0);
    assert_in_range(s.frozen_ms, 200, 290);
}

static void what_is_lost_is_counted_and_breaks_what_follows_until_a_key_frame(void **state)
{
    struct world *w = *state;
    arrive(w, send_one(w, true, 0));
    stream(w, 9);
    uint16_t first = send_one(w, false, 0);
    viewing_arrived(w->v, w->unix_us, first);
    stream(w, 9);
    arrive(w, send_one(w, true, 0)); /* the 21st, at 800 ms */
    stream(w, 60);
    struct seenlog_second s = take(w);
    assert_int_equal(s.sent, 25);
    assert_int_equal(s.lost, 2);
    assert_int_equal(s.arrived, 15);
    assert_in_range(s.frozen_ms, 430, 450);
    w->unix_us += SECOND_US;
    assert_int_equal(take(w).arrived, 25);
}

static void pictures_that_none_needs_break_nothing(void **state)
{
    struct world *w = *state;
    arrive(w, send_one(w, true, 0));
    for (unsigned i = 1; i < 80; i++) {
        uint16_t first = send_one(w, false, i % 2 ? 2 : 0);
        if (i % 2 == 0)
            arrive(w, first);
    }
    struct seenlog_second s = take(w);
    assert_int_equal(s.arrived, 13);
    assert_int_equal(s.lost, 12 * PACKETS);
    assert_int_equal(s.frozen_ms, 0);
}

static void an_upper_layer_that_is_lost_begins_anew_with_the_one_below(void **state)
{
    struct world *w = *state;
    arrive(w, send_one(w, true, 0));
    for (unsigned i = 1; i < 80; i++) {
        uint16_t first = send_one(w, false, i % 4 == 0 ? 0 : 1);
        if (i % 4 != 1)
            arrive(w, first); /* of each four the second is lost, and takes two with it */
    }
    assert_int_equal(take(w).arrived, 7);
}

/** Nothing arrives for three seconds and a half. */
static void a_picture_that_stands_still_is_frozen_in_each_second(void **state)
{
    struct world *w = *state;
    unsigned expected[] = {500, 1000, 1000, 1000}, i = 0;
    struct seenlog_second s;
    uint32_t at;
    w->unix_us += SECOND_US / 2 - 12 * FRAME_US;
    arrive(w, send_one(w, true, 0));
    stream(w, 11);
    for (unsigned frame = 0; frame < 25 * 7; frame++) {
        uint16_t first = send_one(w, frame == 88, 0);
        if (frame >= 88)
            arrive(w, first);
        while (viewing_take(w->v, w->unix_us, false, true, &at, &s)) {
            if (i < 4)
                assert_in_range(s.frozen_ms, expected[i] - 50,
                                expected[i] + 50 < 1000 ? expected[i] + 50 : 1000);
            else
                assert_in_range(s.frozen_ms, 0, i == 4 ? 60 : 0);
            i++;
        }
    }
    assert_true(i >= 5);
}

static void a_lost_report_is_made_up_for(void **state)
{
    struct world *w = *state;
    arrive(w, send_one(w, true, 0));
    for (unsigned i = 1; i < 80; i++) {
        uint16_t first = send_one(w, false, 0);
        if (i == 10) {
            for (uint16_t k = 0; k < PACKETS; k++)
                viewing_presumed(w->v, w->unix_us, (uint16_t)(first + k));
            continue;
        }
        if (i == 20) { /* the viewer has asked for one of these */
            viewing_nacked(w->v, w->unix_us, 0, first);
            for (uint16_t k = 0; k < PACKETS; k++)
                viewing_presumed(w->v, w->unix_us, (uint16_t)(first + k));
            continue;
        }
        arrive(w, first);
    }
    struct seenlog_second s = take(w);
    assert_int_equal(s.lost, 1);
    assert_int_equal(s.arrived, 20);
}

/** Every fourth is lost; each has the one before it. */
static void sound_that_is_in_the_next_packet_is_not_lost(void **state)
{
    struct world *w = *state;
    struct seenlog_second s;
    uint32_t at;
    viewing_free(w->v);
    assert_int_equal(viewing_new(&w->v, MEDIA_AUDIO, START_US), 0);
    for (unsigned i = 0; i < 200; i++) {
        bool redundant = i < 100;
        const struct viewing_packet p = {
            .seq = w->seq, .numbered = true, .redundancy = redundant ? 1 : 0};
        viewing_sent(w->v, w->unix_us, &p);
        w->unix_us += 20000;
        if (i % 4 != 1)
            viewing_arrived(w->v, w->unix_us, w->seq);
        w->seq++;
    }
    assert_true(viewing_take(w->v, w->unix_us, false, true, &at, &s));
    assert_int_equal(s.sent, 50);
    assert_int_equal(s.arrived, 50);
    assert_int_equal(s.lost, 0);
    (void)take(w);
    w->unix_us += 2 * SECOND_US;
    s = take(w);
    assert_int_equal(s.arrived, 37);
    assert_int_equal(s.lost, 13);
    assert_int_equal(s.frozen_ms, 0);
}

/** Whatever is reported, and however time leaps. */
static void made_up_reports_do_no_harm(void **state)
{
    struct world *w = *state;
    uint32_t x = 1, at;
    struct seenlog_second s;
    for (unsigned i = 0; i < 200000; i++) {
        x = x * 1664525u + 1013904223u;
        uint16_t seq = (uint16_t)(w->seq + (x >> 8) % 600 - 500);
        const struct viewing_packet p = {.seq = seq,
                                         .timestamp = w->timestamp + (x >> 12) % 5000,
                                         .numbered = true,
                                         .again = x >> 31,
                                         .starts = x >> 30 & 1,
                                         .ends = x >> 29 & 1,
                                         .key = x >> 28 & 1,
                                         .reference = x >> 27 & 1,
                                         .temporal = x >> 25 & 3};
        viewing_sent(w->v, w->unix_us, &p);
        viewing_arrived(w->v, w->unix_us + x % 3000000u, (uint16_t)(x >> 16));
        viewing_nacked(w->v, w->unix_us, 0, (uint16_t)(x >> 3));
        viewing_presumed(w->v, x, (uint16_t)(x >> 5));
        w->unix_us += x >> 18;
        w->timestamp += x >> 24;
        w->seq = (uint16_t)(w->seq + (x >> 20) % 3);
        while (viewing_take(w->v, w->unix_us, x % 1000 == 0, true, &at, &s))
            assert_true(s.frozen_ms <= 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_second_is_whole_and_settles_later, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(without_reports_nothing_is_known_of_arrivals, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(a_picture_that_is_mended_holds_up_those_behind_it,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(
            what_is_lost_is_counted_and_breaks_what_follows_until_a_key_frame, world_open,
            world_close),
        cmocka_unit_test_setup_teardown(pictures_that_none_needs_break_nothing, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(an_upper_layer_that_is_lost_begins_anew_with_the_one_below,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(a_picture_that_stands_still_is_frozen_in_each_second,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(a_lost_report_is_made_up_for, world_open, world_close),
        cmocka_unit_test_setup_teardown(sound_that_is_in_the_next_packet_is_not_lost, world_open,
                                        world_close),
        cmocka_unit_test_setup_teardown(made_up_reports_do_no_harm, world_open, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
