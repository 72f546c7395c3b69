// SPDX-License-Identifier: Apache-2.0
/* Finished clips and what stands beside them: voices as received, and a frame log that tells of exactly
 * what is in the files, also when the process died at any moment. */
#include "media/record/complete.h"

#include <libavformat/avformat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/record/voices.h"
#include "tests/unit/support/framelog_check.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"

#define START_US UINT64_C(1700000000000000)

enum { STEP_US = 20000, FRAME_US = 40000 };

struct fixture {
    struct scratch scratch;
    struct vault *vault; /* NULL: all lies plain */
    struct entropy_seeded seeded;
    char path[100];
    struct vp8_source *camera;
    struct opus_source voice[2];
    struct clip *clip;
    struct clip_result result;
    int64_t now_us;
    int64_t seq[2];
    int64_t lose_from_us, lose_to_us;
    bool second_on;
};

static void send_picture(struct fixture *f)
{
    struct vp8_picture picture;
    bool lost = f->now_us >= f->lose_from_us && f->now_us < f->lose_to_us;
    vp8_source_next(f->camera, 90000 + f->now_us * 9 / 100, f->now_us == f->lose_to_us, &picture);
    if (lost)
        clip_video_gap(f->clip, (uint32_t)picture.count);
    for (size_t i = 0; i < picture.count && !lost; i++)
        assert_int_equal(clip_video(f->clip, picture.packets[i], (uint64_t)f->now_us + START_US),
                         0);
}

static void send_voice(struct fixture *f, unsigned which)
{
    const struct tape_packet *p = opus_source_packet(&f->voice[which], f->seq[which]++, 0);
    bool lost = f->now_us >= f->lose_from_us && f->now_us < f->lose_to_us;
    if (!lost)
        assert_int_equal(clip_audio(f->clip, 70 + which, p, (uint64_t)f->now_us + START_US), 0);
}

static void run(struct fixture *f, int64_t until_us)
{
    for (; f->now_us < until_us; f->now_us += STEP_US) {
        if (f->now_us % FRAME_US == 0)
            send_picture(f);
        send_voice(f, 0);
        if (f->second_on)
            send_voice(f, 1);
        if (f->now_us % 100000 == 0)
            assert_int_equal(clip_tick(f->clip, (uint64_t)f->now_us + START_US, 0), 0);
    }
}

static void finish(struct fixture *f)
{
    assert_int_equal(clip_finish(f->clip, (uint64_t)f->now_us + START_US, &f->result), 0);
    clip_free(f->clip);
    f->clip = NULL;
}

static void test_log_tells_of_every_frame(void **state)
{
    struct fixture *f = *state;
    f->second_on = true;
    run(f, 4000000);
    finish(f);
    struct framelog_summary s = framelog_check_in(f->vault, f->path);
    assert_int_equal(s.pictures, 100);
    assert_in_range(s.mixed, 199, 200); /* the encoder's delay */
    assert_int_equal(s.spoken, 400);
    assert_int_equal(s.voices, 2);
    assert_int_equal(s.gaps + s.voice_gaps, 0);
    assert_int_equal(s.unknown, 0);
    assert_int_equal(s.start_unix_us, START_US);
    assert_int_equal(s.end_ms * 1000, f->result.duration_us);
    assert_int_equal(s.marks, 2); /* the size, and that the lens was looked at */
}

static void test_log_tells_what_is_missing(void **state)
{
    struct fixture *f = *state;
    f->lose_from_us = 2000000;
    f->lose_to_us = 2400000;
    run(f, 4000000);
    finish(f);
    struct framelog_summary s = framelog_check_in(f->vault, f->path);
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.gap_frames, 10);
    assert_int_equal(s.last_gap.at_ms, 1960);
    assert_int_equal(s.last_gap.to_ms, 2400);
    assert_true(s.gap_packets >= 10);
    assert_int_equal(s.voice_gaps, 1);
    assert_int_equal(s.last_voice_gap.packets, 20);
    assert_int_equal(s.last_voice_gap.at_ms, 2000);
    assert_int_equal(s.last_voice_gap.to_ms, 2400);
    assert_int_equal(s.last_voice_gap.track, FRAMELOG_FIRST_VOICE);
    assert_int_equal(s.pictures, 90);
}

