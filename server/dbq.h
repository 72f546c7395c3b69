// SPDX-License-Identifier: Apache-2.0
/* The store thread: the only one that touches the database. Work goes there as a job, and what is
 * to be done with its result comes back to the signalling thread. */
#ifndef LOUPE_SERVER_DBQ_H
#define LOUPE_SERVER_DBQ_H

#include <stddef.h>

struct store;
struct dbq;

/** Starts the thread, under that name. `store` is its own from here to dbq_free (NULL: a thread for other work). `wake(ctx)` (may be NULL) is called on
 *  the store thread when dbq_dispatch has something to do. ER_NOMEM, ER_IO. */
int dbq_new(struct dbq **ret, const char *name, struct store *store, void (*wake)(void *ctx),
            void *ctx);
/** Finishes all jobs, runs their `done` here, ends the thread. The store is the caller's again. */
void dbq_free(struct dbq *q);

/** Queue a job: `work(store, job)` on the store thread, then `done(job)` on the signalling thread
 *  (which frees the job; may be NULL when there is nothing to do or free). Jobs run one after the
 *  other, in the order of the calls. ER_FULL at LIMIT_STORE_QUEUE jobs under way (HTTP 503): neither
 *  function is called then. Signalling thread only. */
int dbq_run(struct dbq *q, void (*work)(struct store *s, void *job), void (*done)(void *job),
            void *job);
/** Run the `done` of what has finished. Signalling thread. */
void dbq_dispatch(struct dbq *q);

/** Readable while dbq_dispatch has something to do. The queue owns it. */
int dbq_fd(const struct dbq *q);
/** Jobs under way; for metrics. */
size_t dbq_count(const struct dbq *q);

#endif
