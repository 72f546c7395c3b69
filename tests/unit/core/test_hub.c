// SPDX-License-Identifier: Apache-2.0
/* The hub's rooms and commands: what is refused, who meets whom, and how it all ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "tests/unit/support/fake_client.h"

static int open_hub(void **state)
{
    *state = fake_hub_new();
    return 0;
}

static int close_hub(void **state)
{
    fake_hub_free(*state);
    return 0;
}

static struct id other_room(struct fake_hub *f)
{
    return id_make(FAKE_HUB_UNIX_US, &f->entropy);
}

static void rooms_open_once(void **state)
{
    struct fake_hub *f = *state;
    struct id other = other_room(f);
    assert_int_equal(hub_room_open(f->hub, &f->room), ER_CONFLICT);
    assert_int_equal(fake_hub_counters(f)->rooms, 1);
    assert_int_equal(hub_room_close(f->hub, f->now_us, &other), ER_NOT_FOUND);
    assert_int_equal(hub_room_open(f->hub, &other), 0);
    assert_int_equal(fake_hub_counters(f)->rooms, 2);
    assert_int_equal(hub_room_close(f->hub, f->now_us, &other), 0);
    assert_int_equal(hub_room_close(f->hub, f->now_us, &other), ER_NOT_FOUND);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
    hub_free(NULL);
}

static void refuses_what_is_not_there(void **state)
{
    struct fake_hub *f = *state;
    struct id other = other_room(f);
    struct media_peer_config config = {.peer = 9, .identity = "ann"};
    const struct media_event *e;
    hub_peer_add(f->hub, f->now_us, &other, &config, 5, "v=0\r\n", 5, NULL, 0);
    e = fake_hub_last(f, MEDIA_REFUSED);
    assert_int_equal(e->er, ER_NOT_FOUND);
    assert_int_equal(e->request, 5);
    assert_int_equal(e->peer, 9);
    assert_true(id_equal(&e->room, &other));
    hub_peer_add(f->hub, f->now_us, &f->room, &config, 6, "garbage", 7, NULL, 0);
    e = fake_hub_last(f, MEDIA_REFUSED);
    assert_int_equal(e->er, ER_MALFORMED);
    assert_int_equal(e->request, 6);
    assert_non_null(e->why);
    hub_peer_offer(f->hub, f->now_us, &f->room, 9, 7, "v=0\r\n", 5, NULL, 0);
    e = fake_hub_last(f, MEDIA_REFUSED);
    assert_int_equal(e->er, ER_NOT_FOUND); /* the first offer left nothing behind */
    assert_int_equal(fake_hub_counters(f)->peers, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
    hub_peer_remove(f->hub, f->now_us, &f->room, 9);
    hub_peer_remove(f->hub, f->now_us, &other, 9);
    hub_consent(f->hub, f->now_us, &other, "ann", true);
    hub_clip_stop(f->hub, f->now_us, &other, &other);
    assert_int_equal(f->event_count, 3);
    assert_int_equal(f->out_count, 0);
}

static void two_people_meet(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "ab vb");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ab vb");
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_CONNECTED), 2);
    assert_int_equal(fake_hub_counters(f)->handshakes_ok, 2);
    assert_int_equal(fake_hub_counters(f)->peers, 2);
    fake_client_stream(ann, 1);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 2);
    const struct media_event *e = fake_hub_last(f, MEDIA_TRACK_ADDED);
    assert_string_equal(e->identity, "ann");
    assert_string_equal(e->label, "label-1");
    assert_int_equal(e->peer, 1);
    assert_int_equal(e->kind, MEDIA_VIDEO);
    assert_int_equal(e->track, 7); /* ids as the configuration says: 3, 7, 11.. */
    assert_int_equal(fake_hub_counters(f)->tracks, 2);
    assert_int_equal(bob->rtp_count, 75);
    assert_int_equal(bob->unreadable, 0);
    assert_int_equal(ann->rtp_count, 0);
    assert_int_equal(histogram_total(&fake_hub_counters(f)->join), 2);
    assert_int_equal(histogram_total(&fake_hub_counters(f)->first_picture), 1); /* bob's */
    assert_int_equal(fake_hub_counters(f)->views, 2);
    assert_true(fake_hub_counters(f)->bytes_out > 75 * 20);
    fake_client_stream(bob, 1);
    assert_int_equal(ann->rtp_count, 75);
}

static void rooms_do_not_mix(void **state)
{
    struct fake_hub *f = *state;
    struct id first = f->room, other = other_room(f);
    struct fake_client *ann = fake_client_join(f, 1, "ann", "ab vb");
    assert_int_equal(hub_room_open(f->hub, &other), 0);
    f->room = other;
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ab vb");
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, 0);
    assert_true(id_equal(&fake_hub_last(f, MEDIA_TRACK_ADDED)->room, &first));
    hub_peer_remove(f->hub, f->now_us, &other, 1); /* not of this room */
    assert_int_equal(fake_hub_counters(f)->peers, 2);
}

