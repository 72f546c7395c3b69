// SPDX-License-Identifier: Apache-2.0
/* RTP: both extension forms, padding, CSRCs, round trips, and numbers that do not wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/entropy.h"
#include "base/er.h"
#include "media/wire/rtp.h"

#define FIXED "\x80\xe0\x12\x34\x00\x01\x02\x03\xde\xad\xbe\xef"
#define FIXED_X "\x90\x60\x12\x34\x00\x01\x02\x03\xde\xad\xbe\xef"

/** Parse from a block of exactly this size, so that sanitizers see one byte too far. */
static int parse(const char *bytes, size_t len, struct rtp_packet *ret)
{
    uint8_t *copy = test_malloc(len + 1);
    memcpy(copy + 1, bytes, len);
    int er = rtp_parse(copy + 1, len, ret);
    test_free(copy);
    return er;
}

static void check_element(const struct rtp_packet *p, uint8_t id, const char *value, size_t len)
{
    const struct rtp_extension *x = rtp_find_extension(p, id);
    assert_non_null(x);
    assert_int_equal(x->len, len);
    assert_memory_equal(x->at, value, len);
}

static void test_fixed_header(void **state)
{
    (void)state;
    static const uint8_t bytes[] = FIXED "media";
    struct rtp_packet p;
    assert_int_equal(rtp_parse(bytes, sizeof bytes - 1, &p), 0);
    assert_true(p.marker);
    assert_int_equal(p.payload_type, 96);
    assert_int_equal(p.seq, 0x1234);
    assert_int_equal(p.timestamp, 0x00010203);
    assert_int_equal(p.ssrc, 0xdeadbeef);
    assert_int_equal(p.csrc_count, 0);
    assert_int_equal(p.extension_count, 0);
    assert_int_equal(p.payload_len, 5);
    assert_memory_equal(p.payload, "media", 5);
    assert_int_equal(parse(FIXED, 12, &p), 0);
    assert_int_equal(p.payload_len, 0);
    for (size_t len = 0; len < 12; len++)
        assert_int_equal(parse(FIXED, len, &p), ER_TRUNCATED);
}

static void test_one_byte_extensions(void **state)
{
    (void)state;
    static const uint8_t bytes[] = FIXED_X "\xbe\xde\x00\x03"
                                           "\x10\xaa\x00\x31\xbb\xcc\x00\x42\x01\x02\x03\x00"
                                           "pp";
    struct rtp_packet p;
    assert_int_equal(rtp_parse(bytes, sizeof bytes - 1, &p), 0);
    assert_int_equal(p.extension_count, 3);
    check_element(&p, 1, "\xaa", 1);
    check_element(&p, 3, "\xbb\xcc", 2);
    check_element(&p, 4, "\1\2\3", 3);
    assert_null(rtp_find_extension(&p, 2));
    assert_null(rtp_find_extension(&p, 0));
    assert_memory_equal(p.payload, "pp", 2);
}

static void test_one_byte_stops(void **state)
{
    (void)state;
    struct rtp_packet p;
    /* id 15, and id 0 with a length, end the list without an error, whatever comes then */
    assert_int_equal(parse(FIXED_X "\xbe\xde\x00\x01\x10\xaa\xff\x2f", 20, &p), 0);
    assert_int_equal(p.extension_count, 1);
    assert_int_equal(parse(FIXED_X "\xbe\xde\x00\x01\x10\xaa\x03\x2f", 20, &p), 0);
    assert_int_equal(p.extension_count, 1);
    /* an element that reaches beyond the block is an error */
    assert_int_equal(parse(FIXED_X "\xbe\xde\x00\x01\x10\xaa\x00\x20", 20, &p), ER_MALFORMED);
}

static void test_two_byte_extensions(void **state)
{
    (void)state;
    static const uint8_t bytes[] = FIXED_X "\x10\x05\x00\x03"
                                           "\x01\x00\x00\xff\x02\xaa\xbb\x0f\x03\x01\x02\x03"
                                           "pp";
    struct rtp_packet p;
    assert_int_equal(rtp_parse(bytes, sizeof bytes - 1, &p), 0);
    assert_int_equal(p.extension_count, 3);
    check_element(&p, 1, "", 0);
    check_element(&p, 255, "\xaa\xbb", 2);
    check_element(&p, 15, "\1\2\3", 3);
    assert_int_equal(parse(FIXED_X "\x10\x00\x00\x01\x01\x01\xaa\x02", 20, &p), ER_MALFORMED);
    assert_int_equal(parse(FIXED_X "\x10\x00\x00\x01\x01\x03\xaa\x02", 20, &p), ER_MALFORMED);
}

