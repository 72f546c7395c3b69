// SPDX-License-Identifier: Apache-2.0
/* A whole peer driven by hand: offer, checks, handshake, keys, time-outs, renegotiation, and which
 * line a packet belongs to. */
#include "media/peer/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "tests/unit/peer/offers.h"

#define OUTBOX 64

struct sent {
    struct path to;
    size_t len;
    uint8_t bytes[LIMIT_DATAGRAM];
};

struct fixture {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct dtls_identity *ours;
    struct dtls_identity *theirs;
    struct addr candidate;
    struct peer *peer;
    struct dtls *client;
    char offer[8192];
    char *answer;
    const char *why;
    uint64_t now_us;
    struct path a;
    size_t sent_count;
    struct sent sent[OUTBOX];
};

static const struct negotiate_rules everything = {.may_publish = true, .may_subscribe = true};

static void note_sent(void *ctx, const struct path *to, const uint8_t *data, size_t len)
{
    struct fixture *f = ctx;
    assert_true(f->sent_count < OUTBOX && len <= LIMIT_DATAGRAM);
    struct sent *s = &f->sent[f->sent_count++];
    s->to = *to;
    s->len = len;
    memcpy(s->bytes, data, len);
}

static struct path path_of(const char *ip, uint16_t port)
{
    struct path p = {.via = 0};
    assert_int_equal(addr_parse_ip(ip, port, &p.remote), 0);
    return p;
}

/* The offer with another fingerprint, as long as the one it stands for. */
static void put_fingerprint(char *offer, const char *fingerprint)
{
    for (char *at = offer; (at = strstr(at, "sha-256 ")); at++)
        memcpy(at + 8, fingerprint, strlen(fingerprint));
}

static int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->entropy = entropy_seeded_init(&f->seeded, 5);
    f->now_us = 1000000;
    f->a = path_of("192.0.2.1", 5000);
    assert_int_equal(srtp_pair_library_init(), 0);
    assert_int_equal(dtls_identity_new(&f->ours), 0);
    assert_int_equal(dtls_identity_new(&f->theirs), 0);
    assert_int_equal(addr_parse_ip("192.0.2.10", 10000, &f->candidate), 0);
    struct peer_config config = {.identity = f->ours,
                                 .entropy = &f->entropy,
                                 .send = note_sent,
                                 .send_ctx = f,
                                 .candidates = &f->candidate,
                                 .candidate_count = 1};
    assert_int_equal(peer_new(&f->peer, &config, f->now_us), 0);
    memcpy(f->offer, CHROME_OFFER, sizeof CHROME_OFFER);
    put_fingerprint(f->offer, dtls_identity_fingerprint(f->theirs));
    assert_int_equal(dtls_new(&f->client, f->theirs, false, span_of("sha-256"),
                              span_of(dtls_identity_fingerprint(f->ours))),
                     0);
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;
    peer_free(f->peer);
    peer_free(NULL);
    dtls_free(f->client);
    dtls_identity_free(f->ours);
    dtls_identity_free(f->theirs);
    free(f->answer);
    free(f);
    return 0;
}

static int offer(struct fixture *f, const char *text)
{
    free(f->answer);
    return peer_offer(f->peer, &everything, text, strlen(text), &f->answer, &f->why);
}

static int check(struct fixture *f, const struct path *from, bool nominate)
{
    char username[300];
    uint8_t request[512];
    struct stun_message msg;
    snprintf(username, sizeof username, "%s:%s", f->peer->ice.ufrag,
             f->peer->ice.remote_ufrag[0] ? f->peer->ice.remote_ufrag : "Rem1");
    struct stun_request r = {.username = username, .controlling = true, .use_candidate = nominate};
    int len = stun_write_request(request, sizeof request, &r, f->peer->ice.pwd);
    assert_true(len > 0);
    assert_int_equal(stun_parse(request, (size_t)len, &msg), 0);
    return peer_stun(f->peer, f->now_us, from, request, (size_t)len, &msg);
}

/* Hand the client's datagrams to the peer and back until both are silent; the bits seen. */
static int shake(struct fixture *f, const struct path *from)
{
    int changed = 0;
    const uint8_t *data;
    size_t len;
    if (dtls_get_state(f->client) == DTLS_HANDSHAKE && dtls_deadline_us(f->client) == UINT64_MAX)
        assert_int_equal(dtls_start(f->client, f->now_us), 0);
    for (int round = 0; round < 6; round++) {
        f->sent_count = 0;
        while (dtls_output(f->client, &data, &len)) {
            int r = peer_dtls(f->peer, f->now_us, from, data, len);
            changed |= r > 0 ? r : 0;
        }
        for (size_t i = 0; i < f->sent_count; i++) {
            assert_true(path_equal(&f->sent[i].to, from));
            dtls_input(f->client, f->now_us, f->sent[i].bytes, f->sent[i].len);
        }
    }
    return changed;
}