static void test_no_voices_without_a_voice(void **state)
{
    struct fixture *f = *state;
    for (; f->now_us < 2000000; f->now_us += FRAME_US)
        send_picture(f);
    finish(f);
    assert_false(scratch_exists(&f->scratch, "clip.voices.mka"));
    struct framelog_summary s = framelog_check_in(f->vault, f->path);
    assert_int_equal(s.voices, 0);
    assert_int_equal(s.pictures, 50);
}

static void test_another_track_is_marked(void **state)
{
    struct fixture *f = *state;
    run(f, 1000000);
    clip_video_gap(f->clip, 0);
    clip_mark(f->clip, FRAMELOG_MUTED, START_US + 1000000, NULL);
    vp8_source_resize(f->camera, 240, 320);
    run(f, 2000000);
    finish(f);
    struct framelog_summary s = framelog_check_in(f->vault, f->path);
    assert_int_equal(s.marks, 5); /* two sizes, another track, muted, the lens */
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.last_gap.packets, 0);
}

/** A player finds the voices, with their names and packets. */
static void test_voices_play(void **state)
{
    struct fixture *f = *state;
    clip_voice(f->clip, 70, "buyer \xc3\xbc");
    clip_voice(f->clip, 71, "agent");
    run(f, 1000000);
    f->second_on = true;
    run(f, 3000000);
    clip_audio_end(f->clip, 71);
    finish(f);
    AVFormatContext *context = NULL;
    assert_int_equal(
        avformat_open_input(&context, scratch_path(&f->scratch, "clip.voices.mka"), NULL, NULL), 0);
    assert_int_equal(context->nb_streams, 2);
    assert_in_range(context->duration, 2900000, 3100000);
    static const char *const names[] = {"buyer \xc3\xbc", "agent"};
    for (unsigned i = 0; i < 2; i++) {
        const AVStream *stream = context->streams[i];
        assert_int_equal(stream->codecpar->codec_id, AV_CODEC_ID_OPUS);
        AVDictionaryEntry *title = av_dict_get(stream->metadata, "title", NULL, 0);
        assert_non_null(title);
        assert_string_equal(title->value, names[i]);
    }
    AVPacket *packet = av_packet_alloc();
    int64_t counts[2] = {0};
    while (av_read_frame(context, packet) >= 0) {
        int i = packet->stream_index;
        const struct opus_source *v = &f->voice[i];
        size_t k = (size_t)counts[i]++ % OPUS_SOURCE_PACKETS;
        assert_int_equal(packet->size, v->len[k]);
        assert_memory_equal(packet->data, v->data[k], v->len[k]); /* as received */
        assert_int_equal(packet->pts, (counts[i] - 1) * 20 + (i ? 1000 : 0));
        av_packet_unref(packet);
    }
    assert_int_equal(counts[0], 150);
    assert_int_equal(counts[1], 100);
    av_packet_free(&packet);
    avformat_close_input(&context);
}

static const char *const parts[] = {"clip.part", "clip.voices.part", "clip.framelog"};

/** Copies what is on the disk now, each file cut somewhere in its last bytes. */
static void copy_cut(struct fixture *f, struct scratch *aside, unsigned seed)
{
    for (size_t i = 0; i < 3; i++) {
        if (!scratch_exists(&f->scratch, parts[i]))
            continue;
        size_t len;
        uint8_t *data = scratch_read(&f->scratch, parts[i], &len);
        seed = seed * 1103515245u + 12345u;
        size_t cut = (seed >> 8) % 6000;
        scratch_write(aside, parts[i], data, cut < len / 2 ? len - cut : len);
        free(data);
    }
}

