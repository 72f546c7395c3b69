// SPDX-License-Identifier: Apache-2.0
/* Signalling under fire: the input is a script of lines; each is a message on one of a few
 * connections, or a thing that happens to one (cut, pong, time). A conductor that answers at random
 * sits behind the session table; one with a queue takes what the messages ask of it. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "signaling/chat.h"
#include "signaling/pairing/queue.h"
#include "signaling/sessions.h"

#define LINKS 4

struct target {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct sessions *sessions;
    struct queue *queue;
    struct link *links[LINKS];
    struct id opening, offered, taken;
    bool has_opening;
    uint64_t now_us;
};

static int on_authenticate(void *ctx, const char *token, const char *from,
                           struct session_who *ret_who, const char **ret_why)
{
    (void)ctx, (void)from;
    *ret_why = "no";
    if (token[0] == '!')
        return ER_DENIED;
    (void)str_copy(ret_who->identity, sizeof ret_who->identity, token);
    (void)str_copy(ret_who->merchant, sizeof ret_who->merchant, "m");
    ret_who->role = token[0] == 'a' ? ROLE_AGENT : ROLE_BUYER;
    return 0;
}

static void on_opening(void *ctx, struct session *s)
{
    struct target *t = ctx;
    uint64_t dice = entropy_u64(&t->entropy) % 4;
    if (dice == 0) {
        sessions_refuse(t->sessions, s, PROTO_DENIED, "no", LINK_CLOSE_DENIED);
    } else if (dice == 1) {
        t->opening = s->id;
        t->has_opening = true;
    } else {
        sessions_welcome(t->sessions, s);
    }
}

static void on_welcome(void *ctx, struct session *s, json_t *welcome)
{
    (void)ctx;
    json_object_set_new(welcome, "more", json_string(s->who.identity));
}

static void on_opened(void *ctx, struct session *s, bool resumed)
{
    struct target *t = ctx;
    (void)resumed;
    sessions_send_text(t->sessions, s, "{\"type\":\"roster\"}", 17);
}

static void drain_queue(struct target *t)
{
    struct queue_event e;
    while (queue_next_event(t->queue, &e)) {
        if (e.type == QUEUE_OFFER)
            t->offered = e.reservation;
    }
    assert(queue_is_sound(t->queue));
}

static void ask_queue(struct target *t, struct session *s, const struct proto_message *m)
{
    struct queue_agent agent = {0};
    struct queue_case c = {.case_id = s->id,
                           .merchant = "m",
                           .languages = {"en", "zh"},
                           .category = "watch",
                           .preferred = "a",
                           .level = s->id.text[0] & 1};
    (void)str_copy(agent.identity, sizeof agent.identity, s->who.identity);
    (void)str_copy(agent.merchant, sizeof agent.merchant, "m");
    (void)str_copy(c.buyer, sizeof c.buyer, s->who.identity);
    if (m->type == PROTO_AVAILABLE) {
        agent.languages = m->available.languages;
        agent.skills = m->available.skills;
        agent.capacity = (unsigned)m->available.capacity;
        (void)str_copy(agent.team, sizeof agent.team, m->available.team);
        (void)queue_agent_set(t->queue, &agent, m->available.on, t->now_us);
    } else if (m->type == PROTO_WAIT)
        (void)queue_wait(t->queue, &c, t->now_us);
    else if (m->type == PROTO_STOP_WAITING)
        (void)queue_stop(t->queue, &c.case_id, t->now_us);
    else if (m->type == PROTO_ACCEPT)
        (void)queue_accept(t->queue, agent.merchant, agent.identity, &t->offered, t->now_us,
                           &t->taken);
    else if (m->type == PROTO_DECLINE)
        (void)queue_decline(t->queue, agent.merchant, agent.identity, &t->offered, t->now_us);
    else if (m->type == PROTO_HANG_UP)
        queue_call_end(t->queue, agent.merchant, agent.identity, &t->taken, true, t->now_us);
    drain_queue(t);
}

static void on_request(void *ctx, struct session *s, const struct proto_message *m)
{
    struct target *t = ctx;
    char text[CHAT_TEXT_BYTES];
    ask_queue(t, s, m);
    if (m->type == PROTO_CHAT && chat_clean(m->chat.text, text) == 0)
        assert(utf8_is_clean(text, strlen(text)));
    if (m->type == PROTO_LEAVE) {
        sessions_end(t->sessions, s, SESSION_END_CLOSED, LINK_CLOSE_ENDED);
        return;
    }
    sessions_reply(t->sessions, s, m->id, NULL);
}

static void on_dropped(void *ctx, struct session *s)
{
    struct target *t = ctx;
    queue_agent_present(t->queue, "m", s->who.identity, false, t->now_us);
    queue_buyer_present(t->queue, &s->id, false, t->now_us);
    drain_queue(t);
}

static void on_ended(void *ctx, struct session *s, enum session_end why)
{
    struct target *t = ctx;
    (void)why;
    queue_agent_remove(t->queue, "m", s->who.identity, t->now_us);
    drain_queue(t);
}

static void start(struct target *t)
{
    t->now_us = 1;
    t->entropy = entropy_seeded_init(&t->seeded, 1);
    const struct sessions_ops ops = {.ctx = t,
                                     .authenticate = on_authenticate,
                                     .opening = on_opening,
                                     .welcome = on_welcome,
                                     .opened = on_opened,
                                     .request = on_request,
                                     .dropped = on_dropped,
                                     .ended = on_ended};
    int er = sessions_new(&t->sessions, &ops, &t->entropy);
    er |= queue_new(&t->queue, &t->entropy);
    assert(er == 0);
    (void)er;
}

/** Take what is to be written; replies are JSON, numbered upwards. */
static void hear(struct target *t, struct link **l)
{
    struct link_frame frame;
    while (*l && link_next(*l, &frame)) {
        if (frame.type == LINK_TEXT) {
            json_t *json = json_loadb(frame.data, frame.len, 0, NULL);
            assert(json_is_object(json));
            json_decref(json);
        } else if (frame.type == LINK_CLOSE) {
            link_gone(*l, t->now_us);
            *l = NULL;
        }
    }
    if (*l && link_state(*l) == LINK_DEAD) {
        link_gone(*l, t->now_us);
        *l = NULL;
    }
}

