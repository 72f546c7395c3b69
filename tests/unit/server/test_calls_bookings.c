// SPDX-License-Identifier: Apache-2.0
/* Call-backs and appointments as people see them: whom they ring at, when, and what happens when somebody does not come. The
 * world's clock begins on Tuesday, 2023-11-14, at 22:13:21 UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_audit.h"
#include "server/store_bookings.h"
#include "server/store_hours.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"
#include "tests/unit/support/zone_file.h"

#define ROUND "[{'opens':'00:00','closes':'24:00'}]"
#define ALWAYS                                                                                     \
    "'monday':" ROUND ",'tuesday':" ROUND ",'wednesday':" ROUND ",'thursday':" ROUND               \
    ",'friday':" ROUND ",'saturday':" ROUND ",'sunday':" ROUND
#define POLICY "'bookings':{'capacity':2,'answer_seconds':60,'tries':2,'retry_minutes':15}"

static void set_hours(struct world *w, const char *weekly, const char *bookings)
{
    char text[1024];
    struct store_hours h;
    bool is_new;
    const char *why;
    (void)snprintf(text, sizeof text, "{'time_zone':'UTC','weekly':{%s},%s}", weekly, bookings);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    assert_int_equal(store_hours_put(w->store, "default", "", body, 0, "sue", 1, &h, &is_new, &why),
                     0);
    store_hours_clear(&h);
    json_decref(body);
    calls_hours_changed(w->calls, NULL, "");
    world_settle(w);
}

static uint64_t unix_us(const struct world *w)
{
    return w->now_us + UINT64_C(1700000000000000);
}

static int book(struct in_room *in, enum booking_kind kind, const char *at, const char *agent)
{
    struct store_case after;
    struct refusal why = {0};
    bool is_new;
    const struct booker who = {
        .identity = "shop", .role = ROLE_SERVICE, .key = "demo", .now_us = unix_us(&in->w)};
    const struct booking_wish wish = {.kind = kind,
                                      .at_s = at ? zone_utc(at) : 0,
                                      .agent = agent,
                                      .note = kind == BOOKING_MESSAGE ? "Please call." : ""};
    int er = store_booking_put(in->w.store, &in->c.id, &who, &wish, &after, &is_new, &why);
    if (!er)
        store_case_clear(&after);
    refusal_clear(&why);
    calls_case_changed(in->w.calls, &in->c.id);
    world_settle(&in->w);
    return er;
}

/** The clock shows that time, with these people's connections alive. */
static void until(struct in_room *in, const char *at, struct client *a, struct client *b)
{
    while (unix_us(&in->w) / 1000000 < (uint64_t)zone_utc(at)) {
        world_pass(&in->w, 1000);
        if (in->buyer.link)
            (void)client_has(&in->buyer, "-");
        if (a)
            (void)client_has(a, "-");
        if (b)
            (void)client_has(b, "-");
    }
}

static void pass(struct in_room *in, unsigned seconds, struct client *a)
{
    while (seconds--) {
        world_pass(&in->w, 1000);
        (void)client_has(a, "-");
    }
}

static void on(struct client *agent, struct world *w, const char *name)
{
    client_hello(agent, w, name, ROLE_AGENT, NULL);
    client_say(agent, "{'type':'available','id':'a','on':true}");
    (void)client_expect(agent, "ok");
}

static void take(struct client *agent)
{
    static unsigned n; /* a request is known by its id */
    client_say(agent, "{'type':'accept','id':'x%u','reservation':'%s'}", n++,
               text_at(client_expect(agent, "call_offer"), "reservation"));
    (void)client_expect(agent, "joined");
}

static const char *state_of(struct in_room *in)
{
    struct store_case c;
    assert_int_equal(store_case_get(in->w.store, &in->c.id, &c), 0);
    enum booking_state state = booking_state_of(json_object_get(c.more, "booking"));
    store_case_clear(&c);
    return booking_state_name(state);
}

static size_t events(struct in_room *in, const char *type)
{
    return world_events(&in->w, &in->c.id, type);
}

/** Rows and case are what the timeline tells. */
static int audit(void **state)
{
    struct in_room *in = *state;
    struct report report;
    struct store_audit audit = {.only = in->c.id};
    assert_int_equal(report_init(&report), 0);
    assert_int_equal(store_audit(in->w.store, &audit, &report), 0);
    if (report.wrong)
        json_dumpf(report.findings, stderr, JSON_INDENT(1));
    assert_int_equal(report.wrong, 0);
    report_clear(&report);
    return room_teardown(state);
}

static void buyer_leaves(struct in_room *in)
{
    client_say(&in->buyer, "{'type':'bye'}");
    client_cut(&in->buyer);
    world_settle(&in->w);
}

