// SPDX-License-Identifier: Apache-2.0
/* The queue in virtual time: who is offered what, what passes on, and that whatever happens no agent
 * has two offers and no buyer is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/pairing/queue.h"

#define S 1000000u
#define RING_US (20 * S)
#define KEEP_US (120 * S)
#define DECLINED_US (30 * S)

struct bench {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct queue *q;
    uint64_t now_us;
    struct queue_event offer, ended, last;
    unsigned offers, endings, aways, losses, changes;
};

static void start(struct bench *b, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    b->entropy = entropy_seeded_init(&b->seeded, seed);
    b->now_us = S;
    assert_int_equal(queue_new(&b->q, &b->entropy), 0);
}

static void drain(struct bench *b)
{
    struct queue_event e;
    while (queue_next_event(b->q, &e)) {
        if (e.type == QUEUE_OFFER) {
            b->offer = e;
            b->offers++;
        } else if (e.type == QUEUE_OFFER_ENDED) {
            b->ended = e;
            b->endings++;
        }
        b->aways += e.type == QUEUE_PRESENCE && e.presence == QUEUE_AWAY;
        b->losses += e.type == QUEUE_LOST;
        b->changes += e.type == QUEUE_CHANGED;
    }
    assert_true(queue_is_sound(b->q));
}

static void pass(struct bench *b, uint64_t us)
{
    b->now_us += us;
    queue_tick(b->q, b->now_us);
    drain(b);
}

static struct id case_id(unsigned n)
{
    struct id id;
    (void)snprintf(id.text, sizeof id.text, "%026u", n);
    return id;
}

static int wait_for(struct bench *b, unsigned n, int priority, const char *language)
{
    struct queue_case c = {.case_id = case_id(n), .priority = priority};
    (void)snprintf(c.merchant, sizeof c.merchant, "shop");
    (void)snprintf(c.buyer, sizeof c.buyer, "buyer%u", n);
    (void)snprintf(c.languages[0], sizeof c.languages[0], "%s", language);
    int er = queue_wait(b->q, &c, b->now_us);
    drain(b);
    return er;
}

static void set(struct bench *b, const char *name, bool on, const char *language)
{
    struct queue_agent a = {.languages = {.count = 1}};
    (void)snprintf(a.identity, sizeof a.identity, "%s", name);
    (void)snprintf(a.merchant, sizeof a.merchant, "shop");
    (void)snprintf(a.languages.items[0], PROTO_WORD_BYTES, "%s", language);
    assert_int_equal(queue_agent_set(b->q, &a, on, b->now_us), 0);
    drain(b);
}

static void test_fifo_by_priority(void **state)
{
    (void)state;
    struct bench b;
    struct id taken;
    start(&b, 1);
    static const unsigned order[] = {4, 1, 3, 2};
    assert_int_equal(wait_for(&b, 1, 1, "en"), 0);
    assert_int_equal(wait_for(&b, 2, 0, "en"), 0);
    assert_int_equal(wait_for(&b, 3, 1, "en"), 0);
    assert_int_equal(wait_for(&b, 4, 9, "en"), 0);
    assert_int_equal(wait_for(&b, 4, 9, "en"), ER_CONFLICT);
    set(&b, "ann", true, "en");
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(b.offers, i + 1);
        assert_string_equal(b.offer.case_id.text, case_id(order[i]).text);
        assert_string_equal(b.offer.person, "ann");
        assert_int_equal(queue_accept(b.q, "shop", "ann", &b.offer.reservation, b.now_us, &taken),
                         0);
        assert_string_equal(taken.text, case_id(order[i]).text);
        drain(&b);
        assert_int_equal(b.offers, i + 1); /* busy */
        queue_call_end(b.q, "shop", "ann", &taken, true, b.now_us);
        drain(&b);
    }
    assert_int_equal(queue_waiting_count(b.q), 0);
    queue_free(b.q);
}

