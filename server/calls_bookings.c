// SPDX-License-Identifier: Apache-2.0
/* Bookings whose time has come: the case rings at agents as one that waits does, and the buyer is called to the page; the
 * agent who takes it waits for the buyer. What comes of it is told to the store. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/json.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/store_bookings.h"

#define LOOK_US 1000000u
#define AGAIN_US 10000000u
#define STEP 16
#define PREFER_US UINT64_C(300000000) /* who was booked by name is asked alone, if on */
#define AHEAD_US UINT64_C(600000000)  /* that it counts as having waited */

static const char *text_of(const struct room *r, const char *member)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(r->case_json, "booking"), member));
    return text ? text : "";
}

/** "watch/omega:2" in place of what the case says. */
static void take_skill(const char *skill, struct queue_case *ret)
{
    uint64_t level;
    struct span rest = span_of(skill);
    struct span goods = span_cut(&rest, ':');
    struct span brand = goods;
    struct span category = span_cut(&brand, '/');
    (void)str_copy_span(ret->category, sizeof ret->category, category);
    (void)str_copy_span(ret->brand, sizeof ret->brand, brand.at ? brand : span_of(""));
    if (rest.at && span_u64(rest, 9, &level) == 0)
        ret->level = (unsigned)level;
}

void room_booking_needs(const struct room *r, struct queue_case *ret)
{
    if (strcmp(text_of(r, "state"), "ringing") != 0)
        return;
    if (text_of(r, "skill")[0])
        take_skill(text_of(r, "skill"), ret);
    if (!text_of(r, "agent")[0])
        return;
    (void)str_copy(ret->preferred, sizeof ret->preferred, text_of(r, "agent"));
    ret->prefer_us = PREFER_US;
}

/* What comes of it */

enum outcome { KEPT, MISSED, NO_SHOW, RINGS_NOT };

struct told {
    struct id case_id;
    enum outcome outcome;
    const char *reason;
    char agent[STORE_IDENTITY_BYTES];
};

/** What the store did not take is told again: else it would ring for ever, and keep its seat. */
struct untold {
    struct list node;
    struct told told;
};

struct outcome_job {
    struct calls_job head;
    struct told told;
    bool given_up;
    int er;
};

static void tell_again_later(struct calls *c, const struct told *told, int er)
{
    struct untold *u = calloc(1, sizeof *u);
    log_event(c->config.log, LOG_ERROR, "booking_failed", "case=%s er=%s", told->case_id.text,
              er_name(er));
    if (!u)
        return;
    if (list_empty(&c->bookings.untold))
        c->bookings.again_us = calls_now_us(c) + AGAIN_US;
    u->told = *told;
    list_append(&c->bookings.untold, &u->node);
}

static void outcome_work(struct store *s, struct calls_job *head)
{
    struct outcome_job *job = container_of(head, struct outcome_job, head);
    const struct told *t = &job->told;
    if (t->outcome == KEPT)
        job->er = store_booking_kept(s, &t->case_id, t->agent, head->unix_us);
    else if (t->outcome == RINGS_NOT)
        job->er = store_booking_again(s, &t->case_id, head->unix_us + AGAIN_US);
    else
        job->er = store_booking_missed(s, &t->case_id, t->outcome == NO_SHOW, t->reason,
                                       head->unix_us, &job->given_up);
}

static void outcome_done(struct calls *c, struct calls_job *head)
{
    struct outcome_job *job = container_of(head, struct outcome_job, head);
    if (!c || job->er == ER_NOT_FOUND)
        return;
    if (job->er) {
        tell_again_later(c, &job->told, job->er);
        return;
    }
    c->bookings.kept += job->told.outcome == KEPT;
    c->bookings.no_shows += job->told.outcome == NO_SHOW;
    c->bookings.given_up += job->given_up;
    c->bookings.at_us = 0;
    calls_case_changed(c, &job->told.case_id);
}

static void tell(struct calls *c, const struct told *told)
{
    struct outcome_job *job = calloc(1, sizeof *job);
    int er = job ? 0 : ER_NOMEM;
    if (job) {
        job->head.work = outcome_work;
        job->head.done = outcome_done;
        job->told = *told;
        er = calls_run(c, &job->head);
    }
    if (!er)
        return;
    free(job);
    tell_again_later(c, told, er);
}

static void tell_outcome(struct room *r, enum outcome outcome, const char *reason,
                         const char *agent)
{
    struct told told = {.case_id = r->case_id, .outcome = outcome, .reason = reason};
    (void)str_copy(told.agent, sizeof told.agent, agent);
    tell(r->calls, &told);
}