static void test_rings_both(void **state)
{
    struct in_room *in = *state;
    struct client ann, bo;
    set_hours(&in->w, ALWAYS, POLICY);
    on(&ann, &in->w, "ann");
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    until(in, "2023-11-14T22:29", &ann, NULL);
    pass(in, 58, &ann);
    assert_false(client_has(&ann, "call_offer"));
    pass(in, 4, &ann);
    assert_string_equal(state_of(in), "ringing");
    assert_int_equal(events(in, "callback_due"), 1);
    take(&ann);
    assert_false(client_has(&ann, "call_started"));
    json_t *awaiting = client_expect(&ann, "awaiting_buyer");
    assert_string_equal(text_at(awaiting, "agent.identity"), "ann");
    client_hello(&bo, &in->w, "bo", ROLE_BUYER, &in->c.id);
    (void)client_expect(&bo, "call_started");
    (void)client_expect(&ann, "call_started");
    client_say(&bo, "{'type':'wait','id':'w'}");
    (void)client_expect(&bo, "error"); /* in a call already */
    assert_string_equal(state_of(in), "kept");
    assert_int_equal(events(in, "call_started"), 1);
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.bookings_rung, 1);
    assert_int_equal(g.bookings_kept, 1);
    client_free(&ann);
    client_free(&bo);
}

static void test_next_one_on_decline(void **state)
{
    struct in_room *in = *state;
    struct client ann, ben;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    on(&ben, &in->w, "ben");
    client_say(&ann, "{'type':'decline','id':'d','reservation':'%s'}",
               text_at(client_expect(&ann, "call_offer"), "reservation"));
    assert_false(client_has(&ann, "call_offer"));
    take(&ben); /* the buyer's page is open: the call begins at once */
    (void)client_expect(&ben, "call_started");
    (void)client_expect(&in->buyer, "call_started");
    assert_string_equal(state_of(in), "kept");
    client_free(&ann);
    client_free(&ben);
}

static void test_no_shows(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    struct calls_gauges g;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    take(&ann);
    pass(in, 65, &ann);
    assert_string_equal(text_at(client_expect(&ann, "call_ended"), "reason"), "no_show");
    assert_string_equal(state_of(in), "booked");
    struct store_case c;
    assert_int_equal(store_case_get(in->w.store, &in->c.id, &c), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(c.more, "booking"), "at")),
        "2023-11-14T23:00:00.000Z"); /* 15 minutes on, and then the next one */
    assert_int_equal(c.state, CASE_OPEN);
    store_case_clear(&c);
    client_say(&ann, "{'type':'leave','id':'l'}");
    assert_false(client_has(&ann, "call_offer"));
    until(in, "2023-11-14T23:00", &ann, NULL);
    world_pass(&in->w, 2000);
    take(&ann);
    pass(in, 65, &ann);
    assert_string_equal(state_of(in), "open"); /* for staff to see to */
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.bookings_no_shows, 2);
    assert_int_equal(g.bookings_given_up, 1);
    assert_int_equal(g.waiting, 0);
    client_free(&ann);
}

static void test_booked_while_waiting(void **state)
{
    struct in_room *in = *state;
    set_hours(&in->w, ALWAYS, POLICY);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    (void)client_expect(&in->buyer, "waiting");
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
    assert_int_equal(events(in, "waiting_stopped"), 1);
}

static void test_called_before(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    client_say(&in->buyer, "{'type':'wait','id':'w'}"); /* and thought better of it */
    (void)client_expect(&in->buyer, "waiting");
    on(&ann, &in->w, "ann");
    take(&ann);
    (void)client_expect(&ann, "call_started");
    assert_string_equal(state_of(in), "kept");
    client_free(&ann);
}

static void test_restart(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    until(in, "2023-11-14T22:31", NULL, NULL);
    assert_string_equal(state_of(in), "ringing");
    world_restart(&in->w);
    world_pass(&in->w, 3000);
    assert_int_equal(events(in, "callback_due"), 2);
    /* down for longer than its time */
    in->w.now_us += UINT64_C(7200000000);
    world_restart(&in->w);
    world_pass(&in->w, 3000);
    assert_int_equal(events(in, "booking_missed"), 0); /* it rang, and rings on */
    assert_string_equal(state_of(in), "ringing");
    on(&ann, &in->w, "ann");
    take(&ann);
    (void)client_expect(&ann, "awaiting_buyer");
    client_free(&ann);
}

