// SPDX-License-Identifier: Apache-2.0
/* Chat: harmless text, on the case before anybody hears of it, to those in the room and to nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "signaling/chat.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

/* Stands between the conductor and the store. */
static int store_fails;
int __wrap_store_event_append(struct store *s, const struct id *case_id, const char *actor,
                              const char *type, const json_t *data, uint64_t at_us,
                              char ret_hash[STORE_HASH_BYTES]);
int __real_store_event_append(struct store *s, const struct id *case_id, const char *actor,
                              const char *type, const json_t *data, uint64_t at_us,
                              char ret_hash[STORE_HASH_BYTES]);
int __wrap_store_event_append(struct store *s, const struct id *case_id, const char *actor,
                              const char *type, const json_t *data, uint64_t at_us,
                              char ret_hash[STORE_HASH_BYTES])
{
    return store_fails ? store_fails
                       : __real_store_event_append(s, case_id, actor, type, data, at_us, ret_hash);
}

static void test_everybody_in_the_room_hears_it(void **state)
{
    struct in_room *in = *state;
    struct client agent, stranger;
    struct store_case other = world_case(&in->w, "di");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_hello(&stranger, &in->w, "di", ROLE_BUYER, &other.id);
    client_say(&in->buyer, "{'type':'chat','id':'1','text':' a\\u0007 cup\\u202e '}");
    json_t *ok = client_expect(&in->buyer, "ok"), *own = client_expect(&in->buyer, "chat");
    json_t *chat = client_expect(&agent, "chat");
    assert_string_equal(text_at(ok, "re"), "1");
    assert_string_equal(text_at(chat, "message.message"), text_at(ok, "message"));
    assert_string_equal(text_at(own, "message.message"), text_at(ok, "message"));
    assert_string_equal(text_at(chat, "message.text"), "a cup");
    assert_string_equal(text_at(chat, "message.from"), "bo");
    assert_string_equal(text_at(chat, "message.role"), "buyer");
    assert_string_equal(text_at(chat, "message.at"), "2023-11-14T22:13:21.000Z");
    assert_false(client_has(&stranger, "chat"));
    assert_int_equal(world_events(&in->w, &in->c.id, "chat"), 1);
    assert_int_equal(world_events(&in->w, &other.id, "chat"), 0);
    client_free(&agent);
    client_free(&stranger);
}

static void test_late_comers_are_told_what_was_said(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    for (int i = 0; i < 3; i++) {
        client_say(&in->buyer, "{'type':'chat','text':'%d'}", i);
        world_settle(&in->w);
    }
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    json_t *messages = json_object_get(client_expect(&agent, "history"), "messages");
    assert_int_equal(json_array_size(messages), 3);
    assert_string_equal(text_at(json_array_get(messages, 0), "text"), "0");
    assert_string_equal(text_at(json_array_get(messages, 2), "text"), "2");
    assert_false(client_has(&agent, "chat")); /* nor twice */
    client_free(&agent);
}

static void test_refuses_what_nobody_could_read(void **state)
{
    struct in_room *in = *state;
    char text[LIMIT_CHAT_BYTES + 64];
    static const char *const texts[] = {"''", "' \\u0007 '", "7", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        client_say(&in->buyer, "{'type':'chat','id':'%zu','text':%s}", i, texts[i]);
        assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "invalid");
    }
    for (int more = 1; more >= 0; more--) {
        int len = snprintf(text, sizeof text, "{\"type\":\"chat\",\"text\":\"%0*d\"}",
                           LIMIT_CHAT_BYTES + more, 7);
        link_on_text(in->buyer.link, text, (size_t)len, in->w.now_us);
        world_settle(&in->w);
        assert_int_equal(client_has(&in->buyer, "error"), more == 1);
        assert_int_equal(client_has(&in->buyer, "chat"), more == 0);
        client_forget(&in->buyer);
    }
    assert_int_equal(world_events(&in->w, &in->c.id, "chat"), 1);
}

static void test_who_is_in_no_room_speaks_to_nobody(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&agent, "{'type':'chat','id':'1','text':'hello'}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "conflict");
    client_say(&in->buyer, "{'type':'leave'}");
    client_say(&in->buyer, "{'type':'chat','id':'2','text':'hello'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "conflict");
    assert_int_equal(world_events(&in->w, &in->c.id, "chat"), 0);
    client_free(&agent);
}

/** Neither now, nor to those who come later; and the next one is. */
static void test_what_cannot_be_kept_is_told_to_nobody(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    fake_dbq_full(in->w.dbq, true);
    client_say(&in->buyer, "{'type':'chat','id':'3','text':'lost'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "re"), "3");
    fake_dbq_full(in->w.dbq, false);
    store_fails = ER_IO;
    client_say(&in->buyer, "{'type':'chat','id':'4','text':'lost'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "re"), "4");
    store_fails = 0;
    world_settle(&in->w);
    assert_false(client_has(&agent, "chat"));
    assert_false(client_has(&in->buyer, "chat"));
    client_free(&agent);
    client_say(&in->buyer, "{'type':'chat','id':'5','text':'kept'}");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    json_t *messages = json_object_get(client_expect(&agent, "history"), "messages");
    assert_int_equal(json_array_size(messages), 1);
    assert_string_equal(text_at(json_array_get(messages, 0), "text"), "kept");
    client_free(&agent);
}

/** A message that is on its way to the disk when its writer leaves is said all the same. */
static void test_a_writer_may_leave_meanwhile(void **state)
{
    static const char chat[] = "{\"type\":\"chat\",\"id\":\"5\",\"text\":\"bye\"}";
    static const char bye[] = "{\"type\":\"bye\"}";
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    link_on_text(in->buyer.link, chat, strlen(chat), in->w.now_us);
    link_on_text(in->buyer.link, bye, strlen(bye), in->w.now_us);
    assert_int_equal(sessions_count(calls_sessions(in->w.calls)), 1);
    world_settle(&in->w);
    assert_string_equal(text_at(client_expect(&agent, "chat"), "message.text"), "bye");
    assert_int_equal(world_events(&in->w, &in->c.id, "chat"), 1);
    client_free(&agent);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_everybody_in_the_room_hears_it),
        IN_ROOM(test_late_comers_are_told_what_was_said),
        IN_ROOM(test_refuses_what_nobody_could_read),
        IN_ROOM(test_who_is_in_no_room_speaks_to_nobody),
        IN_ROOM(test_what_cannot_be_kept_is_told_to_nobody),
        IN_ROOM(test_a_writer_may_leave_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
