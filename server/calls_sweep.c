// SPDX-License-Identifier: Apache-2.0
/* What has had its time is looked for and deleted: in rounds, each in small steps on the store thread. A
 * round begins with what an earlier one, or an earlier process, did not get rid of. */
#include <stdlib.h>

#include "base/er.h"
#include "server/calls_impl.h"

#define ROUND_US 60000000u /* from the end of a round to the next */
#define STEP_US 100000u    /* between its steps */

struct sweep_job {
    struct calls_job head;
    struct store_round round;
    struct id after; /* of those left */
    bool inside, end;
    enum keep_object of;
    struct id due[LIMIT_SWEEP_BATCH];
    size_t due_count;
    struct store_tombstone left[LIMIT_SWEEP_BATCH];
    size_t left_count;
    int er;
};

static void left_add(void *ctx, const struct store_tombstone *t)
{
    struct sweep_job *job = ctx;
    job->left[job->left_count] = *t;
    job->left[job->left_count++].document = NULL;
}

static void sweep_work(struct store *s, struct calls_job *head)
{
    struct sweep_job *job = container_of(head, struct sweep_job, head);
    job->of = job->round.of;
    if (!job->inside)
        job->er = store_tombstones_left(s, &job->after, LIMIT_SWEEP_BATCH, left_add, job);
    else
        job->er = store_due(s, &job->round, head->unix_us, job->due, LIMIT_SWEEP_BATCH,
                            &job->due_count, &job->end);
}

static void sweep_done(struct calls *c, struct calls_job *head)
{
    struct sweep_job *job = container_of(head, struct sweep_job, head);
    if (!c)
        return;
    bool over = job->er || job->end || c->sweep.again;
    c->sweep.round = over ? (struct store_round){0} : job->round;
    c->sweep.at_us = c->sweep.again ? 0
                                    : calls_now_us(c) + (over          ? ROUND_US
                                                         : job->inside ? STEP_US
                                                                       : 0);
    c->sweep.inside = !over && job->left_count < LIMIT_SWEEP_BATCH;
    c->sweep.left = over || c->sweep.inside ? (struct id){0} : job->left[LIMIT_SWEEP_BATCH - 1].id;
    c->sweep.looking = c->sweep.again = false;
    for (size_t i = 0; i < job->left_count; i++)
        calls_delete_files(c, &job->left[i]);
    for (size_t i = 0; i < job->due_count; i++)
        calls_delete_due(c, job->of, &job->due[i]);
}

void calls_sweep(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    /* A step waits until what the one before found is gone. */
    if (!c->config.sealer || c->draining || c->sweep.looking || now_us < c->sweep.at_us ||
        map_count(c->deletions) >= LIMIT_SWEEP_BATCH)
        return;
    c->sweep.at_us = now_us + STEP_US;
    struct sweep_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = sweep_work;
    job->head.done = sweep_done;
    job->round = c->sweep.round;
    job->inside = c->sweep.inside;
    job->after = c->sweep.left;
    c->sweep.looking = calls_run(c, &job->head) == 0;
    if (!c->sweep.looking)
        free(job);
}

void calls_sweep_soon(struct calls *c)
{
    c->sweep.at_us = 0;
    c->sweep.again = c->sweep.looking;
    c->sweep.inside = false;
    c->sweep.left = (struct id){0};
    c->sweep.round = (struct store_round){0};
}

uint64_t calls_sweep_deadline_us(const struct calls *c)
{
    bool waits = c->config.sealer && !c->draining && !c->sweep.looking &&
                 map_count(c->deletions) < LIMIT_SWEEP_BATCH;
    return waits ? c->sweep.at_us : UINT64_MAX;
}
