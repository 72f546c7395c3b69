// SPDX-License-Identifier: Apache-2.0
/* SDP: offers of real clients (the fuzzer's seeds), inheritance, and every refusal. Run it from the
 * project's top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/er.h"
#include "media/wire/sdp.h"

#define TWCC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define MID "urn:ietf:params:rtp-hdrext:sdes:mid"

static char text[LIMIT_SDP_BYTES + 4096];

static struct sdp *load(const char *name)
{
    char path[200];
    struct sdp *s = NULL;
    const char *why = NULL;
    snprintf(path, sizeof path, "tests/fuzz/corpus/sdp/%s.sdp", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    if (sdp_parse(text, len, &s, &why) < 0)
        fail_msg("%s: %s", name, why);
    return s;
}

static int parse(const char *lines, struct sdp **ret)
{
    const char *why = NULL;
    int len = snprintf(text, sizeof text, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n%s", lines);
    *ret = NULL;
    int er = sdp_parse(text, (size_t)len, ret, &why);
    assert_true(er < 0 ? why && !*ret : *ret != NULL);
    return er;
}

static const struct sdp_codec *codec_named(const struct sdp_media *m, const char *name)
{
    for (size_t i = 0; i < m->codec_count; i++)
        if (span_equal_nocase(m->codecs[i].name, name))
            return &m->codecs[i];
    fail_msg("no codec %s", name);
    return NULL;
}

static uint8_t extension_id(const struct sdp_media *m, const char *uri)
{
    for (size_t i = 0; i < m->extension_count; i++)
        if (span_equal(m->extensions[i].uri, uri))
            return m->extensions[i].id;
    return 0;
}

static void check_rtx(const struct sdp_media *m, uint8_t vp8, uint8_t rtx)
{
    const struct sdp_codec *c = codec_named(m, "VP8");
    assert_int_equal(c->payload_type, vp8);
    assert_int_equal(c->clock_rate, 90000);
    assert_true(c->nack && c->nack_pli && c->ccm_fir && c->transport_cc && c->goog_remb);
    c = sdp_find_codec(m, rtx);
    assert_non_null(c);
    assert_true(span_equal(c->name, "rtx"));
    char apt[4];
    snprintf(apt, sizeof apt, "%u", vp8);
    assert_true(span_equal(sdp_fmtp_get(c->fmtp, "apt"), apt));
}

static void test_chromium(void **state)
{
    (void)state;
    struct sdp *s = load("chromium-publish-and-watch");
    assert_int_equal(s->media_count, 5);
    assert_true(s->has_bundle && span_equal(s->bundle, "0 1 2 3 4"));
    assert_true(s->extmap_allow_mixed && !s->ice_lite);
    const struct sdp_media *audio = &s->media[0];
    const struct sdp_media *video = &s->media[1];
    assert_int_equal(audio->kind, SDP_AUDIO);
    assert_int_equal(audio->direction, SDP_SENDONLY);
    assert_true(span_equal(audio->mid, "0") && audio->rtcp_mux);
    assert_int_equal(audio->setup, SDP_SETUP_ACTPASS);
    assert_true(span_equal(audio->fingerprint.algorithm, "sha-256"));
    assert_int_equal(audio->fingerprint.value.len, 95);
    assert_int_equal(audio->ice_ufrag.len, 4);
    assert_int_equal(audio->ice_pwd.len, 24);
    const struct sdp_codec *opus = codec_named(audio, "opus");
    assert_true(opus->clock_rate == 48000 && opus->channels == 2 && opus->transport_cc);
    assert_true(span_equal(sdp_fmtp_get(opus->fmtp, "useinbandfec"), "1"));
    assert_int_equal(audio->ssrc_count, 1);
    assert_int_equal(audio->msid_stream.len, 36);
    assert_int_equal(audio->msid_track.len, 36);
    check_rtx(video, 96, 97);
    assert_int_equal(extension_id(video, MID), 4);
    assert_int_equal(extension_id(video, TWCC), 3);
    assert_int_equal(video->ssrc_count, 1);
    assert_true(video->ssrcs[0].rtx_ssrc != 0 && video->rtcp_rsize);
    assert_int_equal(s->media[2].direction, SDP_RECVONLY);
    assert_null(s->media[2].msid_stream.at);
    assert_int_equal(s->media[4].kind, SDP_APPLICATION);
    assert_true(span_equal(s->media[4].formats, "webrtc-datachannel"));
    assert_int_equal(s->media[4].codec_count, 0);
    sdp_free(s);
}

static void test_firefox(void **state)
{
    (void)state;
    struct sdp *s = load("firefox-publish-and-watch");
    assert_int_equal(s->media_count, 5);
    /* the fingerprint stands in the session */
    assert_true(span_equal(s->media[1].fingerprint.algorithm, "sha-256"));
    check_rtx(&s->media[1], 120, 124);
    assert_int_equal(s->media[0].direction, SDP_SENDONLY);
    assert_true(span_equal(codec_named(&s->media[0], "opus")->name, "opus"));
    assert_int_equal(s->media[1].ssrc_count, 1); /* FID comes behind the a=ssrc lines */
    assert_true(s->media[1].ssrcs[0].rtx_ssrc != 0);
    sdp_free(s);

    s = load("firefox-simulcast");
    assert_int_equal(s->media[0].rid_count, 3);
    assert_true(span_equal(s->media[0].rids[0], "q") && span_equal(s->media[0].rids[2], "f"));
    assert_int_equal(s->media[0].ssrc_count, 3);
    assert_true(span_equal(s->media[0].msid_stream, "-"));
    sdp_free(s);

    s = load("firefox-watch");
    assert_int_equal(s->media_count, 2);
    assert_int_equal(s->media[1].direction, SDP_RECVONLY);
    assert_true(span_equal(codec_named(&s->media[1], "telephone-event")->fmtp, "0-15"));
    sdp_free(s);
}

