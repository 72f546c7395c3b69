// SPDX-License-Identifier: Apache-2.0
/* A peer in a room: what offers add and take away, what it wishes to see, and how it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static const struct media_event *slot_event(struct fake_hub *f, const char *mid)
{
    for (size_t i = f->event_count; i-- > 0;)
        if (f->events[i].type == MEDIA_SLOT && strcmp(f->events[i].mid, mid) == 0)
            return &f->events[i];
    return NULL;
}

static void slots_wait_for_the_handshake(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *c = fake_client_new(f, 1, "ann");
    assert_true(fake_client_offer(c, "ar vr", NULL, 0));
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 1);
    assert_non_null(m);
    assert_int_equal(m->line_count, 2);
    assert_null(m->lines[0]->slot);
    fake_client_connect(c);
    assert_non_null(m->lines[0]->slot);
    assert_non_null(m->lines[1]->slot);
    assert_null(member_find(hub_find_room(f->hub, &f->room), 2));
}

static void renegotiation_adds_and_removes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar");
    fake_client_stream(ann, 0.2);
    size_t sound_only = bob->rtp_count;
    assert_int_equal(sound_only, 10);
    assert_true(fake_client_offer(bob, "ar vr", NULL, 0)); /* a line more */
    assert_string_equal(slot_event(f, "1")->identity, "ann");
    fake_hub_pump(f);
    assert_true(bob->rtp_count > sound_only); /* its picture at once, from the tape */
    size_t before = bob->rtp_count;
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, before + 15);
    assert_true(fake_client_offer(bob, "ar vx", NULL, 0)); /* and off again */
    before = bob->rtp_count;
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, before + 10);
    fake_hub_forget(f);
    assert_true(fake_client_offer(ann, "as vx", NULL, 0)); /* the publisher's camera is off */
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_REMOVED), 1);
    assert_int_equal(fake_hub_last(f, MEDIA_TRACK_REMOVED)->kind, MEDIA_VIDEO);
    assert_int_equal(fake_hub_counters(f)->tracks, 1);
    assert_true(fake_client_offer(ann, "as v0", NULL, 0));
    assert_true(fake_client_offer(ann, "as vs vs", NULL, 0)); /* on again, and a second one */
    fake_client_stream(ann, 0.2);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 2);
    assert_int_equal(fake_hub_counters(f)->tracks, 3);
}

static void a_bad_offer_changes_nothing(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_client_stream(ann, 0.2);
    hub_peer_offer(f->hub, f->now_us, &f->room, 1, 9, "nonsense", 8, NULL, 0);
    assert_int_equal(fake_hub_last(f, MEDIA_REFUSED)->er, ER_MALFORMED);
    assert_int_equal(fake_hub_last(f, MEDIA_REFUSED)->request, 9);
    assert_false(fake_client_offer(ann, "as", NULL, 0)); /* another kind */
    ann->kind[0] = 'v';
    ann->sends[0] = true;
    size_t before = bob->rtp_count;
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, before + 5);
}

static void wants_choose_what_is_shown(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vs");
    fake_client_stream(ann, 0.1);
    fake_client_stream(bob, 0.1);
    struct fake_client *eve = fake_client_new(f, 3, "eve");
    const struct media_want first[] = {{.mid = "1", .identity = "bob"},
                                       {.mid = "7", .identity = "bob"}};
    assert_true(fake_client_offer(eve, "vr vr vr", first, 2));
    fake_client_connect(eve);
    assert_string_equal(slot_event(f, "1")->identity, "bob");
    assert_string_equal(slot_event(f, "0")->identity, "ann");
    uint64_t a = slot_event(f, "0")->track;
    assert_string_equal(slot_event(f, "2")->identity, "ann"); /* her other one */
    uint64_t b = slot_event(f, "2")->track;
    assert_true(a != b);
    struct media_want later = {.mid = "1", .identity = "ann", .track = b};
    assert_true(fake_client_offer(eve, "vr vr vr", &later, 1));
    assert_int_equal(slot_event(f, "1")->track, b);
    later = (struct media_want){.mid = "1", .identity = ""};
    assert_true(fake_client_offer(eve, "vr vr vr", &later, 1)); /* as the peer picks */
    assert_string_equal(slot_event(f, "1")->identity, "bob");
}

