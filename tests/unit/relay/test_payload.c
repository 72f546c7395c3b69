// SPDX-License-Identifier: Apache-2.0
/* What payloads of each codec say, in the tape's terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/relay/payload.h"
#include "tests/unit/wire/dependency_write.h"

#define SPS                                                                                        \
    "\x67\x42\xc0\x1e\xd9\x00\xa4\x2f\xe2\x24\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xf2\x3c" \
    "\x58\xb9\x20"
#define SPS_BYTES 26
#define SEQUENCE "\x20\x00\x00\x0c\xc5\x03\x69\x36\xbe\x48\x08\x68\x01"
#define ANY (TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_MARKER)

static struct tape_packet head;

/** The flags; -1 when the payload is refused. */
static int describe(struct payload_reader *r, enum media_codec codec, uint16_t seq,
                    uint32_t timestamp, const char *bytes, size_t len)
{
    struct rtp_packet packet = {
        .seq = seq, .timestamp = timestamp, .payload = (const uint8_t *)bytes, .payload_len = len};
    head = (struct tape_packet){0};
    return payload_describe(r, codec, &packet, NULL, &head) == 0 ? head.flags : -1;
}

static int describe_with(struct payload_reader *r, enum media_codec codec, const char *bytes,
                         size_t len, const struct dependency_writer *w)
{
    struct rtp_packet packet = {
        .seq = 1, .timestamp = 1, .payload = (const uint8_t *)bytes, .payload_len = len};
    struct rtp_extension x = {.id = 5, .len = (uint8_t)dependency_len(w), .at = w->bytes};
    head = (struct tape_packet){0};
    return payload_describe(r, codec, &packet, &x, &head) == 0 ? head.flags : -1;
}

static void test_opus_and_vp8(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    assert_int_equal(describe(&r, CODEC_OPUS, 1, 1, "\xfc\xff", 2), 0);
    assert_int_equal(head.codec, CODEC_OPUS);
    assert_int_equal(describe(&r, CODEC_OPUS, 1, 1, "\xff\x00", 2), -1);
    assert_int_equal(describe(&r, CODEC_RED, 1, 1, "\x6f\xfc\xff", 3), -1);
    assert_int_equal(describe(&r, CODEC_NONE, 1, 1, "\xfc", 1), -1);
    int flags = describe(&r, CODEC_VP8, 1, 1,
                         "\x90\xe0\x92\x34\x07\x60\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01", 16);
    assert_int_equal(flags, TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_INDEPENDENT | TAPE_LAYER_SYNC |
                                TAPE_HAS_PICTURE_ID | TAPE_HAS_TL0_INDEX);
    assert_true(head.width == 640 && head.height == 360 && head.temporal_id == 1);
    assert_true(head.picture_id == 0x1234 && head.tl0_index == 7);
    assert_int_equal(describe(&r, CODEC_VP8, 2, 1, "", 0), 0); /* padding */
}

static void test_marker(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    struct rtp_packet packet = {.marker = true, .payload = (const uint8_t *)"\x00\x01"};
    head = (struct tape_packet){0};
    assert_int_equal(payload_describe(&r, CODEC_VP8, &packet, NULL, &head), 0);
    assert_int_equal(head.flags, 0); /* padding ends no picture */
    packet.payload_len = 2;
    assert_int_equal(payload_describe(&r, CODEC_VP8, &packet, NULL, &head), 0);
    assert_int_equal(head.flags, TAPE_MARKER);
}

static void test_vp9(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    static const char key[] =
        "\x2e\x00\x00\x38\x01\x40\x00\xb4\x02\x80\x01\x68\x00\xa2\x49\x83\x42";
    assert_int_equal(describe(&r, CODEC_VP9, 1, 1, key, 17), TAPE_FRAME_START | TAPE_KEY_FRAME |
                                                                 TAPE_INDEPENDENT |
                                                                 TAPE_LAYER_START | TAPE_LAYER_END);
    assert_true(head.width == 640 && head.height == 360);
    assert_true(r.spatial_count == 2 && r.layer_width[0] == 320 && r.layer_height[1] == 360);
    /* its upper layer */
    assert_int_equal(describe(&r, CODEC_VP9, 2, 1, "\x28\x03\x00\x86", 4),
                     TAPE_LAYER_START | TAPE_INDEPENDENT);
    assert_int_equal(head.spatial_id, 1);
    /* temporal 1, from which on more can be joined */
    assert_int_equal(describe(&r, CODEC_VP9, 3, 2, "\x6c\x30\x00\x86", 4),
                     TAPE_FRAME_START | TAPE_LAYER_START | TAPE_LAYER_END | TAPE_SWITCH_UP);
    assert_int_equal(head.temporal_id, 1);
}

