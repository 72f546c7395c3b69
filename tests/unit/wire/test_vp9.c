// SPDX-License-Identifier: Apache-2.0
/* VP9 payload descriptors in every combination of their fields, and key-frame headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/vp9.h"

/* As libvpx writes them: 642x362, 8 bits; 642x362, 10 bits. */
#define KEY_642x362 "\xa2\x49\x83\x42\xe0\x28\x10\x16\x96\x06"
#define KEY_10_BITS "\x92\x49\x83\x42\x00\x14\x08\x0b\x4b\x07"

static int parse(const char *bytes, size_t len, struct vp9_payload *ret)
{
    uint8_t copy[64];
    memcpy(copy, bytes, len);
    return vp9_parse(copy, len, ret);
}

static void test_key_picture(void **state)
{
    (void)state;
    struct vp9_payload v;
    assert_int_equal(parse("\x8c\x92\x34" KEY_642x362, 13, &v), 0);
    assert_true(v.start && v.end && v.key_picture && v.has_picture_id);
    assert_int_equal(v.picture_id, 0x1234);
    assert_int_equal(v.descriptor_len, 3);
    assert_int_equal(v.width, 642);
    assert_int_equal(v.height, 362);
    assert_false(v.inter_predicted || v.has_layers || v.flexible || v.has_structure);

    assert_int_equal(parse("\x08" KEY_10_BITS, 11, &v), 0);
    assert_true(v.key_picture && v.width == 642 && v.height == 362);
    /* what is cut off is not known */
    assert_int_equal(parse("\x08" KEY_642x362, 6, &v), 0);
    assert_true(v.key_picture && v.width == 0 && v.height == 0);
}

static void test_layers(void **state)
{
    (void)state;
    struct vp9_payload v;
    /* 7-bit picture id; temporal 2, up, spatial 1, needs the lower one; TL0PICIDX */
    assert_int_equal(parse("\xe8\x7f\x53\x2a\x01", 5, &v), 0);
    assert_true(v.has_picture_id && v.picture_id == 0x7f);
    assert_true(v.has_layers && v.temporal_id == 2 && v.spatial_id == 1);
    assert_true(v.switch_up && v.inter_layer && v.inter_predicted && !v.key_picture);
    assert_true(v.has_tl0_index && v.tl0_index == 0x2a);
    assert_int_equal(v.descriptor_len, 4);

    /* an upper layer of a key picture: needs no earlier picture, but is no key picture itself */
    assert_int_equal(parse("\x29\x03\x00\xff", 4, &v), 0);
    assert_true(v.start && !v.end && !v.key_picture && v.no_upper_use);
}

static void test_flexible(void **state)
{
    (void)state;
    struct vp9_payload v;
    /* three references; no TL0PICIDX */
    assert_int_equal(parse("\xf4\x01\x40\x03\x05\x08\xff", 7, &v), 0);
    assert_true(v.flexible && v.temporal_id == 2 && !v.has_tl0_index && v.end && !v.start);
    assert_int_equal(v.descriptor_len, 6);
    /* a fourth one is against the rules */
    assert_int_equal(parse("\xf4\x01\x40\x03\x05\x09\xff", 7, &v), ER_MALFORMED);
}

static void test_structure(void **state)
{
    (void)state;
    struct vp9_payload v;
    /* three layers with sizes, two pictures: one reference, none */
    static const char whole[] = "\x0a\x58\x01\x40\x00\xb4\x02\x80\x01\x68\x05\x00\x02\xd0"
                                "\x02\x04\x01\x20" KEY_642x362;
    assert_int_equal(parse(whole, 28, &v), 0);
    assert_true(v.has_structure && v.has_sizes && v.layer_count == 3);
    assert_int_equal(v.layer_width[0], 320);
    assert_int_equal(v.layer_height[1], 360);
    assert_int_equal(v.descriptor_len, 18);
    assert_true(v.key_picture && v.width == 1280 && v.height == 720);
    for (size_t len = 0; len <= 18; len++)
        assert_int_equal(parse(whole, len, &v), ER_TRUNCATED);
}

static void test_key_size(void **state)
{
    (void)state;
    uint16_t w, h;
    const uint8_t *frame = (const uint8_t *)KEY_642x362;
    assert_true(vp9_key_size(frame, 10, &w, &h));
    assert_true(w == 642 && h == 362);
    assert_false(vp9_key_size(frame, 8, &w, &h));
    uint8_t copy[10];
    memcpy(copy, frame, 10);
    copy[0] = 0x86; /* an inter frame */
    assert_false(vp9_key_size(copy, 10, &w, &h));
    copy[0] = 0xa2;
    copy[2] ^= 1; /* the sync code */
    assert_false(vp9_key_size(copy, 10, &w, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_picture), cmocka_unit_test(test_layers),
        cmocka_unit_test(test_flexible),    cmocka_unit_test(test_structure),
        cmocka_unit_test(test_key_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