static void wants_end_with_the_line(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vs");
    fake_client_stream(ann, 0.1);
    fake_client_stream(bob, 0.1);
    struct fake_client *eve = fake_client_join(f, 3, "eve", "vr");
    assert_string_equal(slot_event(f, "0")->identity, "ann");
    size_t before = eve->rtp_count;
    struct media_want bobs = {.mid = "0", .identity = "bob"};
    assert_true(fake_client_offer(eve, "vx", &bobs, 1)); /* off, whatever is wished for it */
    fake_hub_pump(f);
    assert_int_equal(eve->rtp_count + eve->unreadable, before);
    assert_true(fake_client_offer(eve, "vr", NULL, 0)); /* the same line remembers */
    assert_string_equal(slot_event(f, "0")->identity, "bob");
    assert_true(fake_client_offer(eve, "v0", NULL, 0));
    assert_true(fake_client_offer(eve, "vr", NULL, 0)); /* another in its place does not */
    assert_string_equal(slot_event(f, "0")->identity, "ann");
}

static void ssrcs_given_up_are_forgotten(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *eve = fake_client_join(f, 2, "eve", "vr");
    fake_client_stream(ann, 0.2);
    const struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    uint32_t first = m->peer->negotiation.lines[0].local_ssrc;
    assert_true(fake_client_offer(eve, "vx", NULL, 0));
    assert_true(fake_client_offer(eve, "vr", NULL, 0));
    fake_client_stream(ann, 0.2);
    uint32_t second = m->peer->negotiation.lines[0].local_ssrc;
    assert_true(first && second && first != second);
    assert_int_equal(srtp_pair_forget(m->peer->srtp, first), ER_NOT_FOUND);
    assert_int_equal(srtp_pair_forget(m->peer->srtp, second), 0);
}

static void peers_pick_main_or_a_person(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *buyer = fake_client_new(f, 1, "buyer");
    buyer->config.rank = 1;
    assert_true(fake_client_offer(buyer, "vs", NULL, 0));
    fake_client_connect(buyer);
    fake_client_join(f, 2, "agent", "vs");
    fake_client_stream(f->clients[1], 0.1);
    fake_client_stream(buyer, 0.1);
    struct fake_client *c = fake_client_new(f, 3, "tv");
    c->config.pick = MEDIA_PICK_MAIN;
    assert_true(fake_client_offer(c, "vr", NULL, 0));
    fake_client_connect(c);
    assert_string_equal(fake_hub_last(f, MEDIA_SLOT)->identity, "buyer");
    c = fake_client_new(f, 4, "tv");
    c->config.pick = MEDIA_PICK_PERSON;
    memcpy(c->config.pick_identity, "agent", 6);
    assert_true(fake_client_offer(c, "vr", NULL, 0));
    fake_client_connect(c);
    assert_string_equal(fake_hub_last(f, MEDIA_SLOT)->identity, "agent");
}

static void nobody_subscribes_without_the_right(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *eve = fake_client_new(f, 2, "eve");
    eve->config.may_subscribe = false;
    assert_true(fake_client_offer(eve, "vb", NULL, 0));
    fake_client_connect(eve);
    fake_client_stream(ann, 0.2);
    assert_int_equal(eve->rtp_count, 0);
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT), 0);
}

static void who_never_connects_goes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *c = fake_client_new(f, 1, "ann");
    assert_true(fake_client_offer(c, "vs", NULL, 0));
    fake_hub_run(f, LIMIT_CONNECT_TIMEOUT_US - 1);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_GONE), 0);
    fake_hub_run(f, 1);
    assert_int_equal(fake_hub_last(f, MEDIA_PEER_GONE)->er, ER_AGAIN);
    assert_int_equal(fake_hub_counters(f)->peers, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
}

static void who_falls_silent_goes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_stream(ann, 1);
    fake_hub_run(f, LIMIT_CONSENT_TIMEOUT_US);
    assert_int_equal(fake_hub_last(f, MEDIA_PEER_GONE)->er, ER_STALE);
    assert_int_equal(fake_hub_last(f, MEDIA_PEER_GONE)->peer, 1);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_REMOVED), 1);
    assert_int_equal(fake_hub_counters(f)->peers, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
}

