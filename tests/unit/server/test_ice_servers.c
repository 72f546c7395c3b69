// SPDX-License-Identifier: Apache-2.0
/* ICE servers: their addresses, credentials as coturn checks them, and both ways of telling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/ice_servers.h"

static const char *const stuns[] = {"stun:stun.example:3478"};
static const char *const turns[] = {"turn:turn.example", "turns:turn.example:443?transport=tcp"};
static const struct ice_servers servers = {.stun_urls = stuns,
                                           .stun_count = 1,
                                           .turn_urls = turns,
                                           .turn_count = 2,
                                           .turn_secret = "north",
                                           .turn_ttl_s = 3600};

static void test_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"turn:a",
                                       "turn:a.example:3478",
                                       "turns:[2001:db8::1]:443",
                                       "turn:192.0.2.1?transport=udp",
                                       "turn:[::1]",
                                       "turns:a-b.example:1?transport=tcp"};
    static const char *const bad[] = {"",          "turn",      "turn:",        "http://a",
                                      "turn:a:0",  "turn:a:x",  "turn:a:70000", "turn:[::1",
                                      "turn:a b",  "turn:a>",   "turn:a?x",     "turn:a?transport=",
                                      "turn:[]:1", "turn:a\"",  "turn:[::1]x",  "turn://a",
                                      "turn:a,b",  "turn:a:1:2"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(ice_url_check(good[i], true));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ice_url_check(bad[i], true))
            fail_msg("%s was taken", bad[i]);
    assert_true(ice_url_check("stun:a.example", false) && ice_url_check("stuns:a:5349", false));
    assert_false(ice_url_check("stun:a?transport=udp", false) || ice_url_check("turn:a", false) ||
                 ice_url_check("stun:a", true));
}

static void test_credentials(void **state)
{
    (void)state;
    struct ice_credential c;
    ice_credential_make(&servers, "anna", 1700000000, &c);
    assert_string_equal(c.username, "1700003600:anna");
    /* printf 1700003600:anna | openssl dgst -sha1 -hmac north -binary | base64 */
    assert_string_equal(c.credential, "+MLxLOEoYnWwCOD+2dzOXWFtASg=");
    ice_credential_make(&servers, "a b\"\r\n:\xc3\xa9@x.example", 1700000000, &c);
    assert_string_equal(c.username, "1700003600:a_b______@x.example");
    char identity[129];
    memset(identity, 'i', 128);
    identity[128] = '\0';
    ice_credential_make(&servers, identity, 1700000000, &c);
    assert_int_equal(strlen(c.username), 11 + 128);
}

static void test_json(void **state)
{
    (void)state;
    struct ice_credential c;
    ice_credential_make(&servers, "anna", 5, &c);
    json_t *all = ice_servers_json(&servers, "anna", 5);
    json_t *wanted = json_pack("[{s:[s]}, {s:[s,s], s:s, s:s}]", "urls", stuns[0], "urls", turns[0],
                               turns[1], "username", c.username, "credential", c.credential);
    assert_true(json_equal(all, wanted));
    json_decref(all);
    json_decref(wanted);
    const struct ice_servers none = {0};
    all = ice_servers_json(&none, "anna", 5);
    assert_int_equal(json_array_size(all), 0);
    assert_true(json_is_array(all));
    json_decref(all);
}

static void test_links(void **state)
{
    (void)state;
    struct http_response r = {0};
    ice_servers_link(&servers, "anna", 1700000000, &r);
    assert_int_equal(r.header_count, 3);
    assert_string_equal(r.headers[0].name, "link");
    assert_string_equal(r.headers[0].value, "<stun:stun.example:3478>; rel=\"ice-server\"");
    assert_string_equal(
        r.headers[2].value,
        "<turns:turn.example:443?transport=tcp>; rel=\"ice-server\";"
        " username=\"1700003600:anna\"; credential=\"+MLxLOEoYnWwCOD+2dzOXWFtASg=\";"
        " credential-type=\"password\"");
    http_response_clear(&r);
    const struct ice_servers none = {0};
    ice_servers_link(&none, "anna", 1700000000, &r);
    assert_int_equal(r.header_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
