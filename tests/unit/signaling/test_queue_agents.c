// SPDX-License-Identifier: Apache-2.0
/* Presence: capacity, wrap-up, being away, and calls that outlive their agent's session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/queue_bench.h"

static const struct queue_case any = {0};

static enum queue_presence presence(const struct queue_bench *b)
{
    return queue_agent_presence(b->q, SHOP, "ann");
}

static void test_wrap_up(void **state)
{
    (void)state;
    struct queue_bench b;
    qb_start(&b);
    b.policy.wrap_us = 30 * S;
    queue_set_policy(b.q, &b.policy);
    assert_int_equal(presence(&b), QUEUE_AWAY);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    assert_int_equal(presence(&b), QUEUE_AVAILABLE);
    qb_wait(&b, 1, any);
    qb_wait(&b, 2, any);
    qb_accept(&b);
    assert_int_equal(b.presence.presence, QUEUE_BUSY);
    qb_end(&b, "ann", 1);
    assert_int_equal(b.presence.presence, QUEUE_WRAP_UP);
    assert_true(b.presence.available);
    assert_int_equal(b.presence.expires_us, b.now_us + 30 * S);
    qb_pass(&b, 30 * S - 1);
    QB_OFFERED(&b, 1, "ann");
    qb_pass(&b, 1);
    assert_int_equal(b.presence.presence, QUEUE_AVAILABLE);
    QB_OFFERED(&b, 2, "ann");
    qb_accept(&b);
    qb_end(&b, "ann", 2);
    qb_wait(&b, 3, any);
    qb_on(&b, qb_agent("ann", NULL, NULL), true); /* has written it down */
    QB_OFFERED(&b, 3, "ann");
    queue_free(b.q);
}

static void test_capacity(void **state)
{
    (void)state;
    struct queue_bench b;
    struct queue_agent ann = qb_agent("ann", NULL, NULL);
    qb_start(&b);
    ann.capacity = 2;
    qb_on(&b, ann, true);
    for (unsigned n = 1; n <= 4; n++)
        qb_wait(&b, n, any);
    QB_OFFERED(&b, 1, "ann"); /* one rings at a time */
    qb_accept(&b);
    QB_OFFERED(&b, 2, "ann");
    qb_accept(&b);
    QB_OFFERED(&b, 2, "ann");
    qb_end(&b, "ann", 2);
    qb_end(&b, "ann", 2); /* is over */
    QB_OFFERED(&b, 3, "ann");
    ann.capacity = 1;
    qb_on(&b, ann, true); /* no room for what rings */
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    ann.capacity = 1000; /* is cut */
    qb_on(&b, ann, true);
    QB_OFFERED(&b, 4, "ann");
    queue_free(b.q);
}

static void test_call_without_an_offer(void **state)
{
    (void)state;
    struct queue_bench b;
    struct id seven = qb_id(7), none = {0};
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 1, any);
    queue_call_begin(b.q, SHOP, "ann", &seven, b.now_us);
    queue_call_begin(b.q, SHOP, "ann", &seven, b.now_us);
    qb_drain(&b);
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    queue_call_end(b.q, SHOP, "ann", &none, true, b.now_us);
    qb_drain(&b);
    assert_int_equal(presence(&b), QUEUE_BUSY);
    qb_end(&b, "ann", 7);
    QB_OFFERED(&b, 2, "ann");
    queue_free(b.q);
}

/** A call that somebody is in who had not said to be available takes its place all the same. */
static void test_available_in_the_middle_of_a_call(void **state)
{
    (void)state;
    struct queue_bench b;
    struct id seven = qb_id(7), eight = qb_id(8);
    struct queue_agent abe = qb_agent("abe", NULL, NULL);
    qb_start(&b);
    queue_call_begin(b.q, SHOP, "ann", &seven, b.now_us);
    qb_drain(&b);
    assert_int_equal(presence(&b), QUEUE_BUSY);
    assert_false(queue_agent_is_available(b.q, SHOP, "ann"));
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 1, any);
    assert_int_equal(b.offers, 0);
    qb_end(&b, "ann", 7);
    QB_OFFERED(&b, 1, "ann");
    qb_accept(&b);
    queue_call_begin(b.q, SHOP, "abe", &eight, b.now_us);
    abe.capacity = 2;
    qb_on(&b, abe, true);
    qb_wait(&b, 2, any);
    QB_OFFERED(&b, 2, "abe"); /* has room for one beside it */
    qb_accept(&b);
    qb_wait(&b, 3, any);
    QB_OFFERED(&b, 2, "abe");
    queue_free(b.q);
}

