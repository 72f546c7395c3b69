// SPDX-License-Identifier: Apache-2.0
/* A room's mix kept running, and clips that copy it. All in virtual time. */
#include "media/record/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <opus/opus.h>

#include "media/record/clip.h"
#include "tests/unit/support/framelog_check.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

#define START_US UINT64_C(1700000000000000)
#define BOOT_US UINT64_C(5000000)
#define SECOND_US UINT64_C(1000000)
enum { NETWORK_US = 30000, KEEP_US = 20000000 };

struct fixture {
    struct scratch scratch;
    struct opus_source voices[2];
    struct standing *standing;
    int64_t sent; /* packets of each voice */
};

static uint64_t at_us(int64_t i)
{
    return START_US + (uint64_t)i * 20000;
}

static const struct tape_packet *packet(struct fixture *f, int voice, int64_t i)
{
    return opus_source_packet(&f->voices[voice], i, BOOT_US + (uint64_t)i * 20000 + NETWORK_US);
}

/** Both speak up to packet `until`; the mix hears of it each 200 ms. */
static void speak(struct fixture *f, int64_t until)
{
    for (; f->sent < until; f->sent++) {
        for (int v = 0; v < 2; v++)
            assert_int_equal(
                standing_audio(f->standing, 1 + v, packet(f, v, f->sent), at_us(f->sent)), 0);
        if (f->sent % 10 == 9)
            assert_int_equal(standing_tick(f->standing, at_us(f->sent) + NETWORK_US, 0), 0);
    }
}

/** What is kept from a moment on. */
static size_t count_from(struct fixture *f, uint64_t from_us)
{
    struct standing_frame frame;
    size_t count = 0;
    while (standing_at(f->standing, from_us, &frame)) {
        assert_true(frame.at_us >= from_us && frame.at_us < from_us + 20000);
        from_us = frame.at_us + 20000;
        count++;
    }
    return count;
}

static void keeps_what_was_said(void **state)
{
    struct fixture *f = *state;
    speak(f, 500);
    assert_true(standing_covers(f->standing, START_US));
    assert_false(standing_covers(f->standing, START_US - 1));
    assert_in_range(count_from(f, START_US), 470, 475);
    assert_true(standing_has(f->standing, 1, packet(f, 0, 499)->seq));
    assert_false(standing_has(f->standing, 1, packet(f, 0, 500)->seq));
    assert_false(standing_has(f->standing, 3, 1));
    speak(f, 2000); /* 40 s: the first ones are gone */
    assert_false(standing_covers(f->standing, START_US + 18 * SECOND_US));
    assert_true(standing_covers(f->standing, START_US + 20 * SECOND_US));
    assert_in_range(count_from(f, START_US + 30 * SECOND_US), 470, 475);
}

/** Another one was forgotten, and this begun a little before what it was given. */
static void claims_nothing_that_it_was_not_given(void **state)
{
    struct fixture *f = *state;
    standing_free(f->standing);
    assert_int_equal(standing_new(&f->standing, START_US, START_US + SECOND_US, KEEP_US), 0);
    f->sent = 50;
    speak(f, 500);
    assert_false(standing_covers(f->standing, START_US));
    assert_false(standing_covers(f->standing, START_US + SECOND_US - 1));
    assert_true(standing_covers(f->standing, START_US + SECOND_US));
}

/** A copy goes on as the mix itself does, byte for byte. */
static void is_continued_by_a_copy(void **state)
{
    struct fixture *f = *state;
    struct mixer *copy;
    uint64_t begin_us, until_us;
    speak(f, 305);
    assert_int_equal(standing_continue(f->standing, &copy, &begin_us, &until_us), 0);
    assert_int_equal(begin_us, START_US);
    for (int64_t i = 305; i < 400; i++) {
        for (int v = 0; v < 2; v++) {
            const struct tape_packet *p = packet(f, v, i);
            const struct mixer_packet in = {.source = 1 + v,
                                            .seq = p->seq,
                                            .timestamp = p->timestamp,
                                            .at_us = i * 20000,
                                            .payload = p->payload,
                                            .len = p->payload_len};
            assert_int_equal(mixer_put(copy, &in), 0);
        }
    }
    speak(f, 500);
    struct mixer_frame mine;
    struct standing_frame its;
    size_t same = 0;
    while (mixer_next(copy, 400 * 20000, &mine) == 0) {
        assert_true(standing_at(f->standing, begin_us + (uint64_t)mine.at_us, &its));
        assert_int_equal(its.at_us, until_us + same * 20000);
        assert_int_equal(its.len, mine.len);
        assert_memory_equal(its.data, mine.data, mine.len);
        same++;
    }
    mixer_free(copy);
    assert_true(same > 90);
}

