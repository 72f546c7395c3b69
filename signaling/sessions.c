// SPDX-License-Identifier: Apache-2.0
/* The table of sessions: by id, by person, and their deadlines. */
#include "signaling/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "signaling/person.h"
#include "signaling/sessions_impl.h"

#define RESUME_US (LIMIT_RESUME_MS * (uint64_t)1000)

int sessions_new(struct sessions **ret, const struct sessions_ops *ops,
                 const struct entropy *entropy)
{
    *ret = NULL;
    struct sessions *t = calloc(1, sizeof *t);
    if (!t)
        return ER_NOMEM;
    t->ops = *ops;
    t->entropy = *entropy;
    list_init(&t->links);
    entropy_fill(entropy, t->seed, sizeof t->seed);
    if (map_new(&t->by_id, LIMIT_SESSIONS, entropy_u64(entropy)) < 0 ||
        map_new(&t->by_person, LIMIT_SESSIONS, entropy_u64(entropy)) < 0) {
        sessions_free(t);
        return ER_NOMEM;
    }
    *ret = t;
    return 0;
}

static const char *key_of(char ret[static PERSON_KEY_BYTES], const struct session_who *who)
{
    return person_key(ret, who->merchant, who->identity);
}

void entry_free(struct sessions *t, struct entry *e)
{
    heap_remove(&t->entry_timers, &e->timer);
    map_remove_str(t->by_id, e->session.id.text);
    char key[PERSON_KEY_BYTES];
    (void)key_of(key, &e->session.who);
    struct entry *newest = map_get_str(t->by_person, key);
    if (newest == e) {
        map_remove_str(t->by_person, key);
        if (e->older)
            (void)map_add_str(t->by_person, key, e->older);
    } else {
        while (newest && newest->older != e)
            newest = newest->older;
        if (newest)
            newest->older = e->older;
    }
    session_clear(&e->session);
    free(e);
}

void sessions_free(struct sessions *t)
{
    if (!t)
        return;
    list_each_safe (link, &t->links, struct link, node)
        link_free(link);
    size_t cursor = 0;
    struct session *s;
    while (t->by_id && (s = sessions_each(t, &cursor)))
        entry_free(t, entry_of(s));
    map_free(t->by_id);
    map_free(t->by_person);
    heap_clear(&t->link_timers);
    heap_clear(&t->entry_timers);
    free(t);
}

void sessions_set_clock(struct sessions *t, uint64_t now_us, uint64_t unix_us)
{
    t->now_us = now_us;
    t->unix_offset_us = unix_us - now_us;
}

void sessions_set_wake(struct sessions *t, void (*wake)(void *user))
{
    t->wake = wake;
}

void entry_arm(struct sessions *t, struct entry *e)
{
    uint64_t at_us = e->link ? session_deadline_us(&e->session) : t->now_us + RESUME_US;
    (void)heap_set(&t->entry_timers, &e->timer, at_us);
}

void entry_detach(struct entry *e, bool flush)
{
    struct link *l = e->link;
    const struct session_frame *frame;
    while (l && flush && (frame = session_next(&e->session)))
        (void)note_add(&l->notes, frame->text, frame->len);
    if (l)
        l->entry = NULL;
    e->link = NULL;
}

void entry_drop(struct sessions *t, struct entry *e)
{
    entry_detach(e, false);
    if (e->opening) {
        t->ops.ended(t->ops.ctx, &e->session, SESSION_END_LEFT);
        entry_free(t, e);
        return;
    }
    entry_arm(t, e);
    t->ops.dropped(t->ops.ctx, &e->session);
}

void sessions_end(struct sessions *t, struct session *s, enum session_end why, enum link_close code)
{
    struct entry *e = entry_of(s);
    struct link *l = e->link;
    entry_detach(e, true);
    if (l)
        link_close(l, code);
    t->ops.ended(t->ops.ctx, s, why);
    entry_free(t, e);
}

void sessions_close_all(struct sessions *t, enum link_close code)
{
    list_each_safe (link, &t->links, struct link, node)
        link_close(link, code);
}

void entry_make_room(struct sessions *t, const struct entry *newcomer)
{
    char key[PERSON_KEY_BYTES];
    struct entry *newest = map_get_str(t->by_person, key_of(key, &newcomer->session.who));
    struct entry *oldest = NULL, *oldest_dropped = NULL;
    size_t count = 0;
    for (struct entry *e = newest; e; e = e->older) {
        if (e == newcomer || e->opening)
            continue;
        count++;
        oldest = e;
        if (!e->link)
            oldest_dropped = e;
    }
    if (count < LIMIT_SESSIONS_PER_IDENTITY)
        return;
    struct entry *victim = oldest_dropped ? oldest_dropped : oldest;
    sessions_end(t, &victim->session, SESSION_END_REPLACED, LINK_CLOSE_REPLACED);
}

