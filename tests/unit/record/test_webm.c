// SPDX-License-Identifier: Apache-2.0
/* The container: live, cut, finished, failing. */
#include "media/record/webm.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

/* Stands in for the C library's: counts, and fails when told to. */
static unsigned fsync_count;
static bool fsync_fails;
int fsync(int fd)
{
    fsync_count++;
    if (fsync_fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

struct fixture {
    struct scratch scratch;
    struct vp8_source *camera;
    struct opus_source voice;
};

/** Pictures each 40 ms (a key frame each 2 s) and sound each 20 ms; what the first failing call gave. */
static int record(struct fixture *f, struct webm *w, int64_t from_ms, int64_t to_ms)
{
    int er = 0;
    for (int64_t at = from_ms; er == 0 && at < to_ms; at += 20) {
        struct vp8_picture picture;
        if (at % 40 == 0) {
            vp8_source_next(f->camera, at * 90, at % 2000 == 0, &picture);
            er = webm_write_video(w, FORMAT_VP8, picture.frame, picture.len, at + 5, picture.key);
        }
        const struct tape_packet *p = opus_source_packet(&f->voice, at / 20, 0);
        if (er == 0)
            er = webm_write_audio(w, p->payload, p->payload_len, at);
    }
    return er;
}

static struct webm *record_part(struct fixture *f, int64_t to_ms)
{
    struct webm *w;
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "a.part")), 0);
    assert_int_equal(record(f, w, 0, to_ms), 0);
    return w;
}

static int finalise(struct fixture *f, struct webm_info *info)
{
    char *out = strdup(scratch_path(&f->scratch, "a.webm"));
    int er = webm_finalise(NULL, scratch_path(&f->scratch, "a.part"), out, info);
    free(out);
    return er;
}

static size_t find(const uint8_t *data, size_t len, uint32_t id)
{
    const uint8_t bytes[] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id};
    const uint8_t *at = memmem(data, len, bytes, sizeof bytes);
    return at ? (size_t)(at - data) : SIZE_MAX;
}

static void assert_plays(struct fixture *f, const char *name, int64_t least_ms, int64_t most_ms)
{
    struct webm_probe p;
    assert_true(webm_probe_read(&p, scratch_path(&f->scratch, name)));
    assert_int_equal(p.vp8_tracks, 1);
    assert_int_equal(p.opus_tracks, 1);
    assert_int_equal(p.other_tracks, 0);
    assert_in_range(p.duration_ms, least_ms, most_ms);
    assert_int_equal(p.broken_pictures, 0);
    int64_t last = 0;
    for (size_t i = 0; i < p.count; i++) {
        assert_true(p.blocks[i].at_ms >= last);
        last = p.blocks[i].at_ms;
    }
    webm_probe_clear(&p);
}

static void test_finishes_with_cues_in_front(void **state)
{
    struct fixture *f = *state;
    struct webm *w = record_part(f, 10000);
    assert_int_equal(webm_end(w), 0);
    webm_free(w);
    struct webm_info info;
    unsigned before = fsync_count;
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(fsync_count - before, 2); /* the file, then its name */
    assert_int_equal(info.duration_ms, 10000);
    assert_int_equal(info.video_frames, 250);
    assert_int_equal(info.key_frames, 5);
    assert_int_equal(info.audio_packets, 500);
    assert_int_equal(info.width, 160);
    assert_int_equal(info.height, 120);
    assert_non_null(info.key_frame);
    webm_info_clear(&info);
    assert_plays(f, "a.webm", 10000, 10000);

    size_t len;
    uint8_t *data = scratch_read(&f->scratch, "a.webm", &len);
    /* The first mention of the cues is the index that says where they are. */
    size_t seek = find(data, len, 0x1c53bb6b), cluster = find(data, len, 0x1f43b675);
    size_t cues = seek + 4 + find(data + seek + 4, len - seek - 4, 0x1c53bb6b);
    assert_true(seek < cues && cues < cluster && cluster < len);
    free(data);
    /* Nothing left over; the .part stays. */
    assert_int_equal(scratch_count(&f->scratch), 2);
}

static void test_keeps_each_byte(void **state)
{
    struct fixture *f = *state;
    struct webm *w;
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "a.part")), 0);
    struct vp8_picture picture;
    vp8_source_next(f->camera, 0, true, &picture);
    const struct tape_packet *p = opus_source_packet(&f->voice, 0, 0);
    assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, 0), 0);
    assert_int_equal(webm_write_video(w, FORMAT_VP8, picture.frame, picture.len, 17, true), 0);
    webm_end(w);
    webm_free(w);
    struct webm_info info;
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.key_frame_len, picture.len);
    assert_memory_equal(info.key_frame, picture.frame, picture.len);
    webm_info_clear(&info);
    struct webm_probe probe;
    assert_true(webm_probe_read(&probe, scratch_path(&f->scratch, "a.webm")));
    assert_int_equal(probe.count, 2);
    assert_int_equal(probe.width, 160);
    assert_int_equal(probe.blocks[0].at_ms, 0);
    assert_int_equal(probe.blocks[0].len, p->payload_len);
    assert_memory_equal(probe.blocks[0].data, p->payload, p->payload_len);
    assert_int_equal(probe.blocks[1].at_ms, 17);
    assert_memory_equal(probe.blocks[1].data, picture.frame, picture.len);
    webm_probe_clear(&probe);
}

