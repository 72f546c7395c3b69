// SPDX-License-Identifier: Apache-2.0
/* Chat: a message stands on the case before anybody is told of it. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/er.h"
#include "base/str.h"
#include "server/calls_impl.h"

struct chat_job {
    struct calls_job head;
    struct id room, case_id, session;
    char re[PROTO_ID_BYTES];
    char from[LIMIT_IDENTITY + 1];
    json_t *message; /* as the room is told */
    json_t *data;    /* as the case has it */
    int er;
};

static void chat_work(struct store *s, struct calls_job *head)
{
    struct chat_job *job = container_of(head, struct chat_job, head);
    job->er = store_event_append(s, &job->case_id, job->from, "chat", job->data, head->unix_us,
                                 NULL);
}

/** To whoever wrote it, if still there. */
static void chat_answer(struct calls *c, const struct chat_job *job)
{
    struct session *s = sessions_find(c->sessions, &job->session);
    if (s && job->er < 0)
        calls_error_er(c, s, job->re, job->er, "the message could not be kept, and was not sent");
    else if (s)
        sessions_reply(c->sessions, s, job->re,
                       job->re[0] ? json_pack("{s:s,s:O}", "type", "ok", "message",
                                              json_object_get(job->message, "message"))
                                  : NULL);
}

static void chat_done(struct calls *c, struct calls_job *head)
{
    struct chat_job *job = container_of(head, struct chat_job, head);
    struct room *r = c ? room_find(c, &job->room) : NULL;
    if (c)
        chat_answer(c, job);
    if (r && job->er == 0) {
        chat_add(&r->chat, job->message);
        room_tell(r, NULL, json_pack("{s:s,s:O}", "type", "chat", "message", job->message));
    }
    json_decref(job->message);
    json_decref(job->data);
}

static struct chat_job *chat_job_new(struct calls *c, const struct member *m,
                                     const struct roster_person *p, const char *re,
                                     const char *text)
{
    struct chat_job *job = calloc(1, sizeof *job);
    char at[CLOCK_TEXT_BYTES];
    if (!job)
        return NULL;
    uint64_t unix_us = calls_unix_us(c);
    struct id id = id_make(unix_us, &c->config.entropy);
    clock_format(unix_us, at);
    job->head.work = chat_work;
    job->head.done = chat_done;
    job->room = m->room->id;
    job->case_id = m->room->case_id;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, re);
    (void)str_copy(job->from, sizeof job->from, p->identity);
    job->data = json_pack("{s:s,s:s}", "message", id.text, "text", text);
    job->message = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "message", id.text, "from", p->identity,
                             "name", p->name, "role", role_name(p->role), "text", text, "at", at);
    return job;
}

void calls_on_chat(struct calls *c, struct member *m, const struct proto_message *msg)
{
    struct roster_person *p = calls_need_room(c, m, msg);
    char text[CHAT_TEXT_BYTES];
    if (!p)
        return;
    if (chat_clean(msg->chat.text, text) < 0) {
        calls_error(c, m->session, msg->id, PROTO_INVALID, "text: nothing to be read in it");
        return;
    }
    struct chat_job *job = chat_job_new(c, m, p, msg->id, text);
    int er = job && job->message && job->data ? calls_run(c, &job->head) : ER_NOMEM;
    if (er == 0)
        return;
    calls_error_er(c, m->session, msg->id, er, "the message could not be kept, and was not sent");
    if (job) {
        json_decref(job->message);
        json_decref(job->data);
    }
    free(job);
}
