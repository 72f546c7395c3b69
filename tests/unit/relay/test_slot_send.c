// SPDX-License-Identifier: Apache-2.0
/* What a slot sends of several encodings and layers: which begins when, one unbroken stream whatever
 * is left out or changed over, and everything sent again as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/relay/downlink.h"
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

static void aim(struct fake_relay *f, struct slot *s, int8_t encoding, int8_t temporal)
{
    const struct layer_aim to = {.encoding = encoding, .spatial = LAYER_BEST, .temporal = temporal};
    slot_aim(s, &to, f->now_us);
}

/** Three encodings, each with numbers and timestamps of its own. */
struct simulcast {
    struct track *t;
    struct encoding *e[3];
    uint16_t seq;
    uint32_t timestamp;
};

static void publish(struct fake_relay *f, struct simulcast *p)
{
    *p = (struct simulcast){.t = fake_track(f, "ann", 0, CODEC_VP8), .seq = 100};
    for (unsigned i = 0; i < 3; i++)
        p->e[i] = track_encoding(p->t, i, f->now_us);
}

/** The next picture of those encodings that `which` has bits of; a key frame of those of `keys`. */
static void picture(struct fake_relay *f, struct simulcast *p, unsigned which, unsigned keys)
{
    for (unsigned i = 0; i < 3; i++) {
        uint16_t seq = (uint16_t)(p->seq + 1000 * i);
        uint32_t timestamp = p->timestamp + 7000000 * i;
        if (keys & 1u << i)
            fake_key_of(f, p->e[i], seq, timestamp, 320u << i, 180u << i);
        else if (which & 1u << i)
            assert_int_equal(fake_packet_of(f, p->e[i], seq, timestamp, FAKE_START), 0);
    }
    p->seq++;
    p->timestamp += 3000;
    fake_relay_run(f, 33333);
}

/** What was sent but for repetitions: numbers rise by one, timestamps rise. */
static void check_unbroken(const struct fake_relay *f, const struct slot *s)
{
    const struct fake_sent *last = NULL;
    for (size_t i = 0; i < f->sent_count; i++) {
        const struct fake_sent *p = &f->sent[i];
        if (p->slot != s || p->retransmission)
            continue;
        if (last) {
            assert_int_equal((uint16_t)(last->seq + 1), p->seq);
            assert_true((int32_t)(p->timestamp - last->timestamp) > 0);
        }
        last = p;
    }
}

static size_t keys_asked_of(const struct fake_relay *f, const struct encoding *e)
{
    size_t count = 0;
    for (size_t i = 0; i < f->asked_count; i++)
        count += f->asked[i].encoding == e && f->asked[i].seq == 0;
    return count;
}

static void a_joiner_begins_in_the_middle(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    publish(f, &p);
    picture(f, &p, 7, 7);
    picture(f, &p, 7, 0);
    struct slot *s = viewer(f);
    assert_ptr_equal(s->encoding, p.e[1]); /* while nobody says what the path carries */
    assert_ptr_equal(s->target, p.e[2]);
    assert_int_equal(f->sent_count, 2);
    assert_int_equal(f->asked_count, 1);
    assert_ptr_equal(f->asked[0].encoding, p.e[2]);
    picture(f, &p, 7, 1); /* not the one */
    assert_ptr_equal(s->encoding, p.e[1]);
    picture(f, &p, 7, 4);
    assert_ptr_equal(s->encoding, p.e[2]);
    picture(f, &p, 7, 0);
    assert_int_equal(f->sent_count, 6);
    assert_int_equal(s->counters.switches, 1);
    check_unbroken(f, s);
    assert_true(list_empty(&p.t->waiting));
    fake_relay_run(f, 5000000);
    assert_int_equal(f->asked_count, 1);
}

static void whoever_comes_first_begins_with_what_comes(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    struct slot *s = viewer(f);
    publish(f, &p);
    picture(f, &p, 7, 1);
    assert_ptr_equal(s->encoding, p.e[0]);
    picture(f, &p, 7, 2); /* better, but not aimed at: not worth a change */
    assert_ptr_equal(s->encoding, p.e[0]);
    picture(f, &p, 7, 4);
    assert_ptr_equal(s->encoding, p.e[2]);
    check_unbroken(f, s);
}

