// SPDX-License-Identifier: Apache-2.0
/* A ring under a mutex; an eventfd wakes those who poll, a condition variable those who block. */
#include "base/msgq.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/er.h"

struct msgq {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    uint8_t *ring;
    size_t message_bytes;
    size_t limit;
    size_t first;
    size_t count;
    int fd;
    atomic_bool woken; /* the descriptor is readable already: no need to write again */
    bool closed;
};

/** The timed wait counts on the clock that clock_now_us reads. */
static int make_condition(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return ER_NOMEM;
    bool failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
                  pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
    return failed ? ER_NOMEM : 0;
}

int msgq_new(struct msgq **ret, size_t message_bytes, size_t limit)
{
    *ret = NULL;
    if (!message_bytes || !limit || message_bytes > SIZE_MAX / 2 / limit)
        return ER_INVALID;
    struct msgq *q = calloc(1, sizeof *q);
    if (!q)
        return ER_NOMEM;
    int er = ER_NOMEM;
    q->message_bytes = message_bytes;
    q->limit = limit;
    q->ring = malloc(message_bytes * limit);
    if (!q->ring)
        goto undo_queue;
    er = ER_IO;
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (q->fd < 0)
        goto undo_ring;
    er = make_condition(&q->arrived);
    if (er < 0)
        goto undo_fd;
    if (pthread_mutex_init(&q->mutex, NULL)) {
        er = ER_NOMEM;
        goto undo_condition;
    }
    *ret = q;
    return 0;

undo_condition:
    pthread_cond_destroy(&q->arrived);
undo_fd:
    close(q->fd);
undo_ring:
    free(q->ring);
undo_queue:
    free(q);
    return er;
}

void msgq_free(struct msgq *q)
{
    if (!q)
        return;
    pthread_mutex_destroy(&q->mutex);
    pthread_cond_destroy(&q->arrived);
    close(q->fd);
    free(q->ring);
    free(q);
}

/** Make the descriptor readable. Called with the mutex held. */
static void wake(struct msgq *q)
{
    if (q->woken)
        return;
    uint64_t one = 1;
    // The counter is at 0 or 1 and the write never blocks; a signal may come between.
    while (write(q->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    q->woken = true;
}

int msgq_push(struct msgq *q, const void *message)
{
    int er = 0;
    pthread_mutex_lock(&q->mutex);
    if (q->closed) {
        er = ER_CLOSED;
    } else if (q->count == q->limit) {
        er = ER_FULL;
    } else {
        size_t slot = (q->first + q->count) % q->limit;
        memcpy(q->ring + slot * q->message_bytes, message, q->message_bytes);
        q->count++;
        wake(q);
        pthread_cond_signal(&q->arrived);
    }
    pthread_mutex_unlock(&q->mutex);
    return er;
}

/** Called with the mutex held. */
static bool take(struct msgq *q, void *ret_message)
{
    if (!q->count)
        return false;
    memcpy(ret_message, q->ring + q->first * q->message_bytes, q->message_bytes);
    q->first = (q->first + 1) % q->limit;
    if (--q->count == 0)
        q->first = 0; /* so that a queue never full touches no more memory than it needs */
    return true;
}

bool msgq_pop(struct msgq *q, void *ret_message)
{
    pthread_mutex_lock(&q->mutex);
    bool got = take(q, ret_message);
    pthread_mutex_unlock(&q->mutex);
    return got;
}

bool msgq_wait(struct msgq *q, void *ret_message, int timeout_ms)
{
    struct timespec until = {0};
    if (timeout_ms >= 0) {
        uint64_t until_us = clock_now_us() + (uint64_t)timeout_ms * 1000u;
        until.tv_sec = (time_t)(until_us / 1000000u);
        until.tv_nsec = (long)(until_us % 1000000u) * 1000;
    }
    pthread_mutex_lock(&q->mutex);
    bool got;
    bool late = false;
    while (!(got = take(q, ret_message)) && !q->closed && !late) {
        if (timeout_ms < 0)
            pthread_cond_wait(&q->arrived, &q->mutex);
        else
            late = pthread_cond_timedwait(&q->arrived, &q->mutex, &until) == ETIMEDOUT;
    }
    pthread_mutex_unlock(&q->mutex);
    return got;
}

void msgq_close(struct msgq *q)
{
    pthread_mutex_lock(&q->mutex);
    q->closed = true;
    wake(q);
    pthread_cond_broadcast(&q->arrived);
    pthread_mutex_unlock(&q->mutex);
}

int msgq_fd(const struct msgq *q)
{
    return q->fd;
}

void msgq_clear_wake(struct msgq *q)
{
    uint64_t count;
    pthread_mutex_lock(&q->mutex);
    if (q->woken)
        while (read(q->fd, &count, sizeof count) < 0 && errno == EINTR)
            ;
    q->woken = false;
    pthread_mutex_unlock(&q->mutex);
}

bool msgq_is_woken(const struct msgq *q)
{
    return atomic_load_explicit(&q->woken, memory_order_relaxed);
}

size_t msgq_count(const struct msgq *q)
{
    struct msgq *own = (struct msgq *)q; // only its mutex changes
    pthread_mutex_lock(&own->mutex);
    size_t count = own->count;
    pthread_mutex_unlock(&own->mutex);
    return count;
}
