// SPDX-License-Identifier: Apache-2.0
/* Where webhooks may go: every kind of address that is not the Internet's, in every dress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/hook_target.h"

#define EACH(i, list) for (size_t i = 0; i < sizeof(list) / sizeof(list)[0]; i++)

static struct addr at(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse_ip(text, 443, &a), 0);
    return a;
}

static const char *const inside[] = {
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255",
    "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
    "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    /* IPv6, and IPv4 inside it */
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
    "ff02::1", "::ffff:0:127.0.0.1", "2620:4f:8000::1"};

static const char *const outside[] = {
    "1.1.1.1",         "8.8.8.8",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",
    "100.128.0.0",     "126.255.255.255", "128.0.0.1",     "169.253.255.255", "172.15.255.255",
    "172.32.0.0",      "192.167.255.255", "192.169.0.0",   "198.17.255.255",  "198.20.0.0",
    "223.255.255.255", "::ffff:8.8.8.8",  "2001:200::1",   "2606:4700::1111", "2a00:1450::1",
    "3ffe::1"};

static void test_addresses(void **state)
{
    (void)state;
    EACH(i, inside)
    {
        struct addr a = at(inside[i]);
        if (hook_address_global(&a))
            fail_msg("%s counts as global", inside[i]);
        assert_false(hook_address_ok(HOOK_PUBLIC, false, &a));
        assert_true(hook_address_ok(HOOK_ANYWHERE, true, &a));
        assert_int_equal(hook_address_ok(HOOK_LOOPBACK, true, &a), addr_is_loopback(&a));
    }
    EACH(i, outside)
    {
        struct addr a = at(outside[i]);
        if (!hook_address_global(&a))
            fail_msg("%s does not count as global", outside[i]);
        assert_true(hook_address_ok(HOOK_PUBLIC, false, &a));
        assert_false(hook_address_ok(HOOK_PUBLIC, true, &a));
        assert_false(hook_address_ok(HOOK_LOOPBACK, true, &a));
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {"https://example.com",
                                       "https://example.com/",
                                       "https://example.com:8443/hooks?x=1&y=%20",
                                       "https://xn--bcher-kva.example/a/b",
                                       "https://8.8.8.8/x",
                                       "https://[2606:4700::1111]:443/",
                                       "https://a_b.example.com/?q",
                                       "https://3com.com/x"};
    static const char *const bad[] = {"",
                                      "example.com",
                                      "ftp://example.com",
                                      "HTTP://example.com",
                                      "http://example.com/",
                                      "https://",
                                      "https:///x",
                                      "https://:443/",
                                      "https://example.com:/",
                                      "https://example.com:0/",
                                      "https://example.com:65536/",
                                      "https://example.com:x/",
                                      "https://me:pw@example.com/",
                                      "https://me@127.0.0.1/",
                                      "https://example.com/#x",
                                      "https://example.com\\@10.0.0.1/",
                                      "https://exa mple.com/",
                                      "https://example.com/\r\nX: y",
                                      "https://\xc3\xbc.example/",
                                      "https://localhost/",
                                      "https://LOCALHOST:8/",
                                      "https://a.localhost/",
                                      "https://127.0.0.1/",
                                      "https://[::1]/",
                                      "https://[::ffff:127.0.0.1]/",
                                      "https://[fe80::1%25eth0]/",
                                      "https://[::1",
                                      "https://[::1]x/",
                                      "https://10.0.0.1:8443/x",
                                      "https://2130706433/",
                                      "https://0x7f000001/",
                                      "https://0x7f.1/",
                                      "https://127.1/",
                                      "https://010.0.0.1/",
                                      "https://1.2.3.4.5/",
                                      "https://.example.com/",
                                      "https://169.254.169.254/latest/meta-data"};
    EACH(i, good)
    {
        const char *why = hook_url_check(HOOK_PUBLIC, good[i]);
        if (why)
            fail_msg("%s: %s", good[i], why);
    }
    EACH(i, bad)
    {
        if (!hook_url_check(HOOK_PUBLIC, bad[i]))
            fail_msg("%s is taken", bad[i]);
    }
    char long_[HOOK_URL_BYTES + 1] = "https://example.com/";
    memset(long_ + strlen(long_), 'a', sizeof long_ - strlen(long_) - 1);
    assert_non_null(hook_url_check(HOOK_ANYWHERE, long_));
}

static void test_reach(void **state)
{
    (void)state;
    assert_null(hook_url_check(HOOK_LOOPBACK, "http://127.0.0.1:9000/x"));
    assert_null(hook_url_check(HOOK_LOOPBACK, "http://localhost:9000/x"));
    assert_null(hook_url_check(HOOK_LOOPBACK, "https://example.com/"));
    assert_non_null(hook_url_check(HOOK_LOOPBACK, "http://10.0.0.1/"));
    assert_non_null(hook_url_check(HOOK_LOOPBACK, "https://10.0.0.1/"));
    assert_null(hook_url_check(HOOK_ANYWHERE, "http://10.0.0.1/"));
    assert_null(hook_url_check(HOOK_ANYWHERE, "http://hooks.internal:8080/"));
    assert_non_null(hook_url_check(HOOK_ANYWHERE, "gopher://10.0.0.1/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
