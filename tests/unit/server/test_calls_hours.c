// SPDX-License-Identifier: Apache-2.0
/* Business hours in the queue: who comes too early or too late, and who waits when it closes. The world's clock begins on
 * Tuesday, 2023-11-14, at 22:13:20 UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/calls_impl.h"
#include "server/store_hours.h"
#include "tests/unit/support/calls_world.h"

static void set_hours(struct world *w, const char *team, const char *opens, const char *closes,
                      int grace)
{
    struct store_hours h;
    bool is_new;
    const char *why;
    json_t *body = json_pack("{s:s,s:{s:[{s:s,s:s}]},s:[{s:s,s:{s:s}}],s:i}", "time_zone", "UTC",
                             "weekly", "tuesday", "opens", opens, "closes", closes, "closures",
                             "date", "2023-11-21", "reason", "en", "Stocktaking", "grace_minutes",
                             grace);
    assert_int_equal(
        store_hours_put(w->store, "default", team, body, 0, "sue", 1, &h, &is_new, &why), 0);
    store_hours_clear(&h);
    json_decref(body);
    calls_hours_changed(w->calls, "default", team);
    world_settle(w);
}

/** So long, with everybody's connections alive. */
static void pass(struct in_room *in, struct client *other, uint64_t seconds)
{
    for (uint64_t i = 0; i < seconds; i++) {
        world_pass(&in->w, 1000);
        (void)client_has(&in->buyer, "-");
        if (other)
            (void)client_has(other, "-");
    }
}

static void available(struct client *agent)
{
    client_say(agent, "{'type':'available','id':'a','on':true}");
    (void)client_expect(agent, "ok");
}

static void test_closed(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    struct calls_gauges g;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    available(&agent);
    set_hours(&in->w, "", "09:00", "18:00", 15);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    json_t *closed = client_expect(&in->buyer, "queue_closed");
    assert_string_equal(text_at(closed, "re"), "w");
    assert_string_equal(text_at(closed, "opens_at"), "2023-11-28T09:00:00.000Z");
    assert_string_equal(text_at(closed, "reason.en"), "Stocktaking");
    assert_string_equal(text_at(closed, "time_zone"), "UTC");
    assert_true(json_is_false(json_object_get(closed, "waiting")));
    assert_false(client_has(&agent, "call_offer"));
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.closed_to, 1);
    assert_int_equal(g.waiting, 0);
    /* a team's hold in their stead */
    set_hours(&in->w, "watches", "20:00", "23:00", 15);
    client_say(&in->buyer, "{'type':'wait','id':'x'}");
    (void)client_expect(&in->buyer, "queue_closed");
    client_free(&agent);
}

static void test_staff_who_are_there(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    set_hours(&in->w, "", "09:00", "18:00", 15);
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    (void)client_expect(&in->buyer, "waiting");
    (void)client_expect(&agent, "call_started");
    client_free(&agent);
}

static void test_open(void **state)
{
    struct in_room *in = *state;
    set_hours(&in->w, "", "20:00", "23:00", 15);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    (void)client_expect(&in->buyer, "waiting");
    /* the hours are changed to some in which it would not have begun: who waits has the grace */
    set_hours(&in->w, "", "20:00", "22:10", 15);
    pass(in, NULL, 3);
    json_t *closed = client_expect(&in->buyer, "queue_closed");
    assert_true(json_is_true(json_object_get(closed, "waiting")));
    assert_string_equal(text_at(closed, "until"), "2023-11-14T22:25:00.000Z");
    client_say(&in->buyer, "{'type':'wait','id':'x'}"); /* waiting already: the same place */
    (void)client_expect(&in->buyer, "waiting");
}

static void test_closing_time(void **state)
{
    struct in_room *in = *state;
    struct calls_gauges g;
    set_hours(&in->w, "", "20:00", "22:15", 5);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    (void)client_expect(&in->buyer, "waiting");
    pass(in, NULL, 99);
    assert_false(client_has(&in->buyer, "queue_closed"));
    pass(in, NULL, 4); /* 22:15:03 */
    assert_string_equal(text_at(client_expect(&in->buyer, "queue_closed"), "until"),
                        "2023-11-14T22:20:00.000Z");
    pass(in, NULL, 290);
    assert_false(client_has(&in->buyer, "queue_closed")); /* told once */
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 1);
    pass(in, NULL, 10); /* 22:20:03 */
    json_t *closed = client_expect(&in->buyer, "queue_closed");
    assert_true(json_is_false(json_object_get(closed, "waiting")));
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
    assert_int_equal(g.closed_on, 1);
    struct store_case now;
    assert_int_equal(store_case_get(in->w.store, &in->c.id, &now), 0);
    assert_int_equal(now.state, CASE_OPEN);
    store_case_clear(&now);
}

static void test_served_after_closing(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    set_hours(&in->w, "", "20:00", "22:15", 5);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    pass(in, &agent, 395); /* 22:19:55 */
    available(&agent);
    pass(in, &agent, 8); /* it rings beyond the grace: it is not taken back */
    client_say(&agent, "{'type':'accept','id':'x','reservation':'%s'}",
               text_at(client_expect(&agent, "call_offer"), "reservation"));
    (void)client_expect(&in->buyer, "call_started");
    pass(in, &agent, 4);
    client_free(&agent);
}

static void test_removed_and_restarted(void **state)
{
    struct in_room *in = *state;
    struct client again;
    set_hours(&in->w, "", "09:00", "18:00", 15);
    client_cut(&in->buyer);
    world_restart(&in->w);
    client_hello(&again, &in->w, "bo", ROLE_BUYER, &in->c.id);
    client_say(&again, "{'type':'wait','id':'w'}");
    (void)client_expect(&again, "queue_closed");
    assert_int_equal(store_hours_remove(in->w.store, "default", "", 0, "sue", 2), 0);
    calls_hours_changed(in->w.calls, "default", "");
    world_settle(&in->w);
    client_say(&again, "{'type':'wait','id':'x'}");
    (void)client_expect(&again, "waiting");
    client_free(&again);
}

/** Who sets theirs does not have the store read everybody's. */
static void test_one_is_read_alone(void **state)
{
    struct in_room *in = *state;
    set_hours(&in->w, "", "09:00", "18:00", 15);
    set_hours(&in->w, "night", "00:00", "24:00", 15);
    assert_int_equal(store_hours_remove(in->w.store, "default", "night", 0, "sue", 2), 0);
    set_hours(&in->w, "", "09:00", "24:00", 15);
    const struct hours *own = calls_hours_of(in->w.calls, "default", "");
    assert_non_null(own);
    assert_ptr_not_equal(calls_hours_of(in->w.calls, "default", "night"), own); /* not read */
    calls_hours_changed(in->w.calls, "default", "Night");
    world_settle(&in->w);
    assert_ptr_equal(calls_hours_of(in->w.calls, "default", "night"), own); /* gone; no other */
    calls_hours_changed(in->w.calls, NULL, "");
    world_settle(&in->w);
    assert_non_null(calls_hours_of(in->w.calls, "default", ""));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_closed),
        TEST(test_staff_who_are_there),
        TEST(test_open),
        TEST(test_closing_time),
        TEST(test_served_after_closing),
        TEST(test_removed_and_restarted),
        TEST(test_one_is_read_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
