// SPDX-License-Identifier: Apache-2.0
/* Which addresses are announced: the public ones, the bound one, or those of the interfaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/io/candidates.h"

static struct addr at(const char *ip, uint16_t port)
{
    struct addr a;
    assert_int_equal(addr_parse_ip(ip, port, &a), 0);
    return a;
}

static void the_public_ones_come_first_and_alone(void **state)
{
    (void)state;
    struct addr found[CANDIDATES_MAX], public[20];
    const char *const texts[] = {"203.0.113.1", "2001:db8::7", "203.0.113.2", "203.0.113.1"};
    for (size_t i = 0; i < 4; i++)
    public[i] = at(texts[i], 0);
    const struct addr bounds[] = {at("0.0.0.0", 443), at("::", 443), at("127.0.0.1", 443)};
    for (size_t b = 0; b < 3; b++) {
        assert_int_equal(candidates_find(&bounds[b], public, 4, found), 3);
        for (size_t i = 0; i < 3; i++) {
            struct addr wanted = at(texts[i], 443);
            assert_true(addr_equal(&found[i], &wanted));
        }
    }
    for (size_t i = 0; i < 20; i++) {
        public[i] = at("203.0.113.1", 0);
        public[i].ip[15] = (uint8_t)(i + 1);
    }
    assert_int_equal(candidates_find(&bounds[0], public, 20, found), CANDIDATES_MAX);
}

static void the_bound_one(void **state)
{
    (void)state;
    struct addr found[CANDIDATES_MAX];
    const struct addr bounds[] = {at("127.0.0.1", 9), at("::1", 9), at("2001:db8::1", 9)};
    for (size_t b = 0; b < 3; b++) {
        assert_int_equal(candidates_find(&bounds[b], NULL, 0, found), 1);
        assert_true(addr_equal(&found[0], &bounds[b]));
    }
}

static void those_of_the_interfaces(void **state)
{
    (void)state;
    struct addr v4[CANDIDATES_MAX], both[CANDIDATES_MAX];
    struct addr any4 = at("0.0.0.0", 7000), any6 = at("::", 7000);
    size_t n4 = candidates_find(&any4, NULL, 0, v4), n6 = candidates_find(&any6, NULL, 0, both);
    assert_true(n4 > 0 && n6 > 0);
    for (size_t i = 0; i < n4; i++) {
        assert_true(addr_is_v4(&v4[i]) && v4[i].port == 7000);
        assert_int_equal(addr_is_loopback(&v4[i]), addr_is_loopback(&v4[0]));
    }
    for (size_t i = 0; i < n6; i++) {
        assert_false(both[i].ip[0] == 0xfe && both[i].ip[1] == 0x80);
        assert_false(addr_equal(&both[i], &any4) || addr_equal(&both[i], &any6));
        for (size_t k = 0; k < i; k++)
            assert_false(addr_equal(&both[i], &both[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_public_ones_come_first_and_alone),
        cmocka_unit_test(the_bound_one),
        cmocka_unit_test(those_of_the_interfaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
