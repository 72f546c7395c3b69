// SPDX-License-Identifier: Apache-2.0
/* Packets on a stream, whatever pieces it comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/framing.h"

static void put(struct framing *f, const void *bytes, size_t len)
{
    uint8_t *at;
    assert_true(framing_room(f, &at) >= len);
    memcpy(at, bytes, len);
    framing_add(f, len);
}

static void gives_whole_packets(void **state)
{
    (void)state;
    struct framing f = {0};
    uint8_t *packet;
    size_t len;
    assert_int_equal(framing_next(&f, &packet, &len), 0);
    put(&f, "\0\3abc\0\2de\0", 10);
    assert_int_equal(framing_next(&f, &packet, &len), 1);
    assert_int_equal(len, 3);
    assert_memory_equal(packet, "abc", 3);
    assert_int_equal(framing_next(&f, &packet, &len), 1);
    assert_int_equal(len, 2);
    assert_memory_equal(packet, "de", 2);
    assert_int_equal(framing_next(&f, &packet, &len), 0);
    put(&f, "\1f", 2);
    assert_int_equal(framing_next(&f, &packet, &len), 1);
    assert_int_equal(len, 1);
    assert_memory_equal(packet, "f", 1);
}

static void takes_it_byte_by_byte(void **state)
{
    (void)state;
    struct framing f = {0};
    uint8_t *packet, stream[3 * 1002], seen = 0;
    size_t len;
    for (size_t i = 0; i < 3; i++) {
        framing_write_header(stream + i * 1002, 1000);
        memset(stream + i * 1002 + 2, (int)(i + 1), 1000);
    }
    for (size_t i = 0; i < sizeof stream; i++) {
        put(&f, stream + i, 1);
        int got = framing_next(&f, &packet, &len);
        assert_int_equal(got, i % 1002 == 1001);
        if (got) {
            assert_int_equal(len, 1000);
            assert_int_equal(packet[0], ++seen);
            assert_int_equal(packet[999], seen);
        }
    }
    assert_int_equal(seen, 3);
}

static void has_room_for_the_longest_packet(void **state)
{
    (void)state;
    struct framing f = {0};
    static const uint8_t zeros[LIMIT_DATAGRAM];
    uint8_t *packet, header[FRAMING_HEADER];
    size_t len;
    for (int i = 0; i < 10; i++) {
        framing_write_header(header, sizeof zeros);
        put(&f, header, 2);
        assert_int_equal(framing_next(&f, &packet, &len), 0);
        put(&f, zeros, sizeof zeros - 1);
        assert_int_equal(framing_next(&f, &packet, &len), 0);
        put(&f, zeros, 1);
        assert_int_equal(framing_next(&f, &packet, &len), 1);
        assert_int_equal(len, LIMIT_DATAGRAM);
    }
}

static void gives_up_on_too_long_ones(void **state)
{
    (void)state;
    struct framing f = {0};
    uint8_t *packet, header[FRAMING_HEADER];
    size_t len;
    framing_write_header(header, LIMIT_DATAGRAM + 1);
    put(&f, header, 2);
    assert_int_equal(framing_next(&f, &packet, &len), ER_FULL);
    memset(&f, 0, sizeof f);
    put(&f, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(framing_next(&f, &packet, &len), ER_FULL);
}

static void passes_over_empty_packets(void **state)
{
    (void)state;
    struct framing f = {0};
    static const uint8_t nothing[1000];
    uint8_t *packet;
    size_t len;
    for (int i = 0; i < 100; i++) {
        put(&f, nothing, sizeof nothing);
        assert_int_equal(framing_next(&f, &packet, &len), 0);
    }
    put(&f, "\0\1x", 3);
    assert_int_equal(framing_next(&f, &packet, &len), 1);
    assert_memory_equal(packet, "x", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_whole_packets),
        cmocka_unit_test(takes_it_byte_by_byte),
        cmocka_unit_test(has_room_for_the_longest_packet),
        cmocka_unit_test(gives_up_on_too_long_ones),
        cmocka_unit_test(passes_over_empty_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
