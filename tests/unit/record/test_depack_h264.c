// SPDX-License-Identifier: Apache-2.0
/* NAL units of packets become units with their lengths in front; key frames have their parameter sets,
 * whether they came with them or before. */
#include "tests/unit/record/depack_bench.h"

/* 642x362, constrained baseline, cropped. */
#define SPS                                                                                        \
    "\x67\x42\xc0\x1e\xd9\x00\xa4\x2f\xe2\x24\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xf2\x3c" \
    "\x58\xb9\x20"
#define PPS "\x68\xce\x0f"
#define OTHER_PPS "\x68\xce\x0e\x01"
#define IDR "\x65\x88\x84\x21"
#define SLICE "\x41\x9a\x02"
#define SPS_KEPT "\x00\x00\x00\x1a" SPS
#define PPS_KEPT "\x00\x00\x00\x03" PPS
#define IDR_KEPT "\x00\x00\x00\x04" IDR
#define SLICE_KEPT "\x00\x00\x00\x03" SLICE
#define KEY_PACKET "\x78\x00\x1a" SPS "\x00\x03" PPS "\x00\x04" IDR /* STAP-A */
#define KEY_KEPT SPS_KEPT PPS_KEPT IDR_KEPT

static void key_frame(struct bench *b)
{
    assert_int_equal(PUSH(b, WHOLE, KEY_PACKET), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    assert_true(b->frame.key);
    assert_true(b->frame.width == 642 && b->frame.height == 362);
}

static void lost_until_a_key_frame(struct bench *b)
{
    assert_true(depack_in_gap(b->depack));
    assert_int_equal(PUSH(b, WHOLE, SLICE), ER_AGAIN);
    key_frame(b);
    assert_true(b->frame.after_gap);
}

static void test_single_units(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, FIRST, SPS), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, PPS), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, IDR), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    assert_true(b->frame.key && !b->frame.after_gap);
    assert_int_equal(PUSH(b, WHOLE, SLICE), 0);
    ASSERT_FRAME(b, SLICE_KEPT);
    assert_false(b->frame.key);
    assert_int_equal(b->frame.width, 0);
}

static void test_fragments(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, FIRST, "\x78\x00\x1a" SPS "\x00\x03" PPS), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, "\x7c\x85\x88"), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, "\x7c\x05\x84"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, "\x7c\x45\x21"), 0);
    ASSERT_FRAME(b, KEY_KEPT);
}

static void test_delimiters_and_filler_are_left_out(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, FIRST, "\x09\xf0"), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, KEY_PACKET), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, "\x0c\xff\xff\x80"), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, "\x0a"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, "\x0b"), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    /* Additional information is kept. */
    assert_int_equal(PUSH(b, FIRST, "\x06\x05\x01\x00\x80"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, SLICE), 0);
    ASSERT_FRAME(b, "\x00\x00\x00\x05\x06\x05\x01\x00\x80" SLICE_KEPT);
}

static void test_a_key_frame_gets_the_parameters_that_came_last(void **state)
{
    struct bench *b = *state;
    key_frame(b);
    assert_int_equal(PUSH(b, WHOLE, IDR), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    /* With a PPS of its own it lacks the other set alone. */
    assert_int_equal(PUSH(b, FIRST, OTHER_PPS), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, IDR), 0);
    ASSERT_FRAME(b, SPS_KEPT "\x00\x00\x00\x04" OTHER_PPS IDR_KEPT);
    assert_int_equal(PUSH(b, WHOLE, IDR), 0);
    ASSERT_FRAME(b, SPS_KEPT "\x00\x00\x00\x04" OTHER_PPS IDR_KEPT);
    /* Parameters before a picture that is no key frame stay in their place, and count from then on. */
    assert_int_equal(PUSH(b, FIRST, PPS), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, SLICE), 0);
    ASSERT_FRAME(b, PPS_KEPT SLICE_KEPT);
    assert_int_equal(PUSH(b, WHOLE, IDR), 0);
    ASSERT_FRAME(b, KEY_KEPT);
}

