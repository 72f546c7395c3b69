// SPDX-License-Identifier: Apache-2.0
/* What the conductor notes, and what is told when it has been. */
#include "server/calls_noted.h"

#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_waits.h"

struct act_job {
    struct calls_job head;
    struct id case_id;
    enum case_action action;
    bool refresh_only;
    char actor[STORE_IDENTITY_BYTES];
    json_t *data;
    struct id session; /* who asked for it, and hears of it when it is on the disk */
    char re[PROTO_ID_BYTES];
    struct store_wrap *wrap; /* of the agent whose call it ends; NULL: none */
    bool asked;              /* for it */
    struct store_case after;
    json_t *rules;
    char *handed_note;
    struct store_wait wait; /* of refresh_only, and of a wait that was refused */
    int er;
};

static int act_do(struct store *s, struct act_job *job, uint64_t unix_us)
{
    if (job->refresh_only) {
        int er = store_case_get(s, &job->case_id, &job->after);
        return er ? er : store_wait_get(s, &job->case_id, &job->wait);
    }
    const struct store_action action = {.case_id = job->case_id,
                                        .action = job->action,
                                        .actor = job->actor,
                                        .role = ROLE_COUNT,
                                        .data = job->data};
    return job->wrap ? store_wrap_end_call(s, &action, unix_us, job->wrap, &job->after, &job->asked)
                     : store_case_act(s, &action, unix_us, &job->after);
}

static void act_work(struct store *s, struct calls_job *head)
{
    struct act_job *job = container_of(head, struct act_job, head);
    job->er = act_do(s, job, head->unix_us);
    if (job->er == 0)
        (void)store_pairing_get(s, job->after.merchant, &job->rules);
    if (job->er == 0 && json_object_get(job->after.more, "transfer"))
        (void)store_transfer_note(s, &job->case_id, &job->handed_note);
    if (job->er == ER_CONFLICT && job->action == CASE_WAIT)
        (void)store_wait_get(s, &job->case_id, &job->wait);
}

/** What pairing goes by. */
static bool asks_otherwise(const json_t *before, const json_t *now)
{
    static const char *const facts[] = {"language", "languages",       "priority",
                                        "tier",     "category",        "brand",
                                        "team",     "preferred_agent", "certificate_level"};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        const json_t *a = json_object_get(before, facts[i]), *b = json_object_get(now, facts[i]);
        if ((a || b) && !json_equal(a, b))
            return true;
    }
    return false;
}

/** Whether it was passed on since. One that waits waits for whom it needs now. */
static bool take_case(struct room *r, const struct store_case *after)
{
    json_t *before = json_incref(r->case_json);
    room_take_case(r, after);
    const json_t *now = json_object_get(r->case_json, "transfer");
    bool is_new = now && !json_equal(json_object_get(before, "transfer"), now);
    room_booking_changed(r, json_object_get(before, "booking"));
    if (asks_otherwise(before, r->case_json)) {
        struct queue_case info;
        room_queue_case(r, &info);
        (void)queue_change(r->calls->queue, &info, calls_now_us(r->calls));
    }
    json_decref(before);
    return is_new;
}

static void tell_started(struct room *r)
{
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:s,s:o}", "type", "call_started", "room", r->id.text, "case",
                        r->case_id.text, "agent", room_person_brief(r, r->agent)));
}

/** The reply to `wait` of a buyer whose call has begun meanwhile. */
static void wait_over(struct room *r)
{
    const struct roster_person *p = roster_find(r->roster, r->buyer);
    struct member *m = p && p->session ? member_of(p->session) : NULL;
    if (!m || !m->wait_noting)
        return;
    m->wait_noting = false;
    sessions_reply(r->calls->sessions, m->session, m->wait_re,
                   json_pack("{s:s,s:i,s:i,s:i}", "type", "waiting", "position", 1,
                             "expected_wait_ms", 0, "agents_available", 1));
}

/** What was asked for is on the disk, or will not be: only now are people told. */
static void act_answer(struct calls *c, const struct act_job *job, struct room *r)
{
    bool is_so = job->action != CASE_WAIT || job->wait.waits; /* was noted before */
    bool failed = job->er < 0 && (job->er != ER_CONFLICT || !is_so);
    struct session *s = sessions_find(c->sessions, &job->session);
    if (job->action == CASE_START_CALL && r && r->call_noting && !--r->call_noting && r->call_on) {
        wait_over(r);
        if (job->er == ER_CONFLICT) /* was closed meanwhile */
            room_refuse_call(r);
        else
            tell_started(r); /* it goes on, also where it could not be noted */
    }
    if (s && failed)
        calls_error_er(c, s, job->re, job->er, "it could not be noted; please try again");
    else if (s && job->action != CASE_WAIT)
        sessions_reply(c->sessions, s, job->re, NULL);
    if (!s || job->action != CASE_WAIT)
        return;
    if (failed) {
        member_of(s)->wait_noting = false;
        (void)queue_stop(c->queue, &job->case_id, calls_now_us(c));
    } else if (queue_is_waiting(c->queue, &job->case_id)) {
        member_of(s)->wait_noting = false;
        queue_tell(c->queue, &job->case_id);
    }
}