static void changes_over_at_key_frames(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    publish(f, &p);
    picture(f, &p, 7, 7);
    struct slot *s = viewer(f);
    aim(f, s, LAYER_BEST, LAYER_BEST);
    assert_ptr_equal(s->encoding, p.e[2]); /* its key frame is only just past */
    for (int i = 0; i < 40; i++)
        picture(f, &p, 7, 0);
    fake_relay_forget(f);
    aim(f, s, 0, LAYER_BEST);
    assert_int_equal(keys_asked_of(f, p.e[0]), 1);
    picture(f, &p, 7, 0);
    picture(f, &p, 7, 4);
    assert_ptr_equal(s->encoding, p.e[2]); /* goes on meanwhile */
    picture(f, &p, 7, 1);
    assert_ptr_equal(s->encoding, p.e[0]);
    assert_int_equal(f->sent_count, 3);
    for (int i = 0; i < 40; i++)
        picture(f, &p, 7, 0);
    aim(f, s, 1, LAYER_BEST);
    aim(f, s, 0, LAYER_BEST); /* changed its mind */
    picture(f, &p, 7, 2);
    assert_ptr_equal(s->encoding, p.e[0]);
    aim(f, s, 1, LAYER_BEST); /* a key frame this young is on the tape, with all since */
    assert_ptr_equal(s->encoding, p.e[1]);
    check_unbroken(f, s);
}

static void what_stops_is_left(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    publish(f, &p);
    picture(f, &p, 7, 7);
    struct slot *s = viewer(f);
    aim(f, s, LAYER_BEST, LAYER_BEST);
    for (int i = 0; i < 40; i++)
        picture(f, &p, 7, 0);
    fake_relay_forget(f);
    for (int i = 0; i < 30; i++) /* the publisher's path does not carry it any more */
        picture(f, &p, 3, 0);
    assert_ptr_equal(s->target, p.e[1]);
    assert_int_equal(keys_asked_of(f, p.e[1]), 1);
    picture(f, &p, 3, 2);
    assert_ptr_equal(s->encoding, p.e[1]);
    picture(f, &p, 7, 4);
    for (int i = 0; i < 10; i++)
        picture(f, &p, 7, 0);
    assert_ptr_equal(s->encoding, p.e[2]); /* it is back */
    check_unbroken(f, s);
}

/** The key frame that a slot is to begin with came in this very turn: once is enough. */
static void begins_once_with_what_waits_for_the_turns_end(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    struct list pending;
    list_init(&pending);
    publish(f, &p);
    struct slot *s = viewer(f);
    aim(f, s, LAYER_BEST, LAYER_BEST);
    picture(f, &p, 1, 1);
    for (int i = 0; i < 30; i++)
        picture(f, &p, 1, 0); /* the others are silent */
    for (int i = 0; i < 30; i++)
        picture(f, &p, 3, 0);
    assert_ptr_equal(s->encoding, p.e[0]);
    assert_ptr_equal(s->target, p.e[1]);
    f->room->config.pending = &pending;
    fake_relay_forget(f);
    fake_key_of(f, p.e[2], (uint16_t)(p.seq + 2000), p.timestamp + 14000000, 1280, 720);
    aim(f, s, LAYER_BEST, 1);
    assert_ptr_equal(s->encoding, p.e[2]);
    assert_int_equal(f->sent_count, 1);
    assert_false(list_linked(&s->in_waiting));
    relay_flush(&pending, f->now_us);
    assert_int_equal(f->sent_count, 1);
    f->room->config.pending = NULL;
}

static void paused_and_back(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    struct slot *s = viewer(f);
    assert_null(s->sent); /* nothing is kept before anything flows */
    publish(f, &p);
    picture(f, &p, 7, 7);
    aim(f, s, LAYER_PAUSED, LAYER_BEST);
    size_t sent = f->sent_count;
    for (int i = 0; i < 5; i++)
        picture(f, &p, 7, 7);
    assert_int_equal(f->sent_count, sent);
    assert_null(s->encoding);
    slot_key_frame(s, f->now_us);
    assert_int_equal(f->asked_count, 0);
    uint16_t old = f->sent[0].seq;
    slot_nack(s, f->now_us, &old, 1);
    assert_int_equal(f->sent_count, sent);
    aim(f, s, 1, LAYER_BEST);
    assert_ptr_equal(s->encoding, p.e[1]);
    assert_int_equal(f->sent_count, sent + 1);
    picture(f, &p, 7, 0);
    check_unbroken(f, s);
}

