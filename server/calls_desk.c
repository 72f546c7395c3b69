// SPDX-License-Identifier: Apache-2.0
/* Desks are told which cases changed, whoever changed them by whatever door, so that their lists stay fresh: what has
 * gathered goes out once a second at most, in one message. */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/list.h"
#include "server/calls_impl.h"

#define PACE_US 1000000u

/** A changed case, and who is told of it. */
struct touched {
    struct id id;
    char merchant[STORE_SHORT_BYTES]; /* "": there is no such case */
    bool disputed;                    /* arbiters see these alone */
};

struct desk_job {
    struct calls_job head;
    struct touched cases[LIMIT_DESK_NOTED];
    size_t count;
    bool more;
};

void calls_desk_note(struct calls *c, const struct id *case_id)
{
    for (size_t i = 0; i < c->desk.count; i++) {
        if (id_equal(&c->desk.ids[i], case_id))
            return;
    }
    if (c->desk.count < LIMIT_DESK_NOTED)
        c->desk.ids[c->desk.count++] = *case_id;
    else
        c->desk.more = true;
}

static void desk_work(struct store *s, struct calls_job *head)
{
    struct desk_job *job = container_of(head, struct desk_job, head);
    for (size_t i = 0; i < job->count; i++) {
        struct touched *t = &job->cases[i];
        (void)store_case_whose(s, &t->id, t->merchant, &t->disputed);
    }
}

/** Somebody whose page has lists of cases. */
static bool has_lists(const struct session *s)
{
    const struct role_info *role = role_describe(s->who.role);
    return (role->any_room || role->rules) && !id_is_set(&s->who.case_id) &&
           !id_is_set(&s->who.room);
}

/** NULL: there is nothing for this one. */
static json_t *message_for(const struct desk_job *job, const struct session *s)
{
    json_t *ids = json_array();
    bool all = !role_describe(s->who.role)->rules, more = job->more;
    for (size_t i = 0; i < job->count; i++) {
        const struct touched *t = &job->cases[i];
        if ((!all && !t->disputed) || strcmp(t->merchant, s->who.merchant) != 0)
            continue;
        if (json_array_size(ids) < LIMIT_DESK_CASES)
            (void)json_array_append_new(ids, json_string(t->id.text));
        else
            more = true;
    }
    json_t *o = json_array_size(ids) || more ? json_pack("{s:s,s:O,s:b}", "type", "cases_changed",
                                                         "cases", ids, "more", more)
                                             : NULL;
    json_decref(ids);
    return o;
}

static void desk_done(struct calls *c, struct calls_job *head)
{
    struct desk_job *job = container_of(head, struct desk_job, head);
    struct session *s;
    size_t cursor = 0;
    if (!c)
        return;
    c->desk.looking = false;
    while ((s = sessions_each(c->sessions, &cursor))) {
        json_t *message = has_lists(s) && s->user ? message_for(job, s) : NULL;
        if (!message)
            continue;
        calls_send(c, s, message);
        c->desk.told++;
        json_decref(message);
    }
}

void calls_run_desk(struct calls *c)
{
    uint64_t now_us = calls_now_us(c);
    if (c->desk.looking || !c->desk.count || now_us < c->desk.at_us)
        return;
    struct desk_job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->head.work = desk_work;
    job->head.done = desk_done;
    job->count = c->desk.count;
    job->more = c->desk.more;
    for (size_t i = 0; i < job->count; i++)
        job->cases[i].id = c->desk.ids[i];
    c->desk.at_us = now_us + PACE_US;
    if (calls_run(c, &job->head)) {
        free(job); /* what changed is not forgotten */
        return;
    }
    c->desk.looking = true;
    c->desk.count = 0;
    c->desk.more = false;
}

uint64_t calls_desk_deadline_us(const struct calls *c)
{
    return c->desk.looking || !c->desk.count ? UINT64_MAX : c->desk.at_us;
}
