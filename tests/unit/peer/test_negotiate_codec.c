// SPDX-License-Identifier: Apache-2.0
/* Payload types matched with codecs: profiles and packetisation modes, redundant sound, what can be
 * sent as what, and the order in which the answer asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/peer/negotiate_table.h"
#include "tests/unit/peer/offers.h"

/* As Chromium offers to receive. */
#define EVERY_CODEC                                                                                \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 35 36 102 103 104 105 106 107 108 109 127 125 39 40 " \
    "112 113 43 44 45 46 118\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT(                                   \
        "actpass") "a=mid:0\r\na=rtcp-mux\r\na=recvonly\r\n"                                       \
                   "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 "                    \
                   "rtx/90000\r\na=fmtp:97 apt=96\r\n"                                             \
                   "a=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 nack\r\na=rtcp-fb:98 nack pli\r\n"       \
                   "a=fmtp:98 profile-id=0\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"       \
                   "a=rtpmap:35 VP9/90000\r\na=fmtp:35 profile-id=1\r\n"                           \
                   "a=rtpmap:36 VP9/90000\r\na=fmtp:36 profile-id=2\r\n" H264(102, 1, "42001f")    \
                       H264(104, 0, "42001f") H264(106, 1, "42e01f") H264(108, 0, "42e01f")        \
                           H264(127, 1, "4d001f") H264(39, 0, "4d001f") H264(112, 1, "64001f")     \
                               H264(43, 1,                                                         \
                                    "f4001f") "a=rtpmap:45 AV1/90000\r\n"                          \
                                              "a=fmtp:45 level-idx=8;profile=0;tier=1\r\n"         \
                                              "a=rtpmap:46 AV1/90000\r\na=fmtp:46 profile=1\r\n"   \
                                              "a=rtpmap:118 red/90000\r\n"

#define H264(pt, mode, profile)                                                                    \
    "a=rtpmap:" #pt " H264/90000\r\na=fmtp:" #pt                                                   \
    " level-asymmetry-allowed=1;packetization-mode=" #mode ";profile-level-id=" profile "\r\n"

#define ONE_VIDEO(lines)                                                                           \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT(                      \
        "actpass") "a=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n" lines

#define ONE_AUDIO(lines)                                                                           \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\n" TRANSPORT(                        \
        "actpass") "a=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n" lines

struct fixture {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct negotiation n;
    struct negotiate_rules rules;
    char *answer;
};

static int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->entropy = entropy_seeded_init(&f->seeded, 3);
    f->rules = (struct negotiate_rules){.may_publish = true, .may_subscribe = true};
    negotiation_init(&f->n, &f->entropy);
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;
    negotiation_clear(&f->n);
    free(f->answer);
    free(f);
    return 0;
}

/** The only line; NULL when it is not taken. */
static const struct line *agree(struct fixture *f, const char *session)
{
    const char *why = NULL;
    if (negotiate_offer(&f->n, &f->rules, &f->entropy, session, strlen(session), &why) != 0)
        return NULL;
    const struct answer_transport transport = {
        .ice_ufrag = "ourufrag", .ice_pwd = "ourpasswordoftwentyfour1", .fingerprint = FINGERPRINT};
    free(f->answer);
    assert_int_equal(negotiate_answer(&f->n, &transport, &f->answer), 0);
    return &f->n.lines[0];
}

static void says(const struct fixture *f, bool there, const char *part)
{
    if ((strstr(f->answer, part) != NULL) != there)
        fail_msg("%s '%s' in\n%s", there ? "missing" : "there should be no", part, f->answer);
}

