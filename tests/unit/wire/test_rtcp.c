// SPDX-License-Identifier: Apache-2.0
/* RTCP: compounds, every writer read back by its parser, and damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/er.h"
#include "media/wire/rtcp.h"

static uint8_t buf[1500];

/** The only packet in what was written. */
static struct rtcp_packet only(const struct wr *w)
{
    struct rtcp_packet p;
    struct rd r = rd_make(w->start, wr_len(w));
    assert_false(w->bad);
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(rd_left(&r), 0);
    assert_ptr_equal(p.whole, w->start);
    assert_int_equal(p.whole_len, wr_len(w));
    return p;
}

static struct rtcp_packet packet_of(const char *bytes, size_t len)
{
    struct rtcp_packet p;
    memcpy(buf, bytes, len);
    struct rd r = rd_make(buf, len);
    assert_int_equal(rtcp_next(&r, &p), 0);
    return p;
}

static void test_compound(void **state)
{
    (void)state;
    struct wr w = wr_make(buf, sizeof buf);
    struct rtcp_packet p;
    rtcp_write_rr(&w, 1, NULL, 0);
    rtcp_write_sdes_cname(&w, 1, "someone");
    rtcp_write_pli(&w, 1, 2);
    struct rd r = rd_make(buf, wr_len(&w));
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(p.type, RTCP_RR);
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(p.type, RTCP_SDES);
    assert_memory_equal(p.body, "\0\0\0\1\1\7someone\0\0\0", 16);
    assert_int_equal(rtcp_next(&r, &p), 0);
    assert_int_equal(p.type, RTCP_PSFB);
    assert_int_equal(rtcp_next(&r, &p), ER_AGAIN);
    assert_int_equal(rtcp_next(&r, &p), ER_AGAIN);
}

static int next_of(const char *bytes, size_t len)
{
    struct rtcp_packet p;
    memcpy(buf, bytes, len);
    struct rd r = rd_make(buf, len);
    return rtcp_next(&r, &p);
}

static void test_compound_damage(void **state)
{
    (void)state;
    assert_int_equal(next_of("\x81\xce\x00", 3), ER_MALFORMED);
    assert_int_equal(next_of("\x41\xce\x00\x00", 4), ER_MALFORMED);
    assert_int_equal(next_of("\x81\xce\x00\x01", 4), ER_MALFORMED);
    /* padding: none to be had, none said, more than there is */
    assert_int_equal(next_of("\xa1\xce\x00\x00", 4), ER_MALFORMED);
    assert_int_equal(next_of("\xa1\xce\x00\x01\0\0\0\0", 8), ER_MALFORMED);
    assert_int_equal(next_of("\xa1\xce\x00\x01\0\0\0\5", 8), ER_MALFORMED);
    struct rtcp_packet p = packet_of("\xa0\xc9\x00\x02\0\0\0\7\0\0\0\4", 12);
    assert_int_equal(p.body_len, 4);
    assert_int_equal(p.whole_len, 12);
}

static const struct rtcp_report reports[] = {
    {.ssrc = 10,
     .fraction_lost = 255,
     .cumulative_lost = -5,
     .highest_seq = 0x00012345,
     .jitter = 33,
     .last_sr = 0x11223344,
     .delay_since_last_sr = 65536},
    {.ssrc = 11, .fraction_lost = 0, .cumulative_lost = 0x7fffff, .highest_seq = 1},
};

static void check_reports(const struct rtcp_report *got)
{
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(got[i].ssrc, reports[i].ssrc);
        assert_int_equal(got[i].fraction_lost, reports[i].fraction_lost);
        assert_int_equal(got[i].cumulative_lost, reports[i].cumulative_lost);
        assert_int_equal(got[i].highest_seq, reports[i].highest_seq);
        assert_int_equal(got[i].jitter, reports[i].jitter);
        assert_int_equal(got[i].last_sr, reports[i].last_sr);
        assert_int_equal(got[i].delay_since_last_sr, reports[i].delay_since_last_sr);
    }
}

