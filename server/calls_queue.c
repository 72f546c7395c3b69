// SPDX-License-Identifier: Apache-2.0
/* Waiting, offers, calls: what the queue decides becomes messages, and a call begins and ends on the
 * case. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

#define QUEUE_SHOWN 100 /* cases in a `queue` message */

/* Transitions of the case */

struct act_job {
    struct calls_job head;
    struct id case_id;
    enum case_action action;
    bool refresh_only;
    char actor[STORE_IDENTITY_BYTES];
    json_t *data;
    struct store_case after;
    int er;
};

static void act_work(struct store *s, struct calls_job *head)
{
    struct act_job *job = container_of(head, struct act_job, head);
    if (job->refresh_only) {
        job->er = store_case_get(s, &job->case_id, &job->after);
        return;
    }
    const struct store_action action = {.case_id = job->case_id,
                                        .action = job->action,
                                        .actor = job->actor,
                                        .role = ROLE_COUNT,
                                        .data = job->data};
    job->er = store_case_act(s, &action, head->unix_us, &job->after);
}

static void act_done(struct calls *c, struct calls_job *head)
{
    struct act_job *job = container_of(head, struct act_job, head);
    struct room *r = c ? room_of_case(c, &job->case_id) : NULL;
    if (c && job->er < 0 && job->er != ER_CONFLICT)
        log_event(c->config.log, LOG_ERROR, "case_act_failed", "case=%s action=%s er=%s",
                  job->case_id.text, case_action_name(job->action), er_name(job->er));
    if (r && job->er == 0) {
        room_take_case(r, &job->after);
        room_tell(r, NULL, json_pack("{s:s,s:O}", "type", "case", "case", r->case_json));
        if (r->state == CASE_CANCELLED || r->state == CASE_CLOSED)
            (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
        calls_on_queue_events(c);
    }
    store_case_clear(&job->after);
    json_decref(job->data);
}

static void act_run(struct calls *c, struct act_job *job)
{
    job->head.work = act_work;
    job->head.done = act_done;
    if (calls_run(c, &job->head) == 0)
        return;
    log_event(c->config.log, LOG_ERROR, "case_act_failed", "case=%s er=full", job->case_id.text);
    json_decref(job->data);
    free(job);
}

void calls_case_act(struct calls *c, const struct id *case_id, enum case_action action,
                    const char *actor, json_t *data)
{
    struct act_job *job = calloc(1, sizeof *job);
    if (!job) {
        json_decref(data);
        return;
    }
    job->case_id = *case_id;
    job->action = action;
    job->data = data;
    (void)str_copy(job->actor, sizeof job->actor, actor);
    act_run(c, job);
}

void calls_case_changed(struct calls *c, const struct id *case_id)
{
    struct act_job *job = room_of_case(c, case_id) ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return;
    job->case_id = *case_id;
    job->refresh_only = true;
    act_run(c, job);
}

/* Nobody waits and nobody talks when the process starts, whatever the last one left. */

struct reset_job {
    struct calls_job head;
    struct id ids[LIMIT_PAGE_ITEMS];
    size_t count;
    int er;
};

static void reset_each(void *ctx, const struct store_case *found)
{
    struct reset_job *job = ctx;
    if (job->count < LIMIT_PAGE_ITEMS)
        job->ids[job->count++] = found->id;
}

static int reset_state(struct store *s, struct reset_job *job, enum case_state state,
                       enum case_action action)
{
    struct store_case_filter filter = {.by_state = true, .state = state, .limit = LIMIT_PAGE_ITEMS};
    do {
        job->count = 0;
        int er = store_cases_list(s, &filter, reset_each, job);
        for (size_t i = 0; er == 0 && i < job->count; i++) {
            struct store_case after = {0};
            const struct store_action a = {
                .case_id = job->ids[i], .action = action, .actor = "system", .role = ROLE_COUNT};
            er = store_case_act(s, &a, job->head.unix_us, &after);
            store_case_clear(&after);
        }
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
}

void calls_reset_cases(struct calls *c)
{
    struct reset_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = reset_work;
    job->head.done = reset_done;
    if (calls_run(c, &job->head) < 0)
        free(job);
}

/* Sessions of one person */

/** Another merchant's person of that name is somebody else. */
static void tell_identity(struct calls *c, const char *merchant, const char *identity,
                          const struct session *except, json_t *message)
{
    struct session *s;
    for (size_t i = 0; message && (s = sessions_of(c->sessions, merchant, identity, i)); i++) {
        if (s != except && strcmp(s->who.merchant, merchant) == 0)
            calls_send(c, s, message);
    }
    json_decref(message);
}

static json_t *person_brief(const struct room *r, const char *identity)
{
    const struct roster_person *p = roster_find(r->roster, identity);
    return json_pack("{s:s,s:s}", "identity", identity, "name", p ? p->name : identity);
}

/* Calls */

void room_begin_call(struct room *r, const char *agent)
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
    queue_agent_busy(c->queue, r->merchant, agent, true, calls_now_us(c));
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:s,s:o}", "type", "call_started", "room", r->id.text, "case",
                        r->case_id.text, "agent", person_brief(r, agent)));
    calls_case_act(c, &r->case_id, CASE_START_CALL, agent, json_pack("{s:s}", "agent", agent));
}