void calls_bookings_clear(struct calls *c)
{
    list_each_safe (u, &c->bookings.untold, struct untold, node) {
        list_remove(&u->node);
        free(u);
    }
}

static void tell_untold(struct calls *c)
{
    struct list all;
    if (list_empty(&c->bookings.untold) || calls_now_us(c) < c->bookings.again_us)
        return;
    list_init(&all);
    list_each_safe (u, &c->bookings.untold, struct untold, node) {
        list_remove(&u->node);
        list_append(&all, &u->node);
    }
    list_each_safe (u, &all, struct untold, node) {
        list_remove(&u->node);
        tell(c, &u->told);
        free(u);
    }
}

void room_booking_kept(struct room *r, const char *agent)
{
    bool rang = r->ringing;
    r->ringing = false;
    r->held[0] = '\0';
    if (rang || strcmp(text_of(r, "state"), "booked") == 0)
        tell_outcome(r, KEPT, "", agent);
}

void room_booking_missed(struct room *r, bool no_show, const char *reason)
{
    if (!r->ringing)
        return;
    r->ringing = false;
    tell_outcome(r, no_show ? NO_SHOW : MISSED, reason, "");
}

/* Ringing */

/** At agents; `from` is not asked at first. */
static void ring(struct room *r, const char *from)
{
    struct calls *c = r->calls;
    struct queue_case info;
    room_queue_case(r, &info);
    info.credit_us = AHEAD_US;
    (void)str_copy(info.passed_on_by, sizeof info.passed_on_by, from);
    int er = queue_wait(c->queue, &info, calls_now_us(c));
    queue_buyer_present(c->queue, &r->case_id, true, calls_now_us(c)); /* is called, wherever */
    if (er && er != ER_CONFLICT)
        room_booking_missed(r, false, "full");
}

void room_ring_again(struct room *r, const char *from)
{
    r->ringing = true;
    ring(r, from);
}

bool room_rings(struct room *r)
{
    r->ringing |= !r->call_on && strcmp(text_of(r, "state"), "ringing") == 0;
    return r->ringing;
}

static void begin(struct room *r)
{
    struct calls *c = r->calls;
    r->ringing = true;
    c->bookings.rung++;
    if (r->call_on) {
        room_booking_kept(r, r->agent);
        return;
    }
    ring(r, "");
    if (r->ringing)
        calls_case_act(c, &r->case_id, CASE_WAIT, "system",
                       json_pack("{s:s}", "booking", text_of(r, "id")));
}

static struct roster_person *buyer_there(const struct room *r)
{
    struct roster_person *p = roster_find(r->roster, r->buyer);
    return p && p->session && p->online ? p : NULL;
}

bool room_await_buyer(struct room *r, const char *agent)
{
    struct calls *c = r->calls;
    char until[CLOCK_TEXT_BYTES];
    if (!r->ringing || r->call_on || buyer_there(r))
        return false;
    struct booking_policy policy;
    const struct hours *h = room_hours(r);
    (void)booking_policy_read(h ? hours_document(h) : NULL, &policy);
    (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
    queue_call_begin(c->queue, r->merchant, agent, &r->case_id, calls_now_us(c));
    (void)str_copy(r->held, sizeof r->held, agent);
    r->held_until_us = calls_now_us(c) + policy.answer_s * UINT64_C(1000000);
    clock_format(calls_unix_us(c) + policy.answer_s * UINT64_C(1000000), until);
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:o,s:s}", "type", "awaiting_buyer", "case", r->case_id.text,
                        "agent", room_person_brief(r, agent), "until", until));
    return true;
}

bool room_buyer_came(struct room *r)
{
    char agent[STORE_IDENTITY_BYTES];
    if (!r->held[0])
        return false;
    (void)str_copy(agent, sizeof agent, r->held);
    room_begin_call(r, agent);
    return true;
}

/** The agent waits no longer. */
static void release(struct room *r, const char *reason)
{
    struct calls *c = r->calls;
    queue_call_end(c->queue, r->merchant, r->held, &r->case_id, false, calls_now_us(c));
    r->held[0] = '\0';
    room_tell(r, NULL, json_pack("{s:s,s:s}", "type", "call_ended", "reason", reason));
}

bool room_agent_gave_up(struct room *r, const char *agent)
{
    if (!r->held[0] || strcmp(r->held, agent) != 0)
        return false;
    release(r, "hung_up");
    ring(r, agent);
    return true;
}