static void test_sender_report(void **state)
{
    (void)state;
    const struct rtcp_sender_info info = {.ssrc = 9,
                                          .ntp = UINT64_C(0xe000000080000000),
                                          .rtp_timestamp = 5,
                                          .packets = 6,
                                          .bytes = 7};
    struct rtcp_sender_info got;
    struct rtcp_report got_reports[2];
    size_t count = 0;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_sr(&w, &info, reports, 2);
    struct rtcp_packet p = only(&w);
    assert_int_equal(wr_len(&w), 28 + 48);
    assert_int_equal(rtcp_parse_sr(&p, &got, got_reports, 2, &count), 0);
    assert_int_equal(count, 2);
    assert_true(got.ssrc == 9 && got.ntp == info.ntp && got.rtp_timestamp == 5);
    assert_true(got.packets == 6 && got.bytes == 7);
    check_reports(got_reports);
    assert_int_equal(rtcp_parse_sr(&p, &got, got_reports, 1, &count), 0);
    assert_int_equal(count, 1);
    p.body_len -= 4;
    assert_int_equal(rtcp_parse_sr(&p, &got, got_reports, 2, &count), ER_MALFORMED);
    p.count = 0;
    p.body_len = 20;
    assert_int_equal(rtcp_parse_sr(&p, &got, got_reports, 2, &count), ER_MALFORMED);
}

static void test_receiver_report(void **state)
{
    (void)state;
    struct rtcp_report got[2];
    struct rtcp_report extreme = {.cumulative_lost = INT32_MIN};
    uint32_t sender = 0;
    size_t count = 0;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 77, reports, 2);
    struct rtcp_packet p = only(&w);
    assert_int_equal(rtcp_parse_rr(&p, &sender, got, 2, &count), 0);
    assert_int_equal(sender, 77);
    assert_int_equal(count, 2);
    check_reports(got);
    p.type = RTCP_SR;
    assert_int_equal(rtcp_parse_rr(&p, &sender, got, 2, &count), ER_MALFORMED);
    p = packet_of("\x80\xc9\x00\x00", 4);
    assert_int_equal(rtcp_parse_rr(&p, &sender, got, 2, &count), ER_MALFORMED);

    w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 77, &extreme, 1);
    p = only(&w);
    assert_int_equal(rtcp_parse_rr(&p, &sender, got, 2, &count), 0);
    assert_int_equal(got[0].cumulative_lost, -0x800000);
}

static void test_report_limit(void **state)
{
    (void)state;
    static struct rtcp_report many[40];
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, many, 40);
    assert_int_equal(only(&w).count, RTCP_MAX_REPORTS);
}

static void check_nack(const uint16_t *seqs, size_t count, size_t pairs)
{
    uint16_t got[64];
    uint32_t media = 0;
    size_t got_count = 0;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_nack(&w, 1, 2, seqs, count);
    struct rtcp_packet p = only(&w);
    assert_int_equal(wr_len(&w), 12 + 4 * pairs);
    assert_int_equal(rtcp_parse_nack(&p, &media, got, 64, &got_count), 0);
    assert_int_equal(media, 2);
    assert_int_equal(got_count, count);
    assert_memory_equal(got, seqs, count * sizeof seqs[0]);
}

