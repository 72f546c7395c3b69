// SPDX-License-Identifier: Apache-2.0
/* VP8 payload descriptors in every combination of their fields, and key-frame headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/vp8.h"

#define KEY_640x360 "\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"

static int parse(const char *bytes, size_t len, struct vp8_payload *ret)
{
    uint8_t copy[64];
    memcpy(copy, bytes, len);
    return vp8_parse(copy, len, ret);
}

static void test_key_frame(void **state)
{
    (void)state;
    struct vp8_payload v;
    assert_int_equal(parse("\x90\x80\x92\x34" KEY_640x360, 14, &v), 0);
    assert_true(v.start && v.key_frame && v.has_picture_id);
    assert_int_equal(v.picture_id, 0x1234);
    assert_int_equal(v.descriptor_len, 4);
    assert_int_equal(v.width, 640);
    assert_int_equal(v.height, 360);
    assert_false(v.has_tl0_index || v.has_temporal || v.non_reference);
}

static void test_all_fields(void **state)
{
    (void)state;
    struct vp8_payload v;
    assert_int_equal(parse("\xb0\xf0\xff\xff\x2a\xa5\x01", 7, &v), 0);
    assert_true(v.start && v.non_reference && !v.key_frame);
    assert_int_equal(v.picture_id, 0x7fff);
    assert_true(v.has_tl0_index && v.tl0_index == 0x2a);
    assert_true(v.has_temporal && v.temporal_id == 2 && v.layer_sync);
    assert_int_equal(v.descriptor_len, 6);

    /* 7-bit picture id; a key index without a temporal id */
    assert_int_equal(parse("\x80\x90\x7f\xff\x01", 5, &v), 0);
    assert_true(v.has_picture_id && v.picture_id == 0x7f);
    assert_false(v.has_temporal || v.layer_sync || v.start);
    assert_int_equal(v.descriptor_len, 4);
}

static void test_patch(void **state)
{
    (void)state;
    uint8_t ret[VP8_PATCH_MAX];
    const uint8_t *wide = (const uint8_t *)"\xb0\xf0\xff\xff\x2a\xa5\x01";
    assert_int_equal(vp8_patch(wide, 7, 0x1234, 0x56, ret), 5);
    assert_memory_equal(ret, "\xb0\xf0\x92\x34\x56", 5);
    const uint8_t *narrow = (const uint8_t *)"\x80\xc0\x7f\x11\x01";
    assert_int_equal(vp8_patch(narrow, 5, 0x1291, 0x56, ret), 4);
    assert_memory_equal(ret, "\x80\xc0\x11\x56", 4);
    const uint8_t *without_tl0 = (const uint8_t *)"\x80\x80\x80\x11\x01";
    assert_int_equal(vp8_patch(without_tl0, 5, 0x1291, 0x56, ret), 4);
    assert_memory_equal(ret, "\x80\x80\x92\x91", 4);
    assert_int_equal(vp8_patch((const uint8_t *)"\x80\x80\x11\x01", 4, 5, 6, ret), 3);
    assert_memory_equal(ret, "\x80\x80\x05", 3);
    assert_int_equal(vp8_patch((const uint8_t *)"\x10\x01\x02\x03\x04", 5, 5, 6, ret), 0);
    assert_int_equal(vp8_patch((const uint8_t *)"\x90\x40\x02\x03\x04", 5, 5, 6, ret), 0);
}

static void test_start(void **state)
{
    (void)state;
    struct vp8_payload v;
    assert_int_equal(parse("\x10\x01", 2, &v), 0);
    assert_true(v.start && !v.key_frame);
    assert_int_equal(v.descriptor_len, 1);
    /* the start of a later partition, and the middle of the first, are no start of a frame */
    assert_int_equal(parse("\x11\x00", 2, &v), 0);
    assert_false(v.start || v.key_frame);
    assert_int_equal(parse("\x00\x00", 2, &v), 0);
    assert_false(v.start || v.key_frame);
}

static void test_damage(void **state)
{
    (void)state;
    struct vp8_payload v;
    static const char whole[] = "\xb0\xf0\xff\xff\x2a\xa5\x01";
    for (size_t len = 0; len < 7; len++)
        assert_int_equal(parse(whole, len, &v), ER_TRUNCATED);
    assert_int_equal(parse("\x10\x10\x02\x00\x9d\x01\x2b\x80\x02\x68\x01", 11, &v), ER_MALFORMED);
    /* a header cut by the packet's end: a key frame of unknown size */
    assert_int_equal(parse("\x10\x10\x02\x00\x9d", 5, &v), 0);
    assert_true(v.key_frame && v.width == 0 && v.height == 0);
    /* the scale bits are not part of the size */
    assert_int_equal(parse("\x10\x10\x02\x00\x9d\x01\x2a\x80\x42\x68\x81", 11, &v), 0);
    assert_true(v.width == 640 && v.height == 360);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_frame), cmocka_unit_test(test_all_fields),
        cmocka_unit_test(test_patch),     cmocka_unit_test(test_start),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
