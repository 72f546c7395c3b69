// SPDX-License-Identifier: Apache-2.0
/* NAL units out of packets of modes 0 and 1; what they say; sequence parameter sets of x264's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/codec.h"
#include "media/wire/h264.h"

/* 642x362, constrained baseline, cropped; 1920x1080, high, cropped: without start codes. */
#define SPS_642x362                                                                                \
    "\x67\x42\xc0\x1e\xd9\x00\xa4\x2f\xe2\x24\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00\xf2\x3c" \
    "\x58\xb9\x20"
#define SPS_642x362_BYTES 26
#define SPS_HIGH                                                                                   \
    "\x67\x64\x00\x28\xac\xd9\x40\x78\x02\x27\xe5\xc0\x44\x00\x00\x03\x00\x04\x00\x00\x03\x00"     \
    "\xf0\x3c\x60\xc6\x58"
#define SPS_HIGH_BYTES 27

static int parse(const char *bytes, size_t len, struct h264_payload *ret)
{
    uint8_t copy[128];
    memcpy(copy, bytes, len);
    return h264_parse(copy, len, ret);
}

static void test_single_units(void **state)
{
    (void)state;
    struct h264_payload p;
    assert_int_equal(parse(SPS_642x362, SPS_642x362_BYTES, &p), 0);
    assert_true(p.may_start && p.sps && p.key && !p.non_reference);
    assert_true(p.width == 642 && p.height == 362);
    assert_int_equal(parse("\x68\xce\x0f", 3, &p), 0);
    assert_true(p.may_start && !p.sps && !p.key);
    /* an IDR slice that begins the picture, one that does not, and slices of other pictures */
    assert_int_equal(parse("\x65\x88\x84", 3, &p), 0);
    assert_true(p.may_start && p.key && !p.sps);
    assert_int_equal(parse("\x65\x08\x84", 3, &p), 0);
    assert_true(!p.may_start && p.key);
    assert_int_equal(parse("\x41\x9a", 2, &p), 0);
    assert_true(p.may_start && !p.key && !p.non_reference);
    assert_int_equal(parse("\x01\x9a", 2, &p), 0);
    assert_true(p.non_reference && !p.key);
    assert_int_equal(parse("\x09\xf0", 2, &p), 0);
    assert_true(p.may_start && !p.key && !p.non_reference);
}

static void test_aggregates(void **state)
{
    (void)state;
    struct h264_payload p;
    static const char key[] = "\x78\x00\x1a" SPS_642x362 "\x00\x02\x68\xce\x00\x02\x65\x88";
    assert_int_equal(parse(key, 37, &p), 0);
    assert_true(p.may_start && p.sps && p.key && p.width == 642);
    /* parameter sets before a picture that is no key frame */
    assert_int_equal(parse("\x78\x00\x02\x67\x42\x00\x02\x41\x9a", 9, &p), 0);
    assert_true(p.may_start && p.sps && !p.key && p.width == 0);
    /* cut anywhere but between units */
    for (size_t len = 0; len < 37; len++)
        assert_int_equal(parse(key, len, &p) == 0, len == 29 || len == 33);
    assert_int_equal(parse("\x78\x00\x00", 3, &p), ER_TRUNCATED); /* an empty unit */
}

static void test_fragments(void **state)
{
    (void)state;
    struct h264_payload p;
    assert_int_equal(parse("\x7c\x85\x88\x01", 4, &p), 0);
    assert_true(p.may_start && p.key);
    assert_int_equal(parse("\x7c\x05\x88\x01", 4, &p), 0);
    assert_true(!p.may_start && p.key);
    assert_int_equal(parse("\x1c\x41\x88", 3, &p), 0);
    assert_true(!p.may_start && !p.key && p.non_reference);
    assert_int_equal(parse("\x7c\x85", 2, &p), ER_TRUNCATED);

    struct h264_units units;
    struct h264_unit unit;
    assert_int_equal(h264_units_begin(&units, (const uint8_t *)"\x7c\x45\xaa\xbb", 4), 0);
    assert_int_equal(h264_units_next(&units, &unit), 1);
    assert_int_equal(unit.first, 0x65);
    assert_true(!unit.starts && unit.ends && unit.len == 2 && unit.at[0] == 0xaa);
    assert_int_equal(h264_units_next(&units, &unit), 0);
}

