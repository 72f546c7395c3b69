// SPDX-License-Identifier: Apache-2.0
/* Randomness: the seeded stream repeats, the system's does not, text keeps to its alphabet. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/entropy.h"

static void seeded_stream_repeats(void **state)
{
    (void)state;
    struct entropy_seeded a, b, c;
    struct entropy ea = entropy_seeded_init(&a, 5);
    struct entropy eb = entropy_seeded_init(&b, 5);
    struct entropy ec = entropy_seeded_init(&c, 6);
    bool differs = false;
    for (int i = 0; i < 100; i++) {
        uint64_t word = entropy_u64(&ea);
        assert_true(word == entropy_u64(&eb));
        differs |= word != entropy_u64(&ec);
    }
    assert_true(differs);
}

static void seeded_bits_are_balanced(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, 0);
    int ones[64] = {0};
    for (int i = 0; i < 10000; i++) {
        uint64_t word = entropy_u64(&e);
        for (int bit = 0; bit < 64; bit++)
            ones[bit] += (int)(word >> bit & 1);
    }
    for (int bit = 0; bit < 64; bit++)
        assert_in_range(ones[bit], 4700, 5300);
}

static void fills_every_length(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy sources[] = {entropy_seeded_init(&s, 1), entropy_system()};
    for (size_t k = 0; k < 2; k++) {
        for (size_t len = 0; len < 40; len++) {
            uint8_t any[41] = {0};
            for (int round = 0; round < 20; round++) {
                uint8_t bytes[41] = {0};
                entropy_fill(&sources[k], bytes, len);
                assert_int_equal(bytes[len], 0);
                for (size_t i = 0; i < len; i++)
                    any[i] |= bytes[i];
            }
            for (size_t i = 0; i < len; i++)
                assert_int_not_equal(any[i], 0);
        }
    }
}

static void system_does_not_repeat(void **state)
{
    (void)state;
    struct entropy e = entropy_system();
    uint64_t a[4], b[4];
    entropy_fill(&e, a, sizeof a);
    entropy_fill(&e, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void fill_with_one_byte(void *ctx, void *ret_bytes, size_t len)
{
    memset(ret_bytes, *(int *)ctx, len);
}

static void text_keeps_to_its_alphabet(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, 9);
    char text[20001];
    entropy_text(&e, text, sizeof text - 1);
    assert_int_equal(strlen(text), sizeof text - 1);
    int seen[256] = {0};
    for (size_t i = 0; text[i]; i++) {
        assert_true(isalnum((unsigned char)text[i]));
        seen[(uint8_t)text[i]]++;
    }
    int letters = 0;
    for (int i = 0; i < 256; i++)
        if (seen[i]) {
            letters++;
            assert_in_range(seen[i], 200, 450);
        }
    assert_int_equal(letters, 62);
    entropy_text(&e, text, 0);
    assert_string_equal(text, "");
    // Even a stuck source stays within the alphabet, and comes to an end.
    int byte = 0xff;
    struct entropy stuck = {.fill = fill_with_one_byte, .ctx = &byte};
    entropy_text(&stuck, text, 4);
    assert_string_equal(text, "9999");
    byte = 0;
    entropy_text(&stuck, text, 4);
    assert_string_equal(text, "AAAA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeded_stream_repeats),      cmocka_unit_test(seeded_bits_are_balanced),
        cmocka_unit_test(fills_every_length),         cmocka_unit_test(system_does_not_repeat),
        cmocka_unit_test(text_keeps_to_its_alphabet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