void room_end_call(struct room *r, const char *reason, const char *by)
{
    struct calls *c = r->calls;
    if (!r->call_on)
        return;
    r->call_on = false;
    c->calls_on--;
    room_tell(r, NULL,
              json_pack("{s:s,s:s,s:s*}", "type", "call_ended", "reason", reason, "by", by));
    room_stop_clips(r);
    queue_agent_busy(c->queue, r->merchant, r->agent, false, calls_now_us(c));
    r->agent[0] = '\0';
    calls_case_act(c, &r->case_id, CASE_END_CALL, by ? by : "system",
                   json_pack("{s:s}", "reason", reason));
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

void calls_seated(struct room *r, struct member *m)
{
    struct calls *c = r->calls;
    bool waiting = queue_is_waiting(c->queue, &r->case_id);
    if (strcmp(r->buyer, m->claims.identity) == 0 && waiting)
        queue_buyer_present(c->queue, &r->case_id, true, calls_now_us(c));
    if (waiting && !r->call_on && role_describe(m->claims.role)->takes_calls)
        room_begin_call(r, m->claims.identity);
    else if (r->call_on) { /* came into a call that goes on */
        json_t *message = json_pack("{s:s,s:s,s:s,s:o}", "type", "call_started", "room", r->id.text,
                                    "case", r->case_id.text, "agent", person_brief(r, r->agent));
        calls_send(c, m->session, message);
        json_decref(message);
    }
}

void calls_unseated(struct room *r, struct member *m, const char *reason)
{
    struct calls *c = r->calls;
    const char *identity = m->claims.identity;
    bool is_buyer = strcmp(r->buyer, identity) == 0;
    bool timed_out = strcmp(reason, "timeout") == 0;
    if (r->call_on && (is_buyer || strcmp(r->agent, identity) == 0))
        room_end_call(r, timed_out ? "timeout" : "left", identity);
    if (!is_buyer || !queue_is_waiting(c->queue, &r->case_id))
        return;
    if (timed_out) { /* the place is kept a little longer than the session */
        queue_buyer_present(c->queue, &r->case_id, false, calls_now_us(c));
        return;
    }
    (void)queue_stop(c->queue, &r->case_id, calls_now_us(c));
    calls_case_act(c, &r->case_id, CASE_STOP_WAIT, identity, NULL);
}

void calls_agent_gone(struct calls *c, const struct session *s, bool for_good)
{
    const struct member *m = member_of(s);
    struct session *other;
    if (!m || !role_describe(m->claims.role)->takes_calls)
        return;
    bool any_online = false, any = false;
    for (size_t i = 0;
         (other = sessions_of(c->sessions, m->claims.merchant, m->claims.identity, i)); i++) {
        any |= other != s;
        any_online |= other != s && session_is_online(other);
    }
    if (for_good && !any)
        queue_agent_remove(c->queue, m->claims.merchant, m->claims.identity, calls_now_us(c));
    else if (!any_online)
        queue_agent_present(c->queue, m->claims.merchant, m->claims.identity, false,
                            calls_now_us(c));
}

void calls_agent_back(struct calls *c, const struct session *s)
{
    const struct member *m = member_of(s);
    if (role_describe(m->claims.role)->takes_calls)
        queue_agent_present(c->queue, m->claims.merchant, m->claims.identity, true,
                            calls_now_us(c));
}

/* Requests */

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
    const struct roster_person *agent = someone_to_take(r);
    if (agent) {
        sessions_reply(c->sessions, m->session, msg->id,
                       json_pack("{s:s,s:i,s:i,s:i}", "type", "waiting", "position", 1,
                                 "expected_wait_ms", 0, "agents_available", 1));
        room_begin_call(r, agent->identity);
        return;
    }
    struct queue_case info = {.case_id = r->case_id,
                              .priority = r->priority,
                              .wants_appraiser = r->kind == CASE_AUTHENTICATION};
    (void)str_copy(info.merchant, sizeof info.merchant, r->merchant);
    (void)str_copy(info.buyer, sizeof info.buyer, r->buyer);
    (void)str_copy(info.language, sizeof info.language, r->language);
    int er = queue_wait(c->queue, &info, calls_now_us(c));
    if (er < 0 && er != ER_CONFLICT) {
        calls_error_er(c, m->session, msg->id, er, "too many are waiting; please come back later");
        return;
    }
    (void)str_copy(m->wait_re, sizeof m->wait_re, msg->id);
    if (er == 0)
        calls_case_act(c, &r->case_id, CASE_WAIT, m->claims.identity, NULL);
}

