// SPDX-License-Identifier: Apache-2.0
/* Order, bounds, and two threads at once (which ThreadSanitizer watches). */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/ring.h"

static void first_in_first_out(void **state)
{
    (void)state;
    struct ring *r = NULL;
    int value = 0;
    assert_int_equal(ring_new(&r, sizeof value, 4), 0);
    assert_false(ring_pop(r, &value));
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 4; i++) {
            value = round * 10 + i;
            assert_int_equal(ring_room(r), 4 - i);
            assert_int_equal(ring_push(r, &value), 0);
        }
        assert_int_equal(ring_room(r), 0);
        assert_int_equal(ring_push(r, &value), ER_FULL);
        for (int i = 0; i < 4; i++) {
            assert_true(ring_pop(r, &value));
            assert_int_equal(value, round * 10 + i);
        }
        assert_false(ring_pop(r, &value));
    }
    ring_free(r);
    ring_free(NULL);
}

static void refuses_impossible_sizes(void **state)
{
    (void)state;
    struct ring *r = NULL;
    assert_int_equal(ring_new(&r, 0, 4), ER_INVALID);
    assert_int_equal(ring_new(&r, 8, 0), ER_INVALID);
    assert_int_equal(ring_new(&r, 8, 6), ER_INVALID);
    assert_int_equal(ring_new(&r, SIZE_MAX / 2, 4), ER_INVALID);
    assert_null(r);
}

#define MESSAGES 100000u

struct message {
    uint64_t number;
    uint64_t square;
};

static void *produce(void *arg)
{
    struct ring *r = arg;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct message m = {.number = i, .square = i * i};
        while (ring_push(r, &m) != 0)
            sched_yield();
    }
    return NULL;
}

static void between_two_threads(void **state)
{
    (void)state;
    struct ring *r = NULL;
    pthread_t producer;
    assert_int_equal(ring_new(&r, sizeof(struct message), 64), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, r), 0);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        struct message m;
        while (!ring_pop(r, &m))
            sched_yield();
        assert_int_equal(m.number, i);
        assert_int_equal(m.square, i * i);
    }
    pthread_join(producer, NULL);
    ring_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(refuses_impossible_sizes),
        cmocka_unit_test(between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
