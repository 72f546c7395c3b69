// SPDX-License-Identifier: Apache-2.0
/* A viewer's line: one unbroken stream made from joins, switches, losses and late packets, and the
 * retransmissions that its viewer asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support/fake_relay.h"

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

static struct slot *viewer(struct fake_relay *f)
{
    return fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_OTHERS, NULL);
}

/** Numbers and timestamps of what a slot got: numbers rise by one, timestamps rise. */
static void check_unbroken(const struct fake_relay *f, const struct slot *s, size_t count)
{
    const struct fake_sent *last = NULL;
    assert_int_equal(fake_sent_to(f, s), count);
    for (size_t i = 0; i < f->sent_count; i++) {
        const struct fake_sent *p = &f->sent[i];
        if (p->slot != s || p->retransmission)
            continue;
        if (last) {
            assert_int_equal((uint16_t)(last->seq + 1), p->seq);
            assert_true((int32_t)(p->timestamp - last->timestamp) >= 0);
            if (p->source_seq != last->source_seq + 1)
                assert_true((int32_t)(p->timestamp - last->timestamp) > 0);
        }
        last = p;
    }
}

static void waits_for_a_key_frame(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_START);
    fake_relay_run(f, 100000);
    struct slot *s = viewer(f);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_picture(f, t, 101, 3000, FAKE_START);
    assert_int_equal(f->sent_count, 0);
    fake_picture(f, t, 102, 6000, FAKE_KEY);
    fake_picture(f, t, 103, 9000, FAKE_START);
    check_unbroken(f, s, 2);
    assert_int_equal(f->sent[0].source_seq, 65536 + 102);
    assert_true(f->sent[0].seq <= 32768); /* SRTP's roll-over counter starts safely */
    assert_int_equal(f->sent[1].timestamp - f->sent[0].timestamp, 3000);
    assert_true(f->sent[0].leading);
}

static void a_joiner_is_served_from_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 99, 1000, FAKE_START);
    for (uint16_t i = 0; i < 30; i++) {
        fake_picture(f, t, (uint16_t)(100 + i), 3000u + i * 3000u, i ? FAKE_START : FAKE_KEY);
        fake_relay_run(f, 33333);
    }
    uint64_t joined_us = f->now_us;
    struct slot *s = viewer(f);
    assert_int_equal(f->asked_count, 0);
    assert_int_equal(f->sent_count, 16); /* at once; */
    assert_int_equal(f->sent[0].source_seq, 65536 + 100);
    fake_relay_run(f, 5000);
    check_unbroken(f, s, 30); /* the others soon */
    assert_true(f->sent[29].at_us - joined_us <= 5000);
    /* A second of pictures is shown within 40 ms. */
    uint32_t span = f->sent[29].timestamp - f->sent[0].timestamp;
    assert_in_range(span, 29, 90 * 40);
    fake_relay_run(f, 28333);
    fake_picture(f, t, 130, 3000 + 30 * 3000, FAKE_START);
    check_unbroken(f, s, 31);
    assert_int_equal(f->sent[30].timestamp - f->sent[29].timestamp, 3000);
}