static void test_loses_little_when_killed(void **state)
{
    struct fixture *f = *state;
    unsigned before = fsync_count;
    struct webm *w = record_part(f, 5550);
    assert_in_range(fsync_count - before, 6, 8);
    /* What is in the file now is what a killed process leaves. */
    struct webm_info info;
    assert_int_equal(finalise(f, &info), 0);
    assert_in_range(info.duration_ms, 5550 - WEBM_CLUSTER_MS - 40, 5560);
    webm_info_clear(&info);
    webm_free(w);
    assert_plays(f, "a.webm", 5550 - WEBM_CLUSTER_MS - 40, 5560);
}

static void test_survives_any_cut(void **state)
{
    struct fixture *f = *state;
    struct webm *w = record_part(f, 8000);
    webm_end(w);
    webm_free(w);
    size_t len;
    uint8_t *whole = scratch_read(&f->scratch, "a.part", &len);
    uint32_t seed = 7;
    int played = 0;
    for (int i = 0; i < 40; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t cut = (size_t)((uint64_t)(seed >> 8) * len >> 24);
        uint8_t *copy = malloc(len + 500);
        assert_non_null(copy);
        memcpy(copy, whole, cut);
        /* Every other time with a tail that was never written, or garbage. */
        size_t tail = i % 2 ? 300 : 0;
        for (size_t k = 0; k < tail; k++)
            copy[cut + k] = i % 4 == 1 ? 0 : (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        scratch_write(&f->scratch, "a.part", copy, cut + tail);
        free(copy);
        struct webm_info info;
        int er = finalise(f, &info);
        int64_t expected = (int64_t)(8000 * cut / len);
        if (er == 0) {
            played++;
            assert_in_range((int64_t)info.duration_ms + 1500, expected, expected + 3000);
            assert_plays(f, "a.webm", (int64_t)info.duration_ms, (int64_t)info.duration_ms);
        } else {
            assert_int_equal(er, ER_NOT_FOUND);
            assert_true(cut < 20000);
        }
        webm_info_clear(&info);
    }
    assert_true(played >= 30);
    free(whole);
}

static void test_finds_nothing_in_nothing(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    assert_int_equal(finalise(f, &info), ER_NOT_FOUND);
    scratch_write(&f->scratch, "a.part", (const uint8_t *)"", 0);
    assert_int_equal(finalise(f, &info), ER_NOT_FOUND);
    uint8_t junk[5000];
    memset(junk, 0x42, sizeof junk);
    scratch_write(&f->scratch, "a.part", junk, sizeof junk);
    assert_int_equal(finalise(f, &info), ER_NOT_FOUND);
    struct webm *w;
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "b.part")), 0);
    webm_free(w);
    assert_int_equal(webm_scan(NULL, scratch_path(&f->scratch, "b.part"), &info), ER_NOT_FOUND);
    assert_false(scratch_exists(&f->scratch, "a.webm"));
    assert_false(scratch_exists(&f->scratch, "a.webm.tmp"));
}

static void test_refuses_time_that_stands_still(void **state)
{
    struct fixture *f = *state;
    struct webm *w;
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "a.part")), 0);
    const struct tape_packet *p = opus_source_packet(&f->voice, 0, 0);
    assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, 20), 0);
    assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, 20), ER_INVALID);
    assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, 40), 0);
    webm_free(w);
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f->scratch, "a.part")), ER_CONFLICT);
    webm_free(NULL);
}

static void test_fails_for_good_when_fsync_does(void **state)
{
    struct fixture *f = *state;
    struct webm *w = record_part(f, 1000);
    fsync_fails = true;
    int er = record(f, w, 1000, 2500);
    fsync_fails = false;
    assert_int_equal(er, ER_IO);
    unsigned before = fsync_count;
    assert_int_equal(record(f, w, 2600, 5000), ER_IO);
    assert_int_equal(webm_end(w), ER_IO);
    assert_int_equal(fsync_count, before);
    webm_free(w);
}

static void test_fails_on_a_full_disk(void **state)
{
    struct fixture *f = *state;
    struct webm *w = record_part(f, 3000);
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 60000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int er = record(f, w, 3000, 60000);
    struct webm_info info;
    small.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int finished = finalise(f, &info);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(er, ER_IO);
    assert_int_equal(record(f, w, 60000, 60100), ER_IO);
    webm_free(w);
    /* No half of a finished file is left; with room again, it can be made. */
    assert_int_equal(finished, ER_IO);
    assert_int_equal(scratch_count(&f->scratch), 1);
    assert_int_equal(finalise(f, &info), 0);
    assert_true(info.duration_ms >= 2900);
    webm_info_clear(&info);
}

static int setup(void **state)
{
    static struct fixture f;
    f.camera = vp8_source_new(160, 120);
    vp8_source_set_mtu(f.camera, 1200);
    opus_source_tone(&f.voice, 300, 0.3);
    scratch_make(&f.scratch);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vp8_source_free(f->camera);
    scratch_remove(&f->scratch);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_finishes_with_cues_in_front),    TEST(test_keeps_each_byte),
        TEST(test_loses_little_when_killed),       TEST(test_survives_any_cut),
        TEST(test_finds_nothing_in_nothing),       TEST(test_refuses_time_that_stands_still),
        TEST(test_fails_for_good_when_fsync_does), TEST(test_fails_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
