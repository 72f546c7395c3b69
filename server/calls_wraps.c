// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups: what agents owe after their calls is kept in mind, told to them whenever they come, and holds them back from the
 * queue until it is given. The truth is in the store (store_wraps.h). */
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "base/str.h"
#include "server/case_deeds.h"
#include "server/calls_impl.h"

#define AGAIN_US 10000000u /* what could not be let lapse is tried again */

struct wrap {
    struct list node;
    struct store_wrap w;
    bool told; /* that it is overdue; or it is about to lapse */
};

static struct wrap *wrap_find(const struct calls *c, const struct id *case_id, const char *agent)
{
    list_each (wrap, &c->wraps.owed, struct wrap, node) {
        if (id_equal(&wrap->w.case_id, case_id) && strcmp(wrap->w.agent, agent) == 0)
            return wrap;
    }
    return NULL;
}

static void wrap_drop(struct calls *c, struct wrap *wrap)
{
    list_remove(&wrap->node);
    c->wraps.count--;
    free(wrap);
}

/** That moment of the wall clock by the other one; what is past is now. */
static uint64_t monotonic_us(const struct calls *c, uint64_t unix_us)
{
    uint64_t now_us = calls_now_us(c), ahead_us = unix_us - calls_unix_us(c);
    return unix_us > calls_unix_us(c) ? now_us + ahead_us : now_us;
}

uint64_t calls_wraps_due_us(const struct calls *c, const char *merchant, const char *identity)
{
    uint64_t due_us = 0;
    list_each (wrap, &c->wraps.owed, struct wrap, node) {
        uint64_t at_us = store_wrap_due_us(&wrap->w);
        if (wrap->w.required && strcmp(wrap->w.agent, identity) == 0 &&
            strcmp(wrap->w.merchant, merchant) == 0 && (!due_us || at_us < due_us))
            due_us = at_us;
    }
    return due_us ? monotonic_us(c, due_us) : 0;
}

static void hold(struct calls *c, const struct store_wrap *w)
{
    queue_agent_owe(c->queue, w->merchant, w->agent, calls_wraps_due_us(c, w->merchant, w->agent),
                    calls_now_us(c));
}

static json_t *wrap_message(const struct calls *c, const struct store_wrap *w)
{
    json_t *o = store_wrap_json(w, calls_unix_us(c));
    json_t *words = json_array();
    for (unsigned i = 0; wrap_disposition(i); i++)
        json_array_append_new(words, json_string(wrap_disposition(i)));
    json_object_set_new(o, "type", json_string("wrap_up"));
    json_object_set_new(o, "dispositions", words);
    return o;
}

static void tell(struct calls *c, const struct store_wrap *w)
{
    calls_tell_identity(c, w->merchant, w->agent, NULL, wrap_message(c, w));
}

/** Those who look after it. `message` is taken over. */
static void tell_supervisors(struct calls *c, const struct store_wrap *w, json_t *message)
{
    size_t cursor = 0;
    struct session *s;
    while ((s = sessions_each(c->sessions, &cursor))) {
        if (message && role_describe(s->who.role)->sees_queue &&
            strcmp(s->who.merchant, w->merchant) == 0)
            calls_send(c, s, message);
    }
    json_decref(message);
}

static void tell_overdue(struct calls *c, const struct store_wrap *w)
{
    json_t *message = store_wrap_json(w, calls_unix_us(c));
    json_object_set_new(message, "type", json_string("wrap_up_overdue"));
    tell_supervisors(c, w, message);
}

/** Given, or lapsed. */
static void tell_over(struct calls *c, const struct store_wrap *w)
{
    json_t *message = json_pack("{s:s,s:s,s:s}", "type", "wrap_up_over", "case", w->case_id.text,
                                "agent", w->agent);
    calls_tell_identity(c, w->merchant, w->agent, NULL, json_incref(message));
    tell_supervisors(c, w, message);
}

/** Kept in mind, in place of one of the same agent and case. False: no memory, or too many. */
static bool keep(struct calls *c, const struct store_wrap *w)
{
    struct wrap *wrap = wrap_find(c, &w->case_id, w->agent);
    if (!wrap) {
        wrap = c->wraps.count < LIMIT_WRAP_UPS ? calloc(1, sizeof *wrap) : NULL;
        if (!wrap)
            return false;
        list_append(&c->wraps.owed, &wrap->node);
        c->wraps.count++;
    }
    wrap->w = *w;
    wrap->told = false;
    c->wraps.at_us = 0; /* when to look: find it anew */
    return true;
}

