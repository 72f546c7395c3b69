// SPDX-License-Identifier: Apache-2.0
/* Drawing in a room: who may, who sees it and when, what newcomers find, and what is kept for the clip's player. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_drawings.h"
#include "tests/unit/support/calls_world.h"

#define LINE "{'id':'s1','kind':'line','points':[[0.5,0.5]]}"

/** The agent, in the buyer's room. */
static void come_in(struct client *c, struct in_room *in, const char *identity, enum role role)
{
    client_hello(c, &in->w, identity, role, &in->c.id);
    client_say(c, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    client_expect(c, "joined");
    client_forget(c);
    client_forget(&in->buyer);
}

/** All that is kept, over a clip of the first hour. */
static json_t *kept(struct in_room *in, uint64_t start_us)
{
    struct store_clip clip = {.case_id = in->c.id, .started_us = start_us, .duration_ms = 3600000};
    json_t *items;
    snprintf(clip.publisher, sizeof clip.publisher, "bo");
    assert_int_equal(store_drawings_of_clip(in->w.store, &clip, &items), 0);
    return items;
}

static uint64_t unix_us(const struct in_room *in)
{
    return UINT64_C(1700000000000000) + in->w.now_us;
}

static void consent(struct in_room *in)
{
    client_say(&in->buyer, "{'type':'consent','id':'c','recording':true}");
    client_expect(&in->buyer, "ok");
    client_forget(&in->buyer);
}

static void test_a_stroke_is_seen_and_kept(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    consent(in);
    come_in(&agent, in, "ann", ROLE_AGENT);
    uint64_t start_us = unix_us(in) - 10000000;
    client_say(&agent, "{'type':'draw','id':'1','of':'bo','shape':" LINE ",'age_ms':120}");
    json_t *drawn = client_expect(&in->buyer, "drawn");
    assert_string_equal(text_at(drawn, "by"), "ann");
    assert_string_equal(text_at(drawn, "of"), "bo");
    assert_string_equal(text_at(drawn, "shape.kind"), "line");
    assert_false(client_has(&agent, "drawn"));
    client_expect(&agent, "ok");
    json_t *none = kept(in, start_us);
    assert_int_equal(json_array_size(none), 0); /* it is not done */
    json_decref(none);
    world_pass(&in->w, 500);
    client_say(&agent, "{'type':'draw','id':'2','of':'bo','shape':{'id':'s1','points':[[0.6,0.5]],"
                       "'done':true},'age_ms':100}");
    client_expect(&agent, "ok");
    drawn = client_expect(&in->buyer, "drawn");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(drawn, "shape"), "from")),
                     1);
    json_t *items = kept(in, start_us);
    assert_int_equal(json_array_size(items), 1);
    json_t *item = json_array_get(items, 0);
    assert_string_equal(text_at(item, "op"), "draw");
    assert_string_equal(text_at(item, "by"), "ann");
    json_int_t began = json_integer_value(json_object_get(item, "began_ms"));
    json_int_t at = json_integer_value(json_object_get(item, "at_ms"));
    assert_in_range(at - began, 500, 540); /* half a second, and 20 ms less of age */
    json_decref(items);
    client_free(&agent);
}

static void test_newcomers_find_what_is_drawn(void **state)
{
    struct in_room *in = *state;
    struct client agent, late;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&agent, "{'type':'draw','of':'bo','shape':" LINE "}");
    client_say(&agent, "{'type':'freeze','id':'f','of':'bo','on':true}");
    client_expect(&agent, "ok");
    client_expect(&in->buyer, "frozen");
    client_hello(&late, &in->w, "eve", ROLE_ARBITER, &in->c.id);
    client_say(&late, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    json_t *found = client_expect(&late, "drawings");
    assert_string_equal(text_at(found, "of"), "bo");
    assert_string_equal(text_at(found, "frozen.by"), "ann");
    assert_int_equal(json_array_size(json_object_get(found, "shapes")), 1);
    client_free(&late);
    client_free(&agent);
}

