// SPDX-License-Identifier: Apache-2.0
/* Checked cursors: byte order, overruns in both directions, empty buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void reads_network_order(void **state)
{
    (void)state;
    uint8_t data[18];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(0xf0 + i);
    struct rd r = rd_make(data, sizeof data);
    assert_int_equal(rd_u8(&r), 0xf0);
    assert_int_equal(rd_u16(&r), 0xf1f2);
    assert_int_equal(rd_u24(&r), 0xf3f4f5);
    assert_int_equal(rd_u32(&r), 0xf6f7f8f9);
    assert_true(rd_u64(&r) == 0xfafbfcfdfeff0001u);
    assert_int_equal(rd_left(&r), 0);
    assert_false(r.bad);
}

static void overrun_sticks(void **state)
{
    (void)state;
    const uint8_t data[3] = {1, 2, 3};
    struct rd r = rd_make(data, sizeof data);
    assert_int_equal(rd_u32(&r), 0);
    assert_true(r.bad);
    // There are three bytes left, but no reading goes on behind a failure.
    assert_int_equal(rd_u8(&r), 0);
    assert_null(rd_bytes(&r, 1));
    assert_ptr_equal(r.at, data);

    r = rd_make(data, sizeof data);
    assert_int_equal(rd_u64(&r), 0);
    assert_true(r.bad);
    r = rd_make(data, sizeof data);
    rd_skip(&r, SIZE_MAX);
    assert_true(r.bad);
    r = rd_make(data, sizeof data);
    rd_skip(&r, 3);
    assert_false(r.bad);
}

static void writes_what_is_read(void **state)
{
    (void)state;
    uint8_t data[18];
    struct wr w = wr_make(data, sizeof data);
    wr_u8(&w, 0x80);
    wr_u16(&w, 0x8182);
    wr_u24(&w, 0x838485);
    wr_u32(&w, 0x86878889);
    wr_u64(&w, 0x8a8b8c8d8e8f9091u);
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), sizeof data);
    for (unsigned i = 0; i < sizeof data; i++)
        assert_int_equal(data[i], 0x80 + i);
}

static void full_writer_writes_nothing(void **state)
{
    (void)state;
    uint8_t data[4] = {9, 9, 9, 9};
    struct wr w = wr_make(data, 3);
    wr_u32(&w, 0x01020304);
    assert_true(w.bad);
    wr_u8(&w, 1);
    wr_u16(&w, 1);
    wr_u24(&w, 1);
    wr_bytes(&w, "abc", 3);
    wr_printf(&w, "x");
    assert_int_equal(wr_len(&w), 0);
    for (unsigned i = 0; i < sizeof data; i++)
        assert_int_equal(data[i], 9);
}

static void empty_buffers_may_be_null(void **state)
{
    (void)state;
    struct rd r = rd_make(NULL, 0);
    assert_int_equal(rd_left(&r), 0);
    (void)rd_bytes(&r, 0);
    assert_false(r.bad);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.bad);
    struct wr w = wr_make(NULL, 0);
    wr_bytes(&w, NULL, 0);
    assert_false(w.bad);
    wr_printf(&w, "%s", "");
    assert_true(w.bad);
}

static void formats_with_room_for_the_nul(void **state)
{
    (void)state;
    char text[8];
    struct wr w = wr_make(text, sizeof text);
    wr_printf(&w, "%s=%d", "abc", 12);
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), 6);
    assert_memory_equal(text, "abc=12", 6);
    wr_printf(&w, "%d", 3);
    assert_false(w.bad);
    wr_printf(&w, "%d", 4); // fits, but its NUL does not
    assert_true(w.bad);
    assert_int_equal(wr_len(&w), 7);
}

static void writes_decimals(void **state)
{
    (void)state;
    char text[32];
    struct wr w = wr_make(text, sizeof text);
    wr_decimal(&w, 0);
    wr_u8(&w, ' ');
    wr_decimal(&w, 1090);
    wr_u8(&w, ' ');
    wr_decimal(&w, UINT64_MAX);
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), 27);
    assert_memory_equal(text, "0 1090 18446744073709551615", 27);
    wr_decimal(&w, 123456);
    assert_true(w.bad);
}

static void puts_and_gets_in_place(void **state)
{
    (void)state;
    uint8_t data[4];
    put_u16(data, 0xfffe);
    assert_int_equal(get_u16(data), 0xfffe);
    put_u32(data, 0xfffefdfc);
    assert_int_equal(data[0], 0xff);
    assert_int_equal(data[3], 0xfc);
    assert_int_equal(get_u32(data), 0xfffefdfc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_network_order),
        cmocka_unit_test(overrun_sticks),
        cmocka_unit_test(writes_what_is_read),
        cmocka_unit_test(full_writer_writes_nothing),
        cmocka_unit_test(empty_buffers_may_be_null),
        cmocka_unit_test(formats_with_room_for_the_nul),
        cmocka_unit_test(writes_decimals),
        cmocka_unit_test(puts_and_gets_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