static void no_show(struct room *r)
{
    release(r, "no_show");
    room_booking_missed(r, true, "no_show");
    calls_case_act(r->calls, &r->case_id, CASE_STOP_WAIT, "system",
                   json_pack("{s:s}", "reason", "no_show"));
    room_settle(r);
}

void room_booking_changed(struct room *r, const json_t *before)
{
    struct calls *c = r->calls;
    const json_t *now = json_object_get(r->case_json, "booking");
    enum booking_kind kind = booking_kind_of(now);
    if (r->ringing && booking_state_of(now) != BOOKING_RINGING && !r->call_on) {
        r->ringing = false; /* moved, or cancelled, meanwhile */
        if (r->held[0])
            release(r, "cancelled");
    } else if (!booking_is_live(now) || kind == BOOKING_APPOINTMENT || r->ringing || r->call_on ||
               json_equal(before, now) || booking_state_of(now) == BOOKING_RINGING) {
        return;
    }
    if (queue_stop(c->queue, &r->case_id, calls_now_us(c)) == 0)
        calls_case_act(c, &r->case_id, CASE_STOP_WAIT, "system",
                       json_pack("{s:s}", "reason", "booked"));
}

/* Time */

struct book_job {
    struct calls_job head;
    bool wake;
    struct booking_fired fired[STEP];
    struct store_case cases[STEP]; /* of those that ring */
    size_t count, stuck;
    int er;
};

static void book_work(struct store *s, struct calls_job *head)
{
    struct book_job *job = container_of(head, struct book_job, head);
    if (job->wake)
        job->er = store_bookings_wake(s, head->unix_us);
    if (!job->er)
        job->er = store_bookings_run(s, head->unix_us, job->fired, STEP, &job->count, &job->stuck);
    for (size_t i = 0; i < job->count; i++) {
        if (job->fired[i].rings && store_case_get(s, &job->fired[i].case_id, &job->cases[i]))
            store_case_clear(&job->cases[i]);
    }
}

static int room_for(struct calls *c, const struct store_case *found, struct room **ret)
{
    *ret = room_find(c, &found->room);
    return *ret ? 0 : room_open(c, found, ret);
}

static void book_fired(struct calls *c, const struct booking_fired *fired,
                       const struct store_case *found)
{
    struct room *r;
    const struct told told = {.case_id = fired->case_id, .outcome = RINGS_NOT};
    c->bookings.reminders += !fired->rings;
    if (fired->rings && id_is_set(&found->id) && room_for(c, found, &r) == 0) {
        r->entering++;
        room_take_case(r, found);
        begin(r);
        r->entering--;
        room_settle(r);
    } else if (fired->rings) {
        tell(c, &told);
    }
    calls_case_changed(c, &fired->case_id);
}

static void book_done(struct calls *c, struct calls_job *head)
{
    struct book_job *job = container_of(head, struct book_job, head);
    for (size_t i = 0; i < job->count; i++) {
        if (c)
            book_fired(c, &job->fired[i], &job->cases[i]);
        store_case_clear(&job->cases[i]);
    }
    if (!c)
        return;
    if (job->er || job->stuck)
        log_event(c->config.log, LOG_ERROR, "bookings_failed", "er=%s stuck=%zu", er_name(job->er),
                  job->stuck);
    c->bookings.looking = false;
    c->bookings.woken |= !job->er;
    c->bookings.at_us = job->count == STEP ? 0 : calls_now_us(c) + LOOK_US;
    calls_on_queue_events(c);
}

/** Agents who wait for a buyer; and rooms whose wait has ended with nobody in them. */
static void look_at_rooms(struct calls *c)
{
    size_t cursor = 0;
    void *value;
    while (map_next(c->rooms, &cursor, NULL, NULL, &value)) { /* at most this one is closed */
        struct room *r = value;
        if (r->held[0] && buyer_there(r))
            (void)room_buyer_came(r);
        else if (r->held[0] && calls_now_us(c) >= r->held_until_us)
            no_show(r);
        else
            room_settle(r);
    }
}

void calls_bookings_tick(struct calls *c)
{
    if (c->draining || c->bookings.looking || calls_now_us(c) < c->bookings.at_us)
        return;
    look_at_rooms(c);
    tell_untold(c);
    c->bookings.at_us = calls_now_us(c) + LOOK_US;
    struct book_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = book_work;
    job->head.done = book_done;
    job->wake = !c->bookings.woken;
    c->bookings.looking = calls_run(c, &job->head) == 0;
    if (!c->bookings.looking)
        free(job);
}

uint64_t calls_bookings_deadline_us(const struct calls *c)
{
    return c->draining || c->bookings.looking ? UINT64_MAX : c->bookings.at_us;
}
