// SPDX-License-Identifier: Apache-2.0
/* Maps: against a plain array as the model, removal while iterating, bounds, lack of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/failing_alloc.h"

#include "base/map.c"

#include "base/entropy.h"

static struct map *new_map(size_t limit)
{
    struct map *m;
    assert_int_equal(map_new(&m, limit, 42), 0);
    return m;
}

static void finds_what_was_added(void **state)
{
    (void)state;
    struct map *m = new_map(100);
    int a = 0, b = 0;
    assert_null(map_get_str(m, "a"));
    assert_null(map_remove_str(m, "a"));
    assert_int_equal(map_add_str(m, "a", &a), 0);
    assert_int_equal(map_add_str(m, "b", &b), 0);
    assert_int_equal(map_add_str(m, "a", &b), ER_CONFLICT);
    assert_int_equal(map_add_str(m, "c", NULL), ER_INVALID);
    assert_ptr_equal(map_get_str(m, "a"), &a);
    assert_ptr_equal(map_get_str(m, "b"), &b);
    assert_int_equal(map_count(m), 2);
    assert_ptr_equal(map_remove_str(m, "a"), &a);
    assert_null(map_get_str(m, "a"));
    assert_null(map_remove_str(m, "a"));
    assert_int_equal(map_count(m), 1);
    map_free(m);
    map_free(NULL);
}

static void keys_of_every_length(void **state)
{
    (void)state;
    struct map *m = new_map(200);
    char key[200];
    memset(key, 'k', sizeof key);
    for (size_t len = 0; len < sizeof key; len++)
        assert_int_equal(map_add(m, key, len, key + len), 0);
    for (size_t len = 0; len < sizeof key; len++)
        assert_ptr_equal(map_get(m, key, len), key + len);
    for (size_t len = 0; len < sizeof key; len += 2)
        assert_ptr_equal(map_remove(m, key, len), key + len);
    for (size_t len = 0; len < sizeof key; len++)
        assert_ptr_equal(map_get(m, key, len), len % 2 ? key + len : NULL);
    map_free(m);
}

static void refuses_beyond_its_bounds(void **state)
{
    (void)state;
    struct map *m;
    int x;
    assert_int_equal(map_new(&m, 0, 1), ER_INVALID);
    assert_null(m);
    assert_int_equal(map_new(&m, SIZE_MAX, 1), ER_INVALID);
    m = new_map(9);
    for (uint64_t i = 0; i < 9; i++)
        assert_int_equal(map_add_u64(m, i, &x), 0);
    assert_int_equal(map_add_u64(m, 9, &x), ER_FULL);
    assert_int_equal(map_add_u64(m, 8, &x), ER_CONFLICT);
    assert_int_equal(map_count(m), 9);
    assert_non_null(map_remove_u64(m, 0));
    assert_int_equal(map_add_u64(m, 9, &x), 0);
    map_free(m);
}

enum { KEYS = 512, STEPS = 60000 };

static void behaves_like_the_model(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 7);
    struct map *m = new_map(KEYS);
    static uint8_t values[KEYS];
    bool present[KEYS] = {false};
    size_t count = 0;
    for (int step = 0; step < STEPS; step++) {
        uint64_t word = entropy_u64(&e);
        size_t key = word % KEYS;
        // Waves of filling and emptying, so that chains grow long and are cut.
        bool add = (word >> 32) % 100 < (step / 4000 % 2 ? 25u : 75u);
        if (add) {
            assert_int_equal(map_add_u64(m, key, &values[key]), present[key] ? ER_CONFLICT : 0);
            count += !present[key];
        } else {
            assert_ptr_equal(map_remove_u64(m, key), present[key] ? &values[key] : NULL);
            count -= present[key];
        }
        present[key] = add;
        assert_int_equal(map_count(m), count);
        size_t other = (word >> 16) % KEYS;
        assert_ptr_equal(map_get_u64(m, other), present[other] ? &values[other] : NULL);
    }
    for (size_t key = 0; key < KEYS; key++)
        assert_ptr_equal(map_get_u64(m, key), present[key] ? &values[key] : NULL);
    map_free(m);
}

/** Walk over `count` entries, removing those the mask says; each must be given exactly once. */
static void walk_removing(size_t count, uint64_t mask)
{
    struct map *m = new_map(64);
    int seen[64] = {0};
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(map_add_u64(m, i, &seen[i]), 0);
    size_t cursor = 0;
    size_t removed = 0;
    const void *key;
    size_t key_len;
    void *value;
    while (map_next(m, &cursor, &key, &key_len, &value)) {
        uint64_t number;
        assert_int_equal(key_len, sizeof number);
        memcpy(&number, key, sizeof number);
        assert_ptr_equal(value, &seen[number]);
        seen[number]++;
        if (mask >> number & 1) {
            // By the key as given, which lies within the map.
            assert_ptr_equal(map_remove(m, key, key_len), value);
            removed++;
        }
    }
    assert_false(map_next(m, &cursor, NULL, NULL, &value));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seen[i], 1);
        assert_int_equal(map_get_u64(m, i) == NULL, mask >> i & 1);
    }
    assert_int_equal(map_count(m), count - removed);
    map_free(m);
}

static void removal_while_iterating(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 11);
    for (size_t count = 0; count <= 64; count++) {
        walk_removing(count, 0);
        walk_removing(count, UINT64_MAX);
        for (int i = 0; i < 20; i++)
            walk_removing(count, entropy_u64(&e));
    }
}

static void order_does_not_depend_on_the_seed(void **state)
{
    (void)state;
    struct map *a, *b;
    assert_int_equal(map_new(&a, 50, 1), 0);
    assert_int_equal(map_new(&b, 50, 2), 0);
    int x[50];
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(map_add_u64(a, i, &x[i]), 0);
        assert_int_equal(map_add_u64(b, i, &x[i]), 0);
    }
    for (uint64_t i = 0; i < 50; i += 3)
        assert_ptr_equal(map_remove_u64(a, i), map_remove_u64(b, i));
    size_t at_a = 0, at_b = 0;
    void *va, *vb;
    while (map_next(a, &at_a, NULL, NULL, &va)) {
        assert_true(map_next(b, &at_b, NULL, NULL, &vb));
        assert_ptr_equal(va, vb);
    }
    assert_false(map_next(b, &at_b, NULL, NULL, &vb));
    map_free(a);
    map_free(b);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct map *m;
    int x;
    alloc_left = 0;
    assert_int_equal(map_new(&m, 10, 1), ER_NOMEM);
    assert_null(m);
    alloc_left = -1;
    m = new_map(100);
    char key[48];
    for (int i = 0; i < 40; i++) {
        // At each place where an allocation may fail: index, entries, the long key.
        int len = snprintf(key, sizeof key, "a key too long for the entry itself %04d", i);
        for (int left = 0;; left++) {
            alloc_left = left;
            int er = map_add(m, key, (size_t)len, &x);
            alloc_left = -1;
            if (er == 0)
                break;
            assert_int_equal(er, ER_NOMEM);
            assert_int_equal(map_count(m), i);
            assert_null(map_get(m, key, (size_t)len));
        }
        assert_ptr_equal(map_get(m, key, (size_t)len), &x);
    }
    map_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added),
        cmocka_unit_test(keys_of_every_length),
        cmocka_unit_test(refuses_beyond_its_bounds),
        cmocka_unit_test(behaves_like_the_model),
        cmocka_unit_test(removal_while_iterating),
        cmocka_unit_test(order_does_not_depend_on_the_seed),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