static void a_peer_removed_hears_of_it(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar vr");
    fake_client_stream(ann, 0.2);
    fake_hub_forget(f);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    fake_hub_pump(f);
    assert_int_equal(dtls_get_state(ann->dtls), DTLS_CLOSED);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_GONE), 0);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_REMOVED), 2);
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT), 2); /* bob's lines show nothing now */
    assert_int_equal(fake_hub_last(f, MEDIA_SLOT)->track, 0);
    assert_int_equal(fake_hub_last(f, MEDIA_SLOT)->peer, bob->config.peer);
    assert_int_equal(fake_hub_counters(f)->tracks, 0);
    assert_int_equal(fake_hub_counters(f)->peers, 1);
    size_t before = bob->rtp_count;
    fake_client_stream(ann, 0.2); /* goes on sending: to nobody */
    assert_int_equal(bob->rtp_count, before);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 0);
}

static void closing_a_room_closes_what_is_in_it(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    fake_client_stream(ann, 0.2);
    struct media_clip_config clip = {.clip = other_room(f), .publisher = "ann", .path = "/x"};
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    hub_clip_start(f->hub, f->now_us, &f->room, &clip);
    fake_client_stream(ann, 0.2);
    assert_int_equal(fake_hub_counters(f)->clips_recording, 1);
    assert_int_equal(hub_room_close(f->hub, f->now_us, &f->room), 0);
    fake_hub_pump(f);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
    assert_int_equal(dtls_get_state(ann->dtls), DTLS_CLOSED);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_GONE), 0);
    const struct media_counters *n = fake_hub_counters(f);
    assert_int_equal(n->rooms + n->peers + n->tracks + n->clips_recording, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
    assert_int_equal(hub_room_open(f->hub, &f->room), 0); /* and it may open again */
}

static void nobody_is_shown_anything_while_a_room_closes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vs");
    struct fake_client *eve = fake_client_join(f, 3, "eve", "vr");
    fake_client_stream(bob, 0.2);
    fake_client_stream(ann, 0.2);
    fake_hub_forget(f);
    size_t before = eve->rtp_count;
    assert_int_equal(hub_room_close(f->hub, f->now_us, &f->room), 0);
    fake_hub_pump(f);
    assert_int_equal(eve->rtp_count, before);
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT), 0);
    assert_int_equal(dtls_get_state(eve->dtls), DTLS_CLOSED);
}

static void close_all_says_good_bye(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar vr");
    fake_client_stream(ann, 0.2);
    struct media_clip_config clip = {.clip = other_room(f), .publisher = "ann", .path = "/x"};
    hub_consent(f->hub, f->now_us, &f->room, "ann", true);
    hub_clip_start(f->hub, f->now_us, &f->room, &clip);
    hub_close_all(f->hub, f->now_us);
    fake_hub_pump(f);
    assert_int_equal(dtls_get_state(ann->dtls), DTLS_CLOSED);
    assert_int_equal(dtls_get_state(bob->dtls), DTLS_CLOSED);
    assert_int_equal(fake_hub_steps(f, RECORD_CLOSE), 1);
}

/** What the socket does not take is dropped and counted; the call goes on. */
static void a_full_link_drops_and_counts(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar vr");
    fake_client_stream(ann, 0.2);
    size_t before = bob->rtp_count;
    f->link_full = true;
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, before);
    assert_in_range(fake_hub_counters(f)->packets_dropped_send, 15, 30);
    f->link_full = false;
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, before + 15);
}

/** What a viewer's path does not take at once leaves when it does, whatever else comes. */
static void what_was_held_back_leaves_by_itself(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    fake_hub_run(f, 50000);
    assert_int_equal(bob->rtp_count, 1);
    (void)downlink_sent(m->downlink, f->now_us, 38000, 0);
    uint64_t next_us = downlink_next_us(m->downlink);
    assert_true(next_us > f->now_us + 10000 && next_us < f->now_us + 29000);
    fake_client_media(ann, 0, 501, 93000, 0);
    assert_int_equal(bob->rtp_count, 1);
    fake_hub_run(f, next_us - f->now_us + 1000);
    assert_int_equal(bob->rtp_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rooms_open_once),
        TEST(refuses_what_is_not_there),
        TEST(two_people_meet),
        TEST(rooms_do_not_mix),
        TEST(a_peer_removed_hears_of_it),
        TEST(closing_a_room_closes_what_is_in_it),
        TEST(nobody_is_shown_anything_while_a_room_closes),
        TEST(close_all_says_good_bye),
        TEST(a_full_link_drops_and_counts),
        TEST(what_was_held_back_leaves_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
