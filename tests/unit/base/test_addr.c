// SPDX-License-Identifier: Apache-2.0
/* Addresses: text and socket forms both ways, and what is no address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/er.h"

static struct addr parsed(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(text, &a), 0);
    return a;
}

static void text_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *ip;
        bool v4;
        bool loopback;
        uint16_t port;
    } known[] = {
        {"127.0.0.1:80", "127.0.0.1", true, true, 80},
        {"127.9.9.9:0", "127.9.9.9", true, true, 0},
        {"192.0.2.1:65535", "192.0.2.1", true, false, 65535},
        {"[::1]:443", "::1", false, true, 443},
        {"[2001:db8::7]:10000", "2001:db8::7", false, false, 10000},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false, false, 65535},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct addr a = parsed(known[i].text);
        char text[ADDR_TEXT_BYTES];
        assert_int_equal(a.port, known[i].port);
        assert_int_equal(addr_is_v4(&a), known[i].v4);
        assert_int_equal(addr_is_loopback(&a), known[i].loopback);
        addr_format(&a, text);
        assert_string_equal(text, known[i].text);
        addr_format_ip(&a, text);
        assert_string_equal(text, known[i].ip);
        struct addr b;
        assert_int_equal(addr_parse_ip(known[i].ip, known[i].port, &b), 0);
        assert_memory_equal(&a, &b, sizeof a);
    }
}

static void mapped_is_v4(void **state)
{
    (void)state;
    struct addr a = parsed("[::ffff:192.0.2.1]:5");
    struct addr b = parsed("192.0.2.1:5");
    assert_true(addr_equal(&a, &b));
    assert_memory_equal(&a, &b, sizeof a);
    b.port = 6;
    assert_false(addr_equal(&a, &b));
    b = parsed("192.0.2.2:5");
    assert_false(addr_equal(&a, &b));
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ":",
        "80",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:8 0",
        "127.1:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[127.0.0.1]:80",
        "localhost:80",
        "[fe80::1%lo]:80",
        "[::1]]:80",
        "127.0.0.1:80:90",
        "[1111111111111111111111111111111111111111111111111111::]:80",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct addr a;
        assert_int_equal(addr_parse(wrong[i], &a), ER_MALFORMED);
    }
    struct addr a;
    assert_int_equal(addr_parse_ip("127.0.0.1:80", 1, &a), ER_MALFORMED);
    assert_int_equal(addr_parse_ip("[::1]", 1, &a), ER_MALFORMED);
}

static void sockets_both_ways(void **state)
{
    (void)state;
    struct sockaddr_storage ss;
    struct addr back;
    struct addr v4 = parsed("192.0.2.1:4321");
    assert_int_equal(addr_to_sockaddr(&v4, false, &ss), sizeof(struct sockaddr_in));
    assert_int_equal(ss.ss_family, AF_INET);
    assert_int_equal(addr_from_sockaddr((const struct sockaddr *)&ss, &back), 0);
    assert_memory_equal(&back, &v4, sizeof v4);
    assert_int_equal(addr_to_sockaddr(&v4, true, &ss), sizeof(struct sockaddr_in6));
    assert_int_equal(ss.ss_family, AF_INET6);
    assert_int_equal(addr_from_sockaddr((const struct sockaddr *)&ss, &back), 0);
    assert_memory_equal(&back, &v4, sizeof v4);
    struct addr v6 = parsed("[2001:db8::1]:4321");
    assert_int_equal(addr_to_sockaddr(&v6, false, &ss), sizeof(struct sockaddr_in6));
    assert_int_equal(addr_from_sockaddr((const struct sockaddr *)&ss, &back), 0);
    assert_memory_equal(&back, &v6, sizeof v6);
    ss.ss_family = AF_UNIX;
    assert_int_equal(addr_from_sockaddr((const struct sockaddr *)&ss, &back), ER_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_both_ways),
        cmocka_unit_test(mapped_is_v4),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(sockets_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
