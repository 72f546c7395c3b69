// SPDX-License-Identifier: Apache-2.0
/* The list of pictures: beginnings and ends in any order, the youngest key frame, forgetting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/tape/frames.h"

enum { START = TAPE_FRAME_START, KEY = TAPE_FRAME_START | TAPE_KEY_FRAME, END = TAPE_MARKER };

static void add(struct frames *f, int64_t seq, int64_t timestamp, unsigned flags)
{
    const struct tape_packet p = {.seq = seq,
                                  .timestamp = timestamp,
                                  .arrival_us = (uint64_t)seq * 10,
                                  .flags = (uint8_t)flags,
                                  .width = flags & TAPE_KEY_FRAME ? 640 : 0,
                                  .height = flags & TAPE_KEY_FRAME ? 480 : 0};
    frames_add(f, &p);
}

static void finds_whole_frames(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 8), 0);
    add(&f, 10, 3000, KEY);
    const struct tape_frame *frame = frames_find(&f, 3000);
    assert_non_null(frame);
    assert_false(frame->complete);
    add(&f, 12, 3000, END);
    assert_false(frame->complete);
    add(&f, 11, 3000, 0);
    assert_true(frame->complete && frame->key);
    assert_int_equal(frame->first_seq, 10);
    assert_int_equal(frame->last_seq, 12);
    assert_int_equal(frame->packets, 3);
    assert_int_equal(frame->width, 640);
    assert_int_equal(frame->height, 480);
    assert_int_equal(frame->arrival_us, 100);
    assert_null(frames_find(&f, 6000));
    assert_null(frames_find(&f, 1));
    frames_clear(&f);
}

static void the_youngest_key_frame_by_time(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 8), 0);
    assert_null(frames_last_key(&f));
    add(&f, 10, 1000, KEY | END);
    add(&f, 11, 2000, START | END);
    add(&f, 20, 4000, KEY | END);
    add(&f, 21, 5000, START | END);
    assert_int_equal(frames_last_key(&f)->first_seq, 20);
    add(&f, 15, 3000, KEY | END); /* came late */
    assert_int_equal(frames_last_key(&f)->first_seq, 20);
    add(&f, 31, 6000, END); /* a key frame without its beginning is none yet */
    assert_int_equal(frames_last_key(&f)->first_seq, 20);
    add(&f, 30, 6000, KEY);
    assert_int_equal(frames_last_key(&f)->first_seq, 30);
    frames_clear(&f);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 4), 0);
    for (int64_t i = 1; i <= 6; i++)
        add(&f, i, i * 1000, (i == 1 ? KEY : START) | END);
    assert_null(frames_find(&f, 1000));
    assert_null(frames_find(&f, 2000));
    assert_non_null(frames_find(&f, 3000));
    assert_null(frames_last_key(&f));
    frames_clear(&f);
}

static void forgets_below_a_number(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 8), 0);
    add(&f, 10, 1000, KEY);
    add(&f, 11, 1000, END);
    add(&f, 12, 2000, START);
    add(&f, 13, 2000, END);
    frames_drop_below(&f, 11);
    assert_null(frames_last_key(&f));
    assert_false(frames_find(&f, 1000)->complete);
    assert_true(frames_find(&f, 2000)->complete);
    frames_drop_below(&f, 13);
    assert_null(frames_find(&f, 1000));
    assert_false(frames_find(&f, 2000)->complete);
    frames_drop_below(&f, 14);
    assert_null(frames_find(&f, 2000));
    frames_clear(&f);
}

static void keeps_a_frame_that_comes_in_from_its_middle(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 8), 0);
    add(&f, 101, 1000, 0);
    frames_drop_below(&f, 50);
    add(&f, 102, 1000, END);
    frames_drop_below(&f, 50);
    add(&f, 100, 1000, KEY);
    assert_true(frames_find(&f, 1000)->complete);
    assert_int_equal(frames_last_key(&f)->first_seq, 100);
    frames_clear(&f);
}

static void audio_keeps_none(void **state)
{
    (void)state;
    struct frames f;
    assert_int_equal(frames_init(&f, 0), 0);
    add(&f, 10, 1000, KEY | END);
    assert_null(frames_find(&f, 1000));
    assert_null(frames_last_key(&f));
    frames_drop_below(&f, 11);
    frames_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_whole_frames),
        cmocka_unit_test(the_youngest_key_frame_by_time),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(forgets_below_a_number),
        cmocka_unit_test(keeps_a_frame_that_comes_in_from_its_middle),
        cmocka_unit_test(audio_keeps_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
