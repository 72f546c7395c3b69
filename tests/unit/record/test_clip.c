// SPDX-License-Identifier: Apache-2.0
/* Whole clips, from packets to a file that plays, in virtual time. */
#include "media/record/clip.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <opus/opus.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

#define START_US UINT64_C(1700000000000000) /* the server's clock at media time 0 */
#define BOOT_US UINT64_C(5000000)           /* the arrivals' clock then */

enum { NETWORK_US = 30000, STEP_US = 10000, FRAME_US = 40000 };

/** A publisher with camera and voice, a second voice, and the clip that records them. */
struct fixture {
    struct scratch scratch;
    char path[100];
    struct vp8_source *camera;
    struct opus_source voice, other;
    struct clip *clip;
    struct clip_result result;
    struct webm_probe probe;
    int64_t now_us;                   /* media time */
    int64_t camera_on_us;             /* first key frame */
    int64_t lose_from_us, lose_to_us; /* pictures lost; a key frame at the end */
    int64_t resize_us;
    bool voice_off, other_on, ticks_off;
    int error;
};

static void send_picture(struct fixture *f, int64_t at_us)
{
    struct vp8_picture picture;
    bool key = at_us == f->camera_on_us || at_us == f->lose_to_us || at_us % 4000000 == 0;
    if (at_us == f->resize_us)
        vp8_source_resize(f->camera, 240, 320);
    vp8_source_next(f->camera, 90000 + at_us * 9 / 100, key, &picture);
    if (at_us < f->camera_on_us)
        return;
    if (at_us >= f->lose_from_us && at_us < f->lose_to_us) {
        clip_video_gap(f->clip, (uint32_t)picture.count);
        return;
    }
    for (size_t i = 0; i < picture.count; i++) {
        struct tape_packet *p = (struct tape_packet *)(uintptr_t)picture.packets[i];
        p->arrival_us = (uint64_t)(at_us + NETWORK_US) + BOOT_US;
        int er = clip_video(f->clip, p, (uint64_t)at_us + START_US);
        f->error = f->error ? f->error : er;
    }
}

static void send_voice(struct fixture *f, struct opus_source *s, uint64_t id, int64_t at_us)
{
    const struct tape_packet *p = opus_source_packet(s, at_us / 20000,
                                                     (uint64_t)(at_us + NETWORK_US) + BOOT_US);
    int er = clip_audio(f->clip, id, p, (uint64_t)at_us + START_US);
    f->error = f->error ? f->error : er;
}

/** Lets the call go on up to a media time. */
static void run(struct fixture *f, int64_t until_us)
{
    for (; f->now_us < until_us; f->now_us += STEP_US) {
        int64_t at_us = f->now_us - NETWORK_US; /* captured when that arrives now */
        if (at_us >= 0 && at_us % FRAME_US == 0)
            send_picture(f, at_us);
        if (at_us >= 0 && at_us % 20000 == 0 && !f->voice_off)
            send_voice(f, &f->voice, 1, at_us);
        if (at_us >= 0 && at_us % 20000 == 0 && f->other_on)
            send_voice(f, &f->other, 2, at_us);
        if (f->now_us % 100000 == 0 && !f->ticks_off) {
            int er = clip_tick(f->clip, (uint64_t)f->now_us + START_US, 0);
            f->error = f->error ? f->error : er;
        }
    }
}

static void finish(struct fixture *f)
{
    assert_int_equal(f->error, 0);
    assert_int_equal(clip_finish(f->clip, (uint64_t)f->now_us + START_US, &f->result), 0);
    clip_free(f->clip);
    f->clip = NULL;
}

/** The finished file plays, has both tracks, and is `us` long. */
static void assert_plays(struct fixture *f, int64_t us)
{
    struct webm_probe *p = &f->probe;
    webm_probe_clear(p);
    assert_true(webm_probe_read(p, scratch_path(&f->scratch, "clip.webm")));
    assert_int_equal(p->vp8_tracks, 1);
    assert_int_equal(p->opus_tracks, 1);
    assert_int_equal(p->other_tracks, 0);
    assert_int_equal(p->broken_pictures, 0);
    assert_in_range(p->duration_ms * 1000, us - 300000, us + 300000);
    assert_in_range((int64_t)f->result.duration_us, us - 300000, us + 300000);
    for (size_t i = 1; i < p->count; i++)
        assert_true(p->blocks[i].at_ms >= p->blocks[i - 1].at_ms);
    assert_false(scratch_exists(&f->scratch, "clip.part"));
}

