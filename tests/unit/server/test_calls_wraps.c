// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups by messages: asked after a call, holding the agent back, given, extended, overdue, lapsing, found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_wraps.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

/** Ann takes the buyer's call, and hangs up after half a minute. */
static void call(struct in_room *in, struct client *ann)
{
    client_say(ann, "{'type':'available','id':'a','on':true,'team':'night'}");
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_say(ann, "{'type':'accept','reservation':'%s'}",
               text_at(client_expect(ann, "call_offer"), "reservation"));
    world_pass(&in->w, 30000);
    client_forget(ann);
    client_say(ann, "{'type':'hang_up','id':'h'}");
    client_say(ann, "{'type':'leave'}");
}

/** They answer pings meanwhile. */
static void pass(struct in_room *in, struct client *a, struct client *b, unsigned seconds)
{
    for (; seconds; seconds--) {
        world_pass(&in->w, 1000);
        (void)client_has(a, "pong");
        (void)client_has(b, "pong");
    }
}

static void give(struct in_room *in, struct client *ann, const char *disposition)
{
    static unsigned n;
    client_say(ann, "{'type':'wrap_up','id':'g%u','case':'%s','disposition':'%s','note':'a note'}",
               ++n, in->c.id.text, disposition);
}

static const char *presence(struct client *c)
{
    return text_at(client_expect(c, "person_state"), "state");
}

static void rules(struct in_room *in, const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    assert_null(pairing_rules_check(o));
    assert_int_equal(store_pairing_put(in->w.store, "default", o), 0);
    json_decref(o);
}

static void test_nothing_is_offered_before_it_is_given(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    call(in, &ann);
    assert_string_equal(presence(&ann), "wrap_up");
    json_t *asked = client_expect(&ann, "wrap_up");
    assert_string_equal(text_at(asked, "case"), in->c.id.text);
    assert_string_equal(text_at(asked, "dispositions.0"), "solved");
    assert_true(json_is_true(json_object_get(asked, "required")));
    client_say(&in->buyer, "{'type':'wait','id':'v'}");
    assert_false(client_has(&ann, "call_offer"));
    client_say(&ann, "{'type':'available','id':'b','on':true}"); /* changes nothing */
    assert_false(client_has(&ann, "call_offer"));
    give(in, &ann, "great");
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "invalid");
    give(in, &ann, "follow_up");
    assert_string_equal(text_at(client_expect(&ann, "wrap_up_over"), "case"), in->c.id.text);
    assert_true(client_has(&ann, "call_offer"));
    assert_int_equal(world_events(&in->w, &in->c.id, "wrapped_up"), 1);
    assert_int_equal(world_events(&in->w, &in->c.id, "note_added"), 1);
    give(in, &ann, "follow_up");
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "not_found");
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.wraps_given, 1);
    assert_int_equal(g.wraps_owed, 0);
    client_free(&ann);
}

static void test_an_outcome_proposed_in_the_talk_is_one(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_say(&ann, "{'type':'accept','reservation':'%s'}",
               text_at(client_expect(&ann, "call_offer"), "reservation"));
    client_say(&ann, "{'type':'act','id':'p','action':'propose','data':{'outcome':'repair'}}");
    client_expect(&ann, "ok");
    client_forget(&ann);
    client_say(&ann, "{'type':'hang_up','id':'h'}");
    assert_string_equal(presence(&ann), "wrap_up");
    assert_string_equal(presence(&ann), "available");
    assert_false(client_has(&ann, "wrap_up"));
    client_free(&ann);
}

