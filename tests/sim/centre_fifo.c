// SPDX-License-Identifier: Apache-2.0
/* The comparison: first come, first served within each skill, to the agent idle longest who has the
 * skill and one of the buyer's languages. Ring time, declines, places kept and wrap-up are the same; there
 * is no tier, no preference, no team and no widening. Plain on purpose: it scans. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "tests/sim/centre_desk.h"

#define NOBODY UINT32_MAX
#define EVENTS 4096u

struct waiting {
    bool waits, present;
    uint64_t kept_until_us;
    unsigned offered_to; /* NOBODY: to none */
    unsigned declined_by;
    uint64_t declined_until_us;
};

struct clerk {
    bool on, present, talks;
    uint64_t idle_since_us, wrap_until_us, rings_until_us;
    unsigned offer; /* NOBODY: none */
};

struct fifo {
    const struct centre_load *load;
    struct queue_policy policy;
    unsigned buyers, workers, from, to; /* those who wait lie between */
    struct waiting *waiting;
    struct clerk *clerks;
    struct desk_event events[EVENTS];
    unsigned head, tail;
    uint64_t now_us;
};

bool centre_speaks(const struct queue_agent *a, const struct queue_case *c)
{
    for (size_t i = 0; i < QUEUE_LANGUAGES && c->languages[i][0]; i++) {
        for (size_t k = 0; k < a->languages.count; k++) {
            if (strcmp(a->languages.items[k], c->languages[i]) == 0)
                return true;
        }
    }
    return false;
}

bool centre_skilled(const struct queue_agent *a, const struct queue_case *c)
{
    size_t len = strlen(c->category);
    for (size_t i = 0; i < a->skills.count; i++) {
        const char *skill = a->skills.items[i];
        if (strncmp(skill, c->category, len) == 0 && (!c->level || skill[len] == ':'))
            return true;
    }
    return false;
}

static void tell(struct fifo *f, enum desk_event_type type, unsigned buyer, unsigned worker,
                 bool expired)
{
    f->events[f->tail++ % EVENTS] = (struct desk_event){
        .type = type, .buyer = buyer, .worker = worker, .expired = expired};
}

static bool free_now(const struct fifo *f, unsigned worker)
{
    const struct clerk *k = &f->clerks[worker];
    return k->on && k->present && !k->talks && k->offer == NOBODY && f->now_us >= k->wrap_until_us;
}

static bool may_have(const struct fifo *f, unsigned worker, unsigned buyer)
{
    const struct waiting *w = &f->waiting[buyer];
    const struct queue_case *c = &f->load->buyers[buyer].info;
    const struct queue_agent *a = &f->load->workers[worker].info;
    return !(w->declined_by == worker && f->now_us < w->declined_until_us) &&
           centre_skilled(a, c) && centre_speaks(a, c);
}

static void match(struct fifo *f)
{
    while (f->from < f->to && !f->waiting[f->from].waits)
        f->from++;
    unsigned idle = 0;
    for (unsigned a = 0; a < f->workers; a++)
        idle += free_now(f, a);
    for (unsigned b = f->from; idle && b < f->to; b++) {
        struct waiting *w = &f->waiting[b];
        unsigned best = NOBODY;
        if (!w->waits || !w->present || w->offered_to != NOBODY)
            continue;
        for (unsigned a = 0; a < f->workers; a++) {
            if (free_now(f, a) && may_have(f, a, b) &&
                (best == NOBODY || f->clerks[a].idle_since_us < f->clerks[best].idle_since_us))
                best = a;
        }
        if (best == NOBODY)
            continue;
        w->offered_to = best;
        f->clerks[best].offer = b;
        f->clerks[best].rings_until_us = f->now_us + f->policy.ring_us;
        tell(f, DESK_OFFER, b, best, false);
        idle--;
    }
}

static void end_offer(struct fifo *f, unsigned worker, bool told, bool expired)
{
    struct clerk *k = &f->clerks[worker];
    if (k->offer == NOBODY)
        return;
    if (told)
        tell(f, DESK_ENDED, k->offer, worker, expired);
    f->waiting[k->offer].offered_to = NOBODY;
    k->offer = NOBODY;
}

static void fifo_free(void *self)
{
    struct fifo *f = self;
    free(f->waiting);
    free(f->clerks);
    free(f);
}

static void fifo_wait(void *self, unsigned buyer, uint64_t now_us)
{
    struct fifo *f = self;
    f->now_us = now_us;
    f->waiting[buyer] = (struct waiting){
        .waits = true, .present = true, .offered_to = NOBODY, .declined_by = NOBODY};
    f->to = buyer + 1;
    match(f);
}

static void leave(struct fifo *f, unsigned buyer)
{
    struct waiting *w = &f->waiting[buyer];
    w->waits = false;
    if (w->offered_to != NOBODY)
        end_offer(f, w->offered_to, true, false);
    match(f);
}

