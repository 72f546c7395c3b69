// SPDX-License-Identifier: Apache-2.0
/* Bits, and the codes that video headers are written in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/wire/bits.h"

static struct bits bits_of(const char *bytes, size_t len)
{
    return bits_make((const uint8_t *)bytes, len);
}

static void test_numbers(void **state)
{
    (void)state;
    struct bits b = bits_of("\xa5\x0f\x80\x00\x00\x01", 6);
    assert_int_equal(bits_u(&b, 1), 1);
    assert_int_equal(bits_u(&b, 3), 2);
    assert_int_equal(bits_u(&b, 8), 0x50);
    assert_int_equal(bits_u(&b, 4), 0xf);
    assert_int_equal(bits_u(&b, 32), 0x80000001);
    assert_false(b.bad);
    assert_int_equal(bits_u(&b, 0), 0);
    assert_false(b.bad);
    assert_int_equal(bits_u(&b, 1), 0);
    assert_true(b.bad);
    b = bits_of("\xff", 1);
    bits_skip(&b, 9);
    assert_true(b.bad);
    assert_int_equal(bits_u(&b, 1), 0);
}

static void test_exp_golomb(void **state)
{
    (void)state;
    /* 1 010 011 00100 00101 0001000: 0 1 2 3 4 7 */
    struct bits b = bits_of("\xa6\x42\x88", 3);
    const uint32_t expected[] = {0, 1, 2, 3, 4, 7};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(bits_ue(&b), expected[i]);
    assert_false(b.bad);
    /* 1 010 011 00100 00101: 0 1 -1 2 -2 */
    b = bits_of("\xa6\x42\x80", 3);
    const int32_t with_sign[] = {0, 1, -1, 2, -2};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(bits_se(&b), with_sign[i]);
    b = bits_of("\x00\x00\x00\x00\x80\x00\x00\x00\x00", 9); /* 32 zeros: no number of ours */
    bits_ue(&b);
    assert_true(b.bad);
    b = bits_of("\x00", 1);
    bits_ue(&b);
    assert_true(b.bad);
    b = bits_of("\x00\x00\x00\x01\xff\xff\xff\xff", 8); /* 31 zeros */
    assert_int_equal(bits_ue(&b), UINT32_MAX - 1);
    assert_false(b.bad);
}

static void test_below(void **state)
{
    (void)state;
    /* n = 5: 00 01 10 110 111 */
    struct bits b = bits_of("\x1b\x70", 2);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(bits_ns(&b, 5), i);
    assert_int_equal(b.at, 12);
    assert_int_equal(bits_ns(&b, 1), 0); /* no choice: no bits */
    assert_int_equal(bits_ns(&b, 0), 0);
    assert_int_equal(b.at, 12);
}

static void test_uvlc(void **state)
{
    (void)state;
    struct bits b = bits_of("\xa6\x00", 2);
    assert_int_equal(bits_uvlc(&b), 0);
    assert_int_equal(bits_uvlc(&b), 1);
    assert_int_equal(bits_uvlc(&b), 2);
    bits_uvlc(&b);
    assert_true(b.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_exp_golomb),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_uvlc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
