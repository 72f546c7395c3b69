// SPDX-License-Identifier: Apache-2.0
/* The store's queue without its thread: jobs run when they are dispatched, in order. Linked instead
 * of the real one by tests that refer to fake_dbq_full. */
#include "tests/unit/support/fake_dbq.h"

#include <stdlib.h>

#include "base/er.h"
#include "base/list.h"

struct job {
    struct list node;
    void (*work)(struct store *s, void *job);
    void (*done)(void *job);
    void *job;
};

struct dbq {
    struct store *store;
    struct list jobs;
    size_t count;
    bool full;
};

int dbq_new(struct dbq **ret, const char *name, struct store *store, void (*wake)(void *ctx),
            void *ctx)
{
    (void)name;
    (void)wake;
    (void)ctx;
    *ret = calloc(1, sizeof **ret);
    if (!*ret)
        return ER_NOMEM;
    (*ret)->store = store;
    list_init(&(*ret)->jobs);
    return 0;
}

void dbq_free(struct dbq *q)
{
    if (!q)
        return;
    dbq_dispatch(q);
    free(q);
}

void fake_dbq_full(struct dbq *q, bool full)
{
    q->full = full;
}

int dbq_run(struct dbq *q, void (*work)(struct store *s, void *job), void (*done)(void *job),
            void *job)
{
    struct job *j = q->full ? NULL : calloc(1, sizeof *j);
    if (!j)
        return ER_FULL;
    j->work = work;
    j->done = done;
    j->job = job;
    list_append(&q->jobs, &j->node);
    q->count++;
    return 0;
}

void dbq_dispatch(struct dbq *q)
{
    while (!list_empty(&q->jobs)) {
        struct job *j = container_of(q->jobs.next, struct job, node);
        list_remove(&j->node);
        q->count--;
        j->work(q->store, j->job);
        if (j->done)
            j->done(j->job);
        free(j);
    }
}

size_t dbq_count(const struct dbq *q)
{
    return q->count;
}
