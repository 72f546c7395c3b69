// SPDX-License-Identifier: Apache-2.0
/* A backup as one file, there and back; and archives that are not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/backup_tar.h"
#include "server/tar.h"
#include "tests/unit/support/whole_store.h"

struct scene {
    struct whole_store w;
    char tar[160], again[160];
};

static int setup(void **state)
{
    static struct scene s;
    memset(&s, 0, sizeof s);
    whole_store_make(&s.w);
    (void)snprintf(s.tar, sizeof s.tar, "%s/one.tar", s.w.scratch.folder);
    (void)snprintf(s.again, sizeof s.again, "%s/again", s.w.scratch.folder);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    whole_store_free(&s->w);
    return 0;
}

static bool beside(const char *path, const char *suffix)
{
    char name[300];
    (void)snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static void there_and_back(void **state)
{
    struct scene *s = *state;
    struct backup_told told, back;
    struct stat st;
    const struct backup_from from = {.data = s->w.data};
    assert_true(backup_is_tar(s->tar));
    assert_false(backup_is_tar(".tar"));
    assert_false(backup_is_tar(s->again));
    assert_int_equal(backup_tar_make(&from, s->tar, WHOLE_T0, &told), 0);
    assert_true(told.files >= 9);
    assert_int_equal(stat(s->tar, &st), 0);
    assert_int_equal(st.st_size % TAR_BLOCK, 0);
    assert_false(beside(s->tar, ".folder"));
    assert_false(beside(s->tar, ".partial"));
    assert_int_equal(backup_tar_restore(s->tar, s->again, &back), 0);
    assert_int_equal(back.files, told.files);
    assert_int_equal(back.bytes, told.bytes);
    assert_true(beside(s->again, "/loupe.db"));
    assert_false(beside(s->again, ".unpacked"));
    assert_int_equal(backup_tar_make(&from, s->tar, WHOLE_T0, &told), ER_CONFLICT);
    assert_int_equal(backup_tar_restore(s->tar, s->again, &back), ER_CONFLICT);
    assert_false(beside(s->again, ".unpacked"));
}

static void cut_anywhere(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    struct stat st;
    const struct backup_from from = {.data = s->w.data};
    assert_int_equal(backup_tar_make(&from, s->tar, WHOLE_T0, &told), 0);
    assert_int_equal(stat(s->tar, &st), 0);
    for (off_t cut = st.st_size - 2 * TAR_BLOCK; cut > 0; cut -= st.st_size / 9) {
        assert_int_equal(truncate(s->tar, cut), 0);
        assert_int_equal(backup_tar_restore(s->tar, s->again, &told), ER_MALFORMED);
        assert_false(beside(s->again, "/loupe.db"));
        assert_false(beside(s->again, ".unpacked"));
    }
}

/** An archive with one file of this name. */
static void make_with(struct scene *s, const char *name, unsigned times)
{
    uint8_t block[TAR_BLOCK];
    struct tar_entry e = {.size = 3};
    (void)str_copy(e.name, sizeof e.name, name);
    FILE *f = fopen(s->tar, "wb");
    assert_non_null(f);
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(tar_head_write(block, &e, 0), 0);
        assert_int_equal(fwrite(block, 1, sizeof block, f), sizeof block);
        memset(block, 0, sizeof block);
        memcpy(block, "abc", 3);
        assert_int_equal(fwrite(block, 1, sizeof block, f), sizeof block);
    }
    memset(block, 0, sizeof block);
    assert_int_equal(fwrite(block, 1, sizeof block, f), sizeof block);
    assert_int_equal(fclose(f), 0);
}

static void what_is_not_of_a_backup(void **state)
{
    struct scene *s = *state;
    struct backup_told told;
    static const char *const names[] = {"../evil",         "/tmp/evil",        "blobs/../../evil",
                                        "keys/.hidden",    "blobs/ab/../evil", "loupe.db-wal",
                                        "backup.json/../x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_with(s, names[i], 1);
        assert_int_equal(backup_tar_restore(s->tar, s->again, &told), ER_MALFORMED);
        assert_non_null(strstr(told.why, "not of a backup"));
    }
    make_with(s, "keys/keys.json", 2); /* twice */
    assert_int_equal(backup_tar_restore(s->tar, s->again, &told), ER_MALFORMED);
    make_with(s, "keys/keys.json", 1); /* and nothing else */
    assert_int_equal(backup_tar_restore(s->tar, s->again, &told), ER_MALFORMED);
    assert_int_equal(access("/tmp/evil", F_OK), -1);
    assert_false(beside(s->again, ".unpacked"));
    (void)unlink(s->tar);
    assert_int_equal(backup_tar_restore(s->tar, s->again, &told), ER_MALFORMED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(there_and_back),
        TEST(cut_anywhere),
        TEST(what_is_not_of_a_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
