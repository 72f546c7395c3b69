// SPDX-License-Identifier: Apache-2.0
/* Bytes from the network: what is counted and dropped, whose an address is, and what a packet has to
 * prove before it moves anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/core/hub_private.h"
#include "media/wire/stun.h"
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

static void garbage_is_counted_by_kind(void **state)
{
    struct fake_hub *f = *state;
    const struct media_counters *n = fake_hub_counters(f);
    struct fake_client *c = fake_client_new(f, 1, "nobody");
    uint8_t big[LIMIT_DATAGRAM + 1] = {0x80, 96};
    uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    fake_client_send(c, &c->at, big, 0);
    fake_client_send(c, &c->at, big, sizeof big);
    fake_client_send(c, &c->at, big, 5); /* RTP cut short */
    assert_int_equal(n->rtp_bad, 3);
    fake_client_send(c, &c->at, big, 40);
    assert_int_equal(n->unknown_path, 1);
    fake_client_send(c, &c->at, (const uint8_t *)"\x80\xc8\0\1abcdefgh", 12); /* RTCP */
    assert_int_equal(n->unknown_path, 2);
    fake_client_send(c, &c->at, (const uint8_t *)"\x16\xfe\xff", 3); /* DTLS without a check */
    assert_int_equal(n->dtls_bad, 1);
    fake_client_send(c, &c->at, (const uint8_t *)"GET / HTTP/1.1\r\n", 16);
    fake_client_send(c, &c->at, (const uint8_t *)"\xff", 1);
    fake_client_send(c, &c->at, stun, 19);
    fake_client_send(c, &c->at, stun, 20); /* a request without a name */
    assert_int_equal(n->stun_bad, 4);
    assert_int_equal(n->dtls_bad, 1);
    assert_int_equal(n->packets_in, 10);
    assert_int_equal(f->out_count, 0);
    assert_int_equal(f->event_count, 0);
    assert_int_equal(n->packets_out + n->peers + n->tracks, 0);
    assert_true(hub_deadline_us(f->hub) == UINT64_MAX);
}

/** Every length and a flipped bit anywhere, of each kind a connected peer sends. */
static void send_damaged(struct fake_client *c, const uint8_t *good, size_t len)
{
    uint8_t bad[LIMIT_DATAGRAM];
    for (size_t cut = 1; cut < len; cut++)
        fake_client_send(c, &c->at, good, cut);
    for (size_t i = 0; i < len; i++) {
        memcpy(bad, good, len);
        bad[i] ^= (uint8_t)(1u << (i % 8));
        fake_client_send(c, &c->at, bad, len);
    }
}

static void damaged_packets_change_nothing(void **state)
{
    struct fake_hub *f = *state;
    const struct media_counters *n = fake_hub_counters(f);
    uint8_t packet[LIMIT_DATAGRAM];
    struct fake_client *c = fake_client_join(f, 1, "ann", "as vs");
    fake_hub_forget(f);
    size_t len = fake_client_write_media(c, 1, 10, 0, FAKE_MEDIA_KEY, packet);
    send_damaged(c, packet, len);
    assert_int_equal(n->tracks, 0);
    assert_int_equal(f->event_count, 0);
    assert_int_equal(f->out_count, 0);
    assert_true(n->rtp_unauthentic > len);
    uint64_t before = n->rtp_unauthentic;
    struct wr w = wr_make(packet, 200);
    rtcp_write_rr(&w, 5, NULL, 0);
    len = wr_len(&w);
    assert_int_equal(srtp_pair_protect_rtcp(c->srtp, packet, &len), 0);
    send_damaged(c, packet, len);
    assert_true(n->rtp_unauthentic > before + len);
    assert_int_equal(f->out_count, 0);
    fake_client_media(c, 1, 11, 0, FAKE_MEDIA_KEY); /* the whole one still counts */
    assert_int_equal(n->tracks, 1);
}

static void checks_need_the_password(void **state)
{
    struct fake_hub *f = *state;
    const struct media_counters *n = fake_hub_counters(f);
    struct fake_client *c = fake_client_new(f, 1, "ann");
    assert_true(fake_client_offer(c, "vs", NULL, 0));
    char good[64];
    memcpy(good, c->remote_pwd, sizeof good);
    c->remote_pwd[3] ^= 1;
    fake_client_check_from(c, &c->at);
    assert_int_equal(n->stun_unauthentic, 1);
    memcpy(c->remote_pwd, good, sizeof good);
    char ufrag[64];
    memcpy(ufrag, c->remote_ufrag, sizeof ufrag);
    memcpy(c->remote_ufrag, "nobody00", 9);
    fake_client_check_from(c, &c->at);
    memcpy(c->remote_ufrag, ufrag, sizeof ufrag);
    c->ufrag = "else";
    fake_client_check_from(c, &c->at); /* the pair must be whole */
    c->ufrag = "clnt";
    assert_int_equal(n->stun_unauthentic, 3);
    assert_int_equal(c->stun_answers + c->stun_errors, 0);
    fake_client_check_from(c, &c->at);
    assert_int_equal(c->stun_answers, 1);
}

