// SPDX-License-Identifier: Apache-2.0
/* Small files: whole or not at all. */
#include "server/seal/durable.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

/* Stands in for the C library's: fails when told to. */
static bool fsync_fails;
int fsync(int fd)
{
    errno = EIO;
    return fsync_fails ? -1 : (int)syscall(SYS_fsync, fd);
}

static void writes_and_reads(void **state)
{
    (void)state;
    struct scratch s;
    struct stat st;
    char *text;
    size_t len;
    scratch_make(&s);
    const char *path = scratch_path(&s, "a");
    assert_int_equal(durable_write(path, "one", 3, 0600), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(durable_write(path, "second", 6, 0600), 0);
    assert_int_equal(durable_read(path, 6, &text, &len), 0);
    assert_int_equal(len, 6);
    assert_string_equal(text, "second");
    free(text);
    assert_int_equal(durable_read(path, 5, &text, &len), ER_FULL);
    assert_int_equal(scratch_count(&s), 1);
    assert_int_equal(durable_read(scratch_path(&s, "b"), 5, &text, &len), ER_NOT_FOUND);
    scratch_remove(&s);
}

static void a_failing_disk_leaves_what_was(void **state)
{
    (void)state;
    struct scratch s;
    char *text;
    size_t len;
    scratch_make(&s);
    const char *path = scratch_path(&s, "a");
    assert_int_equal(durable_write(path, "one", 3, 0600), 0);
    fsync_fails = true;
    assert_int_equal(durable_write(path, "second", 6, 0600), ER_IO);
    fsync_fails = false;
    assert_int_equal(durable_read(path, 6, &text, &len), 0);
    assert_string_equal(text, "one");
    free(text);
    assert_int_equal(scratch_count(&s), 1);
    assert_int_equal(durable_write("/nowhere/at/all", "x", 1, 0600), ER_IO);
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(a_failing_disk_leaves_what_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
