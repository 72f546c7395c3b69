// SPDX-License-Identifier: Apache-2.0
/* Simulcast: what is agreed of a line's streams, how they are answered, and by what packets are told
 * apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/peer/peer.h"
#include "tests/unit/peer/offers.h"

#define RIDS "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"
#define SSRCS "a=ssrc-group:FID 2001 2002\r\n"

enum { MID = 4, RID = 10, REPAIRED_RID = 11, VP8 = 96, RTX = 97 };

struct fixture {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct negotiate_rules rules;
    struct peer peer; /* only what matching needs */
};

static int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->entropy = entropy_seeded_init(&f->seeded, 3);
    f->rules = (struct negotiate_rules){.may_publish = true, .may_subscribe = true};
    negotiation_init(&f->peer.negotiation, &f->entropy);
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;
    negotiation_clear(&f->peer.negotiation);
    free(f);
    return 0;
}

/** Chromium names no SSRCs where it sends several streams. */
static const struct line *agree(struct fixture *f, const char *rids)
{
    char text[8192];
    const char *why = NULL;
    (void)snprintf(text, sizeof text, "%s",
                   CHROME_SESSION("0 1") CHROME_AUDIO("0", "sendonly")
                       CHROME_VIDEO("1", "sendonly"));
    char *ssrcs = strstr(text, SSRCS);
    assert_non_null(ssrcs);
    (void)snprintf(ssrcs, sizeof text - (size_t)(ssrcs - text), "%s", rids);
    int er = negotiate_offer(&f->peer.negotiation, &f->rules, &f->entropy, text, strlen(text),
                             &why);
    if (er)
        fail_msg("refused: %s (%s)", why, er_name(er));
    return &f->peer.negotiation.lines[1];
}

static char *answer_of(struct fixture *f)
{
    struct addr candidate;
    char *text;
    assert_int_equal(addr_parse_ip("192.0.2.10", 10000, &candidate), 0);
    const struct answer_transport transport = {.ice_ufrag = "ourufrag",
                                               .ice_pwd = "ourpasswordoftwentyfour1",
                                               .fingerprint = FINGERPRINT,
                                               .candidates = &candidate,
                                               .candidate_count = 1};
    assert_int_equal(negotiate_answer(&f->peer.negotiation, &transport, &text), 0);
    return text;
}

static void three_streams_are_agreed(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f, RIDS);
    assert_int_equal(line->rid_count, 3);
    assert_string_equal(line->rids[0], "q");
    assert_string_equal(line->rids[2], "f");
    assert_int_equal(line->extensions.rid, RID);
    assert_int_equal(line->extensions.repaired_rid, REPAIRED_RID);
    char *answer = answer_of(f);
    assert_non_null(strstr(answer, "a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\n"
                                   "a=simulcast:recv q;h;f\r\n"));
    assert_non_null(strstr(answer, "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"));
    assert_non_null(strstr(answer, "a=extmap:11 "
                                   "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"));
    free(answer);
}

/** Firefox only offers to send the names. */
static void names_may_go_one_way(void **state)
{
    struct fixture *f = *state;
    char text[8192];
    const char *why = NULL;
    (void)snprintf(text, sizeof text, "%s",
                   CHROME_SESSION("0 1") CHROME_AUDIO("0", "sendonly") CHROME_VIDEO("1", "sendonly")
                       RIDS);
    for (char *at = text; (at = strstr(at, "a=extmap:1")); at++) {
        char id[] = {at[9], at[10], 0};
        if (strcmp(id, "10") != 0 && strcmp(id, "11") != 0)
            continue;
        size_t len = strlen(at);
        memmove(at + 20, at + 11, len - 10);
        memcpy(at + 11, "/sendonly", 9);
    }
    assert_int_equal(
        negotiate_offer(&f->peer.negotiation, &f->rules, &f->entropy, text, strlen(text), &why), 0);
    assert_int_equal(f->peer.negotiation.lines[1].rid_count, 3);
    char *answer = answer_of(f);
    assert_non_null(strstr(answer, "a=extmap:10/recvonly urn:ietf:params:rtp-hdrext:sdes:"
                                   "rtp-stream-id\r\n"));
    assert_non_null(strstr(answer, "a=extmap:11/recvonly urn:"));
    assert_non_null(strstr(answer, "a=extmap:4 urn:"));
    free(answer);
    f->rules.may_publish = false;
    (void)negotiate_offer(&f->peer.negotiation, &f->rules, &f->entropy, text, strlen(text), &why);
    assert_int_equal(f->peer.negotiation.lines[1].extensions.rid, 0);
}