/** Media time of the first (or, from the end, last) picture or sound; -1 without. */
static int64_t edge_ms(const struct fixture *f, bool video, bool last)
{
    int64_t at_ms = -1;
    for (size_t i = 0; i < f->probe.count; i++)
        if (f->probe.blocks[i].video == video && (last || at_ms < 0))
            at_ms = f->probe.blocks[i].at_ms;
    return at_ms;
}

static void test_records_a_call(void **state)
{
    struct fixture *f = *state;
    f->other_on = true;
    run(f, 10000000);
    finish(f);
    assert_plays(f, 10000000);
    assert_true(f->result.has_video && f->result.has_audio && f->result.has_poster);
    assert_false(f->result.repaired);
    assert_int_equal(f->result.width, 320);
    assert_int_equal(f->result.height, 240);
    assert_int_equal(f->result.gaps, 0);
    assert_int_equal(f->result.gap_us, 0);
    assert_int_equal(f->probe.pictures, 250);
    assert_int_equal(f->probe.width, 320);
    assert_int_equal(edge_ms(f, true, false), 0);
    assert_int_equal(edge_ms(f, false, false), 0);

    size_t len;
    uint8_t *data = scratch_read(&f->scratch, "clip.webm", &len);
    free(data);
    assert_int_equal(f->result.bytes, len);
    data = scratch_read(&f->scratch, "clip.jpg", &len);
    assert_true(len > 500 && data[0] == 0xff && data[1] == 0xd8 && data[len - 1] == 0xd9);
    free(data);
    assert_int_equal(scratch_count(&f->scratch), 4); /* and the voices, and the frame log */
}

static void test_keeps_picture_and_sound_together(void **state)
{
    struct fixture *f = *state;
    run(f, 8000000);
    finish(f);
    assert_plays(f, 8000000);
    int status;
    OpusDecoder *player = opus_decoder_create(48000, 2, &status);
    struct click_finder finder = {0};
    int clicks = 0;
    for (size_t i = 0; i < f->probe.count; i++) {
        const struct webm_block *b = &f->probe.blocks[i];
        int16_t pcm[OPUS_SOURCE_FRAME * 2];
        if (b->video) {
            assert_int_equal(b->at_ms % 40, 0); /* as captured */
            continue;
        }
        assert_int_equal(opus_decode(player, b->data, (opus_int32)b->len, pcm, 960, 0), 960);
        int64_t click = click_find(&finder, pcm, 960);
        if (click >= 0)
            assert_in_range(click / 48, 498 + clicks * 1000, 503 + clicks * 1000);
        clicks += click >= 0;
    }
    opus_decoder_destroy(player);
    assert_int_equal(clicks, 8);
}

static void test_begins_before_the_picture(void **state)
{
    struct fixture *f = *state;
    f->camera_on_us = 2520000;
    run(f, 6000000);
    finish(f);
    assert_plays(f, 6000000);
    assert_int_equal(edge_ms(f, true, false), 2520);
    assert_int_equal(edge_ms(f, false, false), 0);
    assert_int_equal(f->result.gaps, 0);
}

static void test_has_sound_when_nobody_speaks(void **state)
{
    struct fixture *f = *state;
    f->voice_off = true;
    run(f, 4000000);
    finish(f);
    assert_plays(f, 4000000);
    assert_false(f->result.has_audio);
    assert_in_range(edge_ms(f, false, true), 3940, 4000);
}

static void test_has_a_picture_track_without_pictures(void **state)
{
    struct fixture *f = *state;
    f->camera_on_us = INT64_MAX;
    run(f, 4000000);
    finish(f);
    assert_plays(f, 4000000);
    assert_false(f->result.has_video || f->result.has_poster);
    assert_true(f->result.has_audio);
}

static void test_counts_gaps(void **state)
{
    struct fixture *f = *state;
    f->lose_from_us = 2000000;
    f->lose_to_us = 3000000;
    run(f, 6000000);
    f->lose_from_us = 6000000;
    f->lose_to_us = 9000000;
    run(f, 7000000);
    finish(f);
    assert_plays(f, 7000000);
    assert_int_equal(f->result.gaps, 2);
    /* From the last picture before (1.96 s, 5.96 s) to the next, or to the end. */
    assert_in_range(f->result.gap_us, 2030000, 2100000);
}

