// SPDX-License-Identifier: Apache-2.0
/* Slabs: the last reference frees, from whatever thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>

#include <cmocka.h>

#include "media/tape/slab.h"

static void starts_empty_and_aligned(void **state)
{
    (void)state;
    struct slab *s = slab_new(1000);
    assert_non_null(s);
    assert_int_equal(s->size, 1000);
    assert_int_equal(s->used, 0);
    assert_int_equal((uintptr_t)s->bytes % 16, 0);
    memset(s->bytes, 0xff, s->size);
    slab_release(s);
    slab_release(NULL);
}

static void lives_while_it_is_held(void **state)
{
    (void)state;
    struct slab *s = slab_new(64);
    slab_hold(s);
    slab_hold(s);
    assert_int_equal(atomic_load(&s->references), 3);
    slab_release(s);
    slab_release(s);
    s->bytes[63] = 7;
    assert_int_equal(atomic_load(&s->references), 1);
    slab_release(s);
}

static void *hold_and_release(void *arg)
{
    struct slab *s = arg;
    for (int i = 0; i < 10000; i++) {
        slab_hold(s);
        slab_release(s);
    }
    uintptr_t seen = s->bytes[0];
    slab_release(s);
    return (void *)seen;
}

static void is_shared_by_threads(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct slab *s = slab_new(64);
    s->bytes[0] = 42;
    for (int i = 0; i < 3; i++) {
        slab_hold(s);
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_release, s), 0);
    }
    slab_release(s);
    for (int i = 0; i < 3; i++) {
        void *seen;
        pthread_join(threads[i], &seen);
        assert_int_equal((uintptr_t)seen, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_aligned),
        cmocka_unit_test(lives_while_it_is_held),
        cmocka_unit_test(is_shared_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
