// SPDX-License-Identifier: Apache-2.0
/* What viewers get: their own numbers and types, extensions, retransmissions, and who is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

static void nack(struct fake_client *c, uint32_t media, uint16_t seq)
{
    uint8_t buf[200];
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_rr(&w, 1, NULL, 0);
    rtcp_write_nack(&w, 1, media, &seq, 1);
    fake_client_rtcp(c, &w);
}

static void packets_in_the_viewers_own_terms(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr ar");
    fake_client_media(ann, 1, 500, 90000, FAKE_MEDIA_KEY);
    fake_client_media(ann, 0, 700, 48000, 0);
    assert_int_equal(bob->rtp_count, 2);
    const struct fake_rtp *picture = &bob->rtp[0], *sound = &bob->rtp[1];
    assert_int_equal(picture->payload_type, FAKE_PT_VP8);
    assert_int_equal(sound->payload_type, FAKE_PT_OPUS);
    assert_string_equal(picture->mid, "0");
    assert_string_equal(sound->mid, "1");
    assert_int_equal(sound->audio_level, 0x80 | 30);
    assert_int_equal(picture->audio_level, -1);
    assert_true(picture->marker && !sound->marker);
    assert_true(picture->ssrc != sound->ssrc && picture->ssrc != ann->ssrc[1]);
    assert_int_equal(picture->payload_len, 11);
    assert_memory_equal(picture->head, "\x10\x10", 2);
    assert_memory_equal(sound->head, "\xf8\x01", 2);
}

/** With the first packet a viewer's path begins to be measured, whoever has it sent. */
static void the_first_packet_has_the_path_looked_at(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    assert_non_null(m->downlink);
    fake_client_media(ann, 0, 500, 90000, FAKE_MEDIA_KEY);
    assert_int_equal(bob->rtp_count, 1);
    assert_true(m->timer.at_us <= downlink_deadline_us(m->downlink));
}

static void the_mid_leads_only(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_client_stream(ann, 10);
    assert_int_equal(bob->rtp_count, 250);
    assert_string_equal(bob->rtp[0].mid, "0");
    assert_string_equal(bob->rtp[100].mid, "0");
    assert_string_equal(bob->rtp[249].mid, "");
}

static void retransmissions_use_rtx(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    fake_client_stream(ann, 1);
    assert_int_equal(bob->rtp_count, 25);
    struct fake_rtp lost = bob->rtp[7];
    nack(bob, lost.ssrc, lost.seq);
    assert_int_equal(bob->rtp_count, 26);
    const struct fake_rtp *again = &bob->rtp[25];
    assert_int_equal(again->payload_type, FAKE_PT_RTX);
    assert_int_equal(again->rtx_of, lost.seq);
    assert_int_equal(again->timestamp, lost.timestamp);
    assert_int_not_equal(again->ssrc, lost.ssrc);
    assert_int_equal(again->payload_len, lost.payload_len);
    uint16_t first = again->seq;
    nack(bob, lost.ssrc, lost.seq);
    assert_int_equal(bob->rtp_count, 28); /* twice, under numbers of their own */
    assert_int_equal(bob->rtp[27].seq, (uint16_t)(first + 2));
    assert_int_equal(fake_hub_counters(f)->retransmissions_sent, 3);
    assert_int_equal(fake_hub_counters(f)->nacks_received, 2);
    nack(bob, 12345, lost.seq); /* of no line */
    assert_int_equal(bob->rtp_count, 28);
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    assert_true(slot_probe(m->lines[0]->slot, f->now_us, 100)); /* nobody asked for that */
    assert_int_equal(fake_hub_counters(f)->probes_sent, 1);
    assert_int_equal(fake_hub_counters(f)->retransmissions_sent, 3);
}

/** Without RTX the packet itself goes again. SRTP must see the same bytes, or a nonce is used twice. */
static void without_rtx_the_same_bytes_go_again(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    m->peer->negotiation.lines[0].rtx_payload_type[CODEC_VP8] = 0xff;
    struct fake_datagram first = {.len = 0};
    for (uint16_t i = 0; i < 300; i++) {
        uint8_t packet[LIMIT_DATAGRAM];
        size_t len = fake_client_write_media(ann, 0, i, i * 3600u, i ? 0 : FAKE_MEDIA_KEY, packet);
        fake_client_send(ann, &ann->at, packet, len);
        for (size_t k = 0; k < f->out_count && i == 5; k++)
            if (path_equal(&f->out[k].to, &bob->at))
                first = f->out[k];
        fake_hub_pump(f);
    }
    assert_true(first.len > 0);
    uint16_t seq = bob->rtp[5].seq;
    uint8_t buf[200];
    size_t len;
    struct wr w = wr_make(buf, sizeof buf);
    rtcp_write_nack(&w, 1, bob->rtp[5].ssrc, &seq, 1);
    len = wr_len(&w);
    assert_int_equal(srtp_pair_protect_rtcp(bob->srtp, buf, &len), 0);
    fake_client_send(bob, &bob->at, buf, len);
    assert_int_equal(f->out_count, 1);
    assert_int_equal(f->out[0].len, first.len);
    assert_memory_equal(f->out[0].bytes, first.bytes, first.len);
}

