// SPDX-License-Identifier: Apache-2.0
/* Offers matched and answered: what browsers, GStreamer, aiortc and plain clients send, what is
 * refused and why, and what stays the same over renegotiations. */
#include "media/peer/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/peer/offers.h"

struct fixture {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct negotiation n;
    struct negotiate_rules rules;
    const char *why;
    char *answer;
    struct sdp *sdp; /* the answer, parsed */
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
    sdp_free(f->sdp);
    free(f->answer);
    free(f);
    return 0;
}

static int offer(struct fixture *f, const char *text)
{
    return negotiate_offer(&f->n, &f->rules, &f->entropy, text, strlen(text), &f->why);
}

static void answer(struct fixture *f)
{
    struct addr candidates[2];
    assert_int_equal(addr_parse_ip("192.0.2.10", 10000, &candidates[0]), 0);
    assert_int_equal(addr_parse_ip("2001:db8::10", 10001, &candidates[1]), 0);
    struct answer_transport transport = {.ice_ufrag = "ourufrag",
                                         .ice_pwd = "ourpasswordoftwentyfour1",
                                         .fingerprint = FINGERPRINT,
                                         .candidates = candidates,
                                         .candidate_count = 2};
    free(f->answer);
    sdp_free(f->sdp);
    assert_int_equal(negotiate_answer(&f->n, &transport, &f->answer), 0);
    const char *why = NULL;
    if (sdp_parse(f->answer, strlen(f->answer), &f->sdp, &why))
        fail_msg("our own answer does not parse: %s\n%s", why, f->answer);
    assert_int_equal(f->sdp->media_count, f->n.line_count);
    assert_true(f->sdp->ice_lite);
    for (size_t i = 0; i < f->sdp->media_count; i++) {
        const struct sdp_media *m = &f->sdp->media[i];
        assert_true(span_equal(m->ice_ufrag, "ourufrag"));
        assert_true(span_equal(m->ice_pwd, "ourpasswordoftwentyfour1"));
        assert_true(span_equal(m->fingerprint.value, FINGERPRINT));
        assert_int_equal(m->setup, SDP_SETUP_PASSIVE);
    }
}

static void agree(struct fixture *f, const char *text)
{
    int er = offer(f, text);
    if (er)
        fail_msg("refused: %s (%s)", f->why, er_name(er));
    assert_null(f->why);
    answer(f);
}

static void refused(struct fixture *f, int er, const char *text, const char *part)
{
    assert_int_equal(offer(f, text), er);
    assert_non_null(f->why);
    if (!strstr(f->why, part))
        fail_msg("'%s' does not say '%s'", f->why, part);
}

