// SPDX-License-Identifier: Apache-2.0
/* SipHash-1-3 against values of another implementation (CPython 3.11 with a key of zeros). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/siphash.h"

static void agrees_with_known_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", 0x407448d2b89b1813u},
        {"abcdefg", 0x6db12aae9070f506u},
        {"abcdefgh", 0x3f7b849c0b8e35eau},
        {"The quick brown fox jumps over the lazy dog", 0x8df676d3d00c451eu},
    };
    const uint64_t key[2] = {0, 0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(siphash13(key, known[i].text, strlen(known[i].text)) == known[i].hash);
}

static void key_and_length_matter(void **state)
{
    (void)state;
    const uint64_t a[2] = {1, 2};
    const uint64_t b[2] = {1, 3};
    const uint64_t c[2] = {2, 2};
    const uint8_t zeros[16] = {0};
    assert_true(siphash13(a, "x", 1) != siphash13(b, "x", 1));
    assert_true(siphash13(a, "x", 1) != siphash13(c, "x", 1));
    assert_true(siphash13(a, zeros, 8) != siphash13(a, zeros, 9));
    assert_true(siphash13(a, NULL, 0) != siphash13(a, zeros, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_known_values),
        cmocka_unit_test(key_and_length_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