static void test_language_then_idle_longest(void **state)
{
    (void)state;
    struct bench b;
    start(&b, 1);
    set(&b, "ann", true, "en");
    b.now_us += S;
    set(&b, "abe", true, "zh-Hans");
    b.now_us += S;
    set(&b, "al", true, "en");
    wait_for(&b, 1, 0, "zh-CN");
    assert_string_equal(b.offer.person, "abe");
    wait_for(&b, 2, 0, "fr");
    assert_string_equal(b.offer.person, "ann");
    wait_for(&b, 3, 0, "");
    assert_string_equal(b.offer.person, "al");
    wait_for(&b, 4, 0, "en");
    assert_int_equal(b.offers, 3);
    queue_free(b.q);
}

static void test_decline_expire_disconnect_pass_on(void **state)
{
    (void)state;
    struct bench b;
    struct id taken;
    start(&b, 1);
    set(&b, "ann", true, "en");
    set(&b, "abe", true, "en");
    set(&b, "al", true, "en");
    wait_for(&b, 1, 0, "en");
    assert_string_equal(b.offer.person, "ann");
    struct id first = b.offer.reservation;
    assert_int_equal(queue_decline(b.q, "shop", "abe", &first, b.now_us), ER_NOT_FOUND);
    assert_int_equal(queue_decline(b.q, "shop", "ann", &first, b.now_us), 0);
    drain(&b);
    assert_string_equal(b.offer.person, "abe");
    assert_int_equal(queue_accept(b.q, "shop", "ann", &first, b.now_us, &taken), ER_NOT_FOUND);
    pass(&b, RING_US - 1);
    assert_int_equal(b.endings, 0);
    pass(&b, 1);
    assert_int_equal(b.ended.end, QUEUE_EXPIRED);
    assert_int_equal(b.aways, 1);
    assert_false(queue_agent_is_available(b.q, "shop", "abe"));
    assert_string_equal(b.offer.person, "al");
    queue_agent_present(b.q, "shop", "al", false, b.now_us);
    drain(&b);
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    unsigned offers = b.offers;
    pass(&b, DECLINED_US); /* now she may be asked once more */
    assert_int_equal(b.offers, offers + 1);
    assert_string_equal(b.offer.person, "ann");
    queue_agent_remove(b.q, "shop", "ann", b.now_us);
    drain(&b);
    queue_agent_present(b.q, "shop", "al", true, b.now_us);
    drain(&b);
    assert_string_equal(b.offer.person, "al");
    assert_int_equal(queue_accept(b.q, "shop", "al", &b.offer.reservation, b.now_us, &taken), 0);
    drain(&b);
    queue_free(b.q);
}

static void test_declined_then_available_anew(void **state)
{
    (void)state;
    struct bench b;
    start(&b, 1);
    set(&b, "ann", true, "en");
    wait_for(&b, 1, 0, "en");
    assert_int_equal(queue_decline(b.q, "shop", "ann", &b.offer.reservation, b.now_us), 0);
    drain(&b);
    assert_int_equal(b.offers, 1);
    set(&b, "ann", false, "en");
    set(&b, "ann", true, "en");
    assert_int_equal(b.offers, 2);
    queue_free(b.q);
}

static void test_buyer_drops(void **state)
{
    (void)state;
    struct bench b;
    struct id one = case_id(1);
    start(&b, 1);
    wait_for(&b, 1, 0, "en");
    queue_buyer_present(b.q, &one, false, b.now_us);
    set(&b, "ann", true, "en");
    assert_int_equal(b.offers, 0);
    pass(&b, KEEP_US - S);
    queue_buyer_present(b.q, &one, true, b.now_us);
    drain(&b);
    assert_int_equal(b.offers, 1);
    queue_buyer_present(b.q, &one, false, b.now_us); /* rings on meanwhile */
    drain(&b);
    assert_int_equal(b.endings, 0);
    pass(&b, RING_US);
    assert_int_equal(b.endings, 1);
    pass(&b, KEEP_US);
    assert_int_equal(b.losses, 1);
    assert_false(queue_is_waiting(b.q, &one));
    assert_int_equal(queue_stop(b.q, &one, b.now_us), ER_NOT_FOUND);
    queue_free(b.q);
}

