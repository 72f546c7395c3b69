// SPDX-License-Identifier: Apache-2.0
/* One stream of a track: what lands on the tape, and what is asked of its publisher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/fake_relay.h"

#define FIRST (65536 + 100)

static int open_relay(void **state)
{
    *state = fake_relay_new();
    return 0;
}

static int close_relay(void **state)
{
    fake_relay_free(*state);
    return 0;
}

static void describes_packets_on_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    assert_int_equal(fake_packet(f, t, 100, 9000, FAKE_KEY), 0);
    assert_int_equal(fake_packet(f, t, 102, 12000, FAKE_START | FAKE_END), 0);
    assert_int_equal(fake_packet(f, t, 101, 9000, FAKE_END | FAKE_RECOVERED), 0);
    const struct tape_packet *p = tape_find(t->encodings[0]->tape, FIRST);
    assert_int_equal(p->flags, TAPE_FRAME_START | TAPE_KEY_FRAME | TAPE_INDEPENDENT);
    assert_int_equal(p->width, 640);
    assert_int_equal(p->height, 360);
    assert_int_equal(t->encodings[0]->width, 640);
    assert_int_equal(p->codec, CODEC_VP8);
    assert_true(p->arrival_us == f->now_us);
    assert_int_equal(tape_find(t->encodings[0]->tape, FIRST + 1)->flags,
                     TAPE_MARKER | TAPE_RECOVERED);
    assert_int_equal(tape_find(t->encodings[0]->tape, FIRST + 2)->flags,
                     TAPE_FRAME_START | TAPE_MARKER);
    assert_true(tape_last_key(t->encodings[0]->tape)->complete);
    assert_int_equal(t->counters.packets, 3);
    assert_int_equal(t->counters.bytes, 300);
    assert_int_equal(t->encodings[0]->reception.received,
                     2); /* a retransmission is not the stream's own */
}

/* Sound comes again under its own number: what was asked for must not look as if it had come at first,
 * else the publisher would leave out FEC. */
static void sound_that_was_asked_for_counts_as_lost(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    struct encoding *e = t->encodings[0];
    t->nack = true;
    assert_int_equal(fake_packet(f, t, 100, 0, FAKE_START), 0);
    assert_int_equal(fake_packet(f, t, 103, 2880, FAKE_START), 0);
    fake_relay_run(f, 3000);
    assert_int_equal(fake_packet(f, t, 102, 1920, FAKE_START), 0); /* only late */
    assert_int_equal(f->asked_count, 0);
    assert_int_equal(e->reception.received, 3);
    fake_relay_run(f, 20000);
    assert_int_equal(f->asked_count, 1);
    assert_int_equal(f->asked[0].seq, FIRST + 1);
    fake_relay_run(f, 30000);
    assert_int_equal(fake_packet(f, t, 101, 960, FAKE_START), 0);
    assert_int_equal(e->reception.received, 3);
    assert_in_range(t->rtt_us, 40000, 60000);
    assert_non_null(tape_find(e->tape, FIRST + 1));
}

static void extras_go_with_their_packet(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    const struct track_extras extras = {.has_audio_level = true, .audio_level = 0x85};
    const uint8_t payload[] = {0xf8, 1, 2};
    const struct rtp_packet packet = {.seq = 100, .payload = payload, .payload_len = 3};
    assert_int_equal(encoding_receive(t->encodings[0], f->now_us, &packet, &extras, false), 0);
    const struct tape_packet *p = tape_find(t->encodings[0]->tape, FIRST);
    assert_int_equal(p->flags, TAPE_HAS_AUDIO_LEVEL);
    assert_int_equal(p->audio_level, 0x85);
    assert_null(tape_last_key(t->encodings[0]->tape));
}

static void refuses_what_is_not_its_codec(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    const struct track_extras none = {0};
    const uint8_t bad[] = {0x10, 0x10, 0x02, 0x00, 1, 2, 3, 4, 5, 6, 7}; /* no start code */
    struct rtp_packet packet = {.seq = 100, .payload = bad, .payload_len = sizeof bad};
    assert_int_equal(encoding_receive(t->encodings[0], f->now_us, &packet, &none, false),
                     ER_MALFORMED);
    packet.payload_len = 1;
    assert_true(encoding_receive(t->encodings[0], f->now_us, &packet, &none, false) < 0);
    assert_int_equal(fake_packet_sized(f, t, 100, 0, FAKE_START, LIMIT_RTP_PACKET + 1),
                     ER_MALFORMED);
    assert_int_equal(tape_head(t->encodings[0]->tape), 0);
    assert_int_equal(t->counters.packets, 0);
    assert_int_equal(fake_packet(f, t, 100, 0, FAKE_KEY), 0);
    assert_int_equal(fake_packet(f, t, 100, 0, FAKE_KEY), ER_STALE);
    assert_int_equal(t->counters.duplicates, 1);
}

