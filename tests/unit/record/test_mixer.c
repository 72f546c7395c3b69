// SPDX-License-Identifier: Apache-2.0
/* Voices on one timeline: in time, without holes, bounded. All in virtual time. */
#include "media/record/mixer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <opus/opus.h>

#include "base/er.h"
#include "base/limits.h"
#include "tests/unit/support/opus_source.h"

enum { DELAY_US = 500000, FRAME = OPUS_SOURCE_FRAME };

/** The mixer with a player behind it that hears all that comes out. */
struct fixture {
    struct mixer *mixer;
    OpusDecoder *player;
    int64_t frames;         /* heard so far */
    int16_t pcm[FRAME * 2]; /* of the last */
};

static int put(struct fixture *f, uint64_t source, struct opus_source *s, int64_t i, int64_t at_us)
{
    const struct tape_packet *p = opus_source_packet(s, i, 0);
    const struct mixer_packet in = {.source = source,
                                    .seq = p->seq,
                                    .timestamp = p->timestamp,
                                    .at_us = at_us,
                                    .payload = p->payload,
                                    .len = p->payload_len};
    return mixer_put(f->mixer, &in);
}

/** Hears the next 20 ms if they are due. */
static bool hear(struct fixture *f, int64_t until_us)
{
    struct mixer_frame frame;
    int er = mixer_next(f->mixer, until_us, &frame);
    if (er == ER_AGAIN)
        return false;
    assert_int_equal(er, 0);
    assert_int_equal(frame.at_us, f->frames * MIXER_FRAME_US);
    assert_int_equal(opus_decode(f->player, frame.data, (opus_int32)frame.len, f->pcm, FRAME, 0),
                     FRAME);
    f->frames++;
    return true;
}

static double loudness(const int16_t *pcm, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)pcm[2 * i] * pcm[2 * i];
    return sqrt(sum / count);
}

/** Loudness of the whole stretch up to `until_us`. */
static double hear_until(struct fixture *f, int64_t until_us)
{
    double sum = 0;
    int count = 0;
    while (hear(f, until_us)) {
        sum += loudness(f->pcm, FRAME);
        count++;
    }
    return count ? sum / count : 0;
}

static void test_has_no_holes_when_all_are_silent(void **state)
{
    struct fixture *f = *state;
    assert_true(hear_until(f, 2000000) < 1);
    assert_in_range(f->frames, 99, 100);
    assert_in_range(mixer_position_us(f->mixer), 1980000, 2000000);
}

/** A voice whose clock runs `ppm` fast of ours, and the clicks it sends. */
struct speaker {
    struct opus_source source;
    double ppm;
    double start_us;
    unsigned click_ms;
    int64_t sent;
    double worst_us;
    int64_t heard;
};

static double true_time(const struct speaker *s, double samples)
{
    return s->start_us + samples / 48000 * 1e6 / (1 + s->ppm / 1e6);
}

/** Sends what was captured by now; the capture times shake by a millisecond. */
static void speak(struct fixture *f, struct speaker *s, uint64_t id, double now_us)
{
    for (;;) {
        double at_us = true_time(s, (double)s->sent * FRAME);
        if (at_us > now_us)
            return;
        double shake_us = (double)(s->sent * 7919 % 2001) - 1000;
        assert_int_equal(put(f, id, &s->source, s->sent, (int64_t)(at_us + shake_us)), 0);
        s->sent++;
    }
}

/** Holds a click heard against the one that was sent. */
static bool claim_click(struct speaker *s, int64_t sample)
{
    double heard_us = (double)sample / 48 * 1000;
    double second = round((heard_us - s->start_us) / 1e6 - s->click_ms / 1000.0);
    double sent_us = true_time(s, second * 48000 + s->click_ms * 48);
    double off_us = fabs(heard_us - sent_us);
    if (off_us > 200000)
        return false;
    s->worst_us = off_us > s->worst_us ? off_us : s->worst_us;
    s->heard++;
    return true;
}

