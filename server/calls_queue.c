// SPDX-License-Identifier: Apache-2.0
/* Waiting and calls: what buyers and agents ask of the queue, and how a call begins and ends on the
 * case. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"
#include "server/store_waits.h"

/* Transitions of the case */

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
    int er;
};

static int act_do(struct store *s, struct act_job *job, uint64_t unix_us)
{
    if (job->refresh_only)
        return store_case_get(s, &job->case_id, &job->after);
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
    bool failed = job->er < 0 && job->er != ER_CONFLICT;
    struct session *s = sessions_find(c->sessions, &job->session);
    if (job->action == CASE_START_CALL && r && r->call_on) { /* noted or not: it goes on */
        wait_over(r);
        tell_started(r);
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
    if (r && job->er == 0) {
        room_take_rules(r, json_incref(job->rules));
        free(r->handed_note);
        r->handed_note = job->handed_note;
        job->handed_note = NULL;
        bool passed_on = take_case(r, &job->after);
        room_tell_case(r);
        if (r->state == CASE_CANCELLED || r->state == CASE_CLOSED)
            (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
        else if (passed_on)
            room_transfer(r);
    }
    if (c && !job->refresh_only)
        act_answer(c, job, r);
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
    if (calls_run(c, &job->head) == 0)
        return;
    log_event(c->config.log, LOG_ERROR, "case_act_failed", "case=%s er=full", job->case_id.text);
    job->er = ER_FULL;
    if (!job->refresh_only)
        act_answer(c, job, room_of_case(c, &job->case_id));
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

/** The same as a request of somebody in the room, who hears of it when it is done. */
static void act_for(struct room *r, enum case_action action, json_t *data, struct store_wrap *wrap,
                    const struct member *m, const char *re)
{
    struct act_job *job = act_new(r->calls, &r->case_id, action, m->claims.identity, data, wrap);
    if (!job)
        return;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, re);
    act_run(r->calls, job);
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

/* Calls */

static void begin_call(struct room *r, const char *agent)
{
    struct calls *c = r->calls;
    if (r->call_on)
        return;
    r->call_on = true;
    c->calls_on++;
    c->calls_started++;
    (void)str_copy(r->agent, sizeof r->agent, agent);
    r->entering++;
    (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
    r->entering--;
    queue_call_begin(c->queue, r->merchant, agent, &r->case_id, calls_now_us(c));
    room_booking_kept(r, agent);
    json_t *data = json_pack("{s:s}", "agent", agent);
    if (r->bot)
        json_object_set_new(data, "bot", json_true());
    calls_case_act(c, &r->case_id, CASE_START_CALL, agent, data);
}

void room_begin_call(struct room *r, const char *agent)
{
    begin_call(r, agent);
}

void room_begin_with_bot(struct room *r, const char *bot, uint64_t waited_us)
{
    if (r->call_on)
        return;
    r->bot = true;
    r->bot_from_us = calls_now_us(r->calls) - waited_us;
    begin_call(r, bot);
}

/** All of it but what the timeline says. What its agent is to be asked for then; NULL: nothing. */
static struct store_wrap *end_call(struct room *r, const char *reason, const char *by)
{
    struct calls *c = r->calls;
    r->call_on = false;
    c->calls_on--;
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:s*}", "type", "call_ended", "reason", reason, "by", by));
    room_stop_clips(r);
    if (r->asking) {
        r->asking = false;
        (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
    }
    bool passed_on = strcmp(reason, "transferred") == 0;
    struct store_wrap *wrap = passed_on || r->bot ? NULL : room_wrap_begin(r);
    queue_call_end(c->queue, r->merchant, r->agent, &r->case_id, true, calls_now_us(c));
    list_each (person, roster_people(r->roster), struct roster_person, node)
        queue_call_end(c->queue, r->merchant, person->identity, &r->case_id, true, calls_now_us(c));
    char bot[STORE_IDENTITY_BYTES];
    (void)str_copy(bot, sizeof bot, r->bot ? r->agent : "");
    r->agent[0] = r->heir[0] = '\0';
    r->bot = false;
    if (bot[0])
        room_bot_out(r, bot);
    return wrap;
}

void room_end_call(struct room *r, const char *reason, const char *by)
{
    if (!r->call_on)
        return;
    struct store_wrap *wrap = end_call(r, reason, by);
    struct act_job *job = act_new(r->calls, &r->case_id, CASE_END_CALL, by ? by : "system",
                                  json_pack("{s:s}", "reason", reason), wrap);
    if (job)
        act_run(r->calls, job);
}

/** Somebody in the room who takes calls and is in none; NULL. */
static const struct roster_person *someone_to_take(struct room *r)
{
    list_each (person, roster_people(r->roster), struct roster_person, node) {
        if (person->session && person->online && role_describe(person->role)->takes_calls)
            return person;
    }
    return NULL;
}

/** Who comes into a call that goes on. */
static void tell_call(struct room *r, struct member *m)
{
    json_t *message = json_pack("{s:s,s:s,s:s,s:o}", "type", "call_started", "room", r->id.text,
                                "case", r->case_id.text, "agent", room_person_brief(r, r->agent));
    calls_send(r->calls, m->session, message);
    json_decref(message);
}

void calls_seated(struct room *r, struct member *m)
{
    struct calls *c = r->calls;
    bool waiting = queue_is_waiting(c->queue, &r->case_id);
    if (strcmp(r->buyer, m->claims.identity) == 0 && waiting)
        queue_buyer_present(c->queue, &r->case_id, true, calls_now_us(c));
    bool takes = role_describe(m->claims.role)->takes_calls;
    bool came = strcmp(r->buyer, m->claims.identity) == 0 && room_buyer_came(r);
    if (waiting && !r->call_on && takes && !room_await_buyer(r, m->claims.identity))
        room_begin_call(r, m->claims.identity);
    else if (r->call_on && !came) { /* came into a call that goes on */
        tell_call(r, m);
        if (takes && r->asking && strcmp(r->agent, m->claims.identity) != 0) {
            (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
            queue_call_begin(c->queue, r->merchant, m->claims.identity, &r->case_id,
                             calls_now_us(c));
            (void)room_join_call(r, m->claims.identity);
        }
    }
}

void calls_unseated(struct room *r, struct member *m, const char *reason)
{
    struct calls *c = r->calls;
    const char *identity = m->claims.identity;
    bool is_buyer = strcmp(r->buyer, identity) == 0;
    bool timed_out = strcmp(reason, "timeout") == 0;
    bool is_agent = strcmp(r->agent, identity) == 0;
    if (r->call_on && !is_buyer && room_bot_gone(r, identity))
        return;
    if (r->call_on && (is_buyer || (is_agent && !room_inherit(r))))
        room_end_call(r, timed_out ? "timeout" : "left", identity);
    else if (r->call_on && !is_agent) /* was in it beside the agent, perhaps */
        queue_call_end(c->queue, r->merchant, identity, &r->case_id, true, calls_now_us(c));
    if (room_agent_gave_up(r, identity) || !is_buyer || r->ringing ||
        !queue_is_waiting(c->queue, &r->case_id))
        return;
    if (timed_out) { /* the place is kept a little longer than the session */
        queue_buyer_present(c->queue, &r->case_id, false, calls_now_us(c));
        return;
    }
    (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
    calls_case_act(c, &r->case_id, CASE_STOP_WAIT, identity, NULL);
}

/* Requests */

/** The buyer waits, and hears of the place when that is on the disk. */
static void begin_wait(struct room *r, struct member *m)
{
    struct calls *c = r->calls;
    struct queue_case info;
    uint64_t since_us;
    room_queue_case(r, &info);
    info.bot_first = !info.preferred[0] &&
                     pairing_rules_bot_first(r->rules, r->kind, info.category);
    bool waits = calls_waits_since(c, &r->case_id, &since_us, &info.credit_us);
    if (!waits && !info.credit_us && !queue_is_waiting(c->queue, &r->case_id) &&
        room_is_closed(r, m->session, m->wait_re))
        return;
    int er = waits ? queue_wait_since(c->queue, &info, since_us, true, calls_now_us(c))
                   : queue_wait(c->queue, &info, calls_now_us(c));
    if (er == ER_CONFLICT)
        return;
    if (er < 0) {
        calls_error_er(c, m->session, m->wait_re, er,
                       "too many are waiting; please come back later");
        return;
    }
    json_int_t ms = (json_int_t)(info.credit_us / 1000);
    m->wait_noting = true;
    act_for(r, CASE_WAIT, ms ? json_pack("{s:I}", STORE_WAITED_MS, ms) : NULL, NULL, m, m->wait_re);
}

void calls_on_wait(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (!role_describe(m->claims.role)->waits || !r || strcmp(r->buyer, m->claims.identity) != 0) {
        calls_error(c, m->session, msg->id, r ? PROTO_DENIED : PROTO_CONFLICT,
                    r ? "only the case's buyer waits" : "not in a room");
        return;
    }
    if (r->call_on || c->draining || r->state == CASE_CLOSED || r->state == CASE_CANCELLED) {
        calls_error(c, m->session, msg->id, c->draining ? PROTO_DRAINING : PROTO_CONFLICT,
                    r->call_on ? "in a call already" : "no call can be asked for now");
        return;
    }
    const struct roster_person *agent = queue_is_waiting(c->queue, &r->case_id)
                                            ? NULL
                                            : someone_to_take(r);
    (void)str_copy(m->wait_re, sizeof m->wait_re, msg->id);
    if (agent) {
        m->wait_noting = true;
        room_begin_call(r, agent->identity);
        return;
    }
    begin_wait(r, m);
}

void calls_on_stop_waiting(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (!r || strcmp(r->buyer, m->claims.identity) != 0 ||
        queue_stop(c->queue, &r->case_id, calls_now_us(c)) < 0) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "not waiting");
        return;
    }
    if (m->wait_noting)
        calls_error(c, m->session, m->wait_re, PROTO_CONFLICT, "not waiting any more");
    m->wait_noting = false;
    room_booking_missed(r, true, "declined");
    act_for(r, CASE_STOP_WAIT, NULL, NULL, m, msg->id);
}

/** The offer was taken, but its room could not be entered: the buyer waits on. */
static void wait_again(struct calls *c, const struct entry_job *job)
{
    const struct id *case_id = &job->by_case;
    struct room *r = room_of_case(c, case_id);
    queue_call_end(c->queue, job->claims.merchant, job->claims.identity, case_id, false,
                   calls_now_us(c));
    struct roster_person *p = r ? roster_find(r->roster, r->buyer) : NULL;
    if (r && room_rings(r)) {
        room_ring_again(r, job->claims.identity);
        return;
    }
    if (r && r->call_on) { /* and is in a call: another is asked in */
        if (r->asking)
            room_transfer(r);
        return;
    }
    if (!p || !p->session) { /* has left meanwhile */
        calls_case_act(c, case_id, CASE_STOP_WAIT, "system", NULL);
        return;
    }
    struct queue_case info;
    room_queue_case(r, &info);
    info.credit_us = job->waited_us; /* that it waits the timeline knows still */
    (void)queue_wait(c->queue, &info, calls_now_us(c));
    queue_buyer_present(c->queue, case_id, p->online, calls_now_us(c));
}

static void accept_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    if (!c)
        return;
    struct session *s = sessions_find(c->sessions, &job->session);
    struct member *m = s ? member_of(s) : NULL;
    int er = m ? job->er : ER_CLOSED;
    if (er == 0 && !roster_find(r->roster, r->buyer) && !room_rings(r))
        er = ER_CONFLICT; /* left while we looked */
    bool again = er == 0 && m->room == r;
    if (er == 0 && m->room && !again)
        room_unseat(m, "left");
    if (er == 0 && !again)
        er = room_seat(r, m, job->consent);
    if (er < 0) {
        if (s)
            calls_error_er(c, s, job->re, er, "the call cannot be taken");
        wait_again(c, job);
        return;
    }
    sessions_reply(
        c->sessions, s, job->re,
        json_pack("{s:s,s:s,s:s}", "type", "joined", "room", r->id.text, "case", r->case_id.text));
    room_welcome(r, m);
    if (room_await_buyer(r, m->claims.identity))
        return;
    bool goes_on = r->call_on;
    if (job->assigned)
        room_begin_with_bot(r, m->claims.identity, job->waited_us);
    else
        room_begin_call(r, m->claims.identity);
    if (goes_on)
        tell_call(r, m);
    if (strcmp(r->agent, m->claims.identity) != 0 && !room_join_call(r, m->claims.identity))
        /* another call began meanwhile */
        queue_call_end(c->queue, r->merchant, m->claims.identity, &r->case_id, false,
                       calls_now_us(c));
}

void calls_on_accept(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!calls_need_agent(c, m, msg))
        return;
    struct entry_job *job = calloc(1, sizeof *job);
    const struct id *offer = &msg->reservation.reservation;
    int er = job ? queue_offered(c->queue, m->claims.merchant, m->claims.identity, offer,
                                 &job->by_case)
                 : ER_NOMEM;
    if (er == 0)
        (void)queue_waited(c->queue, &job->by_case, calls_now_us(c), &job->waited_us);
    if (er == 0)
        er = queue_accept(c->queue, m->claims.merchant, m->claims.identity, offer, calls_now_us(c),
                          &job->by_case);
    if (er < 0) {
        free(job);
        calls_error_er(c, m->session, msg->id, er, "this offer is over");
        return;
    }
    calls_tell_identity(c, m->claims.merchant, m->claims.identity, m->session,
                        json_pack("{s:s,s:s,s:s}", "type", "call_offer_ended", "reservation",
                                  msg->reservation.reservation.text, "reason",
                                  queue_offer_end_name(QUEUE_ELSEWHERE)));
    job->claims = m->claims;
    job->session = m->session->id;
    job->assigned = role_describe(m->claims.role)->first_line;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    job->entered = accept_entered;
    calls_enter(c, job);
}

void calls_on_hang_up(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (r && room_agent_gave_up(r, m->claims.identity)) {
        sessions_reply(c->sessions, m->session, msg->id, NULL);
        return;
    }
    if (!r || !r->call_on) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "there is no call");
        return;
    }
    bool own = r->bot && strcmp(r->agent, m->claims.identity) == 0;
    if (m->claims.role == ROLE_VIEWER || (m->claims.role == ROLE_BOT && !own)) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "not this role's to end");
        return;
    }
    struct store_wrap *wrap = end_call(r, "hung_up", m->claims.identity);
    act_for(r, CASE_END_CALL, json_pack("{s:s}", "reason", "hung_up"), wrap, m, msg->id);
}