static void test_simulcast_and_watch(void **state)
{
    (void)state;
    struct sdp *s = load("chromium-simulcast");
    assert_int_equal(s->media[0].rid_count, 3);
    assert_true(span_equal(s->media[0].rids[1], "h"));
    assert_int_equal(s->media[0].ssrc_count, 0);
    sdp_free(s);
    s = load("chromium-watch");
    assert_int_equal(s->media_count, 2);
    sdp_free(s);
    s = load("safari-publish");
    assert_int_equal(s->media[1].direction, SDP_SENDRECV);
    check_rtx(&s->media[1], 106, 107);
    assert_int_equal(s->media[1].ssrcs[0].ssrc, 2087613445);
    assert_int_equal(s->media[1].ssrcs[0].rtx_ssrc, 914275110);
    sdp_free(s);
    s = load("aiortc-publish");
    assert_int_equal(s->media_count, 3);
    assert_int_equal(codec_named(&s->media[1], "VP8")->payload_type, 97);
    assert_int_equal(codec_named(&s->media[0], "opus")->payload_type, 96);
    sdp_free(s);
}

static void test_gstreamer(void **state)
{
    (void)state;
    struct sdp *s = load("gstreamer-max-bundle");
    assert_true(span_equal(s->bundle, "video0 audio1"));
    const struct sdp_media *audio = &s->media[1];
    assert_true(audio->port == 0 && audio->bundle_only && !s->media[0].bundle_only);
    assert_true(span_equal(audio->mid, "audio1"));
    /* ids differ from one m-line to the next; the stream is only named in the old way */
    assert_int_equal(extension_id(&s->media[0], TWCC), 1);
    assert_int_equal(extension_id(audio, TWCC), 3);
    assert_true(span_equal(audio->msid_stream, "user3482910@host-5d2a"));
    assert_true(span_equal(audio->msid_track, "webrtctransceiver1"));
    assert_int_equal(codec_named(audio, "opus")->payload_type, 97);
    sdp_free(s);
}