static void test_survives_another_resolution(void **state)
{
    struct fixture *f = *state;
    f->resize_us = 2000000;
    run(f, 5000000);
    finish(f);
    assert_plays(f, 5000000);
    assert_int_equal(f->result.width, 320);
    assert_int_equal(f->result.gaps, 0);
    assert_in_range(f->probe.pictures, 124, 125);
}

static void test_catches_up_when_ticks_are_late(void **state)
{
    struct fixture *f = *state;
    run(f, 1000000);
    f->ticks_off = true;
    run(f, 8000000);
    f->ticks_off = false;
    run(f, 9000000);
    finish(f);
    assert_plays(f, 9000000);
    assert_int_equal(edge_ms(f, false, false), 0);
}

static void test_waits_for_a_voice_that_is_always_late(void **state)
{
    struct fixture *f = *state;
    run(f, 2000000);
    f->voice_off = true;
    for (; f->now_us < 8000000; f->now_us += 20000) { /* 900 ms on its way */
        const struct tape_packet *p = opus_source_packet(&f->other, (f->now_us - 900000) / 20000,
                                                         (uint64_t)f->now_us + BOOT_US);
        clip_audio(f->clip, 2, p, (uint64_t)(f->now_us - 900000) + START_US);
        if (f->now_us % 100000 == 0)
            clip_tick(f->clip, (uint64_t)f->now_us + START_US, 0);
    }
    finish(f);
    assert_plays(f, 8000000);
    int status;
    OpusDecoder *player = opus_decoder_create(48000, 2, &status);
    int loud = 0;
    for (size_t i = 0; i < f->probe.count; i++) {
        const struct webm_block *b = &f->probe.blocks[i];
        int16_t pcm[OPUS_SOURCE_FRAME * 2];
        if (b->video || b->at_ms < 2500 || b->at_ms >= 7000)
            continue;
        assert_int_equal(opus_decode(player, b->data, (opus_int32)b->len, pcm, 960, 0), 960);
        for (int k = 0; k < OPUS_SOURCE_FRAME; k++)
            loud += pcm[2 * k] > 3000;
    }
    opus_decoder_destroy(player);
    assert_true(loud > 225 * OPUS_SOURCE_FRAME / 6);
}

static void test_bounds_nonsense_in_time(void **state)
{
    struct fixture *f = *state;
    run(f, 1000000);
    struct vp8_picture picture;
    vp8_source_next(f->camera, 90000 + 1000000 * 9 / 100, true, &picture);
    for (size_t i = 0; i < picture.count; i++) /* a capture time a year ahead */
        clip_video(f->clip, picture.packets[i], START_US + UINT64_C(31536000000000));
    const struct tape_packet *p = opus_source_packet(&f->other, 0, 0);
    assert_int_equal(clip_audio(f->clip, 2, p, START_US + UINT64_C(31536000000000)), 0);
    assert_int_equal(clip_audio(f->clip, 2, p, 0), 0);
    assert_int_equal(clip_audio(f->clip, 2, p, UINT64_MAX), 0);
    run(f, 3000000);
    finish(f);
    assert_plays(f, 3000000);
    assert_in_range(edge_ms(f, true, true), 2900, 3000);
    assert_in_range(f->probe.pictures, 75, 76);
}

/** The process dies: nothing is called any more. What is on the disk is repaired. */
static void die_and_repair(struct fixture *f)
{
    assert_int_equal(f->error, 0);
    size_t len;
    uint8_t *part = scratch_read(&f->scratch, "clip.part", &len);
    clip_free(f->clip);
    f->clip = NULL;
    scratch_write(&f->scratch, "clip.part", part, len);
    free(part);
    assert_int_equal(clip_repair(NULL, f->path, &f->result), 0);
    assert_true(f->result.repaired);
}

