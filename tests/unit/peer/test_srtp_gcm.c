// SPDX-License-Identifier: Apache-2.0
/* Our GCM against libsrtp's, packet by packet and both ways: shapes of headers and payloads, the
 * roll-over of sequence numbers, repetitions, replays, forgeries. */
#include "media/peer/srtp_gcm.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <srtp2/srtp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/er.h"
#include "base/limits.h"

#define ROOM 1600

/** The four ends of one direction under one key. */
struct world {
    struct srtp_gcm *out, *in;
    srtp_t oracle_out, oracle_in;
    uint8_t key[44];
    size_t len;
};

static srtp_t oracle(const struct world *w, bool outbound)
{
    srtp_policy_t policy;
    srtp_t session;
    memset(&policy, 0, sizeof policy);
    void (*set)(srtp_crypto_policy_t *) = w->len == 28 ? srtp_crypto_policy_set_aes_gcm_128_16_auth
                                                       : srtp_crypto_policy_set_aes_gcm_256_16_auth;
    set(&policy.rtp);
    set(&policy.rtcp);
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = (uint8_t *)w->key;
    policy.window_size = SRTP_GCM_WINDOW;
    policy.allow_repeat_tx = 1;
    assert_int_equal(srtp_create(&session, &policy), srtp_err_status_ok);
    return session;
}

static struct world world_open(size_t len)
{
    struct world w = {.len = len};
    for (size_t i = 0; i < len; i++)
        w.key[i] = (uint8_t)(i * 37 + 11);
    assert_int_equal(srtp_gcm_new(&w.out, w.key, len, true), 0);
    assert_int_equal(srtp_gcm_new(&w.in, w.key, len, false), 0);
    w.oracle_out = oracle(&w, true);
    w.oracle_in = oracle(&w, false);
    return w;
}

static void world_close(struct world *w)
{
    srtp_gcm_free(w->out);
    srtp_gcm_free(w->in);
    srtp_dealloc(w->oracle_out);
    srtp_dealloc(w->oracle_in);
}

/** A header of one of several shapes; its length. */
static size_t write_header(uint8_t *at, uint32_t ssrc, uint32_t seq, unsigned shape)
{
    static const uint8_t one_byte[] = {0xbe, 0xde, 0, 2, 0x10, 'v', 0x21, 1, 2, 0, 0, 0};
    static const uint8_t two_byte[] = {0x10, 0, 0, 1, 1, 1, 'a', 0};
    unsigned csrcs = shape % 3 == 1 ? 2 : shape % 3 == 2 ? 15 : 0;
    size_t len = 12;
    memset(at, 0, 12);
    at[0] = (uint8_t)(0x80 | csrcs);
    at[1] = 96;
    put_u16(at + 2, (uint16_t)seq);
    put_u32(at + 4, seq * 3000);
    put_u32(at + 8, ssrc);
    for (unsigned i = 0; i < csrcs; i++, len += 4)
        put_u32(at + len, 1000 + i);
    if (shape / 3 % 3 == 0)
        return len;
    at[0] |= 0x10;
    if (shape / 3 % 3 == 1) {
        memcpy(at + len, one_byte, sizeof one_byte);
        return len + sizeof one_byte;
    }
    memcpy(at + len, two_byte, sizeof two_byte);
    return len + sizeof two_byte;
}

static void fill(uint8_t *at, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(seed = seed * 1103515245u + 12345u);
}

/** One packet through all ends: the same bytes from both senders, and both receivers read them. */
static void compare(struct world *w, uint32_t ssrc, uint32_t seq, unsigned shape, size_t head_len,
                    size_t body_len)
{
    uint8_t plain[ROOM], ours[ROOM], theirs[ROOM], head[64], body[ROOM];
    size_t header = write_header(plain, ssrc, seq, shape);
    size_t len = header + head_len + body_len, ours_len = 0;
    fill(plain + header, head_len + body_len, seq);
    memcpy(head, plain + header, head_len);
    memcpy(body, plain + header + head_len, body_len);
    memcpy(ours, plain, header);
    memcpy(theirs, plain, len);
    const struct srtp_payload payload = {head, head_len, body, body_len};
    assert_int_equal(srtp_gcm_header_length(plain, len), header);
    assert_int_equal(srtp_gcm_seal_rtp(w->out, ours, header, &payload, &ours_len), 0);
    int n = (int)len;
    assert_int_equal(srtp_protect(w->oracle_out, theirs, &n), srtp_err_status_ok);
    assert_int_equal(ours_len, n);
    assert_memory_equal(ours, theirs, ours_len);
    assert_int_equal(srtp_unprotect(w->oracle_in, ours, &n), srtp_err_status_ok);
    assert_int_equal(n, len);
    assert_memory_equal(ours, plain, len);
    assert_int_equal(srtp_gcm_open_rtp(w->in, theirs, &ours_len), 0);
    assert_int_equal(ours_len, len);
    assert_memory_equal(theirs, plain, len);
}

