// SPDX-License-Identifier: Apache-2.0
/* What waiting buyers are told, and the list that agents see. */
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

static struct id case_id(unsigned n)
{
    struct id id;
    (void)snprintf(id.text, sizeof id.text, "%026u", n);
    return id;
}

static void wait_for(struct queue *q, unsigned n, uint64_t now_us)
{
    struct queue_case c = {.case_id = case_id(n), .merchant = "shop", .buyer = "b"};
    assert_int_equal(queue_wait(q, &c, now_us), 0);
}

/** What case n was told last; position 0: nothing. */
static struct queue_event told(struct queue *q, unsigned n, struct queue_event *ret_offer)
{
    struct queue_event e, found = {0};
    struct id id = case_id(n);
    while (queue_next_event(q, &e)) {
        if (e.type == QUEUE_POSITION && id_equal(&e.case_id, &id))
            found = e;
        if (e.type == QUEUE_OFFER && ret_offer)
            *ret_offer = e;
    }
    return found;
}

static void test_positions_and_waits(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy entropy = entropy_seeded_init(&seeded, 1);
    struct queue *q;
    struct queue_event offer = {0}, e;
    struct id taken;
    assert_int_equal(queue_new(&q, &entropy), 0);
    wait_for(q, 1, S);
    wait_for(q, 2, S);
    wait_for(q, 3, S);
    e = told(q, 3, NULL);
    assert_int_equal(e.position, 3);
    assert_int_equal(e.expected_wait_ms, -1);
    assert_int_equal(e.agents, 0);
    assert_int_equal(told(q, 3, NULL).position, 0); /* nothing new */

    struct queue_agent a = {.identity = "ann", .merchant = "shop"};
    assert_int_equal(queue_agent_set(q, &a, true, S), 0);
    (void)told(q, 3, &offer);
    assert_int_equal(queue_accept(q, "shop", "ann", &offer.reservation, S, &taken), 0);
    e = told(q, 3, NULL);
    assert_int_equal(e.position, 2);
    assert_int_equal(e.expected_wait_ms, -1);                   /* nobody was ever handled */
    queue_call_end(q, "shop", "ann", &taken, true, S + 60 * S); /* took a minute */
    e = told(q, 3, &offer);
    assert_int_equal(e.position, 2);
    assert_int_equal(e.expected_wait_ms, 120000); /* two turns of her alone */
    assert_int_equal(queue_accept(q, "shop", "ann", &offer.reservation, 63 * S, &taken), 0);
    e = told(q, 3, NULL);
    assert_int_equal(e.position, 1);
    assert_int_equal(e.expected_wait_ms,
                     61000); /* two seconds for one answer, none for the other */
    queue_free(q);
}

static void test_list(void **state)
{
    (void)state;
    struct entropy_seeded seeded;
    struct entropy entropy = entropy_seeded_init(&seeded, 1);
    struct queue *q;
    struct queue_event e;
    struct id id, one = case_id(1);
    uint64_t since_us;
    bool changed = false;
    assert_int_equal(queue_new(&q, &entropy), 0);
    assert_false(queue_list(q, "shop", 0, &id, &since_us));
    wait_for(q, 1, S);
    wait_for(q, 2, 2 * S);
    while (queue_next_event(q, &e))
        changed |= e.type == QUEUE_CHANGED && strcmp(e.merchant, "shop") == 0;
    assert_true(changed);
    assert_true(queue_list(q, "shop", 1, &id, &since_us));
    assert_string_equal(id.text, case_id(2).text);
    assert_int_equal(since_us, 2 * S);
    assert_false(queue_list(q, "shop", 2, &id, &since_us));
    assert_false(queue_list(q, "elsewhere", 0, &id, &since_us));
    assert_int_equal(queue_stop(q, &one, 3 * S), 0);
    assert_int_equal(queue_waiting_count(q), 1);
    assert_int_equal(queue_available_count(q), 0);
    assert_string_equal(queue_offer_end_name(QUEUE_ELSEWHERE), "accepted_elsewhere");
    queue_free(q);
    queue_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_positions_and_waits),
                                       cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
