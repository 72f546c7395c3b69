// SPDX-License-Identifier: Apache-2.0
/* Clips: consent first, the row before the recording, states as they change, repair at the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_sql.h"
#include "tests/unit/support/clip_request.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

static void test_needs_consent_and_right(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo"), d = world_case(&w, "di");
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    struct claims other = world_claims("ann", ROLE_AGENT, &d.id);
    struct claims nobody = world_claims("bo", ROLE_BUYER, &c.id);
    assert_int_equal(clip_request_start(&w, &agent, c.room.text, NULL).er, ER_CONFLICT);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    assert_int_equal(clip_request_start(&w, &agent, c.room.text, NULL).er, ER_CONFLICT);
    assert_int_equal(clip_request_start(&w, &agent, c.room.text, "nobody").er, ER_NOT_FOUND);
    assert_int_equal(clip_request_start(&w, &nobody, c.room.text, NULL).er, ER_DENIED);
    assert_int_equal(clip_request_start(&w, &other, c.room.text, NULL).er, ER_DENIED);
    assert_int_equal(clip_request_start(&w, &agent, "nonsense", NULL).er, ER_NOT_FOUND);
    assert_int_equal(fake_media_count(w.media, "clip_start"), 0);
    client_free(&buyer);
    world_stop(&w);
}

static void test_life_of_a_clip(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    struct clip_request r = clip_request_start(&in->w, &agent, in->c.room.text, NULL);
    assert_int_equal(r.er, 0);
    assert_string_equal(r.state, "recording");
    assert_string_equal(text_at(client_expect(&in->buyer, "clip"), "clip.state"), "recording");
    json_t *recording = client_expect(&in->buyer, "recording");
    assert_true(json_is_true(json_object_get(recording, "on")));
    assert_string_equal(text_at(recording, "clips.0"), r.clip);
    assert_string_equal(clip_request_row(&in->w, r.clip).publisher, "bo");
    char path[160];
    (void)snprintf(path, sizeof path, "clip_start %s bo %s/blobs/%.2s/%s", r.clip, in->w.data,
                   r.clip, r.clip);
    assert_string_equal(fake_media_last(in->w.media, "clip_start"), path);

    struct clip_request stop = {0};
    calls_clip_stop(in->w.calls, &agent, r.clip, clip_request_answer, &stop);
    world_settle(&in->w);
    assert_int_equal(stop.er, 0);
    assert_string_equal(text_at(client_expect(&in->buyer, "clip"), "clip.state"), "ready");
    recording = client_expect(&in->buyer, "recording");
    assert_true(json_is_false(json_object_get(recording, "on")));
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_READY);
    assert_int_equal(clip_request_row(&in->w, r.clip).duration_ms, 10000);
    assert_int_equal(world_events(&in->w, &in->c.id, "clip_ready"), 1);
    calls_clip_stop(in->w.calls, &agent, r.clip, clip_request_answer, &stop);
    world_settle(&in->w);
    assert_int_equal(stop.er, 0);
    assert_string_equal(stop.state, "ready");
}

static struct clip_request start_past(struct world *w, const char *room, unsigned seconds,
                                      bool ends)
{
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    const struct calls_past past = {.seconds = seconds, .ends = ends};
    struct clip_request r = {0};
    calls_clip_start_past(w->calls, &agent, room, NULL, "cup", &past, clip_request_answer, &r);
    world_settle(w);
    assert_int_equal(r.calls, 1);
    return r;
}

static void test_looks_back(void **state)
{
    struct in_room *in = *state;
    char line[96];
    fake_media_manual_clips(in->w.media);
    assert_int_equal(start_past(&in->w, in->c.room.text, 60, true).er, ER_CONFLICT);
    clip_request_consent(&in->buyer, &in->c);
    assert_int_equal(start_past(&in->w, in->c.room.text, 61, true).er, ER_INVALID);
    struct clip_request r = start_past(&in->w, in->c.room.text, 60, true);
    assert_int_equal(r.er, 0);
    (void)snprintf(line, sizeof line, "clip_past %s 60000 ends", r.clip);
    assert_string_equal(fake_media_last(in->w.media, "clip_past"), line);
    assert_string_equal(clip_request_row(&in->w, r.clip).kind, "lookback");
    struct media_event e = {.type = MEDIA_CLIP_STARTED, .unix_us = 1700000000000000u};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    client_forget(&in->buyer);
    fake_media_say(in->w.media, &e); /* nothing is recorded any more: nobody is told so */
    json_t *recording = client_expect(&in->buyer, "recording");
    assert_true(json_is_false(json_object_get(recording, "on")));

    r = start_past(&in->w, in->c.room.text, 10, false);
    assert_int_equal(r.er, 0);
    (void)snprintf(line, sizeof line, "clip_past %s 10000 goes on", r.clip);
    assert_string_equal(fake_media_last(in->w.media, "clip_past"), line);
    assert_string_equal(clip_request_row(&in->w, r.clip).kind, "clip");
}