/** Whoever was said to wait waits no more: it was closed, and is open again by now. */
static bool waits_no_more(const struct room *r, const struct act_job *job)
{
    const struct roster_person *p = roster_find(r->roster, r->buyer);
    bool noting = p && p->session && member_of(p->session)->wait_noting;
    return job->refresh_only && !job->wait.waits && !r->call_on && !noting;
}

static void act_done(struct calls *c, struct calls_job *head)
{
    struct act_job *job = container_of(head, struct act_job, head);
    struct room *r = c ? room_of_case(c, &job->case_id) : NULL;
    if (c && job->er < 0 && job->er != ER_CONFLICT)
        log_event(c->config.log, LOG_ERROR, "case_act_failed", "case=%s action=%s er=%s",
                  job->case_id.text, case_action_name(job->action), er_name(job->er));
    if (c && job->er == 0 && !job->refresh_only)
        calls_desk_note(c, &job->case_id);
    if (job->wrap)
        calls_wrap_asked(c, job->wrap, job->er == 0 && job->asked);
    if (r)
        r->entering++;
    if (r && job->er == 0) {
        room_take_rules(r, json_incref(job->rules));
        free(r->handed_note);
        r->handed_note = job->handed_note;
        job->handed_note = NULL;
        bool passed_on = take_case(r, &job->after);
        room_tell_case(r);
        if (r->state == CASE_CANCELLED || r->state == CASE_CLOSED || waits_no_more(r, job))
            (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
        else if (passed_on)
            room_transfer(r);
    }
    if (c && !job->refresh_only)
        act_answer(c, job, r);
    if (r) {
        r->entering -= job->action == CASE_START_CALL ? 2 : 1; /* that of act_run */
        room_settle(r);
    }
    if (c)
        calls_on_queue_events(c);
    store_case_clear(&job->after);
    json_decref(job->rules);
    free(job->handed_note);
    json_decref(job->data);
}

static void act_run(struct calls *c, struct act_job *job)
{
    job->head.work = act_work;
    job->head.done = act_done;
    struct room *r = room_of_case(c, &job->case_id);
    if (calls_run(c, &job->head) == 0) {
        if (r && job->action == CASE_START_CALL)
            r->entering++; /* stays until all have been told */
        return;
    }
    log_event(c->config.log, LOG_ERROR, "case_act_failed", "case=%s er=full", job->case_id.text);
    job->er = ER_FULL;
    if (!job->refresh_only)
        act_answer(c, job, r);
    if (job->wrap)
        calls_wrap_asked(c, job->wrap, false);
    json_decref(job->data);
    free(job);
}

/** What it leads to goes with `data` and `wrap` (may be NULL), which are taken over. NULL: no memory. */
static struct act_job *act_new(struct calls *c, const struct id *case_id, enum case_action action,
                               const char *actor, json_t *data, struct store_wrap *wrap)
{
    struct act_job *job = calloc(1, sizeof *job);
    if (!job) {
        if (wrap)
            calls_wrap_asked(c, wrap, false);
        json_decref(data);
        return NULL;
    }
    job->case_id = *case_id;
    job->action = action;
    job->data = data;
    job->wrap = wrap;
    (void)str_copy(job->actor, sizeof job->actor, actor);
    return job;
}

void room_note(struct room *r, const struct noting *n)
{
    struct act_job *job = act_new(r->calls, &r->case_id, n->action, n->actor, n->data, n->wrap);
    if (!job)
        return;
    if (n->asker)
        job->session = n->asker->session->id;
    (void)str_copy(job->re, sizeof job->re, n->re);
    act_run(r->calls, job);
}

void room_note_wait(struct room *r, struct member *m, const char *actor, uint64_t credit_us)
{
    json_int_t ms = (json_int_t)(credit_us / 1000);
    m->wait_noting = true;
    room_note(r, &(struct noting){.action = CASE_WAIT,
                                  .actor = actor,
                                  .data = ms ? json_pack("{s:I}", STORE_WAITED_MS, ms) : NULL,
                                  .asker = m,
                                  .re = m->wait_re});
}

void calls_case_act(struct calls *c, const struct id *case_id, enum case_action action,
                    const char *actor, json_t *data)
{
    struct act_job *job = act_new(c, case_id, action, actor, data, NULL);
    if (job)
        act_run(c, job);
}

void calls_case_changed(struct calls *c, const struct id *case_id)
{
    calls_desk_note(c, case_id);
    struct act_job *job = room_of_case(c, case_id) ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return;
    job->case_id = *case_id;
    job->refresh_only = true;
    act_run(c, job);
}