static void fifo_stop(void *self, unsigned buyer, uint64_t now_us)
{
    struct fifo *f = self;
    f->now_us = now_us;
    leave(f, buyer);
}

static void fifo_buyer_present(void *self, unsigned buyer, bool present, uint64_t now_us)
{
    struct fifo *f = self;
    f->now_us = now_us;
    f->waiting[buyer].present = present;
    f->waiting[buyer].kept_until_us = now_us + f->policy.keep_us;
    match(f);
}

static void fifo_agent_set(void *self, unsigned worker, bool on, uint64_t now_us)
{
    struct fifo *f = self;
    struct clerk *k = &f->clerks[worker];
    f->now_us = now_us;
    if (on && !k->on)
        k->idle_since_us = now_us;
    k->on = on;
    if (on) {
        k->present = true;
        k->wrap_until_us = 0;
    } else {
        end_offer(f, worker, true, false);
    }
    match(f);
}

static void fifo_agent_present(void *self, unsigned worker, bool present, uint64_t now_us)
{
    struct fifo *f = self;
    f->now_us = now_us;
    f->clerks[worker].present = present;
    if (!present)
        end_offer(f, worker, true, false);
    match(f);
}

static bool fifo_accept(void *self, unsigned worker, uint64_t now_us)
{
    struct fifo *f = self;
    struct clerk *k = &f->clerks[worker];
    f->now_us = now_us;
    if (k->offer == NOBODY)
        return false;
    f->waiting[k->offer].waits = false;
    end_offer(f, worker, false, false);
    k->talks = true;
    match(f);
    return true;
}

static bool fifo_decline(void *self, unsigned worker, uint64_t now_us)
{
    struct fifo *f = self;
    struct clerk *k = &f->clerks[worker];
    f->now_us = now_us;
    if (k->offer == NOBODY)
        return false;
    f->waiting[k->offer].declined_by = worker;
    f->waiting[k->offer].declined_until_us = now_us + f->policy.declined_us;
    end_offer(f, worker, false, false);
    match(f);
    return true;
}

static void fifo_call_end(void *self, unsigned worker, unsigned buyer, uint64_t now_us)
{
    struct fifo *f = self;
    struct clerk *k = &f->clerks[worker];
    (void)buyer;
    f->now_us = now_us;
    k->talks = false;
    k->idle_since_us = now_us;
    k->wrap_until_us = now_us + (k->on ? f->policy.wrap_us : 0);
    match(f);
}

static void fifo_tick(void *self, uint64_t now_us)
{
    struct fifo *f = self;
    f->now_us = now_us;
    for (unsigned a = 0; a < f->workers; a++) {
        if (f->clerks[a].offer == NOBODY || f->clerks[a].rings_until_us > now_us)
            continue;
        end_offer(f, a, true, true);
        f->clerks[a].on = false;
        tell(f, DESK_AWAY, 0, a, false);
    }
    for (unsigned b = f->from; b < f->to; b++) {
        struct waiting *w = &f->waiting[b];
        if (!w->waits || w->present || w->kept_until_us > now_us)
            continue;
        tell(f, DESK_LOST, b, 0, false);
        leave(f, b);
    }
    match(f);
}

/** It looks at the clock often enough. */
static uint64_t fifo_deadline_us(void *self)
{
    const struct fifo *f = self;
    return f->now_us + CENTRE_US;
}

static bool fifo_next_event(void *self, struct desk_event *ret)
{
    struct fifo *f = self;
    if (f->head == f->tail)
        return false;
    *ret = f->events[f->head++ % EVENTS];
    return true;
}

static bool fifo_is_sound(void *self)
{
    const struct fifo *f = self;
    return f->tail - f->head < EVENTS;
}

int desk_of_fifo(const struct centre_load *load, const struct centre_config *config,
                 const struct queue_policy *policy, struct desk *ret)
{
    struct fifo *f = calloc(1, sizeof *f);
    if (!f)
        return ER_NOMEM;
    f->load = load;
    f->policy = *policy;
    f->buyers = config->calls;
    f->workers = config->agents;
    f->waiting = calloc(config->calls, sizeof *f->waiting);
    f->clerks = calloc(config->agents, sizeof *f->clerks);
    if (!f->waiting || !f->clerks) {
        fifo_free(f);
        return ER_NOMEM;
    }
    for (unsigned a = 0; a < f->workers; a++)
        f->clerks[a].offer = NOBODY;
    *ret = (struct desk){.self = f,
                         .free = fifo_free,
                         .wait = fifo_wait,
                         .stop = fifo_stop,
                         .buyer_present = fifo_buyer_present,
                         .agent_set = fifo_agent_set,
                         .agent_present = fifo_agent_present,
                         .accept = fifo_accept,
                         .decline = fifo_decline,
                         .call_end = fifo_call_end,
                         .tick = fifo_tick,
                         .deadline_us = fifo_deadline_us,
                         .next_event = fifo_next_event,
                         .is_sound = fifo_is_sound};
    return 0;
}