static void happen(struct target *t, struct link **l, char what, const char *rest, size_t len)
{
    switch (what) {
    case 'x':
        if (*l)
            link_gone(*l, t->now_us);
        *l = NULL;
        break;
    case 'p':
        if (*l)
            link_on_pong(*l, rest, len, t->now_us);
        break;
    case 't':
        t->now_us += (uint64_t)len * 1000000 + 1;
        sessions_tick(t->sessions, t->now_us);
        queue_tick(t->queue, t->now_us);
        drain_queue(t);
        break;
    case 'w': {
        struct session *s = t->has_opening ? sessions_find(t->sessions, &t->opening) : NULL;
        t->has_opening = false;
        if (s)
            sessions_welcome(t->sessions, s);
        break;
    }
    case 'b':
        if (*l)
            link_fail(*l, LINK_CLOSE_BINARY);
        break;
    default:
        if (!*l)
            *l = link_open(t->sessions, t, t->now_us);
        if (*l)
            link_on_text(*l, rest, len, t->now_us);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t = {0};
    struct span rest = {.at = (const char *)data, .len = size};
    start(&t);
    while (size && rest.at) {
        struct span line = span_cut(&rest, '\n');
        if (line.len < 2)
            continue;
        struct link **l = &t.links[(uint8_t)line.at[0] % LINKS];
        happen(&t, l, line.at[1], line.at + 2, line.len - 2);
        for (size_t i = 0; i < LINKS; i++)
            hear(&t, &t.links[i]);
    }
    sessions_free(t.sessions);
    queue_free(t.queue);
    return 0;
}
