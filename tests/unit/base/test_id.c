// SPDX-License-Identifier: Apache-2.0
/* Ids: the text form, order by time, randomness, and what is no id. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/id.h"

static void fill_from(void *ctx, void *ret_bytes, size_t len)
{
    memset(ret_bytes, *(const uint8_t *)ctx, len);
}

static void encodes_known_values(void **state)
{
    (void)state;
    uint8_t byte = 0;
    struct entropy e = {.fill = fill_from, .ctx = &byte};
    struct id id = id_make(0, &e);
    assert_string_equal(id.text, "00000000000000000000000000");
    // The time of the ULID specification's example.
    id = id_make(UINT64_C(1469918176385999), &e);
    assert_string_equal(id.text, "01aryz6s410000000000000000");
    byte = 0xff;
    id = id_make(UINT64_C(0xffffffffffff) * 1000, &e);
    assert_string_equal(id.text, "7zzzzzzzzzzzzzzzzzzzzzzzzz");
}

static void sorts_by_time(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, 1);
    struct id before = id_make(0, &e);
    for (uint64_t ms = 1; ms < (UINT64_C(1) << 40); ms = ms * 3 / 2 + 1) {
        struct id id = id_make(ms * 1000, &e);
        assert_int_equal(strlen(id.text), ID_TEXT_BYTES - 1);
        assert_true(strcmp(before.text, id.text) < 0);
        before = id;
    }
}

static void differs_within_a_millisecond(void **state)
{
    (void)state;
    struct entropy e = entropy_system();
    struct id a = id_make(1000, &e);
    struct id b = id_make(1000, &e);
    assert_false(id_equal(&a, &b));
    assert_memory_equal(a.text, b.text, 10);
    assert_memory_not_equal(a.text + 10, b.text + 10, 16);
}

static void parses_what_it_makes(void **state)
{
    (void)state;
    struct entropy_seeded s;
    struct entropy e = entropy_seeded_init(&s, 2);
    for (int i = 0; i < 200; i++) {
        struct id id = id_make(entropy_u64(&e), &e);
        struct id back;
        assert_int_equal(id_parse(id.text, &back), 0);
        assert_true(id_is_set(&back));
        assert_true(id_equal(&id, &back));
        char upper[ID_TEXT_BYTES];
        for (size_t k = 0; k < sizeof upper; k++)
            upper[k] = (char)toupper((unsigned char)id.text[k]);
        assert_int_equal(id_parse(upper, &back), 0);
        assert_true(id_equal(&id, &back));
    }
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "0",
        "0000000000000000000000000",   // 25
        "000000000000000000000000000", // 27
        "80000000000000000000000000",  // over 128 bits
        "i0000000000000000000000000",
        "0000000000000000000000000i",
        "0000000000000000000000000l",
        "0000000000000000000000000o",
        "0000000000000000000000000U",
        "0000000000000000000000000-",
        "0000000000000 000000000000",
        "000000000000000000000000\xc3\xa9",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct id id;
        memset(&id, 'x', sizeof id);
        assert_int_equal(id_parse(wrong[i], &id), ER_MALFORMED);
        assert_false(id_is_set(&id));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_known_values),         cmocka_unit_test(sorts_by_time),
        cmocka_unit_test(differs_within_a_millisecond), cmocka_unit_test(parses_what_it_makes),
        cmocka_unit_test(refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