void calls_on_stop_waiting(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (!r || strcmp(r->buyer, m->claims.identity) != 0 ||
        queue_stop(c->queue, &r->case_id, calls_now_us(c)) < 0) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "not waiting");
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    calls_case_act(c, &r->case_id, CASE_STOP_WAIT, m->claims.identity, NULL);
}

static bool need_agent(struct calls *c, struct member *m, const struct proto_message *msg)
{
    bool ok = role_describe(m->claims.role)->takes_calls;
    if (!ok)
        calls_error(c, m->session, msg->id, PROTO_DENIED, "this role takes no calls");
    return ok;
}

void calls_on_available(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!need_agent(c, m, msg))
        return;
    struct queue_agent agent = {.appraiser = m->claims.role == ROLE_APPRAISER,
                                .languages = msg->available.languages};
    (void)str_copy(agent.identity, sizeof agent.identity, m->claims.identity);
    (void)str_copy(agent.merchant, sizeof agent.merchant, m->claims.merchant);
    if (claims_is_bound(&m->claims)) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "this token is for one case only");
        return;
    }
    int er = queue_agent_set(c->queue, &agent, msg->available.on, calls_now_us(c));
    if (er < 0) {
        calls_error_er(c, m->session, msg->id, er, "cannot be done now");
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    if (msg->available.on)
        calls_send_queue(c, m->session);
}

/** The offer was taken, but its room could not be entered: the buyer waits on. */
static void wait_again(struct calls *c, const struct id *case_id, const char *merchant,
                       const char *agent)
{
    struct room *r = room_of_case(c, case_id);
    queue_agent_busy(c->queue, merchant, agent, false, calls_now_us(c));
    struct roster_person *p = r ? roster_find(r->roster, r->buyer) : NULL;
    if (!p || !p->session) { /* has left meanwhile */
        calls_case_act(c, case_id, CASE_STOP_WAIT, "system", NULL);
        return;
    }
    const struct proto_message again = {.type = PROTO_WAIT};
    calls_on_wait(c, member_of(p->session), &again);
}

