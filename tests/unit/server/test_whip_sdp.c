// SPDX-License-Identifier: Apache-2.0
/* ICE credentials in and out of SDP and fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/whip_sdp.h"

static void test_read(void **state)
{
    (void)state;
    struct whip_ice ice;
    assert_int_equal(
        whip_ice_read("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", &ice), 0);
    assert_string_equal(ice.ufrag, "EsAw");
    assert_string_equal(ice.pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
    assert_int_equal(whip_ice_read("a=candidate:1 1 UDP 1 198.51.100.1 1 typ host\r\n", &ice),
                     ER_NOT_FOUND);
    assert_int_equal(whip_ice_read("", &ice), ER_NOT_FOUND);
    assert_int_equal(whip_ice_read("a=ice-ufrag:EsAw\r\n", &ice), ER_MALFORMED);
    assert_int_equal(whip_ice_read("a=ice-ufrag:Es\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", &ice),
                     ER_MALFORMED);
    assert_int_equal(whip_ice_read("a=ice-ufrag:EsAw\r\na=ice-pwd:short\r\n", &ice), ER_MALFORMED);
    assert_int_equal(whip_ice_read("a=ice-ufrag:Es w\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", &ice),
                     ER_MALFORMED);
}

static void test_restart(void **state)
{
    (void)state;
    const struct whip_ice ice = {.ufrag = "newu", .pwd = "newpasswordnewpassword"};
    char *offer = whip_offer_restart("v=0\r\no=- 42 2 IN IP4 127.0.0.1\r\ns=-\r\n"
                                     "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:old1\r\n"
                                     "a=ice-pwd:oldpasswordoldpassword\r\na=candidate:1\r\n"
                                     "a=end-of-candidates\r\na=mid:0\r\n",
                                     &ice);
    assert_string_equal(offer, "v=0\r\no=- 42 3 IN IP4 127.0.0.1\r\ns=-\r\n"
                               "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:newu\r\n"
                               "a=ice-pwd:newpasswordnewpassword\r\na=mid:0\r\n");
    free(offer);
    offer = whip_offer_restart("o=broken", &ice);
    assert_string_equal(offer, "o=broken\r\n");
    free(offer);
}

static void test_fragment(void **state)
{
    (void)state;
    char *fragment = whip_answer_fragment(
        "v=0\r\na=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
        "a=ice-ufrag:s\r\na=ice-pwd:p\r\na=rtcp-mux\r\na=candidate:1 x\r\na=end-of-candidates\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:s\r\n");
    assert_string_equal(fragment, "a=ice-lite\r\na=group:BUNDLE 0 1\r\n"
                                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:s\r\n"
                                  "a=ice-pwd:p\r\na=candidate:1 x\r\na=end-of-candidates\r\n");
    free(fragment);
}

static void test_sends(void **state)
{
    (void)state;
    static const struct {
        const char *sdp;
        bool sends;
    } rows[] = {
        {"v=0\r\n", false},
        {"v=0\r\nm=audio 9 X 1\r\n", true},
        {"m=audio 9 X 1\na=recvonly\n", false},
        {"m=audio 9 X 1\na=inactive\nm=video 9 X 1\na=sendonly\n", true},
        {"m=video 9 X 1\na=sendonly\nm=audio 9 X 1\na=recvonly\n", true},
        {"a=recvonly\nm=audio 9 X 1\n", false},
        {"a=recvonly\nm=audio 9 X 1\na=sendrecv", true},
        {"m=application 9 X 1\n", false},
        {"a=sendonly\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(whip_offer_sends(rows[i].sdp), rows[i].sends);
    assert_true(whip_offer_has_mid("a=mid:10\r\na=mid:1\r\n", "1"));
    assert_false(whip_offer_has_mid("a=mid:10\r\n", "1"));
    assert_true(whip_is_fragment("m=audio 9 X 1\r\na=mid:0\r\n\r\n"));
    assert_false(whip_is_fragment("m=audio 9 X 1\r\n"));
    assert_false(whip_is_fragment("a=mid:0\r\nhello\r\n"));
    assert_false(whip_is_fragment(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_fragment),
        cmocka_unit_test(test_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
