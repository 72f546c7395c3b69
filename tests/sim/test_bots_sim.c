// SPDX-License-Identifier: Apache-2.0
/* A small centre whose first line are bots, in virtual time: buyers come at random, bots take them, decline, let them ring, drop and
 * hand over, people do the rest. Nobody is lost, nobody offered to two, and who was handed over keeps the place of who came then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "signaling/pairing/queue.h"

#define S UINT64_C(1000000)
#define SHOP "shop"
#define BUYERS 300
#define BOTS 4
#define PEOPLE 8
#define DAY_US (1800 * S)

enum stage { TO_COME, WAITS, WITH_BOT, WITH_PERSON, SERVED };

struct buyer {
    enum stage stage;
    uint64_t comes_us, until_us; /* of the talk */
    unsigned bot_offers, offers_out;
    bool handed_over;
    char with[LIMIT_IDENTITY + 1];
};

struct staff {
    char name[16];
    bool bot;
    uint64_t back_us; /* away until then; 0: there */
    struct id offer, case_id;
    uint64_t answers_us; /* 0: no offer */
};

struct centre {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct queue *q;
    uint64_t now_us;
    struct buyer buyers[BUYERS];
    struct staff staff[BOTS + PEOPLE];
    unsigned bots_answered, passed_on, dropped, to_people_first;
};

static uint64_t draw(struct centre *c, uint64_t below)
{
    return entropy_u64(&c->entropy) % below;
}

static struct id case_of(unsigned n)
{
    struct id id;
    (void)snprintf(id.text, sizeof id.text, "%026u", n);
    return id;
}

static struct buyer *buyer_of(struct centre *c, const struct id *id)
{
    return &c->buyers[strtoul(id->text, NULL, 10)];
}

static void wait_for(struct centre *c, unsigned n, bool bot_first, uint64_t credit_us)
{
    struct queue_case info = {
        .case_id = case_of(n), .bot_first = bot_first, .tier = n % 4, .credit_us = credit_us};
    (void)snprintf(info.merchant, sizeof info.merchant, SHOP);
    (void)snprintf(info.buyer, sizeof info.buyer, "b%u", n);
    (void)snprintf(info.languages[0], sizeof info.languages[0], "%s", n % 3 ? "en" : "fr");
    c->buyers[n].stage = WAITS;
    assert_int_equal(queue_wait(c->q, &info, c->now_us), 0);
}

static void be_there(struct centre *c, struct staff *s)
{
    struct queue_agent a = {.bot = s->bot, .capacity = 1, .languages = {.count = 1}};
    (void)snprintf(a.merchant, sizeof a.merchant, SHOP);
    (void)snprintf(a.identity, sizeof a.identity, "%s", s->name);
    (void)snprintf(a.languages.items[0], PROTO_WORD_BYTES, "%s", s->name[1] & 1 ? "en" : "fr");
    s->back_us = 0;
    assert_int_equal(queue_agent_set(c->q, &a, true, c->now_us), 0);
}

static struct staff *staff_of(struct centre *c, const char *name)
{
    for (size_t i = 0; i < BOTS + PEOPLE; i++) {
        if (strcmp(c->staff[i].name, name) == 0)
            return &c->staff[i];
    }
    fail();
    return NULL;
}

static void offered(struct centre *c, const struct queue_event *e)
{
    struct staff *s = staff_of(c, e->person);
    struct buyer *b = buyer_of(c, &e->case_id);
    assert_int_equal(e->bot, s->bot);
    assert_int_equal(b->stage, WAITS);
    assert_int_equal(++b->offers_out, 1); /* nobody is offered to two */
    assert_int_equal(s->answers_us, 0);   /* and nobody offered two */
    if (s->bot) {
        assert_false(b->handed_over);
        assert_int_equal(++b->bot_offers, 1); /* a bot is asked once */
    } else {
        c->to_people_first += !b->bot_offers;
    }
    s->offer = e->reservation;
    s->case_id = e->case_id;
    s->answers_us = c->now_us + (1 + draw(c, 8)) * S; /* some bots too late */
}

static void drain(struct centre *c)
{
    struct queue_event e;
    while (queue_next_event(c->q, &e)) {
        if (e.type == QUEUE_OFFER)
            offered(c, &e);
        if (e.type == QUEUE_OFFER_ENDED) {
            buyer_of(c, &e.case_id)->offers_out--;
            staff_of(c, e.person)->answers_us = 0;
            if (e.end == QUEUE_EXPIRED)
                staff_of(c, e.person)->back_us = c->now_us + 30 * S;
        }
        assert_int_not_equal(e.type, QUEUE_LOST);
    }
}