static void test_foreign_extension(void **state)
{
    (void)state;
    struct rtp_packet p;
    assert_int_equal(parse(FIXED_X "\xab\xcd\x00\x01\x10\xaa\x00\x20z", 21, &p), 0);
    assert_int_equal(p.extension_count, 0);
    assert_int_equal(p.payload_len, 1);
    /* length beyond the packet, and a head cut short */
    assert_int_equal(parse(FIXED_X "\xbe\xde\x00\x02\x10\xaa\x00\x00", 20, &p), ER_TRUNCATED);
    assert_int_equal(parse(FIXED_X "\xbe\xde\x00", 15, &p), ER_TRUNCATED);
}

static void test_more_extensions_than_kept(void **state)
{
    (void)state;
    uint8_t bytes[12 + 4 + 60] = FIXED_X "\x10\x00\x00\x0f";
    struct rtp_packet p;
    for (size_t i = 0; i < 20; i++) {
        bytes[16 + 3 * i] = (uint8_t)(i + 1);
        bytes[16 + 3 * i + 1] = 1;
    }
    assert_int_equal(rtp_parse(bytes, sizeof bytes, &p), 0);
    assert_int_equal(p.extension_count, LIMIT_RTP_EXTENSIONS);
}

static void test_padding_and_csrc(void **state)
{
    (void)state;
    struct rtp_packet p;
    static const uint8_t padded[] = "\xa2\x60\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03"
                                    "\x00\x00\x00\x04\x00\x00\x00\x05xyz\x00\x00\x03";
    assert_int_equal(rtp_parse(padded, sizeof padded - 1, &p), 0);
    assert_int_equal(p.csrc_count, 2);
    assert_int_equal(p.padding_len, 3);
    assert_int_equal(p.payload_len, 3);
    assert_memory_equal(p.payload, "xyz", 3);
    /* nothing but padding: what senders probe with */
    assert_int_equal(parse("\xa0\x60\0\1\0\0\0\2\0\0\0\3\0\0\3", 15, &p), 0);
    assert_int_equal(p.payload_len, 0);
    assert_int_equal(parse("\xa0\x60\0\1\0\0\0\2\0\0\0\3\0\0\4", 15, &p), ER_MALFORMED);
    assert_int_equal(parse("\xa0\x60\0\1\0\0\0\2\0\0\0\3\0\0\0", 15, &p), ER_MALFORMED);
    assert_int_equal(parse("\xa0\x60\0\1\0\0\0\2\0\0\0\3", 12, &p), ER_MALFORMED);
    assert_int_equal(parse("\x81\x60\0\1\0\0\0\2\0\0\0\3\0\0\0", 15, &p), ER_TRUNCATED);
    assert_int_equal(parse("\x40\x60\0\1\0\0\0\2\0\0\0\3", 12, &p), ER_MALFORMED);
}

static void test_demultiplexing(void **state)
{
    (void)state;
    assert_true(rtp_or_rtcp((const uint8_t *)"\x80\x60", 2));
    assert_false(rtcp_looks_like((const uint8_t *)"\x80\x60", 2));
    assert_false(rtcp_looks_like((const uint8_t *)"\x80\xe0", 2)); /* marker, type 96 */
    assert_true(rtcp_looks_like((const uint8_t *)"\x80\xc8", 2));
    assert_true(rtcp_looks_like((const uint8_t *)"\x8f\xcd", 2));
    assert_false(rtp_or_rtcp((const uint8_t *)"\x80", 1));
    assert_false(rtp_or_rtcp((const uint8_t *)"\x16\xfe", 2));
}

