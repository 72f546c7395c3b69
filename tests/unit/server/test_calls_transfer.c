// SPDX-License-Identifier: Apache-2.0
/* Calls passed on and taken over: who is asked, who is in the call, what the buyer hears, and what is left on
 * the case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

/** A call of "bo" with ann; abe is available too, if he is wanted. */
struct call {
    struct in_room *in;
    struct client ann, abe;
};

static void available(struct client *agent, const char *more)
{
    client_say(agent, "{'type':'available','id':'on','on':true%s}", more);
    assert_string_equal(text_at(client_expect(agent, "ok"), "re"), "on");
}

static void accept(struct client *agent)
{
    client_say(agent, "{'type':'accept','id':'acc','reservation':'%s'}",
               text_at(client_expect(agent, "call_offer"), "reservation"));
    assert_string_equal(text_at(client_expect(agent, "joined"), "re"), "acc");
}

static void call_start(struct call *k, void *in)
{
    k->in = in;
    client_say(&k->in->buyer, "{'type':'wait'}");
    client_hello(&k->ann, &k->in->w, "ann", ROLE_AGENT, NULL);
    available(&k->ann, "");
    accept(&k->ann);
    client_hello(&k->abe, &k->in->w, "abe", ROLE_AGENT, NULL);
    client_forget(&k->in->buyer);
    client_forget(&k->ann);
}

static void call_stop(struct call *k)
{
    client_free(&k->ann);
    client_free(&k->abe);
}

/** As the REST API does it. */
static void transfer(struct call *k, const char *data)
{
    struct store_case after;
    json_t *body = json_loads(data, 0, NULL);
    const struct store_action action = {.case_id = k->in->c.id,
                                        .action = CASE_TRANSFER,
                                        .actor = "ann",
                                        .role = ROLE_AGENT,
                                        .data = body};
    assert_int_equal(
        store_case_act(k->in->w.store, &action, 1700000000000000 + k->in->w.now_us, &after), 0);
    store_case_clear(&after);
    json_decref(body);
    calls_case_changed(k->in->w.calls, &k->in->c.id);
    world_settle(&k->in->w);
}

static enum case_state state_of(struct call *k)
{
    struct store_case now;
    assert_int_equal(store_case_get(k->in->w.store, &k->in->c.id, &now), 0);
    enum case_state state = now.state;
    store_case_clear(&now);
    return state;
}

/** Whether the case has that of its last transfer, for whoever reads it. */
static bool is_for_all(struct call *k, const char *member)
{
    struct store_case now;
    assert_int_equal(store_case_get(k->in->w.store, &k->in->c.id, &now), 0);
    bool is = json_object_get(json_object_get(now.more, "transfer"), member);
    store_case_clear(&now);
    return is;
}

static size_t events(struct call *k, const char *type)
{
    return world_events(&k->in->w, &k->in->c.id, type);
}

static void test_blind_goes_to_whom_it_names(void **state)
{
    struct call k;
    struct client zoe;
    call_start(&k, *state);
    client_hello(&zoe, &k.in->w, "zoe", ROLE_AGENT, NULL);
    available(&zoe, "");
    world_pass(&k.in->w, 1000);
    available(&k.abe, "");
    transfer(&k, "{\"agent\":\"abe\",\"note\":\"knows watches\"}");
    json_t *ended = client_expect(&k.in->buyer, "call_ended");
    assert_string_equal(text_at(ended, "reason"), "transferred");
    assert_string_equal(text_at(ended, "by"), "ann");
    assert_true(client_has(&k.in->buyer, "waiting"));
    assert_int_equal(state_of(&k), CASE_WAITING);
    assert_false(client_has(&zoe, "call_offer"));
    assert_false(client_has(&k.ann, "call_offer"));
    accept(&k.abe);
    assert_string_equal(text_at(client_expect(&k.in->buyer, "call_started"), "agent.identity"),
                        "abe");
    assert_int_equal(state_of(&k), CASE_IN_CALL);
    assert_int_equal(events(&k, "transferred"), 1);
    assert_int_equal(events(&k, "note_added"), 1);
    assert_true(is_for_all(&k, "agent"));
    assert_false(is_for_all(&k, "note"));
    client_free(&zoe);
    call_stop(&k);
}