static void test_ring_time_can_be_set(void **state)
{
    (void)state;
    struct bench b;
    start(&b, 1);
    struct queue_policy policy;
    queue_policy_init(&policy);
    policy.ring_us = 5 * S;
    queue_set_policy(b.q, &policy);
    wait_for(&b, 1, 0, "en");
    set(&b, "ann", true, "en");
    assert_int_equal(b.offers, 1);
    pass(&b, 5 * S - 1);
    assert_int_equal(b.endings, 0);
    pass(&b, 1);
    assert_int_equal(b.endings, 1);
    queue_free(b.q);
}

static void test_stop_withdraws(void **state)
{
    (void)state;
    struct bench b;
    struct id one = case_id(1);
    start(&b, 1);
    set(&b, "ann", true, "en");
    wait_for(&b, 1, 0, "en");
    wait_for(&b, 2, 0, "en");
    assert_int_equal(queue_stop(b.q, &one, b.now_us), 0);
    drain(&b);
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    assert_string_equal(b.offer.case_id.text, case_id(2).text);
    queue_free(b.q);
}

static void test_appraiser_first_for_authentication(void **state)
{
    (void)state;
    struct bench b;
    start(&b, 1);
    set(&b, "ann", true, "en");
    b.now_us += S;
    struct queue_agent a = {.identity = "pia", .merchant = "shop", .appraiser = true};
    assert_int_equal(queue_agent_set(b.q, &a, true, b.now_us), 0);
    struct queue_case c = {.case_id = case_id(1), .merchant = "shop", .wants_appraiser = true};
    assert_int_equal(queue_wait(b.q, &c, b.now_us), 0);
    drain(&b);
    assert_string_equal(b.offer.person, "pia");
    queue_free(b.q);
}

/** Who has the same name with another merchant is somebody else, and takes nothing away. */
static void test_a_name_is_one_merchants(void **state)
{
    (void)state;
    struct bench b;
    struct id taken;
    start(&b, 1);
    struct queue_agent stranger = {.identity = "ann", .merchant = "elsewhere"};
    set(&b, "ann", true, "en");
    assert_int_equal(queue_agent_set(b.q, &stranger, true, b.now_us), 0);
    struct queue_case c = {.case_id = case_id(1), .merchant = "shop"};
    assert_int_equal(queue_wait(b.q, &c, b.now_us), 0);
    drain(&b);
    const struct id offered = b.offer.reservation;
    assert_string_equal(b.offer.merchant, "shop");
    assert_int_equal(queue_accept(b.q, "elsewhere", "ann", &offered, b.now_us, &taken),
                     ER_NOT_FOUND);
    assert_int_equal(queue_decline(b.q, "elsewhere", "ann", &offered, b.now_us), ER_NOT_FOUND);
    queue_call_begin(b.q, "elsewhere", "ann", &offered, b.now_us);
    queue_agent_present(b.q, "elsewhere", "ann", false, b.now_us);
    queue_agent_remove(b.q, "elsewhere", "ann", b.now_us);
    assert_false(queue_agent_is_available(b.q, "elsewhere", "ann"));
    assert_true(queue_agent_is_available(b.q, "shop", "ann"));
    assert_true(queue_is_sound(b.q));
    assert_int_equal(queue_accept(b.q, "shop", "ann", &offered, b.now_us, &taken), 0);
    queue_free(b.q);
}

/* Who comes first */

static void wait_ranked(struct bench *b, unsigned n, unsigned tier, int priority)
{
    struct queue_case c = {
        .case_id = case_id(n), .merchant = "shop", .tier = tier, .priority = priority};
    assert_int_equal(queue_wait(b->q, &c, b->now_us), 0);
    drain(b);
}

