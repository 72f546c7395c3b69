// SPDX-License-Identifier: Apache-2.0
/* Pools: the bound, alignment, reuse, growth in chunks, lack of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/base/failing_alloc.h"

#include "base/pool.c"

static void hands_out_up_to_the_limit(void **state)
{
    (void)state;
    struct pool *p;
    void *blocks[10];
    assert_int_equal(pool_new(&p, 24, 4, 10), 0);
    for (size_t i = 0; i < 10; i++) {
        blocks[i] = pool_take(p);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, 24);
        assert_int_equal(pool_used(p), i + 1);
    }
    assert_null(pool_take(p));
    assert_int_equal(pool_used(p), 10);
    for (size_t i = 0; i < 10; i++)
        for (size_t k = 0; k < 24; k++)
            assert_int_equal(((uint8_t *)blocks[i])[k], i);
    pool_give(p, blocks[3]);
    assert_int_equal(pool_used(p), 9);
    assert_ptr_equal(pool_take(p), blocks[3]);
    for (size_t i = 0; i < 10; i++)
        pool_give(p, blocks[i]);
    pool_give(p, NULL);
    assert_int_equal(pool_used(p), 0);
    pool_free(p);
    pool_free(NULL);
}

static void refuses_senseless_sizes(void **state)
{
    (void)state;
    struct pool *p;
    assert_int_equal(pool_new(&p, 0, 1, 1), ER_INVALID);
    assert_int_equal(pool_new(&p, 1, 0, 1), ER_INVALID);
    assert_int_equal(pool_new(&p, 1, 1, 0), ER_INVALID);
    assert_int_equal(pool_new(&p, SIZE_MAX, 1, 1), ER_INVALID);
    assert_int_equal(pool_new(&p, SIZE_MAX / 8, 16, 16), ER_INVALID);
    assert_null(p);
    // A chunk beyond the limit is only as large as the limit.
    assert_int_equal(pool_new(&p, 1, SIZE_MAX, 2), 0);
    assert_non_null(pool_take(p));
    assert_non_null(pool_take(p));
    assert_null(pool_take(p));
    pool_free(p);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct pool *p;
    alloc_left = 0;
    assert_int_equal(pool_new(&p, 16, 2, 8), ER_NOMEM);
    assert_null(p);
    alloc_left = 2; // the pool and one chunk
    assert_int_equal(pool_new(&p, 16, 2, 8), 0);
    void *a = pool_take(p);
    void *b = pool_take(p);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(pool_take(p));
    assert_int_equal(pool_used(p), 2);
    pool_give(p, a);
    assert_ptr_equal(pool_take(p), a);
    alloc_left = -1;
    assert_non_null(pool_take(p));
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_up_to_the_limit),
        cmocka_unit_test(refuses_senseless_sizes),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