static void agrees_on_every_shape(void **state)
{
    (void)state;
    static const size_t heads[] = {0, 1, 2, 5, 15, 16, 17, 40};
    for (size_t key = 28; key <= 44; key += 16) {
        struct world w = world_open(key);
        uint32_t seq = 1;
        for (unsigned shape = 0; shape < 9; shape++)
            for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
                for (size_t body = 0; body < 700; body += body < 40 ? 1 : 97)
                    compare(&w, 0xcafe0000u + shape, seq++, shape, heads[h], body);
        world_close(&w);
    }
}

static void agrees_through_the_roll_over(void **state)
{
    (void)state;
    struct world w = world_open(28);
    for (uint32_t seq = 30000; seq < 210000; seq += 700) {
        compare(&w, 7, seq, 0, 0, 50);
        compare(&w, 9, seq + 11, 0, 2, 50);
        if (seq % 1400 == 0)
            compare(&w, 7, seq - 650, 0, 0, 50); /* late, and of the round before at times */
    }
    world_close(&w);
}

static void seals_in_place_and_again(void **state)
{
    (void)state;
    struct world w = world_open(28);
    uint8_t plain[ROOM], first[ROOM], again[ROOM];
    size_t header = write_header(plain, 5, 65000, 4), len = header + 300;
    fill(plain + header, 300, 3);
    for (uint32_t seq = 65000; seq < 66500; seq += 100) {
        write_header(plain, 5, seq, 4);
        memcpy(first, plain, len);
        memcpy(again, plain, len);
        struct srtp_payload payload = {.body = first + header, .body_len = 300};
        size_t a, b;
        assert_int_equal(srtp_gcm_seal_rtp(w.out, first, header, &payload, &a), 0);
        payload.body = again + header;
        assert_int_equal(srtp_gcm_seal_rtp(w.out, again, header, &payload, &b), 0);
        assert_int_equal(a, b);
        assert_memory_equal(first, again, a);
        assert_int_equal(srtp_gcm_open_rtp(w.in, first, &a), 0);
        assert_memory_equal(first, plain, len);
        assert_int_equal(srtp_gcm_open_rtp(w.in, again, &b), ER_STALE);
    }
    world_close(&w);
}

static size_t make_rtcp(uint8_t *at, uint32_t ssrc, size_t words)
{
    memset(at, 0, 4 + words * 4);
    at[0] = 0x80;
    at[1] = 200;
    put_u16(at + 2, (uint16_t)words);
    put_u32(at + 4, ssrc);
    fill(at + 8, words * 4 - 4, ssrc);
    return 4 + words * 4;
}

static void agrees_on_reports(void **state)
{
    (void)state;
    for (size_t key = 28; key <= 44; key += 16) {
        struct world w = world_open(key);
        for (size_t words = 1; words < 100; words++) {
            uint8_t plain[ROOM], ours[ROOM], theirs[ROOM];
            size_t len = make_rtcp(plain, 77, words), ours_len = len;
            int n = (int)len;
            memcpy(ours, plain, len);
            memcpy(theirs, plain, len);
            assert_int_equal(srtp_gcm_seal_rtcp(w.out, ours, &ours_len), 0);
            assert_int_equal(srtp_protect_rtcp(w.oracle_out, theirs, &n), srtp_err_status_ok);
            assert_int_equal(ours_len, n);
            assert_memory_equal(ours, theirs, ours_len);
            assert_int_equal(srtp_unprotect_rtcp(w.oracle_in, ours, &n), srtp_err_status_ok);
            assert_memory_equal(ours, plain, len);
            memcpy(ours, theirs, ours_len);
            assert_int_equal(srtp_gcm_open_rtcp(w.in, theirs, &ours_len), 0);
            assert_int_equal(ours_len, len);
            assert_memory_equal(theirs, plain, len);
            ours_len = len + 20;
            assert_int_equal(srtp_gcm_open_rtcp(w.in, ours, &ours_len), ER_STALE);
        }
        world_close(&w);
    }
}