/** Both encodings' clocks are known: a picture keeps its time whichever of them shows it. */
static void time_goes_on_as_the_clocks_say(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    publish(f, &p);
    picture(f, &p, 7, 7);
    struct slot *s = viewer(f);
    aim(f, s, 0, LAYER_BEST);
    uint64_t ntp = ntp_from_unix_us(f->now_us + FAKE_UNIX_US);
    for (unsigned i = 0; i < 3; i++)
        encoding_sender_report(p.e[i], f->now_us, ntp, p.timestamp + 7000000 * i);
    picture(f, &p, 7, 0);
    uint32_t shift = fake_last_sent(f, s)->timestamp - p.timestamp;
    for (int i = 0; i < 200; i++) {
        if (i % 10 == 9)
            aim(f, s, (int8_t)(i / 10 % 3), LAYER_BEST);
        fake_relay_run(f, i % 7 * 9000u); /* pictures come as the path likes */
        picture(f, &p, 7, i % 10 == 4 ? 7 : 0);
        assert_in_range(fake_last_sent(f, s)->timestamp - p.timestamp - shift + 100, 0, 200);
    }
    check_unbroken(f, s);
}

/* Temporal layers */

static struct fake_sent *sent_of(struct fake_relay *f, int64_t source_seq)
{
    for (size_t i = 0; i < f->sent_count; i++)
        if (f->sent[i].source_seq == source_seq && !f->sent[i].retransmission)
            return &f->sent[i];
    fail_msg("%d was not sent", (int)source_seq);
    return NULL;
}

static uint16_t picture_id_of(const struct fake_sent *p, uint16_t unpatched)
{
    return p->patch_len ? (uint16_t)((p->patch[2] & 0x7f) << 8 | p->patch[3]) : unpatched;
}

static void layers_left_out_leave_no_trace(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    aim(f, s, LAYER_BEST, 0);
    fake_key_of(f, t->encodings[0], 0, 0, 640, 360);
    for (uint16_t i = 1; i < 100; i++) {
        if (i == 50 || i == 51)
            continue; /* late: one of either layer */
        fake_layer_of(f, t->encodings[0], i, i * 3000u, (uint8_t)(i / 2), i % 2, 200);
    }
    assert_int_equal(f->sent_count, 49);
    fake_layer_of(f, t->encodings[0], 51, 51 * 3000, 25, 1, 200);
    fake_layer_of(f, t->encodings[0], 50, 50 * 3000, 25, 0, 200);
    assert_int_equal(f->sent_count, 51);
    assert_int_equal(s->counters.switches, 0);
    uint16_t first = f->sent[0].seq;
    for (uint16_t i = 2; i < 100; i += 2) {
        const struct fake_sent *p = sent_of(f, 65536 + i);
        uint16_t place = (uint16_t)(p->seq - first);
        assert_int_equal(place, i / 2 + (i > 50)); /* the late one's place was kept */
        if (i > 2 && i < 50)
            assert_int_equal(picture_id_of(p, i), 2 + (i - 2) / 2);
        assert_true(p->marker && !p->empty);
    }
    const struct fake_sent *filled = sent_of(f, 65536 + 51);
    assert_true(filled->empty && !filled->marker);
    assert_int_equal((uint16_t)(filled->seq - first), 26);
    /* And again, the same. */
    const struct fake_sent twenty = *sent_of(f, 65536 + 20);
    slot_nack(s, f->now_us, &twenty.seq, 1);
    const struct fake_sent *again = fake_last_sent(f, s);
    assert_true(again->retransmission);
    assert_int_equal(again->source_seq, twenty.source_seq);
    assert_int_equal(again->timestamp, twenty.timestamp);
    assert_int_equal(again->patch_len, 5);
    assert_memory_equal(again->patch, twenty.patch, 5);
}

