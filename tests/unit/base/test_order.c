// SPDX-License-Identifier: Apache-2.0
/* The ordered set against an array: order, places, and that it stays sound and shallow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "base/order.h"

#define NODES 200

static size_t depth(const struct order_node *n)
{
    size_t d = 0;
    for (; n; n = n->up)
        d++;
    return d;
}

static void test_in_order_by_key_then_number(void **state)
{
    (void)state;
    struct order o = {0};
    struct order_node n[4] = {{0}};
    assert_null(order_first(&o));
    order_add(&o, &n[0], 5, 2);
    order_add(&o, &n[1], -7, 9);
    order_add(&o, &n[2], 5, 1);
    order_add(&o, &n[3], INT64_MAX, 0);
    assert_ptr_equal(order_first(&o), &n[1]);
    assert_ptr_equal(order_next(&n[1]), &n[2]);
    assert_ptr_equal(order_next(&n[2]), &n[0]);
    assert_ptr_equal(order_at(&o, 3), &n[3]);
    assert_null(order_at(&o, 4));
    assert_null(order_next(&n[3]));
    assert_int_equal(order_before(&o, 5, 2), 2);
    assert_int_equal(order_before(&o, INT64_MIN, 0), 0);
    order_remove(&o, &n[2]);
    order_remove(&o, &n[2]); /* nothing more to do */
    assert_false(order_linked(&n[2]));
    assert_int_equal(order_before(&o, 5, 2), 1);
    assert_true(order_is_sound(&o));
}

static void test_places_against_counting(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy entropy = entropy_seeded_init(&seeded, 7);
    struct order o = {0};
    struct order_node n[NODES];
    memset(n, 0, sizeof n);
    for (int step = 0; step < 4000; step++) {
        uint64_t r = entropy_u64(&entropy);
        struct order_node *it = &n[r % NODES];
        if (order_linked(it))
            order_remove(&o, it);
        else
            order_add(&o, it, (int64_t)(r >> 40) % 50 - 25, (uint64_t)(it - n));
        size_t count = 0, before = 0;
        const struct order_node *probe = &n[(r >> 20) % NODES];
        for (size_t i = 0; i < NODES; i++) {
            count += order_linked(&n[i]);
            before += order_linked(&n[i]) && order_less(&n[i], probe);
        }
        assert_int_equal(order_count(&o), count);
        if (order_linked(probe)) {
            assert_int_equal(order_before(&o, probe->key, probe->seq), before);
            assert_ptr_equal(order_at(&o, before), probe);
        }
        assert_true(order_is_sound(&o));
    }
}

static void test_sorted_input_stays_shallow(void **state)
{
    (void)state;
    static struct order_node n[10000];
    struct order o = {0};
    size_t deepest = 0;
    for (size_t i = 0; i < 10000; i++)
        order_add(&o, &n[i], (int64_t)i, i);
    for (size_t i = 0; i < 10000; i++)
        deepest = depth(&n[i]) > deepest ? depth(&n[i]) : deepest;
    assert_in_range(deepest, 14, 50);
    assert_true(order_is_sound(&o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_by_key_then_number),
        cmocka_unit_test(test_places_against_counting),
        cmocka_unit_test(test_sorted_input_stays_shallow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