static void who_says_good_bye_goes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    const uint8_t *data;
    size_t len;
    dtls_close(ann->dtls);
    assert_true(dtls_output(ann->dtls, &data, &len));
    fake_client_send(ann, &ann->at, data, len);
    assert_int_equal(fake_hub_last(f, MEDIA_PEER_GONE)->er, ER_CLOSED);
    assert_int_equal(fake_hub_counters(f)->peers, 0);
}

static void a_wrong_certificate_goes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *eve = fake_client_new(f, 1, "eve");
    struct dtls_identity *other;
    assert_true(fake_client_offer(eve, "vs", NULL, 0));
    fake_client_check_from(eve, &eve->at);
    assert_int_equal(dtls_identity_new(&other), 0);
    assert_int_equal(
        dtls_new(&eve->dtls, other, false, span_of("sha-256"), span_of(eve->remote_fingerprint)),
        0);
    assert_int_equal(dtls_start(eve->dtls, f->now_us), 0);
    const uint8_t *data;
    size_t len;
    while (dtls_output(eve->dtls, &data, &len))
        fake_client_send(eve, &eve->at, data, len);
    fake_hub_pump(f);
    assert_int_equal(fake_hub_last(f, MEDIA_PEER_GONE)->er, ER_UNAUTHENTIC);
    assert_int_equal(fake_hub_counters(f)->handshakes_failed, 1);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_CONNECTED), 0);
    dtls_free(eve->dtls);
    eve->dtls = NULL;
    dtls_identity_free(other);
}

static struct fake_client *join_with(struct fake_hub *f, uint64_t peer, const char *identity,
                                     enum fake_video video, const char *lines)
{
    struct fake_client *c = fake_client_new(f, peer, identity);
    c->video = video;
    assert_true(fake_client_offer(c, lines, NULL, 0));
    fake_client_connect(c);
    return c;
}

static const struct negotiation *agreed_with(struct fake_hub *f, uint64_t peer)
{
    return &member_find(hub_find_room(f->hub, &f->room), peer)->peer->negotiation;
}

static void publishers_are_asked_for_what_all_can_see(void **state)
{
    struct fake_hub *f = *state;
    join_with(f, 1, "ann", FAKE_VP8_AND_VP9, "vs");
    assert_int_equal(agreed_with(f, 1)->prefer, 0); /* nobody views */
    join_with(f, 2, "bob", FAKE_VP8_AND_VP9, "vr as");
    join_with(f, 3, "eve", FAKE_VP8, "vr");
    struct fake_client *zoe = join_with(f, 4, "zoe", FAKE_VP8_AND_VP9, "vb");
    assert_int_equal(agreed_with(f, 4)->prefer, 1u << CODEC_VP8);
    join_with(f, 5, "max", FAKE_VP9, "vr");
    assert_true(fake_client_offer(zoe, "vb", NULL, 0));
    assert_int_equal(agreed_with(f, 4)->prefer, 0); /* there is no such codec */
}

static void viewers_without_the_codec_are_told(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = join_with(f, 1, "ann", FAKE_VP8_AND_VP9, "vs");
    struct fake_client *bob = join_with(f, 2, "bob", FAKE_VP9, "vr");
    assert_int_equal(fake_hub_last(f, MEDIA_SLOT)->er, 0);
    fake_client_media(ann, 0, 1, 0, FAKE_MEDIA_KEY);
    const struct media_event *told = fake_hub_last(f, MEDIA_SLOT);
    assert_int_equal(told->peer, 2);
    assert_true(told->track == 0 && told->er == ER_UNSUPPORTED);
    assert_int_equal(bob->rtp_count, 0);
    /* the publisher goes over to what bob has: another track */
    fake_client_media(ann, 0, 2, 3000, FAKE_MEDIA_VP9);
    assert_int_equal(bob->rtp_count, 0); /* not at once */
    fake_hub_run(f, 1100000);
    fake_client_media(ann, 0, 3, 102000, FAKE_MEDIA_VP9);
    told = fake_hub_last(f, MEDIA_SLOT);
    assert_true(told->track != 0 && told->er == 0);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_REMOVED), 1);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 2);
    assert_int_equal(bob->rtp_count, 1);
    assert_int_equal(bob->rtp[0].payload_type, FAKE_PT_VP9);
}