static void accept_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    if (!c)
        return;
    struct session *s = sessions_find(c->sessions, &job->session);
    struct member *m = s ? member_of(s) : NULL;
    int er = m ? job->er : ER_CLOSED;
    if (er == 0 && !roster_find(r->roster, r->buyer))
        er = ER_CONFLICT; /* left while we looked */
    bool again = er == 0 && m->room == r;
    if (er == 0 && m->room && !again)
        room_unseat(m, "left");
    if (er == 0 && !again)
        er = room_seat(r, m, job->consent);
    if (er < 0) {
        if (s)
            calls_error_er(c, s, job->re, er, "the call cannot be taken");
        wait_again(c, &job->by_case, job->claims.merchant, job->claims.identity);
        return;
    }
    sessions_reply(
        c->sessions, s, job->re,
        json_pack("{s:s,s:s,s:s}", "type", "joined", "room", r->id.text, "case", r->case_id.text));
    room_welcome(r, m);
    room_begin_call(r, m->claims.identity);
}

void calls_on_accept(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!need_agent(c, m, msg))
        return;
    struct entry_job *job = calloc(1, sizeof *job);
    int er = job ? queue_accept(c->queue, m->claims.merchant, m->claims.identity,
                                &msg->reservation.reservation, calls_now_us(c), &job->by_case)
                 : ER_NOMEM;
    if (er < 0) {
        free(job);
        calls_error_er(c, m->session, msg->id, er, "this offer is over");
        return;
    }
    tell_identity(c, m->claims.merchant, m->claims.identity, m->session,
                  json_pack("{s:s,s:s,s:s}", "type", "call_offer_ended", "reservation",
                            msg->reservation.reservation.text, "reason",
                            queue_offer_end_name(QUEUE_ELSEWHERE)));
    job->claims = m->claims;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    job->entered = accept_entered;
    calls_enter(c, job);
}

void calls_on_decline(struct calls *c, struct member *m, const struct proto_message *msg)
{
    if (!need_agent(c, m, msg))
        return;
    int er = queue_decline(c->queue, m->claims.merchant, m->claims.identity,
                           &msg->reservation.reservation, calls_now_us(c));
    if (er < 0) {
        calls_error_er(c, m->session, msg->id, er, "this offer is over");
        return;
    }
    c->offers_declined++;
    sessions_reply(c->sessions, m->session, msg->id, NULL);
}

void calls_on_hang_up(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (!r || !r->call_on) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT, "there is no call");
        return;
    }
    if (m->claims.role == ROLE_VIEWER || m->claims.role == ROLE_BOT) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "not this role's to end");
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    room_end_call(r, "hung_up", m->claims.identity);
}

/* What the queue says */

static void on_position(struct calls *c, const struct queue_event *e)
{
    struct room *r = room_of_case(c, &e->case_id);
    const struct roster_person *p = r ? roster_find(r->roster, e->person) : NULL;
    if (!p || !p->session)
        return;
    struct member *m = member_of(p->session);
    json_t *message = json_pack("{s:s,s:I,s:I}", "type", "waiting", "position",
                                (json_int_t)e->position, "agents_available", (json_int_t)e->agents);
    json_object_set_new(message, "expected_wait_ms",
                        e->expected_wait_ms < 0 ? json_null() : json_integer(e->expected_wait_ms));
    sessions_reply(c->sessions, p->session, m->wait_re, message);
    m->wait_re[0] = '\0';
}

