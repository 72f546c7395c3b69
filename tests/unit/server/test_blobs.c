// SPDX-License-Identifier: Apache-2.0
/* All files of one name go, and no others. */
#include "server/blobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

static const uint8_t some[] = "some";

static void test_every_suffix_of_one_name(void **state)
{
    (void)state;
    struct scratch s;
    char path[128];
    scratch_make(&s);
    static const char *const names[] = {"a.webm", "a.voices.mka", "a.x", "ab.webm",
                                        "a",      "b.a.webm"};
    for (size_t i = 0; i < 6; i++)
        scratch_write(&s, names[i], some, sizeof some);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "a"));
    assert_int_equal(blobs_remove(path), 0);
    for (size_t i = 0; i < 6; i++)
        assert_true(scratch_exists(&s, names[i]) == (i >= 3));
    assert_int_equal(blobs_remove(path), 0); /* nothing there */
    scratch_remove(&s);
}

static void test_what_cannot_be_removed(void **state)
{
    (void)state;
    struct scratch s;
    char path[128], stuck[160];
    scratch_make(&s);
    scratch_write(&s, "a.webm", some, sizeof some);
    (void)snprintf(path, sizeof path, "%s", scratch_path(&s, "a"));
    (void)snprintf(stuck, sizeof stuck, "%s.stuck", path);
    assert_int_equal(mkdir(stuck, 0700), 0);
    assert_int_equal(blobs_remove(path), ER_IO);
    assert_false(scratch_exists(&s, "a.webm")); /* the others go all the same */
    assert_int_equal(rmdir(stuck), 0);
    scratch_remove(&s);
    assert_int_equal(blobs_remove(path), 0); /* nor a folder */
    assert_int_equal(blobs_remove("a"), ER_INVALID);
    assert_int_equal(blobs_remove("/tmp/"), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_suffix_of_one_name),
        cmocka_unit_test(test_what_cannot_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
