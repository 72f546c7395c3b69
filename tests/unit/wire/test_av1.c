// SPDX-License-Identifier: Apache-2.0
/* OBU elements out of packets, OBU headers, and sequence headers as libaom and SVT-AV1 write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/av1.h"

#define SEQUENCE_642x362 "\x20\x00\x00\x0c\xc5\x03\x69\x36\xbe\x48\x08\x68\x01"
#define SEQUENCE_320x240 "\x00\x00\x00\x04\x3c\xff\xbc\xfb\xf9\x00\x40"

static int parse(const char *bytes, size_t len, struct av1_payload *ret)
{
    uint8_t copy[64];
    memcpy(copy, bytes, len);
    return av1_parse(copy, len, ret);
}

static void test_key_frame(void **state)
{
    (void)state;
    struct av1_payload p;
    /* two elements: the sequence header with its length, a frame that goes on in the next packet */
    assert_int_equal(parse("\x68\x0e\x08" SEQUENCE_642x362 "\x30\x10\x00", 18, &p), 0);
    assert_true(p.key && p.may_start && !p.has_layers);
    assert_true(p.width == 642 && p.height == 362);
    /* the same, all elements with lengths, and with OBUs that tell their sizes themselves */
    assert_int_equal(parse("\x08\x0f\x0a\x0d" SEQUENCE_642x362 "\x03\x32\x01\x10", 21, &p), 0);
    assert_true(p.key && p.may_start && p.width == 642 && p.height == 362);
    /* a continuation cannot begin a sequence */
    assert_int_equal(parse("\x98\x30\x10", 3, &p), ER_MALFORMED);
}

static void test_other_frames(void **state)
{
    (void)state;
    struct av1_payload p;
    assert_int_equal(parse("\x10\x30\x10", 3, &p), 0);
    assert_true(!p.key && p.may_start && p.width == 0);
    assert_int_equal(parse("\x90\xff\x10", 3, &p), 0); /* the end of one */
    assert_false(p.may_start || p.key);
    assert_int_equal(parse("\x10\x20\x10", 3, &p), 0); /* a tile group begins no picture */
    assert_false(p.may_start);
    assert_int_equal(parse("\x10\x34\x48\x10", 4, &p), 0); /* temporal 2, spatial 1 */
    assert_true(p.has_layers && p.temporal_id == 2 && p.spatial_id == 1);
}

static void test_elements(void **state)
{
    (void)state;
    struct av1_elements e;
    struct av1_element x;
    /* three counted elements, cut at both ends */
    static const char packet[] = "\xf0\x01\xaa\x02\xbb\xbb\xcc\xcc\xcc";
    assert_int_equal(av1_elements_begin(&e, (const uint8_t *)packet, 9), 0);
    assert_int_equal(av1_elements_next(&e, &x), 1);
    assert_true(!x.starts && x.ends && x.len == 1 && x.at[0] == 0xaa);
    assert_int_equal(av1_elements_next(&e, &x), 1);
    assert_true(x.starts && x.ends && x.len == 2);
    assert_int_equal(av1_elements_next(&e, &x), 1);
    assert_true(x.starts && !x.ends && x.len == 3);
    assert_int_equal(av1_elements_next(&e, &x), 0);
    /* one element that both goes on and will go on */
    assert_int_equal(av1_elements_begin(&e, (const uint8_t *)"\xd0\x01", 2), 0);
    assert_int_equal(av1_elements_next(&e, &x), 1);
    assert_true(!x.starts && !x.ends);
    /* lengths beyond the end */
    assert_int_equal(av1_elements_begin(&e, (const uint8_t *)"\x00\x03\x01", 3), 0);
    assert_int_equal(av1_elements_next(&e, &x), ER_TRUNCATED);
    assert_int_equal(av1_elements_begin(&e, (const uint8_t *)"\x10", 1), ER_TRUNCATED);
    assert_int_equal(av1_elements_begin(&e, (const uint8_t *)"", 0), ER_TRUNCATED);
}

static void test_obu(void **state)
{
    (void)state;
    struct av1_obu obu;
    assert_true(av1_parse_obu((const uint8_t *)"\x32\x02\x01\x02\x03", 5, &obu));
    assert_true(obu.type == AV1_FRAME && obu.header_len == 1 && obu.len == 2 && obu.at[0] == 1);
    assert_true(av1_parse_obu((const uint8_t *)"\x30\x02\x01", 3, &obu));
    assert_int_equal(obu.len, 2);
    assert_false(av1_parse_obu((const uint8_t *)"\xb2\x00", 2, &obu)); /* the forbidden bit */
    assert_false(av1_parse_obu((const uint8_t *)"\x34", 1, &obu));
    assert_false(av1_parse_obu((const uint8_t *)"\x32\xff", 2, &obu));
    assert_false(av1_parse_obu((const uint8_t *)"", 0, &obu));
}

static void test_leb128(void **state)
{
    (void)state;
    struct rd r = rd_make("\xe5\x8e\x26", 3);
    assert_int_equal(av1_read_leb128(&r), 624485);
    r = rd_make("\x80\x80\x80\x80\x80\x80\x80\x00", 8); /* idle bytes are allowed */
    assert_int_equal(av1_read_leb128(&r), 0);
    assert_false(r.bad);
    r = rd_make("\xff\xff\xff\xff\xff\xff\xff\xff\x01", 9);
    av1_read_leb128(&r);
    assert_true(r.bad);
    r = rd_make("\xff\xff\xff\xff\x1f", 5); /* beyond 32 bits */
    av1_read_leb128(&r);
    assert_true(r.bad);
}

static void test_sequence(void **state)
{
    (void)state;
    uint16_t w, h;
    assert_true(av1_sequence_size((const uint8_t *)SEQUENCE_642x362, 13, &w, &h));
    assert_true(w == 642 && h == 362);
    assert_true(av1_sequence_size((const uint8_t *)SEQUENCE_320x240, 11, &w, &h));
    assert_true(w == 320 && h == 240);
    for (size_t len = 0; len < 6; len++)
        assert_false(av1_sequence_size((const uint8_t *)SEQUENCE_642x362, len, &w, &h));
    /* a reduced header: level, then sizes of 8 bits */
    assert_true(av1_sequence_size((const uint8_t *)"\x18\x1d\xff\xfb\xc0", 5, &w, &h));
    assert_true(w == 256 && h == 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_frame), cmocka_unit_test(test_other_frames),
        cmocka_unit_test(test_elements),  cmocka_unit_test(test_obu),
        cmocka_unit_test(test_leb128),    cmocka_unit_test(test_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
