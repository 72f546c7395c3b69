// SPDX-License-Identifier: Apache-2.0
/* SRTP and SRTCP both ways under each profile: round trips, replays, forgeries, the roll-over of
 * sequence numbers, retransmissions, bounds. */
#include "media/peer/srtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "media/wire/rtp.h"

#define PACKET_BYTES 200

static const struct {
    enum srtp_profile profile;
    size_t len;
} profiles[] = {
    {SRTP_PROFILE_AES128_CM_SHA1_80, 30},
    {SRTP_PROFILE_AEAD_AES_128_GCM, 28},
    {SRTP_PROFILE_AEAD_AES_256_GCM, 44},
};

struct ends {
    struct srtp_pair *client;
    struct srtp_pair *server;
};

static struct ends ends_open(size_t profile)
{
    struct srtp_keys keys = {.profile = profiles[profile].profile, .len = profiles[profile].len};
    for (size_t i = 0; i < sizeof keys.client; i++) {
        keys.client[i] = (uint8_t)i;
        keys.server[i] = (uint8_t)(200 - i);
    }
    struct ends e;
    assert_int_equal(srtp_pair_new(&e.client, &keys, false), 0);
    assert_int_equal(srtp_pair_new(&e.server, &keys, true), 0);
    return e;
}

static void ends_close(struct ends *e)
{
    srtp_pair_free(e->client);
    srtp_pair_free(e->server);
}

static size_t make_rtp(uint8_t *buf, uint32_t ssrc, uint16_t seq)
{
    struct rtp_header h = {.payload_type = 96, .seq = seq, .timestamp = seq * 3000u, .ssrc = ssrc};
    int header = rtp_write_header(buf, PACKET_BYTES, &h);
    assert_true(header > 0);
    for (size_t i = (size_t)header; i < PACKET_BYTES; i++)
        buf[i] = (uint8_t)(i * 7 + seq);
    return PACKET_BYTES;
}

static size_t make_rtcp(uint8_t *buf, uint32_t ssrc)
{
    memset(buf, 0, 28);
    buf[0] = 0x80;
    buf[1] = 200;
    put_u16(buf + 2, 6);
    put_u32(buf + 4, ssrc);
    return 28;
}

static void test_round_trips(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++) {
        struct ends e = ends_open(k);
        uint8_t plain[PACKET_BYTES], packet[PACKET_BYTES + SRTP_OVERHEAD];
        for (int way = 0; way < 2; way++) {
            struct srtp_pair *from = way ? e.server : e.client, *to = way ? e.client : e.server;
            size_t len = make_rtp(plain, 77, 5);
            memcpy(packet, plain, len);
            assert_int_equal(srtp_pair_protect_rtp(from, packet, &len), 0);
            assert_true(len > PACKET_BYTES && len <= PACKET_BYTES + SRTP_OVERHEAD);
            assert_memory_not_equal(packet + 12, plain + 12, PACKET_BYTES - 12);
            assert_int_equal(srtp_pair_unprotect_rtp(to, packet, &len), 0);
            assert_int_equal(len, PACKET_BYTES);
            assert_memory_equal(packet, plain, len);

            len = make_rtcp(plain, 77);
            memcpy(packet, plain, len);
            assert_int_equal(srtp_pair_protect_rtcp(from, packet, &len), 0);
            assert_true(len > 28 && len <= 28 + SRTP_OVERHEAD);
            assert_int_equal(srtp_pair_unprotect_rtcp(to, packet, &len), 0);
            assert_int_equal(len, 28);
            assert_memory_equal(packet, plain, len);
        }
        ends_close(&e);
    }
}

static void test_replays_and_forgeries(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++) {
        struct ends e = ends_open(k);
        uint8_t sent[PACKET_BYTES + SRTP_OVERHEAD], packet[sizeof sent];
        size_t len = make_rtp(sent, 77, 5);
        assert_int_equal(srtp_pair_protect_rtp(e.client, sent, &len), 0);
        for (size_t i = 0; i < len; i += 9) {
            size_t n = len;
            memcpy(packet, sent, len);
            packet[i] ^= 0x20;
            assert_int_not_equal(srtp_pair_unprotect_rtp(e.server, packet, &n), 0);
        }
        size_t n = len;
        memcpy(packet, sent, len);
        packet[len - 1] ^= 1;
        assert_int_equal(srtp_pair_unprotect_rtp(e.server, packet, &n), ER_UNAUTHENTIC);
        n = len;
        memcpy(packet, sent, len);
        assert_int_equal(srtp_pair_unprotect_rtp(e.server, packet, &n), 0);
        n = len;
        memcpy(packet, sent, len);
        assert_int_equal(srtp_pair_unprotect_rtp(e.server, packet, &n), ER_STALE);
        for (n = 0; n < 40; n++) {
            size_t cut = n;
            memcpy(packet, sent, len);
            assert_int_not_equal(srtp_pair_unprotect_rtp(e.server, packet, &cut), 0);
            cut = n;
            assert_int_not_equal(srtp_pair_unprotect_rtcp(e.server, packet, &cut), 0);
        }
        ends_close(&e);
    }
}

