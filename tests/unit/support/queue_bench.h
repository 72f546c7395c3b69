// SPDX-License-Identifier: Apache-2.0
/* A queue in virtual time for unit tests: what it says is kept, and it must be sound all the time. */
#ifndef LOUPE_TESTS_QUEUE_BENCH_H
#define LOUPE_TESTS_QUEUE_BENCH_H

#include <stdio.h>
#include <string.h>

#include "signaling/pairing/queue.h"

#define S 1000000u
#define SHOP "shop"

struct queue_bench {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct queue *q;
    struct queue_policy policy;
    uint64_t now_us;
    struct queue_event offer, ended, presence, position; /* the last of each */
    unsigned offers, endings, presences;
};

static inline void qb_drain(struct queue_bench *b)
{
    struct queue_event e;
    while (queue_next_event(b->q, &e)) {
        b->offers += e.type == QUEUE_OFFER;
        b->endings += e.type == QUEUE_OFFER_ENDED;
        b->presences += e.type == QUEUE_PRESENCE;
        if (e.type == QUEUE_OFFER)
            b->offer = e;
        else if (e.type == QUEUE_OFFER_ENDED)
            b->ended = e;
        else if (e.type == QUEUE_PRESENCE)
            b->presence = e;
        else if (e.type == QUEUE_POSITION)
            b->position = e;
    }
    assert_true(queue_is_sound(b->q));
}

static inline void qb_start(struct queue_bench *b)
{
    memset(b, 0, sizeof *b);
    b->entropy = entropy_seeded_init(&b->seeded, 1);
    b->now_us = 1000 * S;
    assert_int_equal(queue_new(&b->q, &b->entropy), 0);
    queue_policy_init(&b->policy);
}

static inline void qb_pass(struct queue_bench *b, uint64_t us)
{
    b->now_us += us;
    queue_tick(b->q, b->now_us);
    qb_drain(b);
}

static inline struct id qb_id(unsigned n)
{
    struct id id;
    (void)snprintf(id.text, sizeof id.text, "%026u", n);
    return id;
}

/** Fills in the names of case `n` and has it wait. */
static inline void qb_wait(struct queue_bench *b, unsigned n, struct queue_case c)
{
    c.case_id = qb_id(n);
    (void)snprintf(c.merchant, sizeof c.merchant, SHOP);
    (void)snprintf(c.buyer, sizeof c.buyer, "buyer%u", n);
    assert_int_equal(queue_wait(b->q, &c, b->now_us), 0);
    qb_drain(b);
}

/** `skill` and `language` may be NULL. */
static inline struct queue_agent qb_agent(const char *name, const char *skill, const char *language)
{
    struct queue_agent a = {.merchant = SHOP};
    (void)snprintf(a.identity, sizeof a.identity, "%s", name);
    a.skills.count = skill != NULL;
    a.languages.count = language != NULL;
    (void)snprintf(a.skills.items[0], PROTO_WORD_BYTES, "%s", skill ? skill : "");
    (void)snprintf(a.languages.items[0], PROTO_WORD_BYTES, "%s", language ? language : "");
    return a;
}

static inline void qb_on(struct queue_bench *b, struct queue_agent a, bool on)
{
    assert_int_equal(queue_agent_set(b->q, &a, on, b->now_us), 0);
    qb_drain(b);
}

/** Accepts the offer that was made last. */
static inline void qb_accept(struct queue_bench *b)
{
    struct id taken;
    assert_int_equal(
        queue_accept(b->q, SHOP, b->offer.person, &b->offer.reservation, b->now_us, &taken), 0);
    assert_string_equal(taken.text, b->offer.case_id.text);
    qb_drain(b);
}

static inline void qb_end(struct queue_bench *b, const char *name, unsigned n)
{
    struct id id = qb_id(n);
    queue_call_end(b->q, SHOP, name, &id, true, b->now_us);
    qb_drain(b);
}

/** How many cases agents were offered, and who was last. */
#define QB_OFFERED(b, count, name)                                                                 \
    do {                                                                                           \
        assert_int_equal((b)->offers, count);                                                      \
        assert_string_equal((b)->offer.person, name);                                              \
    } while (0)

#endif
