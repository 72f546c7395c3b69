// SPDX-License-Identifier: Apache-2.0
/* Wishes to the engine, its hints and layers to the pages, and each person's network to the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/media.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

static void test_view_goes_to_the_engine(void **state)
{
    struct in_room *in = *state;
    client_say(&in->buyer, "{'type':'view','id':'1','mid':'2','paused':true}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "conflict");
    client_say(&in->buyer, "{'type':'offer','id':'2','sdp':'v=0'}");
    client_say(&in->buyer, "{'type':'view','id':'3','mid':'2','max_width':640,'max_height':360}");
    assert_true(client_has(&in->buyer, "ok"));
    assert_string_equal(fake_media_last(in->w.media, "view"), "view 1 2 640x360 layer=-1");
    client_forget(&in->buyer);
    client_say(&in->buyer, "{'type':'view','id':'4','mid':'2','paused':true,'layer':1}");
    assert_string_equal(fake_media_last(in->w.media, "view"), "view 1 2 paused 0x0 layer=1");
    fake_media_full(in->w.media, true);
    client_say(&in->buyer, "{'type':'view','id':'5','mid':'2'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "full");
    fake_media_full(in->w.media, false);
}

static void test_hint_and_layer_go_to_the_page(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'offer','id':'1','sdp':'v=0'}");
    struct media_event e = {.type = MEDIA_PUBLISH_HINT,
                            .room = in->c.room,
                            .peer = fake_media_last_peer(in->w.media),
                            .mid = "1",
                            .max_bps = 250000,
                            .slideshow = true,
                            .layers = true};
    fake_media_say(in->w.media, &e);
    e = (struct media_event){.type = MEDIA_SLOT_LAYER,
                             .room = in->c.room,
                             .peer = e.peer,
                             .mid = "3",
                             .width = 320,
                             .height = 240,
                             .state = MEDIA_SLOT_AUDIO_ONLY};
    fake_media_say(in->w.media, &e);
    json_t *hint = client_expect(&in->buyer, "publish_hint");
    assert_string_equal(text_at(hint, "mid"), "1");
    assert_int_equal(json_integer_value(json_object_get(hint, "max_bitrate_bps")), 250000);
    assert_true(json_is_true(json_object_get(hint, "slideshow")));
    assert_true(json_is_true(json_object_get(hint, "layers")));
    json_t *layer = client_expect(&in->buyer, "layer");
    assert_string_equal(text_at(layer, "mid"), "3");
    assert_string_equal(text_at(layer, "state"), "audio_only");
    assert_int_equal(json_integer_value(json_object_get(layer, "width")), 320);
    assert_false(client_has(&agent, "publish_hint") || client_has(&agent, "layer"));
    client_free(&agent);
}

static void test_network_is_told_to_the_others(void **state)
{
    struct in_room *in = *state;
    struct client agent, late;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'stats','quality':'poor','why':'loss','rtt_ms':90}");
    json_t *network = client_expect(&agent, "network");
    assert_string_equal(text_at(network, "identity"), "bo");
    assert_string_equal(text_at(network, "network.quality"), "poor");
    assert_string_equal(text_at(network, "network.why"), "loss");
    assert_false(client_has(&in->buyer, "network"));
    client_forget(&agent);
    client_say(&in->buyer, "{'type':'stats','quality':'poor','why':'loss','rtt_ms':91}");
    client_say(&in->buyer, "{'type':'stats','quality':'good'}");
    assert_false(client_has(&agent, "network")); /* the same; then too soon */
    world_pass(&in->w, 2500);
    client_say(&in->buyer, "{'type':'stats','quality':'good'}");
    assert_string_equal(text_at(client_expect(&agent, "network"), "network.quality"), "good");
    client_hello(&late, &in->w, "al", ROLE_ARBITER, &in->c.id);
    json_t *roster = client_expect(&late, "roster");
    assert_string_equal(text_at(roster, "people.0.network.quality"), "good");
    client_free(&agent);
    client_free(&late);
}

static void test_viewers_are_left_out(void **state)
{
    (void)state;
    struct world w;
    struct client viewer, agent;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&viewer, &w, "vi", ROLE_VIEWER, &c.id);
    client_hello(&agent, &w, "ann", ROLE_AGENT, &c.id);
    client_say(&viewer, "{'type':'stats','id':'1','quality':'poor','why':'delay'}");
    assert_true(client_has(&viewer, "ok"));
    client_say(&agent, "{'type':'stats','quality':'fair'}");
    assert_false(client_has(&agent, "network") || client_has(&viewer, "network"));
    client_free(&viewer);
    client_free(&agent);
    world_stop(&w);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_view_goes_to_the_engine),
        IN_ROOM(test_hint_and_layer_go_to_the_page),
        IN_ROOM(test_network_is_told_to_the_others),
        cmocka_unit_test(test_viewers_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