static void test_reorder_within_the_window(void **state)
{
    (void)state;
    struct ends e = ends_open(1);
    static uint8_t sent[1001][PACKET_BYTES + SRTP_OVERHEAD];
    size_t len = 0;
    for (uint16_t i = 0; i <= 1000; i++) {
        len = make_rtp(sent[i], 77, i);
        assert_int_equal(srtp_pair_protect_rtp(e.client, sent[i], &len), 0);
    }
    for (int i = 1000; i >= 0; i--) {
        size_t n = len;
        assert_int_equal(srtp_pair_unprotect_rtp(e.server, sent[i], &n), 0);
    }
    ends_close(&e);
}

static void test_roll_over_and_repetition(void **state)
{
    (void)state;
    struct ends e = ends_open(1);
    uint8_t packet[PACKET_BYTES + SRTP_OVERHEAD], again[sizeof packet];
    for (uint32_t i = 30000; i < 70000; i += 100) {
        size_t len = make_rtp(packet, 77, (uint16_t)i);
        assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
        size_t again_len = make_rtp(again, 77, (uint16_t)i);
        assert_int_equal(srtp_pair_protect_rtp(e.server, again, &again_len), 0);
        assert_int_equal(len, again_len);
        assert_memory_equal(packet, again, len);
        assert_int_equal(srtp_pair_unprotect_rtp(e.client, packet, &len), 0);
        assert_int_equal(srtp_pair_unprotect_rtp(e.client, again, &again_len), ER_STALE);
    }
    ends_close(&e);
}

static void test_sources_are_bounded(void **state)
{
    (void)state;
    struct ends e = ends_open(1);
    uint8_t packet[PACKET_BYTES + SRTP_OVERHEAD];
    int er = 0;
    uint32_t ssrc = 1;
    for (; ssrc < 1000 && !er; ssrc++) {
        size_t len = make_rtp(packet, ssrc, 1);
        assert_int_equal(srtp_pair_protect_rtp(e.client, packet, &len), 0);
        er = srtp_pair_unprotect_rtp(e.server, packet, &len);
    }
    assert_int_equal(er, ER_FULL);
    assert_true(ssrc > 64 && ssrc < 300);
    size_t len = make_rtp(packet, 1, 2);
    assert_int_equal(srtp_pair_protect_rtp(e.client, packet, &len), 0);
    assert_int_equal(srtp_pair_unprotect_rtp(e.server, packet, &len), 0);
    ends_close(&e);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct srtp_pair *p;
    struct srtp_keys keys = {.profile = SRTP_PROFILE_NONE, .len = 30};
    assert_int_equal(srtp_pair_new(&p, &keys, true), ER_UNSUPPORTED);
    assert_null(p);
    keys.profile = SRTP_PROFILE_AEAD_AES_128_GCM;
    assert_int_equal(srtp_pair_new(&p, &keys, true), ER_INVALID);
    assert_null(p);
    srtp_pair_free(NULL);
    assert_int_equal(srtp_pair_library_init(), 0);
}

static int set_up(void **state)
{
    (void)state;
    return srtp_pair_library_init();
}

static void test_forgets_what_it_sent(void **state)
{
    (void)state;
    struct ends e = ends_open(1);
    uint8_t packet[PACKET_BYTES + SRTP_OVERHEAD];
    size_t len = make_rtp(packet, 0x12345678, 5);
    assert_int_equal(srtp_pair_forget(e.server, 0x12345678), ER_NOT_FOUND);
    assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
    len = make_rtp(packet, 9, 5);
    assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
    assert_int_equal(srtp_pair_forget(e.server, 0x12345678), 0);
    assert_int_equal(srtp_pair_forget(e.server, 0x12345678), ER_NOT_FOUND);
    len = make_rtp(packet, 9, 6); /* the others go on */
    assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
    assert_int_equal(srtp_pair_unprotect_rtp(e.client, packet, &len), 0);
    ends_close(&e);
}

/** Under the number of a round before, a packet is another one, however many were left out. */
static void test_what_did_not_leave_is_counted(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++) {
        struct ends e = ends_open(k);
        uint8_t first[PACKET_BYTES + SRTP_OVERHEAD], packet[sizeof first];
        size_t len = make_rtp(first, 77, 30000);
        srtp_pair_skip_rtp(e.server, 77, 29000);
        assert_int_equal(srtp_pair_protect_rtp(e.server, first, &len), 0);
        len = make_rtp(packet, 77, 40000);
        assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
        for (uint32_t i = 40001; i < 65536 + 30000; i++)
            srtp_pair_skip_rtp(e.server, 77, (uint16_t)i);
        srtp_pair_skip_rtp(e.server, 77, 29000); /* an old one changes nothing */
        len = make_rtp(packet, 77, 30000);
        assert_int_equal(srtp_pair_protect_rtp(e.server, packet, &len), 0);
        assert_memory_equal(packet, first, 12);
        assert_memory_not_equal(packet + 12, first + 12, len - 12);
        ends_close(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_forgets_what_it_sent),
        cmocka_unit_test(test_replays_and_forgeries),
        cmocka_unit_test(test_reorder_within_the_window),
        cmocka_unit_test(test_roll_over_and_repetition),
        cmocka_unit_test(test_sources_are_bounded),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_what_did_not_leave_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
