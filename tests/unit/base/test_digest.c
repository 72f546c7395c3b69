// SPDX-License-Identifier: Apache-2.0
/* SHA-256, against FIPS 180-4's examples and OpenSSL's other way to it. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest_pair.h"
#include "base/str.h"

static void is_of_the_standard(void **state)
{
    (void)state;
    uint8_t hash[DIGEST_BYTES];
    char text[2 * DIGEST_BYTES + 1];
    digest_sha256("abc", 3, hash);
    hex_encode(text, hash, sizeof hash);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256("", 0, hash);
    hex_encode(text, hash, sizeof hash);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void may_come_in_pieces(void **state)
{
    (void)state;
    uint8_t data[5000], mine[DIGEST_BYTES], its[DIGEST_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    struct digest d;
    digest_begin(&d);
    for (size_t at = 0, step = 1; at < sizeof data; at += step, step = step * 3 % 701 + 1) {
        if (step > sizeof data - at)
            step = sizeof data - at;
        digest_add(&d, data + at, step);
    }
    digest_end(&d, mine);
    assert_true(EVP_Digest(data, sizeof data, its, NULL, EVP_sha256(), NULL));
    assert_memory_equal(mine, its, sizeof mine);
}

static void is_right_at_every_length(void **state)
{
    (void)state;
    uint8_t data[300], mine[DIGEST_BYTES], its[DIGEST_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 11 + 5);
    for (size_t len = 0; len <= sizeof data; len++) {
        digest_sha256(data, len, mine);
        assert_true(EVP_Digest(data, len, its, NULL, EVP_sha256(), NULL));
        assert_memory_equal(mine, its, sizeof mine);
    }
}

/** Several at once, of all lengths and from any place, as each by itself. */
static void several_are_as_each_by_itself(void **state)
{
    (void)state;
    uint8_t data[4200], mine[DIGEST_BYTES], its[DIGEST_BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 13 + i / 239);
    for (size_t round = 0; round < 400; round++) {
        size_t count = 1 + round % 4;
        struct digest each[4], alone[4];
        for (size_t i = 0; i < count; i++) {
            digest_begin(&each[i]);
            digest_begin(&alone[i]);
        }
        for (size_t turn = 0; turn < 3; turn++) {
            struct digest_part parts[4];
            for (size_t i = 0; i < count; i++) {
                size_t at = (round * 31 + i * 7 + turn) % 101;
                size_t len = (round * 977 + i * 1201 + turn * 61) % (i == 1 ? 130 : 4096);
                parts[i] = (struct digest_part){&each[i], data + at, len};
                digest_add(&alone[i], data + at, len);
            }
            digest_add_each(parts, count, turn < 2 && digest_pair_works());
        }
        for (size_t i = 0; i < count; i++) {
            digest_end(&each[i], mine);
            digest_end(&alone[i], its);
            assert_memory_equal(mine, its, sizeof mine);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_of_the_standard),
        cmocka_unit_test(may_come_in_pieces),
        cmocka_unit_test(is_right_at_every_length),
        cmocka_unit_test(several_are_as_each_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