/** With nobody else there the buyer is not left alone: who passed the call on gets it back, but not at once. */
static void test_blind_comes_back_when_nobody_takes_it(void **state)
{
    struct call k;
    call_start(&k, *state);
    transfer(&k, "{}");
    assert_true(client_has(&k.in->buyer, "waiting"));
    client_say(&k.in->buyer, "{'type':'wait','id':'again'}"); /* the page asks: no call with ann */
    assert_false(client_has(&k.ann, "call_offer"));
    assert_int_equal(state_of(&k), CASE_WAITING);
    for (int i = 0; i < 31; i++) {
        world_pass(&k.in->w, 1000);
        (void)client_has(&k.in->buyer, "");
        (void)client_has(&k.abe, "");
        if (i < 29)
            assert_false(client_has(&k.ann, "call_offer"));
    }
    assert_true(client_has(&k.ann, "call_offer"));
    call_stop(&k);
}

static void test_warm_has_both_in_the_call(void **state)
{
    struct call k;
    struct calls_gauges g;
    call_start(&k, *state);
    available(&k.abe, "");
    transfer(&k, "{\"mode\":\"warm\"}");
    assert_false(client_has(&k.in->buyer, "call_ended"));
    assert_false(client_has(&k.in->buyer, "waiting"));
    assert_int_equal(state_of(&k), CASE_IN_CALL);
    accept(&k.abe);
    assert_string_equal(text_at(client_expect(&k.in->buyer, "call_joined"), "agent.identity"),
                        "abe");
    assert_string_equal(text_at(client_expect(&k.abe, "call_started"), "agent.identity"), "ann");
    client_say(&k.ann, "{'type':'leave','id':'l'}");
    json_t *over = client_expect(&k.in->buyer, "call_taken_over");
    assert_string_equal(text_at(over, "agent.identity"), "abe");
    assert_string_equal(text_at(over, "from"), "ann");
    assert_false(client_has(&k.in->buyer, "call_ended"));
    assert_int_equal(state_of(&k), CASE_IN_CALL);
    assert_int_equal(events(&k, "call_joined"), 1);
    assert_int_equal(events(&k, "call_taken_over"), 1);
    calls_read_gauges(k.in->w.calls, &g);
    assert_int_equal(g.calls_passed_on, 1);
    assert_int_equal(g.calls_taken_over, 1);
    client_say(&k.abe, "{'type':'hang_up'}");
    assert_true(client_has(&k.in->buyer, "call_ended"));
    assert_int_equal(state_of(&k), CASE_OPEN);
    call_stop(&k);
}

/** Both places are taken while both are in it, and free afterwards. */
static void test_capacity_of_both(void **state)
{
    struct call k;
    struct calls_gauges g;
    call_start(&k, *state);
    available(&k.abe, "");
    transfer(&k, "{\"mode\":\"warm\"}");
    accept(&k.abe);
    calls_read_gauges(k.in->w.calls, &g);
    assert_int_equal(g.agents_available, 0);
    client_say(&k.ann, "{'type':'hang_up'}"); /* ends it for all */
    assert_true(client_has(&k.in->buyer, "call_ended"));
    calls_read_gauges(k.in->w.calls, &g);
    assert_int_equal(g.agents_available, 1); /* whose call it was owes a wrap-up */
    client_say(&k.ann, "{'type':'wrap_up','case':'%s','disposition':'solved'}", k.in->c.id.text);
    calls_read_gauges(k.in->w.calls, &g);
    assert_int_equal(g.agents_available, 2);
    call_stop(&k);
}

/** A third who was asked in does not inherit the call. */
static void test_invited_third(void **state)
{
    struct call k;
    call_start(&k, *state);
    available(&k.abe, "");
    transfer(&k, "{\"mode\":\"invite\"}");
    accept(&k.abe);
    assert_true(client_has(&k.in->buyer, "call_joined"));
    client_say(&k.ann, "{'type':'leave'}");
    assert_string_equal(text_at(client_expect(&k.in->buyer, "call_ended"), "reason"), "left");
    assert_int_equal(state_of(&k), CASE_OPEN);
    call_stop(&k);
}