struct entry *entry_new(struct sessions *t, const struct session_who *who)
{
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    struct id id = id_make(t->now_us + t->unix_offset_us, &t->entropy);
    session_init(&e->session, &id, who, t->seed, t->now_us);
    if (map_add_str(t->by_id, id.text, e) < 0) {
        free(e);
        return NULL;
    }
    char key[PERSON_KEY_BYTES];
    e->older = map_remove_str(t->by_person, key_of(key, who));
    if (map_add_str(t->by_person, key, e) < 0) {
        map_remove_str(t->by_id, id.text);
        if (e->older)
            (void)map_add_str(t->by_person, key, e->older);
        free(e);
        return NULL;
    }
    return e;
}

json_t *entry_new_welcome(struct sessions *t, struct entry *e, bool resumed)
{
    const struct session_who *who = &e->session.who;
    char server_time[CLOCK_TEXT_BYTES];
    clock_format(t->now_us + t->unix_offset_us, server_time);
    json_t *welcome = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:i}", "type", "welcome", "session",
                                e->session.id.text, "identity", who->identity, "name", who->name,
                                "role", role_name(who->role), "server_time", server_time, "resumed",
                                resumed, "ping_ms", LIMIT_PING_MS);
    if (welcome && e->hello_id[0])
        json_object_set_new(welcome, "re", json_string(e->hello_id));
    if (welcome)
        t->ops.welcome(t->ops.ctx, &e->session, welcome);
    return welcome;
}

void entry_take_over(struct sessions *t, struct entry *e, struct link *l)
{
    struct link *old = e->link;
    if (old)
        entry_detach(e, false);
    if (old)
        link_close(old, LINK_CLOSE_REPLACED);
    else if (!e->opening)
        heap_remove(&t->entry_timers, &e->timer);
    e->link = l;
    l->entry = e;
    heap_remove(&t->link_timers, &l->timer);
}

void sessions_tick(struct sessions *t, uint64_t now_us)
{
    t->now_us = now_us;
    struct heap_node *node;
    while ((node = heap_pop_due(&t->link_timers, now_us)))
        link_close(container_of(node, struct link, timer), LINK_CLOSE_NO_HELLO);
    while ((node = heap_pop_due(&t->entry_timers, now_us))) {
        struct entry *e = container_of(node, struct entry, timer);
        struct link *l = e->link;
        if (!l) {
            sessions_end(t, &e->session, SESSION_END_TIMEOUT, LINK_CLOSE_ENDED);
        } else if (session_tick(&e->session, now_us)) {
            entry_arm(t, e);
            link_wake(l);
        } else {
            entry_drop(t, e);
            link_kill(l);
        }
    }
}

uint64_t sessions_deadline_us(const struct sessions *t)
{
    uint64_t a = heap_next_us(&t->link_timers), b = heap_next_us(&t->entry_timers);
    return a < b ? a : b;
}

void sessions_send_text(struct sessions *t, struct session *s, const char *body, size_t len)
{
    struct entry *e = entry_of(s);
    if (e->opening)
        return;
    (void)t;
    int er = session_push(s, body, len);
    if (!e->link)
        return;
    if (er == ER_FULL || er == ER_NOMEM)
        link_close(e->link, LINK_CLOSE_POLICY); /* it does not keep up */
    else
        link_wake(e->link);
}

void sessions_send_fleeting(struct session *s, const char *body, size_t len)
{
    struct entry *e = entry_of(s);
    if (!e->opening && e->link && session_push_fleeting(s, body, len) == 0)
        link_wake(e->link);
}

void sessions_send(struct sessions *t, struct session *s, const json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    if (text)
        sessions_send_text(t, s, text, strlen(text));
    free(text);
}

void sessions_reply(struct sessions *t, struct session *s, const char *re, json_t *body)
{
    if (!body && (!re || !re[0]))
        return;
    if (!body)
        body = proto_new("ok");
    if (re && re[0])
        json_object_set_new(body, "re", json_string(re));
    sessions_send(t, s, body);
    json_decref(body);
}

void sessions_reply_error(struct sessions *t, struct session *s, const char *re,
                          enum proto_error code, const char *message)
{
    sessions_reply(t, s, NULL, proto_new_error(code, message, re));
}

bool session_is_online(const struct session *s)
{
    return entry_of(s)->link != NULL;
}

struct session *sessions_find(const struct sessions *t, const struct id *id)
{
    struct entry *e = map_get_str(t->by_id, id->text);
    return e ? &e->session : NULL;
}

struct session *sessions_each(const struct sessions *t, size_t *cursor)
{
    void *value;
    return map_next(t->by_id, cursor, NULL, NULL, &value) ? &((struct entry *)value)->session
                                                          : NULL;
}

struct session *sessions_of(const struct sessions *t, const char *merchant, const char *identity,
                            size_t index)
{
    char key[PERSON_KEY_BYTES];
    struct entry *e = map_get_str(t->by_person, person_key(key, merchant, identity));
    while (e && index--)
        e = e->older;
    return e ? &e->session : NULL;
}

size_t sessions_count(const struct sessions *t)
{
    return map_count(t->by_id);
}

size_t sessions_link_count(const struct sessions *t)
{
    return t->link_count;
}
