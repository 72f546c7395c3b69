// SPDX-License-Identifier: Apache-2.0
/* Rooms: joining, leaving, media state, consent by both doors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

static void test_join_and_leave(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    struct store_case d = world_case(&in->w, "di");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&agent, "{'type':'chat','id':'0','text':'hello'}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "conflict");
    client_say(&agent, "{'type':'join','id':'1','case':'%s'}", in->c.id.text);
    json_t *joined = client_expect(&agent, "joined");
    assert_string_equal(text_at(joined, "re"), "1");
    assert_string_equal(text_at(joined, "room"), in->c.room.text);
    assert_int_equal(json_array_size(json_object_get(client_expect(&agent, "roster"), "people")),
                     2);
    assert_string_equal(text_at(client_expect(&in->buyer, "person_joined"), "person.identity"),
                        "ann");
    client_say(&agent, "{'type':'join','id':'2','room':'%s'}", d.room.text);
    assert_true(client_has(&agent, "joined"));
    assert_string_equal(text_at(client_expect(&in->buyer, "person_left"), "reason"), "left");
    client_say(&agent, "{'type':'leave','id':'3'}");
    assert_string_equal(text_at(client_expect(&agent, "ok"), "re"), "3");
    assert_int_equal(fake_media_count(in->w.media, "room_open"), 2);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 1);
    client_say(&in->buyer, "{'type':'join','id':'4','room':'%s'}", d.room.text);
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "denied");
    client_say(&in->buyer, "{'type':'join','id':'5','room':'01arz3ndektsv4rrffq69g5fav'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "not_found");
    client_free(&agent);
}

static void test_media_state(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'media_state','id':'1','audio':true,'video':true,"
                           "'facing':'environment'}");
    assert_true(client_has(&in->buyer, "ok"));
    assert_string_equal(text_at(client_expect(&agent, "person_changed"), "person.facing"),
                        "environment");
    assert_false(client_has(&in->buyer, "person_changed"));
    /* For the frame logs: breaks of the picture, and where it goes on. */
    assert_int_equal(fake_media_count(in->w.media, "mark"), 1);
    client_say(&in->buyer, "{'type':'media_state','id':'2','audio':false,'video':false,"
                           "'facing':'environment'}");
    assert_string_equal(fake_media_last(in->w.media, "mark"), "mark bo muted ");
    client_say(&in->buyer, "{'type':'media_state','id':'3','audio':true,'video':true,"
                           "'facing':'user'}");
    assert_string_equal(fake_media_last(in->w.media, "mark"), "mark bo camera user");
    assert_int_equal(fake_media_count(in->w.media, "mark bo unmuted"), 2);
    client_free(&agent);
}

struct result {
    int er;
    unsigned calls;
};

static void take_result(void *ctx, int er, const char *why, const json_t *body)
{
    struct result *r = ctx;
    (void)why;
    (void)body;
    r->er = er;
    r->calls++;
}

static void test_consent(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    assert_non_null(fake_media_last(in->w.media, "consent bo 0"));
    client_say(&in->buyer, "{'type':'consent','id':'1','recording':true}");
    assert_true(client_has(&in->buyer, "ok"));
    assert_string_equal(fake_media_last(in->w.media, "consent bo"), "consent bo 1");
    json_t *changed = client_expect(&agent, "person_changed");
    assert_true(json_is_true(json_object_get(json_object_get(changed, "person"), "consent")));
    assert_int_equal(world_events(&in->w, &in->c.id, "recording_consent"), 1);

    struct claims claims = world_claims("bo", ROLE_BUYER, &in->c.id);
    struct result result = {0};
    calls_consent(in->w.calls, &claims, in->c.room.text, false, take_result, &result);
    assert_string_equal(fake_media_last(in->w.media, "consent bo"), "consent bo 0");
    world_settle(&in->w);
    assert_int_equal(result.calls, 1);
    assert_int_equal(result.er, 0);
    assert_int_equal(world_events(&in->w, &in->c.id, "recording_consent"), 2);

    /* a namesake from elsewhere says nothing about this one */
    client_say(&in->buyer, "{'type':'consent','recording':true}");
    (void)memcpy(claims.merchant, "elsewhere", sizeof "elsewhere");
    calls_consent(in->w.calls, &claims, in->c.room.text, false, take_result, &result);
    world_settle(&in->w);
    assert_int_equal(result.er, ER_DENIED);
    assert_string_equal(fake_media_last(in->w.media, "consent bo"), "consent bo 1");
    client_free(&agent);
}

static void test_last_word_on_consent_counts(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    struct claims claims = world_claims("bo", ROLE_BUYER, &c.id);
    struct result result = {0};
    size_t before = fake_media_count(w.media, "consent bo 1");
    calls_consent(w.calls, &claims, c.room.text, true, take_result, &result);
    calls_consent(w.calls, &claims, c.room.text, false, take_result, &result);
    world_settle(&w);
    assert_int_equal(result.calls, 2);
    assert_int_equal(fake_media_count(w.media, "consent bo 1"), before);
    client_free(&buyer);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    assert_string_equal(fake_media_last(w.media, "consent bo"), "consent bo 0");
    client_free(&buyer);
    world_stop(&w);
}

static void test_full_store_says_so(void **state)
{
    (void)state;
    struct world w;
    struct client agent, buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&agent, &w, "ann", ROLE_AGENT, NULL);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    fake_dbq_full(w.dbq, true);
    client_say(&agent, "{'type':'join','id':'1','case':'%s'}", c.id.text);
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "full");
    client_say(&buyer, "{'type':'consent','id':'2','recording':true}");
    assert_string_equal(text_at(client_expect(&buyer, "error"), "code"), "full");
    assert_int_equal(fake_media_count(w.media, "consent bo 1"), 0);
    fake_dbq_full(w.dbq, false);
    client_free(&agent);
    client_free(&buyer);
    world_stop(&w);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_join_and_leave),
        IN_ROOM(test_media_state),
        IN_ROOM(test_consent),
        cmocka_unit_test(test_last_word_on_consent_counts),
        cmocka_unit_test(test_full_store_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
