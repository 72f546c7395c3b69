// SPDX-License-Identifier: Apache-2.0
/* What the last process left when it ended: calls, which are over and want wrapping up, and who waited, who waits on. Places are kept
 * for those who waited as for any who drop; who talked and comes back as soon counts as having waited, too. */
#include <stdlib.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "server/store_waits.h"
#include "server/store_wraps.h"

/** A place that nobody could be put on yet. */
struct waited {
    struct list node;
    struct store_wait facts;
    struct store_case found;
};

struct reset_job {
    struct calls_job head;
    struct list all;
    int er;
};

static void waited_free(struct waited *w)
{
    if (w)
        store_case_clear(&w->found);
    free(w);
}

static void found_one(void *ctx, const struct store_wait *facts)
{
    struct reset_job *job = ctx;
    struct waited *w = calloc(1, sizeof *w);
    if (!w) {
        job->er = ER_NOMEM;
        return;
    }
    w->facts = *facts;
    list_append(&job->all, &w->node);
}

/** Its agent is asked for a wrap-up as after any call. */
static int end_call(struct store *s, const struct waited *w, uint64_t now_us)
{
    struct store_case before, after = {0};
    struct store_wrap wrap;
    bool asked;
    json_t *data = json_pack("{s:s}", "reason", "restart");
    const struct store_action a = {.case_id = w->facts.case_id,
                                   .action = CASE_END_CALL,
                                   .actor = "system",
                                   .role = ROLE_COUNT,
                                   .data = data};
    int er = data ? store_case_get(s, &w->facts.case_id, &before) : ER_NOMEM;
    if (er == 0) {
        er = store_wrap_of_call(s, &before, &wrap);
        store_case_clear(&before);
        if (er == 0)
            er = store_wrap_end_call(s, &a, now_us, &wrap, &after, &asked);
        else if (er == ER_NOT_FOUND)
            er = store_case_act(s, &a, now_us, &after);
    }
    store_case_clear(&after);
    json_decref(data);
    return er;
}

static void reset_work(struct store *s, struct calls_job *head)
{
    struct reset_job *job = container_of(head, struct reset_job, head);
    int er = store_begin(s); /* thousands may have talked: not an fsync for each */
    if (er == 0) {
        er = store_waits_list(s, found_one, job);
        er = er ? er : job->er;
        list_each (waited, &job->all, struct waited, node) {
            if (er == 0 && waited->facts.talks)
                er = end_call(s, waited, head->unix_us);
            if (er == 0 && waited->facts.waits)
                er = store_case_get(s, &waited->facts.case_id, &waited->found);
        }
        er = store_end(s, er);
    }
    job->er = er;
}

static uint64_t keep_us(const struct calls *c)
{
    struct queue_policy usual;
    queue_policy_init(&usual);
    return c->config.pairing ? c->config.pairing->keep_us : usual.keep_us;
}

/** A moment of the wall clock by the other one. */
static uint64_t monotonic_us(const struct calls *c, uint64_t unix_us)
{
    uint64_t now_us = calls_unix_us(c);
    return calls_now_us(c) - (now_us > unix_us ? now_us - unix_us : 0);
}

/** What counts beside the time since the search began. */
static uint64_t credit_us(const struct store_wait *facts)
{
    return facts->counted_us +
           (facts->from_us > facts->since_us ? facts->from_us - facts->since_us : 0);
}

/** Waits on, in a room in which nobody is. */
static int wait_on(struct calls *c, const struct waited *w)
{
    struct room *r = room_of_case(c, &w->facts.case_id);
    struct queue_case info;
    int er = r ? 0 : room_open(c, &w->found, &r);
    if (er < 0)
        return er;
    room_queue_case(r, &info);
    info.credit_us = credit_us(&w->facts);
    er = queue_wait_since(c->queue, &info, monotonic_us(c, w->facts.from_us), false,
                          calls_now_us(c));
    room_settle(r);
    return er;
}

static void reset_done(struct calls *c, struct calls_job *head)
{
    struct reset_job *job = container_of(head, struct reset_job, head);
    size_t talked = 0;
    if (c && job->er < 0)
        log_event(c->config.log, LOG_ERROR, "cases_not_reset", "er=%s", er_name(job->er));
    list_each_safe (waited, &job->all, struct waited, node) {
        list_remove(&waited->node);
        talked += waited->facts.talks;
        bool placed = c && job->er == 0 && waited->facts.waits && wait_on(c, waited) == 0;
        if (!c || job->er < 0 || placed ||
            map_add_str(c->waited, waited->facts.case_id.text, waited) < 0)
            waited_free(waited);
    }
    if (!c)
        return;
    c->waited_until_us = calls_now_us(c) + keep_us(c);
    log_event(c->config.log, LOG_INFO, "left_by_the_last_process", "waiting=%zu calls=%zu",
              queue_waiting_count(c->queue), talked);
    calls_on_queue_events(c);
}

void calls_reset_cases(struct calls *c)
{
    struct reset_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    list_init(&job->all);
    job->head.work = reset_work;
    job->head.done = reset_done;
    if (calls_run(c, &job->head) < 0)
        free(job);
}

bool calls_waits_since(struct calls *c, const struct id *case_id, uint64_t *ret_since_us,
                       uint64_t *ret_credit_us)
{
    struct waited *w = c->waited ? map_remove_str(c->waited, case_id->text) : NULL;
    bool waits = w && w->facts.waits;
    *ret_credit_us = waits ? credit_us(&w->facts) : w ? CREDIT_US : 0;
    if (waits)
        *ret_since_us = monotonic_us(c, w->facts.from_us);
    waited_free(w);
    return waits;
}

void calls_waited_sweep(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    if (!map_count(c->waited) || calls_now_us(c) < c->waited_until_us)
        return;
    while (map_next(c->waited, &cursor, NULL, NULL, &value)) {
        struct waited *w = value;
        if (w->facts.waits)
            calls_case_act(c, &w->facts.case_id, CASE_STOP_WAIT, "system",
                           json_pack("{s:s}", "reason", "timeout"));
        map_remove_str(c->waited, w->facts.case_id.text);
        waited_free(w);
    }
}

void calls_waited_clear(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (c->waited && map_next(c->waited, &cursor, NULL, NULL, &value))
        waited_free(value);
    map_free(c->waited);
}