static void an_ice_restart_keeps_the_call(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    char before[64];
    memcpy(before, ann->remote_ufrag, sizeof before);
    ann->ufrag = "anew";
    assert_true(fake_client_offer(ann, "vs", NULL, 0));
    assert_string_not_equal(before, ann->remote_ufrag);
    ann->at = fake_client_path("203.0.113.9", 777);
    unsigned answers = ann->stun_answers;
    fake_client_check_from(ann, &ann->at);
    assert_int_equal(ann->stun_answers, answers + 1);
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, 5);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_MOVED), 1);
    assert_int_equal(map_count(f->hub->ufrags), 2);
}

static void an_ice_restart_works_on_a_full_server(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    char other[16];
    for (unsigned i = 0; i + 1 < LIMIT_PEERS; i++) {
        snprintf(other, sizeof other, "other%u", i);
        assert_int_equal(map_add_str(f->hub->ufrags, other, f), 0);
    }
    ann->ufrag = "anew";
    assert_true(fake_client_offer(ann, "vs", NULL, 0));
    unsigned answers = ann->stun_answers;
    fake_client_check_from(ann, &ann->at);
    assert_int_equal(ann->stun_answers, answers + 1);
}

static void a_connection_that_ends_takes_its_path_along(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_new(f, 2, "bob");
    bob->at.via = 77;
    assert_true(fake_client_offer(bob, "vr", NULL, 0));
    assert_false(hub_has_path(f->hub, &bob->at));
    fake_client_connect(bob);
    assert_true(hub_has_path(f->hub, &bob->at));
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, 5);
    struct path before = bob->at;
    hub_path_gone(f->hub, f->now_us, &before);
    hub_path_gone(f->hub, f->now_us, &before); /* told twice */
    assert_false(hub_has_path(f->hub, &before));
    fake_client_stream(ann, 0.2);
    assert_int_equal(bob->rtp_count, 5); /* nowhere to send to */
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_GONE), 0);
    fake_hub_forget(f);
    bob->at.via = 78; /* another connection, the same call */
    bob->at.remote.port++;
    fake_client_check_from(bob, &bob->at);
    fake_client_stream(ann, 0.2);
    assert_true(bob->rtp_count > 5);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_MOVED), 1);
    hub_peer_remove(f->hub, f->now_us, &f->room, 2);
    assert_int_equal(f->released_count, 2); /* the ended one too: whoever closed it knows */
    assert_true(path_equal(&f->released, &bob->at));
    assert_false(hub_has_path(f->hub, &bob->at));
}

static void connections_are_let_go_at_a_bound(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct path path = ann->at;
    for (uint32_t i = 1; i <= 3 * MEMBER_PATHS; i++) {
        path.via = i;
        f->now_us += 1000;
        fake_client_check_from(ann, &path);
        assert_true(hub_has_path(f->hub, &path));
    }
    assert_true(f->released_count >= 2 * MEMBER_PATHS);
    assert_int_equal(map_count(f->hub->paths), MEMBER_PATHS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slots_wait_for_the_handshake),
        TEST(renegotiation_adds_and_removes),
        TEST(a_bad_offer_changes_nothing),
        TEST(wants_choose_what_is_shown),
        TEST(wants_end_with_the_line),
        TEST(ssrcs_given_up_are_forgotten),
        TEST(peers_pick_main_or_a_person),
        TEST(nobody_subscribes_without_the_right),
        TEST(who_never_connects_goes),
        TEST(who_falls_silent_goes),
        TEST(who_says_good_bye_goes),
        TEST(a_wrong_certificate_goes),
        TEST(publishers_are_asked_for_what_all_can_see),
        TEST(viewers_without_the_codec_are_told),
        TEST(an_ice_restart_keeps_the_call),
        TEST(an_ice_restart_works_on_a_full_server),
        TEST(a_connection_that_ends_takes_its_path_along),
        TEST(connections_are_let_go_at_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