static void slots_are_told_of(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    const struct media_event *e = fake_hub_last(f, MEDIA_SLOT);
    assert_int_equal(e->peer, bob->config.peer);
    assert_int_equal(e->track, 0);
    assert_string_equal(e->mid, "0");
    assert_string_equal(e->identity, "");
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_stream(ann, 0.1);
    e = fake_hub_last(f, MEDIA_SLOT);
    assert_int_equal(e->track, fake_hub_last(f, MEDIA_TRACK_ADDED)->track);
    assert_string_equal(e->identity, "ann");
    assert_int_equal(e->kind, MEDIA_VIDEO);
    assert_int_equal(fake_hub_count(f, MEDIA_SLOT), 2); /* each change once */
}

/** As they came, to viewers that agreed on them. */
static void dependency_descriptors_are_passed_on(void **state)
{
    struct fake_hub *f = *state;
    struct hub_room *room = hub_find_room(f->hub, &f->room);
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    struct fake_client *eve = fake_client_join(f, 3, "eve", "vr");
    for (uint64_t peer = 1; peer <= 2; peer++)
        member_find(room, peer)->peer->negotiation.lines[0].extensions.dependency_descriptor =
            FAKE_EXT_DESCRIPTOR;
    fake_client_media(ann, 0, 100, 0, FAKE_MEDIA_KEY | FAKE_MEDIA_DESCRIPTOR);
    fake_client_media(ann, 0, 101, 3000, FAKE_MEDIA_DESCRIPTOR);
    fake_client_media(ann, 0, 102, 6000, 0);
    assert_int_equal(bob->rtp_count, 3);
    assert_true(bob->rtp[0].descriptor_len > 16); /* with its structure: the two-byte form */
    assert_memory_equal(bob->rtp[0].descriptor, "\xca\x00\x64", 3);
    assert_string_equal(bob->rtp[0].mid, "0");
    assert_int_equal(bob->rtp[1].descriptor_len, 3);
    assert_memory_equal(bob->rtp[1].descriptor, "\xcb\x00\x65", 3);
    assert_int_equal(bob->rtp[2].descriptor_len, 0);
    assert_int_equal(bob->rtp[1].payload_len, 11);
    assert_int_equal(eve->rtp_count, 3);
    assert_int_equal(eve->rtp[0].descriptor_len, 0);
    nack(bob, bob->rtp[1].ssrc, bob->rtp[1].seq);
    assert_int_equal(bob->rtp[3].rtx_of, bob->rtp[1].seq);
    assert_memory_equal(bob->rtp[3].descriptor, "\xcb\x00\x65", 3);
}

/** Three bytes like the descriptors above, under whose id they come here: 300 ms at least, 10 s at most. */
static void viewers_are_asked_to_hold_pictures_back(void **state)
{
    struct fake_hub *f = *state;
    struct hub_room *room = hub_find_room(f->hub, &f->room);
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "vr");
    struct member *m = member_find(room, 2);
    m->peer->negotiation.lines[0].extensions.playout_delay = FAKE_EXT_DESCRIPTOR;
    fake_client_media(ann, 0, 100, 0, FAKE_MEDIA_KEY);
    assert_int_equal(bob->rtp_count, 1);
    assert_int_equal(bob->rtp[0].descriptor_len, 0); /* nothing to ask for so far */
    m->lines[0]->slot->hold = (struct hold){.told = true, .ms = 300};
    fake_client_media(ann, 0, 101, 3000, 0);
    assert_int_equal(bob->rtp[1].descriptor_len, 3);
    assert_memory_equal(bob->rtp[1].descriptor, "\x01\xe3\xe8", 3);
    m->lines[0]->slot->hold.ms = 0;
    nack(bob, bob->rtp[1].ssrc, bob->rtp[1].seq);
    assert_int_equal(bob->rtp[2].rtx_of, bob->rtp[1].seq);
    assert_memory_equal(bob->rtp[2].descriptor, "\x00\x03\xe8", 3);
}