static void live_packets_queue_behind_the_catching_up(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    for (uint16_t i = 0; i < 100; i++)
        fake_picture(f, t, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
    struct slot *s = viewer(f);
    fake_picture(f, t, 100, 300000, FAKE_START);
    fake_picture(f, t, 101, 303000, FAKE_START);
    assert_int_equal(f->sent_count, 16);
    fake_relay_run(f, 100000);
    check_unbroken(f, s, 102);
    fake_picture(f, t, 102, 306000, FAKE_START);
    check_unbroken(f, s, 103);
    assert_true(room_deadline_us(f->room) > f->now_us + 100000); /* no timer is left */
}

static void a_broken_or_long_group_is_not_replayed(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_picture(f, t, 102, 6000, FAKE_START);
    struct slot *s = viewer(f);
    assert_int_equal(fake_sent_to(f, s), 0);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_picture(f, t, 103, 9000, FAKE_KEY);
    for (uint16_t i = 0; i < LIMIT_GOP_PACKETS; i++)
        fake_picture(f, t, (uint16_t)(104 + i), 12000u + i * 3000u, FAKE_START);
    fake_relay_forget(f);
    struct slot *late = fake_slot(f, 2, "you", MEDIA_VIDEO, SLOT_PICK_OTHERS, NULL);
    assert_int_equal(fake_sent_to(f, late), 0);
    fake_relay_run(f, LIMIT_PLI_INTERVAL_US);
    assert_int_equal(fake_keys_asked(f, t), 1); /* within the limit */
}

static void switches_are_one_stream(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    struct slot *s = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    uint16_t seq_a = 65500, seq_b = 7; /* one wraps on the way */
    size_t sent = 0;
    fake_picture(f, a, seq_a++, 0xffff0000u, FAKE_KEY);
    fake_picture(f, b, seq_b++, 77, FAKE_KEY);
    sent++;
    for (uint32_t i = 1; i < 300; i++) {
        fake_relay_run(f, 33333);
        if (i % 50 == 0) {
            bool to_a = i % 100 == 0;
            slot_wish(s, SLOT_PICK_PERSON, to_a ? "ann" : "bob", 0, f->now_us);
            fake_relay_run(f, 20000);
            sent = fake_sent_to(f, s);
        }
        unsigned flags = i % 25 == 0 ? FAKE_KEY : FAKE_START;
        fake_picture(f, a, seq_a++, 0xffff0000u + i * 3000, flags);
        fake_picture(f, b, seq_b++, 77 + i * 3000, flags);
        sent++;
        check_unbroken(f, s, sent);
    }
    assert_int_equal(f->asked_count, 0); /* the first picture was a key frame by itself */
}

/** However many pictures a switch brings at once, none is dated before what was shown last. */
static void a_switch_in_no_time_goes_forward(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    struct slot *s = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    for (uint16_t i = 0; i < 100; i++)
        fake_picture(f, b, i, i * 9000u, i ? FAKE_START : FAKE_KEY);
    fake_picture(f, a, 0, 0, FAKE_KEY);
    slot_wish(s, SLOT_PICK_PERSON, "bob", 0, f->now_us);
    fake_relay_run(f, 50000);
    check_unbroken(f, s, 101);
}

static void the_clock_goes_on_between_stretches(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, a, 100, 0, FAKE_KEY);
    uint32_t before = f->sent[0].timestamp;
    track_free(a, f->now_us);
    assert_null(s->track);
    fake_relay_run(f, 10000000);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    fake_picture(f, b, 5, 123456789, FAKE_KEY);
    check_unbroken(f, s, 2);
    assert_in_range(f->sent[1].timestamp - before, 899000, 901000);
}

static void late_packets_go_to_their_place(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_picture(f, t, 102, 6000, FAKE_START);
    fake_relay_run(f, 30000);
    fake_picture(f, t, 101, 3000, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 3);
    assert_int_equal(f->sent[2].seq, (uint16_t)(f->sent[0].seq + 1));
    assert_int_equal(f->sent[2].timestamp, f->sent[0].timestamp + 3000);
    assert_int_equal(f->sent[1].seq, (uint16_t)(f->sent[0].seq + 2));
    /* What was sent before the stretch began is not this viewer's. */
    fake_picture(f, t, 98, 0xfffff000u, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 3);
}

/** The key frame itself comes late, with a hole behind it: the viewer starts from it, and what fills
 *  the hole later takes its place in number and in time. */
static void a_late_key_frame_with_a_hole_behind_it(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 99, 0, FAKE_START);
    for (uint16_t i = 1; i < 8; i++)
        if (i != 3 && i != 4)
            fake_picture(f, t, (uint16_t)(100 + i), 3000u + i * 3000u, FAKE_START);
    fake_relay_run(f, 30000);
    fake_picture(f, t, 100, 3000, FAKE_KEY | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 6);
    fake_picture(f, t, 104, 15000, FAKE_START | FAKE_RECOVERED);
    fake_picture(f, t, 103, 12000, FAKE_START | FAKE_RECOVERED);
    fake_picture(f, t, 108, 27000, FAKE_START);
    assert_int_equal(fake_sent_to(f, s), 9);
    uint32_t at[9] = {0};
    for (size_t i = 0; i < 9; i++) {
        uint16_t place = (uint16_t)(f->sent[i].seq - f->sent[0].seq);
        assert_true(place < 9 && at[place] == 0);
        assert_int_equal(f->sent[i].source_seq, 65536 + 100 + place);
        at[place] = f->sent[i].timestamp - f->sent[0].timestamp + 1;
    }
    for (size_t i = 1; i < 9; i++)
        assert_true(at[i] > at[i - 1] && at[i] - at[i - 1] <= 3000);
}

