// SPDX-License-Identifier: Apache-2.0
/* Key frames of every codec decoded: the same picture comes out of each. Of H264 and AV1 there is more
 * in test_still_av.c. */
#include "tests/unit/record/still_bench.h"

static void decodes(enum media_codec codec)
{
    struct depack *depack;
    struct depack_frame frame;
    struct still still;
    assert_int_equal(depack_new(&depack), 0);
    make(codec, depack, &frame);
    assert_int_equal(still_decode(&still, frame.format, frame.data, frame.len), 0);
    assert_is_the_pattern(&still);
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
