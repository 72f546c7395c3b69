// SPDX-License-Identifier: Apache-2.0
/* Nobody waits and nobody talks when the process starts, whatever the last one left. Who waited then, and comes
 * back soon, has the same place again. */
#include <stdlib.h>

#include "base/er.h"
#include "server/calls_impl.h"

#define BACK_WITHIN_US UINT64_C(300000000)

struct waited {
    struct list node;
    struct id case_id;
    uint64_t since_unix_us; /* 0: was in a call */
};

struct reset_job {
    struct calls_job head;
    struct waited *page[LIMIT_PAGE_ITEMS];
    size_t count;
    struct list waited; /* who did */
    int er;
};

static void reset_each(void *ctx, const struct store_case *found)
{
    struct reset_job *job = ctx;
    struct waited *w = job->count < LIMIT_PAGE_ITEMS ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return;
    w->case_id = found->id;
    w->since_unix_us = found->waiting_since_us;
    list_append(&job->waited, &w->node);
    job->page[job->count++] = w;
}

static int reset_state(struct store *s, struct reset_job *job, enum case_state state,
                       enum case_action action)
{
    struct store_case_filter filter = {.by_state = true, .state = state, .limit = LIMIT_PAGE_ITEMS};
    do {
        job->count = 0;
        int er = store_begin(s); /* thousands may have waited: not an fsync for each */
        if (er < 0)
            return er;
        er = store_cases_list(s, &filter, reset_each, job, NULL);
        for (size_t i = 0; er == 0 && i < job->count; i++) {
            struct store_case after = {0};
            const struct store_action a = {.case_id = job->page[i]->case_id,
                                           .action = action,
                                           .actor = "system",
                                           .role = ROLE_COUNT};
            er = store_case_act(s, &a, job->head.unix_us, &after);
            store_case_clear(&after);
        }
        er = store_end(s, er);
        if (er < 0)
            return er;
    } while (job->count);
    return 0;
}

static void reset_work(struct store *s, struct calls_job *head)
{
    struct reset_job *job = container_of(head, struct reset_job, head);
    job->er = reset_state(s, job, CASE_IN_CALL, CASE_END_CALL);
    if (job->er == 0)
        job->er = reset_state(s, job, CASE_WAITING, CASE_STOP_WAIT);
}

static void reset_done(struct calls *c, struct calls_job *head)
{
    struct reset_job *job = container_of(head, struct reset_job, head);
    if (c && job->er < 0)
        log_event(c->config.log, LOG_ERROR, "cases_not_reset", "er=%s", er_name(job->er));
    list_each_safe (waited, &job->waited, struct waited, node) {
        list_remove(&waited->node);
        if (!c || !waited->since_unix_us ||
            map_add_str(c->waited, waited->case_id.text, waited) < 0)
            free(waited);
    }
    if (c)
        c->waited_until_us = calls_now_us(c) + BACK_WITHIN_US;
}

void calls_reset_cases(struct calls *c)
{
    struct reset_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    list_init(&job->waited);
    job->head.work = reset_work;
    job->head.done = reset_done;
    if (calls_run(c, &job->head) < 0)
        free(job);
}

uint64_t calls_waited_before(struct calls *c, const struct id *case_id)
{
    struct waited *w = c->waited ? map_remove_str(c->waited, case_id->text) : NULL;
    uint64_t now_us = calls_unix_us(c);
    uint64_t waited_us = w && calls_now_us(c) < c->waited_until_us && now_us > w->since_unix_us
                             ? now_us - w->since_unix_us
                             : 0;
    free(w);
    return waited_us;
}

void calls_waited_clear(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (c->waited && map_next(c->waited, &cursor, NULL, NULL, &value))
        free(value);
    map_free(c->waited);
}
