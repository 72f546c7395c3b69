// SPDX-License-Identifier: Apache-2.0
/* The session table's test companion. */
#include "tests/unit/support/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"

static void note(struct talk *t, const char *what, const char *who)
{
    size_t len = strlen(t->log);
    (void)snprintf(t->log + len, sizeof t->log - len, "%s %s;", what, who);
}

static int on_authenticate(void *ctx, const char *token, const char *from,
                           struct session_who *ret_who, const char **ret_why)
{
    const struct talk *t = ctx;
    if (strcmp(from, "192.0.2.1") == 0)
        return ER_AGAIN;
    if (strcmp(token, "bad") == 0) {
        *ret_why = "no good";
        return ER_UNAUTHENTIC;
    }
    (void)str_copy(ret_who->identity, sizeof ret_who->identity, token);
    (void)str_copy(ret_who->merchant, sizeof ret_who->merchant,
                   t->merchant ? t->merchant : "default");
    ret_who->role = ROLE_BUYER;
    return 0;
}

static void on_opening(void *ctx, struct session *s)
{
    struct talk *t = ctx;
    note(t, "opening", s->who.identity);
    t->opening = s->id;
    if (!t->hold)
        sessions_welcome(t->table, s);
}

static void on_welcome(void *ctx, struct session *s, json_t *welcome)
{
    (void)ctx;
    (void)s;
    json_object_set_new(welcome, "more", json_true());
}

static void on_opened(void *ctx, struct session *s, bool resumed)
{
    note(ctx, resumed ? "resumed" : "opened", s->who.identity);
}

static void on_request(void *ctx, struct session *s, const struct proto_message *m)
{
    struct talk *t = ctx;
    note(t, "request", proto_type_name(m->type));
    sessions_reply(t->table, s, m->id, NULL);
}

static void on_dropped(void *ctx, struct session *s)
{
    note(ctx, "dropped", s->who.identity);
}

static void on_ended(void *ctx, struct session *s, enum session_end why)
{
    static const char *const names[] = {"left", "timeout", "replaced", "closed"};
    note(ctx, names[why], s->who.identity);
}

void talk_start(struct talk *t)
{
    memset(t, 0, sizeof *t);
    t->now_us = 1000;
    struct entropy entropy = entropy_seeded_init(&t->seeded, 3);
    const struct sessions_ops ops = {.ctx = t,
                                     .authenticate = on_authenticate,
                                     .opening = on_opening,
                                     .welcome = on_welcome,
                                     .opened = on_opened,
                                     .request = on_request,
                                     .dropped = on_dropped,
                                     .ended = on_ended};
    assert_int_equal(sessions_new(&t->table, &ops, &entropy), 0);
    sessions_set_clock(t->table, t->now_us, 1700000000000000u);
}

void talk_stop(struct talk *t)
{
    sessions_free(t->table);
}

void talk_pass(struct talk *t, uint64_t ms)
{
    uint64_t end_us = t->now_us + ms * 1000;
    while (t->now_us < end_us) {
        uint64_t next_us = sessions_deadline_us(t->table);
        t->now_us = next_us < end_us ? (next_us > t->now_us ? next_us : t->now_us + 1) : end_us;
        sessions_tick(t->table, t->now_us);
    }
}

struct link *talk_connect(struct talk *t)
{
    struct link *l = link_open(t->table, t, t->now_us);
    assert_non_null(l);
    return l;
}

void talk_say(struct talk *t, struct link *l, const char *text)
{
    char buffer[4096];
    size_t len = strlen(text);
    assert_true(len < sizeof buffer);
    for (size_t i = 0; i <= len; i++)
        buffer[i] = text[i] == '\'' ? '"' : text[i];
    link_on_text(l, buffer, len, t->now_us);
}

const char *talk_hear(struct link *l)
{
    static _Thread_local char heard[128];
    struct link_frame frame;
    if (link_state(l) == LINK_DEAD)
        return "dead";
    bool has = link_has_next(l);
    bool got = link_next(l, &frame);
    assert_int_equal(has, got);
    if (!got)
        return "";
    if (frame.type == LINK_TEXT)
        return frame.data;
    if (frame.type == LINK_PING)
        (void)snprintf(heard, sizeof heard, "ping %.*s", (int)frame.len, frame.data);
    else
        (void)snprintf(heard, sizeof heard, "close %u", frame.code);
    return heard;
}
