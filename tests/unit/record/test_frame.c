// SPDX-License-Identifier: Apache-2.0
/* What stored frames tell: size, and what goes into the container's head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/record/frame.h"

#define SPS                                                                                        \
    "\x00\x00\x00\x1a\x67\x42\xc0\x1e\xd9\x00\xa4\x2f\xe2\x24\xc0\x44\x00\x00\x03\x00\x04\x00\x00" \
    "\x03\x00\xf2\x3c\x58\xb9\x20"
#define SPS_BYTES 30
#define PPS "\x00\x00\x00\x04\x68\xcb\x83\xcb"
#define IDR "\x00\x00\x00\x02\x65\x88"
#define SEQUENCE "\x0a\x0d\x20\x00\x00\x0c\xc5\x03\x69\x36\xbe\x48\x08\x68\x01"

static bool key(enum codec_format format, const char *frame, size_t len, unsigned *w, unsigned *h)
{
    return frame_key_size(format, (const uint8_t *)frame, len, w, h);
}

static void test_vp8(void **state)
{
    (void)state;
    unsigned w, h;
    static const char frame[] = "\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01";
    assert_true(key(FORMAT_VP8, frame, 10, &w, &h) && w == 640 && h == 360);
    assert_false(key(FORMAT_VP8, frame, 9, &w, &h));
    assert_false(key(FORMAT_VP8, "\x11\x02\x00\x9d\x01\x2a\x80\x02\x68\x01", 10, &w, &h));
    assert_false(key(FORMAT_VP8, "\x10\x02\x00\x9d\x01\x2a\x00\x00\x68\x01", 10, &w, &h));
    assert_false(key(FORMAT_OPUS, frame, 10, &w, &h));
}

static void test_vp9(void **state)
{
    (void)state;
    unsigned w, h;
    assert_true(key(FORMAT_VP9, "\xa2\x49\x83\x42\xe0\x28\x10\x16\x96\x06", 10, &w, &h));
    assert_true(w == 642 && h == 362);
    /* a superframe; the upper layer, shown and not resilient, tells a size of its own: 1284x724 */
    static const char super[] = "\xa2\x49\x83\x42\xe0\x28\x10\x16\x96\x06"
                                "\x86\x00\x00\x00\x02\x81\x81\x69\x80"
                                "\xc1\x0a\x09\xc1";
    assert_true(key(FORMAT_VP9, super, 23, &w, &h));
    assert_int_equal(w, 1284);
    assert_int_equal(h, 724);
    /* an index that names more than there is */
    static const char torn[] = "\xa2\x49\x83\x42\xe0\x28\x10\x16\x96\x06\xc1\xff\xff\xc1";
    assert_true(key(FORMAT_VP9, torn, 14, &w, &h) && w == 642);
}

static void test_h264(void **state)
{
    (void)state;
    unsigned w, h;
    assert_true(key(FORMAT_H264, SPS PPS IDR, SPS_BYTES + 14, &w, &h) && w == 642 && h == 362);
    assert_false(key(FORMAT_H264, SPS PPS, SPS_BYTES + 8, &w, &h));
    assert_false(key(FORMAT_H264, SPS IDR, SPS_BYTES + 6, &w, &h));
    assert_false(key(FORMAT_H264, PPS IDR, 14, &w, &h));
    assert_false(key(FORMAT_H264, SPS PPS IDR, SPS_BYTES + 13, &w, &h)); /* cut */

    uint8_t head[FRAME_PRIVATE_BYTES];
    const uint8_t *frame = (const uint8_t *)(SPS PPS IDR);
    int len = frame_private(FORMAT_H264, frame, SPS_BYTES + 14, head);
    assert_int_equal(len, 6 + 2 + 26 + 1 + 2 + 4);
    assert_memory_equal(head, "\x01\x42\xc0\x1e\xff\xe1\x00\x1a\x67", 9);
    assert_memory_equal(head + 8 + 26, "\x01\x00\x04\x68\xcb\x83\xcb", 7);
    assert_int_equal(frame_private(FORMAT_H264, frame, SPS_BYTES, head), ER_MALFORMED);

    struct rd r = rd_make(PPS IDR, 14);
    const uint8_t *unit;
    size_t unit_len;
    assert_true(frame_next_unit(&r, &unit, &unit_len) && unit[0] == 0x68 && unit_len == 4);
    assert_true(frame_next_unit(&r, &unit, &unit_len) && unit[0] == 0x65 && unit_len == 2);
    assert_false(frame_next_unit(&r, &unit, &unit_len));
}

static void test_av1(void **state)
{
    (void)state;
    unsigned w, h;
    assert_true(key(FORMAT_AV1, SEQUENCE "\x32\x01\x10", 18, &w, &h) && w == 642 && h == 362);
    assert_false(key(FORMAT_AV1, SEQUENCE, 15, &w, &h));
    assert_false(key(FORMAT_AV1, "\x32\x01\x10", 3, &w, &h));
    assert_false(key(FORMAT_AV1, SEQUENCE "\x32\x01\x30", 18, &w, &h)); /* an inter frame */
    uint8_t head[FRAME_PRIVATE_BYTES];
    const uint8_t *frame = (const uint8_t *)(SEQUENCE "\x32\x01\x10");
    assert_int_equal(frame_private(FORMAT_AV1, frame, 18, head), 15);
    assert_memory_equal(head, SEQUENCE, 15);
    assert_int_equal(frame_private(FORMAT_AV1, frame + 15, 3, head), ER_MALFORMED);
    assert_int_equal(frame_private(FORMAT_VP8, frame, 18, head), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp8),
        cmocka_unit_test(test_vp9),
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_av1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