static void answer(struct centre *c, struct staff *s)
{
    struct buyer *b = buyer_of(c, &s->case_id);
    struct id taken;
    s->answers_us = 0;
    b->offers_out--;
    if (draw(c, 10) == 0) {
        assert_int_equal(queue_decline(c->q, SHOP, s->name, &s->offer, c->now_us), 0);
        return;
    }
    assert_int_equal(queue_accept(c->q, SHOP, s->name, &s->offer, c->now_us, &taken), 0);
    assert_string_equal(taken.text, s->case_id.text);
    b->stage = s->bot ? WITH_BOT : WITH_PERSON;
    (void)snprintf(b->with, sizeof b->with, "%s", s->name);
    b->until_us = c->now_us + (20 + draw(c, s->bot ? 40 : 120)) * S;
    c->bots_answered += s->bot;
}

/** The talk is over: a bot's one in four ends there, one in eight by the bot's going, the others go on to people. */
static void over(struct centre *c, unsigned n)
{
    struct buyer *b = &c->buyers[n];
    struct id id = case_of(n);
    struct staff *s = staff_of(c, b->with);
    uint64_t how = draw(c, 8);
    bool goes_on = b->stage == WITH_BOT && how >= 2;
    if (b->stage == WITH_BOT && how == 2) {
        queue_agent_remove(c->q, SHOP, s->name, c->now_us);
        s->back_us = c->now_us + 60 * S;
        c->dropped++;
    }
    queue_call_end(c->q, SHOP, b->with, &id, true, c->now_us);
    b->stage = SERVED;
    if (!goes_on)
        return;
    b->handed_over = true;
    c->passed_on++;
    wait_for(c, n, false, c->now_us - b->comes_us);
    uint64_t waited_us;
    assert_int_equal(queue_waited(c->q, &id, c->now_us, &waited_us), 0);
    assert_int_equal(waited_us, c->now_us - b->comes_us); /* nothing of the age is lost */
}

static void second(struct centre *c)
{
    c->now_us += S;
    queue_tick(c->q, c->now_us);
    drain(c);
    for (size_t i = 0; i < BOTS + PEOPLE; i++) {
        struct staff *s = &c->staff[i];
        if (s->answers_us && s->answers_us <= c->now_us)
            answer(c, s);
        else if (s->back_us && s->back_us <= c->now_us)
            be_there(c, s);
        else
            continue;
        drain(c);
        assert_true(queue_is_sound(c->q));
    }
    for (unsigned n = 0; n < BUYERS; n++) {
        struct buyer *b = &c->buyers[n];
        if (b->stage == TO_COME && b->comes_us <= c->now_us)
            wait_for(c, n, n % 5 != 0, 0);
        else if ((b->stage == WITH_BOT || b->stage == WITH_PERSON) && b->until_us <= c->now_us)
            over(c, n);
        else
            continue;
        drain(c);
        assert_true(queue_is_sound(c->q));
    }
}

static void a_day(uint64_t seed)
{
    static struct centre c;
    struct queue_counts n;
    unsigned served = 0;
    memset(&c, 0, sizeof c);
    c.entropy = entropy_seeded_init(&c.seeded, seed);
    c.now_us = 100 * S;
    assert_int_equal(queue_new(&c.q, &c.entropy), 0);
    for (size_t i = 0; i < BUYERS; i++)
        c.buyers[i].comes_us = c.now_us + draw(&c, DAY_US);
    for (size_t i = 0; i < BOTS + PEOPLE; i++) {
        struct staff *s = &c.staff[i];
        s->bot = i < BOTS;
        (void)snprintf(s->name, sizeof s->name, "%c%zu", s->bot ? 'b' : 'p', i);
        be_there(&c, s);
        drain(&c);
    }
    for (unsigned t = 0; t < 3 * 3600 && served < BUYERS; t++) {
        second(&c);
        served = 0;
        for (size_t i = 0; i < BUYERS; i++)
            served += c.buyers[i].stage == SERVED;
    }
    queue_read_counts(c.q, &n);
    assert_int_equal(served, BUYERS); /* nobody is lost */
    assert_int_equal(queue_waiting_count(c.q), 0);
    assert_int_equal(n.bot_accepted, c.bots_answered);
    assert_int_equal(n.accepted, BUYERS - (c.bots_answered - c.passed_on)); /* by people */
    assert_true(c.bots_answered > 50 && c.passed_on > 30 && c.dropped > 3);
    assert_true(c.to_people_first > BUYERS / 10); /* no bot free, or none is wanted */
    assert_true(n.bot_offers > n.bot_accepted);
    queue_free(c.q);
}

static void test_nobody_is_lost_between_bots_and_people(void **state)
{
    (void)state;
    const char *seed = getenv("LOUPE_SEED");
    a_day(seed ? strtoull(seed, NULL, 10) : 1);
    a_day(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_lost_between_bots_and_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
