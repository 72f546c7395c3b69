// SPDX-License-Identifier: Apache-2.0
/* STUN: the vectors of RFC 5769, round trips, and damage of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/wire/stun.h"

static const char rfc_password[] = "VOkJxbRl1RmTxUk/WvJxBt";

/* RFC 5769, 2.1 */
static const uint8_t rfc_request[] =
    "\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff"
    "\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
    "\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
    "\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71"
    "\xa2"
    "\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/* RFC 5769, 2.2 */
static const uint8_t rfc_response_v4[] =
    "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
    "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7"
    "\xd7"
    "\x80\x28\x00\x04\xc0\x7d\x4c\x96";

/* RFC 5769, 2.3 */
static const uint8_t rfc_response_v6[] =
    "\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9"
    "\xd9"
    "\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed"
    "\x41"
    "\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

static const uint8_t transaction[STUN_TRANSACTION_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

#define LEN(vector) (sizeof(vector) - 1)

static void test_rfc_request(void **state)
{
    (void)state;
    struct stun_message m;
    assert_true(stun_looks_like(rfc_request, LEN(rfc_request)));
    assert_int_equal(stun_parse(rfc_request, LEN(rfc_request), &m), 0);
    assert_int_equal(m.type, STUN_BINDING_REQUEST);
    assert_memory_equal(m.transaction, rfc_request + 8, sizeof m.transaction);
    assert_true(span_equal(m.username, "evtj:h6vY"));
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.ice_controlled);
    assert_false(m.ice_controlling);
    assert_true(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
    assert_false(m.use_candidate);
    assert_int_equal(m.unknown_required, 0);
    assert_true(m.has_fingerprint);
    assert_int_equal(stun_check_integrity(rfc_request, LEN(rfc_request), &m, rfc_password), 0);
    assert_int_equal(stun_check_integrity(rfc_request, LEN(rfc_request), &m, "wrong"),
                     ER_UNAUTHENTIC);
    assert_int_equal(stun_check_integrity(rfc_request, LEN(rfc_request), &m, ""), ER_UNAUTHENTIC);
}

static void check_response(const uint8_t *data, size_t len, const char *expected)
{
    struct stun_message m;
    struct addr a;
    assert_int_equal(stun_parse(data, len, &m), 0);
    assert_int_equal(m.type, STUN_BINDING_SUCCESS);
    assert_true(m.has_mapped);
    assert_int_equal(addr_parse(expected, &a), 0);
    assert_true(addr_equal(&m.mapped, &a));
    assert_int_equal(stun_check_integrity(data, len, &m, rfc_password), 0);
}

static void test_rfc_responses(void **state)
{
    (void)state;
    check_response(rfc_response_v4, LEN(rfc_response_v4), "192.0.2.1:32853");
    check_response(rfc_response_v6, LEN(rfc_response_v6),
                   "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void test_request_round_trip(void **state)
{
    (void)state;
    struct stun_request req = {.username = "server:client",
                               .priority = 12345,
                               .tie_breaker = UINT64_C(0x0123456789abcdef),
                               .controlling = true,
                               .use_candidate = true};
    memcpy(req.transaction, transaction, sizeof transaction);
    uint8_t buf[200];
    struct stun_message m;
    int len = stun_write_request(buf, sizeof buf, &req, "secret");
    assert_true(len > 0 && len % 4 == 0);
    assert_true(stun_looks_like(buf, (size_t)len));
    assert_int_equal(stun_parse(buf, (size_t)len, &m), 0);
    assert_int_equal(m.type, STUN_BINDING_REQUEST);
    assert_true(span_equal(m.username, "server:client"));
    assert_true(m.ice_controlling && !m.ice_controlled && m.use_candidate && m.has_fingerprint);
    assert_true(m.tie_breaker == req.tie_breaker);
    assert_int_equal(m.priority, 12345);
    assert_int_equal(stun_check_integrity(buf, (size_t)len, &m, "secret"), 0);
    for (int size = 0; size < len; size++)
        assert_int_equal(stun_write_request(buf, (size_t)size, &req, "secret"), ER_TRUNCATED);

    req.controlling = req.use_candidate = false;
    len = stun_write_request(buf, sizeof buf, &req, "secret");
    assert_int_equal(stun_parse(buf, (size_t)len, &m), 0);
    assert_true(m.ice_controlled && !m.ice_controlling && !m.use_candidate);
}

static void test_success_round_trip(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1:9", "[2001:db8::7]:65535"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t buf[200];
        struct stun_message m;
        struct addr a;
        assert_int_equal(addr_parse(addresses[i], &a), 0);
        int len = stun_write_success(buf, sizeof buf, transaction, &a, "pw");
        assert_true(len > 0);
        assert_int_equal(stun_parse(buf, (size_t)len, &m), 0);
        assert_memory_equal(m.transaction, transaction, sizeof transaction);
        assert_true(m.has_mapped && addr_equal(&m.mapped, &a));
        assert_int_equal(stun_check_integrity(buf, (size_t)len, &m, "pw"), 0);
        assert_int_equal(stun_write_success(buf, (size_t)len - 1, transaction, &a, "pw"),
                         ER_TRUNCATED);
    }
}

static void test_error_round_trip(void **state)
{
    (void)state;
    uint8_t buf[200];
    struct stun_message m;
    int len = stun_write_error(buf, sizeof buf, transaction, 487, "Role Conflict", 0, "pw");
    assert_true(len > 0);
    assert_int_equal(stun_parse(buf, (size_t)len, &m), 0);
    assert_int_equal(m.type, STUN_BINDING_ERROR);
    assert_int_equal(m.error_code, 487);
    assert_int_equal(stun_check_integrity(buf, (size_t)len, &m, "pw"), 0);

    len = stun_write_error(buf, sizeof buf, transaction, 420, "Unknown Attribute", 0x7001, NULL);
    assert_true(len > 0);
    assert_int_equal(stun_parse(buf, (size_t)len, &m), 0);
    assert_int_equal(m.error_code, 420);
    assert_int_equal(m.integrity_at, 0);
    assert_int_equal(stun_check_integrity(buf, (size_t)len, &m, "pw"), ER_UNAUTHENTIC);
    assert_int_equal(stun_write_error(buf, sizeof buf, transaction, 99, "", 0, NULL), ER_INVALID);
}

/** Every single flipped bit must be noticed: the fingerprint covers all but itself. */
static void test_flipped_bits(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < LEN(rfc_request) * 8; bit++) {
        uint8_t copy[LEN(rfc_request)];
        struct stun_message m;
        memcpy(copy, rfc_request, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int er = stun_parse(copy, sizeof copy, &m);
        /* Only a fingerprint whose type is hit is another, optional attribute. */
        if (er == 0 && m.has_fingerprint)
            fail_msg("bit %zu went unnoticed", bit);
    }
}

static void test_cut_short(void **state)
{
    (void)state;
    struct stun_message m;
    for (size_t len = 0; len < LEN(rfc_request); len++) {
        assert_int_equal(stun_parse(rfc_request, len, &m), ER_TRUNCATED);
        assert_false(stun_looks_like(rfc_request, len));
    }
    uint8_t longer[LEN(rfc_request) + 4] = {0};
    memcpy(longer, rfc_request, LEN(rfc_request));
    assert_int_equal(stun_parse(longer, sizeof longer, &m), ER_MALFORMED);
}

/** A request with one attribute of the test's making, and nothing behind it. */
static int parse_with(uint16_t type, const char *value, size_t len, struct stun_message *ret)
{
    static uint8_t buf[1200];
    struct wr w = wr_make(buf, sizeof buf);
    wr_u16(&w, STUN_BINDING_REQUEST);
    wr_u16(&w, (uint16_t)(4 + ((len + 3) & ~(size_t)3)));
    wr_u32(&w, 0x2112a442);
    wr_bytes(&w, transaction, sizeof transaction);
    wr_u16(&w, type);
    wr_u16(&w, (uint16_t)len);
    wr_bytes(&w, value, len);
    wr_bytes(&w, "\0\0\0", -len & 3);
    return stun_parse(buf, wr_len(&w), ret);
}

static void test_attribute_lengths(void **state)
{
    (void)state;
    static const char zeros[600];
    static const struct {
        uint16_t type;
        size_t len;
        int expected;
    } cases[] = {
        {0x0006, 0, 0},
        {0x0006, 512, 0},
        {0x0006, 513, ER_MALFORMED},
        {0x0024, 4, 0},
        {0x0024, 3, ER_MALFORMED},
        {0x0024, 8, ER_MALFORMED},
        {0x0025, 0, 0},
        {0x0025, 4, ER_MALFORMED},
        {0x8029, 8, 0},
        {0x8029, 7, ER_MALFORMED},
        {0x802a, 9, ER_MALFORMED},
        {0x0008, 19, ER_MALFORMED},
        {0x0008, 20, 0},
        {0x0008, 32, ER_MALFORMED},
        {0x8028, 3, ER_MALFORMED},
        {0x8028, 4, ER_MALFORMED},
        {0x0009, 4, ER_MALFORMED},
        {0x0020, 8, ER_MALFORMED},
        {0x0020, 7, ER_MALFORMED},
        {0x8050, 17, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stun_message m;
        int er = parse_with(cases[i].type, zeros, cases[i].len, &m);
        if (er != cases[i].expected)
            fail_msg("case %zu: %d", i, er);
    }
}

static void test_mapped_families(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(parse_with(0x0020, "\0\1\0\0\0\0\0\0", 8, &m), 0);
    assert_int_equal(parse_with(0x0020, "\0\2\0\0\0\0\0\0", 8, &m), ER_MALFORMED);
    assert_int_equal(parse_with(0x0020, "\0\3\0\0\0\0\0\0", 8, &m), ER_MALFORMED);
    assert_int_equal(parse_with(0x0020, "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, &m),
                     ER_MALFORMED);
}

static void test_unknown_required(void **state)
{
    (void)state;
    struct stun_message m;
    assert_int_equal(parse_with(0x7001, "abcd", 4, &m), 0);
    assert_int_equal(m.unknown_required, 0x7001);
    assert_int_equal(parse_with(0xc001, "abcd", 4, &m), 0);
    assert_int_equal(m.unknown_required, 0);
}

/** What an attacker appends behind MESSAGE-INTEGRITY, and repeats of an attribute, do not count. */
static void test_order_of_attributes(void **state)
{
    (void)state;
    uint8_t buf[200];
    struct stun_message m;
    struct wr w = wr_make(buf, sizeof buf);
    wr_u16(&w, STUN_BINDING_REQUEST);
    wr_u16(&w, 8 + 8 + 24 + 4);
    wr_u32(&w, 0x2112a442);
    wr_bytes(&w, transaction, sizeof transaction);
    wr_bytes(&w, "\x00\x24\x00\x04\x00\x00\x00\x07", 8);
    wr_bytes(&w, "\x00\x24\x00\x04\x00\x00\x00\x08", 8);
    wr_bytes(&w, "\x00\x08\x00\x14", 4);
    for (size_t i = 0; i < 5; i++)
        wr_u32(&w, 0);
    wr_bytes(&w, "\x00\x25\x00\x00", 4);
    assert_int_equal(stun_parse(buf, wr_len(&w), &m), 0);
    assert_int_equal(m.priority, 7);
    assert_false(m.use_candidate);
    assert_int_equal(m.integrity_at, 36);
}

static void test_looks_like(void **state)
{
    (void)state;
    uint8_t copy[LEN(rfc_request)];
    static const size_t spoiled[] = {0, 3, 4, 7};
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        memcpy(copy, rfc_request, sizeof copy);
        copy[spoiled[i]] ^= 0x81;
        assert_false(stun_looks_like(copy, sizeof copy));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_request),         cmocka_unit_test(test_rfc_responses),
        cmocka_unit_test(test_request_round_trip),  cmocka_unit_test(test_success_round_trip),
        cmocka_unit_test(test_error_round_trip),    cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_cut_short),           cmocka_unit_test(test_attribute_lengths),
        cmocka_unit_test(test_mapped_families),     cmocka_unit_test(test_unknown_required),
        cmocka_unit_test(test_order_of_attributes), cmocka_unit_test(test_looks_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
