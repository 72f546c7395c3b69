// SPDX-License-Identifier: Apache-2.0
/* Secrets do not stand in the database as they are; those that did are encrypted; old ones go when they are over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_hooks.h"
#include "server/store_secrets.h"
#include "server/store_sql.h"
#include "tests/unit/support/scratch.h"

#define T0 UINT64_C(1795298400000000)
#define S UINT64_C(1000000)

struct fixture {
    struct scratch scratch;
    struct entropy_seeded seeded;
    struct store *s;
    char key_file[200];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    scratch_make(&f->scratch);
    struct entropy e = entropy_seeded_init(&f->seeded, 3);
    assert_int_equal(store_open(&f->s, ":memory:", &e, NULL), 0);
    (void)snprintf(f->key_file, sizeof f->key_file, "%s", scratch_path(&f->scratch, "secrets.key"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/** What stands in a column of the only row. */
static const char *stands(struct store *s, const char *sql)
{
    static char text[VAULT_TEXT_BYTES];
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    sql_text(st, 0, text, sizeof text);
    sqlite3_finalize(st);
    return text;
}

static const struct store_api_key key = {.id = "shop", .merchant = "m", .secret = "a-plain-secret"};

static void test_not_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct store_api_key got;
    struct stat st;
    assert_int_equal(store_use_secrets(f->s, f->key_file), 0);
    assert_int_equal(stat(f->key_file, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(store_api_key_add(f->s, &key, T0), 0);
    assert_true(vault_text_is_sealed(stands(f->s, "SELECT secret FROM api_keys")));
    assert_int_equal(store_api_key_get(f->s, "m", "shop", &got), 0);
    assert_string_equal(got.secret, "a-plain-secret");
    assert_int_equal(store_api_key_get(f->s, "n", "shop", &got), ER_NOT_FOUND);
    struct store_hook hook = {.merchant = "m", .url = "https://a.example/"}, found;
    assert_int_equal(store_hook_add(f->s, &hook, T0), 0);
    assert_true(vault_text_is_sealed(stands(f->s, "SELECT secret FROM webhooks")));
    assert_int_equal(store_hook_get(f->s, "m", &hook.id, &found), 0);
    assert_string_equal(found.secret, hook.secret);
}

static void test_those_that_did(void **state)
{
    struct fixture *f = *state;
    struct store_api_key got;
    struct store_hook hook = {.merchant = "m", .url = "https://a.example/"}, found;
    assert_int_equal(store_api_key_add(f->s, &key, T0), 0);
    assert_int_equal(store_hook_add(f->s, &hook, T0), 0);
    assert_string_equal(stands(f->s, "SELECT secret FROM api_keys"), "a-plain-secret");
    assert_int_equal(store_use_secrets(f->s, f->key_file), 0);
    assert_true(vault_text_is_sealed(stands(f->s, "SELECT secret FROM api_keys")));
    assert_true(vault_text_is_sealed(stands(f->s, "SELECT secret FROM webhooks")));
    assert_int_equal(store_use_secrets(f->s, f->key_file), 0); /* the next start */
    assert_int_equal(store_api_key_get(f->s, NULL, "shop", &got), 0);
    assert_string_equal(got.secret, "a-plain-secret");
    assert_int_equal(store_hook_get(f->s, "m", &hook.id, &found), 0);
    assert_string_equal(found.secret, hook.secret);
    /* Another row's is not taken for one's own, and nothing is without the key. */
    assert_int_equal(sql_run(f->s, NULL, "UPDATE api_keys SET id = 'tea'", ""), 0);
    assert_int_equal(store_api_key_get(f->s, NULL, "tea", &got), 0);
    assert_string_equal(got.secret, "");
    char other[200];
    (void)snprintf(other, sizeof other, "%s", scratch_path(&f->scratch, "other.key"));
    assert_int_equal(store_use_secrets(f->s, other), 0);
    assert_int_equal(store_hook_get(f->s, "m", &hook.id, &found), 0);
    assert_string_equal(found.secret, "");
    scratch_write(&f->scratch, "bad.key", (const uint8_t *)"xyz", 3);
    assert_int_equal(store_use_secrets(f->s, scratch_path(&f->scratch, "bad.key")), ER_INVALID);
}

static void test_old_ones_go(void **state)
{
    struct fixture *f = *state;
    struct store_api_key got;
    struct store_hook hook = {.merchant = "m", .url = "https://a.example/"};
    bool more;
    assert_int_equal(store_use_secrets(f->s, f->key_file), 0);
    assert_int_equal(store_api_key_add(f->s, &key, T0), 0);
    assert_int_equal(store_api_key_get(f->s, "m", "shop", &got), 0);
    assert_int_equal(store_api_key_rotate(f->s, &got, "another", 10 * S, T0), 0);
    assert_int_equal(store_api_key_get(f->s, "m", "shop", &got), 0);
    assert_string_equal(got.secret, "another");
    assert_string_equal(got.old_secret, "a-plain-secret");
    assert_true(got.old_until_us == T0 + 10 * S);
    assert_int_equal(store_hook_add(f->s, &hook, T0), 0);
    assert_int_equal(store_hook_rotate(f->s, &hook, 10 * S, T0), 0);
    assert_int_equal(store_hooks_sweep(f->s, T0 + 9 * S, &more), 0);
    assert_true(vault_text_is_sealed(stands(f->s, "SELECT old_secret FROM webhooks")));
    assert_int_equal(store_hooks_sweep(f->s, T0 + 10 * S, &more), 0);
    assert_string_equal(stands(f->s, "SELECT old_secret FROM webhooks"), "");
    assert_string_equal(stands(f->s, "SELECT old_secret FROM api_keys"), "");
    assert_int_equal(store_api_key_rotate(f->s, &got, "third", 0, T0), 0);
    assert_string_equal(stands(f->s, "SELECT old_secret FROM api_keys"), "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_not_as_they_are),
        TEST(test_those_that_did),
        TEST(test_old_ones_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