/** The case in that place. */
static unsigned in_place(struct bench *b, size_t place)
{
    struct id id;
    uint64_t since_us;
    assert_true(queue_list(b->q, "shop", place, &id, &since_us));
    return (unsigned)strtoul(id.text, NULL, 10);
}

/** Tier and urgency are worth so long a wait, and not more. */
static void test_rank_is_age(void **state)
{
    (void)state;
    struct bench b;
    start(&b, 1);
    b.now_us = 1000 * S;
    wait_ranked(&b, 1, 0, 0);
    b.now_us += 19 * S;
    wait_ranked(&b, 2, 1, 0); /* a tier: 20 s */
    b.now_us += 62 * S;
    wait_ranked(&b, 3, 3, 0); /* 80 s, but 81 s later */
    wait_ranked(&b, 4, 2, 9); /* 95 s together */
    wait_ranked(&b, 5, 77, -5);
    assert_int_equal(in_place(&b, 0), 4);
    assert_int_equal(in_place(&b, 1), 2);
    assert_int_equal(in_place(&b, 2), 1);
    assert_int_equal(in_place(&b, 3), 3);
    assert_int_equal(in_place(&b, 4), 5);
    queue_free(b.q);
}

/** Who has waited for the ageing bound comes before all who have not. */
static void test_the_aged_come_first(void **state)
{
    (void)state;
    struct bench b;
    struct queue_counts counts;
    start(&b, 1);
    b.now_us = 1000 * S;
    wait_ranked(&b, 1, 0, 0);
    pass(&b, 500 * S);
    wait_ranked(&b, 2, 3, 9);
    pass(&b, 99 * S);
    wait_ranked(&b, 3, 3, 9);
    assert_int_equal(in_place(&b, 0), 1); /* 125 s are not enough for 500 */
    struct queue_policy policy;
    queue_policy_init(&policy);
    policy.tier_us[3] = 2000 * S;
    queue_set_policy(b.q, &policy);
    wait_ranked(&b, 4, 3, 0);
    assert_int_equal(in_place(&b, 0), 4);
    pass(&b, S);
    assert_int_equal(in_place(&b, 0), 1);
    queue_read_counts(b.q, &counts);
    assert_int_equal(counts.aged, 1);
    queue_free(b.q);
}

/** Who is passed on counts as having waited, and is not offered to who passed it on, for a while. */
static void test_passed_on(void **state)
{
    (void)state;
    struct bench b;
    uint64_t waited_us;
    struct id two = case_id(2);
    start(&b, 1);
    b.now_us = 1000 * S;
    wait_ranked(&b, 1, 0, 0);
    pass(&b, 60 * S);
    struct queue_case c = {
        .case_id = two, .merchant = "shop", .credit_us = 61 * S, .passed_on_by = "ann"};
    set(&b, "ann", true, "en");
    assert_int_equal(queue_stop(b.q, &(struct id){.text = "none"}, b.now_us), ER_NOT_FOUND);
    assert_string_equal(b.offer.case_id.text, case_id(1).text);
    assert_int_equal(queue_wait(b.q, &c, b.now_us), 0);
    drain(&b);
    assert_int_equal(in_place(&b, 0), 2);
    pass(&b, S);
    assert_int_equal(queue_waited(b.q, &two, b.now_us, &waited_us), 0);
    assert_int_equal(waited_us, 62 * S);
    struct id taken, three = case_id(3);
    assert_int_equal(queue_waited(b.q, &three, b.now_us, &waited_us), ER_NOT_FOUND);
    assert_int_equal(queue_accept(b.q, "shop", "ann", &b.offer.reservation, b.now_us, &taken), 0);
    queue_call_end(b.q, "shop", "ann", &taken, true, b.now_us);
    drain(&b);
    assert_int_equal(b.offers, 1); /* she has passed the second one on */
    pass(&b, DECLINED_US);
    assert_int_equal(b.offers, 2);
    assert_string_equal(b.offer.case_id.text, two.text);
    queue_free(b.q);
}

