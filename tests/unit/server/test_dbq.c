// SPDX-License-Identifier: Apache-2.0
/* The store thread: order, the way back, the bound, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/er.h"
#include "base/limits.h"
#include "server/dbq.c" /* the real one: the support library has another */

struct job {
    int *order;
    int *next;
    int number;
    pthread_t worked_on;
    int done_count;
};

static void work(struct store *s, void *ctx)
{
    struct job *j = ctx;
    assert_ptr_equal(s, (struct store *)(uintptr_t)64);
    j->order[(*j->next)++] = j->number;
    j->worked_on = pthread_self();
}

static void done(void *ctx)
{
    struct job *j = ctx;
    j->done_count++;
    assert_false(pthread_equal(j->worked_on, pthread_self()));
}

static void ring(void *ctx)
{
    uint64_t one = 1;
    (void)!write(*(int *)ctx, &one, sizeof one);
}

static void wait_for(struct dbq *q, int bell)
{
    while (dbq_count(q)) {
        struct pollfd p = {.fd = bell, .events = POLLIN};
        uint64_t n;
        assert_int_equal(poll(&p, 1, 10000), 1);
        (void)!read(bell, &n, sizeof n);
        dbq_dispatch(q);
    }
}

static void test_order(void **state)
{
    (void)state;
    int bell = eventfd(0, EFD_NONBLOCK), order[50], next = 0;
    struct job jobs[50] = {0};
    struct dbq *q;
    assert_int_equal(dbq_new(&q, "store", (struct store *)(uintptr_t)64, ring, &bell), 0);
    for (int i = 0; i < 50; i++) {
        jobs[i] = (struct job){.order = order, .next = &next, .number = i};
        assert_int_equal(dbq_run(q, work, i == 7 ? NULL : done, &jobs[i]), 0);
    }
    struct pollfd own = {.fd = dbq_fd(q), .events = POLLIN};
    assert_int_equal(poll(&own, 1, 10000), 1);
    wait_for(q, bell);
    dbq_dispatch(q); /* what came in during the last turn left its mark on the descriptor */
    assert_int_equal(poll(&own, 1, 0), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(order[i], i);
        assert_int_equal(jobs[i].done_count, i == 7 ? 0 : 1);
    }
    dbq_free(q);
    close(bell);
}

static void blocked(struct store *s, void *ctx)
{
    (void)s;
    pthread_mutex_t *lock = ctx;
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
}

static void count(void *ctx)
{
    (void)ctx;
}

static void test_bound_and_end(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int bell = eventfd(0, EFD_NONBLOCK), order[1], next = 0;
    struct job job = {.order = order, .next = &next, .number = 5};
    struct dbq *q;
    pthread_mutex_lock(&lock);
    assert_int_equal(dbq_new(&q, "store", (struct store *)(uintptr_t)64, ring, &bell), 0);
    assert_int_equal(dbq_run(q, blocked, count, &lock), 0);
    int accepted = 1;
    while (accepted < LIMIT_STORE_QUEUE - 1 && dbq_run(q, blocked, count, &lock) == 0)
        accepted++;
    assert_int_equal(dbq_run(q, work, done, &job), 0);
    assert_int_equal(dbq_run(q, work, done, &job), ER_FULL);
    assert_int_equal(dbq_count(q), LIMIT_STORE_QUEUE);
    pthread_mutex_unlock(&lock);
    dbq_free(q); /* finishes them all */
    assert_int_equal(job.done_count, 1);
    dbq_free(NULL);
    close(bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_bound_and_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