static void test_repairs_what_a_dead_process_left(void **state)
{
    struct fixture *f = *state;
    f->lose_from_us = 1000000;
    f->lose_to_us = 1200000;
    f->second_on = true;
    unsigned repaired = 0;
    for (unsigned i = 1; i <= 40; i++) {
        run(f, (int64_t)i * 140000);
        struct scratch aside;
        scratch_make(&aside);
        copy_cut(f, &aside, i);
        char path[100];
        (void)str_copy(path, sizeof path, scratch_path(&aside, "clip"));
        struct clip_result result;
        int er = clip_repair(f->vault, path, &result);
        if (er == ER_NOT_FOUND) { /* nothing in it yet */
            assert_true(f->now_us < 1000000);
        } else {
            assert_int_equal(er, 0);
            struct framelog_summary s = framelog_check_in(f->vault, path);
            assert_int_equal(s.end_ms * 1000, result.duration_us);
            assert_true(s.unknown * 10 <= s.pictures + s.spoken + 300);
            assert_false(scratch_exists(&aside, "clip.part"));
            assert_false(scratch_exists(&aside, "clip.voices.part"));
            repaired++;
        }
        scratch_remove(&aside);
    }
    assert_true(repaired >= 30);
}

/** It died while it finished: any of the steps may have been done. */
static void test_repairs_a_clip_half_finished(void **state)
{
    struct fixture *f = *state;
    run(f, 3000000);
    size_t len[3];
    uint8_t *data[3];
    for (size_t i = 0; i < 3; i++)
        data[i] = scratch_read(&f->scratch, parts[i], &len[i]);
    finish(f);
    struct framelog_summary whole = framelog_check_in(f->vault, f->path);
    uint8_t *webm, *voices;
    size_t webm_len, voices_len;
    webm = scratch_read(&f->scratch, "clip.webm", &webm_len);
    voices = scratch_read(&f->scratch, "clip.voices.mka", &voices_len);
    for (int step = 0; step < 2; step++) {
        struct scratch aside;
        scratch_make(&aside);
        for (size_t i = 0; i < 3; i++)
            scratch_write(&aside, parts[i], data[i], len[i]);
        scratch_write(&aside, "clip.webm", webm, webm_len);
        if (step > 0)
            scratch_write(&aside, "clip.voices.mka", voices, voices_len);
        scratch_write(&aside, "clip.voices.mka.tmp", voices, voices_len / 2);
        char path[100];
        (void)str_copy(path, sizeof path, scratch_path(&aside, "clip"));
        struct clip_result result;
        assert_int_equal(clip_repair(f->vault, path, &result), 0);
        struct framelog_summary s = framelog_check_in(f->vault, path);
        assert_int_equal(s.pictures, whole.pictures);
        assert_int_equal(scratch_count(&aside), 4);
        scratch_remove(&aside);
    }
    for (size_t i = 0; i < 3; i++)
        free(data[i]);
    free(webm);
    free(voices);
}

/** Begun, and nothing on the disk but heads. */
static void test_leaves_nothing_of_a_clip_that_never_was(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    clip_free(f->clip);
    f->clip = NULL;
    scratch_write(&f->scratch, "clip.voices.part", (const uint8_t *)"head", 4);
    assert_true(scratch_count(&f->scratch) == 3);
    if (f->vault) /* nor does anything go for want of a key */
        assert_int_equal(clip_repair(NULL, f->path, &result), ER_DENIED);
    assert_true(scratch_count(&f->scratch) == 3);
    assert_int_equal(clip_repair(f->vault, f->path, &result), ER_NOT_FOUND);
    assert_int_equal(scratch_count(&f->scratch), 0);
}