static void test_plain_whip(void **state)
{
    (void)state;
    struct sdp *s = load("plain-whip-no-mid"); /* lines end in LF alone */
    assert_false(s->has_bundle);
    assert_int_equal(s->media_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct sdp_media *m = &s->media[i];
        assert_null(m->mid.at);
        assert_true(span_equal(m->ice_ufrag, "evtj"));
        assert_true(span_equal(m->ice_pwd, "VOkJxbRl1RmTxUk/WvJxBt"));
        assert_true(span_equal(m->fingerprint.algorithm, "sha-256"));
        assert_int_equal(m->setup, SDP_SETUP_ACTIVE);
        assert_int_equal(m->direction, SDP_SENDONLY);
    }
    /* an id of the session's gives way to the m-line's own */
    assert_int_equal(extension_id(&s->media[0], TWCC), 2);
    assert_int_equal(extension_id(&s->media[1], MID), 2);
    assert_int_equal(extension_id(&s->media[1], TWCC), 5);
    assert_int_equal(s->media[1].extensions[0].direction, SDP_SENDONLY);
    const struct sdp_codec *vp8 = codec_named(&s->media[1], "VP8");
    assert_true(vp8->nack && vp8->ccm_fir && !vp8->nack_pli);
    assert_true(span_equal(sdp_fmtp_get(codec_named(&s->media[1], "rtx")->fmtp, "APT"), "96"));
    sdp_free(s);

    s = load("encoder-whip");
    assert_int_equal(s->media[0].setup, SDP_SETUP_ACTPASS);
    assert_true(span_equal(s->bundle, "0 1"));
    assert_true(span_equal(s->media[1].msid_track, "d46fb922-video"));
    sdp_free(s);

    s = load("answer-lite");
    assert_true(s->ice_lite);
    assert_true(s->media[1].port == 0 && s->media[1].direction == SDP_INACTIVE);
    assert_true(span_equal(sdp_find_codec(&s->media[1], 0)->name, "PCMU"));
    assert_int_equal(s->media[0].setup, SDP_SETUP_PASSIVE);
    sdp_free(s);
}

#define V "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"

static void test_session_defaults(void **state)
{
    (void)state;
    struct sdp *s;
    /* the session's fingerprint does not outweigh a weaker one of the m-line's own */
    assert_int_equal(parse("a=fingerprint:sha-256 AA\r\na=inactive\r\n" V
                           "a=fingerprint:sha-1 BB\r\na=sendrecv\r\n" V,
                           &s),
                     0);
    assert_true(span_equal(s->media[0].fingerprint.value, "BB"));
    assert_int_equal(s->media[0].direction, SDP_SENDRECV);
    assert_true(span_equal(s->media[1].fingerprint.value, "AA"));
    assert_int_equal(s->media[1].direction, SDP_INACTIVE);
    assert_null(s->media[1].ice_ufrag.at);
    assert_true(span_equal(s->origin, "- 1 1 IN IP4 0.0.0.0"));
    sdp_free(s);
    /* an order of layers is of one m-line alone */
    assert_int_equal(parse("a=simulcast:send b;a\r\n" V "a=rid:a send\r\na=rid:b send\r\n" V
                           "a=rid:a send\r\na=rid:b send\r\na=simulcast:send b;a\r\n" V
                           "a=rid:a send\r\na=rid:b send\r\n",
                           &s),
                     0);
    assert_true(span_equal(s->media[0].rids[0], "a"));
    assert_true(span_equal(s->media[1].rids[0], "b"));
    assert_true(span_equal(s->media[2].rids[0], "a"));
    sdp_free(s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "garbage\r\n",
        "=\r\n",
        "A=x\r\n",
        "a\r\n",
        "s=a\rb\r\n",
        "s=\x01\r\n",
        "m=\r\n",
        "m=video\r\n",
        "m=video 9\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF \r\n",
        "m=video 65536 UDP/TLS/RTP/SAVPF 96\r\n",
        "m=video -1 UDP/TLS/RTP/SAVPF 96\r\n",
        "m=video x UDP/TLS/RTP/SAVPF 96\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF 128\r\n",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 x\r\n",
    };
    struct sdp *s;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i], &s) != ER_MALFORMED)
            fail_msg("accepted: %s", bad[i]);
    const char *why;
    assert_int_equal(sdp_parse("", 0, &s, &why), ER_MALFORMED);
    assert_int_equal(sdp_parse("v=1\r\n", 5, &s, NULL), ER_MALFORMED);
    assert_int_equal(sdp_parse("v=0\r\ns=-\r\n", 10, &s, &why), ER_MALFORMED); /* no o= */
    assert_int_equal(sdp_parse("v=0\no=a\0b\n", 10, &s, &why), ER_MALFORMED);
    assert_null(s);
}

