// SPDX-License-Identifier: Apache-2.0
/* Clips read: in order, each frame once, from the first key frame on; a disk that fails is no end, and what
 * does not belong is left out. Files that are cut are in test_webm.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "media/record/webm.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"
#include "tests/unit/support/webm_probe.h"

/** After so many bytes the disk gives EIO; 0: it works. */
static size_t disk_fails_after;

ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at);
ssize_t __real_pread(int fd, void *buf, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t size, off_t at)
{
    if (!disk_fails_after || (size_t)at + size <= disk_fails_after)
        return __real_pread(fd, buf, size, at);
    if ((size_t)at < disk_fails_after)
        return __real_pread(fd, buf, disk_fails_after - (size_t)at, at);
    errno = EIO;
    return -1;
}

struct fixture {
    struct scratch scratch;
    struct vault *vault; /* NULL: files are plain */
    struct entropy_seeded seeded;
    struct vp8_source *camera;
    struct opus_source voice;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    disk_fails_after = 0;
    f.camera = vp8_source_new(160, 120);
    opus_source_tone(&f.voice, 300, 0.3);
    scratch_make(&f.scratch);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vault_free(f->vault);
    vp8_source_free(f->camera);
    scratch_remove(&f->scratch);
    return 0;
}

static void lock(struct fixture *f)
{
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    size_t line;
    assert_int_equal(vault_new(&f->vault, entropy_seeded_init(&f->seeded, 3)), 0);
    assert_int_equal(vault_set_keys(f->vault, span_of(key), &line), 0);
}

static const char *part(struct fixture *f)
{
    return scratch_path(&f->scratch, "a.part");
}

/** Pictures each 40 ms, a key frame each second, the first `drop` pictures left out; sound between them. */
static void record(struct fixture *f, bool pictures, unsigned drop, int64_t to_ms)
{
    struct webm *w;
    assert_int_equal(webm_new(&w, f->vault, part(f)), 0);
    for (int64_t at = 0; at < to_ms; at += 20) {
        struct vp8_picture picture;
        if (pictures && at % 40 == 0) {
            vp8_source_next(f->camera, at * 90, at % 1000 == 0, &picture);
            if (at / 40 >= drop)
                assert_int_equal(webm_write_video(w, FORMAT_VP8, picture.frame, picture.len, at + 5,
                                                  picture.key),
                                 0);
        }
        const struct tape_packet *p = opus_source_packet(&f->voice, at / 20, 0);
        assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, at), 0);
    }
    assert_int_equal(webm_end(w), 0);
    webm_free(w);
}

static int finalise(struct fixture *f, struct webm_info *info)
{
    char from[128], to[128];
    (void)str_copy(from, sizeof from, part(f));
    (void)str_copy(to, sizeof to, scratch_path(&f->scratch, "a.webm"));
    return webm_finalise(f->vault, from, to, info);
}

/** What webm_each gave. */
struct given {
    unsigned frames, keys, sound, stop_after;
    uint64_t last_ms[16];
    bool rises;
};

static int note(void *ctx, const struct webm_frame *frame)
{
    struct given *g = ctx;
    unsigned seen = g->frames + g->sound;
    assert_true(frame->track < 16 && frame->len > 0);
    if (seen > 1 && frame->at_ms <= g->last_ms[frame->track])
        g->rises = false;
    g->last_ms[frame->track] = frame->at_ms;
    if (frame->format == FORMAT_OPUS) {
        g->sound++;
    } else {
        assert_int_equal(frame->key, !(frame->data[0] & 1)); /* RFC 6386, 9.1 */
        g->frames++;
        g->keys += frame->key;
    }
    return g->stop_after && seen + 1 == g->stop_after ? ER_CLOSED : 0;
}

static int each(struct fixture *f, const char *name, struct given *g)
{
    *g = (struct given){.rises = true, .stop_after = g->stop_after};
    return webm_each(f->vault, scratch_path(&f->scratch, name), note, g);
}

static void test_gives_each_frame_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct given g = {0};
    record(f, true, 0, 4000);
    assert_int_equal(finalise(f, &info), 0);
    webm_info_clear(&info);
    assert_int_equal(each(f, "a.webm", &g), 0);
    assert_int_equal(g.frames, 100);
    assert_int_equal(g.keys, 4);
    assert_int_equal(g.sound, 200);
    assert_true(g.rises);
    g.stop_after = 7;
    assert_int_equal(each(f, "a.webm", &g), ER_CLOSED);
    assert_int_equal(g.frames + g.sound, 7);
    assert_int_equal(each(f, "none.webm", &g), ER_NOT_FOUND);
}

/** What stands before the first key frame nobody could show. */
static void test_begins_with_a_key_frame(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct given g = {0};
    record(f, true, 3, 2000); /* from the fourth picture on */
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.video_frames, 25);
    assert_int_equal(info.key_frames, 1);
    assert_int_equal(info.audio_packets, 100);
    webm_info_clear(&info);
    assert_int_equal(each(f, "a.webm", &g), 0);
    assert_int_equal(g.frames, 25);
}