static void connect_peer(struct fixture *f)
{
    assert_int_equal(offer(f, f->offer), 0);
    assert_true(check(f, &f->a, true) > 0);
    assert_int_equal(shake(f, &f->a), PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_CONNECTED);
}

static void test_connects(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->peer->state, PEER_NEW);
    assert_int_equal(offer(f, f->offer), 0);
    assert_non_null(strstr(f->answer, f->peer->ice.ufrag));
    assert_non_null(strstr(f->answer, f->peer->ice.pwd));
    assert_non_null(strstr(f->answer, dtls_identity_fingerprint(f->ours)));
    assert_int_equal(check(f, &f->a, false),
                     PEER_CHANGED_VALID_PATH | PEER_CHANGED_PATH | PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_CONNECTING);
    assert_int_equal(f->sent_count, 1);
    assert_true(path_equal(&f->sent[0].to, &f->a));
    assert_int_equal(check(f, &f->a, true), 0);
    assert_null(f->peer->srtp);
    f->now_us += 5000;
    assert_int_equal(shake(f, &f->a), PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_CONNECTED);
    assert_true(f->peer->connected_us == f->now_us);

    struct srtp_keys keys;
    struct srtp_pair *pair;
    uint8_t packet[64 + SRTP_OVERHEAD] = {0x80, 96, 0, 1};
    size_t len = 64;
    assert_int_equal(dtls_get_state(f->client), DTLS_CONNECTED);
    assert_int_equal(dtls_export(f->client, &keys), 0);
    assert_int_equal(srtp_pair_new(&pair, &keys, false), 0);
    assert_int_equal(srtp_pair_protect_rtp(pair, packet, &len), 0);
    assert_int_equal(srtp_pair_unprotect_rtp(f->peer->srtp, packet, &len), 0);
    srtp_pair_free(pair);
}

static void test_dtls_only_from_validated_paths(void **state)
{
    struct fixture *f = *state;
    const uint8_t *data;
    size_t len;
    struct path other = path_of("192.0.2.1", 5001);
    assert_int_equal(offer(f, f->offer), 0);
    assert_int_equal(dtls_start(f->client, f->now_us), 0);
    assert_true(dtls_output(f->client, &data, &len));
    assert_int_equal(peer_dtls(f->peer, f->now_us, &f->a, data, len), ER_DENIED);
    assert_true(check(f, &f->a, false) > 0);
    f->sent_count = 0;
    assert_int_equal(peer_dtls(f->peer, f->now_us, &other, data, len), ER_DENIED);
    assert_int_equal(f->sent_count, 0);
    assert_int_equal(peer_dtls(f->peer, f->now_us, &f->a, data, len), 0);
    assert_true(f->sent_count > 0);
}

static void test_wrong_fingerprint_fails(void **state)
{
    struct fixture *f = *state;
    put_fingerprint(f->offer, dtls_identity_fingerprint(f->ours));
    assert_int_equal(offer(f, f->offer), 0);
    assert_true(check(f, &f->a, true) > 0);
    assert_int_equal(shake(f, &f->a), PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_FAILED);
    assert_null(f->peer->srtp);
    assert_int_equal(dtls_get_state(f->client), DTLS_FAILED); /* the alert arrived */
    assert_int_equal(check(f, &f->a, true), ER_CLOSED);
    assert_true(peer_deadline_us(f->peer) == UINT64_MAX);
}

static void test_repeats_its_flight(void **state)
{
    struct fixture *f = *state;
    const uint8_t *data;
    size_t len;
    assert_int_equal(offer(f, f->offer), 0);
    assert_true(check(f, &f->a, true) > 0);
    assert_int_equal(dtls_start(f->client, f->now_us), 0);
    f->sent_count = 0;
    while (dtls_output(f->client, &data, &len))
        assert_int_equal(peer_dtls(f->peer, f->now_us, &f->a, data, len), 0);
    size_t flight = f->sent_count;
    assert_true(flight > 0);
    assert_true(peer_deadline_us(f->peer) == f->now_us + 100000);
    f->now_us = peer_deadline_us(f->peer);
    assert_int_equal(peer_expire(f->peer, f->now_us), 0);
    assert_int_equal(f->sent_count, 2 * flight);
    assert_memory_equal(f->sent[0].bytes, f->sent[flight].bytes, f->sent[0].len);
    assert_true(path_equal(&f->sent[flight].to, &f->a));
}

static void test_connect_timeout(void **state)
{
    struct fixture *f = *state;
    assert_true(peer_deadline_us(f->peer) == f->now_us + LIMIT_CONNECT_TIMEOUT_US);
    assert_int_equal(offer(f, f->offer), 0);
    assert_int_equal(peer_expire(f->peer, f->now_us + LIMIT_CONNECT_TIMEOUT_US - 1), 0);
    assert_int_equal(peer_expire(f->peer, f->now_us + LIMIT_CONNECT_TIMEOUT_US),
                     PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_FAILED);
}