static void test_down_at_its_time(void **state)
{
    struct in_room *in = *state;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    in->w.now_us += UINT64_C(1800000000); /* 22:43: late, but its time still */
    world_restart(&in->w);
    world_pass(&in->w, 3000);
    assert_string_equal(state_of(in), "ringing");
    struct booker who = {.identity = "shop", .role = ROLE_SERVICE, .key = "", .now_us = 1};
    assert_int_equal(store_booking_cancel(in->w.store, &in->c.id, &who, "", NULL), 0);
    calls_case_changed(in->w.calls, &in->c.id);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T23:00", NULL), 0);
    in->w.now_us += UINT64_C(3600000000);
    world_restart(&in->w);
    world_pass(&in->w, 3000);
    assert_string_equal(state_of(in), "booked"); /* for the next one */
    assert_int_equal(events(in, "booking_missed"), 1);
    until(in, "2023-11-15T00:00", NULL, NULL);
    world_pass(&in->w, 3000);
    assert_string_equal(state_of(in), "ringing");
}

static void test_moved_while_it_rings(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    (void)client_expect(&ann, "call_offer");
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:45", NULL), 0);
    (void)client_expect(&ann, "call_offer_ended");
    assert_string_equal(state_of(in), "booked");
    until(in, "2023-11-14T22:45", &ann, NULL);
    world_pass(&in->w, 2000);
    take(&ann);
    (void)client_expect(&ann, "call_started");
    client_free(&ann);
}

static void test_agent_gives_up(void **state)
{
    struct in_room *in = *state;
    struct client ann, ben;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    take(&ann);
    client_say(&ann, "{'type':'hang_up','id':'h'}");
    assert_string_equal(text_at(client_expect(&ann, "call_ended"), "reason"), "hung_up");
    on(&ben, &in->w, "ben");
    take(&ben);
    client_say(&ben, "{'type':'leave','id':'l'}");
    assert_string_equal(state_of(in), "ringing");
    client_free(&ann);
    client_free(&ben);
}

/** What becomes of it is told until the store has taken it. */
static void test_store_full(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    take(&ann);
    pass(in, 55, &ann);
    fake_dbq_full(in->w.dbq, true);
    pass(in, 30, &ann);
    assert_string_equal(text_at(client_expect(&ann, "call_ended"), "reason"), "no_show");
    assert_string_equal(state_of(in), "ringing");
    fake_dbq_full(in->w.dbq, false);
    pass(in, 12, &ann);
    assert_string_equal(state_of(in), "booked");
    assert_int_equal(events(in, "booking_missed"), 1);
    client_free(&ann);
}

/** A time that has come while no room can be opened comes again. */
static void test_no_room(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:29", &ann, NULL);
    fake_media_full(in->w.media, true);
    pass(in, 65, &ann);
    assert_string_equal(state_of(in), "ringing");
    assert_false(client_has(&ann, "call_offer"));
    fake_media_full(in->w.media, false);
    pass(in, 12, &ann);
    take(&ann);
    client_free(&ann);
}

/** Buyers who do not come free their agents all at once. */
static void test_two_no_shows(void **state)
{
    struct in_room *in = *state;
    struct client ann, ben;
    struct store_case other = world_case(&in->w, "di");
    struct id first = in->c.id;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    in->c.id = other.id;
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    in->c.id = first;
    buyer_leaves(in);
    on(&ann, &in->w, "ann");
    on(&ben, &in->w, "ben");
    until(in, "2023-11-14T22:30", &ann, &ben);
    world_pass(&in->w, 2000);
    take(&ann);
    take(&ben);
    for (unsigned i = 0; i < 70 && !client_has(&ann, "call_ended"); i++) {
        assert_false(client_has(&ben, "call_ended"));
        world_pass(&in->w, 1000);
    }
    assert_true(client_has(&ann, "call_ended") && client_has(&ben, "call_ended"));
    store_case_clear(&other);
    client_free(&ann);
    client_free(&ben);
}

/** A room in which nobody is goes with the wait that kept it open. */
static void test_cancelled_with_nobody_there(void **state)
{
    struct in_room *in = *state;
    struct calls_gauges g;
    const struct booker who = {.identity = "shop", .role = ROLE_SERVICE, .key = "", .now_us = 1};
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    buyer_leaves(in);
    until(in, "2023-11-14T22:31", NULL, NULL);
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.rooms, 1);
    assert_int_equal(store_booking_cancel(in->w.store, &in->c.id, &who, "", NULL), 0);
    calls_case_changed(in->w.calls, &in->c.id);
    world_pass(&in->w, 3000);
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.rooms, 0);
    assert_int_equal(g.waiting, 0);
}

static void test_case_cancelled_while_it_rings(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    set_hours(&in->w, ALWAYS, POLICY);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:30", NULL), 0);
    on(&ann, &in->w, "ann");
    until(in, "2023-11-14T22:30", &ann, NULL);
    world_pass(&in->w, 2000);
    (void)client_expect(&ann, "call_offer");
    client_say(&in->buyer, "{'type':'act','id':'c','action':'cancel','data':{}}");
    (void)client_expect(&ann, "call_offer_ended");
    assert_string_equal(state_of(in), "cancelled");
    assert_int_equal(events(in, "booking_cancelled"), 1);
    client_free(&ann);
}