static void test_full_disk_is_told(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    fake_media_manual_clips(in->w.media);
    struct clip_request r = clip_request_start(&in->w, &agent, in->c.room.text, "bo");
    struct media_event e = {.type = MEDIA_CLIP_FAILED, .er = ER_IO};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    client_forget(&in->buyer);
    fake_media_say(in->w.media, &e);
    assert_string_equal(text_at(client_expect(&in->buyer, "notice"), "code"),
                        "recording_stopped_disk_full");
    json_t *clip = client_expect(&in->buyer, "clip");
    assert_string_equal(text_at(clip, "clip.state"), "failed");
    assert_string_equal(text_at(clip, "reason"), "io");
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_FAILED);
    client_say(&in->buyer, "{'type':'chat','text':'the call goes on'}");
    assert_true(client_has(&in->buyer, "chat"));
}

static void test_full_store_queue_is_told(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    fake_media_manual_clips(in->w.media);
    struct clip_request r = clip_request_start(&in->w, &agent, in->c.room.text, "bo");
    struct media_event e = {.type = MEDIA_CLIP_READY, .result = {.duration_ms = 5}};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    client_say(&in->buyer, "{'type':'leave'}");
    world_settle(&in->w);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 0);
    fake_dbq_full(in->w.dbq, true);
    fake_media_say(in->w.media, &e);
    world_settle(&in->w);
    fake_dbq_full(in->w.dbq, false);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 1);
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_RECORDING);

    client_say(&in->buyer, "{'type':'join','case':'%s'}", in->c.id.text);
    client_publish(&in->buyer, &in->c.room, "bo");
    r = clip_request_start(&in->w, &agent, in->c.room.text, "bo");
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    fake_dbq_full(in->w.dbq, true);
    fake_media_say(in->w.media, &e);
    world_settle(&in->w);
    fake_dbq_full(in->w.dbq, false);
    assert_string_equal(text_at(client_expect(&in->buyer, "notice"), "code"), "clip_not_saved");
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_RECORDING);
    world_pass(&in->w, 6000);
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_READY);
}

/** What a full disk does to the store. */
static void writable(struct world *w, bool on)
{
    assert_int_equal(sqlite3_exec(w->store->db,
                                  on ? "PRAGMA query_only = OFF" : "PRAGMA query_only = ON", NULL,
                                  NULL, NULL),
                     SQLITE_OK);
}

static void test_unwritten_end_is_told_and_written_later(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    fake_media_manual_clips(in->w.media);
    struct clip_request r = clip_request_start(&in->w, &agent, in->c.room.text, "bo");
    struct media_event e = {.type = MEDIA_CLIP_FAILED, .er = ER_IO};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    client_forget(&in->buyer);
    assert_int_equal(store_ping(in->w.store, 1), 0);
    writable(&in->w, false);
    fake_media_say(in->w.media, &e);
    world_settle(&in->w);
    json_t *clip = client_expect(&in->buyer, "clip");
    assert_string_equal(text_at(clip, "clip.state"), "failed");
    assert_string_equal(text_at(clip, "reason"), "io");
    json_t *recording = client_expect(&in->buyer, "recording");
    assert_true(json_is_false(json_object_get(recording, "on")));
    assert_int_equal(clip_request_row(&in->w, r.clip).state, CLIP_FAILED); /* from memory */
    assert_int_equal(world_events(&in->w, &in->c.id, "clip_failed"), 0);
    assert_int_equal(store_ping(in->w.store, 2), ER_IO);
    world_pass(&in->w, 6000);
    client_forget(&in->buyer);
    writable(&in->w, true);
    world_pass(&in->w, 6000);
    assert_int_equal(world_events(&in->w, &in->c.id, "clip_failed"), 1);
    assert_int_equal(store_ping(in->w.store, 3), 0);
    assert_false(client_has(&in->buyer, "clip"));
    writable(&in->w, false);
    assert_int_equal(store_ping(in->w.store, 9000000), ER_IO);
    writable(&in->w, true);
    world_pass(&in->w, 20000);
    assert_int_equal(world_events(&in->w, &in->c.id, "clip_failed"), 1);
}

