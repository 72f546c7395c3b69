// SPDX-License-Identifier: Apache-2.0
/* The pairing queue behind a desk of the simulated centre. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/er.h"
#include "tests/sim/centre_desk.h"

struct real {
    const struct centre_load *load;
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct queue *q;
    struct id *reservations; /* by worker; zeroed: none */
};

static unsigned buyer_of(const struct id *id)
{
    return (unsigned)strtoul(id->text, NULL, 10) - 1;
}

static unsigned worker_of(const char *name)
{
    return (unsigned)strtoul(name + strlen("agent"), NULL, 10);
}

static const struct queue_case *case_of(const struct real *r, unsigned buyer)
{
    return &r->load->buyers[buyer].info;
}

static const struct queue_agent *agent_of(const struct real *r, unsigned worker)
{
    return &r->load->workers[worker].info;
}

static void real_free(void *self)
{
    struct real *r = self;
    queue_free(r->q);
    free(r->reservations);
    free(r);
}

static void real_wait(void *self, unsigned buyer, uint64_t now_us)
{
    struct real *r = self;
    (void)queue_wait(r->q, case_of(r, buyer), now_us);
}

static void real_stop(void *self, unsigned buyer, uint64_t now_us)
{
    struct real *r = self;
    (void)queue_stop(r->q, &case_of(r, buyer)->case_id, now_us);
}

static void real_buyer_present(void *self, unsigned buyer, bool present, uint64_t now_us)
{
    struct real *r = self;
    queue_buyer_present(r->q, &case_of(r, buyer)->case_id, present, now_us);
}

static void real_agent_set(void *self, unsigned worker, bool on, uint64_t now_us)
{
    struct real *r = self;
    (void)queue_agent_set(r->q, agent_of(r, worker), on, now_us);
}

static void real_agent_present(void *self, unsigned worker, bool present, uint64_t now_us)
{
    struct real *r = self;
    const struct queue_agent *a = agent_of(r, worker);
    queue_agent_present(r->q, a->merchant, a->identity, present, now_us);
}

static bool real_accept(void *self, unsigned worker, uint64_t now_us)
{
    struct real *r = self;
    const struct queue_agent *a = agent_of(r, worker);
    struct id taken;
    return queue_accept(r->q, a->merchant, a->identity, &r->reservations[worker], now_us, &taken) ==
           0;
}

static bool real_decline(void *self, unsigned worker, uint64_t now_us)
{
    struct real *r = self;
    const struct queue_agent *a = agent_of(r, worker);
    return queue_decline(r->q, a->merchant, a->identity, &r->reservations[worker], now_us) == 0;
}

static void real_call_end(void *self, unsigned worker, unsigned buyer, uint64_t now_us)
{
    struct real *r = self;
    const struct queue_agent *a = agent_of(r, worker);
    queue_call_end(r->q, a->merchant, a->identity, &case_of(r, buyer)->case_id, true, now_us);
}

static void real_tick(void *self, uint64_t now_us)
{
    struct real *r = self;
    queue_tick(r->q, now_us);
}

static uint64_t real_deadline_us(void *self)
{
    struct real *r = self;
    return queue_deadline_us(r->q);
}

static bool real_next_event(void *self, struct desk_event *ret)
{
    struct real *r = self;
    struct queue_event e;
    *ret = (struct desk_event){0};
    while (queue_next_event(r->q, &e)) {
        bool of_case = e.type != QUEUE_PRESENCE && e.type != QUEUE_CHANGED;
        ret->buyer = of_case ? buyer_of(&e.case_id) : 0;
        if (e.type == QUEUE_OFFER) {
            ret->type = DESK_OFFER;
            ret->worker = worker_of(e.person);
            ret->preferred = e.preferred;
            ret->other_language = e.other_language;
            ret->other_team = e.other_team;
            r->reservations[ret->worker] = e.reservation;
            return true;
        }
        if (e.type == QUEUE_OFFER_ENDED) {
            ret->type = DESK_ENDED;
            ret->worker = worker_of(e.person);
            ret->expired = e.end == QUEUE_EXPIRED;
            return true;
        }
        if (e.type == QUEUE_PRESENCE && !e.available) {
            ret->type = DESK_AWAY;
            ret->worker = worker_of(e.person);
            return true;
        }
        if (e.type == QUEUE_LOST || e.type == QUEUE_POSITION) {
            ret->type = e.type == QUEUE_LOST ? DESK_LOST : DESK_TOLD;
            ret->wait_ms = e.expected_wait_ms;
            return true;
        }
    }
    return false;
}

static bool real_is_sound(void *self)
{
    struct real *r = self;
    return queue_is_sound(r->q);
}

int desk_of_queue(const struct centre_load *load, const struct centre_config *config,
                  const struct queue_policy *policy, struct desk *ret)
{
    struct real *r = calloc(1, sizeof *r);
    if (!r)
        return ER_NOMEM;
    r->load = load;
    r->entropy = entropy_seeded_init(&r->seeded, config->seed);
    r->reservations = calloc(config->agents, sizeof *r->reservations);
    if (!r->reservations || queue_new(&r->q, &r->entropy) < 0) {
        real_free(r);
        return ER_NOMEM;
    }
    queue_set_policy(r->q, policy);
    *ret = (struct desk){.self = r,
                         .free = real_free,
                         .wait = real_wait,
                         .stop = real_stop,
                         .buyer_present = real_buyer_present,
                         .agent_set = real_agent_set,
                         .agent_present = real_agent_present,
                         .accept = real_accept,
                         .decline = real_decline,
                         .call_end = real_call_end,
                         .tick = real_tick,
                         .deadline_us = real_deadline_us,
                         .next_event = real_next_event,
                         .is_sound = real_is_sound};
    return 0;
}
