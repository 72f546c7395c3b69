// SPDX-License-Identifier: Apache-2.0
/* The answer's text from a negotiation put together by hand: candidates of both families or none,
 * rejected lines, what is left out. Answers to whole offers are in test_negotiate.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/peer/negotiate.h"
#include "media/wire/sdp.h"

#define PRINT                                                                                      \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"   \
    "EE:FF"

static struct line make_line(enum media_kind kind, const char *mid)
{
    struct line line = {.kind = kind, .mid_offered = true};
    memset(line.payload_type, 0xff, sizeof line.payload_type);
    memset(line.rtx_payload_type, 0xff, sizeof line.rtx_payload_type);
    line.payload_type[kind == MEDIA_AUDIO ? CODEC_OPUS : CODEC_VP8] = 100;
    snprintf(line.mid, sizeof line.mid, "%s", mid);
    snprintf(line.kind_text, sizeof line.kind_text, "%s", kind == MEDIA_AUDIO ? "audio" : "video");
    snprintf(line.protocol, sizeof line.protocol, "UDP/TLS/RTP/SAVPF");
    snprintf(line.format, sizeof line.format, "100");
    return line;
}

static char *write_answer(struct line *lines, size_t count, const struct addr *candidates,
                          size_t candidate_count, size_t tcp_candidate_count, bool bundled)
{
    struct negotiation n = {.line_count = count,
                            .lines = lines,
                            .session_id = 7,
                            .session_version = 3,
                            .cname = "someone",
                            .bundled = bundled};
    struct answer_transport transport = {.ice_ufrag = "ufragufr",
                                         .ice_pwd = "passwordpasswordpassword",
                                         .fingerprint = PRINT,
                                         .candidates = candidates,
                                         .candidate_count = candidate_count,
                                         .tcp_candidates = candidates,
                                         .tcp_candidate_count = tcp_candidate_count};
    char *text = NULL;
    struct sdp *sdp = NULL;
    assert_int_equal(negotiate_answer(&n, &transport, &text), 0);
    assert_int_equal(sdp_parse(text, strlen(text), &sdp, NULL), 0);
    assert_int_equal(sdp->media_count, count);
    sdp_free(sdp);
    return text;
}

static void expect(const char *text, bool there, const char *part)
{
    if ((strstr(text, part) != NULL) != there)
        fail_msg("%s '%s' in\n%s", there ? "no" : "unwanted", part, text);
}

static void test_candidates(void **state)
{
    (void)state;
    struct addr list[2];
    struct line line = make_line(MEDIA_VIDEO, "v");
    assert_int_equal(addr_parse_ip("2001:db8::5", 4000, &list[0]), 0);
    assert_int_equal(addr_parse_ip("192.0.2.5", 4001, &list[1]), 0);
    char *text = write_answer(&line, 1, list, 2, 2, true);
    expect(text, true, "o=- 7 3 IN IP4 127.0.0.1\r\n");
    expect(text, true, "m=video 4000 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP6 2001:db8::5\r\n");
    expect(text, true, "a=candidate:1 1 udp 2130706431 2001:db8::5 4000 typ host\r\n");
    expect(text, true, "a=candidate:2 1 udp 2130706175 192.0.2.5 4001 typ host\r\n");
    expect(text, true,
           "a=candidate:3 1 tcp 1520435199 2001:db8::5 4000 typ host tcptype passive\r\n");
    expect(text, true,
           "a=candidate:4 1 tcp 1520434943 192.0.2.5 4001 typ host tcptype passive\r\n");
    free(text);
    text = write_answer(&line, 1, NULL, 0, 0, true);
    expect(text, true, "m=video 9 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\n");
    expect(text, true, "a=end-of-candidates\r\n");
    expect(text, false, "a=candidate");
    free(text);
}

static void test_rejected_lines_tell_their_transport(void **state)
{
    (void)state;
    struct line lines[2] = {make_line(MEDIA_VIDEO, "gone"), make_line(MEDIA_AUDIO, "kept")};
    lines[0].rejected = true;
    char *text = write_answer(lines, 2, NULL, 0, 0, true);
    expect(text, true, "a=group:BUNDLE kept\r\n");
    expect(text, true,
           "m=video 0 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\na=mid:gone\r\n"
           "a=ice-ufrag:ufragufr\r\na=ice-pwd:passwordpasswordpassword\r\n"
           "a=fingerprint:sha-256 " PRINT "\r\na=setup:passive\r\nm=audio ");
    free(text);
}

static void test_directions_and_sources(void **state)
{
    (void)state;
    static const struct {
        bool receives;
        bool sends;
        const char *direction;
    } table[] = {{true, true, "a=sendrecv\r\n"},
                 {true, false, "a=recvonly\r\n"},
                 {false, true, "a=sendonly\r\n"},
                 {false, false, "a=inactive\r\n"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct line line = make_line(MEDIA_VIDEO, "v");
        line.receives = table[i].receives;
        line.sends = table[i].sends;
        line.local_ssrc = 1111;
        line.local_rtx_ssrc = 2222;
        line.rtx_payload_type[CODEC_VP8] = 101;
        char *text = write_answer(&line, 1, NULL, 0, 0, true);
        expect(text, true, table[i].direction);
        expect(text, line.sends, "a=msid:someone v\r\n");
        expect(text, line.sends, "a=ssrc-group:FID 1111 2222\r\n");
        expect(text, line.sends, "a=ssrc:2222 cname:someone\r\n");
        expect(text, true, "a=rtpmap:101 rtx/90000\r\na=fmtp:101 apt=100\r\n");
        free(text);
    }
}

static void test_nothing_that_was_not_agreed(void **state)
{
    (void)state;
    struct line line = make_line(MEDIA_AUDIO, "a");
    line.mid_offered = false;
    char *text = write_answer(&line, 1, NULL, 0, 0, false);
    static const char *const unwanted[] = {"a=mid",        "BUNDLE", "a=rtcp-fb", "a=extmap",
                                           "a=rtcp-rsize", "stereo", "a=ssrc",    "rtx"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        expect(text, false, unwanted[i]);
    free(text);
}

static void test_feedback_and_extensions(void **state)
{
    (void)state;
    struct line line = make_line(MEDIA_VIDEO, "v");
    line.nack = line.remb = line.rtcp_rsize = true;
    line.feedback[CODEC_VP8] = LINE_NACK | LINE_NACK_PLI | LINE_CCM_FIR | LINE_REMB |
                               LINE_TRANSPORT_CC;
    line.extensions = (struct line_extensions){.mid = 1, .audio_level = 14};
    char *text = write_answer(&line, 1, NULL, 0, 0, true);
    static const char *const wanted[] = {
        "a=rtcp-fb:100 nack\r\n",
        "a=rtcp-fb:100 nack pli\r\n",
        "a=rtcp-fb:100 ccm fir\r\n",
        "a=rtcp-fb:100 goog-remb\r\n",
        "a=rtcp-rsize\r\n",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
        "a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        expect(text, true, wanted[i]);
    expect(text, false, "transport-cc");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_rejected_lines_tell_their_transport),
        cmocka_unit_test(test_directions_and_sources),
        cmocka_unit_test(test_nothing_that_was_not_agreed),
        cmocka_unit_test(test_feedback_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