static void test_loses_less_than_a_second_when_killed(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        run(f, f->now_us + 1370000);
        int64_t died_us = f->now_us;
        size_t len;
        uint8_t *part = scratch_read(&f->scratch, "clip.part", &len);
        struct scratch aside;
        scratch_make(&aside);
        scratch_write(&aside, "clip.part", part, len);
        free(part);
        char *path = strdup(scratch_path(&aside, "clip"));
        assert_int_equal(clip_repair(NULL, path, &f->result), 0);
        free(path);
        assert_true(f->result.has_poster && f->result.has_video);
        assert_in_range(f->result.duration_us, died_us - 900000, died_us);
        struct webm_probe p;
        assert_true(webm_probe_read(&p, scratch_path(&aside, "clip.webm")));
        assert_int_equal(p.broken_pictures, 0);
        /* No sound is further behind than that either. */
        int64_t sound_ms = 0;
        for (size_t k = 0; k < p.count; k++)
            if (!p.blocks[k].video)
                sound_ms = p.blocks[k].at_ms;
        assert_true(sound_ms * 1000 > died_us - 900000);
        webm_probe_clear(&p);
        scratch_remove(&aside);
    }
}

static void test_repairs_twice(void **state)
{
    struct fixture *f = *state;
    run(f, 3000000);
    die_and_repair(f);
    webm_probe_clear(&f->probe);
    struct clip_result first = f->result;
    /* Died between the new name and the removal of the old. */
    scratch_write(&f->scratch, "clip.part", (const uint8_t *)"rest", 4);
    assert_int_equal(clip_repair(NULL, f->path, &f->result), 0);
    assert_int_equal(f->result.bytes, first.bytes);
    assert_int_equal(f->result.duration_us, first.duration_us);
    assert_plays(f, 2700000);
}

static void test_repairs_nothing(void **state)
{
    struct fixture *f = *state;
    clip_free(f->clip); /* at once: a header, nothing more */
    f->clip = NULL;
    assert_int_equal(clip_repair(NULL, f->path, &f->result), ER_NOT_FOUND);
    assert_int_equal(scratch_count(&f->scratch), 0);
    scratch_remove(&f->scratch);
    assert_int_equal(clip_repair(NULL, f->path, &f->result), ER_NOT_FOUND);
    scratch_make(&f->scratch);
    clip_free(NULL);
}

static void test_does_not_overwrite(void **state)
{
    struct fixture *f = *state;
    struct clip *second;
    const struct clip_config config = {.path = f->path, .start_unix_us = START_US};
    assert_int_equal(clip_new(&second, &config), ER_CONFLICT);
}

static void test_ends_well_on_a_full_disk(void **state)
{
    struct fixture *f = *state;
    run(f, 3000000);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    run(f, 5000000);
    struct clip_result result;
    int full = clip_finish(f->clip, (uint64_t)f->now_us + START_US, &result);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(f->error, ER_IO);
    assert_int_equal(full, ER_IO);
    clip_free(f->clip);
    f->clip = NULL;
    assert_int_equal(scratch_count(&f->scratch), 3);
    assert_int_equal(clip_repair(NULL, f->path, &f->result), 0);
    assert_plays(f, 2800000);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.camera = vp8_source_new(320, 240), .resize_us = -1, .lose_to_us = -1};
    opus_source_click(&f.voice, 500);
    opus_source_tone(&f.other, 400, 0.2);
    scratch_make(&f.scratch);
    str_copy(f.path, sizeof f.path, scratch_path(&f.scratch, "clip"));
    const struct clip_config config = {.path = f.path, .start_unix_us = START_US};
    *state = &f;
    return clip_new(&f.clip, &config);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    clip_free(f->clip);
    vp8_source_free(f->camera);
    webm_probe_clear(&f->probe);
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_records_a_call),
        TEST(test_keeps_picture_and_sound_together),
        TEST(test_begins_before_the_picture),
        TEST(test_has_sound_when_nobody_speaks),
        TEST(test_has_a_picture_track_without_pictures),
        TEST(test_counts_gaps),
        TEST(test_survives_another_resolution),
        TEST(test_catches_up_when_ticks_are_late),
        TEST(test_waits_for_a_voice_that_is_always_late),
        TEST(test_bounds_nonsense_in_time),
        TEST(test_loses_less_than_a_second_when_killed),
        TEST(test_repairs_twice),
        TEST(test_repairs_nothing),
        TEST(test_does_not_overwrite),
        TEST(test_ends_well_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
