// SPDX-License-Identifier: Apache-2.0
/* Key frames of every codec decoded: the same picture comes out of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/depack.h"
#include "media/record/still.h"
#include "tests/unit/support/av_source.h"

/** The frame of a picture as the container would have it. */
static void make(enum media_codec codec, struct depack *depack, struct depack_frame *ret)
{
    struct av_source *source = av_source_new(codec, 320, 180);
    if (!source)
        skip();
    struct av_picture picture;
    int er = ER_AGAIN;
    av_source_next(source, 3000, true, &picture);
    for (size_t i = 0; i < picture.count; i++)
        er = depack_push(depack, picture.packets[i], ret);
    assert_int_equal(er, 0);
    av_source_free(source);
}

static void decodes(enum media_codec codec)
{
    struct depack *depack;
    struct depack_frame frame;
    struct still still;
    assert_int_equal(depack_new(&depack), 0);
    make(codec, depack, &frame);
    assert_int_equal(still_decode(&still, frame.format, frame.data, frame.len), 0);
    assert_true(still.width == 320 && still.height == 180);
    assert_in_range(still.planes[0][90 * still.stride[0] + 160], 85, 95);
    assert_in_range(still.planes[0][10 * still.stride[0] + 10], 220, 240); /* the square */
    assert_in_range(still.planes[1][45 * still.stride[1] + 80], 95, 105);
    assert_in_range(still.planes[2][45 * still.stride[2] + 80], 155, 165);
    assert_false(still.full_range);
    still_clear(&still);
    /* a torn one is refused, whatever is torn; it must not break anything */
    for (size_t len = 0; len < 40; len++)
        if (still_decode(&still, frame.format, frame.data, len) == 0)
            still_clear(&still);
    depack_free(depack);
}

static void test_vp9(void **state)
{
    (void)state;
    decodes(CODEC_VP9);
}

/** Ten bits, of which the upper eight are taken. */
static void test_vp9_profile_2(void **state)
{
    (void)state;
    decodes(CODEC_VP9_2);
}

static void test_h264(void **state)
{
    (void)state;
    decodes(CODEC_H264_CONSTRAINED_1);
}

static void test_av1(void **state)
{
    (void)state;
    decodes(CODEC_AV1);
}

static void test_no_picture(void **state)
{
    (void)state;
    struct still still;
    const uint8_t bytes[] = {0xf8, 1, 2, 3};
    assert_int_equal(still_decode(&still, FORMAT_OPUS, bytes, sizeof bytes), ER_UNSUPPORTED);
    assert_int_equal(still_decode(&still, FORMAT_VP9, bytes, sizeof bytes), ER_MALFORMED);
    assert_int_equal(still_decode(&still, FORMAT_H264, bytes, sizeof bytes), ER_MALFORMED);
    still_clear(&still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp9),        cmocka_unit_test(test_vp9_profile_2),
        cmocka_unit_test(test_h264),       cmocka_unit_test(test_av1),
        cmocka_unit_test(test_no_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