void calls_wraps_tell(struct calls *c, struct session *s)
{
    list_each (wrap, &c->wraps.owed, struct wrap, node) {
        if (strcmp(wrap->w.agent, s->who.identity) != 0 ||
            strcmp(wrap->w.merchant, s->who.merchant) != 0)
            continue;
        json_t *message = wrap_message(c, &wrap->w);
        if (message)
            calls_send(c, s, message);
        json_decref(message);
    }
}

/* Asking */

struct store_wrap *room_wrap_begin(struct room *r)
{
    struct calls *c = r->calls;
    struct wrap_rule rule;
    struct store_wrap *w = r->agent[0] ? calloc(1, sizeof *w) : NULL;
    if (!w)
        return NULL;
    pairing_rules_wrap(r->rules, queue_agent_team(c->queue, r->merchant, r->agent), &rule);
    w->case_id = r->case_id;
    (void)str_copy(w->agent, sizeof w->agent, r->agent);
    (void)str_copy(w->merchant, sizeof w->merchant, r->merchant);
    w->required = rule.required;
    w->seconds = rule.seconds;
    if (w->required) /* from now on, though it is not written down yet */
        queue_agent_owe(c->queue, w->merchant, w->agent,
                        calls_now_us(c) + rule.seconds * UINT64_C(1000000), calls_now_us(c));
    return w;
}

void calls_wrap_asked(struct calls *c, struct store_wrap *w, bool asked)
{
    if (c && asked && keep(c, w))
        tell(c, w);
    if (c)
        hold(c, w);
    free(w);
}

/* Giving, and more time */

struct wrap_job {
    struct calls_job head;
    struct claims claims;
    struct store_wrap w;
    char team[QUEUE_WORD_BYTES]; /* of the agent */
    bool extend;
    char disposition[32];
    char *note;
    struct id session; /* by WebSocket */
    char re[PROTO_ID_BYTES];
    calls_done *done; /* by HTTP */
    void *ctx;
    const char *why;
    int er;
};

static int wrap_checked(struct store *s, struct wrap_job *job)
{
    struct store_case found;
    bool own = strcmp(job->w.agent, job->claims.identity) == 0;
    if (!case_role_may_do(CASE_WRAP_UP, job->claims.role) ||
        (!own && job->claims.role != ROLE_SUPERVISOR)) {
        job->why = "a wrap-up is for its agent, or a supervisor, to give";
        return ER_DENIED;
    }
    int er = store_case_get(s, &job->w.case_id, &found);
    if (er)
        return er;
    bool may = claims_allow_case(&job->claims, &found.id, &found.room, found.merchant);
    store_case_clear(&found);
    return may ? store_wrap_get(s, &job->w) : ER_NOT_FOUND;
}

static int wrap_extend(struct store *s, struct wrap_job *job, uint64_t unix_us)
{
    json_t *rules;
    struct wrap_rule rule;
    int er = store_pairing_get(s, job->w.merchant, &rules);
    if (er)
        return er;
    pairing_rules_wrap(rules, job->team, &rule);
    json_decref(rules);
    return store_wrap_extend(s, &job->w, job->claims.identity, &rule, unix_us);
}

static void wrap_work(struct store *s, struct calls_job *head)
{
    struct wrap_job *job = container_of(head, struct wrap_job, head);
    const char *by = job->claims.identity;
    job->er = wrap_checked(s, job);
    if (job->er == 0 && job->extend)
        job->er = wrap_extend(s, job, head->unix_us);
    else if (job->er == 0)
        job->er = store_wrap_give(s, &job->w, by, job->disposition, job->note, head->unix_us);
    if (job->er == ER_CONFLICT)
        job->why = "it has been extended as often as it may be";
    else if (job->er == ER_NOT_FOUND)
        job->why = "no wrap-up is owed on this case";
}

