// SPDX-License-Identifier: Apache-2.0
/* A frame log made to tell of exactly what is in the finished files, whatever it said before. Whole clips,
 * and clips of a process that died, are in test_complete.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "base/er.h"
#include "base/str.h"
#include "media/record/journal.h"
#include "media/record/voices.h"
#include "media/record/webm.h"
#include "tests/unit/support/framelog_check.h"
#include "tests/unit/support/opus_source.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vp8_source.h"

enum { LENGTH_MS = 1000, PICTURE_MS = 40, VOICE = FRAMELOG_FIRST_VOICE };

/* Stands in for the C library's. */
static bool fsync_fails;
int fsync(int fd)
{
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
    char path[100], log[120], media[120], voices[120];
};

/** A clip of a second without a log: 25 pictures from 5 ms on, 50 packets of sound, of a voice too. */
static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    fsync_fails = false;
    f.camera = vp8_source_new(160, 120);
    opus_source_tone(&f.voice, 300, 0.3);
    scratch_make(&f.scratch);
    (void)str_copy(f.path, sizeof f.path, scratch_path(&f.scratch, "clip"));
    (void)snprintf(f.log, sizeof f.log, "%s.framelog", f.path);
    (void)snprintf(f.media, sizeof f.media, "%s.webm", f.path);
    (void)snprintf(f.voices, sizeof f.voices, "%s.voices.mka", f.path);
    struct webm *w;
    struct voices *v;
    struct webm_info info;
    assert_int_equal(webm_new(&w, NULL, scratch_path(&f.scratch, "clip.part")), 0);
    assert_int_equal(voices_new(&v, NULL, scratch_path(&f.scratch, "clip.voices.part")), 0);
    for (int64_t at = 0; at < LENGTH_MS; at += 20) {
        struct vp8_picture picture;
        if (at % PICTURE_MS == 0) {
            vp8_source_next(f.camera, at * 90, at == 0, &picture);
            assert_int_equal(
                webm_write_video(w, FORMAT_VP8, picture.frame, picture.len, at + 5, picture.key),
                0);
        }
        const struct tape_packet *p = opus_source_packet(&f.voice, at / 20, 0);
        assert_int_equal(webm_write_audio(w, p->payload, p->payload_len, at), 0);
        assert_int_equal(voices_write(v, VOICE, p->payload, p->payload_len, at), 0);
    }
    assert_int_equal(webm_end(w), 0);
    assert_int_equal(voices_end(v), 0);
    webm_free(w);
    voices_free(v);
    assert_int_equal(webm_finalise(NULL, scratch_path(&f.scratch, "clip.part"), f.media, &info), 0);
    webm_info_clear(&info);
    assert_int_equal(
        voices_finalise(NULL, scratch_path(&f.scratch, "clip.voices.part"), f.voices, NULL, 0), 0);
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

static void write_log(struct fixture *f, const char *text)
{
    scratch_write(&f->scratch, "clip.framelog", (const uint8_t *)text, strlen(text));
}

/** To free(). */
static char *read_log(struct fixture *f)
{
    size_t len;
    char *text = (char *)scratch_read(&f->scratch, "clip.framelog", &len);
    text = realloc(text, len + 1);
    assert_non_null(text);
    text[len] = '\0';
    return text;
}

static int settle(struct fixture *f)
{
    return journal_settle(NULL, f->log, f->media, f->voices, LENGTH_MS);
}

static struct framelog_summary settled(struct fixture *f)
{
    assert_int_equal(settle(f), 0);
    return framelog_check(f->path);
}

/** What the files have of the first pictures. */
struct pictures {
    struct framelog_record records[10];
    unsigned count;
};

static int note_picture(void *ctx, const struct webm_frame *frame)
{
    struct pictures *p = ctx;
    if (frame->format == FORMAT_OPUS || p->count == 10)
        return 0;
    struct framelog_record *r = &p->records[p->count++];
    *r = (struct framelog_record){
        .at_ms = frame->at_ms, .key = frame->key, .len = (uint32_t)frame->len};
    SHA256(frame->data, frame->len, r->sha256);
    return 0;
}

/** The line of a picture, with what only the recorder can know of it. */
static size_t claim(char *to, size_t size, struct framelog_record r)
{
    r.type = FRAMELOG_FRAME;
    r.track = 1;
    r.unix_us = 1700000000000000 + r.at_ms * 1000;
    r.timestamp = r.at_ms * 90;
    r.seq = 77 + r.at_ms;
    r.recovered = true;
    int n = framelog_write(to, size, &r);
    assert_true(n > 0);
    return (size_t)n;
}