/** The same of a look-back that is encrypted: its file is whole only when it is ended. */
static void test_leaves_nothing_of_what_was_not_ended(void **state)
{
    struct fixture *f = *state;
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct clip_result result;
    struct vault *vault;
    struct entropy_seeded seeded;
    size_t line;
    assert_int_equal(vault_new(&vault, entropy_seeded_init(&seeded, 3)), 0);
    assert_int_equal(vault_set_keys(vault, span_of(key), &line), 0);
    clip_free(f->clip);
    f->clip = NULL;
    scratch_remove(&f->scratch);
    scratch_make(&f->scratch);
    (void)str_copy(f->path, sizeof f->path, scratch_path(&f->scratch, "clip"));
    const struct clip_config config = {.path = f->path,
                                       .start_unix_us = START_US,
                                       .publisher = "buyer",
                                       .vault = vault,
                                       .hurry = true};
    struct clip *clip;
    assert_int_equal(clip_new(&clip, &config), 0);
    clip_free(clip);
    assert_true(scratch_exists(&f->scratch, "clip.part"));
    assert_int_equal(clip_repair(vault, f->path, &result), ER_NOT_FOUND);
    assert_int_equal(scratch_count(&f->scratch), 0);
    vault_free(vault);
}

static void test_keeps_what_it_cannot_read(void **state)
{
    struct fixture *f = *state;
    struct clip_result result;
    static uint8_t damaged[300000];
    clip_free(f->clip);
    f->clip = NULL;
    scratch_write(&f->scratch, "clip.part", damaged, sizeof damaged);
    assert_int_equal(clip_repair(NULL, f->path, &result), ER_NOT_FOUND);
    assert_true(scratch_exists(&f->scratch, "clip.part"));
    assert_true(scratch_exists(&f->scratch, "clip.framelog"));
}

static int begin(void **state, bool encrypted)
{
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static struct fixture f;
    size_t line;
    f = (struct fixture){.camera = vp8_source_new(160, 120), .lose_from_us = -1, .lose_to_us = -1};
    opus_source_click(&f.voice[0], 500);
    opus_source_tone(&f.voice[1], 400, 0.2);
    scratch_make(&f.scratch);
    (void)str_copy(f.path, sizeof f.path, scratch_path(&f.scratch, "clip"));
    if (encrypted) {
        assert_int_equal(vault_new(&f.vault, entropy_seeded_init(&f.seeded, 3)), 0);
        assert_int_equal(vault_set_keys(f.vault, span_of(key), &line), 0);
    }
    const struct clip_config config = {
        .path = f.path, .start_unix_us = START_US, .publisher = "buyer", .vault = f.vault};
    *state = &f;
    return clip_new(&f.clip, &config);
}

static int setup(void **state)
{
    return begin(state, false);
}

static int setup_encrypted(void **state)
{
    return begin(state, true);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    clip_free(f->clip);
    vault_free(f->vault);
    vp8_source_free(f->camera);
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define ENCRYPTED(f)                                                                               \
    {                                                                                              \
#f "_encrypted", f, setup_encrypted, teardown, NULL                                        \
    }
    const struct CMUnitTest tests[] = {
        TEST(test_log_tells_of_every_frame),
        TEST(test_log_tells_what_is_missing),
        TEST(test_no_voices_without_a_voice),
        TEST(test_another_track_is_marked),
        TEST(test_voices_play),
        TEST(test_repairs_what_a_dead_process_left),
        TEST(test_repairs_a_clip_half_finished),
        TEST(test_leaves_nothing_of_a_clip_that_never_was),
        TEST(test_leaves_nothing_of_what_was_not_ended),
        TEST(test_keeps_what_it_cannot_read),
        ENCRYPTED(test_log_tells_of_every_frame),
        ENCRYPTED(test_repairs_what_a_dead_process_left),
        ENCRYPTED(test_repairs_a_clip_half_finished),
        ENCRYPTED(test_leaves_nothing_of_a_clip_that_never_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