static void pictures_are_numbered_over_encodings(void **state)
{
    struct fake_relay *f = *state;
    struct simulcast p;
    publish(f, &p);
    struct slot *s = viewer(f);
    aim(f, s, 0, LAYER_BEST);
    picture(f, &p, 0, 7);
    for (uint16_t i = 1; i < 40; i++)
        for (unsigned e = 0; e < 2; e++)
            fake_layer_of(f, p.e[e], (uint16_t)(p.seq + i + 1000 * e), p.timestamp + i * 3000u,
                          (uint8_t)i, 0, 200);
    uint16_t last = picture_id_of(fake_last_sent(f, s), (p.seq + 39) & 0xff);
    p.seq += 40;
    p.timestamp += 120000;
    aim(f, s, 1, LAYER_BEST);
    picture(f, &p, 0, 2); /* a key frame without numbers of its own */
    assert_ptr_equal(s->encoding, p.e[1]);
    for (uint16_t i = 0; i < 5; i++) {
        fake_layer_of(f, p.e[1], (uint16_t)(p.seq + i + 1000), p.timestamp + 7000000 + i * 3000u,
                      (uint8_t)(200 + i), 0, 200);
        const struct fake_sent *sent = fake_last_sent(f, s);
        assert_int_equal(picture_id_of(sent, 0xffff), last + 1 + i);
        assert_int_equal(sent->patch[4], 40 + i);
    }
}

/** Retransmissions since the last fake_relay_forget. */
static size_t sent_again(const struct fake_relay *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->sent_count; i++)
        n += f->sent[i].retransmission;
    fake_relay_forget((struct fake_relay *)f);
    return n;
}

static void is_sent_again_once_a_round_trip(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    struct slot *s = viewer(f);
    for (uint16_t i = 1; i < 20; i++)
        fake_picture(f, t, (uint16_t)(100 + i), i * 3000u, FAKE_START);
    fake_relay_run(f, 50000);
    uint16_t seq = (uint16_t)(fake_last_sent(f, s)->seq - 5);
    s->rtt_us = 200000;
    (void)sent_again(f);
    slot_nack(s, f->now_us, &seq, 1);
    assert_int_equal(sent_again(f), 1);
    fake_relay_run(f, 100000);
    slot_nack(s, f->now_us, &seq, 1); /* the answer is still on its way */
    assert_int_equal(sent_again(f), 0);
    fake_relay_run(f, 100000);
    slot_nack(s, f->now_us, &seq, 1);
    assert_int_equal(sent_again(f), 2); /* the last one was lost: this time twice */
    slot_viewer_loss(s, 60);
    fake_relay_run(f, 100000);
    slot_nack(s, f->now_us, &seq, 1); /* on a very bad path it is not waited for so long */
    assert_int_equal(sent_again(f), 2);
    assert_int_equal(fake_keys_asked(f, t), 0);
    fake_relay_run(f, 400000);
    slot_nack(s, f->now_us, &seq, 1); /* it has asked for long: it will need a key frame */
    fake_relay_run(f, LIMIT_PLI_INTERVAL_US);
    assert_true(fake_keys_asked(f, t) >= 1);
}

static void copies_come_later_where_losses_come_in_runs(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    struct slot *s = viewer(f);
    for (uint16_t i = 1; i < 20; i++)
        fake_picture(f, t, (uint16_t)(100 + i), i * 3000u, FAKE_START);
    fake_relay_run(f, 50000);
    uint16_t seq = (uint16_t)(fake_last_sent(f, s)->seq - 5);
    slot_viewer_loss(s, 26);
    s->loses_runs = true;
    (void)sent_again(f);
    slot_nack(s, f->now_us, &seq, 1);
    assert_int_equal(sent_again(f), 1);
    fake_relay_run(f, 30000);
    assert_int_equal(sent_again(f), 0);
    fake_relay_run(f, 20000);
    assert_int_equal(f->sent_count, 1);
    assert_int_equal(f->sent[0].seq, seq);
    assert_int_equal(sent_again(f), 1);
    fake_picture(f, t, 121, 21 * 3000u, FAKE_START);
    fake_picture(f, t, 120, 20 * 3000u, FAKE_START | FAKE_RECOVERED);
    assert_int_equal(sent_again(f), 0);
    fake_relay_run(f, 50000);
    assert_int_equal(sent_again(f), 1);
    /* What it shows no more: not either. */
    slot_nack(s, f->now_us, &seq, 1);
    (void)sent_again(f);
    slot_show(s, NULL, f->now_us);
    fake_relay_run(f, 50000);
    assert_int_equal(sent_again(f), 0);
}