static void test_other_kinds(void **state)
{
    (void)state;
    struct h264_payload p;
    assert_int_equal(parse("", 0, &p), ER_TRUNCATED);
    static const char *const kinds[] = {"\x60\x01\x01", "\x79\x01\x01", "\x7a\x01\x01",
                                        "\x7b\x01\x01", "\x7d\x01\x01", "\x7e\x01\x01"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_int_equal(parse(kinds[i], 3, &p), ER_MALFORMED);
}

static void test_sps(void **state)
{
    (void)state;
    struct h264_sps sps;
    assert_true(h264_parse_sps((const uint8_t *)SPS_642x362, SPS_642x362_BYTES, &sps));
    assert_true(sps.profile == 0x42 && sps.constraints == 0xc0 && sps.level == 0x1e);
    assert_true(sps.width == 642 && sps.height == 362);
    assert_true(h264_parse_sps((const uint8_t *)SPS_HIGH, SPS_HIGH_BYTES, &sps));
    assert_true(sps.profile == 0x64 && sps.width == 1920 && sps.height == 1080);
    assert_true(sps.chroma_format == 1 && sps.luma_bits == 8 && sps.chroma_bits == 8);
    for (size_t len = 0; len < 10; len++)
        assert_false(h264_parse_sps((const uint8_t *)SPS_HIGH, len, &sps));
    assert_false(h264_parse_sps((const uint8_t *)"\x68\xce\x0f\xc8", 4, &sps));
    /* a scaling list whose first step is the largest there is */
    static const char steep[] = "\x67\x64\x00\x28\xad\x80\x00\x00\x00\xff\xff\xff\xfe";
    assert_false(h264_parse_sps((const uint8_t *)steep, sizeof steep - 1, &sps));
}

static void test_profiles(void **state)
{
    (void)state;
    assert_int_equal(h264_profile_of(0x42, 0xe0), H264_CONSTRAINED);
    assert_int_equal(h264_profile_of(0x42, 0xc0), H264_CONSTRAINED);
    assert_int_equal(h264_profile_of(0x4d, 0x80), H264_CONSTRAINED);
    assert_int_equal(h264_profile_of(0x42, 0x00), H264_BASELINE);
    assert_int_equal(h264_profile_of(0x4d, 0x00), H264_MAIN);
    assert_int_equal(h264_profile_of(0x64, 0x00), H264_HIGH);
    assert_int_equal(h264_profile_of(0x64, 0x0c), H264_HIGH);
    assert_int_equal(h264_profile_of(0xf4, 0x00), 0);

    assert_true(codec_carries(CODEC_H264_HIGH_1, CODEC_H264_CONSTRAINED));
    assert_true(codec_carries(CODEC_H264_BASELINE, CODEC_H264_CONSTRAINED));
    assert_false(codec_carries(CODEC_H264_HIGH_1, CODEC_H264_BASELINE_1));
    assert_false(codec_carries(CODEC_H264_CONSTRAINED, CODEC_H264_CONSTRAINED_1));
    assert_false(codec_carries(CODEC_H264_CONSTRAINED_1, CODEC_H264_MAIN_1));
    assert_true(codec_carries(CODEC_VP8, CODEC_VP8));
    assert_false(codec_carries(CODEC_VP9, CODEC_VP9_2) || codec_carries(CODEC_VP8, CODEC_VP9));
    assert_false(codec_carries(CODEC_NONE, CODEC_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_units), cmocka_unit_test(test_aggregates),
        cmocka_unit_test(test_fragments),    cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_sps),          cmocka_unit_test(test_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
