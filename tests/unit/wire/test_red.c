// SPDX-License-Identifier: Apache-2.0
/* Redundant audio, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/wire/red.h"

static void test_round_trip(void **state)
{
    (void)state;
    const struct red_block blocks[] = {
        {.payload_type = 111, .age = 1920, .at = (const uint8_t *)"old", .len = 3},
        {.payload_type = 111, .age = 960, .at = (const uint8_t *)"er", .len = 2},
        {.payload_type = 111, .at = (const uint8_t *)"now", .len = 3},
    };
    uint8_t buf[32];
    assert_int_equal(red_write(buf, sizeof buf, blocks, 3), 17);
    assert_memory_equal(buf, "\xef\x1e\x00\x03\xef\x0f\x00\x02\x6foldernow", 17);
    struct red_block read[RED_BLOCKS];
    size_t count;
    assert_int_equal(red_parse(buf, 17, read, &count), 0);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read[i].payload_type, 111);
        assert_int_equal(read[i].age, blocks[i].age);
        assert_int_equal(read[i].len, blocks[i].len);
        assert_memory_equal(read[i].at, blocks[i].at, read[i].len);
    }
    /* every beginning of it that cuts a header or an old block is too short */
    for (size_t len = 0; len < 14; len++)
        assert_int_equal(red_parse(buf, len, read, &count), ER_TRUNCATED);
    assert_int_equal(red_parse(buf, 14, read, &count), 0);
    assert_int_equal(read[2].len, 0);
    assert_int_equal(red_write(buf, 16, blocks, 3), ER_TRUNCATED);
}

static void test_alone(void **state)
{
    (void)state;
    struct red_block read[RED_BLOCKS];
    size_t count;
    assert_int_equal(red_parse((const uint8_t *)"\x6fx", 2, read, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(read[0].len, 1);
}

static void test_bounds(void **state)
{
    (void)state;
    uint8_t many[4 * RED_BLOCKS + 1 + 1];
    struct red_block read[RED_BLOCKS];
    size_t count;
    memset(many, 0, sizeof many);
    for (size_t i = 0; i < RED_BLOCKS; i++)
        many[4 * i] = 0x80 | 111;
    assert_int_equal(red_parse(many, sizeof many, read, &count), ER_MALFORMED);
    many[4 * (RED_BLOCKS - 1)] = 111;
    assert_int_equal(red_parse(many, sizeof many, read, &count), 0);
    assert_int_equal(count, RED_BLOCKS);

    uint8_t buf[64], old[RED_BLOCK_BYTES_MAX + 1] = {0};
    struct red_block blocks[] = {{.age = RED_OFFSET_MAX + 1, .at = old, .len = 1}, {.at = old}};
    assert_int_equal(red_write(buf, sizeof buf, blocks, 2), ER_INVALID);
    blocks[0] = (struct red_block){.age = 960, .at = old, .len = sizeof old};
    assert_int_equal(red_write(buf, sizeof buf, blocks, 2), ER_INVALID);
    assert_int_equal(red_write(buf, sizeof buf, blocks, 0), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