static void one_viewer_has_few_key_frames_made(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    struct slot *s = viewer(f);
    size_t asked = 0;
    for (uint16_t i = 1; i <= 300; i++) { /* half a minute of requests, each answered */
        slot_key_frame(s, f->now_us);
        fake_relay_run(f, 100000);
        asked += fake_keys_asked(f, t);
        unsigned flags = fake_keys_asked(f, t) ? FAKE_KEY : FAKE_START;
        fake_relay_forget(f);
        fake_picture(f, t, (uint16_t)(100 + i), i * 9000u, flags);
    }
    uint64_t then = 30000000 / LIMIT_SLOT_KEY_INTERVAL_US;
    assert_in_range(asked, then, LIMIT_SLOT_KEY_FRAMES + then);
    /* Somebody else is heard all the same. */
    fake_relay_run(f, LIMIT_PLI_INTERVAL_US);
    fake_relay_forget(f);
    struct slot *other = fake_slot(f, 2, "you", MEDIA_VIDEO, SLOT_PICK_OTHERS, NULL);
    slot_key_frame(other, f->now_us);
    assert_int_equal(fake_keys_asked(f, t), 1);
}

static void sound_is_sent_again_where_that_was_agreed(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_OPUS);
    for (unsigned agreed = 0; agreed < 2; agreed++) {
        const struct slot_config config = {.kind = MEDIA_AUDIO,
                                           .codecs = 1u << CODEC_OPUS,
                                           .viewer = 1 + agreed,
                                           .identity = "me",
                                           .nack = agreed};
        struct slot *s;
        assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
        for (uint16_t i = 0; i < LIMIT_SENT_AUDIO; i++)
            fake_picture(f, t, (uint16_t)(100 + i + agreed * 200), i * 960u, FAKE_START);
        const struct fake_sent last = *fake_last_sent(f, s);
        uint16_t seqs[] = {(uint16_t)(last.seq - LIMIT_SENT_AUDIO), (uint16_t)(last.seq - 3)};
        (void)sent_again(f);
        slot_nack(s, f->now_us, seqs, 2);
        assert_int_equal(f->sent_count, agreed);
        if (agreed) {
            assert_int_equal(f->sent[0].source_seq, last.source_seq - 3);
            assert_int_equal(f->sent[0].seq, seqs[1]);
        }
        slot_free(s);
    }
}

/** Under its number a packet is sent again, never another: SRTP would use a nonce twice. */
static void sound_that_comes_very_late_is_not_taken_for_newer(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_OPUS);
    const struct slot_config config = {.kind = MEDIA_AUDIO,
                                       .codecs = 1u << CODEC_OPUS,
                                       .viewer = 1,
                                       .identity = "me",
                                       .nack = true};
    struct slot *s;
    assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
    for (uint16_t i = 0; i < LIMIT_SENT_AUDIO + 20; i++)
        if (i != 10)
            fake_picture(f, t, (uint16_t)(100 + i), i * 960u, FAKE_START);
    fake_picture(f, t, 110, 10 * 960u, FAKE_START);
    const struct fake_sent late = *fake_last_sent(f, s);
    uint16_t newer = (uint16_t)(late.seq + LIMIT_SENT_AUDIO);
    (void)sent_again(f);
    slot_nack(s, f->now_us, &newer, 1);
    assert_int_equal(f->sent_count, 1);
    assert_int_equal(f->sent[0].seq, newer);
    assert_int_equal(f->sent[0].source_seq, late.source_seq + LIMIT_SENT_AUDIO);
    slot_free(s);
}

