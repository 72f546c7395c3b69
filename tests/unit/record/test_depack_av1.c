// SPDX-License-Identifier: Apache-2.0
/* OBU elements of packets become a temporal unit as Matroska keeps it: sizes in, delimiters out, and
 * nothing of what is damaged. */
#include "base/limits.h"
#include "tests/unit/record/depack_bench.h"

/* Of 642x362. An OBU with its header; the same as it stands in a file. */
#define SEQUENCE "\x20\x00\x00\x0c\xc5\x03\x69\x36\xbe\x48\x08\x68\x01"
#define SEQUENCE_SENT "\x08" SEQUENCE
#define SEQUENCE_KEPT "\x0a\x0d" SEQUENCE
/* One packet: N, two elements, of which the second needs no length. The frame is a shown key frame. */
#define KEY_PACKET "\x28\x0e" SEQUENCE_SENT "\x30\x10\xaa\xbb"
#define KEY_KEPT SEQUENCE_KEPT "\x32\x03\x10\xaa\xbb"

static void key_frame(struct bench *b)
{
    assert_int_equal(PUSH(b, WHOLE, KEY_PACKET), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    assert_true(b->frame.key);
    assert_true(b->frame.width == 642 && b->frame.height == 362);
}

/** The frame being built is lost: nothing comes out before the next key frame, which says so. */
static void lost_until_a_key_frame(struct bench *b)
{
    assert_true(depack_in_gap(b->depack));
    assert_int_equal(PUSH(b, WHOLE, "\x10\x30\x30\x01"), ER_AGAIN);
    key_frame(b);
    assert_true(b->frame.after_gap);
}

static void test_sizes_are_written_in(void **state)
{
    struct bench *b = *state;
    key_frame(b);
    assert_false(b->frame.after_gap);
    /* An inter frame and its tile group. */
    assert_int_equal(PUSH(b, WHOLE, "\x20\x03\x18\x30\x01\x20\x77\x66"), 0);
    ASSERT_FRAME(b, "\x1a\x02\x30\x01\x22\x02\x77\x66");
    assert_false(b->frame.key);
    assert_int_equal(b->frame.width, 0);
}

static void test_delimiters_padding_and_tile_lists_are_left_out(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, WHOLE,
                          "\x08\x01\x10\x0e" SEQUENCE_SENT "\x02\x78\x00\x03\x40\x11\x22"
                          "\x04\x30\x10\xaa\xbb"),
                     0);
    ASSERT_FRAME(b, KEY_KEPT);
    /* Nothing else in the picture: no frame comes out, and none is missing. */
    assert_int_equal(PUSH(b, WHOLE, "\x10\x10"), ER_AGAIN);
    assert_false(depack_in_gap(b->depack));
}

static void test_an_obu_in_several_packets(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, FIRST, "\x68\x0e" SEQUENCE_SENT "\x30\x10"), ER_AGAIN);
    assert_int_equal(PUSH(b, MIDDLE, "\xd0\xaa"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, "\x90\xbb"), 0);
    ASSERT_FRAME(b, KEY_KEPT);
    assert_true(b->frame.key);
}

static void test_long_obus_have_long_sizes(void **state)
{
    struct bench *b = *state;
    uint8_t packet[3 + 1 + 20000] = {0x10, 0x30, 0x30};
    key_frame(b);
    assert_int_equal(bench_push(b, WHOLE, packet, 2 + 127), 0);
    assert_memory_equal(b->frame.data, "\x32\x7f\x30", 3);
    assert_int_equal(b->frame.len, 2 + 127);
    assert_int_equal(bench_push(b, WHOLE, packet, 2 + 128), 0);
    assert_memory_equal(b->frame.data, "\x32\x80\x01\x30", 4);
    assert_int_equal(b->frame.len, 3 + 128);
    assert_int_equal(bench_push(b, WHOLE, packet, 2 + 20000), 0);
    assert_memory_equal(b->frame.data, "\x32\xa0\x9c\x01\x30", 5);
    assert_int_equal(b->frame.len, 4 + 20000);
}

static void test_sizes_stand_behind_the_layers_byte(void **state)
{
    struct bench *b = *state;
    key_frame(b);
    assert_int_equal(PUSH(b, WHOLE, "\x10\x34\x48\x30\x01"), 0);
    ASSERT_FRAME(b, "\x36\x48\x02\x30\x01");
}

/* Senders may leave their sizes in; what lies behind is none of the OBU. */
static void test_obus_with_sizes_of_their_own(void **state)
{
    struct bench *b = *state;
    assert_int_equal(PUSH(b, WHOLE, "\x08\x0f" SEQUENCE_KEPT "\x07\x32\x03\x10\xaa\xbb\xde\xad"),
                     0);
    ASSERT_FRAME(b, KEY_KEPT);
}

