// SPDX-License-Identifier: Apache-2.0
/* Message queues: order, bound, wake-up, closing; several producers at once for ThreadSanitizer. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/unit/base/failing_alloc.h"

#include "base/msgq.c"

static bool is_readable(const struct msgq *q)
{
    struct pollfd p = {.fd = msgq_fd(q), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void keeps_order_and_bound(void **state)
{
    (void)state;
    struct msgq *q;
    int v;
    assert_int_equal(msgq_new(&q, sizeof v, 3), 0);
    assert_false(msgq_pop(q, &v));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            assert_int_equal(msgq_push(q, &i), 0);
        v = 9;
        assert_int_equal(msgq_push(q, &v), ER_FULL);
        assert_int_equal(msgq_count(q), 3);
        for (int i = 0; i < 3; i++) {
            assert_true(msgq_pop(q, &v));
            assert_int_equal(v, i);
        }
        // One more, so that the ring begins elsewhere in the next round.
        assert_int_equal(msgq_push(q, &v), 0);
        assert_true(msgq_pop(q, &v));
        assert_false(msgq_pop(q, &v));
    }
    msgq_free(q);
    msgq_free(NULL);
}

static void descriptor_tells(void **state)
{
    (void)state;
    struct msgq *q;
    int v = 1;
    assert_int_equal(msgq_new(&q, sizeof v, 8), 0);
    assert_false(is_readable(q) || msgq_is_woken(q));
    msgq_clear_wake(q);
    msgq_push(q, &v);
    msgq_push(q, &v);
    assert_true(is_readable(q) && msgq_is_woken(q));
    msgq_clear_wake(q);
    assert_false(is_readable(q) || msgq_is_woken(q));
    // A push between clearing and draining wakes again.
    msgq_push(q, &v);
    assert_true(is_readable(q));
    msgq_clear_wake(q);
    while (msgq_pop(q, &v))
        ;
    assert_false(is_readable(q));
    msgq_close(q);
    assert_true(is_readable(q));
    msgq_clear_wake(q);
    assert_false(is_readable(q));
    msgq_free(q);
}

static void closing_keeps_what_is_inside(void **state)
{
    (void)state;
    struct msgq *q;
    int v = 5;
    assert_int_equal(msgq_new(&q, sizeof v, 8), 0);
    assert_int_equal(msgq_push(q, &v), 0);
    assert_int_equal(msgq_push(q, &v), 0);
    msgq_close(q);
    msgq_close(q);
    assert_int_equal(msgq_push(q, &v), ER_CLOSED);
    assert_true(msgq_pop(q, &v));
    assert_true(msgq_wait(q, &v, -1));
    assert_false(msgq_wait(q, &v, -1));
    msgq_free(q);
}

static void waiting_ends_in_time(void **state)
{
    (void)state;
    struct msgq *q;
    int v = 5;
    assert_int_equal(msgq_new(&q, sizeof v, 8), 0);
    assert_false(msgq_wait(q, &v, 0));
    uint64_t before_us = clock_now_us();
    assert_false(msgq_wait(q, &v, 20));
    assert_true(clock_now_us() - before_us >= 20000);
    assert_int_equal(msgq_push(q, &v), 0);
    assert_true(msgq_wait(q, &v, 0));
    msgq_free(q);
}

enum { PRODUCERS = 4, MESSAGES = 5000 };

struct message {
    int producer;
    int number;
};

struct producer {
    struct msgq *q;
    int id;
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < MESSAGES;) {
        struct message m = {.producer = p->id, .number = i};
        int er = msgq_push(p->q, &m);
        if (er == 0)
            i++;
        else if (er == ER_FULL)
            sched_yield();
        else
            return p;
    }
    return NULL;
}

static void start(struct producer producers[PRODUCERS], struct msgq *q)
{
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.q = q, .id = i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
}

static void join(struct producer producers[PRODUCERS])
{
    for (int i = 0; i < PRODUCERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(producers[i].thread, &failed), 0);
        assert_null(failed);
    }
}

/** The messages of each producer come whole and in their order. */
static void check(int next[PRODUCERS], struct message m)
{
    assert_in_range(m.producer, 0, PRODUCERS - 1);
    assert_int_equal(m.number, next[m.producer]);
    next[m.producer]++;
}

static void many_producers_one_poller(void **state)
{
    (void)state;
    struct msgq *q;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    assert_int_equal(msgq_new(&q, sizeof(struct message), 64), 0);
    start(producers, q);
    int got = 0;
    while (got < PRODUCERS * MESSAGES) {
        struct pollfd p = {.fd = msgq_fd(q), .events = POLLIN};
        // A wake-up that is lost ends here.
        assert_int_equal(poll(&p, 1, 30000), 1);
        msgq_clear_wake(q);
        for (struct message m; msgq_pop(q, &m); got++)
            check(next, m);
    }
    join(producers);
    assert_int_equal(msgq_count(q), 0);
    msgq_free(q);
}

static void many_producers_one_waiter(void **state)
{
    (void)state;
    struct msgq *q;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    assert_int_equal(msgq_new(&q, sizeof(struct message), 16), 0);
    start(producers, q);
    for (int got = 0; got < PRODUCERS * MESSAGES; got++) {
        struct message m;
        assert_true(msgq_wait(q, &m, 30000));
        check(next, m);
    }
    join(producers);
    msgq_free(q);
}

static void *wait_for_all(void *arg)
{
    struct msgq *q = arg;
    struct message m;
    intptr_t got = 0;
    while (msgq_wait(q, &m, -1))
        got++;
    return (void *)got;
}

static void closing_frees_all_who_wait(void **state)
{
    (void)state;
    struct msgq *q;
    struct producer producers[PRODUCERS];
    pthread_t waiters[3];
    assert_int_equal(msgq_new(&q, sizeof(struct message), 16), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, wait_for_all, q), 0);
    start(producers, q);
    join(producers);
    msgq_close(q);
    intptr_t sum = 0;
    for (size_t i = 0; i < 3; i++) {
        void *got;
        assert_int_equal(pthread_join(waiters[i], &got), 0);
        sum += (intptr_t)got;
    }
    assert_int_equal(sum, PRODUCERS * MESSAGES);
    msgq_free(q);
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    struct msgq *q;
    assert_int_equal(msgq_new(&q, 0, 1), ER_INVALID);
    assert_int_equal(msgq_new(&q, 1, 0), ER_INVALID);
    assert_int_equal(msgq_new(&q, SIZE_MAX / 2, 4), ER_INVALID);
    for (int left = 0; left < 2; left++) {
        alloc_left = left;
        assert_int_equal(msgq_new(&q, 8, 8), ER_NOMEM);
        assert_null(q);
    }
    alloc_left = -1;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int er = msgq_new(&q, 8, 8);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(er, ER_IO);
    assert_null(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_bound),        cmocka_unit_test(descriptor_tells),
        cmocka_unit_test(closing_keeps_what_is_inside), cmocka_unit_test(waiting_ends_in_time),
        cmocka_unit_test(many_producers_one_poller),    cmocka_unit_test(many_producers_one_waiter),
        cmocka_unit_test(closing_frees_all_who_wait),   cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