static void test_closing_time(void **state)
{
    struct in_room *in = *state;
    set_hours(&in->w,
              "'tuesday':[{'opens':'20:00','closes':'23:00'}],'wednesday':[{'opens':"
              "'09:00','closes':'18:00'}]",
              POLICY ",'grace_minutes':5");
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T23:00", NULL), ER_CONFLICT);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:35", NULL), ER_CONFLICT);
    assert_int_equal(book(in, BOOKING_CALLBACK, "2023-11-14T22:45", NULL), 0);
    buyer_leaves(in);
    until(in, "2023-11-14T23:04", NULL, NULL);
    assert_string_equal(state_of(in), "ringing");
    until(in, "2023-11-14T23:06", NULL, NULL);
    assert_string_equal(state_of(in), "booked"); /* nobody came to take it: for the morning */
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.rooms, 0);
    struct store_case c;
    assert_int_equal(store_case_get(in->w.store, &in->c.id, &c), 0);
    const json_t *b = json_object_get(c.more, "booking");
    assert_string_equal(json_string_value(json_object_get(b, "at")), "2023-11-15T09:00:00.000Z");
    store_case_clear(&c);
}

static void test_appointment(void **state)
{
    struct in_room *in = *state;
    struct client ann, ben;
    set_hours(&in->w, ALWAYS,
              "'bookings':{'capacity':2,'reminders_minutes':[10,60],'ahead_days':3}");
    on(&ann, &in->w, "ann");
    on(&ben, &in->w, "ben");
    assert_int_equal(book(in, BOOKING_APPOINTMENT, "2023-11-15T00:30", "ben"), 0);
    until(in, "2023-11-14T23:31", &ann, &ben);
    assert_int_equal(events(in, "booking_reminder"), 1);
    until(in, "2023-11-15T00:21", &ann, &ben);
    assert_int_equal(events(in, "booking_reminder"), 2);
    assert_int_equal(events(in, "appointment_due"), 0);
    client_say(&ben, "{'type':'available','id':'b','on':false}");
    until(in, "2023-11-15T00:29", &ann, &ben);
    client_say(&ben, "{'type':'available','id':'c','on':true}");
    assert_string_equal(text_at(client_expect(&ben, "ok"), "re"), "b");
    assert_string_equal(text_at(client_expect(&ben, "ok"), "re"), "c");
    client_forget(&ann);
    until(in, "2023-11-15T00:30", &ann, &ben);
    pass(in, 3, &ben);
    assert_false(client_has(&ann, "call_offer")); /* though idle for longer */
    take(&ben);
    (void)client_expect(&in->buyer, "call_started");
    assert_int_equal(events(in, "booking_reminder"), 2);
    client_free(&ann);
    client_free(&ben);
}

static void test_message(void **state)
{
    struct in_room *in = *state;
    struct store_case after;
    assert_int_equal(book(in, BOOKING_MESSAGE, NULL, NULL), 0); /* without hours, too */
    assert_string_equal(state_of(in), "open");
    struct booker who = {.identity = "ann", .role = ROLE_AGENT, .key = "", .now_us = 1};
    assert_int_equal(store_booking_done(in->w.store, &in->c.id, &who, &after), 0);
    store_case_clear(&after);
    assert_string_equal(state_of(in), "done");
}

static void test_offered_when_it_takes_long(void **state)
{
    struct in_room *in = *state;
    struct client closed;
    set_hours(&in->w, "'monday':" ROUND, POLICY);
    client_hello(&closed, &in->w, "bo", ROLE_BUYER, &in->c.id);
    client_say(&closed, "{'type':'wait','id':'w'}");
    json_t *can = json_object_get(client_expect(&closed, "queue_closed"), "can");
    assert_string_equal(json_string_value(json_array_get(can, 0)), "callback");
    set_hours(&in->w, "'monday':" ROUND, "'grace_minutes':5");
    client_say(&closed, "{'type':'wait','id':'x'}");
    can = json_object_get(client_expect(&closed, "queue_closed"), "can");
    assert_int_equal(json_array_size(can), 1);
    client_free(&closed);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, room_setup, audit)
    const struct CMUnitTest tests[] = {
        TEST(test_rings_both),
        TEST(test_next_one_on_decline),
        TEST(test_no_shows),
        TEST(test_booked_while_waiting),
        TEST(test_called_before),
        TEST(test_restart),
        TEST(test_down_at_its_time),
        TEST(test_moved_while_it_rings),
        TEST(test_agent_gives_up),
        TEST(test_store_full),
        TEST(test_no_room),
        TEST(test_two_no_shows),
        TEST(test_cancelled_with_nobody_there),
        TEST(test_case_cancelled_while_it_rings),
        TEST(test_closing_time),
        TEST(test_appointment),
        TEST(test_message),
        TEST(test_offered_when_it_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