static void padding_keeps_the_numbering(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    assert_int_equal(fake_packet(f, t, 101, 0, FAKE_PADDING | FAKE_END), 0);
    fake_picture(f, t, 102, 3000, FAKE_START);
    fake_relay_run(f, 500000);
    assert_int_equal(f->asked_count, 0); /* nothing is missing */
    assert_int_equal(tape_find(t->encodings[0]->tape, FIRST + 1)->flags, 0);
    assert_int_equal(tape_last_key(t->encodings[0]->tape)->packets, 1);
}

static void lost_packets_are_asked_for(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_picture(f, t, 103, 3000, FAKE_START);
    fake_relay_run(f, 20000);
    assert_int_equal(f->asked_count, 2);
    assert_int_equal(f->asked[0].seq, FIRST + 1);
    assert_int_equal(f->asked[1].seq, FIRST + 2);
    assert_int_equal(fake_packet(f, t, 101, 1000, FAKE_START | FAKE_RECOVERED), 0);
    assert_int_equal(t->counters.recovered, 1);
    assert_in_range(t->rtt_us, 14000, 16000);
    fake_relay_forget(f);
    fake_relay_run(f, 900000); /* the other one never comes */
    assert_int_equal(t->counters.given_up, 1);
    assert_int_equal(fake_keys_asked(f, t), 1);
    assert_int_equal(f->asked_count, LIMIT_NACK_TRIES - 1 + 1);
}

static void repairs_do_not_lead(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    assert_int_equal(fake_packet(f, t, 30000, 9000, FAKE_START | FAKE_RECOVERED), ER_STALE);
    assert_int_equal(tape_head(t->encodings[0]->tape), FIRST);
    fake_picture(f, t, 101, 3000, FAKE_START);
    fake_relay_run(f, 500000);
    assert_int_equal(f->asked_count, 0);
}

static void sound_is_not_asked_for(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_OPUS);
    fake_picture(f, t, 100, 0, 0);
    fake_picture(f, t, 900, 768000, 0);
    fake_relay_run(f, 3000000);
    track_want_key_frame(t, f->now_us);
    assert_int_equal(f->asked_count, 0);
}

/** What was lost is more than half a round: the numbers behind it are taken for new ones. */
static void more_than_half_a_round_may_be_lost(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    struct encoding *e = t->encodings[0];
    assert_int_equal(fake_packet(f, t, 2000, 9000, FAKE_KEY), 0);
    assert_int_equal(fake_packet(f, t, 2001 + 40000, 900000, FAKE_KEY), 0);
    assert_int_equal(tape_head(e->tape), 65536 + 2001 + 40000);
    assert_int_equal(fake_packet(f, t, 2000 + 40000, 900000, FAKE_KEY), 0); /* late, and of it */
    assert_int_equal(tape_head(e->tape), 65536 + 2001 + 40000);
    assert_int_equal(fake_packet(f, t, (uint16_t)(2001 + 80000), 1800000, FAKE_KEY), 0);
    assert_int_equal(tape_head(e->tape), 65536 + 2001 + 80000);
    assert_int_equal(e->seq.highest, tape_head(e->tape));
}

static void key_frames_are_asked_once_a_second(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_START);
    fake_relay_run(f, 100000);
    for (int i = 0; i < 50; i++)
        track_want_key_frame(t, f->now_us);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_relay_run(f, LIMIT_PLI_INTERVAL_US - 1);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_relay_run(f, 1); /* no key frame came: again */
    assert_int_equal(fake_keys_asked(f, t), 2);
    fake_picture(f, t, 101, 90000, FAKE_KEY);
    fake_relay_run(f, 5000000); /* it came: content */
    assert_int_equal(fake_keys_asked(f, t), 2);
    track_want_key_frame(t, f->now_us);
    assert_int_equal(fake_keys_asked(f, t), 3);
    assert_int_equal(t->counters.key_requests, 3);
}

static void too_much_missing_needs_a_key_frame(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_picture(f, t, 100 + LIMIT_NACK_PENDING + 2, 3000, FAKE_START);
    assert_int_equal(f->asked_count, 1);
    assert_int_equal(f->asked[0].seq, 0);
}

static void the_tape_is_trimmed(void **state)
{
    struct fake_relay *f = *state;
    struct track *sound = fake_track(f, "ann", 1, CODEC_OPUS);
    struct track *picture = fake_track(f, "ann", 1, CODEC_VP8);
    for (uint16_t i = 0; i < 150; i++) {
        fake_picture(f, sound, i, i * 960u, 0);
        fake_picture(f, picture, i, i * 1800u, i == 40 ? FAKE_KEY : FAKE_START);
        fake_relay_run(f, 20000);
    }
    assert_in_range(tape_tail(sound->encodings[0]->tape), 65536 + 1, 65536 + 60);
    assert_int_equal(tape_tail(picture->encodings[0]->tape), 65536 + 40);
    fake_relay_run(f, 60000000);
    assert_int_equal(tape_head(sound->encodings[0]->tape), 0);
    assert_int_equal(tape_tail(picture->encodings[0]->tape),
                     65536 + 40); /* a joiner's first picture */
}