static int take(struct world *w, uint32_t seq)
{
    uint8_t packet[ROOM], body[30] = {0};
    size_t header = write_header(packet, 5, seq, 0), len;
    const struct srtp_payload payload = {.body = body, .body_len = sizeof body};
    assert_int_equal(srtp_gcm_seal_rtp(w->out, packet, header, &payload, &len), 0);
    return srtp_gcm_open_rtp(w->in, packet, &len);
}

static void the_window_is_exact(void **state)
{
    (void)state;
    struct world w = world_open(28);
    assert_int_equal(take(&w, 20000), 0);
    assert_int_equal(take(&w, 20000 - 1023), 0);
    assert_int_equal(take(&w, 20000 - 1024), ER_STALE);
    assert_int_equal(take(&w, 20000 - 1023), ER_STALE);
    for (uint32_t seq = 20001; seq < 24000; seq += 3)
        assert_int_equal(take(&w, seq), 0);
    for (uint32_t seq = 23999 - 1000; seq < 23999; seq++)
        assert_int_equal(take(&w, seq), (seq - 20001) % 3 == 0 ? ER_STALE : 0);
    assert_int_equal(take(&w, 30000), 0); /* a leap beyond the window clears it */
    for (uint32_t seq = 30000 - 1023; seq < 30000; seq++)
        assert_int_equal(take(&w, seq), 0);
    assert_int_equal(take(&w, 30000), ER_STALE);
    world_close(&w);
}

/** Seals the packet of this number into `packet`; its length. */
static size_t seal(struct world *w, uint32_t seq, uint8_t *packet)
{
    uint8_t body[30] = {0};
    size_t header = write_header(packet, 5, seq, 0), len;
    const struct srtp_payload payload = {.body = body, .body_len = sizeof body};
    assert_int_equal(srtp_gcm_seal_rtp(w->out, packet, header, &payload, &len), 0);
    return len;
}

/** A path that lets through all but one stream, for minutes: what comes then is of a round that nobody
 *  can know of, and must be found all the same. */
static void rounds_that_were_lost_are_found(void **state)
{
    static const uint32_t losses[] = {100,   32767, 32768,  40000, 65535,
                                      65536, 98400, 140000, 250000};
    (void)state;
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        struct world w = world_open(28);
        uint8_t packet[ROOM], early[ROOM];
        size_t early_len = 0, len;
        uint32_t seq = 20000;
        for (; seq < 21000; seq++) {
            early_len = seal(&w, seq, packet);
            memcpy(early, packet, early_len);
            len = early_len;
            assert_int_equal(srtp_gcm_open_rtp(w.in, packet, &len), 0);
        }
        for (uint32_t end = seq + losses[i]; seq < end; seq++)
            (void)seal(&w, seq, packet);
        unsigned refused = 0;
        while (take(&w, seq++) != 0)
            assert_in_range(++refused, 1, 80);
        assert_true(losses[i] > 32767 || refused == 0);
        for (uint32_t end = seq + 2000; seq < end; seq++)
            assert_int_equal(take(&w, seq), 0);
        for (unsigned k = 0; k < 200; k++) { /* what was heard before is not heard again */
            uint8_t copy[ROOM];
            memcpy(copy, early, early_len);
            len = early_len;
            assert_int_not_equal(srtp_gcm_open_rtp(w.in, copy, &len), 0);
        }
        assert_int_equal(take(&w, seq), 0);
        world_close(&w);
    }
}

static void floods_of_forgeries_keep_nothing_out(void **state)
{
    (void)state;
    struct world w = world_open(28);
    uint8_t packet[ROOM], copy[ROOM];
    for (uint32_t seq = 60000; seq < 72000; seq += 100) {
        size_t len = seal(&w, seq, packet), n;
        for (unsigned k = 0; k < 100; k++) {
            memcpy(copy, packet, len);
            put_u16(copy + 2, (uint16_t)(seq + k * 657));
            copy[len - 1] ^= 1;
            n = len;
            assert_int_not_equal(srtp_gcm_open_rtp(w.in, copy, &n), 0);
        }
        assert_int_equal(srtp_gcm_open_rtp(w.in, packet, &len), 0);
    }
    world_close(&w);
}

