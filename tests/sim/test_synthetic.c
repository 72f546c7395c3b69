// SPDX-License-Identifier: Apache-2.0
/* Synthetic frames: valid headers, and no byte can change unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/opus.h"
#include "media/wire/vp8.h"
#include "tests/sim/synthetic.h"

static void test_vp8(void **state)
{
    (void)state;
    for (int key = 0; key < 2; key++) {
        struct synthetic what = {.stream = 5, .number = 77, .capture_us = 123456, .key = key};
        struct synthetic got;
        uint8_t frame[400], payload[401];
        synthetic_vp8_make(frame, sizeof frame, &what, 1280, 720);
        assert_int_equal(synthetic_vp8_check(frame, sizeof frame, &got), 0);
        assert_memory_equal(&got.number, &what.number, sizeof got.number);
        assert_true(got.stream == 5 && got.capture_us == 123456 && got.key == what.key);
        assert_int_not_equal(synthetic_vp8_check(frame, sizeof frame - 1, &got), 0);
        for (size_t i = 0; i < sizeof frame; i++) {
            if (i >= 6 && i < 10 && key)
                continue; /* the picture's size, which the check does not know */
            frame[i] ^= 1;
            int er = synthetic_vp8_check(frame, sizeof frame, &got);
            /* Stream and capture time are what the frame says; all else must fit. */
            if (!er)
                assert_true(got.capture_us != what.capture_us);
            frame[i] ^= 1;
        }
        payload[0] = 0x10;
        memcpy(payload + 1, frame, sizeof frame);
        struct vp8_payload vp8;
        assert_int_equal(vp8_parse(payload, sizeof payload, &vp8), 0);
        assert_true(vp8.start && vp8.key_frame == key);
        assert_int_equal(vp8.width, key ? 1280 : 0);
        assert_int_equal(vp8.height, key ? 720 : 0);
    }
}

static void test_opus(void **state)
{
    (void)state;
    struct synthetic what = {.stream = 5, .number = 3, .capture_us = 60000}, got;
    uint8_t packet[80];
    uint32_t samples;
    synthetic_opus_make(packet, sizeof packet, &what);
    assert_int_equal(synthetic_opus_check(packet, sizeof packet, &got), 0);
    assert_int_equal(got.number, 3);
    assert_int_equal(opus_duration(packet, sizeof packet, &samples), 0);
    assert_int_equal(samples, SYNTHETIC_OPUS_SAMPLES);
    packet[70] ^= 4;
    assert_int_equal(synthetic_opus_check(packet, sizeof packet, &got), ER_MALFORMED);
}

static void test_rate(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 3000; i++)
        bytes += synthetic_vp8_size(i, i % 300 == 0, 1500000, 30);
    assert_in_range(bytes * 8 / 100, 1425000, 1575000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vp8),
        cmocka_unit_test(test_opus),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