/** Redundancy is each viewer's own matter: made for those who know it, whatever the publisher sends. */
static void sound_is_redundant_for_those_who_know_it(void **state)
{
    enum { BLOCK_BYTES = 11 };
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar");
    struct fake_client *eve = fake_client_join(f, 3, "eve", "ar");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    m->peer->negotiation.lines[0].payload_type[CODEC_RED] = FAKE_PT_RED;
    for (uint16_t i = 0; i < 3; i++)
        fake_client_media(ann, 0, i, 48000 + i * 960u, 0);
    assert_int_equal(bob->rtp_count, 3);
    assert_int_equal(bob->rtp[0].payload_type, FAKE_PT_RED);
    assert_int_equal(bob->rtp[0].payload_len, 1 + BLOCK_BYTES); /* nothing came before */
    assert_int_equal(bob->rtp[1].payload_len, 4 + 1 + 2 * BLOCK_BYTES);
    assert_int_equal(bob->rtp[1].head[0], 0x80 | FAKE_PT_OPUS);
    assert_int_equal(eve->rtp[2].payload_type, FAKE_PT_OPUS);
    assert_int_equal(eve->rtp[2].payload_len, BLOCK_BYTES);
    m->lines[0]->slot->lossy = true;
    fake_client_media(ann, 0, 3, 48000 + 3 * 960u, 0);
    assert_int_equal(bob->rtp[3].payload_len, 2 * 4 + 1 + 3 * BLOCK_BYTES);
    m->lines[0]->slot->very_lossy = true;
    fake_client_media(ann, 0, 4, 48000 + 4 * 960u, 0);
    assert_int_equal(bob->rtp[4].payload_len, 3 * 4 + 1 + 4 * BLOCK_BYTES);
}

/** Music in the best quality leaves no room for more than itself, and comes all the same. */
static void large_sound_is_sent_alone(void **state)
{
    enum { MUSIC_BYTES = 1275 };
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    m->peer->negotiation.lines[0].payload_type[CODEC_RED] = FAKE_PT_RED;
    for (uint16_t i = 0; i < 2; i++) {
        uint8_t packet[LIMIT_DATAGRAM] = {0};
        const struct rtp_header h = {.payload_type = FAKE_PT_OPUS,
                                     .seq = i,
                                     .timestamp = 48000 + i * 960u,
                                     .ssrc = ann->ssrc[0]};
        size_t header = (size_t)rtp_write_header(packet, sizeof packet, &h);
        size_t len = header + MUSIC_BYTES;
        packet[header] = 0xf8;
        assert_int_equal(srtp_pair_protect_rtp(ann->srtp, packet, &len), 0);
        fake_client_send(ann, &ann->at, packet, len);
        fake_hub_pump(f);
    }
    assert_int_equal(bob->rtp_count, 2);
    assert_int_equal(bob->rtp[1].payload_len, 1 + MUSIC_BYTES);
}

/** An offer may add what makes each packet another when it is sent again. */
static void sound_that_became_redundant_is_not_repeated(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "as");
    struct fake_client *bob = fake_client_join(f, 2, "bob", "ar");
    struct member *m = member_find(hub_find_room(f->hub, &f->room), 2);
    m->peer->negotiation.lines[0].extensions.transport_cc = 0;
    m->lines[0]->slot->nack = true;
    fake_client_media(ann, 0, 0, 48000, 0);
    nack(bob, bob->rtp[0].ssrc, bob->rtp[0].seq);
    assert_int_equal(fake_hub_counters(f)->retransmissions_sent, 1);
    m->peer->negotiation.lines[0].payload_type[CODEC_RED] = FAKE_PT_RED;
    fake_client_media(ann, 0, 1, 48960, 0);
    assert_int_equal(bob->rtp[bob->rtp_count - 1].payload_type, FAKE_PT_RED);
    m->lines[0]->slot->lossy = true; /* more of it the next time */
    nack(bob, bob->rtp[0].ssrc, bob->rtp[bob->rtp_count - 1].seq);
    assert_int_equal(fake_hub_counters(f)->retransmissions_sent, 1);
}

static void key_frames_are_asked_of_the_publisher(void **state)
{
    struct fake_hub *f = *state;
    struct fake_client *ann = fake_client_join(f, 1, "ann", "vs");
    fake_client_media(ann, 0, 1, 0, 0);
    fake_client_join(f, 2, "bob", "vr");
    fake_hub_run(f, 100000); /* it does not bring one by itself */
    assert_int_equal(ann->plis, 1);
    assert_int_equal(ann->pli_ssrc, ann->ssrc[0]);
    assert_int_equal(fake_hub_counters(f)->plis_sent, 1);
    fake_hub_run(f, 1100000); /* none came */
    assert_int_equal(ann->plis, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packets_in_the_viewers_own_terms),
        TEST(the_first_packet_has_the_path_looked_at),
        TEST(the_mid_leads_only),
        TEST(retransmissions_use_rtx),
        TEST(without_rtx_the_same_bytes_go_again),
        TEST(slots_are_told_of),
        TEST(dependency_descriptors_are_passed_on),
        TEST(viewers_are_asked_to_hold_pictures_back),
        TEST(sound_is_redundant_for_those_who_know_it),
        TEST(large_sound_is_sent_alone),
        TEST(sound_that_became_redundant_is_not_repeated),
        TEST(key_frames_are_asked_of_the_publisher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