static void test_it_is_overdue_and_extended(void **state)
{
    struct in_room *in = *state;
    struct client ann, sue;
    struct calls_gauges g;
    rules(in, "{\"wrap_up\":{\"teams\":{\"night\":{\"seconds\":10,\"extensions\":2}}}}");
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    client_hello(&sue, &in->w, "sue", ROLE_SUPERVISOR, NULL);
    call(in, &ann);
    world_pass(&in->w, 9000);
    assert_false(client_has(&sue, "wrap_up_overdue"));
    world_pass(&in->w, 2000);
    assert_string_equal(text_at(client_expect(&sue, "wrap_up_overdue"), "agent"), "ann");
    client_forget(&ann);
    client_say(&ann, "{'type':'extend_wrap_up','id':'e','case':'%s'}", in->c.id.text);
    json_t *more = client_expect(&ann, "wrap_up");
    assert_true(json_is_false(json_object_get(more, "overdue")));
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.wraps_late, 0);
    pass(in, &ann, &sue, 119);
    assert_false(client_has(&sue, "wrap_up_overdue"));
    pass(in, &ann, &sue, 3);
    assert_true(client_has(&sue, "wrap_up_overdue"));
    client_say(&ann, "{'type':'extend_wrap_up','id':'f','case':'%s'}", in->c.id.text);
    client_forget(&ann);
    client_say(&ann, "{'type':'extend_wrap_up','id':'g','case':'%s'}", in->c.id.text);
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "conflict");
    /* another agent may not; the supervisor may */
    client_say(&sue, "{'type':'wrap_up','id':'g','case':'%s','agent':'ann','disposition':'other'}",
               in->c.id.text);
    assert_true(client_has(&ann, "wrap_up_over"));
    assert_string_equal(text_at(client_expect(&sue, "wrap_up_over"), "agent"), "ann");
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.wraps_overdue, 2);
    assert_int_equal(g.wraps_owed, 0);
    client_free(&sue);
    client_free(&ann);
}

static void test_one_that_is_not_required_lapses(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    rules(in, "{\"wrap_up\":{\"required\":false}}");
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    call(in, &ann);
    json_t *asked = client_expect(&ann, "wrap_up");
    assert_true(json_is_false(json_object_get(asked, "required")));
    assert_string_equal(presence(&ann), "available");
    pass(in, &ann, &in->buyer, 119);
    assert_false(client_has(&ann, "wrap_up_over"));
    pass(in, &ann, &in->buyer, 2);
    assert_true(client_has(&ann, "wrap_up_over"));
    assert_int_equal(world_events(&in->w, &in->c.id, "wrap_up_lapsed"), 1);
    client_free(&ann);
}

/** What cannot be written down then is later. */
static void test_lapsing_is_tried_again(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    rules(in, "{\"wrap_up\":{\"required\":false}}");
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    call(in, &ann);
    client_expect(&ann, "wrap_up");
    pass(in, &ann, &in->buyer, 115);
    fake_dbq_full(in->w.dbq, true);
    pass(in, &ann, &in->buyer, 8);
    fake_dbq_full(in->w.dbq, false);
    assert_int_equal(world_events(&in->w, &in->c.id, "wrap_up_lapsed"), 0);
    pass(in, &ann, &in->buyer, 12);
    assert_int_equal(world_events(&in->w, &in->c.id, "wrap_up_lapsed"), 1);
    client_free(&ann);
}

static void test_it_is_found_again(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, ann;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_say(&buyer, "{'type':'wait','id':'w'}");
    client_say(&ann, "{'type':'accept','reservation':'%s'}",
               text_at(client_expect(&ann, "call_offer"), "reservation"));
    client_say(&ann, "{'type':'bye'}"); /* away in the midst of it */
    client_free(&ann);
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    assert_true(client_has(&ann, "wrap_up"));
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_say(&buyer, "{'type':'wait','id':'v'}");
    assert_false(client_has(&ann, "call_offer"));
    buyer.link = ann.link = NULL;
    client_free(&buyer);
    client_free(&ann);
    world_restart(&w);
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    assert_true(client_has(&ann, "wrap_up"));
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'v'}");
    assert_false(client_has(&ann, "call_offer"));
    client_say(&ann, "{'type':'wrap_up','id':'g','case':'%s','disposition':'disconnected'}",
               c.id.text);
    assert_true(client_has(&ann, "call_offer"));
    client_free(&buyer);
    client_free(&ann);
    world_stop(&w);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_nothing_is_offered_before_it_is_given),
        IN_ROOM(test_an_outcome_proposed_in_the_talk_is_one),
        IN_ROOM(test_it_is_overdue_and_extended),
        IN_ROOM(test_one_that_is_not_required_lapses),
        IN_ROOM(test_lapsing_is_tried_again),
        cmocka_unit_test(test_it_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