static void test_clusters_that_stand_there_twice_count_once(void **state)
{
    static const uint8_t cluster[] = {0x1f, 0x43, 0xb6, 0x75};
    struct fixture *f = *state;
    struct webm_info info;
    size_t len;
    record(f, true, 0, 3000);
    uint8_t *data = scratch_read(&f->scratch, "a.part", &len);
    const uint8_t *at = memmem(data, len, cluster, sizeof cluster);
    assert_non_null(at);
    size_t tail = len - (size_t)(at - data);
    uint8_t *twice = malloc(len + tail);
    memcpy(twice, data, len);
    memcpy(twice + len, at, tail);
    scratch_write(&f->scratch, "a.part", twice, len + tail);
    free(twice);
    free(data);
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.video_frames, 75);
    assert_int_equal(info.audio_packets, 150);
    assert_int_equal(info.duration_ms, 3000);
    webm_info_clear(&info);
}

/** A clip that ends where the disk failed would be a shorter clip, and nobody would know. */
static void test_a_disk_that_fails_is_no_end(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct given g = {0};
    vp8_source_look(f->camera, VP8_SCENE_WAVING); /* which takes room */
    record(f, true, 0, 4000);
    size_t len;
    free(scratch_read(&f->scratch, "a.part", &len));
    assert_true(len > 2 * 65536); /* more than is read at once */
    for (size_t part = 1; part <= 4; part++) {
        disk_fails_after = len * part / 5;
        assert_int_equal(webm_scan(f->vault, scratch_path(&f->scratch, "a.part"), &info), ER_IO);
        assert_null(info.key_frame);
        assert_int_equal(each(f, "a.part", &g), ER_IO);
        assert_int_equal(finalise(f, &info), ER_IO);
        assert_int_equal(scratch_count(&f->scratch), 1); /* nothing half made is left */
    }
    disk_fails_after = 0;
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.duration_ms, 4000);
    webm_info_clear(&info);
}

/** Each byte of one block after the other is turned: it plays, and no more is in it than was. */
static void test_a_damaged_clip_plays_as_far_as_it_goes(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    size_t len;
    record(f, true, 0, 2000);
    uint8_t *data = scratch_read(&f->scratch, "a.part", &len);
    unsigned played = 0;
    for (size_t at = 64; at < len; at += len / 60) {
        data[at] ^= 0xff;
        scratch_write(&f->scratch, "a.part", data, len);
        data[at] ^= 0xff;
        int er = finalise(f, &info);
        assert_true(er == 0 || er == ER_NOT_FOUND);
        if (er == 0) {
            struct webm_probe probe;
            assert_true(info.video_frames <= 50 && info.audio_packets <= 101);
            assert_true(webm_probe_read(&probe, scratch_path(&f->scratch, "a.webm")));
            assert_int_equal(probe.count, info.video_frames + info.audio_packets);
            webm_probe_clear(&probe);
            played++;
        }
        webm_info_clear(&info);
    }
    free(data);
    assert_true(played > 40);
}

static void test_sound_alone_is_a_clip_with_both_tracks(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct webm_probe probe;
    record(f, false, 0, 1000);
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.video_frames, 0);
    assert_int_equal(info.audio_packets, 50);
    assert_null(info.key_frame);
    webm_info_clear(&info);
    assert_true(webm_probe_read(&probe, scratch_path(&f->scratch, "a.webm")));
    assert_int_equal(probe.vp8_tracks + probe.opus_tracks, 2);
    webm_probe_clear(&probe);
}

static void test_an_encrypted_clip_needs_its_key(void **state)
{
    struct fixture *f = *state;
    struct webm_info info;
    struct given g = {0};
    lock(f);
    record(f, true, 0, 1000);
    assert_int_equal(finalise(f, &info), 0);
    assert_int_equal(info.video_frames, 25);
    webm_info_clear(&info);
    assert_int_equal(each(f, "a.webm", &g), 0);
    assert_int_equal(g.frames, 25);
    struct vault *vault = f->vault;
    f->vault = NULL;
    assert_int_equal(each(f, "a.webm", &g), ER_DENIED);
    assert_int_equal(finalise(f, &info), ER_DENIED);
    assert_int_equal(webm_scan(NULL, scratch_path(&f->scratch, "a.webm"), &info), ER_DENIED);
    f->vault = vault;
    assert_int_equal(each(f, "a.webm", &g), 0); /* what was there stays */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gives_each_frame_once_and_in_order),
        TEST(test_begins_with_a_key_frame),
        TEST(test_clusters_that_stand_there_twice_count_once),
        TEST(test_a_disk_that_fails_is_no_end),
        TEST(test_a_damaged_clip_plays_as_far_as_it_goes),
        TEST(test_sound_alone_is_a_clip_with_both_tracks),
        TEST(test_an_encrypted_clip_needs_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
