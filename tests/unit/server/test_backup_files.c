// SPDX-License-Identifier: Apache-2.0
/* Names that stay inside a backup, files copied with their hashes, and lists of them there and back. */
#include "server/backup_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

static void names(void **state)
{
    static const char *const good[] = {"loupe.db", "keys/keys.json", "keys/0a1b.key",
                                       "blobs/01/01abc.webm", "blobs/01/01abc.voices.mka"};
    static const char *const bad[] = {"",
                                      "loupe.db2",
                                      "/loupe.db",
                                      "../loupe.db",
                                      "keys",
                                      "keys/",
                                      "keys/../lock",
                                      "keys/a/b",
                                      "blobs/01",
                                      "blobs/01/",
                                      "blobs//a",
                                      "blobs/../a",
                                      "blobs/01/..",
                                      "blobs/01/a/b",
                                      "blobs/01/.a",
                                      "blobs/01/a b",
                                      "blobs/01/a\n",
                                      "lock",
                                      "other/a"};
    char longest[BACKUP_NAME_BYTES + 8];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(backup_name_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (backup_name_ok(bad[i]))
            fail_msg("%s", bad[i]);
    }
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "keys/", 5);
    longest[BACKUP_NAME_BYTES - 1] = '\0';
    assert_true(backup_name_ok(longest));
    longest[BACKUP_NAME_BYTES - 1] = 'a';
    longest[BACKUP_NAME_BYTES] = '\0';
    assert_false(backup_name_ok(longest));
}

static void copies(void **state)
{
    struct scratch s;
    struct backup_file file, again;
    char from[128], to[160], hex[65];
    (void)state;
    scratch_make(&s);
    scratch_write(&s, "from", (const uint8_t *)"abc", 3);
    (void)snprintf(from, sizeof from, "%s", scratch_path(&s, "from"));
    (void)snprintf(to, sizeof to, "%s/to", s.folder);
    assert_int_equal(backup_copy(from, to, &file), 0);
    assert_int_equal(file.bytes, 3);
    hex_encode(hex, file.hash, sizeof file.hash);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(backup_hash(to, &again), 0);
    assert_memory_equal(file.hash, again.hash, sizeof file.hash);
    (void)snprintf(from, sizeof from, "%s", scratch_path(&s, "none"));
    assert_int_equal(backup_copy(from, to, &file), ER_NOT_FOUND);
    assert_int_equal(backup_hash(from, &file), ER_NOT_FOUND);
    (void)snprintf(from, sizeof from, "%s", scratch_path(&s, "from"));
    assert_int_equal(backup_copy(from, "/proc/none/x", &file), ER_IO);
    scratch_remove(&s);
}

static void put(struct backup_list *l, const char *name, uint8_t byte)
{
    struct backup_file file = {.bytes = byte};
    (void)str_copy(file.name, sizeof file.name, name);
    memset(file.hash, byte, sizeof file.hash);
    assert_int_equal(backup_list_put(l, &file), 0);
}

static void lists(void **state)
{
    struct backup_list l = {0}, back = {0};
    char name[40];
    size_t len;
    (void)state;
    assert_null(backup_list_find(&l, "loupe.db"));
    for (int i = 999; i >= 0; i--) {
        (void)snprintf(name, sizeof name, "blobs/01/%03d.webm", i);
        put(&l, name, 1);
    }
    backup_list_sort(&l);
    put(&l, "blobs/01/500.webm", 2); /* in its place */
    put(&l, "loupe.db", 3);
    assert_null(backup_list_find(&l, "loupe.db"));
    backup_list_sort(&l);
    assert_int_equal(l.count, 1001);
    assert_int_equal(backup_list_find(&l, "blobs/01/500.webm")->bytes, 2);
    backup_list_remove(&l, backup_list_find(&l, "blobs/01/000.webm"));
    assert_null(backup_list_find(&l, "blobs/01/000.webm"));
    assert_int_equal(backup_list_find(&l, "loupe.db")->bytes, 3);
    char *text = backup_list_text(&l, &len);
    assert_int_equal(backup_list_parse(&back, text, len), 0);
    assert_int_equal(back.count, 1000);
    assert_int_equal(backup_list_find(&back, "loupe.db")->hash[31], 3);
    backup_list_clear(&back);
    assert_int_equal(backup_list_parse(&back, text, len - 1), ER_MALFORMED);
    backup_list_clear(&back);
    text[0] = 'g';
    assert_int_equal(backup_list_parse(&back, text, len), ER_MALFORMED);
    backup_list_clear(&back);
    text[0] = '0';
    text[64] = '*';
    assert_int_equal(backup_list_parse(&back, text, len), ER_MALFORMED);
    backup_list_clear(&back);
    free(text);
    put(&l, "loupe.db", 3);
    l.files[0] = l.files[1]; /* twice the same */
    text = backup_list_text(&l, &len);
    assert_int_equal(backup_list_parse(&back, text, len), ER_MALFORMED);
    backup_list_clear(&back);
    backup_list_clear(&l);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(copies),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
