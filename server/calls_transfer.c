// SPDX-License-Identifier: Apache-2.0
/* Calls passed on: to the queue (blind), to somebody who comes into the call first (warm), or to a third who
 * is asked in (invite); and calls taken over. What was asked is on the case, as its last `transfer`. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/calls_noted.h"

/** Waits for the next one; `from` is not asked at first. */
static void ask(struct room *r, const char *from, uint64_t credit_us)
{
    struct calls *c = r->calls;
    struct queue_case info;
    room_queue_case(r, &info);
    info.credit_us = credit_us;
    (void)str_copy(info.passed_on_by, sizeof info.passed_on_by, from);
    const struct roster_person *buyer = roster_find(r->roster, r->buyer);
    bool there = r->call_on || (buyer && buyer->online);
    uint64_t now_us = calls_now_us(c);
    (void)queue_stop(c->queue, &r->case_id, now_us);
    int er = there ? queue_wait(c->queue, &info, now_us)
                   : queue_wait_since(c->queue, &info, now_us, false, now_us);
    if (er < 0)
        room_notice(r, "transfer_failed", "too many are waiting; please try again later");
    r->asking = er == 0 && r->call_on;
}

/** The agent is out of it; the buyer waits on, before those who have not talked to anybody yet. */
void room_pass_on(struct room *r, const char *by)
{
    char agent[STORE_IDENTITY_BYTES];
    uint64_t credit_us = room_credit_us(r);
    (void)str_copy(agent, sizeof agent, r->agent);
    r->entering++;
    room_end_call(r, "transferred", by);
    const struct roster_person *buyer = roster_find(r->roster, r->buyer);
    if (buyer && buyer->session) {
        ask(r, agent, credit_us);
        if (queue_is_waiting(r->calls->queue, &r->case_id))
            room_note_wait(r, member_of(buyer->session), by, credit_us);
    }
    r->entering--;
    room_settle(r);
}

void room_transfer(struct room *r)
{
    struct calls *c = r->calls;
    const json_t *t = json_object_get(r->case_json, "transfer");
    const char *mode = json_text(t, "mode", 16);
    const char *by = json_text(t, "by", LIMIT_IDENTITY);
    uint64_t waited_us;
    if (!by || c->draining)
        return;
    c->calls_passed_on++;
    if (r->call_on && mode && strcmp(mode, "blind") != 0)
        ask(r, r->agent, room_credit_us(r));
    else if (r->call_on)
        room_pass_on(r, by);
    else if (queue_waited(c->queue, &r->case_id, calls_now_us(c), &waited_us) == 0) {
        ask(r, by, waited_us);
        if (!queue_is_waiting(c->queue, &r->case_id))
            calls_case_act(c, &r->case_id, CASE_STOP_WAIT, "system", NULL);
    }
}

bool room_join_call(struct room *r, const char *identity)
{
    const json_t *t = json_object_get(r->case_json, "transfer");
    const char *mode = json_text(t, "mode", 16);
    if (!r->call_on || !r->asking)
        return false;
    r->asking = false;
    if (mode && strcmp(mode, "warm") == 0)
        (void)str_copy(r->heir, sizeof r->heir, identity);
    room_tell(r, NULL,
              json_pack("{s:s,s:o,s:s}", "type", "call_joined", "agent",
                        room_person_brief(r, identity), "mode", mode ? mode : "invite"));
    calls_event(r->calls, &r->case_id, identity, "call_joined",
                json_pack("{s:s}", "mode", mode ? mode : "invite"));
    return true;
}

void room_hand_over(struct room *r, const char *to)
{
    struct calls *c = r->calls;
    char from[STORE_IDENTITY_BYTES];
    bool bot = r->bot;
    c->calls_taken_over++;
    r->bot = false;
    (void)str_copy(from, sizeof from, r->agent);
    (void)str_copy(r->agent, sizeof r->agent, to);
    if (strcmp(r->heir, to) == 0)
        r->heir[0] = '\0';
    queue_call_begin(c->queue, r->merchant, to, &r->case_id, calls_now_us(c));
    queue_call_end(c->queue, r->merchant, from, &r->case_id, true, calls_now_us(c));
    room_tell(r, NULL,
              json_pack("{s:s,s:o,s:s}", "type", "call_taken_over", "agent",
                        room_person_brief(r, to), "from", from));
    calls_case_act(c, &r->case_id, CASE_TAKE_CALL, to,
                   json_pack("{s:s,s:s}", "agent", to, "from", from));
    if (bot)
        room_bot_out(r, from);
}

bool room_inherit(struct room *r)
{
    const struct roster_person *heir = r->heir[0] ? roster_find(r->roster, r->heir) : NULL;
    if (!heir || !heir->session)
        return false;
    char identity[STORE_IDENTITY_BYTES];
    (void)str_copy(identity, sizeof identity, r->heir);
    room_hand_over(r, identity);
    return true;
}

void calls_on_take_over(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct room *r = m->room;
    if (!role_describe(m->claims.role)->takes_calls) {
        calls_error(c, m->session, msg->id, PROTO_DENIED, "this role takes no calls");
        return;
    }
    if (!r || !r->call_on || strcmp(r->agent, m->claims.identity) == 0) {
        calls_error(c, m->session, msg->id, PROTO_CONFLICT,
                    r && r->call_on ? "it is your call already" : "there is no call");
        return;
    }
    sessions_reply(c->sessions, m->session, msg->id, NULL);
    room_hand_over(r, m->claims.identity);
}
