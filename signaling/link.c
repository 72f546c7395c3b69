// SPDX-License-Identifier: Apache-2.0
/* Connections: what may be said on one when, what is written to it in which order, how it closes. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "signaling/sessions.h"
#include "signaling/sessions_impl.h"

#define HELD_MAX 32      /* messages held back while a session opens; one more closes */
#define REFUSED_MAX 1000 /* messages beyond the rate and not made up for; one more closes */
#define HELLO_US (LIMIT_HELLO_MS * (uint64_t)1000)

struct note *note_add(struct list *notes, const char *text, size_t len)
{
    struct note *note = malloc(sizeof *note + len + 1);
    if (!note)
        return NULL;
    note->len = len;
    memcpy(note->text, text, len);
    note->text[len] = '\0';
    list_append(notes, &note->node);
    return note;
}

static void notes_clear(struct list *notes)
{
    list_each_safe (note, notes, struct note, node)
        free(note);
    list_init(notes);
}

void link_note(struct link *l, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text)
        (void)note_add(&l->notes, text, strlen(text));
    free(text);
    link_wake(l);
}

void link_close(struct link *l, unsigned code)
{
    if (l->state != LINK_OPEN)
        return;
    l->state = LINK_CLOSING;
    l->close_code = code;
    heap_remove(&l->table->link_timers, &l->timer);
    link_wake(l);
}

void link_free(struct link *l)
{
    list_remove(&l->node);
    heap_remove(&l->table->link_timers, &l->timer);
    l->table->link_count--;
    notes_clear(&l->notes);
    notes_clear(&l->held);
    free(l->shown);
    free(l);
}

struct link *link_open(struct sessions *t, void *user, uint64_t now_us)
{
    t->now_us = now_us;
    if (t->link_count >= LIMIT_SESSIONS)
        return NULL;
    struct link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->table = t;
    l->user = user;
    list_init(&l->notes);
    list_init(&l->held);
    list_append(&t->links, &l->node);
    t->link_count++;
    if (heap_set(&t->link_timers, &l->timer, now_us + HELLO_US) < 0) {
        link_free(l);
        return NULL;
    }
    return l;
}

void link_gone(struct link *l, uint64_t now_us)
{
    l->table->now_us = now_us;
    if (l->entry)
        entry_drop(l->table, l->entry);
    link_free(l);
}

void link_fail(struct link *l, enum link_close code)
{
    link_close(l, code);
}

void link_refuse(struct link *l, const char *re, enum proto_error code, const char *why,
                 enum link_close close)
{
    link_note(l, proto_new_error(code, why, re));
    link_close(l, close);
}

void link_wake(struct link *l)
{
    if (l->table->wake)
        l->table->wake(l->user);
}

static void resume(struct link *l, const struct proto_message *m, const struct session_who *who)
{
    struct sessions *t = l->table;
    struct entry *e = map_get_str(t->by_id, m->hello.session.text);
    bool same = e && !e->opening && strcmp(e->session.who.identity, who->identity) == 0 &&
                strcmp(e->session.who.merchant, who->merchant) == 0 &&
                e->session.who.role == who->role &&
                id_equal(&e->session.who.case_id, &who->case_id) &&
                id_equal(&e->session.who.room, &who->room);
    uint64_t received = 0;
    if (same)
        received = m->hello.has_received ? m->hello.received : e->session.seq_acked;
    if (!same || session_attach(&e->session, received, t->now_us) < 0) {
        link_note(l,
                  proto_new_error(PROTO_NOT_FOUND, "this session is gone: say hello anew", m->id));
        return;
    }
    entry_take_over(t, e, l);
    entry_arm(t, e);
    (void)str_copy(e->hello_id, sizeof e->hello_id, m->id);
    json_t *welcome = entry_new_welcome(t, e, true);
    if (welcome)
        link_note(l, welcome);
    t->ops.opened(t->ops.ctx, &e->session, true);
}

static void refuse_token(struct link *l, const char *re, int er, const char *why)
{
    static const struct {
        int er;
        enum proto_error code;
        enum link_close close;
    } ways[] = {{ER_DENIED, PROTO_DENIED, LINK_CLOSE_DENIED},
                {ER_CLOSED, PROTO_DRAINING, LINK_CLOSE_RESTART},
                {ER_AGAIN, PROTO_RATE_LIMITED, LINK_CLOSE_LATER}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].er == er) {
            link_refuse(l, re, ways[i].code, why, ways[i].close);
            return;
        }
    }
    link_refuse(l, re, PROTO_UNAUTHENTICATED, why, LINK_CLOSE_TOKEN);
}

static void hello(struct link *l, const struct proto_message *m)
{
    struct sessions *t = l->table;
    struct session_who who = {.role = ROLE_COUNT};
    const char *why = "the token was refused";
    int er = t->ops.authenticate(t->ops.ctx, m->hello.token, l->from, &who, &why);
    if (er < 0) {
        refuse_token(l, m->id, er, why);
        return;
    }
    if (id_is_set(&m->hello.session)) {
        resume(l, m, &who);
        return;
    }
    struct entry *e = entry_new(t, &who);
    if (!e) {
        link_refuse(l, m->id, PROTO_FULL, "too many sessions", LINK_CLOSE_LATER);
        return;
    }
    e->opening = true;
    e->session.was = m->hello.was;
    (void)str_copy(e->hello_id, sizeof e->hello_id, m->id);
    entry_take_over(t, e, l);
    t->ops.opening(t->ops.ctx, &e->session);
}