static void test_without_parameters_it_cannot_be_shown(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, WHOLE, IDR), ER_MALFORMED);
    assert_int_equal(PUSH(b, FIRST, SPS), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, IDR), ER_MALFORMED);
    assert_false(depack_in_gap(b->depack)); /* nothing was shown yet */
    key_frame(b);
    /* Those of another stream are not this one's. */
    depack_switch(b->depack);
    b->seq = 5;
    assert_int_equal(PUSH(b, WHOLE, IDR), ER_MALFORMED);
}

static void test_parameters_too_long_to_be_remembered(void **state)
{
    struct bench *b = *state;
    uint8_t pps[300] = {0x68, 0xce};
    key_frame(b);
    assert_int_equal(bench_push(b, FIRST, pps, sizeof pps), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, IDR), 0); /* it is there itself */
    assert_int_equal(PUSH(b, WHOLE, IDR), ER_MALFORMED);
    lost_until_a_key_frame(b);
}

static void test_the_first_picture_is_seen_from_its_start(void **state)
{
    struct bench *b = *state;
    b->timestamp += 3000;
    assert_int_equal(PUSH(b, MIDDLE, "\x7c\x05\x84"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, "\x7c\x45\x21"), ER_AGAIN);
    key_frame(b);
    assert_false(b->frame.after_gap);
}

static void test_pieces_that_do_not_fit_together(void **state)
{
    struct bench *b = *state;
    key_frame(b);
    /* A fragment that goes on with nothing. */
    assert_int_equal(PUSH(b, WHOLE, "\x7c\x05\x84"), ER_MALFORMED);
    lost_until_a_key_frame(b);
    /* A unit within another one. */
    assert_int_equal(PUSH(b, FIRST, "\x7c\x85\x88"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, SLICE), ER_MALFORMED);
    lost_until_a_key_frame(b);
    /* The picture's end within one. */
    assert_int_equal(PUSH(b, WHOLE, "\x7c\x85\x88"), ER_MALFORMED);
    lost_until_a_key_frame(b);
}

static void test_damaged_packets(void **state)
{
    struct bench *b = *state;
    static const struct {
        size_t len;
        const char *bytes;
    } rows[] = {
        {1, "\x60"},                 /* type 0 */
        {3, "\x79\x01\x02"},         /* STAP-B */
        {3, "\x7d\x81\x00"},         /* FU-B */
        {2, "\x7c\x85"},             /* a fragment of nothing */
        {2, "\x78\x00"},             /* half a length */
        {3, "\x78\x00\x00"},         /* a unit of no byte */
        {5, "\x78\x00\x09\x65\x88"}, /* a unit beyond the packet */
    };
    key_frame(b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(bench_push(b, WHOLE, rows[i].bytes, rows[i].len), ER_MALFORMED);
        lost_until_a_key_frame(b);
    }
    for (size_t len = 1; len < sizeof KEY_PACKET - 1; len++)
        (void)bench_push(b, WHOLE, KEY_PACKET, len);
    key_frame(b);
    /* An SPS that says nothing of a size: there is no key frame with it. */
    assert_int_equal(PUSH(b, WHOLE, "\x78\x00\x04\x67\x42\xc0\x1e\x00\x03" PPS "\x00\x04" IDR),
                     ER_MALFORMED);
}

static int setup(void **state)
{
    return bench_start(state, CODEC_H264_CONSTRAINED_1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, bench_stop)
    const struct CMUnitTest tests[] = {
        TEST(test_single_units),
        TEST(test_fragments),
        TEST(test_delimiters_and_filler_are_left_out),
        TEST(test_a_key_frame_gets_the_parameters_that_came_last),
        TEST(test_without_parameters_it_cannot_be_shown),
        TEST(test_parameters_too_long_to_be_remembered),
        TEST(test_the_first_picture_is_seen_from_its_start),
        TEST(test_pieces_that_do_not_fit_together),
        TEST(test_damaged_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