static void only_so_many_are_agreed(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f, RIDS "a=rid:x send\r\n");
    assert_int_equal(line->rid_count, 3);
    line = agree(f, "a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=rid:d send\r\n"
                    "a=simulcast:send d;c;b;a\r\n");
    assert_int_equal(line->rid_count, 3);
    assert_string_equal(line->rids[0], "d");
    assert_true(line->rids_changed);
    line = agree(f, "a=rid:thisoneistoolongtobenamed send\r\na=rid:b send\r\n");
    assert_int_equal(line->rid_count, 1);
    assert_string_equal(line->rids[0], "b");
}

static void one_stream_needs_no_name(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(agree(f, "a=rid:q send\r\na=simulcast:send q\r\n")->rid_count, 0);
    assert_int_equal(agree(f, "a=rid:q recv\r\na=rid:h recv\r\n")->rid_count, 0);
    char *answer = answer_of(f);
    assert_null(strstr(answer, "a=rid"));
    assert_null(strstr(answer, "a=simulcast"));
    free(answer);
    f->rules.may_publish = false;
    assert_int_equal(agree(f, RIDS)->rid_count, 0);
}

/* Packets */

static int match(struct fixture *f, uint32_t ssrc, uint8_t payload_type, const char *mid,
                 uint8_t rid_id, const char *rid, struct peer_match *ret)
{
    uint8_t buf[256];
    struct rtp_packet packet;
    const struct rtp_extension extensions[] = {
        {.id = mid ? MID : 0, .len = 1, .at = (const uint8_t *)mid},
        {.id = rid ? rid_id : 0,
         .len = (uint8_t)(rid ? strlen(rid) : 0),
         .at = (const uint8_t *)rid}};
    const struct rtp_header h = {
        .payload_type = payload_type, .ssrc = ssrc, .extensions = extensions, .extension_count = 2};
    int len = rtp_write_header(buf, sizeof buf, &h);
    assert_true(len > 0);
    assert_int_equal(rtp_parse(buf, (size_t)len, &packet), 0);
    return peer_match_line(&f->peer, &packet, ret);
}

static void expect(struct fixture *f, uint32_t ssrc, uint8_t payload_type, uint8_t rid, bool rtx)
{
    struct peer_match got;
    assert_int_equal(match(f, ssrc, payload_type, NULL, 0, NULL, &got), 1);
    assert_int_equal(got.rid, rid);
    assert_int_equal(got.rtx, rtx);
    assert_int_equal(got.codec, CODEC_VP8);
}

static void streams_are_told_by_rid_then_by_ssrc(void **state)
{
    struct fixture *f = *state;
    struct peer_match got;
    agree(f, RIDS);
    assert_int_equal(match(f, 70, VP8, NULL, 0, NULL, &got), -1);
    assert_int_equal(match(f, 70, VP8, "1", 0, NULL, &got), -1); /* which of the three? */
    assert_int_equal(match(f, 70, VP8, "1", RID, "z", &got), -1);
    assert_int_equal(match(f, 71, VP8, "1", RID, "h", &got), 1);
    assert_int_equal(got.rid, 1);
    assert_int_equal(match(f, 72, VP8, NULL, RID, "f", &got), 1); /* the type is one line's only */
    assert_int_equal(got.rid, 2);
    assert_int_equal(match(f, 73, RTX, "1", RID, "h", &got), -1); /* not what it repairs */
    assert_int_equal(match(f, 73, RTX, "1", REPAIRED_RID, "h", &got), 1);
    assert_true(got.rtx);
    assert_int_equal(got.rid, 1);
    expect(f, 71, VP8, 1, false);
    expect(f, 72, VP8, 2, false);
    expect(f, 73, RTX, 1, true);
    assert_int_equal(match(f, 71, VP8, "1", RID, "q", &got), 1); /* once known, the SSRC counts */
    assert_int_equal(got.rid, 1);
}

static void test_many_sources(void **state)
{
    struct fixture *f = *state;
    struct peer_match got;
    agree(f, RIDS);
    for (uint32_t i = 0; i < PEER_SOURCES + 1; i++)
        assert_int_equal(match(f, 100 + i, VP8, "1", RID, "q", &got), 1);
    assert_int_equal(match(f, 100, VP8, NULL, 0, NULL, &got), -1); /* forgotten */
    expect(f, 101, VP8, 0, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_streams_are_agreed),
        TEST(names_may_go_one_way),
        TEST(only_so_many_are_agreed),
        TEST(one_stream_needs_no_name),
        TEST(streams_are_told_by_rid_then_by_ssrc),
        TEST(test_many_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