static void on_offer(struct calls *c, const struct queue_event *e)
{
    static const char *const shown[] = {"id",     "number",   "title", "kind",
                                        "reason", "language", "order"};
    struct room *r = room_of_case(c, &e->case_id);
    if (!r)
        return;
    c->offers++;
    json_t *brief = json_object();
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        json_t *value = json_object_get(r->case_json, shown[i]);
        if (value)
            json_object_set(brief, shown[i], value);
    }
    uint64_t left_us = e->expires_us - calls_now_us(c);
    char expires[CLOCK_TEXT_BYTES];
    clock_format(calls_unix_us(c) + left_us, expires);
    tell_identity(c, e->merchant, e->person, NULL,
                  json_pack("{s:s,s:s,s:o,s:o,s:s,s:I}", "type", "call_offer", "reservation",
                            e->reservation.text, "case", brief, "buyer", person_brief(r, r->buyer),
                            "expires_at", expires, "ring_ms", (json_int_t)(left_us / 1000)));
}

static void on_offer_ended(struct calls *c, const struct queue_event *e)
{
    c->offers_expired += e->end == QUEUE_EXPIRED;
    tell_identity(c, e->merchant, e->person, NULL,
                  json_pack("{s:s,s:s,s:s}", "type", "call_offer_ended", "reservation",
                            e->reservation.text, "reason", queue_offer_end_name(e->end)));
}

static void on_lost(struct calls *c, const struct queue_event *e)
{
    struct room *r = room_of_case(c, &e->case_id);
    calls_case_act(c, &e->case_id, CASE_STOP_WAIT, "system",
                   json_pack("{s:s}", "reason", "timeout"));
    if (r)
        room_settle(r);
}

static json_t *queue_json(struct calls *c, const char *merchant)
{
    json_t *waiting = json_array();
    struct id case_id;
    uint64_t since_us;
    for (size_t i = 0; i < QUEUE_SHOWN && queue_list(c->queue, merchant, i, &case_id, &since_us);
         i++) {
        const struct room *r = room_of_case(c, &case_id);
        if (!r)
            continue;
        char since[CLOCK_TEXT_BYTES];
        clock_format(calls_unix_us(c) - (calls_now_us(c) - since_us), since);
        json_array_append_new(
            waiting, json_pack("{s:s,s:O?,s:O?,s:s,s:i,s:s}", "case", case_id.text, "number",
                               json_object_get(r->case_json, "number"), "title",
                               json_object_get(r->case_json, "title"), "language", r->language,
                               "priority", r->priority, "waiting_since", since));
    }
    return json_pack("{s:s,s:o}", "type", "queue", "waiting", waiting);
}

void calls_send_queue(struct calls *c, struct session *s)
{
    json_t *message = queue_json(c, s->who.merchant);
    if (message)
        calls_send(c, s, message);
    json_decref(message);
}

static void on_changed(struct calls *c, const char *merchant)
{
    json_t *message = queue_json(c, merchant);
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    size_t cursor = 0;
    struct session *s;
    while (text && (s = sessions_each(c->sessions, &cursor))) {
        bool sees = role_describe(s->who.role)->sees_queue ||
                    queue_agent_is_available(c->queue, s->who.merchant, s->who.identity);
        if (sees && strcmp(s->who.merchant, merchant) == 0)
            sessions_send_text(c->sessions, s, text, strlen(text));
    }
    free(text);
    json_decref(message);
}

void calls_on_queue_events(struct calls *c)
{
    struct queue_event e;
    while (queue_next_event(c->queue, &e)) {
        switch (e.type) {
        case QUEUE_POSITION:
            on_position(c, &e);
            break;
        case QUEUE_OFFER:
            on_offer(c, &e);
            break;
        case QUEUE_OFFER_ENDED:
            on_offer_ended(c, &e);
            break;
        case QUEUE_AWAY:
            tell_identity(c, e.merchant, e.person, NULL,
                          json_pack("{s:s,s:b}", "type", "person_state", "available", 0));
            break;
        case QUEUE_LOST:
            on_lost(c, &e);
            break;
        case QUEUE_CHANGED:
            on_changed(c, e.merchant);
            break;
        }
    }
}
