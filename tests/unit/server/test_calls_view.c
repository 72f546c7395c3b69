// SPDX-License-Identifier: Apache-2.0
/* The room as the API shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/media.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_media.h"

static void take_view(void *ctx, int er, const char *why, const json_t *body)
{
    (void)why;
    *(json_t **)ctx = er ? json_integer(er) : json_deep_copy(body);
}

static void test_people(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    json_t *view = NULL;
    world_start(&w);
    struct store_case c = world_case(&w, "bo"), d = world_case(&w, "di");
    struct claims claims = world_claims("bo", ROLE_BUYER, &c.id);
    calls_room_view(w.calls, &claims, c.room.text, take_view, &view);
    world_settle(&w);
    assert_int_equal(json_array_size(json_object_get(view, "people")), 0);
    json_decref(view);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    calls_room_view(w.calls, &claims, c.room.text, take_view, &view);
    world_settle(&w);
    assert_string_equal(text_at(view, "people.0.identity"), "bo");
    json_decref(view);
    calls_room_view(w.calls, &claims, d.room.text, take_view, &view);
    world_settle(&w);
    assert_int_equal(json_integer_value(view), ER_DENIED);
    json_decref(view);
    calls_room_view(w.calls, &claims, "nonsense", take_view, &view);
    assert_int_equal(json_integer_value(view), ER_NOT_FOUND);
    json_decref(view);
    client_free(&buyer);
    world_stop(&w);
}

static struct media_room_stats *figures(uint64_t peer)
{
    struct media_room_stats *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->tracks = calloc(1, sizeof *s->tracks);
    s->slots = calloc(2, sizeof *s->slots);
    assert_true(s->tracks && s->slots);
    s->track_count = 1;
    s->slot_count = 2;
    s->tracks[0] = (struct media_track_stats){.track = 9,
                                              .peer = peer,
                                              .identity = "bo",
                                              .kind = MEDIA_VIDEO,
                                              .codec = CODEC_VP8,
                                              .width = 640,
                                              .height = 480,
                                              .bitrate_bps = 900000,
                                              .layer_count = 1};
    s->tracks[0].layers[0] = (struct media_layer_stats){
        .temporal = 1, .width = 320, .height = 240, .bitrate_bps = 77};
    s->slots[0] = (struct media_slot_stats){.peer = peer,
                                            .track = 9,
                                            .identity = "ann",
                                            .mid = "2",
                                            .kind = MEDIA_VIDEO,
                                            .estimate_bps = 1234567,
                                            .state = MEDIA_SLOT_SLIDESHOW,
                                            .encoding = 2,
                                            .width = 640};
    s->slots[1] = (struct media_slot_stats){.peer = peer, .identity = "ann", .mid = "3"};
    return s;
}

static void test_figures(void **state)
{
    struct in_room *in = *state;
    json_t *view = NULL;
    struct claims claims = world_claims("bo", ROLE_BUYER, &in->c.id);
    client_say(&in->buyer, "{'type':'offer','id':'1','sdp':'v=0'}");
    client_say(&in->buyer, "{'type':'stats','id':'2','quality':'poor','why':'stalled','rtt_ms':40,"
                           "'lines':{'2':{'fps':12,'freezes':3,'concealed_permille':15}}}");
    assert_true(client_has(&in->buyer, "ok"));
    fake_media_next_stats(in->w.media, figures(fake_media_last_peer(in->w.media)));
    calls_room_view(in->w.calls, &claims, in->c.room.text, take_view, &view);
    world_settle(&in->w);
    assert_string_equal(text_at(view, "people.0.network.quality"), "poor");
    assert_string_equal(text_at(view, "people.0.network.why"), "stalled");
    assert_string_equal(text_at(view, "tracks.0.codec"), "VP8");
    json_t *track = json_array_get(json_object_get(view, "tracks"), 0);
    json_t *layer = json_array_get(json_object_get(track, "layers"), 0);
    assert_int_equal(json_integer_value(json_object_get(layer, "temporal")), 1);
    assert_int_equal(json_integer_value(json_object_get(layer, "bitrate_bps")), 77);
    assert_string_equal(text_at(view, "subscriptions.0.state"), "slideshow");
    assert_string_equal(text_at(view, "subscriptions.0.mid"), "2");
    json_t *slot = json_array_get(json_object_get(view, "subscriptions"), 0);
    assert_int_equal(json_integer_value(json_object_get(slot, "estimate_bps")), 1234567);
    json_t *seen = json_object_get(slot, "seen");
    assert_int_equal(json_integer_value(json_object_get(seen, "freezes")), 3);
    assert_int_equal(json_integer_value(json_object_get(seen, "fps")), 12);
    slot = json_array_get(json_object_get(view, "subscriptions"), 1);
    assert_null(json_object_get(slot, "seen"));
    assert_null(json_object_get(slot, "state"));
    json_decref(view);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people),
        IN_ROOM(test_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
