// SPDX-License-Identifier: Apache-2.0
/* The container written at once: as one that was copied together, and whole wherever it is cut. */
#include "media/record/direct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

struct fixture {
    struct scratch scratch;
    struct vp8_source *camera;
    struct opus_source voice;
    struct direct *direct;
};

/** Pictures each 40 ms, with a key frame each `key_ms`; sound each 20 ms, 500 ms behind them. */
static void record(struct fixture *f, int64_t from_ms, int64_t to_ms, int64_t key_ms)
{
    for (int64_t at = 0; at < to_ms + 500; at += 20) {
        struct vp8_picture picture;
        if (at % 40 == 0 && at >= from_ms && at < to_ms) {
            vp8_source_next(f->camera, at * 90, (at - from_ms) % key_ms == 0, &picture);
            assert_int_equal(direct_write_video(f->direct, FORMAT_VP8, picture.frame, picture.len,
                                                at, picture.key),
                             0);
        }
        const struct tape_packet *p = opus_source_packet(&f->voice, at / 20, 0);
        if (at >= 500)
            assert_int_equal(direct_write_audio(f->direct, p->payload, p->payload_len, at - 500),
                             0);
    }
}

static int end(struct fixture *f, struct webm_info *info)
{
    int er = direct_end(f->direct, info);
    direct_free(f->direct);
    f->direct = NULL;
    return er;
}

static void open_direct(struct fixture *f)
{
    assert_int_equal(direct_new(&f->direct, NULL, scratch_path(&f->scratch, "a.part")), 0);
}

static const char *path(struct fixture *f)
{
    return scratch_path(&f->scratch, "a.part");
}

static size_t find(const uint8_t *data, size_t len, uint32_t id)
{
    const uint8_t bytes[] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id};
    const uint8_t *at = memmem(data, len, bytes, sizeof bytes);
    return at ? (size_t)(at - data) : SIZE_MAX;
}

static void test_is_what_a_copied_one_is(void **state)
{
    struct fixture *f = *state;
    struct webm_info info, seen;
    open_direct(f);
    record(f, 0, 10000, 2000);
    assert_int_equal(end(f, &info), 0);
    assert_int_equal(webm_scan(NULL, path(f), &seen), 0);
    assert_int_equal(info.duration_ms, 10000);
    assert_int_equal(info.video_frames, 250);
    assert_int_equal(info.audio_packets, 500);
    assert_int_equal(info.key_frames, 5);
    assert_int_equal(info.width, 160);
    assert_int_equal(seen.duration_ms, info.duration_ms);
    assert_int_equal(seen.video_frames, info.video_frames);
    assert_int_equal(seen.audio_packets, info.audio_packets);
    assert_int_equal(seen.key_frames, info.key_frames);
    assert_int_equal(seen.key_frame_len, info.key_frame_len);
    assert_memory_equal(seen.key_frame, info.key_frame, info.key_frame_len);
    webm_info_clear(&info);
    webm_info_clear(&seen);

    struct webm_probe p;
    assert_true(webm_probe_read(&p, path(f)));
    assert_int_equal(p.vp8_tracks + p.opus_tracks, 2);
    assert_int_equal(p.other_tracks, 0);
    assert_int_equal(p.duration_ms, 10000);
    assert_int_equal(p.broken_pictures, 0);
    for (size_t i = 1; i < p.count; i++) /* in order of time, though it came out of it */
        assert_true(p.blocks[i].at_ms >= p.blocks[i - 1].at_ms);
    webm_probe_clear(&p);
    size_t len;
    uint8_t *data = scratch_read(&f->scratch, "a.part", &len);
    size_t seek = find(data, len, 0x1c53bb6b), cluster = find(data, len, 0x1f43b675);
    size_t cues = seek + 4 + find(data + seek + 4, len - seek - 4, 0x1c53bb6b);
    assert_true(seek < cues && cues < cluster && cluster < len);
    free(data);
}

static void test_waits_for_the_first_picture(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct webm_probe p;
    open_direct(f);
    record(f, 2000, 4000, 1000);
    assert_int_equal(end(f, &info), 0);
    assert_int_equal(info.audio_packets, 200);
    webm_info_clear(&info);
    assert_true(webm_probe_read(&p, path(f)));
    assert_int_equal(p.pictures, 50);
    assert_int_equal(p.count, 250);
    assert_false(p.blocks[0].video);
    webm_probe_clear(&p);
}