static void test_what_is_a_key_frame(void **state)
{
    struct bench *b = *state;
    /* A sequence header before a frame that is none, or a shown one once more: not to begin with. */
    assert_int_equal(PUSH(b, WHOLE, "\x28\x0e" SEQUENCE_SENT "\x30\x30\xaa"), ER_AGAIN);
    assert_int_equal(PUSH(b, WHOLE, "\x28\x0e" SEQUENCE_SENT "\x18\x80"), ER_AGAIN);
    /* Nor a key frame whose sequence header came with another picture. */
    assert_int_equal(PUSH(b, WHOLE, "\x10\x30\x10\xaa"), ER_AGAIN);
    assert_false(depack_in_gap(b->depack));
    /* A header of its own, with the tiles behind. */
    assert_int_equal(PUSH(b, WHOLE, "\x38\x0e" SEQUENCE_SENT "\x03\x18\x10\xaa\x20\xbb"), 0);
    ASSERT_FRAME(b, SEQUENCE_KEPT "\x1a\x02\x10\xaa\x22\x01\xbb");
    assert_true(b->frame.key && !b->frame.after_gap);
}

static void test_the_first_picture_is_seen_from_its_start(void **state)
{
    struct bench *b = *state;
    b->timestamp += 3000;
    assert_int_equal(PUSH(b, LAST, "\x90\xbb"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, KEY_PACKET), ER_AGAIN);
    key_frame(b);
}

static void test_pieces_that_do_not_fit_together(void **state)
{
    struct bench *b = *state;
    key_frame(b);
    /* A continuation of nothing. */
    assert_int_equal(PUSH(b, WHOLE, "\x90\x01\x02"), ER_MALFORMED);
    lost_until_a_key_frame(b);
    /* A new OBU where one should go on. */
    assert_int_equal(PUSH(b, FIRST, "\x50\x30\x30"), ER_AGAIN);
    assert_int_equal(PUSH(b, LAST, "\x10\x30\x30"), ER_MALFORMED);
    lost_until_a_key_frame(b);
    /* The picture's end within one. */
    assert_int_equal(PUSH(b, WHOLE, "\x50\x30\x30"), ER_MALFORMED);
    lost_until_a_key_frame(b);
}

static void test_damaged_packets(void **state)
{
    struct bench *b = *state;
    static const struct {
        size_t len;
        const char *bytes;
    } rows[] = {
        {1, "\x10"},                             /* a header alone */
        {3, "\x98\x30\x10"},                     /* N and Z */
        {4, "\x00\x05\x30\x10"},                 /* an element beyond the packet */
        {2, "\x00\x80"},                         /* a length without its end */
        {3, "\x10\xb0\x10"},                     /* the forbidden bit */
        {3, "\x10\x32\x80"},                     /* a size without its end */
        {2, "\x10\x34"},                         /* the layers' byte is missing */
        {8, "\x00\x06\x32\xff\xff\xff\xff\xff"}, /* a size of more than 32 bits */
    };
    key_frame(b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(bench_push(b, WHOLE, rows[i].bytes, rows[i].len), ER_MALFORMED);
        lost_until_a_key_frame(b);
    }
    /* Torn off anywhere, it is refused or waits for more, but does no harm. */
    for (size_t len = 1; len < sizeof KEY_PACKET - 1; len++)
        (void)bench_push(b, WHOLE, KEY_PACKET, len);
    key_frame(b);
}

static void test_the_bound_holds_with_sizes(void **state)
{
    struct bench *b = *state;
    static uint8_t piece[60001] = {0x50, 0x30, 0x30};
    key_frame(b);
    int er = bench_push(b, FIRST, piece, sizeof piece);
    piece[0] = 0xd0; /* goes on, and on */
    for (size_t sent = 60000; er == ER_AGAIN; sent += 60000) {
        assert_true(sent <= LIMIT_FRAME_BYTES);
        er = bench_push(b, MIDDLE, piece, sizeof piece);
    }
    assert_int_equal(er, ER_FULL);
    lost_until_a_key_frame(b);
}

static int setup(void **state)
{
    return bench_start(state, CODEC_AV1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, bench_stop)
    const struct CMUnitTest tests[] = {
        TEST(test_sizes_are_written_in),
        TEST(test_delimiters_padding_and_tile_lists_are_left_out),
        TEST(test_an_obu_in_several_packets),
        TEST(test_long_obus_have_long_sizes),
        TEST(test_sizes_stand_behind_the_layers_byte),
        TEST(test_obus_with_sizes_of_their_own),
        TEST(test_what_is_a_key_frame),
        TEST(test_the_first_picture_is_seen_from_its_start),
        TEST(test_pieces_that_do_not_fit_together),
        TEST(test_damaged_packets),
        TEST(test_the_bound_holds_with_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
