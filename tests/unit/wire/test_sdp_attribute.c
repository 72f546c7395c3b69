// SPDX-License-Identifier: Apache-2.0
/* SDP attributes one by one: layers, sources, what is ignored and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/sdp.h"

#define V "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"

static char text[4096];

static int parse(const char *lines, struct sdp **ret)
{
    const char *why = NULL;
    int len = snprintf(text, sizeof text, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n%s", lines);
    *ret = NULL;
    int er = sdp_parse(text, (size_t)len, ret, &why);
    assert_true(er < 0 ? why && !*ret : *ret != NULL);
    return er;
}

static void test_rids(void **state)
{
    (void)state;
    struct sdp *s;
    assert_int_equal(parse(V "a=rid:a send pt=96;max-width=1280\r\na=rid:b send\r\na=rid:c recv\r\n"
                             "a=rid:d send\r\na=simulcast:recv c send ~d,a;b;b;nobody\r\n",
                           &s),
                     0);
    assert_int_equal(s->media[0].rid_count, 2);
    assert_true(span_equal(s->media[0].rids[0], "d") && span_equal(s->media[0].rids[1], "b"));
    sdp_free(s);
    assert_int_equal(parse(V "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 send\r\n"
                             "a=rid:5 send\r\na=simulcast:send 5;4;3;2;1\r\n",
                           &s),
                     0);
    assert_int_equal(s->media[0].rid_count, 4);
    assert_true(span_equal(s->media[0].rids[0], "4"));
    sdp_free(s);
}

static void test_ssrcs(void **state)
{
    (void)state;
    struct sdp *s;
    assert_int_equal(parse(V "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\n"
                             "a=ssrc:3 cname:x\r\na=ssrc:4 cname:x\r\na=ssrc:5\r\n"
                             "a=ssrc-group:FID 5 3\r\na=ssrc-group:SIM 1 5\r\na=ssrc:x y\r\n"
                             "a=ssrc:0 cname:x\r\n",
                           &s),
                     0);
    static const struct sdp_ssrc expected[] = {{1, 2}, {4, 0}, {5, 3}};
    assert_int_equal(s->media[0].ssrc_count, 3);
    assert_memory_equal(s->media[0].ssrcs, expected, sizeof expected);
    sdp_free(s);
}

static void test_ignored(void **state)
{
    (void)state;
    struct sdp *s;
    assert_int_equal(parse("b=AS:1\r\nz=\r\na=\r\na=nonsense\r\na=:\r\n\r\n"
                           "m=text 7/2 TCP whatever\r\n" V
                           "a=rtpmap:97 VP9/90000\r\na=fmtp:none x\r\na=rtcp-fb:x nack\r\n"
                           "a=rtcp-fb:96 ccm tmmbr\r\na=extmap:4097 urn:later\r\n"
                           "a=extmap:0 urn:none\r\na=mid:v",
                           &s),
                     0);
    assert_int_equal(s->media[0].kind, SDP_OTHER);
    assert_true(span_equal(s->media[0].kind_text, "text") && s->media[0].port == 7);
    assert_int_equal(s->media[1].codec_count, 0); /* 96 was never described */
    assert_int_equal(s->media[1].extension_count, 0);
    assert_true(span_equal(s->media[1].mid, "v"));
    sdp_free(s);
    assert_int_equal(parse("", &s), 0);
    assert_int_equal(s->media_count, 0);
    sdp_free(s);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        V "a=rtpmap:96\r\n",
        V "a=rtpmap:128 VP8/90000\r\n",
        V "a=rtpmap:96 VP8\r\n",
        V "a=rtpmap:96 VP8/0\r\n",
        V "a=rtpmap:96 VP8/4294967296\r\n",
        V "a=rtpmap:96 /90000\r\n",
        V "a=rtpmap:96 opus/48000/0\r\n",
        V "a=rtpmap:96 opus/48000/256\r\n",
        V "a=mid:\r\n",
        V "a=mid:a b\r\n",
        V "a=mid:\xc3\xa4\r\n",
        V "a=mid\r\n",
        V "a=mid:x\r\n" V "a=mid:x\r\n",
        V "a=extmap:x urn:y\r\n",
        V "a=extmap:1\r\n",
        V "a=extmap:1/both urn:y\r\n",
        V "a=ice-ufrag:abc\r\n",
        V "a=ice-pwd:123456789012345678901\r\n",
        V "a=fingerprint:sha-256\r\n",
        V "a=setup:maybe\r\n",
        V "a=rid:\r\n",
        V "a=rid:a/b send\r\n",
        V "a=rid:a send\r\na=rid:a send\r\n",
        V "a=ssrc-group:FID 1\r\n",
        V "a=ssrc-group:FID 1 1\r\n",
    };
    struct sdp *s;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i], &s) != ER_MALFORMED)
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rids),
        cmocka_unit_test(test_ssrcs),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
