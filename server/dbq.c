// SPDX-License-Identifier: Apache-2.0
/* The store thread and its two queues. */
#include "server/dbq.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/msgq.h"
#include "base/thread.h"

struct dbq_message {
    void (*work)(struct store *s, void *job);
    void (*done)(void *job);
    void *job;
};

struct dbq {
    struct store *store;
    void (*wake)(void *ctx);
    void *ctx;
    struct msgq *in;
    struct msgq *out;
    pthread_t thread;
    bool started;
    size_t under_way; /* of the signalling thread */
};

static void *dbq_thread(void *arg)
{
    struct dbq *q = arg;
    struct dbq_message m;
    while (msgq_wait(q->in, &m, -1)) {
        m.work(q->store, m.job);
        /* Never full: it has room for all that is under way. */
        (void)msgq_push(q->out, &m);
        if (q->wake)
            q->wake(q->ctx);
    }
    return NULL;
}

int dbq_new(struct dbq **ret, const char *name, struct store *store, void (*wake)(void *ctx),
            void *ctx)
{
    struct dbq *q = calloc(1, sizeof *q);
    if (!q)
        return ER_NOMEM;
    q->store = store;
    q->wake = wake;
    q->ctx = ctx;
    int er = msgq_new(&q->in, sizeof(struct dbq_message), LIMIT_STORE_QUEUE);
    if (!er)
        er = msgq_new(&q->out, sizeof(struct dbq_message), LIMIT_STORE_QUEUE);
    if (!er)
        er = thread_start(&q->thread, name, dbq_thread, q);
    if (er) {
        dbq_free(q);
        return er;
    }
    q->started = true;
    *ret = q;
    return 0;
}

void dbq_free(struct dbq *q)
{
    if (!q)
        return;
    if (q->started) {
        msgq_close(q->in);
        (void)pthread_join(q->thread, NULL);
        dbq_dispatch(q);
    }
    msgq_free(q->in);
    msgq_free(q->out);
    free(q);
}

int dbq_run(struct dbq *q, void (*work)(struct store *s, void *job), void (*done)(void *job),
            void *job)
{
    if (q->under_way >= LIMIT_STORE_QUEUE)
        return ER_FULL;
    struct dbq_message m = {.work = work, .done = done, .job = job};
    int er = msgq_push(q->in, &m);
    if (!er)
        q->under_way++;
    return er;
}

void dbq_dispatch(struct dbq *q)
{
    struct dbq_message m;
    msgq_clear_wake(q->out);
    while (msgq_pop(q->out, &m)) {
        q->under_way--;
        if (m.done)
            m.done(m.job);
    }
}

int dbq_fd(const struct dbq *q)
{
    return msgq_fd(q->out);
}

size_t dbq_count(const struct dbq *q)
{
    return q->under_way;
}