static void test_call_over_before_anybody_came(void **state)
{
    struct call k;
    struct calls_gauges g;
    call_start(&k, *state);
    available(&k.abe, "");
    transfer(&k, "{\"mode\":\"warm\"}");
    assert_true(client_has(&k.abe, "call_offer"));
    client_say(&k.ann, "{'type':'hang_up'}");
    assert_string_equal(text_at(client_expect(&k.abe, "call_offer_ended"), "reason"), "withdrawn");
    calls_read_gauges(k.in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
    assert_int_equal(state_of(&k), CASE_OPEN);
    call_stop(&k);
}

static void test_taking_over(void **state)
{
    struct call k;
    call_start(&k, *state);
    client_say(&k.ann, "{'type':'take_over','id':'1'}");
    assert_string_equal(text_at(client_expect(&k.ann, "error"), "code"), "conflict");
    client_say(&k.in->buyer, "{'type':'take_over','id':'2'}");
    assert_string_equal(text_at(client_expect(&k.in->buyer, "error"), "code"), "denied");
    client_say(&k.abe, "{'type':'take_over','id':'3'}");
    assert_string_equal(text_at(client_expect(&k.abe, "error"), "code"), "conflict");
    client_say(&k.abe, "{'type':'join','id':'j','case':'%s'}", k.in->c.id.text);
    client_say(&k.abe, "{'type':'take_over','id':'4'}");
    assert_string_equal(text_at(client_expect(&k.abe, "ok"), "re"), "4");
    assert_string_equal(text_at(client_expect(&k.in->buyer, "call_taken_over"), "agent.identity"),
                        "abe");
    client_say(&k.ann, "{'type':'leave'}"); /* it goes on without her */
    assert_false(client_has(&k.in->buyer, "call_ended"));
    client_say(&k.abe, "{'type':'leave'}");
    assert_true(client_has(&k.in->buyer, "call_ended"));
    call_stop(&k);
}

/** Of who waits yet: the place is kept, the team is another. */
static void test_passed_on_while_waiting(void **state)
{
    struct call k = {.in = *state};
    client_say(&k.in->buyer, "{'type':'wait'}");
    client_hello(&k.ann, &k.in->w, "ann", ROLE_AGENT, NULL);
    client_hello(&k.abe, &k.in->w, "abe", ROLE_AGENT, NULL);
    world_pass(&k.in->w, 1000);
    transfer(&k, "{\"team\":\"watches\"}");
    assert_int_equal(state_of(&k), CASE_WAITING);
    assert_false(client_has(&k.in->buyer, "call_ended"));
    available(&k.abe, ",'team':'watches'");
    assert_true(client_has(&k.abe, "call_offer"));
    call_stop(&k);
}

/** Nobody is asked for a buyer who is not there: the place is kept. */
static void test_passed_on_while_the_buyer_is_away(void **state)
{
    struct call k = {.in = *state};
    client_say(&k.in->buyer, "{'type':'wait','id':'w'}");
    client_expect(&k.in->buyer, "waiting");
    client_cut(&k.in->buyer);
    client_hello(&k.ann, &k.in->w, "ann", ROLE_AGENT, NULL);
    client_hello(&k.abe, &k.in->w, "abe", ROLE_AGENT, NULL);
    available(&k.abe, "");
    transfer(&k, "{}");
    assert_false(client_has(&k.abe, "call_offer"));
    assert_int_equal(state_of(&k), CASE_WAITING);
    client_resume(&k.in->buyer, "bo", ROLE_BUYER, &k.in->c.id);
    accept(&k.abe);
    client_expect(&k.in->buyer, "call_started");
    call_stop(&k);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_blind_goes_to_whom_it_names),
        IN_ROOM(test_passed_on_while_the_buyer_is_away),
        IN_ROOM(test_blind_comes_back_when_nobody_takes_it),
        IN_ROOM(test_warm_has_both_in_the_call),
        IN_ROOM(test_capacity_of_both),
        IN_ROOM(test_invited_third),
        IN_ROOM(test_call_over_before_anybody_came),
        IN_ROOM(test_taking_over),
        IN_ROOM(test_passed_on_while_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