static void test_makes_a_log_of_the_files_alone(void **state)
{
    struct fixture *f = *state;
    struct framelog_summary s = settled(f); /* there was none */
    assert_int_equal(s.pictures, 25);
    assert_int_equal(s.mixed, 50);
    assert_int_equal(s.spoken, 50);
    assert_int_equal(s.unknown, 75); /* when they were captured is not in the files */
    assert_int_equal(s.end_ms, LENGTH_MS);
    assert_int_equal(s.start_unix_us, 0);
    char *first = read_log(f);
    assert_int_equal(settle(f), 0); /* and once more: nothing is to be done */
    char *second = read_log(f);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void test_what_is_broken_is_as_good_as_empty(void **state)
{
    static const char *const broken[] = {"",
                                         "\n",
                                         "loupe-framelog 9 1\n",
                                         "\x01\x02\x03",
                                         "frame 1 5 0 0 0 k- 9 00\n",
                                         "loupe-framelog 1 170000"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        write_log(f, broken[i]);
        struct framelog_summary s = settled(f);
        assert_int_equal(s.pictures, 25);
        assert_int_equal(s.spoken, 50);
        assert_int_equal(s.end_ms, LENGTH_MS);
    }
}

/** Begin, marks and gaps stay up to the line that was cut; the frames behind it are found in the files. */
static void test_keeps_what_stood_there_before_the_cut(void **state)
{
    struct fixture *f = *state;
    static char text[16384];
    int head = snprintf(text, sizeof text,
                        "loupe-framelog 1 1700000000000000\n"
                        "track 1 video VP8 ann\n"
                        "mark 0 size 160x120\n"
                        "gap 5 45 3 1\n");
    write_log(f, text);
    struct framelog_summary s = settled(f);
    assert_int_equal(s.start_unix_us, 1700000000000000);
    assert_int_equal(s.marks, 1);
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.gap_packets, 3);
    char *log = read_log(f);
    assert_non_null(strstr(log, "track 1 video VP8 ann\n"));
    free(log);
    (void)snprintf(text + head, sizeof text - (size_t)head, "mark 500 mut");
    write_log(f, text);
    assert_int_equal(settled(f).marks, 1); /* half a line is none */
}

/** The pictures that were really written have the recorder's knowledge; those only claimed are gone. */
static void test_tells_of_no_frame_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    static char text[32768];
    struct pictures there = {0};
    assert_int_equal(webm_each(NULL, f->media, note_picture, &there), 0);
    size_t len = (size_t)snprintf(text, sizeof text,
                                  "loupe-framelog 1 1700000000000000\ntrack 1 video VP8 ann\n");
    for (unsigned i = 0; i < 10; i++) {
        struct framelog_record between = {.at_ms = there.records[i].at_ms + 20, .len = 9};
        len += claim(text + len, sizeof text - len, there.records[i]);
        len += claim(text + len, sizeof text - len, between);
    }
    write_log(f, text);
    struct framelog_summary s = settled(f);
    assert_int_equal(s.pictures, 25);
    assert_int_equal(s.recovered, 10);
    assert_int_equal(s.unknown, 65);
}

static void test_what_is_told_of_beyond_the_end_goes(void **state)
{
    struct fixture *f = *state;
    write_log(f, "loupe-framelog 1 1700000000000000\n"
                 "track 1 video VP8 ann\n"
                 "mark 1000 muted\n"
                 "mark 1001 unmuted\n"
                 "gap 965 4000 9 2\n"
                 "gap 1000 1200 9 2\n"
                 "end 4000\n");
    struct framelog_summary s = settled(f);
    assert_int_equal(s.marks, 1);
    assert_int_equal(s.gaps, 1);
    assert_int_equal(s.last_gap.at_ms, 965);
    assert_int_equal(s.last_gap.to_ms, LENGTH_MS);
    assert_int_equal(s.end_ms, LENGTH_MS);
}

/** A voice that is in no file is named no more, nor are its gaps. */
static void test_names_voices_that_can_be_heard(void **state)
{
    struct fixture *f = *state;
    write_log(f, "loupe-framelog 1 1700000000000000\n"
                 "track 16 voice opus ann\n"
                 "track 17 voice opus bob\n"
                 "voice_gap 16 100 200 5\n"
                 "voice_gap 17 100 200 5\n");
    struct framelog_summary s = settled(f);
    assert_int_equal(s.voices, 1);
    assert_int_equal(s.voice_gaps, 1);
    assert_int_equal(s.last_voice_gap.track, VOICE);
    char *log = read_log(f);
    assert_non_null(strstr(log, "track 16 voice opus ann\n"));
    assert_null(strstr(log, "bob"));
    free(log);
}

static void test_a_log_that_cannot_be_settled_stays(void **state)
{
    static const char before[] = "loupe-framelog 1 1700000000000000\ntrack 1 video VP8 ann\n";
    struct fixture *f = *state;
    unsigned files = scratch_count(&f->scratch) + 1;
    write_log(f, before);
    fsync_fails = true;
    assert_int_equal(settle(f), ER_IO);
    fsync_fails = false;
    assert_int_equal(journal_settle(NULL, f->log, scratch_path(&f->scratch, "none"), NULL, 1),
                     ER_NOT_FOUND);
    uint8_t junk[300];
    memset(junk, 0x42, sizeof junk);
    scratch_write(&f->scratch, "junk", junk, sizeof junk);
    assert_true(journal_settle(NULL, f->log, f->media, scratch_path(&f->scratch, "junk"), 1) < 0);
    char *log = read_log(f);
    assert_string_equal(log, before);
    free(log);
    assert_int_equal(scratch_count(&f->scratch), files + 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_makes_a_log_of_the_files_alone),
        TEST(test_what_is_broken_is_as_good_as_empty),
        TEST(test_keeps_what_stood_there_before_the_cut),
        TEST(test_tells_of_no_frame_that_is_not_there),
        TEST(test_what_is_told_of_beyond_the_end_goes),
        TEST(test_names_voices_that_can_be_heard),
        TEST(test_a_log_that_cannot_be_settled_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
