// SPDX-License-Identifier: Apache-2.0
/* Opus durations by configuration and frame count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/opus.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[2];
        size_t len;
        uint32_t samples;
    } cases[] = {
        {{0x78, 0}, 2, 960},     /* hybrid fullband, 20 ms: what browsers send */
        {{0xfc, 0}, 2, 960},     /* CELT fullband 20 ms, stereo */
        {{0xe0, 0}, 1, 120},     /* 2.5 ms */
        {{0x18, 0}, 1, 2880},    /* SILK 60 ms */
        {{0x19, 0}, 1, 5760},    /* two of them */
        {{0x7a, 0}, 1, 1920},    /* two of different size */
        {{0x7b, 6}, 2, 5760},    /* six times 20 ms */
        {{0xe3, 48}, 2, 5760},   /* 48 times 2.5 ms */
        {{0x7b, 0xc3}, 2, 2880}, /* the flags beside the count are not part of it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t samples = 0;
        assert_int_equal(opus_duration(cases[i].bytes, cases[i].len, &samples), 0);
        assert_int_equal(samples, cases[i].samples);
    }
}

static void test_damage(void **state)
{
    (void)state;
    uint32_t samples;
    assert_int_equal(opus_duration((const uint8_t *)"", 0, &samples), ER_TRUNCATED);
    assert_int_equal(opus_duration((const uint8_t *)"\x7b", 1, &samples), ER_TRUNCATED);
    assert_int_equal(opus_duration((const uint8_t *)"\x7b\x00", 2, &samples), ER_MALFORMED);
    assert_int_equal(opus_duration((const uint8_t *)"\x7b\x07", 2, &samples), ER_MALFORMED);
    assert_int_equal(opus_duration((const uint8_t *)"\x1b\x03", 2, &samples), ER_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