/** What is not authentic moves neither window nor roll-over, and takes no place. */
static void forgeries_change_nothing(void **state)
{
    (void)state;
    struct world w = world_open(28);
    uint8_t packet[ROOM], copy[ROOM], body[30] = {0};
    const struct srtp_payload payload = {.body = body, .body_len = sizeof body};
    assert_int_equal(take(&w, 40000), 0);
    size_t header = write_header(packet, 5, 40001, 4), len, n;
    assert_int_equal(srtp_gcm_seal_rtp(w.out, packet, header, &payload, &len), 0);
    for (size_t i = 0; i < len; i++) {
        memcpy(copy, packet, len);
        copy[i] ^= 4;
        n = len;
        assert_int_not_equal(srtp_gcm_open_rtp(w.in, copy, &n), 0);
    }
    for (uint32_t ssrc = 100; ssrc < 1000; ssrc++) {
        memset(copy, 0, 60);
        write_header(copy, ssrc, 1, 0);
        n = 60;
        assert_int_equal(srtp_gcm_open_rtp(w.in, copy, &n), ER_UNAUTHENTIC);
        copy[1] = 200;
        put_u32(copy + 4, ssrc);
        put_u32(copy + 56, 0x80000001u);
        n = 60;
        assert_int_equal(srtp_gcm_open_rtcp(w.in, copy, &n), ER_UNAUTHENTIC);
    }
    for (n = 0; n < len; n++) {
        size_t cut = n;
        memcpy(copy, packet, len);
        assert_int_not_equal(srtp_gcm_open_rtp(w.in, copy, &cut), 0);
        cut = n;
        assert_int_not_equal(srtp_gcm_open_rtcp(w.in, copy, &cut), 0);
    }
    n = len;
    assert_int_equal(srtp_gcm_open_rtp(w.in, packet, &n), 0);
    world_close(&w);
}

static void reports_in_the_clear_are_refused(void **state)
{
    (void)state;
    struct world w = world_open(28);
    uint8_t packet[ROOM];
    size_t len = make_rtcp(packet, 77, 6);
    assert_int_equal(srtp_gcm_seal_rtcp(w.out, packet, &len), 0);
    packet[len - 4] &= 0x7f;
    assert_int_equal(srtp_gcm_open_rtcp(w.in, packet, &len), ER_MALFORMED);
    world_close(&w);
}

static void sources_are_bounded_and_forgotten(void **state)
{
    (void)state;
    struct world w = world_open(44);
    uint8_t packet[ROOM], body[30] = {0};
    const struct srtp_payload payload = {.body = body, .body_len = sizeof body};
    for (uint32_t ssrc = 1; ssrc <= LIMIT_SRTP_SOURCES + 1; ssrc++) {
        size_t header = write_header(packet, ssrc, 1, 0), len;
        assert_int_equal(srtp_gcm_seal_rtp(w.out, packet, header, &payload, &len), 0);
        assert_int_equal(srtp_gcm_open_rtp(w.in, packet, &len),
                         ssrc <= LIMIT_SRTP_SOURCES ? 0 : ER_FULL);
    }
    size_t len = make_rtcp(packet, 5000, 6);
    assert_int_equal(srtp_gcm_seal_rtcp(w.out, packet, &len), 0);
    assert_int_equal(srtp_gcm_open_rtcp(w.in, packet, &len), ER_FULL);
    assert_int_equal(srtp_gcm_forget(w.out, 3), 0);
    assert_int_equal(srtp_gcm_forget(w.out, 3), ER_NOT_FOUND);
    world_close(&w);
}

static void bad_keys_are_refused(void **state)
{
    (void)state;
    struct srtp_gcm *g;
    const uint8_t key[64] = {0};
    assert_int_equal(srtp_gcm_new(&g, key, 30, true), ER_INVALID);
    assert_null(g);
    srtp_gcm_free(NULL);
    assert_int_equal(srtp_gcm_header_length((const uint8_t *)"\x90", 1), 0);
    assert_int_equal(srtp_gcm_header_length(key, sizeof key), 0); /* another version */
}

static int set_up(void **state)
{
    (void)state;
    return srtp_init() != srtp_err_status_ok;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_on_every_shape),
        cmocka_unit_test(agrees_through_the_roll_over),
        cmocka_unit_test(seals_in_place_and_again),
        cmocka_unit_test(agrees_on_reports),
        cmocka_unit_test(the_window_is_exact),
        cmocka_unit_test(rounds_that_were_lost_are_found),
        cmocka_unit_test(floods_of_forgeries_keep_nothing_out),
        cmocka_unit_test(forgeries_change_nothing),
        cmocka_unit_test(reports_in_the_clear_are_refused),
        cmocka_unit_test(sources_are_bounded_and_forgotten),
        cmocka_unit_test(bad_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
