// SPDX-License-Identifier: Apache-2.0
/* Offers and answers, and what the engine tells. */
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

static void test_offer_and_answer(void **state)
{
    struct in_room *in = *state;
    client_say(&in->buyer,
               "{'type':'offer','id':'1','sdp':'v=0\\r\\na=fingerprint:sha-256 AA\\r\\na=mid:2',"
               "'wants':{'2':{'identity':'ann'}}}");
    json_t *answer = client_expect(&in->buyer, "answer");
    assert_string_equal(text_at(answer, "re"), "1");
    assert_memory_equal(text_at(answer, "sdp"), "v=0", 3);
    assert_non_null(fake_media_last(in->w.media, "peer_add 1 bo ps others wants=1"));
    client_say(&in->buyer,
               "{'type':'offer','id':'2','sdp':'v=0\\r\\na=fingerprint:sha-256 AA\\r\\n'}");
    assert_true(client_has(&in->buyer, "answer"));
    assert_int_equal(fake_media_count(in->w.media, "peer_offer 1"), 1);
    /* another certificate: the page made a new connection */
    client_say(&in->buyer,
               "{'type':'offer','id':'3','sdp':'v=0\\r\\na=fingerprint:sha-256 BB\\r\\n'}");
    assert_non_null(fake_media_last(in->w.media, "peer_remove 1"));
    assert_non_null(fake_media_last(in->w.media, "peer_add 2 bo"));
}

static void test_wants_of_no_line(void **state)
{
    struct in_room *in = *state;
    client_say(&in->buyer, "{'type':'offer','id':'1','sdp':'v=0\\r\\na=mid:22\\r\\na=mid:1',"
                           "'wants':{'1':{'identity':'ann'},'2':{'identity':'ann'}}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "invalid");
    assert_int_equal(fake_media_count(in->w.media, "peer_add"), 0);
}

static void test_refused_offer(void **state)
{
    struct in_room *in = *state;
    fake_media_refuse_next(in->w.media, ER_MALFORMED, "line 3 is no SDP");
    client_say(&in->buyer, "{'type':'offer','id':'1','sdp':'v=0'}");
    json_t *error = client_expect(&in->buyer, "error");
    assert_string_equal(text_at(error, "code"), "invalid");
    assert_string_equal(text_at(error, "message"), "line 3 is no SDP");
    client_say(&in->buyer, "{'type':'offer','id':'2','sdp':'v=0'}");
    assert_true(client_has(&in->buyer, "answer"));
    assert_non_null(fake_media_last(in->w.media, "peer_add 2 bo"));
}

static void test_events_become_messages(void **state)
{
    struct in_room *in = *state;
    struct client agent, late;
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'offer','id':'1','sdp':'v=0'}");
    uint64_t peer = fake_media_last_peer(in->w.media);
    struct media_event e = {.type = MEDIA_PEER_CONNECTED, .room = in->c.room, .peer = peer};
    fake_media_say(in->w.media, &e);
    e.type = MEDIA_TRACK_ADDED;
    e.track = UINT64_C(0xfedcba9876543210);
    e.kind = MEDIA_VIDEO;
    memcpy(e.identity, "bo", 3);
    memcpy(e.label, "cam", 4);
    fake_media_say(in->w.media, &e);
    e.type = MEDIA_SLOT;
    memcpy(e.mid, "2", 2);
    fake_media_say(in->w.media, &e);
    e.track = 0;
    fake_media_say(in->w.media, &e);
    e.er = ER_UNSUPPORTED;
    fake_media_say(in->w.media, &e);
    assert_true(client_has(&in->buyer, "media_connected"));
    assert_false(client_has(&agent, "media_connected"));
    json_t *added = client_expect(&agent, "track_added");
    assert_string_equal(text_at(added, "track"), "18364758544493064720");
    assert_string_equal(text_at(added, "kind"), "video");
    assert_string_equal(text_at(added, "label"), "cam");
    json_t *slot = client_expect(&in->buyer, "slot");
    assert_string_equal(text_at(slot, "identity"), "bo");
    slot = client_expect(&in->buyer, "slot");
    assert_true(json_is_null(json_object_get(slot, "track")));
    assert_null(json_object_get(slot, "lacking"));
    slot = client_expect(&in->buyer, "slot");
    assert_string_equal(text_at(slot, "lacking"), "codec");
    client_hello(&late, &in->w, "al", ROLE_ARBITER, &in->c.id);
    assert_true(client_has(&late, "track_added"));
    e = (struct media_event){.type = MEDIA_PEER_GONE, .peer = peer, .er = ER_STALE};
    fake_media_say(in->w.media, &e);
    assert_string_equal(text_at(client_expect(&in->buyer, "media_gone"), "reason"), "timeout");
    assert_true(client_has(&agent, "track_removed"));
    assert_int_equal(world_events(&in->w, &in->c.id, "media_connected"), 1);
    assert_int_equal(world_events(&in->w, &in->c.id, "media_gone"), 1);
    client_say(&in->buyer, "{'type':'offer','id':'2','sdp':'v=0'}");
    assert_true(fake_media_last_peer(in->w.media) > peer);
    client_free(&agent);
    client_free(&late);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_offer_and_answer),
        IN_ROOM(test_refused_offer),
        IN_ROOM(test_wants_of_no_line),
        IN_ROOM(test_events_become_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
