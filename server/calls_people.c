// SPDX-License-Identifier: Apache-2.0
/* Agents who say that they take calls, or do not: what they leave unsaid is as the merchant's register has it. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/list.h"
#include "base/str.h"
#include "server/calls_impl.h"

struct presence_job {
    struct calls_job head;
    struct queue_agent agent;
    bool on;
    struct id session;
    char re[PROTO_ID_BYTES];
    struct store_worker known;
    int er; /* ER_NOT_FOUND: is not in the register, and need not be */
};

static void presence_work(struct store *s, struct calls_job *head)
{
    struct presence_job *job = container_of(head, struct presence_job, head);
    job->er = ER_NOT_FOUND;
    if (job->on)
        job->er = store_worker_get(s, job->agent.merchant, job->agent.identity, &job->known);
}

static void list_from(struct proto_list *list, const char *text)
{
    json_t *words = list->count ? NULL : json_loads(text, 0, NULL);
    for (size_t i = 0; i < json_array_size(words) && list->count < PROTO_LIST_MAX; i++) {
        const char *word = json_string_value(json_array_get(words, i));
        if (word && str_copy(list->items[list->count], PROTO_WORD_BYTES, word) == 0)
            list->count++;
    }
    json_decref(words);
}

static void fill_in(struct queue_agent *a, const struct store_worker *known)
{
    list_from(&a->skills, known->skills);
    list_from(&a->languages, known->languages);
    if (!a->team[0])
        (void)str_copy(a->team, sizeof a->team, known->team);
    if (!a->capacity)
        a->capacity = known->capacity;
}

static void presence_done(struct calls *c, struct calls_job *head)
{
    struct presence_job *job = container_of(head, struct presence_job, head);
    struct session *s = c ? sessions_find(c->sessions, &job->session) : NULL;
    if (!s)
        return;
    if (job->er == 0 && job->known.inactive) {
        calls_error(c, s, job->re, PROTO_DENIED, "you take no calls, as the register has it");
        return;
    }
    if (job->er == 0)
        fill_in(&job->agent, &job->known);
    job->agent.owes_until_us = calls_wraps_due_us(c, job->agent.merchant, job->agent.identity);
    int er = job->er && job->er != ER_NOT_FOUND
                 ? job->er
                 : queue_agent_set(c->queue, &job->agent, job->on, calls_now_us(c));
    if (er < 0) {
        calls_error_er(c, s, job->re, er, "cannot be done now");
        return;
    }
    if (!session_is_online(s)) /* it broke off meanwhile */
        calls_agent_gone(c, s, false);
    sessions_reply(c->sessions, s, job->re, NULL);
    if (job->on && !job->agent.bot) /* who waits beside its own call is not for it to know */
        calls_send_queue(c, s);
    calls_on_queue_events(c);
}

void calls_agent_set(struct calls *c, struct member *m, const struct proto_message *msg,
                     const struct queue_agent *agent)
{
    struct presence_job *job = calloc(1, sizeof *job);
    if (!job) {
        calls_error_er(c, m->session, msg->id, ER_NOMEM, NULL);
        return;
    }
    job->head.work = presence_work;
    job->head.done = presence_done;
    job->agent = *agent;
    job->on = msg->available.on;
    job->session = m->session->id;
    (void)str_copy(job->re, sizeof job->re, msg->id);
    int er = calls_run(c, &job->head);
    if (er == 0)
        return;
    calls_error_er(c, m->session, msg->id, er, "cannot be done now");
    free(job);
}