static void test_keeps_voices_in_time(void **state)
{
    /* Uncorrected, they would be off by 60 ms at the end; by 6 where time is dear. */
    const int seconds = getenv("LOUPE_VALGRIND") ? 60 : 600;
    struct fixture *f = *state;
    static struct speaker fast, slow;
    fast = (struct speaker){.ppm = 100, .start_us = 0, .click_ms = 250};
    slow = (struct speaker){.ppm = -100, .start_us = 12345, .click_ms = 750};
    opus_source_click(&fast.source, fast.click_ms);
    opus_source_click(&slow.source, slow.click_ms);
    struct click_finder finder = {0};
    for (double now_us = 0; now_us < seconds * 1e6; now_us += 20000) {
        speak(f, &fast, 1, now_us);
        speak(f, &slow, 2, now_us);
        while (hear(f, (int64_t)now_us - DELAY_US)) {
            int64_t click = click_find(&finder, f->pcm, FRAME);
            if (click >= 0)
                assert_true(claim_click(&fast, click) || claim_click(&slow, click));
        }
    }
    print_message("worst offset: %.2f and %.2f ms\n", fast.worst_us / 1000, slow.worst_us / 1000);
    assert_in_range(fast.heard, seconds - 2, seconds);
    assert_in_range(slow.heard, seconds - 2, seconds);
    assert_true(fast.worst_us < 5000);
    assert_true(slow.worst_us < 5000);
}

static void test_moves_a_voice_that_jumps(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_click(&source, 500);
    struct click_finder finder = {0};
    int64_t clicks[16], count = 0;
    for (int64_t i = 0; i < 8 * 50; i++) {
        /* From its fifth second on, captured 200 ms later than its clock says; from the seventh,
         * as it was. */
        int64_t at_us = i * 20000 + (i >= 200 && i < 300 ? 200000 : 0);
        assert_int_equal(put(f, 1, &source, i, at_us), 0);
        while (hear(f, i * 20000 - DELAY_US)) {
            int64_t click = click_find(&finder, f->pcm, FRAME);
            if (click >= 0 && count < 16)
                clicks[count++] = click / 48;
        }
    }
    assert_int_equal(count, 7);
    for (int k = 0; k < count; k++) {
        int64_t expected = 500 + k * 1000 + (k >= 4 && k < 6 ? 200 : 0);
        assert_in_range(clicks[k], expected - 2, expected + 2);
    }
}

static void test_conceals_a_loss_but_not_a_pause(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_tone(&source, 300, 0.5);
    double loud[150];
    for (int64_t i = 0; i < 125; i++) {
        /* One packet is lost; later one was not sent: no sequence number is missing. */
        const struct tape_packet *p = opus_source_packet(&source, i, 0);
        const struct mixer_packet in = {.source = 1,
                                        .seq = p->seq - (i >= 100 ? 3 : 0),
                                        .timestamp = p->timestamp,
                                        .at_us = i * 20000,
                                        .payload = p->payload,
                                        .len = p->payload_len};
        if (i != 50 && !(i >= 97 && i < 100))
            assert_int_equal(mixer_put(f->mixer, &in), 0);
    }
    for (int i = 0; hear(f, 2500000); i++)
        loud[i] = loudness(f->pcm, FRAME);
    for (int i = 10; i < 120; i++) {
        bool pause = i >= 97 && i < 100;
        if (i == 98)
            assert_true(loud[i] < loud[40] / 10);
        else if (!pause && i != 96 && i != 100)
            assert_true(loud[i] > loud[40] / 2);
    }
}

static void test_clips_softly(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_tone(&source, 200, 0.9);
    for (int64_t i = 0; i < 50; i++)
        for (uint64_t id = 1; id <= 6; id++)
            assert_int_equal(put(f, id, &source, i, i * 20000), 0);
    double along = 0, all = 0;
    while (hear(f, 900000)) {
        for (int k = 0; k < FRAME; k++) {
            double at = (double)((f->frames - 1) * FRAME + k) / 48000;
            double wave = sin(2 * 3.14159265358979 * 200 * at);
            along += wave * f->pcm[2 * k];
            all += fabs(wave * f->pcm[2 * k]);
        }
    }
    /* Sums that wrap around would stand against the wave. */
    assert_true(along > 0.98 * all);
    assert_true(all / (44 * FRAME) > 15000);
}