/** A hole that is filled while the viewer is still catching up, behind and before where it stands. */
static void holes_filled_while_catching_up(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 99, 0, FAKE_START);
    for (uint16_t i = 1; i < 60; i++)
        if (i != 5 && i != 40)
            fake_picture(f, t, (uint16_t)(100 + i), 3000u + i * 3000u, FAKE_START);
    fake_relay_run(f, 10000);
    fake_picture(f, t, 100, 3000, FAKE_KEY | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 16);
    fake_picture(f, t, 105, 18000, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 17);
    assert_int_equal(f->sent[16].seq, (uint16_t)(f->sent[0].seq + 5));
    fake_picture(f, t, 140, 123000, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(fake_sent_to(f, s), 17); /* its turn comes */
    fake_relay_run(f, 30000);
    assert_int_equal(fake_sent_to(f, s), 60);
}

static void leaps_never_come_round(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    for (uint16_t i = 0; i < 30; i++)
        fake_picture(f, t, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
    struct slot *s = viewer(f);
    assert_int_equal(f->sent_count, 16);
    fake_picture(f, t, 32000, 90000, FAKE_START);
    fake_picture(f, t, 64000, 93000, FAKE_START);
    for (uint16_t i = 5; i < 20; i++)
        fake_picture(f, t, i, 96000u + i * 3000u, FAKE_START);
    fake_relay_run(f, 100000);
    for (uint16_t i = 20; i < 30; i++)
        fake_picture(f, t, i, 96000u + i * 3000u, FAKE_START);
    assert_true(f->sent_count > 40);
    for (size_t i = 1; i < f->sent_count; i++)
        assert_in_range((uint16_t)(f->sent[i].seq - f->sent[i - 1].seq), 1, 2048);
    const struct fake_sent *last = fake_last_sent(f, s);
    uint16_t missing = last->seq;
    size_t before = f->sent_count;
    slot_nack(s, f->now_us, &missing, 1); /* what came behind the leap can be asked for */
    assert_int_equal(f->sent_count, before + 1);
    assert_int_equal(f->sent[before].source_seq, 2 * 65536 + 29);
}

/** What a publisher probes its path with leaves no trace, unless its place had been kept for it. */
static void padding_is_left_out(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_packet(f, t, 101, 0, FAKE_PADDING);
    fake_picture(f, t, 102, 3000, FAKE_START);
    check_unbroken(f, s, 2);
    fake_picture(f, t, 104, 6000, FAKE_START);
    fake_packet(f, t, 103, 3000, FAKE_PADDING);
    assert_int_equal(f->sent_count, 4);
    assert_true(f->sent[3].empty && !f->sent[2].empty);
    assert_int_equal((uint16_t)(f->sent[3].seq + 1), f->sent[2].seq);
    slot_nack(s, f->now_us, &f->sent[3].seq, 1);
    assert_int_equal(f->sent_count, 5);
    assert_true(f->sent[4].empty);
    assert_int_equal(f->sent[4].timestamp, f->sent[3].timestamp);
}

static void sound_begins_at_once(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_OPUS);
    for (uint16_t i = 0; i < 20; i++)
        fake_picture(f, t, i, i * 960u, 0);
    struct slot *s = fake_slot(f, 1, "me", MEDIA_AUDIO, SLOT_PICK_OTHERS, NULL);
    assert_int_equal(f->sent_count, 0); /* nothing of the past */
    for (uint16_t i = 20; i < 30; i++)
        fake_picture(f, t, i, i * 960u, 0);
    check_unbroken(f, s, 10);
    assert_int_equal(f->asked_count, 0);
    uint16_t seq = f->sent[3].seq;
    slot_nack(s, f->now_us, &seq, 1); /* nothing is kept for that */
    assert_int_equal(f->sent_count, 10);
}

static void nacks_are_answered_from_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    for (uint16_t i = 0; i < 20; i++)
        fake_picture(f, t, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
    struct fake_sent five = f->sent[5];
    const uint16_t seqs[] = {five.seq, (uint16_t)(f->sent[0].seq - 1),
                             (uint16_t)(f->sent[19].seq + 1), (uint16_t)(five.seq + 30000)};
    fake_relay_forget(f);
    slot_nack(s, f->now_us, seqs, 4); /* only the first was ever sent */
    assert_int_equal(f->sent_count, 1);
    assert_true(f->sent[0].retransmission);
    assert_int_equal(f->sent[0].seq, five.seq);
    assert_int_equal(f->sent[0].timestamp, five.timestamp);
    assert_int_equal(f->sent[0].source_seq, five.source_seq);
    assert_int_equal(f->sent[0].leading, five.leading);
    slot_nack(s, f->now_us, seqs, 1); /* the answer was lost too: twice now */
    assert_int_equal(f->sent_count, 3);
    assert_int_equal(s->counters.retransmitted, 3);
    assert_int_equal(s->counters.nacks, 2);
    assert_int_equal(s->counters.packets, 20);
}