static void test_undo_and_clear(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&agent, "{'type':'undo','id':'0','of':'bo'}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "not_found");
    client_say(&agent, "{'type':'draw','of':'bo','shape':" LINE "}");
    client_say(&in->buyer, "{'type':'draw','of':'bo','shape':" LINE "}");
    client_expect(&agent, "drawn");
    client_say(&agent, "{'type':'undo','id':'1','of':'bo'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "undrawn"), "by"), "ann");
    client_say(&agent, "{'type':'draw','of':'bo','shape':" LINE "}");
    /* The buyer's word clears what the buyer drew; the agent's all. */
    client_say(&in->buyer, "{'type':'clear','of':'bo'}");
    assert_string_equal(text_at(client_expect(&agent, "cleared"), "whose"), "bo");
    client_say(&agent, "{'type':'clear','id':'2','of':'bo'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "cleared"), "whose"), "");
    client_forget(&agent);
    client_say(&agent, "{'type':'undo','id':'3','of':'bo'}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "re"), "3");
    client_free(&agent);
}

static void test_who_may(void **state)
{
    struct in_room *in = *state;
    struct client looks;
    come_in(&looks, in, "sue", ROLE_SUPERVISOR);
    static const char *const says[] = {
        "{'type':'draw','id':'a','of':'bo','shape':" LINE "}",
        "{'type':'undo','id':'b','of':'bo'}",
        "{'type':'clear','id':'c','of':'bo'}",
        "{'type':'freeze','id':'d','of':'bo','on':true}",
        "{'type':'pointer','id':'e','of':'bo','x':0.5,'y':0.5}",
    };
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        client_say(&looks, "%s", says[i]);
        assert_string_equal(text_at(client_expect(&looks, "error"), "code"), "denied");
        client_forget(&looks);
    }
    client_say(&in->buyer, "{'type':'freeze','id':'2','of':'bo','on':true}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "denied");
    client_forget(&in->buyer);
    client_say(&in->buyer, "{'type':'draw','id':'3','of':'nobody','shape':" LINE "}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "not_found");
    client_forget(&in->buyer);
    client_say(&in->buyer, "{'type':'draw','id':'4','of':'bo','shape':{'id':'1'}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "invalid");
    assert_false(client_has(&looks, "drawn"));
    client_free(&looks);
}

static void test_the_pointer_goes_by(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    uint64_t seq = in->buyer.seq;
    client_say(&agent, "{'type':'pointer','of':'bo','x':0.25,'y':1}");
    json_t *pointer = client_expect(&in->buyer, "pointer");
    assert_true(json_real_value(json_object_get(pointer, "x")) == 0.25);
    assert_null(json_object_get(pointer, "seq"));
    assert_int_equal(in->buyer.seq, seq);
    client_say(&agent, "{'type':'pointer','of':'bo'}");
    assert_null(json_object_get(client_expect(&in->buyer, "pointer"), "x"));
    assert_false(client_has(&agent, "pointer"));
    /* It does not wait for who is away. */
    client_cut(&in->buyer);
    client_say(&agent, "{'type':'pointer','of':'bo','x':0.5,'y':0.5}");
    client_resume(&in->buyer, "bo", ROLE_BUYER, &in->c.id);
    assert_false(client_has(&in->buyer, "pointer"));
    client_free(&agent);
}

static void test_a_foreign_still_freezes_nothing(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&agent, "{'type':'freeze','id':'f','of':'bo','on':true,'still':'%s'}",
               in->c.id.text);
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "not_found");
    assert_false(client_has(&in->buyer, "frozen"));
    client_free(&agent);
}

static void test_it_goes_with_its_picture(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&in->buyer, "{'type':'draw','of':'ann','shape':" LINE "}");
    client_say(&agent, "{'type':'leave','id':'l'}");
    client_forget(&agent);
    client_say(&agent, "{'type':'join','id':'again','case':'%s'}", in->c.id.text);
    client_expect(&agent, "joined");
    assert_false(client_has(&agent, "drawings"));
    client_free(&agent);
}

/** The last thing kept. */
static const char *last_kept(struct in_room *in)
{
    static char text[64];
    json_t *items = kept(in, unix_us(in) - 3600000000 + 1000);
    json_t *item = json_array_get(items, json_array_size(items) - 1);
    snprintf(text, sizeof text, "%s by %s", text_at(item, "op"), text_at(item, "by"));
    json_decref(items);
    return text;
}

static void test_nothing_is_kept_without_consent(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&agent, "{'type':'draw','id':'1','of':'bo','shape':{'id':'s1','kind':'text','text':"
                       "'x','points':[[0,0]],'done':true}}");
    client_expect(&agent, "ok");
    client_expect(&in->buyer, "drawn");
    assert_string_equal(last_kept(in), " by ");
    client_free(&agent);
}

/** Another picture: what was drawn would lie on other places. */
static void test_another_picture_is_a_clean_one(void **state)
{
    static const char *const says[] = {
        "{'type':'camera_state','state':{'region':{'x':0,'y':0,'width':0.5,'height':0.5}}}",
        "{'type':'camera_state','state':{'region':null}}",
        "{'type':'media_state','audio':true,'video':true,'facing':'user'}",
    };
    struct in_room *in = *state;
    struct client agent;
    consent(in);
    come_in(&agent, in, "ann", ROLE_AGENT);
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++) {
        client_say(&agent,
                   "{'type':'draw','of':'bo','shape':{'id':'s%d','kind':'text','text':'x',"
                   "'points':[[0,0]],'done':true}}",
                   (int)i);
        client_say(&agent, "{'type':'freeze','of':'bo','on':true}");
        client_forget(&agent);
        client_say(&in->buyer, "%s", says[i]);
        assert_string_equal(text_at(client_expect(&agent, "cleared"), "by"), "system");
        json_t *frozen = client_expect(&agent, "frozen");
        assert_true(json_is_false(json_object_get(frozen, "on")));
        assert_string_equal(last_kept(in), "clear by system");
    }
    client_say(&in->buyer, "%s", says[1]); /* as it was */
    client_free(&agent);
}