static void replayed_media_is_dropped(void **state)
{
    struct fake_hub *f = *state;
    uint8_t packet[LIMIT_DATAGRAM];
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    size_t len = fake_client_write_media(ann, 0, 10, 0, FAKE_MEDIA_KEY, packet);
    for (int i = 0; i < 5; i++)
        fake_client_send(ann, &ann->at, packet, len);
    fake_hub_pump(f);
    assert_int_equal(bob->rtp_count, 1);
    assert_int_equal(fake_hub_counters(f)->rtp_unauthentic, 4);
}

/** After a rebinding media comes from an address nobody proved: it counts when its tag is right, and
 *  what is sent still goes to where the last check came from. */
static void media_after_a_rebinding(void **state)
{
    struct fake_hub *f = *state;
    const struct media_counters *n = fake_hub_counters(f);
    uint8_t packet[LIMIT_DATAGRAM];
    struct fake_client *ann = fake_client_join(f, 1, "ann", "ab vb");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ab vb");
    fake_client_stream(ann, 0.2);
    fake_client_stream(bob, 0.2);
    size_t heard = bob->rtp_count, got = ann->rtp_count;
    struct path home = ann->at, away = fake_client_path("203.0.113.5", 6000);
    size_t len = fake_client_write_media(ann, 1, ann->next_seq[1]++, 90000, 0, packet);
    fake_client_send(ann, &away, packet, len);
    assert_int_equal(n->unknown_path, 1);
    for (size_t i = 0; i < f->out_count; i++)
        assert_false(path_equal(&f->out[i].to, &away));
    fake_hub_pump(f);
    assert_int_equal(bob->rtp_count, heard + 1);
    /* A stranger who knows the SSRC gets nowhere. */
    len = fake_client_write_media(ann, 1, ann->next_seq[1]++, 93600, 0, packet);
    packet[len - 1] ^= 1;
    fake_client_send(ann, &away, packet, len);
    assert_int_equal(n->rtp_unauthentic, 1);
    fake_client_media(bob, 1, bob->next_seq[1]++, 90000, 0); /* to ann: to her old address */
    assert_int_equal(ann->rtp_count, got + 1);
    /* Her next check moves it. */
    ann->at = away;
    fake_client_check_from(ann, &away);
    assert_int_equal(fake_hub_count(f, MEDIA_PEER_MOVED), 1);
    fake_client_media(bob, 1, bob->next_seq[1]++, 93600, 0);
    assert_int_equal(ann->rtp_count, got + 2);
    assert_false(path_equal(&home, &ann->at));
}

static void the_newest_proof_owns_an_address(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vs");
    struct fake_client *eve = fake_client_join(f, 3, "eve", "vr vr");
    struct path shared = ann->at;
    fake_client_stream(ann, 0.2);
    size_t before = eve->rtp_count;
    fake_client_check_from(bob, &shared); /* bob shows up where ann was */
    bob->at = shared;
    fake_client_media(bob, 0, 0, 0, FAKE_MEDIA_KEY);
    assert_int_equal(eve->rtp_count, before + 1);
    /* And ann again: a check that only confirms what her peer knew gives the address back. */
    for (int i = 0; i < 20; i++) {
        fake_client_check_from(bob, &shared);
        fake_client_check_from(ann, &shared);
    }
    before = eve->rtp_count;
    fake_client_media(ann, 0, ann->next_seq[0]++, 90000, 0);
    assert_int_equal(eve->rtp_count, before + 1);
    /* When bob goes, the address stays hers. */
    hub_peer_remove(f->hub, f->now_us, &f->room, 2);
    fake_client_media(ann, 0, ann->next_seq[0]++, 93600, 0);
    assert_int_equal(eve->rtp_count, before + 2);
}

/** A source that was learnt goes with its track: nothing points to a member that is gone. */
static void sources_are_forgotten_with_their_track(void **state)
{
    struct fake_hub *f = *state;
    uint8_t packet[LIMIT_DATAGRAM];
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_stream(ann, 0.2);
    assert_int_equal(map_count(f->hub->sources), 1);
    assert_true(fake_client_offer(ann, "vx", NULL, 0));
    assert_int_equal(map_count(f->hub->sources), 0);
    assert_true(fake_client_offer(ann, "vs", NULL, 0));
    ann->ssrc[0] = 4711; /* not what the offer announced */
    fake_client_stream(ann, 0.2);
    assert_int_equal(map_count(f->hub->sources), 1);
    size_t len = fake_client_write_media(ann, 0, 1, 0, 0, packet);
    hub_peer_remove(f->hub, f->now_us, &f->room, 1);
    assert_int_equal(map_count(f->hub->sources), 0);
    assert_int_equal(map_count(f->hub->paths), 0);
    assert_int_equal(map_count(f->hub->ufrags), 0);
    struct path away = fake_client_path("203.0.113.5", 6000);
    fake_client_send(ann, &away, packet, len);
}