/* Whatever happens */

#define CASES 12
#define AGENTS 5

struct model {
    struct bench b;
    bool waiting[CASES];
    uint64_t gone_us[CASES];          /* 0: present */
    struct queue_event offer[AGENTS]; /* reservation zeroed: none */
    struct id calls[AGENTS][2];       /* zeroed: none */
    unsigned capacity[AGENTS];
};

static unsigned agent_number(const char *name)
{
    return (unsigned)(name[5] - '0');
}

static unsigned case_number(const struct id *id)
{
    return (unsigned)strtoul(id->text, NULL, 10);
}

static unsigned calls_of(const struct model *m, unsigned n)
{
    return (unsigned)id_is_set(&m->calls[n][0]) + (unsigned)id_is_set(&m->calls[n][1]);
}

static void model_drain(struct model *m)
{
    struct queue_event e;
    while (queue_next_event(m->b.q, &e)) {
        if (e.type == QUEUE_OFFER) {
            unsigned a = agent_number(e.person);
            assert_false(id_is_set(&m->offer[a].reservation)); /* never two */
            assert_true(calls_of(m, a) < m->capacity[a]);
            assert_true(m->waiting[case_number(&e.case_id)]);
            for (unsigned i = 0; i < AGENTS; i++)
                assert_false(id_is_set(&m->offer[i].reservation) &&
                             id_equal(&m->offer[i].case_id, &e.case_id));
            m->offer[a] = e;
        } else if (e.type == QUEUE_OFFER_ENDED) {
            m->offer[agent_number(e.person)] = (struct queue_event){0};
        } else if (e.type == QUEUE_LOST) {
            unsigned n = case_number(&e.case_id);
            assert_true(m->gone_us[n] && m->b.now_us - m->gone_us[n] >= KEEP_US);
            m->waiting[n] = false;
        }
    }
    assert_true(queue_is_sound(m->b.q));
    for (unsigned n = 0; n < CASES; n++) {
        struct id id = case_id(n);
        assert_int_equal(queue_is_waiting(m->b.q, &id), m->waiting[n]);
    }
}

static void model_buyer(struct model *m, unsigned what, unsigned n, uint64_t r)
{
    static const char *const words[] = {"", "bag", "watch", "shoe"};
    static const char *const languages[] = {"", "en", "zh-CN", "fr"};
    struct id id = case_id(n);
    struct queue_case c = {.case_id = id,
                           .merchant = "shop",
                           .priority = (int)(r % 3),
                           .tier = (unsigned)(r >> 2) % 4,
                           .level = (r >> 4) % 4 == 0,
                           .wants_appraiser = (r >> 6) % 4 == 0};
    (void)snprintf(c.category, sizeof c.category, "%s", words[(r >> 8) % 4]);
    (void)snprintf(c.team, sizeof c.team, "%s", words[(r >> 10) % 4]);
    (void)snprintf(c.languages[0], sizeof c.languages[0], "%s", languages[(r >> 12) % 4]);
    if ((r >> 14) % 2)
        (void)snprintf(c.preferred, sizeof c.preferred, "agent%u", (unsigned)(r >> 15) % AGENTS);
    switch (what) {
    case 0:
        (void)queue_wait(m->b.q, &c, m->b.now_us);
        m->waiting[n] = true;
        m->gone_us[n] = 0;
        break;
    case 1:
        if (queue_stop(m->b.q, &id, m->b.now_us) == 0)
            m->waiting[n] = false;
        break;
    default:
        queue_buyer_present(m->b.q, &id, what == 2, m->b.now_us);
        m->gone_us[n] = what == 2 ? 0 : m->gone_us[n] ? m->gone_us[n] : m->b.now_us;
        break;
    }
}