static void wrap_answer(struct calls *c, struct wrap_job *job, json_t *body)
{
    struct session *s = id_is_set(&job->session) ? sessions_find(c->sessions, &job->session) : NULL;
    if (s && job->er)
        calls_error_er(c, s, job->re, job->er, job->why);
    else if (s)
        sessions_reply(c->sessions, s, job->re, NULL);
    if (job->done)
        job->done(job->ctx, job->er, job->why, body);
    json_decref(body);
}

static void wrap_done(struct calls *c, struct calls_job *head)
{
    struct wrap_job *job = container_of(head, struct wrap_job, head);
    struct wrap *wrap = c ? wrap_find(c, &job->w.case_id, job->w.agent) : NULL;
    free(job->note);
    if (!c)
        return;
    json_t *body = job->er ? NULL : store_wrap_json(&job->w, calls_unix_us(c));
    if (job->er == 0 && job->extend) {
        (void)keep(c, &job->w);
        tell(c, &job->w);
    } else if (job->er == 0) {
        json_object_set_new(body, "disposition", json_string(job->disposition));
        c->wraps.given++;
        if (wrap)
            wrap_drop(c, wrap);
        tell_over(c, &job->w);
    }
    if (job->er == 0)
        hold(c, &job->w);
    wrap_answer(c, job, body);
    calls_on_queue_events(c);
}

/** NULL: `why`, ER_INVALID, or no memory. */
static struct wrap_job *job_new(struct calls *c, const struct claims *who,
                                const struct calls_wrap *ask, const char **why)
{
    struct wrap_job *job = calloc(1, sizeof *job);
    *why = NULL;
    if (!job)
        return NULL;
    job->claims = *who;
    job->extend = ask->extend;
    if (id_parse(ask->case_id, &job->w.case_id))
        *why = "no such case";
    else if (!ask->extend && !wrap_disposition_ok(ask->disposition))
        *why = "`disposition` is one of solved, follow_up, call_back, escalated, no_answer,"
               " disconnected, wrong_goods, technical, other";
    else if (ask->note && !(job->note = strdup(ask->note)))
        *why = "no memory";
    (void)str_copy(job->disposition, sizeof job->disposition, ask->disposition);
    (void)str_copy(job->w.agent, sizeof job->w.agent, ask->agent ? ask->agent : who->identity);
    (void)str_copy(job->w.merchant, sizeof job->w.merchant, who->merchant);
    (void)str_copy(job->team, sizeof job->team,
                   queue_agent_team(c->queue, who->merchant, job->w.agent));
    job->head.work = wrap_work;
    job->head.done = wrap_done;
    if (!*why)
        return job;
    free(job->note);
    free(job);
    return NULL;
}

void calls_wrap_up(struct calls *c, const struct claims *who, const struct calls_wrap *ask,
                   calls_done *done, void *ctx)
{
    const char *why;
    struct wrap_job *job = job_new(c, who, ask, &why);
    int er = job ? 0 : why ? ER_INVALID : ER_NOMEM;
    if (job) {
        job->done = done;
        job->ctx = ctx;
        er = calls_run(c, &job->head);
    }
    if (!er)
        return;
    if (job)
        free(job->note);
    free(job);
    done(ctx, er, why, NULL);
}

static void asked(struct calls *c, struct member *m, const struct proto_message *msg,
                  const struct calls_wrap *ask)
{
    const char *why;
    struct wrap_job *job = job_new(c, &m->claims, ask, &why);
    int er = job ? 0 : why ? ER_INVALID : ER_NOMEM;
    if (job) {
        job->session = m->session->id;
        (void)str_copy(job->re, sizeof job->re, msg->id);
        er = calls_run(c, &job->head);
    }
    if (!er)
        return;
    if (job)
        free(job->note);
    free(job);
    calls_error_er(c, m->session, msg->id, er, why);
}

void calls_on_wrap_up(struct calls *c, struct member *m, const struct proto_message *msg)
{
    asked(c, m, msg,
          &(struct calls_wrap){.case_id = msg->wrap_up.case_id.text,
                               .agent = msg->wrap_up.agent,
                               .disposition = msg->wrap_up.disposition,
                               .note = msg->wrap_up.note});
}

void calls_on_extend_wrap_up(struct calls *c, struct member *m, const struct proto_message *msg)
{
    asked(c, m, msg,
          &(struct calls_wrap){
              .case_id = msg->wrap_up.case_id.text, .agent = msg->wrap_up.agent, .extend = true});
}