static void a_new_source_makes_a_new_track(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_client_stream(ann, 0.2);
    uint64_t first = fake_hub_last(f, MEDIA_TRACK_ADDED)->track;
    ann->ssrc[0] = 4711;
    fake_client_media(ann, 0, 60000, 0, FAKE_MEDIA_KEY); /* while the first is alive: no */
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 1);
    assert_int_equal(fake_hub_counters(f)->rtp_bad, 1);
    fake_hub_run(f, 600000);
    size_t before = bob->rtp_count;
    fake_client_media(ann, 0, 60001, 0, FAKE_MEDIA_KEY);
    assert_int_equal(fake_hub_last(f, MEDIA_TRACK_REMOVED)->track, first);
    assert_int_equal(fake_hub_count(f, MEDIA_TRACK_ADDED), 2);
    assert_int_equal(bob->rtp_count, before + 1);
    assert_int_equal(bob->rtp[before].seq, (uint16_t)(bob->rtp[before - 1].seq + 1));
}

static void retransmissions_fill_holes(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_client_media(ann, 0, 1, 0, FAKE_MEDIA_RTX); /* before there is a track: nothing */
    assert_int_equal(fake_hub_counters(f)->tracks, 0);
    fake_client_media(ann, 0, 100, 0, FAKE_MEDIA_KEY);
    fake_client_media(ann, 0, 102, 7200, 0);
    fake_hub_run(f, 20000);
    assert_int_equal(ann->nacks, 1);
    assert_int_equal(ann->nacked_count, 1);
    assert_int_equal(ann->nacked[0], 101);
    assert_int_equal(fake_hub_counters(f)->nacks_sent, 1);
    fake_client_media(ann, 0, 101, 3600, FAKE_MEDIA_RTX);
    assert_int_equal(fake_hub_counters(f)->retransmissions_received, 1);
    assert_int_equal(bob->rtp_count, 3);
    assert_int_equal(bob->rtp[2].seq, (uint16_t)(bob->rtp[0].seq + 1));
    assert_int_equal(bob->rtp[2].timestamp, bob->rtp[0].timestamp + 3600);
    assert_int_equal(bob->rtp[2].payload_type, FAKE_PT_VP8);
}

static void nobody_publishes_without_the_right(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *eve = fake_client_new(f, 1, "eve");
    eve->config.may_publish = false;
    assert_true(fake_client_offer(eve, "vb", NULL, 0));
    fake_client_connect(eve);
    fake_client_stream(eve, 0.2);
    assert_int_equal(fake_hub_counters(f)->tracks, 0);
    assert_true(fake_hub_counters(f)->rtp_bad > 0);
}

/** Redundant sound is unwrapped; a packet that did not come is had back from the one behind it. */
static void sound_is_had_back_from_redundancy(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 1);
    m->peer->negotiation.lines[0].payload_type[CODEC_RED] = FAKE_PT_RED;
    fake_client_media(ann, 0, 10, 48000, FAKE_MEDIA_RED);
    assert_int_equal(m->lines[0]->track->codec, CODEC_OPUS);
    fake_client_media(ann, 0, 12, 48000 + 2 * 960, FAKE_MEDIA_RED);
    assert_int_equal(bob->rtp_count, 3);
    const struct fake_rtp *own = &bob->rtp[1], *back = &bob->rtp[2];
    assert_int_equal(own->payload_len, 11);
    assert_memory_equal(own->head, "\xf8\x01", 2);
    assert_int_equal(back->payload_len, 4);
    assert_memory_equal(back->head, "\xf8\x09", 2);
    assert_int_equal(back->seq, (uint16_t)(own->seq - 1));
    assert_int_equal(back->timestamp, own->timestamp - 960);
    assert_int_equal(back->payload_type, FAKE_PT_OPUS);
    assert_int_equal(fake_hub_counters(f)->rtp_bad, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(garbage_is_counted_by_kind),         TEST(sound_is_had_back_from_redundancy),
        TEST(damaged_packets_change_nothing),     TEST(checks_need_the_password),
        TEST(replayed_media_is_dropped),          TEST(media_after_a_rebinding),
        TEST(the_newest_proof_owns_an_address),   TEST(sources_are_forgotten_with_their_track),
        TEST(a_new_source_makes_a_new_track),     TEST(retransmissions_fill_holes),
        TEST(nobody_publishes_without_the_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