static void round_trip(const struct rtp_extension *list, size_t count, unsigned profile)
{
    uint8_t buf[1024];
    struct rtp_packet p;
    struct rtp_header h = {.marker = true,
                           .payload_type = 111,
                           .seq = 65535,
                           .timestamp = 0xfffffff0,
                           .ssrc = 7,
                           .extensions = list,
                           .extension_count = count};
    int len = rtp_write_header(buf, sizeof buf, &h);
    assert_true(len >= RTP_HEADER_BYTES && len % 4 == 0);
    for (int size = 0; size < len; size++)
        assert_int_equal(rtp_write_header(buf, (size_t)size, &h), ER_TRUNCATED);
    assert_int_equal(rtp_parse(buf, (size_t)len, &p), 0);
    assert_int_equal(p.payload_len, 0);
    assert_true(p.marker && p.payload_type == 111 && p.seq == 65535 && p.ssrc == 7);
    assert_int_equal(p.timestamp, 0xfffffff0);
    assert_int_equal(len > RTP_HEADER_BYTES ? buf[12] << 8 | buf[13] : 0, profile);
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].id == 0)
            continue;
        check_element(&p, list[i].id, (const char *)list[i].at, list[i].len);
        written++;
    }
    assert_int_equal(p.extension_count, written);
}

static void test_write_header(void **state)
{
    (void)state;
    const uint8_t *v = (const uint8_t *)"0123456789abcdefghij";
    const struct rtp_extension one[] = {{1, 1, v}, {0, 3, v}, {14, 16, v}, {3, 2, v}};
    const struct rtp_extension wide_id[] = {{1, 1, v}, {15, 3, v}};
    const struct rtp_extension wide_len[] = {{1, 17, v}, {2, 1, v}};
    const struct rtp_extension empty[] = {{1, 0, v}};
    const struct rtp_extension none[] = {{0, 4, v}};
    round_trip(NULL, 0, 0);
    round_trip(none, 1, 0);
    round_trip(one, 4, 0xbede);
    round_trip(wide_id, 2, 0x1000);
    round_trip(wide_len, 2, 0x1000);
    round_trip(empty, 1, 0x1000);
}

static void test_seq_extend(void **state)
{
    (void)state;
    struct seq_extender x = {0};
    assert_true(seq_extend(&x, 3) == 65536 + 3);
    assert_true(seq_extend(&x, 65534) == 65534); /* from before the first one */
    assert_true(seq_extend(&x, 4) == 65536 + 4);
    assert_true(seq_extend(&x, 30000) == 65536 + 30000);
    assert_true(seq_extend(&x, 60000) == 65536 + 60000);
    assert_true(seq_extend(&x, 10) == 2 * 65536 + 10);
    assert_true(seq_extend(&x, 65535) == 65536 + 65535); /* late, across the wrap */
    assert_true(x.highest == 2 * 65536 + 10);
    assert_int_equal(seq_diff(1, 65535), 2);
    assert_int_equal(seq_diff(65535, 1), -2);
}

/** A walk with reordering of up to 1000 must be told exactly from its low 16 bits. */
static void test_seq_extend_walk(void **state)
{
    (void)state;
    struct entropy_seeded seed;
    struct entropy e = entropy_seeded_init(&seed, 7);
    struct seq_extender x = {0};
    int64_t truth = 65536 + 123;
    assert_true(seq_extend(&x, (uint16_t)truth) == truth);
    for (size_t i = 0; i < 300000; i++) {
        truth += (int64_t)(entropy_u64(&e) % 20);
        int64_t sent = truth - (int64_t)(entropy_u64(&e) % 1000);
        assert_true(seq_extend(&x, (uint16_t)sent) == sent);
    }
}

static void test_ts_extend(void **state)
{
    (void)state;
    const int64_t era = INT64_C(0x100000000);
    struct ts_extender x = {0};
    assert_true(ts_extend(&x, 5) == era + 5);
    assert_true(ts_extend(&x, 0xfffffff0) == era - 16);
    assert_true(ts_extend(&x, 0x70000000) == era + 0x70000000);
    assert_true(ts_extend(&x, 0xe0000000) == era + 0xe0000000);
    assert_true(ts_extend(&x, 1) == 2 * era + 1);
    assert_true(ts_extend(&x, 0xffffffff) == 2 * era - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_header),      cmocka_unit_test(test_one_byte_extensions),
        cmocka_unit_test(test_one_byte_stops),    cmocka_unit_test(test_two_byte_extensions),
        cmocka_unit_test(test_foreign_extension), cmocka_unit_test(test_more_extensions_than_kept),
        cmocka_unit_test(test_padding_and_csrc),  cmocka_unit_test(test_demultiplexing),
        cmocka_unit_test(test_write_header),      cmocka_unit_test(test_seq_extend),
        cmocka_unit_test(test_seq_extend_walk),   cmocka_unit_test(test_ts_extend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
