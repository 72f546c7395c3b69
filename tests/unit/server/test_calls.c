// SPDX-License-Identifier: Apache-2.0
/* The conductor's frame: who gets in, resume, replacement, drain, and the end of it all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

static void test_hello_puts_into_the_room(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_open(&buyer, &w);
    char token[AUTH_TOKEN_BYTES];
    world_token(&w, "bo", ROLE_BUYER, &c.id, token);
    client_say(&buyer, "{'type':'hello','id':'1','token':'%s'}", token);
    json_t *welcome = client_expect(&buyer, "welcome");
    assert_string_equal(text_at(welcome, "re"), "1");
    assert_string_equal(text_at(welcome, "room"), c.room.text);
    assert_string_equal(text_at(welcome, "case"), c.id.text);
    assert_string_equal(text_at(welcome, "identity"), "bo");
    assert_string_equal(text_at(welcome, "role"), "buyer");
    assert_string_equal(text_at(welcome, "ice_servers.0.urls.0"), "turn:turn.example");
    const char *name = strchr(text_at(welcome, "ice_servers.0.username"), ':');
    assert_string_equal(name, ":bo");
    assert_int_equal(strlen(text_at(welcome, "ice_servers.0.credential")), 28);
    json_t *roster = client_expect(&buyer, "roster");
    assert_string_equal(text_at(roster, "people.0.identity"), "bo");
    assert_true(client_has(&buyer, "history"));
    assert_int_equal(fake_media_count(w.media, "room_open"), 1);
    assert_int_equal(world_events(&w, &c.id, "joined"), 1);
    client_free(&buyer);
    world_stop(&w);
}

static void expect_refused(struct world *w, const char *token, const char *code, unsigned close)
{
    struct client c;
    client_open(&c, w);
    client_say(&c, "{'type':'hello','id':'1','token':'%s'}", token);
    json_t *error = client_expect(&c, "error");
    assert_string_equal(text_at(error, "code"), code);
    assert_string_equal(text_at(error, "re"), "1");
    assert_int_equal(c.closed, close);
    client_free(&c);
}

static void test_refusals(void **state)
{
    (void)state;
    struct world w;
    char token[AUTH_TOKEN_BYTES];
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    struct id nowhere = c.room;
    expect_refused(&w, "no.such.token", "unauthenticated", 4401);
    world_token(&w, "back", ROLE_SERVICE, NULL, token);
    expect_refused(&w, token, "denied", 4403);
    world_token(&w, "bo", ROLE_BUYER, &nowhere, token);
    expect_refused(&w, token, "not_found", 4403);
    world_token(&w, "bo", ROLE_BUYER, &c.id, token);
    w.now_us += 3700u * 1000000;
    expect_refused(&w, token, "unauthenticated", 4401);
    assert_int_equal(sessions_count(calls_sessions(w.calls)), 0);
    world_stop(&w);
}

static void test_single_use_invite(void **state)
{
    (void)state;
    struct world w;
    char token[AUTH_TOKEN_BYTES];
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    struct store_invite invite = {.jti = "once",
                                  .case_id = c.id,
                                  .role = ROLE_BUYER,
                                  .identity = "bo",
                                  .single_use = true,
                                  .expires_us = UINT64_C(2000000000000000)};
    assert_int_equal(store_invite_add(w.store, &invite, "Bo", "shop", 1), 0);
    struct claims claims = world_claims("bo", ROLE_BUYER, &c.id);
    memcpy(claims.jti, "once", 5);
    claims.expires_s = 1700000000 + 3600;
    assert_int_equal(auth_mint(w.auth, &claims, 1700000000, token), 0);
    struct client first;
    client_open(&first, &w);
    client_say(&first, "{'type':'hello','token':'%s'}", token);
    assert_true(client_has(&first, "welcome"));
    expect_refused(&w, token, "denied", 4403);
    client_free(&first);
    world_stop(&w);
}

static void test_drop_and_resume_leave_no_ghost(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_forget(&in->buyer);
    client_cut(&in->buyer);
    json_t *changed = client_expect(&agent, "person_changed");
    assert_string_equal(text_at(changed, "person.identity"), "bo");
    assert_true(json_is_false(json_object_get(json_object_get(changed, "person"), "online")));
    client_say(&agent, "{'type':'chat','text':'are you there?'}");
    world_pass(&in->w, 20000);
    client_resume(&in->buyer, "bo", ROLE_BUYER, &in->c.id);
    json_t *welcome = client_expect(&in->buyer, "welcome");
    assert_true(json_is_true(json_object_get(welcome, "resumed")));
    json_t *chat = client_expect(&in->buyer, "chat");
    assert_string_equal(text_at(chat, "message.text"), "are you there?");
    assert_true(client_has(&agent, "person_changed"));
    assert_false(client_has(&agent, "person_joined"));
    assert_false(client_has(&agent, "person_left"));
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.people, 2);
    assert_int_equal(world_events(&in->w, &in->c.id, "connection_lost"), 1);
    assert_int_equal(world_events(&in->w, &in->c.id, "connection_resumed"), 1);
    client_free(&agent);
}

static void test_who_does_not_come_back_leaves(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, agent;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_hello(&agent, &w, "ann", ROLE_AGENT, &c.id);
    client_cut(&buyer);
    for (int i = 0; i < 62; i++) {
        world_pass(&w, 1000);
        client_has(&agent, "");
    }
    json_t *left = client_expect(&agent, "person_left");
    assert_string_equal(text_at(left, "identity"), "bo");
    assert_string_equal(text_at(left, "reason"), "timeout");
    client_resume(&buyer, "bo", ROLE_BUYER, &c.id);
    assert_string_equal(text_at(client_expect(&buyer, "error"), "code"), "not_found");
    client_free(&buyer);
    client_free(&agent);
    world_pass(&w, 61000);
    assert_int_equal(fake_media_count(w.media, "room_close"), 1);
    world_stop(&w);
}

static void test_newer_session_replaces(void **state)
{
    (void)state;
    struct world w;
    struct client first, second, agent;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&agent, &w, "ann", ROLE_AGENT, &c.id);
    client_hello(&first, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&first, "{'type':'offer','id':'o','sdp':'v=0'}");
    client_forget(&agent);
    client_hello(&second, &w, "bo", ROLE_BUYER, &c.id);
    client_has(&first, "");
    assert_int_equal(first.closed, 4409);
    assert_int_equal(fake_media_count(w.media, "peer_remove"), 1);
    assert_false(client_has(&agent, "person_left"));
    assert_false(client_has(&agent, "person_joined"));
    struct calls_gauges g;
    calls_read_gauges(w.calls, &g);
    assert_int_equal(g.people, 2);
    client_free(&first);
    client_free(&second);
    client_free(&agent);
    world_stop(&w);
}

static void test_connection_lost_while_opening(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    char token[AUTH_TOKEN_BYTES], text[AUTH_TOKEN_BYTES + 64];
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_open(&buyer, &w);
    world_token(&w, "bo", ROLE_BUYER, &c.id, token);
    int len = snprintf(text, sizeof text, "{\"type\":\"hello\",\"token\":\"%s\"}", token);
    link_on_text(buyer.link, text, (size_t)len, w.now_us);
    link_gone(buyer.link, w.now_us);
    buyer.link = NULL;
    world_settle(&w);
    assert_int_equal(sessions_count(calls_sessions(w.calls)), 0);
    struct calls_gauges g;
    calls_read_gauges(w.calls, &g);
    assert_int_equal(g.rooms, 0);
    client_free(&buyer);
    world_stop(&w);
}

static void set_flag(void *ctx)
{
    *(bool *)ctx = true;
}

static void test_drain(void **state)
{
    struct in_room *in = *state;
    struct client late;
    bool done = false;
    calls_drain(in->w.calls, set_flag, &done);
    client_open(&late, &in->w);
    client_say(&late, "{'type':'hello','id':'1','token':'x'}");
    assert_string_equal(text_at(client_expect(&late, "error"), "code"), "draining");
    assert_int_equal(late.closed, 1012);
    assert_string_equal(text_at(client_expect(&in->buyer, "notice"), "code"), "draining");
    assert_int_equal(in->buyer.closed, 1012);
    world_settle(&in->w);
    assert_true(done);
    client_free(&late);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_puts_into_the_room),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_single_use_invite),
        IN_ROOM(test_drop_and_resume_leave_no_ghost),
        cmocka_unit_test(test_who_does_not_come_back_leaves),
        cmocka_unit_test(test_newer_session_replaces),
        cmocka_unit_test(test_connection_lost_while_opening),
        IN_ROOM(test_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
