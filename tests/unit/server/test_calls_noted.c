// SPDX-License-Identifier: Apache-2.0
/* Nothing is said before it is on the disk: neither that somebody waits nor that a call began. */
#include "server/calls_noted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/store_waits.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

static bool waits(struct in_room *in)
{
    struct store_wait facts;
    assert_int_equal(store_wait_get(in->w.store, &in->c.id, &facts), 0);
    return facts.waits;
}

static void act(struct in_room *in, enum case_action action)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = in->c.id, .action = action, .actor = "shop", .role = ROLE_SERVICE};
    assert_int_equal(store_case_act(in->w.store, &a, 1, &after), 0);
    store_case_clear(&after);
}

static void test_a_wait_is_told_when_it_is_noted(void **state)
{
    struct in_room *in = *state;
    fake_dbq_full(in->w.dbq, true);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "re"), "w");
    assert_false(client_has(&in->buyer, "waiting"));
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
    fake_dbq_full(in->w.dbq, false);
    client_say(&in->buyer, "{'type':'wait','id':'again'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "waiting"), "re"), "again");
    assert_int_equal(world_events(&in->w, &in->c.id, "waiting_started"), 1);
    assert_true(waits(in));
    fake_dbq_full(in->w.dbq, true);
    client_say(&in->buyer, "{'type':'stop_waiting','id':'s'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "re"), "s");
    fake_dbq_full(in->w.dbq, false);
}

/** It was cancelled while the room did not know yet. */
static void test_a_wait_that_is_refused_is_none(void **state)
{
    struct in_room *in = *state;
    struct calls_gauges g;
    act(in, CASE_CANCEL);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "conflict");
    assert_false(client_has(&in->buyer, "waiting"));
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
}

static void test_a_call_that_is_refused_is_none(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    struct calls_gauges g;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, &in->c.id);
    act(in, CASE_CANCEL);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_expect(&in->buyer, "call_ended");
    assert_false(client_has(&in->buyer, "call_started"));
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.calls, 0);
    client_free(&ann);
}

/** Closed and open again before the room has looked: whoever waited does not any more. */
static void test_who_was_closed_does_not_wait(void **state)
{
    struct in_room *in = *state;
    struct calls_gauges g;
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_expect(&in->buyer, "waiting");
    act(in, CASE_CANCEL);
    act(in, CASE_REOPEN);
    calls_case_changed(in->w.calls, &in->c.id);
    world_settle(&in->w);
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
    assert_false(waits(in));
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_a_wait_is_told_when_it_is_noted),
        IN_ROOM(test_a_wait_that_is_refused_is_none),
        IN_ROOM(test_a_call_that_is_refused_is_none),
        IN_ROOM(test_who_was_closed_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
