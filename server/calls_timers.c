// SPDX-License-Identifier: Apache-2.0
/* Timers of cases: what has run out is looked for and carried out in small steps on the store thread; rooms are told. */
#include <stdlib.h>

#include "base/er.h"
#include "base/list.h"
#include "server/calls_impl.h"
#include "server/store_alarms.h"

#define LOOK_US 10000000u /* from one look to the next */
#define STEP_US 100000u   /* while there is more */
#define STEP_CASES 32

struct timers_job {
    struct calls_job head;
    struct id ids[STEP_CASES];
    size_t count;
    struct timers_stuck stuck;
    int er;
};

static void timers_work(struct store *s, struct calls_job *head)
{
    struct timers_job *job = container_of(head, struct timers_job, head);
    job->er = store_timers_run(s, head->unix_us, job->ids, STEP_CASES, &job->count, &job->stuck);
    struct timers_stuck stuck;
    size_t count, seen = job->count + job->stuck.count;
    if (job->er)
        return;
    job->er = store_alarms_run(s, head->unix_us, job->ids + job->count, STEP_CASES - seen, &count,
                               &stuck);
    job->count += count;
    if (stuck.count)
        job->stuck = (struct timers_stuck){job->stuck.count + stuck.count, stuck.id, stuck.er};
}

static void timers_done(struct calls *c, struct calls_job *head)
{
    struct timers_job *job = container_of(head, struct timers_job, head);
    if (!c)
        return;
    if (job->er < 0)
        log_event(c->config.log, LOG_ERROR, "timers_failed", "er=%s", er_name(job->er));
    if (job->stuck.count)
        log_event(c->config.log, LOG_ERROR, "timers_put_off", "count=%zu case=%s er=%s",
                  job->stuck.count, job->stuck.id.text, er_name(job->stuck.er));
    c->timers.looking = false;
    c->timers.run += job->count;
    c->timers.put_off += job->stuck.count;
    c->timers.at_us = calls_now_us(c) + (job->count + job->stuck.count == STEP_CASES && job->er == 0
                                             ? STEP_US
                                             : LOOK_US);
    for (size_t i = 0; i < job->count; i++)
        calls_case_changed(c, &job->ids[i]);
}

void calls_run_timers(struct calls *c)
{
    calls_waited_sweep(c);
    calls_bookings_tick(c);
    if (c->draining || c->timers.looking || calls_now_us(c) < c->timers.at_us)
        return;
    c->timers.at_us = calls_now_us(c) + LOOK_US;
    struct timers_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = timers_work;
    job->head.done = timers_done;
    c->timers.looking = calls_run(c, &job->head) == 0;
    if (!c->timers.looking)
        free(job);
}

uint64_t calls_timers_deadline_us(const struct calls *c)
{
    uint64_t bookings_us = calls_bookings_deadline_us(c);
    uint64_t next_us = c->draining || c->timers.looking ? UINT64_MAX : c->timers.at_us;
    return bookings_us < next_us ? bookings_us : next_us;
}