static void test_every_codec(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f, SESSION("") EVERY_CODEC);
    assert_non_null(line);
    static const struct {
        enum media_codec codec;
        uint8_t payload_type;
    } expected[] = {
        {CODEC_VP8, 96},
        {CODEC_VP9, 98},
        {CODEC_VP9_2, 36},
        {CODEC_AV1, 45},
        {CODEC_H264_BASELINE_1, 102},
        {CODEC_H264_BASELINE, 104},
        {CODEC_H264_CONSTRAINED_1, 106},
        {CODEC_H264_CONSTRAINED, 108},
        {CODEC_H264_MAIN_1, 127},
        {CODEC_H264_MAIN, 39},
        {CODEC_H264_HIGH_1, 112},
        {CODEC_H264_HIGH, LINE_PAYLOAD_NONE},
        {CODEC_OPUS, LINE_PAYLOAD_NONE},
        {CODEC_RED, LINE_PAYLOAD_NONE},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(line->payload_type[expected[i].codec], expected[i].payload_type);
    assert_int_equal(line->rtx_payload_type[CODEC_VP9], 99);
    /* without a nack there is nothing to send again */
    assert_int_equal(line->rtx_payload_type[CODEC_AV1], LINE_PAYLOAD_NONE);
    says(f, true, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 106 108 102 104 127 39 112 98 99 45 36\r\n");
    says(f, true,
         "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n");
    says(f, true, "a=fmtp:98 profile-id=0\r\n");
    says(f, true, "a=fmtp:45 level-idx=8;profile=0;tier=1\r\n");
    says(f, true, "a=rtcp-fb:98 nack pli\r\n");
    says(f, false, "a=rtcp-fb:96 nack pli\r\n"); /* was not offered for that one */
    says(f, false, "f4001f");
    says(f, false, "red/90000");
}

static void test_defaults(void **state)
{
    struct fixture *f = *state;
    /* no fmtp: Baseline, mode 0; VP9 and AV1 of profile 0 */
    const struct line *line = agree(f, SESSION("") ONE_VIDEO("a=rtpmap:96 H264/90000\r\n"
                                                             "a=rtpmap:97 VP9/90000\r\n"
                                                             "a=rtpmap:98 AV1/90000\r\n"));
    assert_non_null(line);
    assert_int_equal(line->payload_type[CODEC_H264_BASELINE], 96);
    assert_int_equal(line->payload_type[CODEC_VP9], 97);
    assert_int_equal(line->payload_type[CODEC_AV1], 98);
    says(f, true, "a=fmtp:96 packetization-mode=0;profile-level-id=42000a\r\n");
    says(f, true, "a=fmtp:98 level-idx=5;profile=0;tier=0\r\n");
}

/** GStreamer says what it sends in the parameter sets alone. */
static void test_profile_of_parameter_sets(void **state)
{
    struct fixture *f = *state;
#define SETS(text)                                                                                 \
    SESSION("") ONE_VIDEO("a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;" text "\r\n")
    static const struct {
        const char *offer;
        enum media_codec codec;
    } all[] = {
        {SETS("sprop-parameter-sets=Z0LAHoyNQFAX/LAPCIRq,aM48gA=="), CODEC_H264_CONSTRAINED_1},
        {SETS("sprop-parameter-sets=Z2QAKKzZQHgC"), CODEC_H264_HIGH_1},
        {SETS("sprop-parameter-sets=Z2Q"), CODEC_H264_BASELINE_1},
        {SETS("sprop-parameter-sets=Z2?AKKzZQHgC"), CODEC_H264_BASELINE_1},
        {SETS("sprop-parameter-sets=aM48gA=="), CODEC_H264_BASELINE_1}, /* of a picture */
        {SETS("profile-level-id=42e01f;sprop-parameter-sets=Z2QAKKzZQHgC"),
         CODEC_H264_CONSTRAINED_1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct line *line = agree(f, all[i].offer);
        assert_non_null(line);
        assert_int_equal(line->payload_type[all[i].codec], 96);
        if (i < 2)
            says(f, true, "a=fmtp:96 packetization-mode=1;profile-level-id=42000a\r\n");
    }
}

/** Some leave out how many channels Opus has. */
static void test_opus_without_channels(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f, SESSION("") ONE_AUDIO("a=rtpmap:111 OPUS/48000\r\n"));
    assert_non_null(line);
    assert_int_equal(line_send_type(line, CODEC_OPUS), 111);
    says(f, true, "a=rtpmap:111 opus/48000/2\r\n");
    fixture_close(state);
    fixture_open(state);
    f = *state;
    assert_null(agree(f, SESSION("") ONE_AUDIO("a=rtpmap:111 opus/48000/6\r\n")));
}

static void test_damaged_formats(void **state)
{
    struct fixture *f = *state;
    static const char *const fmtps[] = {
        "profile-level-id=42e01",   "profile-level-id=42e01g",
        "profile-level-id=42e01f0", "profile-level-id=42e01f;packetization-mode=2",
        "profile-level-id=6e001f",  "profile-level-id=42e01f;packetization-mode=x",
    };
    for (size_t i = 0; i < sizeof fmtps / sizeof *fmtps; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%sa=fmtp:96 %s\r\n",
                 SESSION("") ONE_VIDEO("a=rtpmap:96 H264/90000\r\n"), fmtps[i]);
        if (agree(f, text))
            fail_msg("taken: %s", fmtps[i]);
    }
}