static void test_unwritten_end_does_not_hold_the_drain(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    assert_int_equal(clip_request_start(&in->w, &agent, in->c.room.text, "bo").er, 0);
    writable(&in->w, false);
    calls_drain(in->w.calls, NULL, NULL);
    client_has(&in->buyer, "");
    assert_int_equal(in->buyer.closed, 1012);
    writable(&in->w, true);
}

static void test_no_clip_begins_while_draining(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    struct clip_request r = {0};
    calls_clip_start(in->w.calls, &agent, in->c.room.text, NULL, NULL, clip_request_answer, &r);
    calls_drain(in->w.calls, NULL, NULL);
    world_settle(&in->w);
    assert_int_equal(r.er, ER_CLOSED);
    assert_int_equal(fake_media_count(in->w.media, "clip_start"), 0);
}

static void test_bound_and_drain(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    for (int i = 0; i < LIMIT_CLIPS_PER_ROOM; i++)
        assert_int_equal(clip_request_start(&in->w, &agent, in->c.room.text, NULL).er, 0);
    assert_int_equal(clip_request_start(&in->w, &agent, in->c.room.text, NULL).er, ER_FULL);
    calls_drain(in->w.calls, NULL, NULL);
    assert_int_equal(clip_request_start(&in->w, &agent, in->c.room.text, NULL).er, ER_CLOSED);
    client_has(&in->buyer, "");
    assert_int_equal(in->buyer.closed, 1012);
    assert_int_equal(world_events(&in->w, &in->c.id, "clip_ready"), LIMIT_CLIPS_PER_ROOM);
}

static void test_room_waits_for_its_clips(void **state)
{
    struct in_room *in = *state;
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    clip_request_consent(&in->buyer, &in->c);
    fake_media_manual_clips(in->w.media);
    struct clip_request r = clip_request_start(&in->w, &agent, in->c.room.text, NULL);
    client_say(&in->buyer, "{'type':'bye'}");
    assert_int_equal(in->buyer.closed, 4410);
    assert_int_equal(fake_media_count(in->w.media, "clip_stop"), 1);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 0);
    struct media_event e = {.type = MEDIA_CLIP_READY, .result = {.duration_ms = 5}};
    assert_int_equal(id_parse(r.clip, &e.clip), 0);
    fake_media_say(in->w.media, &e);
    world_settle(&in->w);
    assert_int_equal(clip_request_row(&in->w, r.clip).duration_ms, 5);
    assert_int_equal(fake_media_count(in->w.media, "room_close"), 1);
}

static void test_repair_at_the_start(void **state)
{
    (void)state;
    struct world w;
    struct client buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    struct claims agent = world_claims("ann", ROLE_AGENT, NULL);
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    clip_request_consent(&buyer, &c);
    fake_media_manual_clips(w.media);
    struct clip_request r = clip_request_start(&w, &agent, c.room.text, NULL);
    buyer.link = NULL; /* as with a process that dies */
    world_restart(&w);
    world_settle(&w);
    assert_int_equal(fake_media_count(w.media, "clip_repair"), 1);
    assert_int_equal(clip_request_row(&w, r.clip).state, CLIP_READY);
    assert_true(clip_request_row(&w, r.clip).repaired);
    client_free(&buyer);
    world_stop(&w);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_consent_and_right),
        IN_ROOM(test_life_of_a_clip),
        IN_ROOM(test_looks_back),
        IN_ROOM(test_full_store_queue_is_told),
        IN_ROOM(test_no_clip_begins_while_draining),
        IN_ROOM(test_unwritten_end_is_told_and_written_later),
        IN_ROOM(test_unwritten_end_does_not_hold_the_drain),
        IN_ROOM(test_full_disk_is_told),
        IN_ROOM(test_bound_and_drain),
        IN_ROOM(test_room_waits_for_its_clips),
        cmocka_unit_test(test_repair_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