/* Time */

struct lapse_job {
    struct calls_job head;
    struct store_wrap w;
    int er;
};

static void lapse_work(struct store *s, struct calls_job *head)
{
    struct lapse_job *job = container_of(head, struct lapse_job, head);
    job->er = store_wrap_lapse(s, &job->w, head->unix_us);
}

static void lapse_done(struct calls *c, struct calls_job *head)
{
    struct lapse_job *job = container_of(head, struct lapse_job, head);
    struct wrap *wrap = c ? wrap_find(c, &job->w.case_id, job->w.agent) : NULL;
    if (!wrap)
        return;
    if (job->er && job->er != ER_NOT_FOUND) {
        wrap->told = false;
        c->wraps.at_us = calls_now_us(c) + AGAIN_US;
        return;
    }
    wrap_drop(c, wrap);
    tell_over(c, &job->w);
}

/** Whether it is on its way; else it is tried again. */
static bool lapse(struct calls *c, const struct store_wrap *w)
{
    struct lapse_job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->w = *w;
    job->head.work = lapse_work;
    job->head.done = lapse_done;
    if (calls_run(c, &job->head) == 0)
        return true;
    free(job);
    return false;
}

void calls_run_wraps(struct calls *c)
{
    uint64_t now_us = calls_now_us(c), unix_us = calls_unix_us(c), next_us = UINT64_MAX;
    if (now_us < c->wraps.at_us)
        return;
    list_each (wrap, &c->wraps.owed, struct wrap, node) {
        if (wrap->told)
            continue;
        uint64_t at_us = store_wrap_due_us(&wrap->w);
        if (at_us > unix_us) {
            at_us = monotonic_us(c, at_us);
            next_us = at_us < next_us ? at_us : next_us;
            continue;
        }
        wrap->told = true;
        if (wrap->w.required) {
            c->wraps.overdue++;
            tell_overdue(c, &wrap->w);
        } else if (!lapse(c, &wrap->w)) {
            wrap->told = false;
            next_us = now_us + AGAIN_US < next_us ? now_us + AGAIN_US : next_us;
        }
    }
    c->wraps.at_us = next_us;
}

uint64_t calls_wraps_deadline_us(const struct calls *c)
{
    return c->wraps.at_us;
}

size_t calls_wraps_overdue(const struct calls *c)
{
    size_t count = 0;
    list_each (wrap, &c->wraps.owed, struct wrap, node)
        count += wrap->w.required && wrap->told;
    return count;
}

/* Life */

struct load_job {
    struct calls_job head;
    struct list owed; /* struct wrap */
    int er;
};

static void load_one(void *ctx, const struct store_wrap *w)
{
    struct load_job *job = ctx;
    struct wrap *wrap = calloc(1, sizeof *wrap);
    if (!wrap)
        return;
    wrap->w = *w;
    list_append(&job->owed, &wrap->node);
}

static void load_work(struct store *s, struct calls_job *head)
{
    struct load_job *job = container_of(head, struct load_job, head);
    job->er = store_wraps_each(s, NULL, NULL, load_one, job);
}

static void load_done(struct calls *c, struct calls_job *head)
{
    struct load_job *job = container_of(head, struct load_job, head);
    if (c && job->er)
        log_event(c->config.log, LOG_ERROR, "wrap_ups_not_read", "er=%s", er_name(job->er));
    list_each_safe (wrap, &job->owed, struct wrap, node) {
        list_remove(&wrap->node);
        if (c && keep(c, &wrap->w)) {
            tell(c, &wrap->w);
            hold(c, &wrap->w);
        }
        free(wrap);
    }
}

void calls_wraps_load(struct calls *c)
{
    struct load_job *job = calloc(1, sizeof *job);
    c->wraps.at_us = UINT64_MAX;
    if (!job)
        return;
    list_init(&job->owed);
    job->head.work = load_work;
    job->head.done = load_done;
    if (calls_run(c, &job->head))
        free(job);
}

void calls_wraps_clear(struct calls *c)
{
    list_each_safe (wrap, &c->wraps.owed, struct wrap, node)
        wrap_drop(c, wrap);
}