static void test_lets_voices_come_and_go(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_tone(&source, 300, 0.5);
    for (int64_t i = 0; i < 50; i++)
        put(f, 7, &source, i, i * 20000);
    mixer_end(f->mixer, 7);
    mixer_end(f->mixer, 8);
    assert_true(hear_until(f, 1000000) > 3000);
    hear_until(f, 1100000);
    assert_true(hear_until(f, 2000000) < 10);
    for (int64_t i = 100; i < 150; i++)
        assert_int_equal(put(f, 7, &source, i, i * 20000), 0);
    hear_until(f, 2100000);
    assert_true(hear_until(f, 2900000) > 3000);
}

static void test_says_nothing_twice(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_tone(&source, 300, 0.5);
    for (int64_t i = 0; i < 100; i++)
        put(f, 7, &source, i, i * 20000);
    assert_true(hear_until(f, 2000000) > 3000);
    /* It only pauses: what it said is still in memory, and must not be heard again. */
    hear_until(f, 2200000);
    assert_true(hear_until(f, 9000000) < 10);
}

static void test_is_bounded(void **state)
{
    struct fixture *f = *state;
    static struct opus_source source;
    opus_source_tone(&source, 300, 0.1);
    for (uint64_t id = 0; id < LIMIT_MIX_SOURCES; id++)
        assert_int_equal(put(f, id, &source, 0, 0), 0);
    assert_int_equal(put(f, 99, &source, 0, 0), ER_FULL);
    assert_int_equal(put(f, 0, &source, 1, 20000), 0);
    assert_int_equal(put(f, 0, &source, 1, 20000), ER_STALE);
    assert_int_equal(put(f, 0, &source, 2, mixer_reach_us(f->mixer)), ER_AGAIN);
    assert_int_equal(put(f, 0, &source, 2, INT64_C(1) << 60), ER_AGAIN);
    /* One that is done gives its place away, and so do those long silent. */
    mixer_end(f->mixer, 3);
    hear_until(f, 1000000);
    assert_int_equal(put(f, 99, &source, 0, 1000000), 0);
    hear_until(f, 12000000);
    for (uint64_t id = 100; id < 100 + LIMIT_MIX_SOURCES; id++)
        assert_int_equal(put(f, id, &source, 0, 12000000), 0);
}

static void test_takes_nonsense(void **state)
{
    struct fixture *f = *state;
    static const uint8_t torn[] = {0xff, 0xff, 0xff, 0xff};
    struct mixer_packet in = {.source = 1, .seq = 5, .timestamp = 5, .payload = torn};
    assert_int_equal(mixer_put(f->mixer, &in), ER_MALFORMED);
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[64];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        in.payload = bytes;
        in.len = bytes[0] % sizeof bytes;
        in.seq += bytes[1] % 4;
        in.timestamp += (int64_t)(bytes[2] % 8) * 480 - (bytes[3] == 0 ? 1000000 : 0);
        in.at_us = (int64_t)i * 10000 + bytes[4] * 1000 - 100000;
        mixer_put(f->mixer, &in);
        hear_until(f, (int64_t)i * 10000 - DELAY_US);
    }
    assert_in_range(f->frames, 9970, 9980);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    int status;
    f.player = opus_decoder_create(48000, 2, &status);
    *state = &f;
    return mixer_new(&f.mixer);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mixer_free(f->mixer);
    mixer_free(NULL);
    opus_decoder_destroy(f->player);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_has_no_holes_when_all_are_silent),
        TEST(test_keeps_voices_in_time),
        TEST(test_moves_a_voice_that_jumps),
        TEST(test_conceals_a_loss_but_not_a_pause),
        TEST(test_clips_softly),
        TEST(test_lets_voices_come_and_go),
        TEST(test_says_nothing_twice),
        TEST(test_is_bounded),
        TEST(test_takes_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