static void test_consent_lapses(void **state)
{
    struct fixture *f = *state;
    connect_peer(f);
    assert_true(peer_deadline_us(f->peer) == f->now_us + LIMIT_CONSENT_TIMEOUT_US);
    f->now_us += LIMIT_CONSENT_TIMEOUT_US - 1;
    assert_int_equal(peer_expire(f->peer, f->now_us), 0);
    assert_int_equal(check(f, &f->a, true), 0);
    assert_int_equal(peer_expire(f->peer, f->now_us + LIMIT_CONSENT_TIMEOUT_US - 1), 0);
    assert_int_equal(peer_expire(f->peer, f->now_us + LIMIT_CONSENT_TIMEOUT_US),
                     PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_FAILED);
}

static void test_close_both_ways(void **state)
{
    struct fixture *f = *state;
    connect_peer(f);
    f->sent_count = 0;
    peer_close(f->peer, f->now_us);
    assert_int_equal(f->peer->state, PEER_CLOSED);
    assert_int_equal(f->sent_count, 1);
    dtls_input(f->client, f->now_us, f->sent[0].bytes, f->sent[0].len);
    assert_int_equal(dtls_get_state(f->client), DTLS_CLOSED);
}

static void test_closed_by_the_client(void **state)
{
    struct fixture *f = *state;
    const uint8_t *data;
    size_t len;
    connect_peer(f);
    dtls_close(f->client);
    assert_true(dtls_output(f->client, &data, &len));
    assert_int_equal(peer_dtls(f->peer, f->now_us, &f->a, data, len), PEER_CHANGED_STATE);
    assert_int_equal(f->peer->state, PEER_CLOSED);
    assert_int_equal(offer(f, f->offer), ER_CLOSED);
}

static void test_path_changes(void **state)
{
    struct fixture *f = *state;
    connect_peer(f);
    struct path b = path_of("198.51.100.7", 999);
    assert_int_equal(check(f, &b, true), PEER_CHANGED_VALID_PATH | PEER_CHANGED_PATH);
    assert_true(path_equal(&f->peer->ice.selected, &b));
    assert_int_equal(check(f, &f->a, true), PEER_CHANGED_PATH);
}

static void test_renegotiation(void **state)
{
    struct fixture *f = *state;
    connect_peer(f);
    struct srtp_pair *srtp = f->peer->srtp;
    assert_int_equal(offer(f, f->offer), 0);
    assert_ptr_equal(f->peer->srtp, srtp);
    assert_int_equal(offer(f, "v=0"), ER_MALFORMED);
    assert_non_null(f->why);
    assert_null(f->answer);
    char other[sizeof f->offer];
    memcpy(other, f->offer, sizeof other);
    put_fingerprint(other, dtls_identity_fingerprint(f->ours));
    assert_int_equal(offer(f, other), ER_UNSUPPORTED);
    assert_non_null(strstr(f->why, "fingerprint"));
    assert_string_equal(f->peer->negotiation.fingerprint, dtls_identity_fingerprint(f->theirs));
    assert_int_equal(f->peer->state, PEER_CONNECTED);
}

static void test_ice_restart(void **state)
{
    struct fixture *f = *state;
    connect_peer(f);
    char before[ICE_UFRAG_LEN + 1];
    memcpy(before, f->peer->ice.ufrag, sizeof before);
    for (char *at = f->offer; (at = strstr(at, "a=ice-ufrag:Rem1")); at++)
        memcpy(at + strlen("a=ice-ufrag:"), "Rem2", 4);
    assert_int_equal(offer(f, f->offer), 0);
    assert_string_not_equal(f->peer->ice.ufrag, before);
    assert_non_null(strstr(f->answer, f->peer->ice.ufrag));
    assert_string_equal(f->peer->ice.remote_ufrag, "Rem2");
    assert_true(icelite_is_valid_path(&f->peer->ice, &f->a));
    assert_true(check(f, &f->a, true) >= 0);
    assert_int_equal(f->peer->state, PEER_CONNECTED);
}

struct expectation {
    uint32_t ssrc;
    uint8_t payload_type;
    const char *mid;
    uint8_t mid_id;
    int line;
    bool rtx;
    enum media_codec codec;
};