static void test_who_froze_it_leaves(void **state)
{
    struct in_room *in = *state;
    struct client agent, other;
    consent(in);
    come_in(&agent, in, "ann", ROLE_AGENT);
    come_in(&other, in, "eve", ROLE_AGENT);
    client_say(&agent, "{'type':'draw','of':'bo','shape':" LINE "}");
    client_say(&agent, "{'type':'freeze','of':'bo','on':true}");
    client_forget(&other);
    client_say(&agent, "{'type':'leave','id':'l'}");
    json_t *frozen = client_expect(&other, "frozen");
    assert_true(json_is_false(json_object_get(frozen, "on")));
    assert_false(client_has(&other, "cleared"));
    client_free(&other);
    client_free(&agent);
}

static void test_a_death_clears(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    consent(in);
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&agent, "{'type':'draw','of':'bo','shape':{'id':'s1','kind':'text','text':'x',"
                       "'points':[[0,0]],'done':true}}");
    assert_string_equal(last_kept(in), "draw by ann");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_drawings_restart(in->w.store, unix_us(in)), 0);
        json_t *items = kept(in, unix_us(in) - 3600000000 + 1000);
        assert_int_equal(json_array_size(items), 3); /* once */
        json_decref(items);
        assert_string_equal(last_kept(in), "clear by system");
    }
    client_free(&agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_stroke_is_seen_and_kept, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_newcomers_find_what_is_drawn, room_setup,
                                        room_teardown),
        cmocka_unit_test_setup_teardown(test_undo_and_clear, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_who_may, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_the_pointer_goes_by, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_a_foreign_still_freezes_nothing, room_setup,
                                        room_teardown),
        cmocka_unit_test_setup_teardown(test_it_goes_with_its_picture, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_kept_without_consent, room_setup,
                                        room_teardown),
        cmocka_unit_test_setup_teardown(test_another_picture_is_a_clean_one, room_setup,
                                        room_teardown),
        cmocka_unit_test_setup_teardown(test_who_froze_it_leaves, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_a_death_clears, room_setup, room_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
