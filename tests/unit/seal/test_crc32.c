// SPDX-License-Identifier: Apache-2.0
/* CRC-32: the values that are known of it, and pieces of any length. */
#include "server/seal/crc32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void it_has_the_values_that_are_known(void **state)
{
    struct crc32 c;
    (void)state;
    crc32_init(&c);
    assert_int_equal(crc32_add(&c, 0, "", 0), 0);
    assert_int_equal(crc32_add(&c, 0, "123456789", 9), 0xCBF43926u);
    assert_int_equal(crc32_add(&c, 0, "a", 1), 0xE8B7BE43u);
}

static void pieces_make_the_whole(void **state)
{
    struct crc32 c;
    uint8_t bytes[100];
    (void)state;
    crc32_init(&c);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    uint32_t whole = crc32_add(&c, 0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint32_t first = crc32_add(&c, 0, bytes, cut);
        assert_int_equal(crc32_add(&c, first, bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_the_values_that_are_known),
        cmocka_unit_test(pieces_make_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
