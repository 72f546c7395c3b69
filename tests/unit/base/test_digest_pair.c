// SPDX-License-Identifier: Apache-2.0
/* Two streams of blocks side by side, against OpenSSL's one after the other. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest_pair.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCKS = 9 };

static void is_as_one_after_the_other(void **state)
{
    (void)state;
    uint8_t data[(BLOCKS + 2) * DIGEST_BLOCK_BYTES];
    if (!digest_pair_works())
        skip();
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 17 + i / 253);
    for (size_t blocks = 0; blocks <= BLOCKS; blocks++) {
        SHA256_CTX a, b, pair_a, pair_b;
        (void)SHA256_Init(&a);
        (void)SHA256_Init(&b);
        b.h[3] ^= 0x80000001; /* another beginning */
        pair_a = a;
        pair_b = b;
        for (size_t i = 0; i < blocks; i++) {
            SHA256_Transform(&a, data + 1 + i * DIGEST_BLOCK_BYTES);
            SHA256_Transform(&b, data + 70 + i * DIGEST_BLOCK_BYTES);
        }
        digest_pair(pair_a.h, data + 1, pair_b.h, data + 70, blocks);
        assert_memory_equal(pair_a.h, a.h, sizeof a.h);
        assert_memory_equal(pair_b.h, b.h, sizeof b.h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_as_one_after_the_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
