// SPDX-License-Identifier: Apache-2.0
/* Deadlines: against a plain array as the model, moving and disarming, lack of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/failing_alloc.h"

#include "base/heap.c"

#include "base/entropy.h"

static void gives_the_earliest_first(void **state)
{
    (void)state;
    struct heap h = {0};
    struct heap_node a = {0}, b = {0}, c = {0};
    assert_true(heap_next_us(&h) == HEAP_NEVER);
    assert_null(heap_pop_due(&h, UINT64_MAX));
    assert_int_equal(heap_set(&h, &a, 30), 0);
    assert_int_equal(heap_set(&h, &b, 10), 0);
    assert_int_equal(heap_set(&h, &c, 20), 0);
    assert_int_equal(heap_next_us(&h), 10);
    assert_null(heap_pop_due(&h, 9));
    assert_ptr_equal(heap_pop_due(&h, 10), &b);
    assert_int_equal(b.place, 0);
    assert_int_equal(heap_set(&h, &a, 15), 0);
    assert_ptr_equal(heap_pop_due(&h, 100), &a);
    assert_int_equal(heap_set(&h, &c, HEAP_NEVER), 0);
    assert_true(heap_next_us(&h) == HEAP_NEVER);
    heap_remove(&h, &c);
    assert_null(heap_pop_due(&h, UINT64_MAX));
    heap_clear(&h);
    heap_clear(&h);
}

enum { NODES = 64, STEPS = 40000 };

static uint64_t earliest(const uint64_t at[NODES])
{
    uint64_t least = HEAP_NEVER;
    for (size_t i = 0; i < NODES; i++)
        if (at[i] < least)
            least = at[i];
    return least;
}

static void behaves_like_the_model(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 3);
    struct heap h = {0};
    static struct heap_node nodes[NODES];
    uint64_t at[NODES];
    memset(at, 0xff, sizeof at);
    for (int step = 0; step < STEPS; step++) {
        uint64_t word = entropy_u64(&e);
        size_t i = word % NODES;
        unsigned what = (word >> 8) % 4;
        if (what < 2) {
            at[i] = (word >> 16) % 1000;
            assert_int_equal(heap_set(&h, &nodes[i], at[i]), 0);
        } else if (what == 2) {
            at[i] = HEAP_NEVER;
            heap_remove(&h, &nodes[i]);
        } else {
            uint64_t now_us = (word >> 16) % 1000;
            const struct heap_node *due = heap_pop_due(&h, now_us);
            uint64_t least = earliest(at);
            assert_int_equal(due != NULL, least <= now_us);
            if (due) {
                assert_true(at[due - nodes] == least);
                at[due - nodes] = HEAP_NEVER;
            }
        }
        assert_true(heap_next_us(&h) == earliest(at));
        assert_int_equal(nodes[i].place != 0, at[i] != HEAP_NEVER);
    }
    heap_clear(&h);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct heap h = {0};
    struct heap_node nodes[17] = {{0}};
    alloc_left = 0;
    assert_int_equal(heap_set(&h, &nodes[0], 1), ER_NOMEM);
    assert_int_equal(nodes[0].place, 0);
    alloc_left = 1;
    for (uint64_t i = 0; i < 16; i++)
        assert_int_equal(heap_set(&h, &nodes[i], 100 - i), 0);
    assert_int_equal(heap_set(&h, &nodes[16], 1), ER_NOMEM);
    assert_int_equal(nodes[16].place, 0);
    // Moving an armed node needs no memory.
    assert_int_equal(heap_set(&h, &nodes[0], 2), 0);
    assert_int_equal(heap_next_us(&h), 2);
    alloc_left = -1;
    assert_int_equal(heap_set(&h, &nodes[16], 1), 0);
    assert_int_equal(heap_next_us(&h), 1);
    heap_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_earliest_first),
        cmocka_unit_test(behaves_like_the_model),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