static void test_has_both_tracks_without_pictures(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct webm_probe p;
    open_direct(f);
    record(f, 1000, 1000, 1000);
    assert_int_equal(end(f, &info), 0);
    assert_int_equal(info.video_frames, 0);
    webm_info_clear(&info);
    assert_true(webm_probe_read(&p, path(f)));
    assert_int_equal(p.vp8_tracks, 1);
    assert_int_equal(p.count, 50);
    webm_probe_clear(&p);
    assert_int_equal(unlink(path(f)), 0);
    open_direct(f);
    assert_int_equal(end(f, &info), ER_NOT_FOUND);
}

static void test_takes_one_codec(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    static const uint8_t delta[] = {0x31, 0, 0};
    open_direct(f);
    assert_int_equal(direct_write_video(f->direct, FORMAT_VP8, delta, sizeof delta, 0, false),
                     ER_INVALID);
    record(f, 0, 1000, 1000);
    assert_int_equal(direct_write_video(f->direct, FORMAT_VP9, delta, sizeof delta, 2000, true),
                     ER_INVALID);
    assert_int_equal(direct_write_video(f->direct, FORMAT_VP8, delta, sizeof delta, 900, false),
                     ER_INVALID);
    assert_int_equal(end(f, &info), 0);
    assert_int_equal(info.video_frames, 25);
    webm_info_clear(&info);
}

/** What a process that died left is finished as a .part of a recording is. */
static void test_is_whole_where_it_is_cut(void **state)
{
    struct fixture *f = *state;
    open_direct(f);
    record(f, 0, 8000, 2000);
    direct_free(f->direct); /* no end was written */
    f->direct = NULL;
    size_t len, whole = 0;
    uint8_t *data = scratch_read(&f->scratch, "a.part", &len);
    char *out = strdup(scratch_path(&f->scratch, "a.webm"));
    assert_true(len > 50000);
    for (size_t cut = len / 9; cut <= len; cut += len / 9) {
        struct webm_info info;
        scratch_write(&f->scratch, "a.part", data, cut);
        int er = webm_finalise(NULL, path(f), out, &info);
        if (cut > len / 3)
            assert_int_equal(er, 0);
        struct webm_probe p;
        if (er == 0 && webm_probe_read(&p, out)) {
            assert_int_equal(p.broken_pictures, 0);
            assert_true(p.pictures >= whole);
            whole = p.pictures;
            webm_probe_clear(&p);
        }
        webm_info_clear(&info);
    }
    assert_true(whole > 100);
    free(out);
    free(data);
}

static void test_says_when_its_head_is_too_small(void **state)
{
    struct fixture *f = *state;
    struct webm_info info, copied;
    open_direct(f);
    record(f, 0, 12000, 40);
    assert_int_equal(end(f, &info), ER_FULL);
    char *out = strdup(scratch_path(&f->scratch, "a.webm"));
    assert_int_equal(webm_finalise(NULL, path(f), out, &copied), 0);
    assert_int_equal(copied.key_frames, 300);
    assert_int_equal(copied.audio_packets, 600);
    free(out);
    webm_info_clear(&info);
    webm_info_clear(&copied);
}

static void test_overwrites_nothing(void **state)
{
    struct fixture *f = *state;
    struct direct *d;
    open_direct(f);
    assert_int_equal(direct_new(&d, NULL, path(f)), ER_CONFLICT);
    assert_int_equal(direct_new(&d, NULL, "/nowhere/a.part"), ER_IO);
}

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    scratch_make(&f.scratch);
    f.camera = vp8_source_new(160, 120);
    opus_source_tone(&f.voice, 300, 0.2);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    direct_free(f->direct);
    direct_free(NULL);
    vp8_source_free(f->camera);
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_is_what_a_copied_one_is),
        TEST(test_waits_for_the_first_picture),
        TEST(test_has_both_tracks_without_pictures),
        TEST(test_takes_one_codec),
        TEST(test_is_whole_where_it_is_cut),
        TEST(test_says_when_its_head_is_too_small),
        TEST(test_overwrites_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