static void handle(struct link *l, const char *text, size_t len)
{
    struct sessions *t = l->table;
    struct proto_message m;
    enum proto_error error = PROTO_MALFORMED;
    const char *why = NULL;
    int er = proto_parse(text, len, &m, &error, &why);
    struct entry *e = l->entry;
    if (!e) {
        if (er < 0)
            link_note(l, proto_new_error(error, why, m.id));
        else if (m.type != PROTO_HELLO)
            link_note(l, proto_new_error(PROTO_UNAUTHENTICATED, "hello comes first", m.id));
        else
            hello(l, &m);
        proto_clear(&m);
        return;
    }
    enum session_admit admit = session_admit(&e->session, m.id, t->now_us);
    if (admit != SESSION_TOO_FAST)
        l->refused -= l->refused > 0;
    else if (++l->refused > REFUSED_MAX)
        link_close(l, LINK_CLOSE_POLICY); /* reading costs us more than writing costs it */
    if (admit == SESSION_TOO_FAST)
        sessions_reply_error(t, &e->session, m.id, PROTO_RATE_LIMITED, "too many messages");
    else if (admit == SESSION_CARRY_OUT && er < 0)
        sessions_reply_error(t, &e->session, m.id, error, why);
    else if (admit == SESSION_CARRY_OUT && m.type == PROTO_HELLO)
        sessions_reply_error(t, &e->session, m.id, PROTO_CONFLICT, "hello was said before");
    else if (admit == SESSION_CARRY_OUT && m.type == PROTO_PING)
        sessions_reply(t, &e->session, m.id, proto_new("pong"));
    else if (admit == SESSION_CARRY_OUT && m.type == PROTO_BYE) {
        sessions_reply(t, &e->session, m.id, NULL);
        sessions_end(t, &e->session, SESSION_END_LEFT, LINK_CLOSE_ENDED);
    } else if (admit == SESSION_CARRY_OUT)
        t->ops.request(t->ops.ctx, &e->session, &m);
    proto_clear(&m);
}

void link_set_from(struct link *l, const char *address)
{
    (void)str_copy(l->from, sizeof l->from, address);
}

void link_on_text(struct link *l, const char *text, size_t len, uint64_t now_us)
{
    l->table->now_us = now_us;
    if (l->state != LINK_OPEN)
        return;
    if (!l->entry && ++l->held_count > HELD_MAX) {
        link_close(l, LINK_CLOSE_POLICY); /* it talks on without a hello */
        return;
    }
    if (!l->entry || !l->entry->opening) {
        handle(l, text, len);
        return;
    }
    if (++l->held_count > HELD_MAX || !note_add(&l->held, text, len))
        link_close(l, LINK_CLOSE_POLICY);
}

void link_on_pong(struct link *l, const void *payload, size_t len, uint64_t now_us)
{
    l->table->now_us = now_us;
    if (l->entry)
        session_on_pong(&l->entry->session, payload, len);
}

void sessions_welcome(struct sessions *t, struct session *s)
{
    struct entry *e = entry_of(s);
    struct link *l = e->link;
    if (!e->opening || !l)
        return;
    entry_make_room(t, e);
    e->opening = false;
    (void)session_attach(s, 0, t->now_us);
    entry_arm(t, e);
    json_t *welcome = entry_new_welcome(t, e, false);
    if (welcome)
        sessions_send(t, s, welcome);
    json_decref(welcome);
    t->ops.opened(t->ops.ctx, s, false);
    while (!list_empty(&l->held)) {
        struct note *note = container_of(l->held.next, struct note, node);
        list_remove(&note->node);
        if (l->state == LINK_OPEN)
            handle(l, note->text, note->len);
        free(note);
    }
    l->held_count = 0;
}

void sessions_refuse(struct sessions *t, struct session *s, enum proto_error code,
                     const char *message, enum link_close close)
{
    struct entry *e = entry_of(s);
    struct link *l = e->link;
    if (l)
        link_refuse(l, e->hello_id, code, message, close);
    entry_detach(e, false);
    entry_free(t, e);
}

bool link_has_next(const struct link *l)
{
    if (l->state == LINK_DEAD || l->close_given)
        return false;
    return l->state == LINK_CLOSING || !list_empty(&l->notes) ||
           (l->entry && (session_has_next(&l->entry->session) || l->entry->session.ping_due));
}

bool link_next(struct link *l, struct link_frame *ret)
{
    *ret = (struct link_frame){.type = LINK_TEXT};
    free(l->shown);
    l->shown = NULL;
    if (l->state == LINK_DEAD || l->close_given)
        return false;
    if (!list_empty(&l->notes)) {
        l->shown = container_of(l->notes.next, struct note, node);
        list_remove(&l->shown->node);
        ret->data = l->shown->text;
        ret->len = l->shown->len;
        return true;
    }
    const struct session_frame *frame = l->entry ? session_next(&l->entry->session) : NULL;
    if (frame) {
        ret->data = frame->text;
        ret->len = frame->len;
        return true;
    }
    if (l->state == LINK_CLOSING) {
        l->close_given = true;
        *ret = (struct link_frame){.type = LINK_CLOSE, .data = "", .code = l->close_code};
        return true;
    }
    if (!l->entry || !session_take_ping(&l->entry->session, l->ping, &ret->len))
        return false;
    ret->type = LINK_PING;
    ret->data = l->ping;
    return true;
}

enum link_state link_state(const struct link *l)
{
    return l->state;
}

void link_kill(struct link *l)
{
    l->state = LINK_DEAD;
    heap_remove(&l->table->link_timers, &l->timer);
    link_wake(l);
}
