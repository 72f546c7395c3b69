// SPDX-License-Identifier: Apache-2.0
/* Merchants and their API keys: kept, told, gone. */
#include "server/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

#define T0 UINT64_C(1795298400000000)

static struct entropy_seeded seeded;

static int setup(void **state)
{
    struct entropy e = entropy_seeded_init(&seeded, 11);
    struct store *s;
    if (store_open(&s, ":memory:", &e, NULL))
        return -1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

struct seen {
    size_t count;
    struct store_api_key keys[4];
};

static void see(void *ctx, const struct store_api_key *key)
{
    struct seen *seen = ctx;
    assert_in_range(seen->count, 0, 3);
    seen->keys[seen->count++] = *key;
}

static struct seen all(struct store *s)
{
    struct seen seen = {0};
    assert_int_equal(store_api_keys_each(s, see, &seen), 0);
    return seen;
}

static void keys_are_kept_with_their_merchants(void **state)
{
    struct store *s = *state;
    struct store_api_key key = {.id = "b", .merchant = "tea-house", .secret = "one"};
    assert_int_equal(all(s).count, 0);
    assert_int_equal(store_api_key_add(s, &key, T0), 0);
    key = (struct store_api_key){.id = "a", .merchant = "bag-shop", .secret = "two"};
    assert_int_equal(store_api_key_add(s, &key, T0 + 1), 0);
    struct seen seen = all(s);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.keys[0].id, "a");
    assert_string_equal(seen.keys[0].merchant, "bag-shop");
    assert_string_equal(seen.keys[0].secret, "two");
    assert_int_equal(seen.keys[0].created_us, T0 + 1);
    assert_string_equal(seen.keys[1].merchant, "tea-house");
}

/** Nobody's key becomes somebody else's. */
static void an_id_is_given_once(void **state)
{
    struct store *s = *state;
    struct store_api_key key = {.id = "k", .merchant = "tea-house", .secret = "one"};
    assert_int_equal(store_api_key_add(s, &key, T0), 0);
    (void)snprintf(key.merchant, sizeof key.merchant, "bag-shop");
    assert_int_equal(store_api_key_add(s, &key, T0), ER_CONFLICT);
    assert_string_equal(all(s).keys[0].merchant, "tea-house");
    assert_int_equal(store_api_key_remove(s, "k"), 0);
    assert_int_equal(store_api_key_remove(s, "k"), ER_NOT_FOUND);
    assert_int_equal(store_api_key_add(s, &key, T0), 0);
    assert_string_equal(all(s).keys[0].merchant, "bag-shop");
}

static void merchants_are_named_again(void **state)
{
    struct store *s = *state;
    assert_int_equal(store_merchant_put(s, "m", NULL, T0), 0);
    assert_int_equal(store_merchant_put(s, "m", "Tea House", T0), 0);
    assert_int_equal(store_merchant_put(s, "m", NULL, T0), 0);
}

struct listed {
    char text[200];
};

static void list_merchant(void *ctx, const struct store_merchant *m)
{
    struct listed *l = ctx;
    size_t len = strlen(l->text);
    (void)snprintf(l->text + len, sizeof l->text - len, "%s=%s ", m->id, m->name);
}

static void list_worker(void *ctx, const struct store_worker *w)
{
    struct listed *l = ctx;
    size_t len = strlen(l->text);
    (void)snprintf(l->text + len, sizeof l->text - len, "%s/%s=%s:%s ", w->merchant, w->identity,
                   role_name(w->role), w->name);
}

static void who_works_for_whom(void **state)
{
    struct store *s = *state;
    struct store_worker w = {.merchant = "tea",
                             .identity = "ann",
                             .name = "Ann",
                             .role = ROLE_AGENT},
                        got;
    struct listed l = {""};
    assert_int_equal(store_worker_put(s, &w, T0), 0);
    (void)snprintf(w.name, sizeof w.name, "Ann B");
    w.role = ROLE_SUPERVISOR;
    assert_int_equal(store_worker_put(s, &w, T0 + 1), 0);
    (void)snprintf(w.merchant, sizeof w.merchant, "bags");
    assert_int_equal(store_worker_put(s, &w, T0 + 2), 0);
    assert_int_equal(store_worker_get(s, "tea", "ann", &got), 0);
    assert_int_equal(got.created_us, T0);
    assert_string_equal(got.name, "Ann B");
    assert_int_equal(store_worker_get(s, "shoes", "ann", &got), ER_NOT_FOUND);
    assert_int_equal(store_workers_each(s, NULL, list_worker, &l), 0);
    assert_string_equal(l.text, "bags/ann=supervisor:Ann B tea/ann=supervisor:Ann B ");
    assert_int_equal(store_worker_remove(s, "tea", "ann"), 0);
    assert_int_equal(store_worker_remove(s, "tea", "ann"), ER_NOT_FOUND);
    l = (struct listed){""};
    assert_int_equal(store_workers_each(s, "tea", list_worker, &l), 0);
    assert_string_equal(l.text, "");
    assert_int_equal(store_merchants_each(s, list_merchant, &l), 0);
    assert_string_equal(l.text, "bags=bags tea=tea ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_kept_with_their_merchants, setup, teardown),
        cmocka_unit_test_setup_teardown(an_id_is_given_once, setup, teardown),
        cmocka_unit_test_setup_teardown(merchants_are_named_again, setup, teardown),
        cmocka_unit_test_setup_teardown(who_works_for_whom, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