/** Clicks of the first voice at half past each second, of the second one at a quarter to. */
static void assert_sounds_right(struct fixture *f, const char *name, int64_t begin_ms, int least)
{
    struct webm_probe p;
    int status, clicks = 0;
    struct click_finder finder = {0};
    int64_t last_ms = -20, first_ms = -1;
    OpusDecoder *player = opus_decoder_create(48000, 2, &status);
    assert_true(webm_probe_read(&p, scratch_path(&f->scratch, name)));
    for (size_t i = 0; i < p.count; i++) {
        const struct webm_block *b = &p.blocks[i];
        int16_t pcm[OPUS_SOURCE_FRAME * 2];
        if (b->video)
            continue;
        first_ms = first_ms < 0 ? b->at_ms : first_ms;
        assert_in_range(b->at_ms - last_ms, 0, first_ms == b->at_ms ? 40 : 20); /* no holes */
        last_ms = b->at_ms;
        assert_int_equal(opus_decode(player, b->data, (opus_int32)b->len, pcm, 960, 0), 960);
        int64_t click = click_find(&finder, pcm, 960);
        if (click < 0)
            continue;
        int64_t ms = (click / 48 + first_ms + begin_ms) % 1000;
        if (!(ms >= 497 && ms <= 503) && !(ms >= 747 && ms <= 753))
            fail_msg("a click at %lld ms", (long long)(click / 48 + first_ms));
        clicks++;
    }
    opus_decoder_destroy(player);
    webm_probe_clear(&p);
    assert_true(clicks >= least);
}

static struct clip *open_clip(struct fixture *f, uint64_t begin_us, bool hurry)
{
    struct clip *c;
    const struct clip_config config = {.path = scratch_path(&f->scratch, "clip"),
                                       .start_unix_us = begin_us,
                                       .publisher = "ann",
                                       .hurry = hurry};
    assert_int_equal(clip_new(&c, &config), 0);
    assert_true(standing_covers(f->standing, begin_us));
    clip_follow(c, f->standing);
    return c;
}

static void give(struct fixture *f, struct clip *c, int64_t from, int64_t until)
{
    for (int64_t i = from; i < until; i++) {
        for (int v = 0; v < 2; v++)
            assert_int_equal(clip_audio(c, 1 + v, packet(f, v, i), at_us(i)), 0);
        if (i % 10 == 9)
            assert_int_equal(clip_tick(c, at_us(i), 0), 0);
    }
}

/** All that was said is in it, up to the moment of asking: half a second more than was mixed. */
static void look_backs_copy_it(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    speak(f, 500);
    struct clip *c = open_clip(f, START_US + 2007000, true);
    give(f, c, 101, 500);
    assert_int_equal(clip_finish(c, at_us(500), &result), 0);
    clip_free(c);
    assert_in_range(result.duration_us, 7960000, 8000000);
    assert_true(result.has_audio);
    assert_sounds_right(f, "clip.webm", 2007, 15);
    struct framelog_summary s = framelog_check(scratch_path(&f->scratch, "clip"));
    assert_int_equal(s.spoken, 2 * 399);
}

/** What the mix did not get in time, a look-back that waited for it has. */
static void look_backs_know_more(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    speak(f, 480);
    struct clip *c = open_clip(f, START_US + 2 * SECOND_US, true);
    give(f, c, 100, 500);
    assert_int_equal(clip_finish(c, at_us(500), &result), 0);
    clip_free(c);
    assert_in_range(result.duration_us, 7960000, 8000000);
    assert_sounds_right(f, "clip.webm", 2000, 15);
}

/** The mix may go away in the middle, and may be ahead of the clip or behind it. */
static void clips_go_on_without_it(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    speak(f, 105);
    struct clip *c = open_clip(f, START_US + 2 * SECOND_US, false);
    for (int64_t i = 110; i <= 300; i += 10) {
        speak(f, i);
        give(f, c, i - 10, i);
    }
    assert_int_equal(clip_unfollow(c), 0);
    standing_free(f->standing);
    f->standing = NULL;
    give(f, c, 300, 500);
    assert_int_equal(clip_finish(c, at_us(500), &result), 0);
    clip_free(c);
    assert_in_range(result.duration_us, 7960000, 8000000);
    assert_sounds_right(f, "clip.webm", 2000, 15);
}

/** And the pictures' hashes, which were made as they came. */
static void look_backs_have_hashes(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    struct vp8_source *camera = vp8_source_new(160, 120);
    struct clip *c = open_clip(f, START_US, true);
    for (int i = 0; i < 60; i++) {
        struct vp8_picture p;
        vp8_source_next(camera, 90000 + i * 3000, false, &p);
        for (size_t k = 0; k < p.count; k++) {
            if (i < 50)
                standing_video(f->standing, 3, p.packets[k]);
            assert_int_equal(clip_video(c, p.packets[k], START_US + (uint64_t)i * 33333), 0);
        }
    }
    standing_video_gap(f->standing, 3, 1);
    standing_video_end(f->standing, 3);
    assert_int_equal(clip_finish(c, START_US + 2 * SECOND_US, &result), 0);
    clip_free(c);
    vp8_source_free(camera);
    assert_int_equal(result.hashed, 50);
    struct framelog_summary s = framelog_check(scratch_path(&f->scratch, "clip"));
    assert_int_equal(s.pictures, 60);
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    scratch_make(&f.scratch);
    opus_source_click(&f.voices[0], 500);
    opus_source_click(&f.voices[1], 750);
    *state = &f;
    return standing_new(&f.standing, START_US, 0, KEEP_US);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    standing_free(f->standing);
    standing_free(NULL);
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(keeps_what_was_said),    TEST(claims_nothing_that_it_was_not_given),
        TEST(is_continued_by_a_copy), TEST(look_backs_copy_it),
        TEST(look_backs_know_more),   TEST(look_backs_have_hashes),
        TEST(clips_go_on_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