static void model_set(struct model *m, unsigned n, bool on, uint64_t r)
{
    static const char *const skills[] = {"bag", "watch:1", "*/gucci", "shoe"};
    struct queue_agent a = {.merchant = "shop", .capacity = 1 + (unsigned)(r % 2)};
    (void)snprintf(a.identity, sizeof a.identity, "agent%u", n);
    (void)snprintf(a.skills.items[0], PROTO_WORD_BYTES, "%s", skills[(r >> 1) % 4]);
    (void)snprintf(a.languages.items[0], PROTO_WORD_BYTES, "%s", (r >> 3) % 2 ? "en" : "zh");
    (void)snprintf(a.team, sizeof a.team, "%s", (r >> 4) % 2 ? "bag" : "");
    a.skills.count = (r >> 5) % 2;
    a.languages.count = (r >> 6) % 2;
    a.appraiser = (r >> 7) % 2;
    m->capacity[n] = a.capacity;
    assert_int_equal(queue_agent_set(m->b.q, &a, on, m->b.now_us), 0);
}

static void model_agent(struct model *m, unsigned what, unsigned n, uint64_t r)
{
    struct id taken, reservation = m->offer[n].reservation;
    char name[8];
    (void)snprintf(name, sizeof name, "agent%u", n);
    switch (what) {
    case 0:
    case 1:
        model_set(m, n, what == 0, r);
        break;
    case 2:
    case 3:
        queue_agent_present(m->b.q, "shop", name, what == 2, m->b.now_us);
        break;
    case 4:
        if (queue_accept(m->b.q, "shop", name, &reservation, m->b.now_us, &taken) == 0) {
            assert_string_equal(taken.text, m->offer[n].case_id.text);
            m->offer[n] = (struct queue_event){0};
            m->waiting[case_number(&taken)] = false;
            m->calls[n][id_is_set(&m->calls[n][0])] = taken;
        }
        break;
    case 5:
        if (queue_decline(m->b.q, "shop", name, &reservation, m->b.now_us) == 0)
            m->offer[n] = (struct queue_event){0};
        break;
    case 6:
        queue_call_end(m->b.q, "shop", name, &m->calls[n][r % 2], true, m->b.now_us);
        m->calls[n][r % 2] = (struct id){0};
        break;
    default:
        queue_agent_remove(m->b.q, "shop", name, m->b.now_us);
        m->offer[n] = (struct queue_event){0};
        break;
    }
}

static void test_nobody_lost_nobody_doubled(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct model m = {0};
        struct queue_policy policy;
        start(&m.b, seed);
        queue_policy_init(&policy);
        policy.wrap_us = seed % 3 * 20 * S;
        queue_set_policy(m.b.q, &policy);
        for (int step = 0; step < 1500; step++) {
            uint64_t r = entropy_u64(&m.b.entropy);
            m.b.now_us += r % (8 * S);
            queue_tick(m.b.q, m.b.now_us);
            model_drain(&m);
            if (r >> 32 & 1)
                model_buyer(&m, (unsigned)(r >> 33) % 4, (unsigned)(r >> 40) % CASES, r >> 44);
            else
                model_agent(&m, (unsigned)(r >> 33) % 8, (unsigned)(r >> 40) % AGENTS, r >> 44);
            model_drain(&m);
        }
        queue_free(m.b.q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo_by_priority),
        cmocka_unit_test(test_language_then_idle_longest),
        cmocka_unit_test(test_decline_expire_disconnect_pass_on),
        cmocka_unit_test(test_declined_then_available_anew),
        cmocka_unit_test(test_buyer_drops),
        cmocka_unit_test(test_ring_time_can_be_set),
        cmocka_unit_test(test_stop_withdraws),
        cmocka_unit_test(test_appraiser_first_for_authentication),
        cmocka_unit_test(test_a_name_is_one_merchants),
        cmocka_unit_test(test_rank_is_age),
        cmocka_unit_test(test_the_aged_come_first),
        cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_nobody_lost_nobody_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