static void test_send_as(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f, SESSION("")
                                           ONE_VIDEO(H264(96, 1, "64001f") H264(97, 0, "42001f")));
    assert_non_null(line);
    assert_int_equal(line_send_type(line, CODEC_H264_HIGH_1), 96);
    assert_int_equal(line_send_type(line, CODEC_H264_MAIN), 96);
    assert_int_equal(line_send_type(line, CODEC_H264_CONSTRAINED_1), 96);
    assert_int_equal(line_send_type(line, CODEC_H264_BASELINE), 97);
    assert_int_equal(line_send_type(line, CODEC_H264_CONSTRAINED), 97);
    assert_int_equal(line_send_type(line, CODEC_H264_BASELINE_1), LINE_PAYLOAD_NONE);
    assert_int_equal(line_send_type(line, CODEC_VP8), LINE_PAYLOAD_NONE);
    assert_int_equal(line_send_rtx_type(line, CODEC_H264_HIGH_1), LINE_PAYLOAD_NONE);
    assert_true(line->send_codecs & 1u << CODEC_H264_CONSTRAINED_1);
    assert_false(line->send_codecs & 1u << CODEC_H264_BASELINE_1);
    assert_false(line->send_codecs & 1u << CODEC_VP8);
}

static void test_preference(void **state)
{
    struct fixture *f = *state;
    f->rules.prefer = 1u << CODEC_VP9 | 1u << CODEC_H264_MAIN;
    assert_non_null(agree(f, SESSION("") EVERY_CODEC));
    says(f, true, "m=video 9 UDP/TLS/RTP/SAVPF 39 98 99 96 97 106 108 102 104 127 112 45 36\r\n");
}

#define DESCRIPTOR                                                                                 \
    "a=extmap:12 "                                                                                 \
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n"

static void test_dependency_descriptor(void **state)
{
    struct fixture *f = *state;
    const struct line *line = agree(f,
                                    SESSION("") ONE_VIDEO("a=rtpmap:98 AV1/90000\r\n" DESCRIPTOR));
    assert_int_equal(line->extensions.dependency_descriptor, 0);
    line = agree(f, SESSION("a=extmap-allow-mixed\r\n")
                        ONE_VIDEO("a=rtpmap:98 AV1/90000\r\n" DESCRIPTOR));
    assert_int_equal(line->extensions.dependency_descriptor, 12);
    says(f, true, DESCRIPTOR);
}

static void test_red(void **state)
{
    struct fixture *f = *state;
#define OPUS "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    const struct line *line = agree(
        f, SESSION("") ONE_AUDIO(OPUS "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"));
    assert_non_null(line);
    assert_int_equal(line->payload_type[CODEC_RED], 63);
    assert_int_equal(line_send_type(line, CODEC_OPUS), 111);
    assert_int_equal(line->send_codecs, 1u << CODEC_OPUS);
    says(f, true, "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"); /* what it is asked to send */
    says(f, true, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n");
    /* of something else, of nothing we know, or of itself */
    static const char *const others[] = {"a=fmtp:63 111/9\r\n", "", "a=fmtp:63 63/63\r\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%s",
                 SESSION("") ONE_AUDIO(OPUS "a=rtpmap:63 red/48000/2\r\n"), others[i]);
        line = agree(f, text);
        assert_non_null(line);
        assert_int_equal(line->payload_type[CODEC_RED], LINE_PAYLOAD_NONE);
    }
}

/** SRTP never sees another packet under a number sent before. */
static void test_other_bytes_have_another_source(void **state)
{
#define SOUND "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n"
#define NUMBERS                                                                                    \
    "a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"     \
    "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:96 transport-cc\r\n"
#define PICTURE "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
#define RED "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
#define RTX "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    static const struct {
        const char *first, *then;
    } offers[] = {
        {SESSION("") ONE_AUDIO(SOUND), SESSION("") ONE_AUDIO(SOUND RED)},
        {SESSION("") ONE_AUDIO(SOUND), SESSION("") ONE_AUDIO(SOUND NUMBERS)},
        {SESSION("") ONE_VIDEO(PICTURE NUMBERS RTX), SESSION("") ONE_VIDEO(PICTURE NUMBERS)},
    };
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        fixture_close(state);
        fixture_open(state);
        struct fixture *f = *state;
        const struct line *line = agree(f, offers[i].first);
        assert_non_null(line);
        uint32_t before = line->local_ssrc;
        assert_int_equal(agree(f, offers[i].first)->local_ssrc, before);
        line = agree(f, offers[i].then);
        assert_true(before && line->local_ssrc && line->local_ssrc != before);
    }
}
#undef SOUND
#undef NUMBERS
#undef PICTURE
#undef RED
#undef RTX

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_codec),
        TEST(test_defaults),
        TEST(test_profile_of_parameter_sets),
        TEST(test_opus_without_channels),
        TEST(test_damaged_formats),
        TEST(test_send_as),
        TEST(test_preference),
        TEST(test_dependency_descriptor),
        TEST(test_red),
        TEST(test_other_bytes_have_another_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