/** Who took a call unasked, and has gone, is forgotten when it ends. */
static void test_unasked_and_gone(void **state)
{
    (void)state;
    struct queue_bench b;
    struct id seven = qb_id(7);
    qb_start(&b);
    queue_call_begin(b.q, SHOP, "ann", &seven, b.now_us);
    qb_end(&b, "ann", 7);
    assert_int_equal(presence(&b), QUEUE_AWAY);
    qb_wait(&b, 1, any);
    assert_int_equal(b.offers, 0);
    queue_call_begin(b.q, SHOP, "ann", &seven, b.now_us);
    queue_agent_remove(b.q, SHOP, "ann", b.now_us);
    assert_int_equal(presence(&b), QUEUE_BUSY);
    qb_end(&b, "ann", 7);
    assert_int_equal(presence(&b), QUEUE_AWAY);
    assert_int_equal(b.offers, 0);
    queue_free(b.q);
}

/** Who comes back with a fresh session while the call goes on is in it still. */
static void test_calls_outlive_sessions(void **state)
{
    (void)state;
    struct queue_bench b;
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 1, any);
    qb_accept(&b);
    queue_agent_remove(b.q, SHOP, "ann", b.now_us);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 2, any);
    QB_OFFERED(&b, 1, "ann");
    queue_agent_remove(b.q, SHOP, "ann", b.now_us);
    qb_end(&b, "ann", 1);
    assert_int_equal(presence(&b), QUEUE_AWAY);
    assert_int_equal(queue_available_count(b.q), 0);
    QB_OFFERED(&b, 1, "ann");
    queue_free(b.q);
}

static void test_ringing_out_is_counted_and_told(void **state)
{
    (void)state;
    struct queue_bench b;
    struct queue_counts n;
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 1, any);
    qb_pass(&b, 20 * S);
    assert_int_equal(b.presence.presence, QUEUE_AWAY);
    assert_false(b.presence.available);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    assert_int_equal(queue_decline(b.q, SHOP, "ann", &b.offer.reservation, b.now_us), 0);
    queue_read_counts(b.q, &n);
    assert_int_equal(n.offers, 2);
    assert_int_equal(n.expired, 1);
    assert_int_equal(n.declined, 1);
    assert_int_equal(n.waited, 1);
    assert_string_equal(queue_presence_name(QUEUE_WRAP_UP), "wrap_up");
    queue_free(b.q);
}

static void test_who_owes_a_wrap_up_is_offered_nothing(void **state)
{
    (void)state;
    struct queue_bench b;
    qb_start(&b);
    qb_on(&b, qb_agent("ann", NULL, NULL), true);
    qb_wait(&b, 1, (struct queue_case){.priority = 0});
    qb_accept(&b);
    queue_agent_owe(b.q, SHOP, "ann", b.now_us + 60 * S, b.now_us);
    qb_end(&b, "ann", 1);
    assert_int_equal(b.presence.presence, QUEUE_WRAP_UP);
    assert_int_equal(b.presence.expires_us, b.now_us + 60 * S);
    qb_wait(&b, 2, (struct queue_case){.priority = 0});
    qb_on(&b, qb_agent("ann", NULL, NULL), true); /* says what she likes */
    qb_pass(&b, 100 * S);                         /* and it is overdue */
    assert_int_equal(b.offers, 1);
    queue_agent_owe(b.q, SHOP, "ann", 0, b.now_us);
    qb_drain(&b);
    QB_OFFERED(&b, 2, "ann");
    assert_int_equal(b.presence.presence, QUEUE_AVAILABLE);
    /* an offer that is out is taken back; who comes owing is held as well */
    queue_agent_owe(b.q, SHOP, "ann", b.now_us + S, b.now_us);
    qb_drain(&b);
    assert_int_equal(b.ended.end, QUEUE_WITHDRAWN);
    queue_agent_remove(b.q, SHOP, "ann", b.now_us);
    struct queue_agent ann = qb_agent("ann", NULL, NULL);
    ann.owes_until_us = b.now_us + S;
    qb_on(&b, ann, true);
    assert_int_equal(b.offers, 2);
    queue_free(b.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_up),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_call_without_an_offer),
        cmocka_unit_test(test_available_in_the_middle_of_a_call),
        cmocka_unit_test(test_unasked_and_gone),
        cmocka_unit_test(test_calls_outlive_sessions),
        cmocka_unit_test(test_ringing_out_is_counted_and_told),
        cmocka_unit_test(test_who_owes_a_wrap_up_is_offered_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
