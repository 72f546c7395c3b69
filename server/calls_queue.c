// SPDX-License-Identifier: Apache-2.0
/* Waiting and calls: what buyers and agents ask of the queue, and how a call begins and ends on the
 * case. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_noted.h"

/* Calls */

static void begin_call(struct room *r, const char *agent)
{
    struct calls *c = r->calls;
    if (r->call_on)
        return;
    r->call_on = true;
    r->call_noting++;
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
    room_clear_pictures(r, NULL);
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
    room_note(r, &(struct noting){.action = CASE_END_CALL,
                                  .actor = by ? by : "system",
                                  .data = json_pack("{s:s}", "reason", reason),
                                  .wrap = wrap});
}

void room_refuse_call(struct room *r)
{
    struct store_wrap *wrap = end_call(r, "left", NULL);
    if (wrap)
        calls_wrap_asked(r->calls, wrap, false);
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

/** Who comes into a call that goes on; of one that is not noted yet all will be told. */
static void tell_call(struct room *r, struct member *m)
{
    if (r->call_noting)
        return;
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
    room_note_wait(r, m, m->claims.identity, info.credit_us);
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
    if (agent || r->taking) {
        m->wait_noting = true; /* until the call begins, or does not */
        if (agent)
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
    room_note(
        r, &(struct noting){
               .action = CASE_STOP_WAIT, .actor = m->claims.identity, .asker = m, .re = msg->id});
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
    member_of(p->session)->wait_noting = false;
    queue_buyer_present(c->queue, case_id, p->online, calls_now_us(c));
}

static void accept_entered(struct calls *c, struct entry_job *job, struct room *r)
{
    if (!c)
        return;
    struct session *s = sessions_find(c->sessions, &job->session);
    struct member *m = s ? member_of(s) : NULL;
    struct room *of = room_of_case(c, &job->by_case);
    int er = m ? job->er : ER_CLOSED;
    if (of && of->taking)
        of->taking--;
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
    struct room *r = room_of_case(c, &job->by_case);
    if (r && !r->call_on)
        r->taking++;
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
    room_note(r, &(struct noting){.action = CASE_END_CALL,
                                  .actor = m->claims.identity,
                                  .data = json_pack("{s:s}", "reason", "hung_up"),
                                  .wrap = wrap,
                                  .asker = m,
                                  .re = msg->id});
}