/** `count` times `line` behind the first two lines. */
static int parse_repeated(const char *before, const char *line, size_t count, struct sdp **ret)
{
    static char lines[LIMIT_SDP_BYTES + 2048];
    size_t at = (size_t)snprintf(lines, sizeof lines, "%s", before);
    for (size_t i = 0; i < count && at < sizeof lines - 100; i++)
        at += (size_t)snprintf(lines + at, sizeof lines - at, line, (unsigned)i + 1);
    return parse(lines, ret);
}

static void test_bounds(void **state)
{
    (void)state;
    struct sdp *s;
    assert_int_equal(parse_repeated("", "m=video %u UDP/TLS/RTP/SAVPF 96\r\n", LIMIT_SDP_MEDIA, &s),
                     0);
    assert_int_equal(s->media_count, LIMIT_SDP_MEDIA);
    sdp_free(s);
    assert_int_equal(
        parse_repeated("", "m=video %u UDP/TLS/RTP/SAVPF 96\r\n", LIMIT_SDP_MEDIA + 1, &s),
        ER_FULL);
    assert_int_equal(parse_repeated("", "a=filler:%u\r\n", 100000, &s), ER_FULL);
    assert_int_equal(parse_repeated(V, "a=ssrc:%u cname:x\r\n", 1000, &s), 0);
    assert_int_equal(s->media[0].ssrc_count, LIMIT_SDP_SSRCS);
    sdp_free(s);
    assert_int_equal(parse_repeated(V, "a=extmap:%u urn:x\r\n", 200, &s), 0);
    assert_int_equal(s->media[0].extension_count, LIMIT_SDP_EXTENSIONS);
    sdp_free(s);
    assert_int_equal(parse_repeated("m=audio 9 RTP/AVP", " %u", 100, &s), 0);
    assert_int_equal(s->media[0].codec_count, 3); /* of 48 kept those with a meaning: 8, 9, 13 */
    sdp_free(s);
    assert_int_equal(parse_repeated("s=", "%08u", LIMIT_SDP_LINE / 8 - 1, &s), 0);
    sdp_free(s);
    assert_int_equal(parse_repeated("s=", "%08u", LIMIT_SDP_LINE / 8, &s), ER_MALFORMED);
}

static void test_fmtp(void **state)
{
    (void)state;
    struct span f = span_of("minptime=10; useinbandfec = 1 ;flag;empty=;x=a=b");
    assert_true(span_equal(sdp_fmtp_get(f, "minptime"), "10"));
    assert_true(span_equal(sdp_fmtp_get(f, "useinbandfec"), "1"));
    assert_true(sdp_fmtp_get(f, "flag").at && sdp_fmtp_get(f, "flag").len == 0);
    assert_true(sdp_fmtp_get(f, "empty").at && sdp_fmtp_get(f, "empty").len == 0);
    assert_true(span_equal(sdp_fmtp_get(f, "x"), "a=b"));
    assert_null(sdp_fmtp_get(f, "min").at);
    assert_null(sdp_fmtp_get((struct span){.at = NULL, .len = 0}, "x").at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chromium),
        cmocka_unit_test(test_firefox),
        cmocka_unit_test(test_simulcast_and_watch),
        cmocka_unit_test(test_gstreamer),
        cmocka_unit_test(test_plain_whip),
        cmocka_unit_test(test_session_defaults),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_fmtp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