static void sender_reports_move_the_clock(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    uint64_t unix_us = f->now_us + FAKE_UNIX_US;
    encoding_sender_report(t->encodings[0], f->now_us, ntp_from_unix_us(unix_us),
                           9000); /* before any packet */
    assert_false(t->encodings[0]->clock.known);
    fake_picture(f, t, 100, 9000, FAKE_KEY);
    const struct tape_packet *p = tape_find(t->encodings[0]->tape, FIRST);
    assert_true(encoding_capture_unix_us(t->encodings[0], p) == unix_us);
    encoding_sender_report(t->encodings[0], f->now_us, 0, 9000); /* a sender without a wall clock */
    assert_false(t->encodings[0]->clock.from_sr);
    encoding_sender_report(t->encodings[0], f->now_us, ntp_from_unix_us(unix_us - 5000000),
                           9000 - 4500);
    assert_true(t->encodings[0]->clock.from_sr);
    assert_in_range(encoding_capture_unix_us(t->encodings[0], p) - unix_us, 49998, 50002);
    assert_int_equal(t->encodings[0]->reception.last_sr,
                     ntp_middle(ntp_from_unix_us(unix_us - 5000000)));
}

static void after_darkness_a_key_frame_is_asked_for_at_once(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    assert_int_equal(fake_packet(f, t, 100, 9000, FAKE_KEY | FAKE_END), 0);
    fake_relay_run(f, 3000000);
    track_want_key_frame(t, f->now_us); /* in vain */
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_relay_run(f, 10000);
    assert_int_equal(fake_packet(f, t, 300, 270000, FAKE_START | FAKE_END), 0);
    assert_int_equal(fake_keys_asked(f, t), 2);
    fake_relay_run(f, 500000);
    assert_int_equal(f->asked_count, 2); /* of what was sent meanwhile nothing is asked for */
    assert_int_equal(fake_packet(f, t, 303, 273000, FAKE_START | FAKE_END), 0);
    fake_relay_run(f, 20000);
    assert_int_equal(f->asked_count, 4);
    assert_int_equal(fake_keys_asked(f, t), 2);
}

/** Sound shows the light before the next picture comes. */
static void sound_shows_the_end_of_darkness(void **state)
{
    struct fake_relay *f = *state;
    struct track *picture = fake_track(f, "ann", 1, CODEC_VP8);
    struct track *sound = fake_track(f, "ann", 1, CODEC_OPUS);
    struct track *other = fake_track(f, "eve", 1, CODEC_VP8);
    struct sender_clock hers = {0};
    other->sender_clock = &hers; /* all others' is one */
    (void)fake_slot(f, 2, "bob", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    (void)fake_slot(f, 2, "bob", MEDIA_VIDEO, SLOT_PICK_PERSON, "eve");
    assert_int_equal(fake_packet(f, picture, 100, 9000, FAKE_KEY | FAKE_END), 0);
    assert_int_equal(fake_packet(f, other, 100, 9000, FAKE_KEY | FAKE_END), 0);
    assert_int_equal(fake_packet(f, sound, 100, 9000, 0), 0);
    fake_relay_run(f, 3000000);
    assert_int_equal(fake_packet(f, sound, 101, 9960, 0), 0); /* it only paused */
    assert_int_equal(fake_keys_asked(f, picture), 0);
    fake_relay_run(f, 3000000);
    assert_int_equal(fake_packet(f, sound, 250, 150000, 0), 0);
    assert_int_equal(fake_keys_asked(f, picture), 1);
    assert_int_equal(fake_keys_asked(f, other), 0);
    fake_relay_run(f, 20000);
    assert_int_equal(fake_packet(f, picture, 300, 270000, FAKE_START | FAKE_END), 0);
    assert_int_equal(fake_keys_asked(f, picture), 1); /* already */
    fake_relay_run(f, 500000);
    assert_int_equal(f->asked_count, 1); /* and no packets */
}

static void a_pause_is_no_darkness(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 1, CODEC_VP8);
    assert_int_equal(fake_packet(f, t, 100, 9000, FAKE_KEY | FAKE_END), 0);
    fake_relay_run(f, 3000000);
    assert_int_equal(fake_packet(f, t, 101, 270000, FAKE_START | FAKE_END), 0);
    assert_int_equal(fake_keys_asked(f, t), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(describes_packets_on_the_tape),
        TEST(extras_go_with_their_packet),
        TEST(sound_that_was_asked_for_counts_as_lost),
        TEST(refuses_what_is_not_its_codec),
        TEST(padding_keeps_the_numbering),
        TEST(lost_packets_are_asked_for),
        TEST(repairs_do_not_lead),
        TEST(sound_is_not_asked_for),
        TEST(more_than_half_a_round_may_be_lost),
        TEST(key_frames_are_asked_once_a_second),
        TEST(too_much_missing_needs_a_key_frame),
        TEST(after_darkness_a_key_frame_is_asked_for_at_once),
        TEST(sound_shows_the_end_of_darkness),
        TEST(a_pause_is_no_darkness),
        TEST(the_tape_is_trimmed),
        TEST(sender_reports_move_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
