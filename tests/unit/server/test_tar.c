// SPDX-License-Identifier: Apache-2.0
/* Heads of archives: written and read, of any size, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/tar.h"

static void test_there_and_back(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {
        0, 1, 511, (UINT64_C(1) << 33) - 1, UINT64_C(1) << 33, UINT64_C(1) << 50};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct tar_entry e = {.name = "blobs/ab/ab12.webm", .size = sizes[i]};
        struct tar_entry back;
        uint8_t head[TAR_BLOCK];
        assert_int_equal(tar_head_write(head, &e, 1790000000), 0);
        assert_int_equal(tar_head_read(head, &back), 0);
        assert_string_equal(back.name, e.name);
        assert_int_equal(back.size, e.size);
        assert_false(back.folder);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct tar_entry e = {.name = ""}, back;
    uint8_t head[TAR_BLOCK];
    assert_int_equal(tar_head_write(head, &e, 0), ER_INVALID);
    memset(e.name, 'a', 100);
    assert_int_equal(tar_head_write(head, &e, 0), 0);
    assert_int_equal(tar_head_read(head, &back), 0);
    assert_string_equal(back.name, e.name);
    const struct tar_entry dotted = {.name = "./loupe.db"},
                           folder = {.name = "./keys/", .folder = true};
    assert_int_equal(tar_head_write(head, &dotted, 0), 0);
    assert_int_equal(tar_head_read(head, &back), 0);
    assert_string_equal(back.name, "loupe.db");
    assert_int_equal(tar_head_write(head, &folder, 0), 0);
    assert_int_equal(tar_head_read(head, &back), 0);
    assert_true(back.folder);
}

static void test_what_is_none(void **state)
{
    (void)state;
    const struct tar_entry e = {.name = "loupe.db", .size = 7};
    struct tar_entry back;
    uint8_t head[TAR_BLOCK] = {0};
    assert_int_equal(tar_head_read(head, &back), ER_NOT_FOUND);
    assert_int_equal(tar_head_write(head, &e, 0), 0);
    for (unsigned i = 0; i < TAR_BLOCK; i++) { /* any byte that is not as it was */
        uint8_t changed[TAR_BLOCK];
        memcpy(changed, head, sizeof changed);
        changed[i] ^= 1;
        int er = tar_head_read(changed, &back);
        if (i < 148 || i >= 156)
            assert_int_equal(er, ER_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