static void match(struct fixture *f, struct expectation e)
{
    uint8_t buf[256];
    struct rtp_packet packet;
    struct rtp_extension x = {
        .id = e.mid_id, .len = (uint8_t)(e.mid ? strlen(e.mid) : 0), .at = (const uint8_t *)e.mid};
    struct rtp_header h = {.payload_type = e.payload_type,
                           .ssrc = e.ssrc,
                           .extensions = &x,
                           .extension_count = e.mid ? 1 : 0};
    int len = rtp_write_header(buf, sizeof buf, &h);
    assert_true(len > 0);
    assert_int_equal(rtp_parse(buf, (size_t)len, &packet), 0);
    struct peer_match got;
    assert_int_equal(peer_match_line(f->peer, &packet, &got), e.line);
    if (e.line >= 0) {
        assert_int_equal(got.rtx, e.rtx);
        assert_int_equal(got.codec, e.codec);
    }
}

static void test_match_announced(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(offer(f, f->offer), 0);
    match(f, (struct expectation){1001, 111, NULL, 0, 0, false, CODEC_OPUS});
    match(f, (struct expectation){2001, 96, NULL, 0, 1, false, CODEC_VP8});
    match(f, (struct expectation){2002, 97, NULL, 0, 1, true, CODEC_VP8});
    match(f, (struct expectation){2001, 103, NULL, 0, 1, false, CODEC_H264_BASELINE_1});
    match(f, (struct expectation){2002, 99, NULL, 0, 1, true, CODEC_VP9});
    match(f, (struct expectation){1001, 63, NULL, 0, 0, false, CODEC_RED});
    match(f, (struct expectation){1001, 9, NULL, 0, -1, false, CODEC_NONE});
    match(f, (struct expectation){1001, 96, NULL, 0, -1, false, CODEC_NONE});
}

#define SILENT_VIDEO(mid, id)                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" TRANSPORT(                                             \
        "actpass") "a=mid:" mid "\r\na=rtcp-mux\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n"        \
                   "a=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"            \
                   "a=extmap:" id " urn:ietf:params:rtp-hdrext:sdes:mid\r\n"

static void test_match_by_mid_and_learn(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(offer(f, SESSION("a=group:BUNDLE 0 v w\r\n") CHROME_AUDIO("0", "sendonly")
                                  SILENT_VIDEO("v", "5") SILENT_VIDEO("w", "6")),
                     0);
    match(f, (struct expectation){50, 96, NULL, 0, -1, false, CODEC_NONE}); /* either line */
    match(f, (struct expectation){50, 96, "v", 5, 1, false, CODEC_VP8});
    match(f, (struct expectation){50, 96, NULL, 0, 1, false, CODEC_VP8}); /* known now */
    match(f, (struct expectation){51, 97, "v", 5, 1, true, CODEC_VP8});
    match(f, (struct expectation){60, 96, "w", 6, 2, false, CODEC_VP8});
    match(f, (struct expectation){70, 96, "x", 6, -1, false, CODEC_NONE});
    match(f, (struct expectation){71, 111, "x", 6, -1, false, CODEC_NONE});
    match(f, (struct expectation){72, 111, NULL, 0, 0, false, CODEC_OPUS}); /* only one line */
    const struct line *lines = f->peer->negotiation.lines;
    assert_int_equal(lines[1].remote_ssrc, 50);
    assert_int_equal(lines[1].remote_rtx_ssrc, 51);
    assert_int_equal(lines[2].remote_ssrc, 60);
    /* Learnt SSRCs outlast a renegotiation that keeps their line, and go with one that does not. */
    assert_int_equal(
        offer(f, SESSION("a=group:BUNDLE 0 v\r\n") CHROME_AUDIO("0", "sendonly")
                     SILENT_VIDEO("v", "5") "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:w\r\n"),
        0);
    assert_int_equal(f->peer->negotiation.lines[1].remote_ssrc, 50);
    match(f, (struct expectation){50, 96, NULL, 0, 1, false, CODEC_VP8});
    match(f, (struct expectation){60, 111, NULL, 0, 0, false, CODEC_OPUS});
}

static void test_match_is_bounded(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(offer(f, f->offer), 0);
    for (uint32_t ssrc = 9000; ssrc < 9000 + 3 * PEER_SOURCES; ssrc++)
        match(f, (struct expectation){ssrc, 96, NULL, 0, 1, false, CODEC_VP8});
    assert_int_equal(f->peer->source_count, PEER_SOURCES);
    match(f, (struct expectation){1001, 111, NULL, 0, 0, false, CODEC_OPUS});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connects),
        TEST(test_dtls_only_from_validated_paths),
        TEST(test_wrong_fingerprint_fails),
        TEST(test_repeats_its_flight),
        TEST(test_connect_timeout),
        TEST(test_consent_lapses),
        TEST(test_close_both_ways),
        TEST(test_closed_by_the_client),
        TEST(test_path_changes),
        TEST(test_renegotiation),
        TEST(test_ice_restart),
        TEST(test_match_announced),
        TEST(test_match_by_mid_and_learn),
        TEST(test_match_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