static void a_lossy_viewer_gets_repairs_twice(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    slot_viewer_loss(s, 26);
    slot_nack(s, f->now_us, &f->sent[0].seq, 1);
    assert_int_equal(f->sent_count, 3);
    fake_picture(f, t, 102, 6000, FAKE_START); /* what came in time goes out once */
    assert_int_equal(f->sent_count, 4);
    fake_picture(f, t, 101, 3000, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(f->sent_count, 6);
    assert_int_equal(f->sent[5].seq, f->sent[4].seq);
    assert_true(f->sent[5].retransmission && !f->sent[4].retransmission);
    slot_viewer_loss(s, 0);
    slot_nack(s, f->now_us, &f->sent[3].seq, 1);
    assert_int_equal(f->sent_count, 7);
}

/** Whether a packet is among the first is told the same way when it is sent again: under the same
 *  number the same bytes must go out. */
static void leading_packets_stay_leading(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    for (uint16_t i = 0; i < 500; i++)
        fake_picture(f, t, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
    assert_true(f->sent[100].leading && !f->sent[499].leading);
    const uint16_t seqs[] = {f->sent[100].seq, f->sent[499].seq};
    fake_relay_forget(f);
    slot_nack(s, f->now_us, seqs, 2);
    assert_true(f->sent[0].leading && !f->sent[1].leading);
}

static void long_stretches_are_answered_too(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    for (uint32_t i = 0; i < 150000; i++) {
        fake_picture(f, t, (uint16_t)i, i * 3000u, i ? FAKE_START : FAKE_KEY);
        if (i % 1000 != 999)
            continue;
        fake_relay_run(f, 1000000);
        uint16_t seq = (uint16_t)(fake_last_sent(f, s)->seq - 50);
        size_t before = f->sent_count;
        slot_nack(s, f->now_us, &seq, 1);
        assert_int_equal(f->sent_count, before + 1);
        seq = (uint16_t)(seq - LIMIT_SENT_HISTORY); /* no longer known */
        slot_nack(s, f->now_us, &seq, 1);
        assert_int_equal(f->sent_count, before + 1);
    }
}

static void other_stretches_are_not_answered(void **state)
{
    struct fake_relay *f = *state;
    struct track *a = fake_track(f, "ann", 0, CODEC_VP8);
    struct track *b = fake_track(f, "bob", 0, CODEC_VP8);
    struct slot *s = fake_slot(f, 1, "me", MEDIA_VIDEO, SLOT_PICK_PERSON, "ann");
    for (uint16_t i = 0; i < 5; i++)
        fake_picture(f, a, i, i * 3000u, i ? FAKE_START : FAKE_KEY);
    /* Bob's numbers go on just where Ann's end, so that the distance to what is sent is the same. */
    for (uint16_t i = 1; i < 6; i++)
        fake_picture(f, b, i, i * 3000u, i == 5 ? FAKE_KEY : FAKE_START);
    uint16_t old = f->sent[2].seq;
    int64_t delta = s->seqs.delta;
    slot_wish(s, SLOT_PICK_PERSON, "bob", 0, f->now_us);
    assert_int_equal(s->seqs.delta, delta);
    uint16_t now = fake_last_sent(f, s)->seq;
    fake_relay_forget(f);
    slot_nack(s, f->now_us, &old, 1);
    assert_int_equal(f->sent_count, 0);
    slot_nack(s, f->now_us, &now, 1);
    assert_int_equal(f->sent_count, 1);
    slot_wish(s, SLOT_PICK_PERSON, "nobody", 0, f->now_us);
    slot_nack(s, f->now_us, &now, 1);
    assert_int_equal(f->sent_count, 1);
}

static void retransmissions_have_a_budget(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    uint16_t seqs[500];
    for (uint16_t i = 0; i < 500; i++) {
        fake_packet_sized(f, t, i, i * 3000u, FAKE_END | (i ? FAKE_START : FAKE_KEY), 1000);
        seqs[i] = fake_last_sent(f, s)->seq;
    }
    fake_relay_run(f, 2000000);
    size_t before = f->sent_count;
    for (int i = 0; i < 10; i++)
        slot_nack(s, f->now_us, seqs, 500);
    assert_in_range(f->sent_count - before, 60, 66); /* 64 KiB while nothing else flows */
    assert_true(s->counters.refused > 0);
    fake_relay_run(f, 1000000);
    slot_nack(s, f->now_us, seqs, 10);
    assert_in_range(f->sent_count - before, 70, 90); /* the next second has its own */
}

static void packets_without_payload_have_it_too(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    uint16_t seqs[500];
    fake_picture(f, t, 0, 0, FAKE_KEY);
    fake_picture(f, t, 501, 3000, FAKE_START);
    for (uint16_t i = 1; i <= 500; i++) { /* late, so that its place is filled */
        fake_packet(f, t, i, 3000, FAKE_PADDING);
        seqs[i - 1] = fake_last_sent(f, s)->seq;
    }
    fake_relay_run(f, 2000000);
    fake_relay_forget(f);
    for (int i = 0; i < 10; i++)
        slot_nack(s, f->now_us, seqs, 500);
    assert_true(s->counters.refused > 0);
    assert_in_range(f->sent_count, 500, 1200);
}

static void key_frames_for_viewers(void **state)
{
    struct fake_relay *f = *state;
    struct slot *s = viewer(f);
    slot_key_frame(s, f->now_us); /* shows nothing: nobody to ask */
    assert_int_equal(f->asked_count, 0);
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_relay_run(f, 90000);
    assert_int_equal(fake_keys_asked(f, t), 0); /* it may bring one by itself */
    fake_relay_run(f, 10000);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    fake_relay_run(f, 500000);
    for (int i = 0; i < 10; i++)
        slot_key_frame(s, f->now_us);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_relay_run(f, 500000);
    assert_int_equal(fake_keys_asked(f, t), 2);
}

static void a_beginning_that_was_lost_comes_again_from_the_tape(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    for (uint16_t i = 0; i < 30; i++) {
        fake_picture(f, t, (uint16_t)(100 + i), 3000u + i * 3000u, i ? FAKE_START : FAKE_KEY);
        fake_relay_run(f, 33333);
    }
    struct slot *s = viewer(f);
    fake_relay_run(f, 3000);
    slot_key_frame(s, f->now_us); /* too soon to know */
    size_t asked = fake_keys_asked(f, t);
    fake_relay_run(f, 20000);
    for (unsigned again = 1; again <= LIMIT_BEGIN_AGAIN; again++) {
        size_t sent = f->sent_count;
        slot_key_frame(s, f->now_us);
        fake_relay_run(f, 300000);
        assert_int_equal(f->sent[sent].source_seq, 65536 + 100);
        check_unbroken(f, s, 30 * ((size_t)again + 1));
    }
    assert_int_equal(fake_keys_asked(f, t), asked);
    size_t sent = f->sent_count;
    slot_key_frame(s, f->now_us);
    fake_relay_run(f, 1000000);
    assert_int_equal(f->sent_count, sent);
    assert_int_equal(fake_keys_asked(f, t), asked + 1);
}

static void the_sender_clock_follows_the_picture(void **state)
{
    struct fake_relay *f = *state;
    struct slot *s = viewer(f);
    uint32_t at;
    assert_false(slot_sender_clock(s, f->now_us, &at));
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    assert_false(slot_sender_clock(s, f->now_us, &at));
    fake_picture(f, t, 100, 0, FAKE_KEY);
    assert_true(slot_sender_clock(s, f->now_us, &at));
    assert_int_equal(at, f->sent[0].timestamp);
    fake_relay_run(f, 500000);
    assert_true(slot_sender_clock(s, f->now_us, &at));
    assert_int_equal(at, f->sent[0].timestamp + 45000);
    slot_wish(s, SLOT_PICK_PERSON, "nobody", 0, f->now_us);
    assert_false(slot_sender_clock(s, f->now_us, &at));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(waits_for_a_key_frame),
        TEST(a_joiner_is_served_from_the_tape),
        TEST(live_packets_queue_behind_the_catching_up),
        TEST(a_broken_or_long_group_is_not_replayed),
        TEST(switches_are_one_stream),
        TEST(a_switch_in_no_time_goes_forward),
        TEST(the_clock_goes_on_between_stretches),
        TEST(late_packets_go_to_their_place),
        TEST(a_late_key_frame_with_a_hole_behind_it),
        TEST(holes_filled_while_catching_up),
        TEST(leaps_never_come_round),
        TEST(padding_is_left_out),
        TEST(sound_begins_at_once),
        TEST(nacks_are_answered_from_the_tape),
        TEST(a_lossy_viewer_gets_repairs_twice),
        TEST(leading_packets_stay_leading),
        TEST(long_stretches_are_answered_too),
        TEST(other_stretches_are_not_answered),
        TEST(retransmissions_have_a_budget),
        TEST(packets_without_payload_have_it_too),
        TEST(key_frames_for_viewers),
        TEST(a_beginning_that_was_lost_comes_again_from_the_tape),
        TEST(the_sender_clock_follows_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