/** Workers share packets, but their turns do not begin at the same time. */
static void what_is_newer_than_the_turn_is_not_late(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    const struct downlink_config path = {.twcc = true};
    struct downlink *d;
    assert_int_equal(downlink_new(&d, &path, f->now_us), 0);
    const struct slot_config config = {.kind = MEDIA_VIDEO,
                                       .codecs = 1u << CODEC_VP8,
                                       .viewer = 1,
                                       .identity = "me",
                                       .downlink = d};
    struct slot *s;
    assert_int_equal(slot_new(&s, f->room, &config, f->now_us), 0);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    assert_ptr_equal(s->encoding, t->encodings[0]);
    fake_relay_run(f, 3000000);
    (void)downlink_sent(d, f->now_us, 500000, 0); /* the path is taken for a while */
    fake_picture(f, t, 101, 270000, FAKE_START);
    assert_int_equal(fake_sent_to(f, s), 1);
    slot_catch_up(s, f->now_us - 500);
    assert_ptr_equal(s->encoding, t->encodings[0]);
    fake_relay_run(f, 1000000);
    assert_int_equal(fake_sent_to(f, s), 2);
    slot_free(s);
    downlink_free(d);
}

/** SRTP guesses the roll-over of what comes after a gap by the last number it knows. */
static void a_viewer_that_hears_nothing_misses_few_numbers(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    uint16_t seq = 100;
    uint32_t timestamp = 0;
    fake_picture(f, t, seq++, timestamp, FAKE_KEY);
    uint16_t heard = fake_last_sent(f, s)->seq;
    slot_viewer_heard(s, f->now_us, heard);
    for (int i = 0; i < 40000; i++) {
        timestamp += 90;
        fake_picture(f, t, seq++, timestamp, FAKE_START);
        f->now_us += 1000;
    }
    uint64_t sent = s->counters.packets;
    uint16_t last = fake_last_sent(f, s)->seq;
    assert_in_range(sent, LIMIT_UNHEARD_PACKETS, LIMIT_UNHEARD_PACKETS + 2 * 16);
    assert_int_equal((uint16_t)(last - heard), sent - 1);
    slot_viewer_heard(s, f->now_us, heard); /* no news */
    fake_relay_forget(f);
    slot_viewer_heard(s, f->now_us, last);
    assert_int_equal(fake_keys_asked(f, t), 1);
    fake_picture(f, t, seq++, timestamp + 90, FAKE_START);
    assert_int_equal(s->counters.packets, sent); /* it could not be shown */
    fake_picture(f, t, seq++, timestamp + 180, FAKE_KEY);
    fake_picture(f, t, seq++, timestamp + 270, FAKE_START);
    assert_int_equal(s->counters.packets, sent + 2);
    assert_int_equal((uint16_t)(fake_last_sent(f, s)->seq - last), 2);
}

/** Clients without receiver reports. */
static void who_never_reports_is_sent_on(void **state)
{
    struct fake_relay *f = *state;
    struct track *t = fake_track(f, "ann", 0, CODEC_VP8);
    struct slot *s = viewer(f);
    fake_picture(f, t, 100, 0, FAKE_KEY);
    for (uint32_t i = 1; i <= LIMIT_UNHEARD_PACKETS + 1000; i++)
        fake_picture(f, t, (uint16_t)(100 + i), 90 * i, FAKE_START);
    assert_int_equal(s->counters.packets, LIMIT_UNHEARD_PACKETS + 1001);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_relay, close_relay)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_joiner_begins_in_the_middle),
        TEST(whoever_comes_first_begins_with_what_comes),
        TEST(changes_over_at_key_frames),
        TEST(what_stops_is_left),
        TEST(begins_once_with_what_waits_for_the_turns_end),
        TEST(paused_and_back),
        TEST(time_goes_on_as_the_clocks_say),
        TEST(layers_left_out_leave_no_trace),
        TEST(pictures_are_numbered_over_encodings),
        TEST(is_sent_again_once_a_round_trip),
        TEST(copies_come_later_where_losses_come_in_runs),
        TEST(one_viewer_has_few_key_frames_made),
        TEST(sound_is_sent_again_where_that_was_agreed),
        TEST(sound_that_comes_very_late_is_not_taken_for_newer),
        TEST(a_viewer_that_hears_nothing_misses_few_numbers),
        TEST(who_never_reports_is_sent_on),
        TEST(what_is_newer_than_the_turn_is_not_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
