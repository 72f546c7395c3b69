// SPDX-License-Identifier: Apache-2.0
/* Files that are durable, and that fail for good. */
#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

/* Stands in for the C library's: counts, and fails when told to. */
static unsigned fsync_count;
static int fsync_errno;
int fsync(int fd)
{
    fsync_count++;
    if (fsync_errno) {
        errno = fsync_errno;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void test_writes_and_reads(void **state)
{
    struct scratch *s = *state;
    struct file *f;
    assert_int_equal(file_create(&f, NULL, scratch_path(s, "a")), 0);
    assert_int_equal(file_write(f, "hello world", 11), 0);
    file_seek(f, 6);
    assert_int_equal(file_write(f, "W", 1), 0);
    assert_int_equal(file_position(f), 7);
    uint64_t size;
    assert_int_equal(file_size(f, &size), 0);
    assert_int_equal(size, 11);
    assert_int_equal(file_sync(f), 0);
    file_close(f);

    assert_int_equal(file_open(&f, NULL, scratch_path(s, "a")), 0);
    char buf[32];
    size_t len;
    assert_int_equal(file_read(f, buf, sizeof buf, &len), 0);
    assert_int_equal(len, 11);
    assert_memory_equal(buf, "hello World", 11);
    assert_int_equal(file_read(f, buf, sizeof buf, &len), 0);
    assert_int_equal(len, 0);
    file_close(f);
    file_close(NULL);
}

static void test_never_overwrites_unasked(void **state)
{
    struct scratch *s = *state;
    struct file *f;
    scratch_write(s, "a", (const uint8_t *)"evidence", 8);
    assert_int_equal(file_create(&f, NULL, scratch_path(s, "a")), ER_CONFLICT);
    assert_int_equal(file_replace(&f, NULL, scratch_path(s, "a")), 0);
    file_close(f);
    size_t len;
    free(scratch_read(s, "a", &len));
    assert_int_equal(len, 0);
}

static void test_names_what_is_wrong(void **state)
{
    struct scratch *s = *state;
    struct file *f;
    assert_int_equal(file_open(&f, NULL, scratch_path(s, "nothing")), ER_NOT_FOUND);
    assert_int_equal(file_create(&f, NULL, scratch_path(s, "no/folder")), ER_IO);
    assert_int_equal(file_replace(&f, NULL, scratch_path(s, "no/folder")), ER_IO);
    assert_int_equal(file_remove(scratch_path(s, "nothing")), 0);
    assert_int_equal(file_commit(scratch_path(s, "nothing"), "/nowhere/x"), ER_IO);
}

/** What a folder that is not on the disk knows of is gone after a power cut, and all in it. */
static void test_new_names_are_durable(void **state)
{
    static int (*const makes[])(struct file **, struct vault *,
                                const char *) = {file_create, file_create_whole, file_append};
    static const char *const names[] = {"a", "b", "c"};
    struct scratch *s = *state;
    struct file *f;
    for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
        unsigned before = fsync_count;
        assert_int_equal(makes[i](&f, NULL, scratch_path(s, names[i])), 0);
        assert_int_equal(fsync_count, before + 1);
        file_close(f);
        assert_int_equal(file_remove(scratch_path(s, names[i])), 0);
        fsync_errno = EIO;
        int er = makes[i](&f, NULL, scratch_path(s, names[i]));
        fsync_errno = 0;
        assert_int_equal(er, ER_IO);
    }
}

static void test_commit_makes_the_name_durable(void **state)
{
    struct scratch *s = *state;
    scratch_write(s, "a.tmp", (const uint8_t *)"new", 3);
    scratch_write(s, "a", (const uint8_t *)"older", 5);
    char *from = file_name(s->folder, "/a.tmp");
    char *to = file_name(s->folder, "/a");
    unsigned before = fsync_count;
    assert_int_equal(file_commit(from, to), 0);
    assert_int_equal(fsync_count, before + 1);
    assert_false(scratch_exists(s, "a.tmp"));
    size_t len;
    free(scratch_read(s, "a", &len));
    assert_int_equal(len, 3);
    free(from);
    free(to);
}

static void test_fails_for_good_after_fsync(void **state)
{
    struct scratch *s = *state;
    struct file *f;
    assert_int_equal(file_create(&f, NULL, scratch_path(s, "a")), 0);
    assert_int_equal(file_write(f, "x", 1), 0);
    fsync_errno = EIO;
    assert_int_equal(file_sync(f), ER_IO);
    fsync_errno = 0;
    unsigned before = fsync_count;
    assert_int_equal(file_sync(f), ER_IO);
    assert_int_equal(fsync_count, before); /* not retried */
    assert_int_equal(file_write(f, "x", 1), ER_IO);
    assert_int_equal(file_error(f), ER_IO);
    file_close(f);
}

static void test_fails_for_good_on_a_full_disk(void **state)
{
    struct scratch *s = *state;
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    struct file *f;
    assert_int_equal(file_create(&f, NULL, scratch_path(s, "a")), 0);
    static const uint8_t block[1500];
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int er = file_write(f, block, sizeof block);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(er, ER_IO);
    assert_int_equal(file_write(f, block, 1), ER_IO);
    file_close(f);
}

static int setup(void **state)
{
    static struct scratch s;
    scratch_make(&s);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(*state);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_writes_and_reads),
        TEST(test_never_overwrites_unasked),
        TEST(test_names_what_is_wrong),
        TEST(test_commit_makes_the_name_durable),
        TEST(test_new_names_are_durable),
        TEST(test_fails_for_good_after_fsync),
        TEST(test_fails_for_good_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
