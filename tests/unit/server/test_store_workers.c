// SPDX-License-Identifier: Apache-2.0
/* The register of those who work for merchants: what is kept of each, page by page, and how many there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define T0 UINT64_C(1790000000000000)

struct bench {
    struct entropy_seeded random;
    struct store *s;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    struct entropy e = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &e, NULL), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_close(b->s);
    free(b);
    return 0;
}

static void test_what_is_kept(void **state)
{
    struct bench *b = *state;
    struct store_worker got, w = {.merchant = "tea",
                                  .identity = "mei",
                                  .name = "Mei",
                                  .role = ROLE_APPRAISER,
                                  .team = "returns",
                                  .skills = "[\"watch\"]",
                                  .languages = "[\"zh\",\"en\"]",
                                  .capacity = 3};
    assert_int_equal(store_worker_put(b->s, &w, T0), 0);
    assert_int_equal(store_worker_get(b->s, "tea", "mei", &got), 0);
    assert_string_equal(got.team, "returns");
    assert_string_equal(got.skills, w.skills);
    assert_string_equal(got.languages, w.languages);
    assert_int_equal(got.capacity, 3);
    assert_int_equal(got.role, ROLE_APPRAISER);
    assert_false(got.inactive);
    w = (struct store_worker){.merchant = "tea", .identity = "mei", .inactive = true};
    assert_int_equal(store_worker_put(b->s, &w, T0 + 5), 0);
    assert_int_equal(store_worker_get(b->s, "tea", "mei", &got), 0);
    assert_true(got.inactive);
    assert_string_equal(got.skills, "[]");
    assert_int_equal(got.capacity, 1);
    assert_int_equal(got.created_us, T0);
    assert_int_equal(got.changed_us, T0 + 5);
}

static void note(void *ctx, const struct store_worker *w)
{
    char *text = ctx;
    size_t len = strlen(text);
    (void)snprintf(text + len, 80 - len, "%s ", w->identity);
}

static void test_pages(void **state)
{
    struct bench *b = *state;
    static const char *const names[] = {"cyd", "ann", "bob", "dan"};
    char text[80] = "";
    for (size_t i = 0; i < 4; i++) {
        struct store_worker w = {.role = ROLE_AGENT};
        (void)str_copy(w.merchant, sizeof w.merchant, i == 3 ? "shoes" : "tea");
        (void)str_copy(w.identity, sizeof w.identity, names[i]);
        assert_int_equal(store_worker_put(b->s, &w, T0), 0);
    }
    assert_int_equal(store_workers_page(b->s, "tea", "", 2, note, text), 0);
    assert_string_equal(text, "ann bob ");
    assert_int_equal(store_workers_page(b->s, "tea", "bob", 2, note, text), 0);
    assert_string_equal(text, "ann bob cyd ");
}

static void test_there_is_an_end(void **state)
{
    struct bench *b = *state;
    struct store_worker w = {.merchant = "tea", .identity = "one-more"};
    assert_int_equal(store_merchant_put(b->s, "tea", NULL, T0), 0);
    assert_int_equal(sql_run(b->s, NULL,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                             " WHERE i < ?) INSERT INTO workers(merchant, identity, name, role,"
                             " created_us) SELECT 'tea', 'w' || i, '', 'agent', 0 FROM n",
                             "i", (int64_t)LIMIT_WORKING_PEOPLE),
                     0);
    assert_int_equal(store_worker_put(b->s, &w, T0), ER_FULL);
    (void)str_copy(w.identity, sizeof w.identity, "w7"); /* is there already */
    assert_int_equal(store_worker_put(b->s, &w, T0), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_kept),
        TEST(test_pages),
        TEST(test_there_is_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