static void test_nack(void **state)
{
    (void)state;
    static const uint16_t single[] = {100};
    static const uint16_t wrapping[] = {65530, 65535, 0, 10}; /* 10 is 16 behind */
    static const uint16_t spread[] = {1, 18, 19, 35, 36};     /* 17 behind begins anew */
    static const uint16_t run[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    check_nack(single, 1, 1);
    check_nack(wrapping, 4, 1);
    check_nack(spread, 5, 3);
    check_nack(run, 18, 2);

    uint16_t got[3];
    uint32_t media;
    size_t count;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_nack(&w, 1, 2, run, 0);
    assert_int_equal(wr_len(&w), 0);
    rtcp_write_nack(&w, 1, 2, run, 18);
    struct rtcp_packet p = only(&w);
    assert_int_equal(rtcp_parse_nack(&p, &media, got, 3, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(got[2], 3);
    p.body_len = 8;
    assert_int_equal(rtcp_parse_nack(&p, &media, got, 3, &count), ER_MALFORMED);
    assert_int_equal(count, 0);
}

static void test_pli_and_fir(void **state)
{
    (void)state;
    uint32_t media = 0;
    uint32_t ssrcs[4];
    size_t count = 0;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_pli(&w, 1, 0xabcdef01);
    struct rtcp_packet p = only(&w);
    assert_int_equal(rtcp_parse_pli(&p, &media), 0);
    assert_int_equal(media, 0xabcdef01);
    assert_int_equal(rtcp_parse_fir(&p, ssrcs, 4, &count), ER_MALFORMED);
    p.body_len = 4;
    assert_int_equal(rtcp_parse_pli(&p, &media), ER_MALFORMED);

    w = wr_make(buf, sizeof buf);
    rtcp_write_fir(&w, 1, 42, 9);
    p = only(&w);
    assert_int_equal(rtcp_parse_fir(&p, ssrcs, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ssrcs[0], 42);
    assert_int_equal(p.body[12], 9);
    assert_int_equal(rtcp_parse_fir(&p, ssrcs, 0, &count), 0);
    assert_int_equal(count, 0);
    p.body_len = 12;
    assert_int_equal(rtcp_parse_fir(&p, ssrcs, 4, &count), ER_MALFORMED);
}

static void test_remb(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 1, 262143, 262144, 2500000, UINT64_MAX};
    static const uint32_t given[] = {5, 6};
    uint32_t ssrcs[2];
    uint64_t bps;
    size_t count;
    struct rtcp_packet p;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct wr w = wr_make(buf, sizeof buf);
        rtcp_write_remb(&w, 1, rates[i], given, 2);
        p = only(&w);
        assert_int_equal(rtcp_parse_remb(&p, &bps, ssrcs, 2, &count), 0);
        assert_true(bps <= rates[i] && rates[i] - bps <= rates[i] >> 17);
        assert_int_equal(count, 2);
        assert_memory_equal(ssrcs, given, sizeof given);
    }
    p.body_len -= 4;
    assert_int_equal(rtcp_parse_remb(&p, &bps, ssrcs, 2, &count), ER_MALFORMED);
    p = packet_of("\x8f\xce\x00\x03\0\0\0\1\0\0\0\0GOOG", 16);
    assert_int_equal(rtcp_parse_remb(&p, &bps, ssrcs, 2, &count), ER_UNSUPPORTED);
    /* a rate beyond 64 bits */
    p = packet_of("\x8f\xce\x00\x04\0\0\0\1\0\0\0\0REMB\0\xff\xff\xff", 20);
    assert_int_equal(rtcp_parse_remb(&p, &bps, ssrcs, 2, &count), ER_MALFORMED);
}

static void test_bye(void **state)
{
    (void)state;
    uint32_t ssrcs[2] = {0, 0};
    size_t count = 0;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_bye(&w, 99);
    struct rtcp_packet p = only(&w);
    assert_int_equal(rtcp_parse_bye(&p, ssrcs, 2, &count), 0);
    assert_true(count == 1 && ssrcs[0] == 99);
    p = packet_of("\x82\xcb\x00\x03\0\0\0\1\0\0\0\2\3bye", 16);
    assert_int_equal(rtcp_parse_bye(&p, ssrcs, 2, &count), 0);
    assert_true(count == 2 && ssrcs[1] == 2);
    p.count = 4;
    assert_int_equal(rtcp_parse_bye(&p, ssrcs, 2, &count), ER_MALFORMED);
}

static void test_cname_lengths(void **state)
{
    (void)state;
    char cname[301];
    for (size_t len = 0; len <= 300; len++) {
        memset(cname, 'x', len);
        cname[len] = '\0';
        struct wr w = wr_make(buf, sizeof buf);
        rtcp_write_sdes_cname(&w, 1, cname);
        struct rtcp_packet p = only(&w);
        size_t kept = len > 255 ? 255 : len;
        assert_int_equal(p.body[5], kept);
        assert_int_equal(p.body[6 + kept], 0);
        assert_true(p.body_len % 4 == 0 && p.body_len - (6 + kept) <= 4);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    static const uint16_t seqs[] = {1, 100, 200};
    for (size_t size = 0; size < 24; size++) {
        uint8_t small[24];
        struct wr w = wr_make(small, size);
        rtcp_write_nack(&w, 1, 2, seqs, 3);
        assert_true(w.bad);
        w = wr_make(small, size);
        rtcp_write_sr(&w, &(struct rtcp_sender_info){.ssrc = 1}, NULL, 0);
        assert_true(w.bad);
    }
}

static void test_ntp(void **state)
{
    (void)state;
    static const uint64_t times[] = {0,
                                     1,
                                     999999,
                                     UINT64_C(1700000000123456),
                                     UINT64_C(2085978495999999),
                                     UINT64_C(2085978496000000),
                                     UINT64_C(4000000000000001)};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_true(ntp_to_unix_us(ntp_from_unix_us(times[i])) == times[i]);
    assert_true(ntp_from_unix_us(0) == UINT64_C(2208988800) << 32);
    assert_true(ntp_from_unix_us(500000) == (UINT64_C(2208988800) << 32 | 0x80000000u));
    assert_int_equal(ntp_middle(UINT64_C(0x1122334455667788)), 0x33445566);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compound),      cmocka_unit_test(test_compound_damage),
        cmocka_unit_test(test_sender_report), cmocka_unit_test(test_receiver_report),
        cmocka_unit_test(test_report_limit),  cmocka_unit_test(test_nack),
        cmocka_unit_test(test_pli_and_fir),   cmocka_unit_test(test_remb),
        cmocka_unit_test(test_bye),           cmocka_unit_test(test_cname_lengths),
        cmocka_unit_test(test_no_room),       cmocka_unit_test(test_ntp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