static bool says(const struct fixture *f, const char *line)
{
    return strstr(f->answer, line) != NULL;
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

static void test_chromium(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    assert_int_equal(f->n.line_count, 2);
    const struct line *a = &f->n.lines[0], *v = &f->n.lines[1];
    assert_int_equal(a->kind, MEDIA_AUDIO);
    assert_true(a->receives && a->sends && !a->rejected);
    assert_int_equal(a->payload_type[CODEC_OPUS], 111);
    assert_int_equal(a->payload_type[CODEC_VP8], 0xff);
    assert_int_equal(a->rtx_payload_type[CODEC_OPUS], 0xff);
    assert_false(a->nack);
    assert_int_equal(a->extensions.audio_level, 1);
    assert_int_equal(a->extensions.mid, 4);
    assert_string_equal(a->label, "track-audio");
    assert_int_equal(a->remote_ssrc, 1001);
    assert_int_equal(v->payload_type[CODEC_VP8], 96);
    assert_int_equal(v->rtx_payload_type[CODEC_VP8], 97);
    assert_true(v->nack && v->transport_cc && !v->remb);
    assert_int_equal(v->extensions.transport_cc, 3);
    assert_int_equal(v->extensions.abs_send_time, 0);
    assert_int_equal(v->extensions.rid, 10);
    assert_int_equal(v->extensions.repaired_rid, 11);
    assert_int_equal(v->remote_ssrc, 2001);
    assert_int_equal(v->remote_rtx_ssrc, 2002);
    assert_true(v->local_ssrc && v->local_rtx_ssrc && v->local_ssrc != v->local_rtx_ssrc);
    assert_true(a->local_ssrc && !a->local_rtx_ssrc && a->local_ssrc != v->local_ssrc);
    assert_string_equal(f->n.remote_ufrag, "Rem1");
    assert_string_equal(f->n.fingerprint, FINGERPRINT);
    assert_string_equal(f->n.fingerprint_algorithm, "sha-256");
    assert_false(f->n.ice_restarted);
}

static void test_answer_to_chromium(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    static const char *const lines[] = {
        "a=group:BUNDLE 0 1\r\n",
        "a=extmap-allow-mixed\r\n",
        "m=audio 10000 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 192.0.2.10\r\n",
        "m=video 10000 UDP/TLS/RTP/SAVPF 96 97 103 104 98 99\r\n",
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=fmtp:111 minptime=10;useinbandfec=1\r\n",
        "a=rtcp-fb:111 transport-cc\r\n",
        "a=rtpmap:96 VP8/90000\r\n",
        "a=rtcp-fb:96 nack\r\n",
        "a=rtcp-fb:96 nack pli\r\n",
        "a=rtcp-fb:96 ccm fir\r\n",
        "a=rtcp-fb:96 transport-cc\r\n",
        "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
        "a=candidate:1 1 udp 2130706431 192.0.2.10 10000 typ host\r\n",
        "a=candidate:2 1 udp 2130706175 2001:db8::10 10001 typ host\r\n",
        "a=end-of-candidates\r\n",
        "a=rtcp-rsize\r\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!says(f, lines[i]))
            fail_msg("missing %s in\n%s", lines[i], f->answer);
    assert_false(says(f, "goog-remb"));
    assert_false(says(f, "video-orientation")); /* the publisher turns its picture itself */
    assert_false(says(f, "toffset"));
    assert_false(says(f, "abs-send-time"));
    assert_int_equal(count(f->answer, "a=sendrecv\r\n"), 2);
    assert_int_equal(count(f->answer, "a=rtcp-mux\r\n"), 2);
    assert_int_equal(count(f->answer, "cname:"), 3);
    const struct sdp_media *v = &f->sdp->media[1];
    assert_int_equal(v->ssrcs[0].ssrc, f->n.lines[1].local_ssrc);
    assert_int_equal(v->ssrcs[0].rtx_ssrc, f->n.lines[1].local_rtx_ssrc);
    assert_true(span_equal(v->msid_stream, f->n.cname));
}

static void test_firefox(void **state)
{
    struct fixture *f = *state;
    agree(f, FIREFOX_OFFER);
    const struct line *a = &f->n.lines[0], *v = &f->n.lines[1];
    assert_true(a->receives && !a->sends);
    assert_true(v->sends && !v->receives);
    assert_int_equal(a->payload_type[CODEC_OPUS], 109);
    assert_int_equal(v->payload_type[CODEC_VP8], 120);
    assert_int_equal(v->rtx_payload_type[CODEC_VP8], 124);
    assert_int_equal(v->extensions.transport_cc, 7);
    assert_int_equal(a->remote_ssrc, 3001);
    assert_int_equal(v->remote_ssrc, 0); /* a=ssrc of a line it does not send on */
    assert_int_equal(a->local_ssrc, 0);
    assert_int_equal(f->sdp->media[0].direction, SDP_RECVONLY);
    assert_int_equal(f->sdp->media[1].direction, SDP_SENDONLY);
    assert_true(says(f, "a=fmtp:109 minptime=10;useinbandfec=1;stereo=1\r\n"));
    assert_false(says(f, "extmap-allow-mixed"));
    assert_string_equal(f->n.remote_ufrag, "f1ref0x1");
}

static void test_gstreamer_max_bundle(void **state)
{
    struct fixture *f = *state;
    agree(f, GSTREAMER_OFFER);
    assert_false(f->n.lines[0].rejected);
    assert_false(f->n.lines[1].rejected); /* port 0, but bundle-only */
    assert_true(f->n.lines[2].rejected);
    assert_int_equal(f->n.lines[1].payload_type[CODEC_OPUS], 98);
    assert_true(says(f, "a=group:BUNDLE video0 audio1\r\n"));
    assert_true(says(f, "m=video 0 UDP/TLS/RTP/SAVPF 102\r\n"));
    /* answer() has checked ICE, fingerprint and setup of every line. */
    assert_true(span_equal(f->sdp->media[2].mid, "video2"));
}

static void test_plain_client(void **state)
{
    struct fixture *f = *state;
    agree(f, PLAIN_OFFER);
    assert_true(f->n.lines[0].receives);
    assert_string_equal(f->n.lines[0].mid, "m0");
    assert_false(f->n.lines[0].nack);
    assert_false(says(f, "a=mid"));
    assert_false(says(f, "BUNDLE"));
    assert_false(says(f, "rtcp-rsize"));
    assert_false(says(f, "a=rtcp-fb"));
    assert_true(says(f, "a=recvonly\r\n"));
}

static void test_lines_without_mid_in_a_bundle(void **state)
{
    struct fixture *f = *state;
#define NAMELESS(kind, codec)                                                                      \
    "m=" kind " 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT(                                             \
        "actpass") "a=rtcp-mux\r\na=sendonly\r\na=rtpmap:96 " codec "\r\n"
    agree(f, SESSION("a=group:BUNDLE a v\r\n") NAMELESS("audio", "opus/48000/2")
                 NAMELESS("video", "VP8/90000"));
    assert_true(says(f, "a=group:BUNDLE a v\r\n"));
    assert_false(says(f, "a=mid"));
    refused(f, ER_UNSUPPORTED,
            SESSION("") NAMELESS("audio", "opus/48000/2") NAMELESS("video", "VP8/90000"), "BUNDLE");
    refused(f, ER_UNSUPPORTED,
            SESSION("a=group:BUNDLE a\r\n") NAMELESS("audio", "opus/48000/2")
                NAMELESS("video", "VP8/90000"),
            "BUNDLE");
}

static void test_extension_ids_may_differ_per_line(void **state)
{
    struct fixture *f = *state;
#define NUMBERED(mid, id)                                                                          \
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT(                                                \
        "actpass") "a=mid:" mid "\r\na=rtcp-mux\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n"        \
                   "a=extmap:" id " urn:ietf:params:rtp-hdrext:sdes:mid\r\n"                       \
                   "a=extmap:9 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"     \
                   "a=rtcp-fb:* goog-remb\r\n"
    agree(f, SESSION("a=group:BUNDLE x y z\r\n") NUMBERED("x", "1") NUMBERED("y", "5")
                 NUMBERED("z", "20"));
    assert_int_equal(f->n.lines[0].extensions.mid, 1);
    assert_int_equal(f->n.lines[1].extensions.mid, 5);
    assert_int_equal(f->n.lines[2].extensions.mid, 0); /* two-byte form was not offered */
    assert_int_equal(f->n.lines[0].extensions.abs_send_time, 9);
    assert_true(f->n.lines[0].remb && !f->n.lines[0].transport_cc);
    assert_true(says(f, "a=rtcp-fb:96 goog-remb\r\n"));
}

static void test_one_extension_id_means_one_thing(void **state)
{
    struct fixture *f = *state;
#define LEVEL(mid, id)                                                                             \
    "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n" TRANSPORT(                                                \
        "actpass") "a=mid:" mid "\r\na=rtcp-mux\r\na=sendonly\r\na=rtpmap:96 opus/48000/2\r\n"     \
                   "a=extmap:" id " urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    agree(f,
          SESSION("a=group:BUNDLE x y z\r\n") NUMBERED("x", "1") LEVEL("y", "9") LEVEL("z", "2"));
    assert_int_equal(f->n.lines[0].extensions.abs_send_time, 9);
    assert_int_equal(f->n.lines[1].extensions.audio_level, 0);
    assert_int_equal(f->n.lines[2].extensions.audio_level, 2);
}

static void test_rules(void **state)
{
    struct fixture *f = *state;
    f->rules = (struct negotiate_rules){.may_publish = false, .may_subscribe = true};
    agree(f, CHROME_OFFER);
    assert_true(!f->n.lines[0].receives && f->n.lines[0].sends);
    assert_int_equal(f->sdp->media[0].direction, SDP_SENDONLY);
    assert_int_equal(f->n.lines[0].remote_ssrc, 0);

    f->rules = (struct negotiate_rules){.may_publish = true, .may_subscribe = false};
    agree(f, CHROME_OFFER);
    assert_int_equal(f->sdp->media[0].direction, SDP_RECVONLY);
    assert_int_equal(f->n.lines[0].local_ssrc, 0);
    assert_false(says(f, "a=ssrc"));

    f->rules = (struct negotiate_rules){0};
    agree(f, CHROME_OFFER);
    assert_int_equal(f->sdp->media[1].direction, SDP_INACTIVE);
    assert_false(f->n.lines[1].rejected);
}

static void test_too_many_published(void **state)
{
    struct fixture *f = *state;
    f->rules.max_published = 1;
    agree(f, CHROME_SESSION("0 1 2") CHROME_AUDIO("0", "sendonly") CHROME_VIDEO("1", "sendonly")
                 CHROME_VIDEO("2", "sendrecv"));
    assert_true(f->n.lines[0].receives);
    assert_true(f->n.lines[1].rejected);
    assert_true(!f->n.lines[2].rejected && !f->n.lines[2].receives && f->n.lines[2].sends);
    assert_true(says(f, "a=group:BUNDLE 0 2\r\n"));
}

static void test_what_is_not_relayed_is_rejected(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_SESSION("d 0 s") DATA_CHANNEL("d") CHROME_AUDIO(
                 "0", "inactive") "m=audio 9 RTP/AVP 0\r\na=mid:s\r\na=rtcp-mux\r\na=sendonly\r\n");
    assert_true(f->n.lines[0].rejected);
    assert_true(f->n.lines[2].rejected);
    const struct line *a = &f->n.lines[1];
    assert_true(!a->rejected && !a->receives && !a->sends);
    assert_true(says(f, "a=group:BUNDLE 0\r\n"));
    assert_true(says(f, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert_true(says(f, "m=audio 0 RTP/AVP 0\r\n"));
    assert_true(says(f, "a=inactive\r\n"));
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
#define ONE(more) SESSION("") "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n" more
#define ICE "a=ice-ufrag:Rem1\r\na=ice-pwd:remotepasswordofmore22\r\n"
#define PRINT "a=fingerprint:sha-256 " FINGERPRINT "\r\n"
    refused(f, ER_MALFORMED, "hello", "");
    refused(f, ER_UNSUPPORTED, SESSION(""), "");
    refused(f, ER_UNSUPPORTED, ONE(TRANSPORT("actpass")), "rtcp-mux");
    refused(f, ER_UNSUPPORTED, ONE(TRANSPORT("passive") "a=rtcp-mux\r\n"), "setup");
    refused(f, ER_UNSUPPORTED, ONE(ICE "a=rtcp-mux\r\n"), "fingerprint");
    refused(f, ER_UNSUPPORTED, ONE(ICE "a=rtcp-mux\r\na=fingerprint:sha-1 AB:CD\r\n"),
            "fingerprint");
    refused(f, ER_MALFORMED, ONE(PRINT "a=rtcp-mux\r\n"), "ice-ufrag");
    refused(f, ER_MALFORMED, ONE(PRINT "a=rtcp-mux\r\na=ice-ufrag:Rem1\r\na=ice-pwd:short\r\n"),
            "ice-pwd");
    refused(
        f, ER_UNSUPPORTED,
        SESSION("a=ice-lite\r\n") "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
                                  "a=rtpmap:96 VP8/90000\r\na=rtcp-mux\r\n" TRANSPORT("actpass"),
        "lite");
    refused(f, ER_UNSUPPORTED, CHROME_SESSION("d") DATA_CHANNEL("d"), "relayed");
    refused(f, ER_MALFORMED,
            CHROME_SESSION("0 1") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("0", "sendrecv"),
            "mid");
    assert_int_equal(f->n.line_count, 0);
    assert_int_equal(f->n.session_version, 0);
    assert_int_equal(offer(f, ONE(TRANSPORT("actpass") "a=rtcp-mux\r\n")), 0);
}

static void test_renegotiation_keeps_and_adds(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_SESSION("0 1") CHROME_AUDIO("0", "sendonly") CHROME_VIDEO("1", "recvonly"));
    uint32_t ssrc = f->n.lines[1].local_ssrc, rtx = f->n.lines[1].local_rtx_ssrc;
    uint64_t version = f->n.session_version, id = f->n.session_id;
    agree(f, CHROME_SESSION("0 1 2") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("1", "sendrecv")
                 CHROME_VIDEO("2", "recvonly"));
    assert_int_equal(f->n.lines[1].local_ssrc, ssrc);
    assert_int_equal(f->n.lines[1].local_rtx_ssrc, rtx);
    assert_true(f->n.lines[0].local_ssrc != 0 && f->n.lines[2].local_ssrc != 0);
    assert_true(f->n.session_version == version + 1 && f->n.session_id == id);
    assert_false(f->n.ice_restarted);
    /* A line that stops sending and starts again does so with new SSRCs. */
    agree(f, CHROME_SESSION("0 1 2") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("1", "inactive")
                 CHROME_VIDEO("2", "recvonly"));
    assert_int_equal(f->n.lines[1].local_ssrc, 0);
    agree(f, CHROME_SESSION("0 1 2") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("1", "sendrecv")
                 CHROME_VIDEO("2", "recvonly"));
    assert_true(f->n.lines[1].local_ssrc != 0 && f->n.lines[1].local_ssrc != ssrc);
}

static void test_renegotiation_refusals_change_nothing(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    uint32_t ssrc = f->n.lines[1].local_ssrc;
    refused(f, ER_MALFORMED, CHROME_SESSION("0") CHROME_AUDIO("0", "sendrecv"), "missing");
    refused(f, ER_MALFORMED,
            CHROME_SESSION("1 0") CHROME_VIDEO("1", "sendrecv") CHROME_AUDIO("0", "sendrecv"),
            "kind");
    refused(f, ER_MALFORMED,
            CHROME_SESSION("0 7") CHROME_AUDIO("0", "sendrecv") CHROME_VIDEO("7", "sendrecv"),
            "mid");
    assert_int_equal(f->n.session_version, 1);
    assert_int_equal(f->n.lines[1].local_ssrc, ssrc);
    assert_string_equal(f->n.lines[1].mid, "1");
}

static void test_what_is_repeated_stays_alike(void **state)
{
#define NO_RTX(type, id)                                                                           \
    CHROME_SESSION("0")                                                                            \
    "m=video 9 UDP/TLS/RTP/SAVPF " type                                                            \
    "\r\n" TRANSPORT("actpass") "a=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:" type            \
                                " VP8/90000\r\n"                                                   \
                                "a=rtcp-fb:" type " nack\r\n"                                      \
                                "a=extmap:" id " urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    struct fixture *f = *state;
    agree(f, NO_RTX("96", "4"));
    uint32_t first = f->n.lines[0].local_ssrc;
    agree(f, NO_RTX("96", "4"));
    assert_int_equal(f->n.lines[0].local_ssrc, first);
    agree(f, NO_RTX("96", "5"));
    uint32_t second = f->n.lines[0].local_ssrc;
    assert_true(second && second != first);
    agree(f, NO_RTX("97", "5"));
    assert_true(f->n.lines[0].local_ssrc && f->n.lines[0].local_ssrc != second);
#undef NO_RTX
}

static void test_names_are_text(void **state)
{
    struct fixture *f = *state;
    refused(f, ER_MALFORMED, CHROME_SESSION("\xff") CHROME_AUDIO("\xff", "sendrecv"), "mid");
    agree(f, CHROME_SESSION("0") "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" TRANSPORT(
                 "actpass") "a=mid:0\r\na=msid:s \xc3(\r\na=sendonly\r\na=rtcp-mux\r\n"
                            "a=rtpmap:111 opus/48000/2\r\n");
    assert_string_equal(f->n.lines[0].label, "");
    agree(f, CHROME_SESSION("0") "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" TRANSPORT(
                 "actpass") "a=mid:0\r\na=msid:s h\xc3\xb6ren\r\na=sendonly\r\na=rtcp-mux\r\n"
                            "a=rtpmap:111 opus/48000/2\r\n");
    assert_string_equal(f->n.lines[0].label, "h\xc3\xb6ren");
}

static void test_stopped_line_may_be_reused(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    agree(f, CHROME_SESSION("0") CHROME_AUDIO(
                 "0", "sendrecv") "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n");
    assert_true(f->n.lines[1].rejected);
    assert_true(says(f, "a=group:BUNDLE 0\r\n"));
    agree(f, CHROME_SESSION("0 2") CHROME_AUDIO("0", "sendrecv") CHROME_AUDIO("2", "sendonly"));
    assert_int_equal(f->n.lines[1].kind, MEDIA_AUDIO);
    assert_string_equal(f->n.lines[1].mid, "2");
    assert_false(f->n.lines[1].rejected);
}

static void test_all_lines_may_be_stopped_later(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    agree(f, SESSION("a=group:BUNDLE\r\n") "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                                           "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n");
    assert_true(f->n.lines[0].rejected && f->n.lines[1].rejected);
    assert_false(says(f, "BUNDLE"));
    assert_string_equal(f->n.remote_ufrag, "Rem1");
}

static void test_ice_restart(void **state)
{
    struct fixture *f = *state;
    agree(f, CHROME_OFFER);
    char text[16384];
    size_t len = strlen(CHROME_OFFER);
    memcpy(text, CHROME_OFFER, len + 1);
    for (char *at = text; (at = strstr(at, "a=ice-ufrag:Rem1")); at++)
        memcpy(at + strlen("a=ice-ufrag:"), "Rem2", 4);
    agree(f, text);
    assert_true(f->n.ice_restarted);
    assert_string_equal(f->n.remote_ufrag, "Rem2");
    agree(f, text);
    assert_false(f->n.ice_restarted);
}

static void test_copy(void **state)
{
    struct fixture *f = *state;
    struct negotiation copy;
    assert_int_equal(negotiation_copy(&copy, &f->n), 0);
    assert_null(copy.lines);
    agree(f, CHROME_OFFER);
    assert_int_equal(negotiation_copy(&copy, &f->n), 0);
    assert_ptr_not_equal(copy.lines, f->n.lines);
    assert_memory_equal(copy.lines, f->n.lines, 2 * sizeof *copy.lines);
    negotiation_clear(&copy);
}

static void test_answer_of_many_lines(void **state)
{
    struct fixture *f = *state;
    static char text[LIMIT_SDP_BYTES];
    int len = snprintf(text, sizeof text, "%sa=group:BUNDLE", SESSION(""));
    for (int i = 0; i < 40; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, " line%d", i);
    len += snprintf(text + len, sizeof text - (size_t)len, "\r\n");
    for (int i = 0; i < 40; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n%sa=mid:line%d\r\na=rtcp-mux\r\n"
                        "a=recvonly\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
                        "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n",
                        TRANSPORT("actpass"), i);
    assert_true((size_t)len < sizeof text);
    agree(f, text);
    for (size_t i = 0; i < 40; i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(f->n.lines[i].local_ssrc, f->n.lines[k].local_ssrc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chromium),
        TEST(test_answer_to_chromium),
        TEST(test_firefox),
        TEST(test_gstreamer_max_bundle),
        TEST(test_plain_client),
        TEST(test_lines_without_mid_in_a_bundle),
        TEST(test_extension_ids_may_differ_per_line),
        TEST(test_one_extension_id_means_one_thing),
        TEST(test_rules),
        TEST(test_too_many_published),
        TEST(test_what_is_not_relayed_is_rejected),
        TEST(test_refusals),
        TEST(test_renegotiation_keeps_and_adds),
        TEST(test_renegotiation_refusals_change_nothing),
        TEST(test_stopped_line_may_be_reused),
        TEST(test_names_are_text),
        TEST(test_what_is_repeated_stays_alike),
        TEST(test_all_lines_may_be_stopped_later),
        TEST(test_ice_restart),
        TEST(test_copy),
        TEST(test_answer_of_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