static void test_h264(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    /* parameter sets, then the slices, in packets of their own: one picture */
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 10, 900, SPS, SPS_BYTES),
                     TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_INDEPENDENT);
    assert_true(head.width == 642 && head.height == 362);
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 11, 900, "\x68\xce", 2), 0);
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 12, 900, "\x7c\x85\x88", 3), 0);
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 13, 900, "\x7c\x45\x88", 3), 0);
    /* others */
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 14, 3900, "\x41\x9a", 2),
                     TAPE_FRAME_START);
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 15, 6900, "\x01\x9a", 2),
                     TAPE_FRAME_START | TAPE_NON_REFERENCE | TAPE_LAYER_SYNC);
    assert_int_equal(head.temporal_id, 1);
    /* a delimiter ahead of the parameter sets: the key frame begins with these */
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 16, 9900, "\x09\xf0", 2),
                     TAPE_FRAME_START);
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 17, 9900, SPS, SPS_BYTES) & ANY,
                     TAPE_FRAME_START | TAPE_KEY_FRAME);
    /* an IDR slice without them: nobody could join there */
    assert_int_equal(describe(&r, CODEC_H264_CONSTRAINED_1, 18, 12900, "\x65\x88", 2),
                     TAPE_FRAME_START);
}

static void test_h264_out_of_order(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    assert_int_equal(describe(&r, CODEC_H264_BASELINE, 21, 900, "\x68\xce", 2), TAPE_FRAME_START);
    assert_int_equal(describe(&r, CODEC_H264_BASELINE, 20, 900, SPS, SPS_BYTES) & ANY,
                     TAPE_FRAME_START | TAPE_KEY_FRAME);
    assert_int_equal(describe(&r, CODEC_H264_BASELINE, 22, 900, "\x65\x88", 2), 0);
    /* one of an earlier picture that came late begins that one, and changes nothing */
    assert_int_equal(describe(&r, CODEC_H264_BASELINE, 19, 800, "\x41\x9a", 2), TAPE_FRAME_START);
    assert_int_equal(describe(&r, CODEC_H264_BASELINE, 23, 900, "\x65\x88", 2), 0);
}

static void test_av1(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    assert_int_equal(describe(&r, CODEC_AV1, 1, 1, "\x68\x0e\x08" SEQUENCE "\x30\x10", 18),
                     TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_INDEPENDENT);
    assert_true(head.width == 642 && head.height == 362);
    assert_int_equal(describe(&r, CODEC_AV1, 2, 1, "\x90\x30", 2), 0);
    assert_int_equal(describe(&r, CODEC_AV1, 3, 1, "\x10\x30\x10", 3), 0); /* another OBU of it */
    assert_int_equal(describe(&r, CODEC_AV1, 4, 2, "\x10\x30\x10", 3), TAPE_FRAME_START);
}

static void test_descriptors(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    struct dependency_writer w;
    dependency_key_of_three_temporal(&w, 1);
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x68\x0e\x08" SEQUENCE "\x30\x10", 18, &w),
                     TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_INDEPENDENT | TAPE_LAYER_START |
                         TAPE_LAYER_END | TAPE_LAYER_SYNC | TAPE_SWITCH_UP);
    assert_int_equal(head.descriptor_len, dependency_len(&w));
    assert_int_equal(r.spatial_count, 1);
    dependency_begin(&w, 2, 13, 2); /* the first frame of the uppermost layer */
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x10\x30\x10", 3, &w),
                     TAPE_FRAME_START | TAPE_LAYER_START | TAPE_NON_REFERENCE);
    assert_int_equal(head.temporal_id, 2);
    dependency_begin(&w, 2, 12, 3);
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x10\x30\x10", 3, &w),
                     TAPE_FRAME_START | TAPE_LAYER_START | TAPE_SWITCH_UP);
    assert_int_equal(head.temporal_id, 1);
    dependency_begin(&w, 2, 40, 4); /* of another structure: the payload has to do */
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x90\x30\x10", 3, &w), 0);
    assert_int_equal(head.descriptor_len, dependency_len(&w));
    w.bits = 16; /* cut */
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x90\x30\x10", 3, &w), 0);
    assert_int_equal(head.descriptor_len, 0);
}

static void test_spatial_descriptors(void **state)
{
    (void)state;
    struct payload_reader r = {0};
    struct dependency_writer w;
    dependency_key_of_two_spatial(&w, 1);
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x68\x0e\x08" SEQUENCE "\x30\x10", 18, &w) & ANY,
                     TAPE_FRAME_START | TAPE_KEY_FRAME);
    assert_true(r.spatial_count == 2 && r.layer_width[0] == 320 && r.layer_height[1] == 360);
    dependency_begin(&w, 3, 2, 2); /* the upper layer of the key frame */
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x10\x30\x10", 3, &w),
                     TAPE_LAYER_START | TAPE_LAYER_END | TAPE_INDEPENDENT | TAPE_LAYER_SYNC);
    assert_int_equal(head.spatial_id, 1);
    dependency_begin(&w, 3, 3, 4); /* and of a later picture */
    assert_int_equal(describe_with(&r, CODEC_AV1, "\x10\x30\x10", 3, &w),
                     TAPE_LAYER_START | TAPE_LAYER_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opus_and_vp8),
        cmocka_unit_test(test_marker),
        cmocka_unit_test(test_vp9),
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_h264_out_of_order),
        cmocka_unit_test(test_av1),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_spatial_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
