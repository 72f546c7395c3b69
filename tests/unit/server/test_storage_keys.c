// SPDX-License-Identifier: Apache-2.0
/* Keys of recordings from a file or the settings, and files of them made. */
#include "server/storage_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct fixture {
    struct scratch scratch;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct vault *vault;
    struct config config;
    const char *name;
    char why[1024], path[512];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    f->entropy = entropy_seeded_init(&f->seeded, 5);
    assert_int_equal(vault_new(&f->vault, f->entropy), 0);
    (void)snprintf(f->path, sizeof f->path, "%s", scratch_path(&f->scratch, "keys"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vault_free(f->vault);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static int take(struct fixture *f)
{
    return storage_keys_take(f->vault, &f->config, &f->name, f->why, sizeof f->why);
}

static void write_keys(struct fixture *f, const char *text, unsigned mode)
{
    scratch_write(&f->scratch, "keys", (const uint8_t *)text, strlen(text));
    assert_int_equal(chmod(f->path, (mode_t)mode), 0);
    (void)snprintf(f->config.storage_key_file, sizeof f->config.storage_key_file, "%s", f->path);
}

static void test_without_settings_files_lie_plain(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(take(f), 0);
    assert_false(vault_has_key(f->vault));
}

static void test_takes_keys(void **state)
{
    struct fixture *f = *state;
    write_keys(f, "# ours\n" KEY "\n", 0600);
    assert_int_equal(take(f), 0);
    assert_int_equal(vault_key_names(f->vault, NULL, 0), 1);
    f->config.storage_key_file[0] = '\0';
    (void)snprintf(f->config.storage_key, sizeof f->config.storage_key, KEY "," KEY);
    assert_int_equal(take(f), 0);
    assert_int_equal(vault_key_names(f->vault, NULL, 0), 2);
}

static void expect_wrong(struct fixture *f, const char *name, const char *why)
{
    assert_int_equal(take(f), ER_INVALID);
    assert_string_equal(f->name, name);
    assert_non_null(strstr(f->why, why));
    assert_null(strstr(f->why, "0001020304")); /* no key in what is printed */
    assert_int_equal(vault_key_names(f->vault, NULL, 0), 0);
}

static void test_says_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    write_keys(f, KEY "\n", 0640);
    expect_wrong(f, "storage-key-file", "chmod 600");
    write_keys(f, "\n" KEY "00\n", 0600);
    expect_wrong(f, "storage-key-file", "line 2 holds what is no key");
    write_keys(f, "# none\n", 0600);
    expect_wrong(f, "storage-key-file", "no key in it");
    (void)snprintf(f->config.storage_key, sizeof f->config.storage_key, KEY);
    expect_wrong(f, "storage-key-file", "two ways");
    f->config.storage_key[0] = '\0';
    (void)snprintf(f->config.storage_key_file, sizeof f->config.storage_key_file, "%s",
                   f->scratch.folder);
    expect_wrong(f, "storage-key-file", "no file");
    (void)snprintf(f->config.storage_key_file, sizeof f->config.storage_key_file, "/nowhere/keys");
    expect_wrong(f, "storage-key-file", "cannot be read: No such file");
    f->config.storage_key_file[0] = '\0';
    (void)snprintf(f->config.storage_key, sizeof f->config.storage_key, "secret");
    expect_wrong(f, "storage-key", "no key");
}

static void test_makes_files_that_it_takes(void **state)
{
    struct fixture *f = *state;
    char names[3][2 * VAULT_KEY_ID_BYTES + 1], before[sizeof names[0]];
    struct stat st;
    assert_int_equal(storage_keys_add(f->path, &f->entropy, f->why, sizeof f->why), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(f->config.storage_key_file, sizeof f->config.storage_key_file, "%s", f->path);
    assert_int_equal(take(f), 0);
    assert_int_equal(vault_key_names(f->vault, names, 3), 1);
    (void)snprintf(before, sizeof before, "%s", names[0]);
    assert_int_equal(storage_keys_add(f->path, &f->entropy, f->why, sizeof f->why), 0);
    assert_int_equal(take(f), 0);
    assert_int_equal(vault_key_names(f->vault, names, 3), 2);
    assert_string_equal(names[0], before); /* the old one stays, the new one writes */
    write_keys(f, "what is no key\n", 0600);
    assert_int_equal(storage_keys_add(f->path, &f->entropy, f->why, sizeof f->why), ER_INVALID);
    size_t len;
    uint8_t *text = scratch_read(&f->scratch, "keys", &len);
    assert_int_equal(len, 15); /* and nothing was written */
    free(text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_without_settings_files_lie_plain),
        TEST(test_takes_keys),
        TEST(test_says_what_is_wrong),
        TEST(test_makes_files_that_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
